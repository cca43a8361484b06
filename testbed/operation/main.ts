/**
 * One operation of the program in one fresh process, inline, as it is measured: what the CLI prints goes on, and the
 * exit code says how it ended.
 *
 *     node dist/testbed/operation/main.js PROGRAM.js PROJECT-FOLDER PROJECT STACK preview|up
 */
import * as automation from "@pulumi/pulumi/automation";

async function operate([programFile = "", folder = "", projectName = "", stackName = "", operation]: string[]) {
    const program = require(programFile) as automation.PulumiFn;
    const stack = await automation.LocalWorkspace.selectStack({ stackName, projectName, program }, { workDir: folder });
    const onOutput = (text: string) => void process.stdout.write(text);
    try {
        if (operation === "up") await stack.up({ color: "never", onOutput });
        else await stack.preview({ color: "never", onOutput });
    } catch {
        // The CLI has printed the reason.
        process.exitCode = 1;
    }
}

void operate(process.argv.slice(2)).then(() => process.exit());
