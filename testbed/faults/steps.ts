/**
 * The steps of a script that runs unchanged. It finds its tools on its PATH; the tools made here record each call
 * before they run the real tool, or wait there until they are told how to continue.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Tools that change something or send requests; each call is a step. All others only read. */
const TOOLS = ["mv", "cp", "ln", "rm", "rmdir", "mkdir", "chmod", "chown", "touch", "sync", "curl", "cmp", "df"];

export interface Waiting {
    /** The shell that called the tool: a part of the script. */
    caller: number;
    /** The tool that waits. */
    tool: number;
    step: string;
}

/** How a tool continues: normally, or by failing with this message and exit code 1. */
export type Verdict = "go on" | { fail: string };

export class Steps {
    /** To be prepended to the PATH of the script. */
    readonly folder: string;
    private readonly control: string;

    /**
     * @param replaced texts that differ from run to run, by their replacements in the names of the steps.
     * @param commands further commands: from the name in `folder` to the program that is run.
     */
    constructor(folder: string, replaced: Record<string, string>, commands: Record<string, string>) {
        this.folder = join(folder, "tools");
        this.control = join(folder, "steps");
        mkdirSync(this.folder);
        mkdirSync(this.control);
        const all: Record<string, string> = { ...commands };
        for (const tool of TOOLS) {
            const real = onPath(tool);
            if (real) all[tool] = real;
        }
        const sed = [
            ...Object.entries(replaced).map(([text, name]) => `s|${text}|${name}|g`),
            "s|[^ ]*/zot-hardening\\.[0-9]*\\.[A-Za-z0-9]*|PAYLOAD|g",
            "s|[0-9a-f]\\{64\\}|HASH|g",
            "s|claims/[^ ]*|claims/CLAIM|g",
            "s|pushes/[0-9]*|pushes/N|g",
        ];
        for (const [name, real] of Object.entries(all)) {
            const file = join(this.folder, name);
            writeFileSync(file, stepScript(name, real, this.control, sed.join("; ")));
            chmodSync(file, 0o755);
        }
    }

    /**
     * Begins to count; with `step`, the call with that number waits. The first is 1; an immediate repetition of the
     * same call is no new step.
     */
    begin(step?: number): void {
        rmSync(this.control, { recursive: true, force: true });
        mkdirSync(this.control);
        // A tool may be called as zot's user.
        chmodSync(this.control, 0o777);
        writeFileSync(join(this.control, "armed"), `${step ?? 0}`);
        writeFileSync(join(this.control, "on"), "");
    }

    /** Stops counting; a waiting tool continues. */
    end(): void {
        rmSync(join(this.control, "on"), { force: true });
    }

    /** The steps so far. */
    names(): string[] {
        const file = join(this.control, "names");
        return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
    }

    /** Waits until the armed step is reached; undefined if `ended` comes first. */
    async reached(ended: Promise<unknown>): Promise<Waiting | undefined> {
        let over = false;
        void ended.then(() => (over = true));
        for (;;) {
            const hit = join(this.control, "hit");
            if (existsSync(hit)) {
                const [tool, caller] = readFileSync(hit, "utf8").trim().split(" ").map(Number);
                return { tool: tool!, caller: caller!, step: this.names().at(-1) ?? "" };
            }
            if (over) return undefined;
            await new Promise((resolve) => setTimeout(resolve, 5));
        }
    }

    /** Tells the tool that waits how to go on; from then on nothing waits any more. */
    answer(verdict: Verdict): void {
        this.end();
        const file = join(this.control, "verdict");
        writeFileSync(`${file}.new`, verdict === "go on" ? "" : `${verdict.fail}\n`);
        renameSync(`${file}.new`, file);
    }
}

/** A POSIX shell script, which must not itself use what stands before it on the PATH. */
function stepScript(name: string, real: string, control: string, sed: string): string {
    const own = (tool: string) => onPath(tool) ?? tool;
    return `#!/bin/sh
if [ -e '${control}/on' ]; then
    mask=$(umask)
    umask 0
    label=$(printf '%s' "${name} $*" | ${own("tr")} '\\n' ' ' | ${own("sed")} '${sed.replaceAll("'", "'\\''")}')
    last=
    [ ! -e '${control}/last' ] || read -r last <'${control}/last'
    if [ "$label" != "$last" ]; then
        printf '%s\\n' "$label" >'${control}/last'
        printf '%s\\n' "$label" >>'${control}/names'
        count=$(${own("wc")} -l <'${control}/names')
        read -r armed <'${control}/armed'
        if [ "$count" -eq "$armed" ]; then
            echo "$$ $PPID" >'${control}/hit.new'
            ${own("mv")} '${control}/hit.new' '${control}/hit'
            while [ ! -e '${control}/verdict' ]; do ${own("sleep")} 0.01; done
            message=$(${own("cat")} '${control}/verdict')
            if [ -n "$message" ]; then
                echo "${name}: $message" >&2
                exit 1
            fi
        fi
    fi
    umask "$mask"
fi
exec '${real}' "$@"
`;
}

export function onPath(name: string): string | undefined {
    const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/bin", "/bin", "/usr/sbin", "/sbin"];
    return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}
