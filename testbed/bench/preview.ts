/** Runs previews in processes of their own, and measures them. */
import { type ChildProcess, spawn } from "node:child_process";
import { performance } from "node:perf_hooks";
import type { Moments } from "./moments";

/** A stack whose preview is measured. */
export interface MeasuredStack {
    /** Holds its Pulumi.yaml. */
    folder: string;
    project: string;
    stack: string;
    /** The compiled program. */
    program: string;
    /** Everything the CLI and the program need: PATH, backend, passphrase. */
    environment: NodeJS.ProcessEnv;
}

interface Ended {
    stdout: string;
    seconds: number;
}

/** Runs a command to its end. It throws with what was said where that is not a success. */
export async function finish(
    file: string,
    args: string[],
    options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<Ended> {
    const started = performance.now();
    const child = spawn(file, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    const [stdout, stderr, code] = await Promise.all([textOf(child.stdout), textOf(child.stderr), endOf(child)]);
    const seconds = (performance.now() - started) / 1000;
    if (code !== 0) throw new Error(`${[file, ...args].join(" ")} ended with ${code}:\n${stdout}${stderr}`);
    return { stdout, seconds };
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
    let text = "";
    for await (const chunk of stream) text += String(chunk);
    return text;
}

function endOf(child: ChildProcess): Promise<number | string | null> {
    return new Promise((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code, signal) => resolve(signal ?? code));
    });
}

/** A preview as an inline program of the Automation API, in a fresh Node: needs no language host. */
export async function previewInline(node: string, runner: string, measured: MeasuredStack): Promise<Moments> {
    const { folder, project, stack, program, environment } = measured;
    const { stdout } = await finish(node, [runner, program, folder, project, stack], { cwd: folder, env: environment });
    return JSON.parse(stdout) as Moments;
}

/** A preview by the ordinary CLI and its language host, in seconds. */
export async function previewByCli(pulumi: string, measured: MeasuredStack): Promise<number> {
    const args = ["preview", "--stack", measured.stack, "--non-interactive", "--color", "never", "--expect-no-changes"];
    return (await finish(pulumi, args, { cwd: measured.folder, env: measured.environment })).seconds;
}

/**
 * How long a provider takes to be ready: until it has printed the port it listens on. In seconds.
 * @param executable the plugin's
 */
export async function startOfProvider(executable: string, env: NodeJS.ProcessEnv): Promise<number> {
    const started = performance.now();
    const child = spawn(executable, ["127.0.0.1:1"], { env, stdio: ["ignore", "pipe", "ignore"] });
    const ended = endOf(child);
    try {
        const port = new Promise<void>((resolve) => child.stdout.once("data", () => resolve()));
        const early = ended.then((code) => {
            throw new Error(`${executable} ended with ${code} instead of listening`);
        });
        await Promise.race([port, early]);
        return (performance.now() - started) / 1000;
    } finally {
        child.kill("SIGTERM");
        await ended.catch(() => undefined);
    }
}
