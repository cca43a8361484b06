/**
 * The resource HostWithdrawal: a check before a destroy changes anything. The remote command takes any command without
 * an error for a withdrawal, even if something else ran in its place; and it repeats a refused login three times. This
 * resource is deleted first. It logs in once, and has the host repeat a random text, and say whether it has what it
 * should restore.
 */
import { randomBytes } from "node:crypto";
import { outsideText } from "../../clients/outsideText";
import { runOverSsh, SshError, type SshLimits } from "../../clients/ssh";
import { type CallContext, isKnown, type PropertyMap, type ResourceHandler, UNKNOWN } from "../protocol";
import { checkWithdrawal, sshConnectionOf } from "./hostObservationInputs";

/** What the host says where the folder that it is to restore from is certainly not there. */
const LOST = "zot-hardening-lost";

/**
 * Without single quote, backslash, exclamation mark and line break, which login shells read differently. Behind a
 * folder that this login may not search, it says nothing of what is there.
 */
const COMMAND =
    `exec /bin/sh -c 'IFS= read -r mark; IFS= read -r original; echo "zot-hardening $mark"; ` +
    `[ -n "$original" ] || exit 0; [ -e "$original" ] && exit 0; ` +
    'folder="${original%/*}"; [ -e "$folder" ] || folder="${folder%/*}"; ' +
    `[ -x "$folder" ] && echo "${LOST} $mark"; exit 0'`;

export interface WithdrawalOptions {
    /** Provides `SSH_AUTH_SOCK`. */
    environment: NodeJS.ProcessEnv;
    limits?: Partial<SshLimits>;
}

export function hostWithdrawal(options: WithdrawalOptions): ResourceHandler {
    return {
        secretProperties: ["connection"],
        check: ({ inputs }) => Promise.resolve(checkWithdrawal(inputs)),
        // The engine keeps the new connection with an unchanged resource.
        diff: () => Promise.resolve({ changes: false }),
        create: ({ preview, name }) => Promise.resolve({ id: preview ? UNKNOWN : name, properties: {} }),
        read: ({ id, properties, inputs }) => Promise.resolve({ id, properties, inputs }),
        update: ({ oldOutputs }) => Promise.resolve(oldOutputs),
        delete: ({ inputs }, context) => askBefore(inputs, options, context),
    };
}

async function askBefore(
    inputs: PropertyMap,
    { environment, limits }: WithdrawalOptions,
    context: CallContext,
): Promise<void> {
    if (!isKnown(inputs.connection)) return;
    const connection = sshConnectionOf(inputs.connection as PropertyMap, environment);
    const mark = randomBytes(8).toString("hex");
    const original = typeof inputs.restoredFrom === "string" ? inputs.restoredFrom : undefined;
    const outlook =
        "Nothing was changed, neither on the host nor in Authentik. " +
        `(If the host is gone for good: pulumi state delete '${context.urn}' and the same for the command ` +
        "that deploys to it, and the rest can be destroyed.)";
    let ran: Awaited<ReturnType<typeof runOverSsh>>;
    try {
        ran = await runOverSsh(
            connection,
            { command: COMMAND, stdin: original === undefined ? `${mark}\n` : `${mark}\n${original}\n` },
            { cancelled: context.cancelled, limits },
        );
    } catch (error) {
        if (error instanceof SshError) throw new Error(`${error.message} ${outlook}`);
        throw error;
    }
    const said = ran.stdout.toString("utf8");
    // A start-up file may have printed text without an end of line.
    const isSaid = (what: string) => said.split("\n").some((line) => line.endsWith(`${what} ${mark}`));
    if (isSaid(LOST))
        throw new Error(
            `The registry's host ${connection.host} does not know what was there before the first deployment: ` +
                `${original} is missing. Set host.onDestroy to read-only, run pulumi up, and then destroy. ${outlook}`,
        );
    if (isSaid("zot-hardening")) return;
    const came = outsideText(`${said} ${ran.stderr}`, 500);
    throw new Error(
        `The registry's host ${connection.host} does not run the commands that it is sent: ` +
            `a command that should print "zot-hardening ${mark}" printed ${came === "" ? "nothing" : `"${came}"`} ` +
            `and ended with ${ran.code === undefined ? "a signal" : ran.code}, ` +
            "so nothing would be withdrawn there. " +
            "Look for ForceCommand in sshd_config, command= in authorized_keys, " +
            "and exit or exec in the start-up files of the user's shell. " +
            outlook,
    );
}
