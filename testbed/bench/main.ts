/**
 * One preview, or one update, of one program in one fresh process, as `pulumi preview` has it: Node starts, imports the
 * SDK and the program, and the CLI runs it. Prints when each part was over, in milliseconds since the process started,
 * as one line of JSON.
 *
 *     node dist/testbed/bench/main.js PROGRAM.js PROJECT-FOLDER PROJECT STACK [up|destroy]
 */
import { performance } from "node:perf_hooks";
import * as automation from "@pulumi/pulumi/automation";
import type { Moments } from "./moments";

async function measure(
    programFile: string,
    folder: string,
    projectName: string,
    stackName: string,
    operation: string,
): Promise<Moments> {
    const sdkImported = performance.now();
    const program = require(programFile) as automation.PulumiFn;
    const programLoaded = performance.now();

    let programCalled = 0;
    let programReturned = 0;
    const timed: automation.PulumiFn = async () => {
        programCalled = performance.now();
        const outputs = await program();
        programReturned = performance.now();
        return outputs;
    };
    const stack = await automation.LocalWorkspace.selectStack(
        { stackName, projectName, program: timed },
        { workDir: folder },
    );
    const stackSelected = performance.now();
    if (operation === "up" || operation === "destroy") {
        await stack[operation]({ color: "never" });
        const moments = { sdkImported, programLoaded, stackSelected, programCalled, programReturned };
        return { ...moments, previewEnded: performance.now() };
    }
    const { changeSummary } = await stack.preview({ color: "never" });
    const previewEnded = performance.now();

    const changes = Object.entries(changeSummary).filter(([operation, count]) => operation !== "same" && count);
    if (changes.length > 0)
        throw new Error(`This preview was to change nothing, and would: ${JSON.stringify(changeSummary)}`);
    return { sdkImported, programLoaded, stackSelected, programCalled, programReturned, previewEnded };
}

const [programFile = "", folder = "", projectName = "", stackName = "", operation = "preview"] = process.argv.slice(2);
measure(programFile, folder, projectName, stackName, operation).then(
    (moments) => process.stdout.write(`${JSON.stringify(moments)}\n`),
    (error: Error) => {
        process.stderr.write(`${error.message}\n`);
        process.exitCode = 1;
    },
);
