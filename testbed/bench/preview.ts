/** Runs previews in processes of their own, and measures them. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type { Toolchain } from "../bootstrap/toolchain.cjs";
import { memoryBelow } from "../sshHost/processes";
import { type Moments, partsOf } from "./moments";

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

/** Runs a command to its end, with `input` on its standard input. It throws with what was said where that is not a success. */
export async function finish(
    file: string,
    args: string[],
    options: { cwd: string; env: NodeJS.ProcessEnv; input?: string },
): Promise<Ended> {
    const { stdout, stderr, code, seconds } = await runToEnd(file, args, options);
    if (code !== 0) throw new Error(`${[file, ...args].join(" ")} ended with ${code}:\n${stdout}${stderr}`);
    return { stdout, seconds };
}

async function runToEnd(
    file: string,
    args: string[],
    { input = "", ...options }: { cwd: string; env: NodeJS.ProcessEnv; input?: string },
) {
    const started = performance.now();
    const child = spawn(file, args, { ...options, stdio: ["pipe", "pipe", "pipe"] });
    // A process that ends early has said why, and does not read on.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const [stdout, stderr, code] = await Promise.all([textOf(child.stdout), textOf(child.stderr), endOf(child)]);
    return { stdout, stderr, code, seconds: (performance.now() - started) / 1000 };
}

/** What a preview took. */
export interface Cost {
    seconds: number;
    /** The most memory that one of its Node processes had at once. */
    megabytes: number;
    /** Time on a processor of its Node processes, added up. */
    processorSeconds: number;
}

/**
 * What a preview costs, whether it succeeds or is refused: by the CLI and its language host, else as an inline program.
 *
 * @param refusal what the CLI has to say; undefined if it has to succeed
 * @throws Error with what was said, where the preview ends otherwise
 */
export async function costOfPreview(
    { node, pulumi }: Toolchain,
    measured: MeasuredStack,
    refusal: string | undefined,
    root: string,
): Promise<Cost> {
    const usage = join(measured.folder, "usage.jsonl");
    rmSync(usage, { force: true });
    const env = {
        ...measured.environment,
        NODE_OPTIONS: `--require=${join(root, "testbed", "bench", "usage.cjs")}`,
        BENCH_USAGE: usage,
    };
    const { folder, stack, project, program } = measured;
    const { stdout, stderr, code, seconds } = pulumi.languageHost
        ? await runToEnd(pulumi.path, previewArguments(stack), { cwd: folder, env })
        : await runToEnd(
              node.path,
              [join(root, "dist", "testbed", "bench", "main.js"), program, folder, project, stack],
              { cwd: folder, env },
          );
    const said = `${stdout}${stderr}`;
    if (refusal === undefined ? code !== 0 : code === 0 || !said.includes(refusal))
        throw new Error(
            `A preview was to ${refusal === undefined ? "succeed" : `say "${refusal}"`}. It said:\n${said}`,
        );
    const processes = readFileSync(usage, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { megabytes: number; seconds: number });
    return {
        seconds,
        megabytes: Math.max(...processes.map(({ megabytes }) => megabytes)),
        processorSeconds: processes.reduce((sum, process) => sum + process.seconds, 0),
    };
}

const previewArguments = (stack: string) => ["preview", "--stack", stack, "--non-interactive", "--color", "never"];

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

/**
 * An operation to its end, without questions and without a preview before it: by the CLI and its language host, else as
 * an inline program, of which the selection of the stack does not count. In seconds.
 */
export async function operate(
    { node, pulumi }: Toolchain,
    root: string,
    measured: MeasuredStack,
    operation: "up" | "destroy",
): Promise<number> {
    const { folder, project, stack, program, environment } = measured;
    const options = { cwd: folder, env: environment };
    if (pulumi.languageHost) {
        const skip = operation === "up" ? ["--skip-preview"] : [];
        const args = [operation, "--stack", stack, "--yes", ...skip, "--non-interactive", "--color", "never"];
        return (await finish(pulumi.path, args, options)).seconds;
    }
    const runner = join(root, "dist", "testbed", "bench", "main.js");
    const { stdout } = await finish(node.path, [runner, program, folder, project, stack, operation], options);
    return partsOf(JSON.parse(stdout) as Moments).total;
}

/** A preview by the ordinary CLI and its language host, in seconds. */
export async function previewByCli(pulumi: string, measured: MeasuredStack): Promise<number> {
    const args = [...previewArguments(measured.stack), "--expect-no-changes"];
    return (await finish(pulumi, args, { cwd: measured.folder, env: measured.environment })).seconds;
}

/** How often memory is looked at, in milliseconds. */
const LOOK = 40;

/** The most memory that a preview by the ordinary CLI has at once, in megabytes; a page that is shared counts once. */
export interface Memory {
    /** Of the CLI, the language host, the program and all providers. */
    all: number;
    /** Of its Node processes: the program, and the providers that are this project's. */
    node: number;
}

/** What a preview by the ordinary CLI and its language host takes of memory. */
export async function memoryOfPreview(pulumi: string, { folder, stack, environment }: MeasuredStack): Promise<Memory> {
    const most: Memory = { all: 0, node: 0 };
    const child = spawn(pulumi, previewArguments(stack), { cwd: folder, env: environment, stdio: "ignore" });
    const looking = setInterval(() => {
        most.all = Math.max(most.all, memoryBelow(child.pid!));
        most.node = Math.max(
            most.node,
            memoryBelow(child.pid!, ({ name }) => name === "node" || name === "MainThread"),
        );
    }, LOOK);
    const code = await endOf(child);
    clearInterval(looking);
    if (code !== 0) throw new Error(`pulumi preview ended with ${code}`);
    return most;
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
