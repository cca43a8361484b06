/** Starts programs for a command. */
import { spawn } from "node:child_process";
import { UserError } from "../../clients/userError";
import { EXIT } from "./command";

/** The message about a program that could not be started. */
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
 * Ctrl-C reaches this process too. On a busy machine that can be a moment after a program that it has ended is gone, so
 * the wait for that program lasts this much longer, in milliseconds.
 */
const SIGNAL_LAG = 200;

export interface OnTerminal {
    folder: string;
    env: NodeJS.ProcessEnv;
    /** Whether it may ask questions: it has this command's standard input. */
    asks: boolean;
}

/**
 * Runs a program as if typed here: its output is shown unchanged.
 *
 * @returns its exit code; that of a defect if a signal ended it
 * @throws UserError if it cannot be started
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
