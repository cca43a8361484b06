/**
 * A command in a session of its own, with pipes as sshd gives them: a socket in their place could not be opened as
 * `/dev/stderr`.
 */
import { execFileSync, type StdioOptions, spawn } from "node:child_process";
import { type EventEmitter, once } from "node:events";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import type { Readable, Writable } from "node:stream";

export interface RunningCommand {
    pid: number;
    stdin: Writable;
    stdout: Readable;
    stderr: Readable;
    /** Whether the process has ended; what it started may still hold its output. */
    hasEnded(): boolean;
    ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export interface CommandOptions {
    cwd: string;
    env: Record<string, string>;
    /** A folder for the names of its pipes, which are gone when the command runs. */
    folder: string;
}

/** Starts a program. Throws if it cannot be started, for example because its arguments are too long. */
export async function startCommand(file: string, args: string[], options: CommandOptions): Promise<RunningCommand> {
    const pipes = namedPipes(options.folder);
    const stdio: StdioOptions = pipes ? [pipes.in.theirs, pipes.out.theirs, pipes.err.theirs] : "pipe";
    try {
        const child = spawn(file, args, { cwd: options.cwd, env: options.env, stdio, detached: true });
        const ended = exitOf(child);
        // Fails if the program is missing; `ended` is then useless.
        ended.catch(() => {});
        await once(child, "spawn");
        let over = false;
        void ended.then(() => (over = true));
        return {
            pid: child.pid as number,
            stdin: pipes
                ? new net.Socket({ fd: pipes.in.ours, readable: false, writable: true })
                : (child.stdin as Writable),
            stdout: pipes
                ? new net.Socket({ fd: pipes.out.ours, readable: true, writable: false })
                : (child.stdout as Readable),
            stderr: pipes
                ? new net.Socket({ fd: pipes.err.ours, readable: true, writable: false })
                : (child.stderr as Readable),
            hasEnded: () => over,
            ended,
        };
    } catch (error) {
        for (const pipe of pipes ? Object.values(pipes) : []) fs.closeSync(pipe.ours);
        throw error;
    } finally {
        for (const pipe of pipes ? Object.values(pipes) : []) fs.closeSync(pipe.theirs);
    }
}

async function exitOf(child: EventEmitter): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    return { code, signal };
}

interface Pipe {
    ours: number;
    theirs: number;
}

let pipesMade = 0;

/** Node makes sockets instead of pipes, so the pipes come from the file system. Undefined if it supports none. */
function namedPipes(folder: string): { in: Pipe; out: Pipe; err: Pipe } | undefined {
    const names = ["in", "out", "err"].map((name) => path.join(folder, `${name}-${pipesMade}`));
    pipesMade++;
    try {
        execFileSync("mkfifo", ["-m", "600", ...names], { stdio: "ignore" });
    } catch {
        return undefined;
    }
    const { O_RDONLY, O_WRONLY, O_RDWR } = fs.constants;
    const [input, output, errors] = names.map((name, index) => {
        // Opening one end waits for the other, unless something holds both.
        const both = fs.openSync(name, O_RDWR);
        const reading = fs.openSync(name, O_RDONLY);
        const writing = fs.openSync(name, O_WRONLY);
        fs.closeSync(both);
        fs.rmSync(name);
        return index === 0 ? { ours: writing, theirs: reading } : { ours: reading, theirs: writing };
    }) as [Pipe, Pipe, Pipe];
    return { in: input, out: output, err: errors };
}
