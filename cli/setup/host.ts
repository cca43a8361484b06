/** The host as this machine's SSH reaches it: its key, and what runs there. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import * as net from "node:net";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { overJumpHost, runOverSsh, type SshAddress, type SshConnection, SshError } from "../../clients/ssh";
import { fingerprint } from "../../clients/ssh/keys";
import { ssh2 } from "../../clients/ssh/ssh2";
import { UserError } from "../../clients/userError";
import { inspectionScript, WHOLE_SCRIPT } from "../../host/scripts";
import { busy } from "../shared/command";
import { withoutSecretVariables } from "../shared/environment";
import { givenFile } from "../shared/givenFile";
import { type HostFacts, hostFactsIn } from "./hostFacts";
import factsScript from "./hostFacts.sh";
import type { Target } from "./questions";

/** How long a host may take to show its key. In milliseconds. */
const SCAN_TIMEOUT = 15_000;
const KEY_TYPES = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"] as const;

/** How this machine's SSH would reach a host. */
export interface SshDefaults {
    address: string;
    port: number;
    user: string;
    /** Existing files of private keys. */
    keys: string[];
    /** The jump host in SSH's configuration: a ProxyJump, or a command. */
    jump: string | undefined;
}

/** What `ssh -G` prints; without ssh, what it would print without a configuration. */
export async function sshDefaults({ host, user, port }: Target): Promise<SshDefaults> {
    const args = [...(user ? ["-l", user] : []), ...(port ? ["-p", String(port)] : []), "-G", "--", host];
    const said = await output("ssh", args);
    const lines = said.split("\n").map((line) => line.split(" ") as [string, ...string[]]);
    const values = (name: string) => lines.flatMap(([key, ...rest]) => (key === name ? [rest.join(" ")] : []));
    const home = homedir();
    const named = values("identityfile").map((file) => file.replace(/^~(?=\/)/, home));
    const usual = ["id_ed25519", "id_ecdsa", "id_rsa"].map((file) => join(home, ".ssh", file));
    const jump = values("proxyjump").concat(values("proxycommand"))[0];
    return {
        address: values("hostname")[0] ?? host,
        port: port ?? Number(values("port")[0] ?? 22),
        user: user ?? values("user")[0] ?? userInfo().username,
        keys: [...new Set([...named, ...usual])].filter((file) => existsSync(file)),
        jump: jump === undefined || jump === "none" ? undefined : jump,
    };
}

/** A host's keys in this machine's known_hosts, as lines of type and key. */
export interface KnownKeys {
    trusted: string[];
    /** Keys that known_hosts marks as revoked: nobody may trust them. */
    revoked: string[];
}

/** What this machine's known_hosts has for a host; an authority's key does not count. */
export async function knownKeys(address: string, port: number): Promise<KnownKeys> {
    // Like OpenSSH: a hashed name is found only in small letters.
    const host = address.toLowerCase();
    const said = await output("ssh-keygen", ["-F", port === 22 ? host : `[${host}]:${port}`]);
    const keys: KnownKeys = { trusted: [], revoked: [] };
    for (const line of said.split("\n")) {
        const key = /\b((?:ssh-ed25519|ecdsa-sha2-\S+) AAAA\S+)/.exec(line)?.[1];
        if (!key || line.startsWith("@cert-authority")) continue;
        (line.startsWith("@revoked") ? keys.revoked : keys.trusted).push(key);
    }
    return keys;
}

function output(program: string, args: string[]): Promise<string> {
    // SSH's configuration may start programs, and send variables.
    const options = { timeout: 10_000, env: withoutSecretVariables() };
    return new Promise((resolve) => execFile(program, args, options, (_error, stdout) => resolve(stdout)));
}

/** The key that a host shows. */
export interface ShownKey {
    /** As `ssh-keyscan` prints it, without the name. */
    line: string;
    fingerprint: string;
}

/**
 * The key that a host shows, without a login.
 *
 * @param proxy a jump host, in which it logs in
 * @throws UserError if it shows none
 */
export async function scanHostKey(address: string, port: number, proxy?: SshAddress): Promise<ShownKey> {
    busy(`Asking ${address} port ${port} for its key`);
    if (!proxy) return shownKey(address, port, net.connect({ host: address, port }));
    try {
        return await overJumpHost(proxy, { host: address, port }, (way) => shownKey(address, port, way));
    } catch (error) {
        if (error instanceof SshError) throw new UserError(error.message);
        throw error;
    }
}

function shownKey(address: string, port: number, way: Duplex): Promise<ShownKey> {
    return new Promise((resolve, reject) => {
        const client = new (ssh2().Client)();
        const at = `${address} port ${port}`;
        const fail = (why: string) => {
            clearTimeout(timer);
            client.destroy();
            reject(
                new UserError(
                    `${at} shows no SSH key: ${why}. Look at the address, the port (--ssh-port), and a firewall.`,
                ),
            );
        };
        const timer = setTimeout(() => fail(`no answer within ${SCAN_TIMEOUT / 1000} seconds`), SCAN_TIMEOUT);
        client.on("error", (error: Error & { code?: string }) => fail(error.code ?? error.message));
        client.on("close", () => fail("it closed the connection"));
        way.once("error", (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
        client.connect({
            sock: way as net.Socket,
            username: "nobody",
            readyTimeout: 0,
            algorithms: { serverHostKey: [...KEY_TYPES] },
            hostVerifier: (key: Buffer) => {
                clearTimeout(timer);
                client.removeAllListeners().on("error", () => undefined);
                const type = key.toString("latin1", 4, 4 + key.readUInt32BE(0));
                resolve({ line: `${type} ${key.toString("base64")}`, fingerprint: fingerprint(key) });
                setImmediate(() => client.destroy());
                return false;
            },
        });
    });
}

/**
 * What the host reports about its zot.
 *
 * @param wanted path of the config to return; "" for that of the only zot
 * @throws UserError
 */
export async function inspectHost(connection: SshConnection, wanted: string): Promise<HostFacts> {
    busy(`Looking at ${connection.host}`);
    const script = [
        inspectionScript,
        factsScript,
        `user_switch= owner= binary= config= manager= wanted='${wanted.replaceAll("'", "'\\''")}'`,
        "find_zot",
        "",
    ].join("\n");
    try {
        const { stdout, stderr, code } = await runOverSsh(connection, { command: WHOLE_SCRIPT, stdin: script });
        const facts = hostFactsIn(stdout.toString("utf8"));
        if (facts) return facts;
        throw new UserError(
            `The look at ${connection.host} ended with ${code ?? "a signal"} and reported nothing: ` +
                `${stderr.trim().slice(0, 500) || "it did not say why"}`,
        );
    } catch (error) {
        if (error instanceof SshError) throw new UserError(error.message);
        throw error;
    }
}

/** The text of a private key. @throws UserError */
export function readPrivateKey(file: string): string {
    const path = givenFile(file.replace(/^~(?=\/)/, homedir()));
    try {
        return readFileSync(path, "utf8");
    } catch (error) {
        throw new UserError(
            `The private key ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}. ` +
                "Name another file with --ssh-key, or agent for an SSH agent.",
        );
    }
}
