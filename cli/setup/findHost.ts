/** From the name of a host to the zot on it and its config. */

import type { SshConnection } from "../../clients/ssh";
import { hostKeyOf, KeyError, privateKeyOf } from "../../clients/ssh/keys";
import { UserError } from "../../clients/userError";
import { hostKeyOfScan } from "../../components/settings/hostKeys";
import type { JsonMap } from "../../components/zotConfig";
import { configIn } from "../config/readConfig";
import type { Groups } from "../config/takeOver";
import { textOf } from "./compose";
import { withAbsolutePaths } from "./fromHost";
import { knownKeys, lookAtHost, readPrivateKey, scanHostKey, sshDefaults } from "./host";
import { type FoundZot, type HostFacts, zotInWords } from "./hostFacts";
import type { Interview } from "./interview";
import { targetIn } from "./questions";

export interface FoundHost {
    connection: SshConnection;
    facts: HostFacts;
    zot: FoundZot;
    /** The config as it is on the host; undefined where there is none yet. */
    config: JsonMap | undefined;
    /** How the host is reached: settings. */
    settings: Groups;
    /** The private key and its passphrase, where they are to be stored. */
    secrets: Record<string, string>;
}

/** What a stack has already of how its host is reached. */
export interface KnownHost {
    host: Record<string, unknown>;
    zot: Record<string, unknown>;
    /** A secret of the stack; undefined where it is not set. */
    secret(name: string): Promise<string | undefined>;
}

/**
 * Asks for the host, confirms its key, logs in and looks.
 *
 * @throws UserError, Interrupted
 */
export async function findHost(interview: Interview, known: KnownHost): Promise<FoundHost> {
    const before = known.host;
    const answer = await interview.answer("host", { fallback: textOf(before.address) });
    const target = targetIn(answer) as Exclude<ReturnType<typeof targetIn>, string>;
    const isKnown = target.host === before.address;
    const defaults = await sshDefaults(target);
    if (defaults.jump !== undefined)
        throw new UserError(
            `SSH reaches ${target.host} by way of ${defaults.jump}, which setup cannot follow. Set the stack up by hand, ` +
                "with host.jumpAddress and host.jumpHostKey (docs/operations.md, The first hardening).",
        );
    const port = Number(
        interview.isAnswered("sshPort")
            ? await interview.answer("sshPort")
            : (target.port ?? (isKnown ? (before.port ?? 22) : defaults.port)),
    );
    const user = interview.isAnswered("sshUser")
        ? await interview.answer("sshUser")
        : (target.user ?? textOf(isKnown ? before.user : undefined) ?? defaults.user);
    const address = isKnown ? target.host : defaults.address;
    const hostKey = await confirmedKey(interview, {
        address,
        port,
        pinned: isKnown ? textOf(before.hostKey) : undefined,
    });

    const login = await loginFor(interview, known, defaults.keys);
    const connection: SshConnection = { host: address, port, user, hostKey, ...login.connection };
    const facts = await lookAtHost(connection, "");
    const picked = await pickedZot(interview, facts, known);
    const { configFile } = picked;
    const whole =
        facts.config !== undefined && facts.zots.length === 1 ? facts : await lookAtHost(connection, configFile);
    // Of several, the first look told less.
    const zot = { found: whole.zots.find((one) => one.config === configFile) ?? picked.found };
    const config =
        whole.config === undefined
            ? undefined
            : withAbsolutePaths(
                  configIn(whole.config, `The config ${configFile} on ${address}`, configFile),
                  zot.found.folder,
              );
    if (config === undefined && zot.found.configThere)
        throw new UserError(
            `${facts.login} may not read ${configFile} on ${address}` +
                `${zot.found.configOwner ? `, which belongs to ${zot.found.configOwner}` : ""}. ` +
                "Log in as zot's user or root, or let sudo ask for no password there.",
        );
    return {
        connection,
        facts,
        zot: { ...zot.found, config: configFile },
        config,
        settings: { host: { address, ...(port === 22 ? {} : { port }), user, hostKey } },
        secrets: login.secrets,
    };
}

/** The key to pin: one that a person has confirmed, or that this machine trusts already. */
async function confirmedKey(
    interview: Interview,
    { address, port, pinned }: { address: string; port: number; pinned: string | undefined },
): Promise<string> {
    const shown = await scanHostKey(address, port);
    const isShown = (line: string) => hostKeyOf(line)?.blob.equals(hostKeyOf(shown.line)!.blob) === true;
    const other = (expected: string) =>
        new UserError(
            `${address} port ${port} shows another key than ${expected}: ${shown.fingerprint}. Somebody may be in between, ` +
                "or the host was set up anew. Compare it on the host: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
        );
    if (interview.isAnswered("hostKey")) {
        const given = await interview.answer("hostKey");
        const line = hostKeyOfScan(given);
        if (given.startsWith("SHA256:") ? given !== shown.fingerprint : !isShown(line)) throw other("the one given");
        return shown.line;
    }
    if (pinned !== undefined) {
        if (!isShown(pinned)) throw other("the stack has pinned (host.hostKey)");
        return pinned;
    }
    const trusted = await knownKeys(address, port);
    if (
        trusted.length > 0 &&
        !trusted.some(isShown) &&
        trusted.some((line) => line.split(" ")[0] === shown.line.split(" ")[0])
    )
        throw other("this machine's known_hosts has");
    const isTrusted = trusted.some(isShown);
    const answer = await interview.answer("hostKey", {
        message: `Is this the key of ${address}? ${shown.fingerprint}`,
        help: isTrusted
            ? "This machine knows the host by this key already (known_hosts)."
            : "Compare it on the host: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
        choices: [
            { value: shown.fingerprint, label: "Yes, pin it" },
            { value: "no", label: "No" },
        ],
        fallback: isTrusted ? shown.fingerprint : undefined,
        check: (given) => (given === shown.fingerprint ? undefined : "then nothing is done"),
    });
    return answer === shown.fingerprint ? shown.line : Promise.reject(other("you expect"));
}

/** By what to log in, and what of it the stack has to keep. */
async function loginFor(
    interview: Interview,
    { secret, host }: KnownHost,
    keys: readonly string[],
): Promise<{ connection: Partial<SshConnection>; secrets: Record<string, string> }> {
    const agent = process.env.SSH_AUTH_SOCK || undefined;
    if (!interview.isAnswered("sshKey") && "privateKey" in host) {
        const privateKey = await secret("host.privateKey");
        const privateKeyPassword =
            "privateKeyPassphrase" in host ? await secret("host.privateKeyPassphrase") : undefined;
        if (privateKey !== undefined)
            return { connection: { privateKey, privateKeyPassword, agentSocketPath: agent }, secrets: {} };
    }
    const file = await interview.answer("sshKey", {
        fallback: agent ? "agent" : keys[0],
        ...(keys.length + (agent ? 1 : 0) > 1
            ? {
                  choices: [
                      ...(agent
                          ? [{ value: "agent", label: "those of the SSH agent", hint: "nothing is stored" }]
                          : []),
                      ...keys.map((value) => ({ value, hint: "stored in the stack, encrypted" })),
                  ],
              }
            : {}),
        check: (given) =>
            given === "agent" && !agent ? "no SSH agent runs here (SSH_AUTH_SOCK is not set)" : undefined,
    });
    if (file === "agent") return { connection: { agentSocketPath: agent }, secrets: {} };
    const privateKey = readPrivateKey(file);
    let privateKeyPassword: string | undefined;
    if (needsPassphrase(privateKey)) {
        privateKeyPassword = await interview.answer("sshPassphrase", {
            check: (given) => keyProblem(privateKey, given),
        });
    } else {
        const problem = keyProblem(privateKey, undefined);
        if (problem) throw new UserError(`${file}: ${problem}.`);
    }
    return {
        connection: { privateKey, privateKeyPassword, agentSocketPath: agent },
        secrets: {
            "host.privateKey": privateKey,
            ...(privateKeyPassword === undefined ? {} : { "host.privateKeyPassphrase": privateKeyPassword }),
        },
    };
}

function keyProblem(privateKey: string, passphrase: string | undefined): string | undefined {
    try {
        privateKeyOf(privateKey, passphrase);
        return undefined;
    } catch (error) {
        if (error instanceof KeyError) return error.message;
        throw error;
    }
}

const needsPassphrase = (privateKey: string) =>
    /protected by a passphrase/.test(keyProblem(privateKey, undefined) ?? "");

/** The registry among the zots of a host; where none is found, what a person says of it. */
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
                  help: "No zot was found that runs there, or that a unit is to start.",
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
