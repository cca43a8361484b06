/** Runs the Pulumi CLI for what only it knows; secrets travel on its streams. */
import { spawn } from "node:child_process";
import { UserError } from "../../clients/userError";
import { busy } from "./command";
import { pulumiVariables } from "./environment";
import { notStarted } from "./started";

export interface PulumiRun {
    /** The folder of the project. */
    folder: string;
    /** Its standard input. Default: empty. */
    input?: string;
    /** Additional environment variables for Pulumi. */
    env?: Record<string, string>;
    /**
     * Whether Ctrl-C at the terminal is kept from it, for work that has to finish before it can be undone. Default: no.
     */
    isGuarded?: boolean;
}

/**
 * @param what it is run for, as the end of "Pulumi could not …"
 * @returns what it wrote to standard output
 * @throws UserError with what it wrote to standard error
 */
export function pulumi(
    args: readonly string[],
    what: string,
    { folder, input, env: more = {}, isGuarded = false }: PulumiRun,
): Promise<string> {
    const env = { ...pulumiVariables(), PULUMI_SKIP_UPDATE_CHECK: "true", ...more };
    busy(`Waiting for pulumi ${args.slice(0, 2).join(" ")}`);
    return new Promise((resolve, reject) => {
        const child = spawn("pulumi", [...args, "--non-interactive"], {
            cwd: folder,
            env,
            detached: isGuarded,
            stdio: ["pipe", "pipe", "pipe"],
        });
        const output: Buffer[] = [];
        const errors: Buffer[] = [];
        child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
        child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
        child.on("error", (error) => reject(notStarted("pulumi", error)));
        child.on("close", (code, signal) => {
            if (code === 0) resolve(Buffer.concat(output).toString());
            else
                reject(
                    new UserError(
                        `Pulumi could not ${what} (${signal ?? `exit code ${code}`}): ` +
                            `${Buffer.concat(errors).toString().trim() || "it did not say why"}`,
                    ),
                );
        });
        // If the CLI ends early it closes the pipe; its exit code says why.
        child.stdin.on("error", () => undefined);
        child.stdin.end(input ?? "");
    });
}

/**
 * The token for Authentik in a stack's configuration; undefined if it has none, or if it cannot be read.
 *
 * @param folder the project's
 */
export async function tokenInStack(stack: string, folder: string): Promise<string | undefined> {
    const args = ["config", "get", "authentik:token", "--stack", stack];
    const token = await pulumi(args, "read authentik:token", { folder }).catch(() => "");
    return token.trim() || undefined;
}
