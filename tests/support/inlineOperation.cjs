// node inlineOperation.cjs FOLDER STACK preview|up|destroy: an operation whose program fails, in a process of its own,
// since a failed inline program leaves rejected promises behind. Prints what the CLI prints; the exit code says how it
// ended.
"use strict";
const path = require("node:path");
const { LocalWorkspace } = require("@pulumi/pulumi/automation");
const { compiled } = require(path.join(__dirname, "..", "..", "build", "compile.cjs"));

async function main([folder, stackName, operation, refresh]) {
    const stack = await LocalWorkspace.selectStack(
        { stackName, projectName: "zot-hardening", program: require(compiled("index.ts")) },
        { workDir: folder },
    );
    try {
        await stack[operation]({
            color: "never",
            refresh: refresh === "--refresh",
            onOutput: (text) => process.stdout.write(text),
        });
    } catch {
        // The CLI has printed the reason.
        process.exitCode = 1;
    }
}
void main(process.argv.slice(2)).then(() => process.exit());
