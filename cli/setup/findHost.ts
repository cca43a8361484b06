/** Finds zot and its config, starting from the name of a host. */

import type { SshAddress, SshConnection } from "../../clients/ssh";
import { UserError } from "../../clients/userError";
import type { JsonMap } from "../../components/zotConfig";
import { configIn } from "../config/readConfig";
import type { Groups } from "../config/takeOver";
import { textOf } from "./compose";
import { withAbsolutePaths } from "./fromHost";
import { inspectHost, sshDefaults } from "./host";
import { type FoundZot, type HostFacts, zotInWords } from "./hostFacts";
import { confirmedKey } from "./hostKey";
import { type KnownHost, loginFor } from "./hostLogin";
import type { Interview } from "./interview";
import { targetIn } from "./questions";

export interface FoundHost {
    connection: SshConnection;
    facts: HostFacts;
    zot: FoundZot;
    /** The config on the host; undefined if there is none yet. */
    config: JsonMap | undefined;
    /** The settings that say how to reach the host. */
    settings: Groups;
    /** The private key and its passphrase, if they have to be stored. */
    secrets: Record<string, string>;
}

/**
 * Asks for the host, confirms its key, logs in and looks.
 *
 * @throws UserError, Interrupted
 */
export async function findHost(interview: Interview, known: KnownHost): Promise<FoundHost> {
    const { address, port, user, pinned, defaults } = await hostAndUser(interview, known.host);
    const jump = await jumpHost(interview, known.host, defaults.jump, user);
    // Behind a jump host, the key is visible only after a login there.
    const loginBefore = jump && (await loginFor(interview, known, defaults.keys));
    const proxy = jump && { ...jump, ...loginBefore?.connection };
    const hostKey = await confirmedKey(interview, { address, port, pinned, question: "hostKey", proxy });

    const login = loginBefore ?? (await loginFor(interview, known, defaults.keys));
    const connection: SshConnection = { host: address, port, user, hostKey, ...login.connection, proxy };
    const facts = await inspectHost(connection, "");
    const picked = await pickedZot(interview, facts, known);
    const { configFile } = picked;
    const whole =
        facts.config !== undefined && facts.zots.length === 1 ? facts : await inspectHost(connection, configFile);
    // If there are several, the first look reported less about each.
    const zot = whole.zots.find((one) => one.config === configFile) ?? picked.found;
    return {
        connection,
        facts,
        zot: { ...zot, config: configFile },
        config: configOf(whole, zot, configFile, address),
        settings: { host: { address, port, user, hostKey, ...jumpSettings(jump, user) } },
        secrets: login.secrets,
    };
}

/** Address and user: as answered, as the stack has them for a known host, or SSH's defaults. */
async function hostAndUser(interview: Interview, before: KnownHost["host"]) {
    const answer = await interview.answer("host", { fallback: textOf(before.address) });
    const target = targetOf(answer);
    const defaults = await sshDefaults(target);
    // By its name here, or by the address in the stack.
    const isKnown = [target.host, defaults.address].includes(String(before.address));
    const stack = isKnown ? before : {};
    const port = interview.isAnswered("sshPort")
        ? await interview.answer("sshPort")
        : (target.port ?? (isKnown ? (before.port ?? 22) : defaults.port));
    const user = interview.isAnswered("sshUser")
        ? await interview.answer("sshUser")
        : (target.user ?? textOf(stack.user) ?? defaults.user);
    return {
        address: isKnown ? String(before.address) : defaults.address,
        port: Number(port),
        user,
        pinned: textOf(stack.hostKey),
        defaults,
    };
}

/**
 * The config that a look has read; undefined if there is none yet.
 * @throws UserError
 */
function configOf({ config, login }: HostFacts, zot: FoundZot, file: string, address: string): JsonMap | undefined {
    const where = `${file} on ${address}`;
    if (config !== undefined) return withAbsolutePaths(configIn(config, `The config ${where}`, file), zot.folder);
    if (!zot.configThere) return undefined;
    throw new UserError(
        `${login} may not read ${where}${zot.configOwner ? `, which belongs to ${zot.configOwner}` : ""}. ` +
            "Log in as zot's user or root, or let sudo work there without a password.",
    );
}

const targetOf = (answer: string) => targetIn(answer) as Exclude<ReturnType<typeof targetIn>, string>;

/** The jump host, with its key confirmed: from the answer, SSH's configuration, or the stack. */
async function jumpHost(
    interview: Interview,
    before: Record<string, unknown>,
    ofSsh: string | undefined,
    user: string,
): Promise<SshAddress | undefined> {
    const known = textOf(before.jumpAddress);
    const answer = interview.isAnswered("jumpHost") ? await interview.answer("jumpHost") : (ofSsh ?? known);
    if (answer === undefined || answer === "none") return undefined;
    const target = targetIn(answer);
    if (typeof target === "string" || /[\s,]/.test(answer))
        throw new UserError(
            `SSH reaches the host by way of "${answer}", which Pulumi cannot follow: it supports one jump host, given by address, ` +
                "port and user. Give --jump-host [user@]host[:port], or --jump-host none if the host can be reached from here.",
        );
    const defaults = await sshDefaults(target);
    if (defaults.jump !== undefined)
        throw new UserError(
            `The jump host ${answer} is itself reached by way of ${defaults.jump}, but Pulumi supports only one jump host. ` +
                "Give --jump-host [user@]host[:port] for one that can be reached from here.",
        );
    const isKnown = known !== undefined && [target.host, defaults.address].includes(known);
    const host = isKnown ? known : defaults.address;
    const port = Number(target.port ?? (isKnown ? (before.jumpPort ?? 22) : defaults.port));
    const pinned = isKnown ? textOf(before.jumpHostKey) : undefined;
    const hostKey = await confirmedKey(interview, { address: host, port, pinned, question: "jumpHostKey" });
    const named = target.user ?? (isKnown ? textOf(before.jumpUser) : undefined);
    return { host, port, user: named ?? (isKnown ? user : defaults.user), hostKey };
}

const jumpSettings = (jump: SshAddress | undefined, user: string): Record<string, unknown> =>
    jump === undefined
        ? {}
        : {
              jumpAddress: jump.host,
              jumpPort: jump.port,
              ...(jump.user === user ? {} : { jumpUser: jump.user }),
              jumpHostKey: jump.hostKey,
          };

/** The registry among the zots of a host; if none is found, what a person says about it. */
async function pickedZot(
    interview: Interview,
    { zots }: HostFacts,
    known: KnownHost,
): Promise<{ found: FoundZot; configFile: string }> {
    const configs = zots.filter((zot) => zot.config !== undefined);
    const before = textOf(known.zot.configFile);
    const byConfig = (config: string | undefined) => configs.find((zot) => zot.config === config);
    const configFile =
        configs.length > 1 || interview.isAnswered("zot")
            ? await interview.answer("zot", {
                  choices: configs.map((zot) => ({ value: zot.config!, label: zotInWords(zot) })),
                  fallback: byConfig(before)?.config,
                  check: (given) =>
                      byConfig(given)
                          ? undefined
                          : `on the host there are ${configs.map(({ config }) => config).join(", ")}`,
              })
            : (configs[0]?.config ??
              (await interview.answer("configFile", {
                  fallback: before,
                  help: "No running zot was found, and no unit that starts one.",
              })));
    return {
        configFile,
        found: byConfig(configFile) ?? {
            config: configFile,
            configThere: false,
            configReadable: false,
            binaryThere: false,
            ownFiles: false,
        },
    };
}
