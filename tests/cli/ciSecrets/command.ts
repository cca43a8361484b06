/** Runs a command of the project as an operator does, in an environment of its own. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const { compiled } = require("../../../build/compile.cjs") as { compiled: (source: string) => string };

export interface Ran {
    status: number | null;
    stdout: string;
    stderr: string;
}

const folders: string[] = [];

export function scratch(): string {
    const folder = mkdtempSync(join(tmpdir(), "ci-secrets-test-"));
    folders.push(folder);
    return folder;
}

export const removeScratch = () =>
    folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true }));

/** @param source for example `cli/ci-secrets.ts`, compiled first if need be */
export function runCommand(
    source: string,
    args: readonly string[],
    { env = {}, input = "", cwd }: { env?: Record<string, string>; input?: string; cwd?: string } = {},
): Promise<Ran> {
    const child = spawn(process.execPath, [compiled(source), ...args], {
        cwd,
        env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, ...env },
        stdio: "pipe",
    });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    return new Promise((resolve) =>
        child.on("close", (status) =>
            resolve({ status, stdout: Buffer.concat(output).toString(), stderr: Buffer.concat(errors).toString() }),
        ),
    );
}

/**
 * A folder with an executable `pulumi` that writes down how it was called, and on standard output what it is told to.
 */
export function fakePulumi(folder: string, output: string): { env: Record<string, string>; calls: string } {
    const calls = join(folder, "calls");
    writeFileSync(join(folder, "output"), output, { mode: 0o600 });
    const script =
        `#!/bin/sh\n{ for a in "$@"; do printf '<%s>' "$a"; done; echo; env; echo "stdin: $(cat)"; ` +
        `} >>'${calls}'\ncat '${join(folder, "output")}'\n`;
    writeFileSync(join(folder, "pulumi"), script, { mode: 0o755 });
    return { env: { PATH: `${folder}:${dirname(process.execPath)}:/usr/bin:/bin` }, calls };
}
