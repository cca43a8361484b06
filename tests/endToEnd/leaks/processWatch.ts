/** What every process of this machine shows of itself, and the files of some folders, noted while a test runs. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";

/** Why nothing can be watched here; undefined where it can. */
export const noWatch = existsSync("/proc/self/environ") ? undefined : "what processes show is read in /proc";

export interface SeenProcess {
    pid: number;
    /** Its arguments, the program first. */
    args: string[];
    /** `NAME=value` each. */
    environment: string[];
    /** What it is to a reader: see {@link nameOf}. */
    name: string;
    /** The names of what started it, the nearest first. */
    startedBy: string[];
}
export interface SeenFile {
    file: string;
    content: string;
    /** Permissions. */
    mode: number;
}
export interface Seen {
    processes: SeenProcess[];
    files: SeenFile[];
    /** Processes of others, whose environment cannot be read. */
    unreadable: number;
}
export interface ProcessWatch {
    /** Resolves when all that is there now was looked at. */
    pass(): Promise<void>;
    /** Ends the watch. */
    stop(): Promise<Seen>;
}

interface Noted {
    processes: { pid: number; command: string; environment: string; ancestors: string[] }[];
    files: { file: string; content: string; mode: number }[];
    texts: Record<string, string>;
    unreadable: number;
}

/** Begins to watch. @param folders whose files are noted too, as often as they change */
export async function watchProcesses(...folders: string[]): Promise<ProcessWatch> {
    const child = spawn(process.execPath, [join(__dirname, "watch.cjs"), ...folders], {
        env: {},
        stdio: ["pipe", "pipe", "inherit"],
    });
    const waiting: ((line: string) => void)[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()?.(line));
    const ended = new Promise<never>((_, reject) =>
        child.once("close", (code) => reject(new Error(`The watch has ended with ${code}.`))),
    );
    ended.catch(() => undefined);
    const answer = () => Promise.race([new Promise<string>((resolve) => waiting.push(resolve)), ended]);
    await answer();
    return {
        async pass() {
            const passed = answer();
            child.stdin.write("pass\n");
            await passed;
        },
        async stop() {
            const last = answer();
            child.stdin.end();
            const { processes, files, texts, unreadable } = JSON.parse(await last) as Noted;
            return {
                unreadable,
                files: files.map(({ content, ...file }) => ({ ...file, content: texts[content]! })),
                processes: processes.map(({ pid, command, environment, ancestors }) => ({
                    pid,
                    args: words(command),
                    environment: words(texts[environment]!),
                    name: nameOf(words(command)),
                    startedBy: ancestors.map((ancestor) => nameOf(words(ancestor))),
                })),
            };
        },
    };
}

const words = (text: string) => text.split("\0").filter((word) => word !== "");

/**
 * What a process is to a reader, without the rest of its arguments: `pulumi`, `bash`, `npm`, `node cli/rotate.ts`,
 * `node @pulumi/pulumi/cmd/run`.
 */
export function nameOf(args: string[]): string {
    const [program = "", ...rest] = args;
    const name = basename(program.split(" ")[0]!);
    // npm has a title in place of its arguments.
    if (/^npm\b/.test(program)) return "npm";
    // `sh -c` of npm, which has the script as one word.
    const script = /build\/run\.cjs (\S+\.ts)/.exec(args.join(" "))?.[1];
    if (script !== undefined) return name === "node" ? `node ${script}` : `${name} -c node ${script}`;
    if (name !== "node") return name;
    const file = rest.find((word) => !word.startsWith("-"));
    // A text to be evaluated is no name.
    if (file === undefined || rest.some((word) => /^(-e|-p|--eval|--print)$/.test(word)))
        return `node ${rest[0] ?? ""}`.trim();
    if (/\/npm(-cli\.js)?$/.test(file)) return "npm";
    const inPackages = /node_modules\/(.*)$/.exec(file)?.[1];
    return `node ${inPackages ?? file.split("/").slice(-2).join("/")}`;
}
