/** Programs that a command starts. */
import { spawn } from "node:child_process";
import { UserError } from "../../clients/userError";
import { EXIT } from "./command";

/** What a person is told of a program that could not be started. */
export function notStarted(file: string, error: NodeJS.ErrnoException): UserError {
    const isPulumi = file === "pulumi";
    if (error.code !== "ENOENT")
        return new UserError(`${isPulumi ? "Pulumi" : file} could not be started: ${error.message}`);
    return new UserError(
        isPulumi
            ? "The Pulumi CLI is not on the PATH; install it: https://www.pulumi.com/docs/install/"
            : `${file} is not on the PATH; install it.`,
    );
}

/**
 * Ctrl-C reaches this process too, and on a busy machine a moment after a program that it has ended is gone: what waits
 * for that program is to know of the signal first. In milliseconds.
 */
const SIGNAL_LAG = 200;

export interface OnTerminal {
    folder: string;
    env: NodeJS.ProcessEnv;
    /** Whether it may ask: it has this command's standard input. */
    asks: boolean;
}

/**
 * Runs a program as if typed here: what it writes is seen as it is.
 *
 * @returns its exit code; that of a defect where a signal ended it
 * @throws UserError where it cannot be started
 */
export function runOnTerminal(
    file: string,
    args: readonly string[],
    { folder, env, asks }: OnTerminal,
): Promise<number> {
    return new Promise((resolve, reject) => {
        const child = spawn(file, args, {
            cwd: folder,
            env,
            stdio: [asks ? "inherit" : "ignore", "inherit", "inherit"],
        });
        child.on("error", (error) => reject(notStarted(file, error)));
        child.on("close", (code) => {
            const end = () => resolve(code ?? EXIT.defect);
            if (code === 0) end();
            else setTimeout(end, SIGNAL_LAG);
        });
    });
}
