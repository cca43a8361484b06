/**
 * The processes of an SSH host: found by their parent, or by a mark in the environment that their session began with.
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";

export interface ProcessEntry {
    pid: number;
    parent: number;
    /** The name of the program, without its folder. */
    name: string;
}

const hasProc = fs.existsSync("/proc/self/stat");

export function processTable(): ProcessEntry[] {
    if (!hasProc) {
        return execFileSync("ps", ["-axo", "pid=,ppid=,comm="], { encoding: "utf8" })
            .split("\n")
            .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
            .filter((match) => match !== null)
            .map((match) => ({
                pid: Number(match[1]),
                parent: Number(match[2]),
                name: (match[3] as string).split("/").pop() as string,
            }));
    }
    const entries: ProcessEntry[] = [];
    for (const pid of processIds()) {
        // The name is in parentheses and may itself contain some.
        const match = /^\d+ \((.*)\) \S (\d+) /s.exec(readOrEmpty(`/proc/${pid}/stat`));
        if (match) entries.push({ pid, parent: Number(match[2]), name: match[1] as string });
    }
    return entries;
}

/** Everything below a process, children before their own children. */
export function descendants(ancestor: number, table = processTable()): ProcessEntry[] {
    const found: ProcessEntry[] = [];
    let parents = new Set([ancestor]);
    while (parents.size > 0) {
        const children = table.filter((entry) => parents.has(entry.parent));
        found.push(...children);
        parents = new Set(children.map((entry) => entry.pid));
    }
    return found;
}

/**
 * The total memory of a process and everything below it, in megabytes. On Linux a page that several processes share
 * counts once (PSS), so a second Node does not count its program again; elsewhere this is the resident memory.
 *
 * @param counts which of the processes below it count. Default: all, and the process itself
 */
export function memoryBelow(ancestor: number, counts?: (entry: ProcessEntry) => boolean): number {
    const below = descendants(ancestor);
    const pids = counts ? below.filter(counts).map(({ pid }) => pid) : [ancestor, ...below.map(({ pid }) => pid)];
    if (!hasProc) {
        const resident = execFileSync("ps", ["-axo", "pid=,rss="], { encoding: "utf8" })
            .split("\n")
            .map((line) => line.trim().split(/\s+/).map(Number));
        return resident.reduce((sum, [pid, kilobytes]) => sum + (pids.includes(pid!) ? kilobytes! / 1024 : 0), 0);
    }
    return pids.reduce((sum, pid) => {
        const [, kilobytes = "0"] = /^Pss: +(\d+) kB/m.exec(readOrEmpty(`/proc/${pid}/smaps_rollup`)) ?? [];
        return sum + Number(kilobytes) / 1024;
    }, 0);
}

/**
 * Ends every process whose environment began with `mark` (`NAME=value`): a command that lost its connection has no
 * parent any more. Works only on Linux; elsewhere it finds nothing.
 */
export function endMarked(mark: string): void {
    if (!hasProc) return;
    // A process may fork while the list is read, so it is read until it comes out empty.
    for (let round = 0; round < 10; round++) {
        const marked = processIds().filter(
            (pid) => pid !== process.pid && readOrEmpty(`/proc/${pid}/environ`).split("\0").includes(mark),
        );
        if (marked.length === 0) return;
        for (const pid of marked) endProcess(pid);
    }
}

/** Ends a process, or with a negative number its process group; it is no error if it has already ended. */
export function endProcess(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
    try {
        process.kill(pid, signal);
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
}

function processIds(): number[] {
    return fs
        .readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name))
        .map(Number);
}

function readOrEmpty(file: string): string {
    try {
        return fs.readFileSync(file, "latin1");
    } catch {
        return ""; // it ended meanwhile, or belongs to somebody else
    }
}
