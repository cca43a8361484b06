/**
 * The resource HostWithdrawal: what is asked before a destroy changes anything. The remote command takes any command
 * that ends well for a withdrawal, also one that something else has run in its place; and it tries a login that is
 * refused three times. So this one, which is deleted first, logs in once, and has the host say something back, and
 * whether it has what it is to bring back.
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
    /** Where `SSH_AUTH_SOCK` is looked for. */
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
    // A start-up file may have printed something without an end of line.
    const isSaid = (what: string) => said.split("\n").some((line) => line.endsWith(`${what} ${mark}`));
    if (isSaid(LOST))
        throw new Error(
            `The registry's host ${connection.host} does not know what was there before the first deployment: ` +
                `${original} is missing. Set host.onDestroy to read-only, run pulumi up, and then destroy. ${outlook}`,
        );
    if (isSaid("zot-hardening")) return;
    const came = outsideText(`${said} ${ran.stderr}`, 500);
    throw new Error(
        `The registry's host ${connection.host} does not run what it is told: ` +
            `a command that was to say "zot-hardening ${mark}" said ${came === "" ? "nothing" : `"${came}"`} ` +
            `and ended with ${ran.code === undefined ? "a signal" : ran.code}, ` +
            "so that nothing would be withdrawn there. " +
            "Look for ForceCommand in sshd_config, command= in authorized_keys, " +
            "and exit or exec in the start-up files of the user's shell. " +
            outlook,
    );
}
