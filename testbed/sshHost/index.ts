/**
 * An SSH host on loopback, for the demo and the tests: the machine's own OpenSSH sshd if there is one, else a server
 * in this process. The current user may log in, with a key that is made for it.
 */
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Client, utils } from "ssh2";
import { account } from "./account";
import { startEmbedded } from "./embedded";
import type { RunningServer, ServerSetup, SshHost, SshHostOptions } from "./host";
import { generateKeyPair } from "./keys";
import { findSshd, startOpenSsh } from "./openssh";
import { endMarked } from "./processes";

export type { SshHost, SshHostFaults, SshHostOptions } from "./host";
export { generateKeyPair, type KeyPair, type KeyType } from "./keys";
export { findSshd } from "./openssh";

/**
 * Starts an SSH host on 127.0.0.1; `stop()` ends it and all that it left behind.
 *
 * Fails if `openssh` is requested by name and sshd is missing, does not start, or does not let the current user in (for
 * example because the account is locked): the message contains sshd's words.
 */
export async function startSshHost(options: SshHostOptions = {}): Promise<SshHost> {
    const kind = options.kind ?? kindFromEnvironment();
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ssh-host-"));
    try {
        const user = account().username;
        const hostKeys = (options.hostKeyTypes ?? ["ed25519"]).map((type) => generateKeyPair(type, "ssh-host"));
        const userKey = generateKeyPair("ed25519", user);
        const privateKeyFile = path.join(folder, "id_ed25519");
        const authorizedKeysFile = path.join(folder, "authorized_keys");
        fs.writeFileSync(privateKeyFile, userKey.privateKeyPem, { mode: 0o600 });
        fs.writeFileSync(authorizedKeysFile, `${userKey.publicKey}\n`, { mode: 0o600 });
        const setup: ServerSetup = {
            options,
            folder,
            user,
            hostKeyPems: hostKeys.map((key) => key.privateKeyPem),
            authorizedKeysFile,
            mark: `TESTBED_SSH_HOST=${crypto.randomBytes(8).toString("hex")}`,
        };
        const { server, startedAs, probes, notes } = await startServer(kind, setup, userKey.privateKeyPem);
        // A caller that forgets to stop the host, or fails before, leaves nothing behind either.
        const endWithUs = () => {
            endMarked(setup.mark);
            fs.rmSync(folder, { recursive: true, force: true });
        };
        process.once("exit", endWithUs);
        // The comment is not pinned.
        const hostPublicKeys = hostKeys.map((key) => key.publicKey.split(" ").slice(0, 2).join(" "));
        return {
            kind: startedAs,
            host: "127.0.0.1",
            port: server.port,
            user,
            hostPublicKey: hostPublicKeys[0] as string,
            hostPublicKeys,
            privateKeyPem: userKey.privateKeyPem,
            privateKeyFile,
            authorizedKeysFile,
            connections: () => server.connections() - probes,
            failedLogins: () => server.failedLogins(),
            log: () => notes + server.log(),
            faults: server.faults,
            dropConnections: () => server.dropConnections(),
            stop: async () => {
                process.removeListener("exit", endWithUs);
                await server.stop();
                fs.rmSync(folder, { recursive: true, force: true });
            },
        };
    } catch (error) {
        fs.rmSync(folder, { recursive: true, force: true });
        throw error;
    }
}

interface StartedServer {
    server: RunningServer;
    startedAs: "openssh" | "embedded";
    /** Connections made to check whether a login works; they do not count. */
    probes: number;
    notes: string;
}

async function startServer(
    kind: SshHostOptions["kind"],
    setup: ServerSetup,
    privateKeyPem: string,
): Promise<StartedServer> {
    const sshd = kind === "embedded" ? undefined : findSshd();
    if (kind === "openssh" && sshd === undefined) {
        throw new Error(
            "No sshd was found in /usr/sbin, /usr/local/sbin, /opt/homebrew/sbin or on PATH. " +
                "Install openssh-server, or use the embedded SSH host.",
        );
    }
    const { options } = setup;
    const onlyEmbedded = options.password !== undefined || Object.keys(options.faults ?? {}).length > 0;
    let notes = "";
    if (sshd !== undefined && (kind === "openssh" || !onlyEmbedded)) {
        let server: RunningServer | undefined;
        try {
            server = await startOpenSsh(setup, sshd);
            await logIn(server.port, setup.user, privateKeyPem);
            return { server, startedAs: "openssh", probes: 1, notes };
        } catch (error) {
            const said = server ? ` It said: ${server.log().trim()}` : "";
            await server?.stop();
            const reason = `${(error as Error).message}${said}`;
            if (kind === "openssh") throw new Error(reason, { cause: error });
            notes = `${sshd} is of no use here, so this is the embedded SSH host. ${reason}\n`;
        }
    }
    return { server: await startEmbedded(setup), startedAs: "embedded", probes: 0, notes };
}

/** Checks that the user can log in and run a command; throws otherwise. */
function logIn(port: number, username: string, privateKey: string): Promise<void> {
    return new Promise((resolve, reject) => {
        const client = new Client();
        const fail = (error: Error) => {
            client.destroy();
            reject(new Error(`${username} could not log in on 127.0.0.1 port ${port}: ${error.message}.`));
        };
        client.once("error", fail);
        client.once("ready", () => {
            client.exec("true", (error, channel) => {
                if (error) return fail(error);
                channel.resume();
                channel.stderr.resume();
                channel.once("close", (code: number | null) => {
                    if (code !== 0) return fail(new Error(`the command "true" ended with ${code}`));
                    client.once("close", () => resolve());
                    client.end();
                });
            });
        });
        client.connect({ host: "127.0.0.1", port, username, privateKey, readyTimeout: 10_000 });
    });
}

function kindFromEnvironment(): SshHostOptions["kind"] {
    const value = process.env.SSH_HOST_KIND;
    if (value === undefined || value === "") return undefined;
    if (value === "openssh" || value === "embedded") return value;
    throw new Error(`SSH_HOST_KIND is ${JSON.stringify(value)}; it may be "openssh" or "embedded".`);
}

/** The SHA-256 fingerprint of a public key line, as ssh-keygen shows it. */
export function fingerprint(publicKeyLine: string): string {
    const key = utils.parseKey(publicKeyLine);
    if (key instanceof Error) throw key;
    return `SHA256:${crypto.createHash("sha256").update(key.getPublicSSH()).digest("base64").replace(/=+$/, "")}`;
}
