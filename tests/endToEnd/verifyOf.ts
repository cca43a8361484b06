/** `npm run verify` of a scratch stack, as an operator runs it: in the project's folder, by the token of the stack. */
import { spawn } from "node:child_process";
import type { Report } from "../../cli/verify/report/report";
import { toolchainEnvironment } from "../../testbed/bootstrap/toolchain.cjs";
import { type ScratchStack, STACK } from "../../testbed/site/scratchStack";

const { compiled } = require("../../build/compile.cjs") as { compiled: (source: string) => string };

export interface Verified {
    code: number | null;
    report: Report;
    stdout: string;
    stderr: string;
}

/** @throws Error with what it said where it printed no report */
export async function verifyOf(scratch: ScratchStack, ...args: string[]): Promise<Verified> {
    const { AUTHENTIK_URL: _url, AUTHENTIK_TOKEN: _token, ...environment } = toolchainEnvironment(scratch.toolchain);
    const child = spawn(scratch.toolchain.node.path, [compiled("cli/verify.ts"), "--stack", STACK, "--json", ...args], {
        cwd: scratch.folder,
        env: { ...environment, ...scratch.environment },
        stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const code = await new Promise<number | null>((done) => child.once("close", done));
    if (!stdout) throw new Error(stderr);
    return { code, report: JSON.parse(stdout) as Report, stdout, stderr };
}
