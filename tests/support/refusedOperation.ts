/** An operation of the program that is expected to fail. */
import { execFile } from "node:child_process";
import { join, resolve } from "node:path";
import { toolchainEnvironment } from "../../testbed/bootstrap/toolchain.cjs";
import { type ScratchStack, STACK } from "../../testbed/site/scratchStack";

const SCRIPT = join(resolve(__dirname, "../.."), "tests/support/inlineOperation.cjs");

/**
 * In a process of its own, since a failed inline program leaves rejected promises behind. Answers what the CLI printed,
 * and how it ended.
 */
export const operationApart = (scratch: ScratchStack, ...operation: Operation[]) =>
    watchedOperation(scratch, operation);

type Operation = "preview" | "up" | "--refresh";

/** The same, and what the CLI prints is given on as it comes. */
export function watchedOperation(
    scratch: ScratchStack,
    operation: Operation[],
    onOutput: (text: string) => void = () => undefined,
): Promise<{ printed: string; succeeded: boolean }> {
    return new Promise((answer) => {
        const env = { ...toolchainEnvironment(scratch.toolchain), ...scratch.environment };
        const child = execFile(
            scratch.toolchain.node.path,
            [SCRIPT, scratch.folder, STACK, ...operation],
            { env, maxBuffer: 64 * 1024 * 1024 },
            (error, stdout, stderr) => answer({ printed: stdout + stderr, succeeded: !error }),
        );
        child.stdout?.on("data", (text: Buffer | string) => onOutput(String(text)));
    });
}
