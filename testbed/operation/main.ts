/**
 * One operation of the program in one fresh process, inline: what the CLI prints goes on, and the exit code says how it
 * ended. A failed inline program leaves rejected promises behind, which end with it.
 *
 *     node dist/testbed/operation/main.js PROGRAM.js PROJECT-FOLDER PROJECT STACK preview|up|destroy [--refresh]
 */
import * as automation from "@pulumi/pulumi/automation";

type Operation = "preview" | "up" | "destroy";

async function operate([programFile = "", folder = "", projectName = "", stackName = "", ...rest]: string[]) {
    const [operation, refresh] = rest as [Operation, string?];
    const program = require(programFile) as automation.PulumiFn;
    const stack = await automation.LocalWorkspace.selectStack({ stackName, projectName, program }, { workDir: folder });
    const onOutput = (text: string) => void process.stdout.write(text);
    try {
        await stack[operation]({ color: "never", refresh: refresh === "--refresh", onOutput });
    } catch {
        // The CLI has printed the reason.
        process.exitCode = 1;
    }
}

void operate(process.argv.slice(2)).then(() => process.exit());
