/** Runs the Pulumi CLI for what it alone knows; secrets come and go by its streams. */
import { spawn } from "node:child_process";
import { UserError } from "../../clients/userError";
import { busy } from "./command";
import { pulumiVariables } from "./environment";
import { notStarted } from "./started";

export interface PulumiRun {
    /** The folder of the project. */
    folder: string;
    /** Given on standard input; nothing else is. */
    input?: string;
    /** Variables that Pulumi gets beside its own. */
    env?: Record<string, string>;
    /**
     * Whether Ctrl-C at the terminal is kept from it, for work that has to come to its end before it is undone. Default:
     * no.
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
        // A CLI that ends early closes the pipe; its exit code says why.
        child.stdin.on("error", () => undefined);
        child.stdin.end(input ?? "");
    });
}

/**
 * The token for Authentik that a stack's configuration holds; undefined where it has none, whatever stands in the way.
 *
 * @param folder the project's
 */
export async function tokenInStack(stack: string, folder: string): Promise<string | undefined> {
    const args = ["config", "get", "authentik:token", "--stack", stack];
    const token = await pulumi(args, "read authentik:token", { folder }).catch(() => "");
    return token.trim() || undefined;
}
