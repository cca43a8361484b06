/** The stack: made, given its secrets and its file; all of it, or nothing. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { pulumiVariables } from "../shared/environment";
import { onInterrupt, Steps } from "../shared/interrupt";
import { pulumi } from "../shared/pulumi";
import { runOnTerminal } from "../shared/started";
import { writeWhole } from "../shared/wholeFile";

export interface Backend {
    /** Where states are kept; undefined where Pulumi is not logged in. */
    url: string | undefined;
    /** Names of the stacks of this project. */
    stacks: string[];
}

/** Where a state is kept by default: in a folder of this machine's user. */
export const LOCAL_BACKEND = "file://~/.pulumi-state";

/** What the CLI is logged in to, and which stacks of the project are there. */
export async function readBackend(folder: string): Promise<Backend> {
    const what = "say where states are kept";
    const said = await pulumi(["whoami", "--json"], what, { folder }).catch((error: Error) => {
        // That there is no CLI is no matter of a login.
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

/** Logs in to a backend; a folder of this machine is made. */
export async function logIn(folder: string, url: string): Promise<void> {
    const path = /^file:\/\/(~\/)?(.*)$/.exec(url);
    // As Pulumi reads it: by the account, whatever HOME says.
    if (path) mkdirSync(path[1] ? join(userInfo().homedir, path[2]!) : path[2]!, { recursive: true, mode: 0o700 });
    await pulumi(["login", url], `log in to ${url}`, { folder });
}

/** Whether a backend leaves the encryption of secrets to a passphrase. */
export const needsPassphrase = (url: string): boolean => !/^https?:/.test(url);

/** What stands in the stack's configuration, decrypted; undefined where it is not set. */
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
    /** The stack's file from how it is once the secrets are in it. */
    text(file: string): string;
    /** For Pulumi: the passphrase. */
    env: Record<string, string>;
}

/**
 * Makes the stack where it is new, and writes its file. Until the file is renamed into its place all is done in a
 * folder of its own; what was made by then is removed where anything fails or is interrupted.
 *
 * @returns whether the file is another one than before
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
        // The program itself is not needed for what is done here.
        copyFileSync(join(folder, "Pulumi.yaml"), join(workshop, "Pulumi.yaml"));
        if (existsSync(join(folder, name))) copyFileSync(join(folder, name), join(workshop, name));
        if (isNew) {
            // Before it is known to have come to its end: a stack may be there all the same.
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
    // At a terminal, of which Pulumi wants both ends, it is shown as a tree that grows; elsewhere without lone dots.
    const isAtTerminal = Boolean(process.stdin.isTTY && process.stdout.isTTY);
    const quiet = isAtTerminal ? [] : ["--non-interactive", "--suppress-progress"];
    return runOnTerminal("pulumi", ["preview", "--stack", stack, ...quiet], {
        folder,
        env: { ...pulumiVariables(), PULUMI_SKIP_UPDATE_CHECK: "true", ...env },
        asks: isAtTerminal,
    });
}
