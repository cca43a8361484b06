/** Makes the stack, with its secrets and its file: all of it, or nothing. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { pulumiVariables } from "../shared/environment";
import { onInterrupt, Steps } from "../shared/interrupt";
import { pulumi } from "../shared/pulumi";
import { runOnTerminal } from "../shared/started";
import { writeWhole } from "../shared/wholeFile";

export interface Backend {
    /** Where states are kept; undefined if Pulumi is not logged in. */
    url: string | undefined;
    /** Names of the stacks of this project. */
    stacks: string[];
}

/** The default place for states: a folder of this machine's user. */
export const LOCAL_BACKEND = "file://~/.pulumi-state";

/** Where the CLI is logged in, and which stacks of the project are there. */
export async function readBackend(folder: string): Promise<Backend> {
    const what = "say where states are kept";
    const said = await pulumi(["whoami", "--json"], what, { folder }).catch((error: Error) => {
        // A missing CLI is not a missing login.
        if (/not on the PATH|could not be started/.test(error.message)) throw error;
        return undefined;
    });
    if (said === undefined) return { url: undefined, stacks: [] };
    const { url } = JSON.parse(said) as { url?: string };
    const listed = await pulumi(["stack", "ls", "--json"], "list the stacks", { folder });
    return {
        url: url ?? "",
        stacks: (JSON.parse(listed) as { name: string }[]).map(({ name }) => name.split("/").at(-1)!),
    };
}

/** Logs in to a backend; creates a folder on this machine if it is one. */
export async function logIn(folder: string, url: string): Promise<void> {
    const path = /^file:\/\/(~\/)?(.*)$/.exec(url);
    // Pulumi uses the account's home folder, whatever HOME says.
    if (path) mkdirSync(path[1] ? join(userInfo().homedir, path[2]!) : path[2]!, { recursive: true, mode: 0o700 });
    await pulumi(["login", url], `log in to ${url}`, { folder });
}

/** Whether a backend leaves the encryption of secrets to a passphrase. */
export const needsPassphrase = (url: string): boolean => !/^https?:/.test(url);

/** A decrypted value in the stack's configuration; undefined if it is not set. */
export async function secretInStack(
    folder: string,
    stack: string,
    name: string,
    env: Record<string, string>,
): Promise<string | undefined> {
    const path = name.includes(":") ? [] : ["--path"];
    const args = ["config", "get", ...path, name, "--stack", stack];
    const said = await pulumi(args, `read ${name}`, { folder, env }).catch(() => undefined);
    return said?.replace(/\n$/, "");
}

export interface Change {
    folder: string;
    stack: string;
    isNew: boolean;
    /** Secrets by the name of their setting. */
    secrets: Record<string, string>;
    /** Derives the stack's file from its content after the secrets were set. */
    text(file: string): string;
    /** Environment for Pulumi: the passphrase. */
    env: Record<string, string>;
}

/**
 * Makes a new stack if necessary, and writes its file. Everything happens in a separate folder until the file is
 * renamed into place. After a failure or an interruption, everything made so far is removed.
 *
 * @returns whether the file has changed
 * @throws UserError; then everything is as it was
 */
export async function applyChange({
    folder,
    stack,
    isNew,
    secrets,
    text,
    env,
}: Change): Promise<{ isChanged: boolean }> {
    const name = `Pulumi.${stack}.yaml`;
    const read = (file: string) => (existsSync(file) ? readFileSync(file, "utf8") : "");
    const before = read(join(folder, name));
    const workshop = mkdtempSync(join(tmpdir(), "zot-hardening-setup-"));
    const steps = new Steps();
    let isMade = false;
    const undo = async () => {
        if (isMade)
            await pulumi(["stack", "rm", stack, "--yes", "--force"], "remove the stack", { folder: workshop, env });
        rmSync(workshop, { recursive: true, force: true });
    };
    const interrupted = onInterrupt(async () => {
        await steps.interrupt();
        await undo();
    });
    const run = (args: string[], what: string, input?: string) =>
        steps.run(() => pulumi(args, what, { folder: workshop, input, env, isGuarded: true }));
    try {
        // The program itself is not needed for this.
        copyFileSync(join(folder, "Pulumi.yaml"), join(workshop, "Pulumi.yaml"));
        if (existsSync(join(folder, name))) copyFileSync(join(folder, name), join(workshop, name));
        if (isNew) {
            // Set before it ends: even if it fails, the stack may exist.
            isMade = true;
            await run(["stack", "init", stack, "--no-select"], `make the stack ${stack}`);
        }
        for (const [setting, secret] of Object.entries(secrets)) {
            const path = setting.includes(":") ? [] : ["--path"];
            await run(["config", "set", "--stack", stack, "--secret", ...path, setting], `store ${setting}`, secret);
        }
        writeWhole(join(folder, name), text(read(join(workshop, name))), 0o644);
        isMade = false;
    } catch (error) {
        await undo();
        throw error;
    } finally {
        interrupted.forget();
        rmSync(workshop, { recursive: true, force: true });
    }
    await pulumi(["stack", "select", stack], `select the stack ${stack}`, { folder, env });
    return { isChanged: isNew || read(join(folder, name)) !== before };
}

/** Shows a preview as Pulumi shows it. @returns its exit code */
export function preview(folder: string, stack: string, env: Record<string, string>): Promise<number> {
    // At a terminal (Pulumi needs both ends) it grows as a tree; elsewhere it prints no lone dots.
    const isAtTerminal = Boolean(process.stdin.isTTY && process.stdout.isTTY);
    const quiet = isAtTerminal ? [] : ["--non-interactive", "--suppress-progress"];
    return runOnTerminal("pulumi", ["preview", "--stack", stack, ...quiet], {
        folder,
        env: { ...pulumiVariables(), PULUMI_SKIP_UPDATE_CHECK: "true", ...env },
        asks: isAtTerminal,
    });
}
