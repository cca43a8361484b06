import { type ChildProcess, spawn } from "node:child_process";
import * as path from "node:path";

export const root = path.resolve(__dirname, "../../..");
const { compiled } = require("../../../build/compile.cjs") as { compiled: (source: string) => string };
const program = compiled("cli/verify.ts");

export interface Ran {
    code: number | null;
    stdout: string;
    stderr: string;
}

export interface Running {
    child: ChildProcess;
    /** What it has said on standard error so far. */
    said: () => string;
    ended: Promise<Ran>;
}

/** Starts npm run verify with this environment and no more of it than a PATH. */
export function startVerify(
    args: string[],
    environment: NodeJS.ProcessEnv = {},
    options: { cwd?: string; during?: (child: ChildProcess, stderr: string) => void } = {},
): Running {
    const child = spawn(process.execPath, [program, ...args], {
        cwd: options.cwd ?? root,
        env: { PATH: "/usr/bin:/bin", ...environment },
        stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => {
        stderr += chunk.toString();
        options.during?.(child, stderr);
    });
    const ended = new Promise<Ran>((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
    return { child, said: () => stderr, ended };
}
