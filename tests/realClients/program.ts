/** Runs other people's programs, with nothing of the environment but what they are given. */
import { spawn } from "node:child_process";

export interface Ran {
    status: number | null;
    /** Standard output and errors, as a person sees them. */
    said: string;
}

export interface ProgramOptions {
    env: Record<string, string>;
    /** On standard input: where a credential goes. */
    input?: string;
    cwd?: string;
}

const TIMEOUT = 60_000;

export function runProgram(program: string, args: string[], { env, input, cwd }: ProgramOptions): Promise<Ran> {
    return new Promise((resolve, reject) => {
        const child = spawn(program, args, { env, cwd, stdio: ["pipe", "pipe", "pipe"], timeout: TIMEOUT });
        let said = "";
        child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
        child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
        child.once("error", reject);
        // Whoever does not read its input is not to be blamed for it.
        child.stdin.on("error", () => undefined);
        child.stdin.end(input ?? "");
        child.once("close", (status) => resolve({ status, said }));
    });
}

/** A server that runs until it is stopped. */
export interface Daemon {
    stop(): Promise<void>;
}

/** Starts a server and waits until it is ready. */
export async function startDaemon(
    program: string,
    args: string[],
    env: Record<string, string>,
    isReady: () => Promise<boolean>,
): Promise<Daemon> {
    const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const ended = new Promise<void>((resolve, reject) => {
        child.once("exit", () => resolve());
        child.once("error", reject);
    });
    const stop = async () => {
        if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
        await ended;
    };
    const deadline = Date.now() + 45_000;
    while (!(await isReady())) {
        if (child.exitCode !== null || Date.now() > deadline) {
            await stop();
            throw new Error(`${program} did not start:\n${said.slice(-3000)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return { stop };
}
