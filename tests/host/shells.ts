/** The shells and awks that the script has to run in, as far as this machine has them. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findExecutable, skippable } from "../../testbed/bootstrap/toolchain.cjs";

export interface Shell {
    name: string;
    /** The command and its first arguments. */
    command: string[];
    /** Why it cannot be had here. */
    reason?: string;
}

function found(name: string, program: string, args: string[] = [], of = `Debian's package ${program}`): Shell {
    const path = findExecutable(program);
    return { name, command: [path ?? program, ...args], reason: path ? undefined : `no ${program} here (${of})` };
}

const scratch: string[] = [];

export function scratchFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), "host-test-"));
    scratch.push(folder);
    return folder;
}

afterAll(() => {
    for (const folder of scratch.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** macOS's /bin/sh is bash by the name of sh, by which it is POSIX and reads no start-up files. */
function bashAsSh(): Shell {
    const shell = found("bash by the name of sh, as on macOS", "bash");
    if (shell.reason) return shell;
    const name = join(scratchFolder(), "sh");
    symlinkSync(shell.command[0]!, name);
    return { ...shell, command: [name] };
}

export const shells: Shell[] = [
    found("dash", "dash"),
    bashAsSh(),
    found("BusyBox ash", "busybox", ["ash"]),
    found("mksh", "mksh"),
];

/** The first that is here, for what has nothing to do with shells. */
export const dash = shells.find((shell) => shell.reason === undefined)!;

/** A test in each of them; in one that is not here it is skipped by name. */
export const eachShell = (name: string, test: (shell: Shell) => void) => {
    for (const shell of shells)
        (shell.reason ? it.skip : it)(skippable(`${name}: ${shell.name}`, shell.reason), () => test(shell));
};

/** A text as one word of a script: quoted for a shell. */
export const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** macOS has the one of its authors. */
export const awks: Shell[] = [
    found("mawk", "mawk"),
    found("gawk", "gawk"),
    found("the awk of its authors", "original-awk"),
    found("BusyBox awk", "busybox", ["awk"]),
];

export interface Answer {
    status: number | null;
    output: string;
    errors: string;
}

/** Runs a script in a shell, with PATH and a few variables. */
export function runIn(
    shell: Shell,
    script: string,
    options: { input?: string; env?: Record<string, string>; path?: string[] } = {},
): Answer {
    const [program, ...args] = shell.command;
    const { status, stdout, stderr } = spawnSync(program!, [...args, "-c", script], {
        input: options.input ?? "",
        encoding: "utf8",
        timeout: 30_000,
        env: { PATH: [...(options.path ?? []), process.env.PATH ?? "/usr/bin:/bin"].join(":"), ...options.env },
    });
    return { status, output: stdout, errors: stderr };
}

/** A folder in which a name stands for a command with its first arguments. */
export function aliases(commands: Record<string, string[]>): string {
    const folder = join(scratchFolder(), "bin");
    mkdirSync(folder);
    for (const [name, command] of Object.entries(commands)) {
        writeFileSync(join(folder, name), `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(" ")} "$@"\n`);
        chmodSync(join(folder, name), 0o755);
    }
    return folder;
}

/** A folder in which BusyBox is every tool it has. */
export function busyboxTools(busybox: string): string {
    const folder = join(scratchFolder(), "busybox");
    mkdirSync(folder);
    const { stdout } = spawnSync(busybox, ["--list"], { encoding: "utf8" });
    for (const name of stdout.split("\n").filter((line) => line && !["busybox", "sh", "ash"].includes(line)))
        symlinkSync(busybox, join(folder, name));
    return folder;
}
