/**
 * How the official plugin 1.2.1 reaches a host: one TCP connection for each operation, with retries on every kind of
 * failure, pinned host keys, and the user's key, password or agent. Its error texts are kept, for a user meets them.
 */
import * as net from "node:net";
import { type AnyAuthMethod, Client, type ParsedKey, utils } from "ssh2";
import type { Connection, ConnectionBase } from "./inputs";

export interface DialContext {
    /** A message that is shown while it is the latest. */
    status(message: string): Promise<void>;
    /** Ends the retries; its reason is the error. */
    signal: AbortSignal;
}

/** A connection to the host, logged in; it stays open until the plugin ends, as the official plugin's does. */
export async function dial(connection: Connection, context: DialContext): Promise<Client> {
    const login = await prepare(connection);
    const limit = connection.dialErrorLimit;
    if (!connection.proxy) {
        return retrying("Dial", limit, context, async () => handshake(await tcp(connection), login));
    }
    const { proxy } = connection;
    try {
        const proxyLogin = await prepare(proxy);
        const jumpHost = await retrying("Dial proxy", proxy.dialErrorLimit, context, async () =>
            handshake(await tcp(proxy), proxyLogin),
        );
        const stream = await retrying("Dial from proxy", limit, context, () => forward(jumpHost, connection));
        // Every attempt uses the same stream, which the first one has closed: what was wrong at first is not told.
        let used = false;
        return await retrying("Dial", limit, context, async () => {
            if (used) throw new Error("ssh: handshake failed: EOF");
            used = true;
            return handshake(stream, login);
        });
    } catch (error) {
        throw new Error(`proxy: ${(error as Error).message}`);
    }
}

/** What a handshake needs, made once: mistakes in it are reported at once, without a retry. */
interface Login {
    user: string;
    hostKey?: { type: string; blob: Buffer };
    /** In the order in which they are tried; of several of a kind only the first is. */
    methods: AnyAuthMethod[];
}

async function prepare(connection: ConnectionBase): Promise<Login> {
    const { user, password, privateKey, privateKeyPassword } = connection;
    const login: Login = { user, methods: [] };
    if (connection.hostKey !== undefined) login.hostKey = parseHostKey(connection.hostKey);
    if (privateKey !== undefined) {
        const key = parsePrivateKey(privateKey, privateKeyPassword);
        login.methods.push({ type: "publickey", username: user, key });
    }
    if (password !== undefined) login.methods.push({ type: "password", username: user, password });
    const agent = connection.agentSocketPath ?? (process.env.SSH_AUTH_SOCK || undefined);
    if (agent !== undefined) {
        // A socket that is stale breaks every connection, one with a private key too.
        await reachable(agent);
        login.methods.push({ type: "agent", username: user, agent });
    }
    return login;
}

/** The key that a host must show: of several lines, the first one that has a key. */
function parseHostKey(text: string): { type: string; blob: Buffer } {
    for (const line of text.split("\n")) {
        // Before the key stand its type and, in a line of known_hosts, the host.
        const [, type, key] = /(?:^|\s)(\S+) (AAAA[0-9A-Za-z+/]+={0,2})(?:\s|$)/.exec(line) ?? [];
        if (type && key) return { type, blob: Buffer.from(key, "base64") };
    }
    throw new Error("failed to parse host key: ssh: no key found");
}

/** Takes what ssh2 reads: OpenSSH's own form and the older PEM ones; the official plugin takes PKCS 8, too. */
function parsePrivateKey(text: string, passphrase: string | undefined): ParsedKey {
    const parsed = utils.parseKey(`${text.trim()}\n`, passphrase);
    const key = Array.isArray(parsed) ? (parsed[0] as ParsedKey) : parsed;
    if (!(key instanceof Error)) return key;
    if (/no passphrase given/.test(key.message)) throw new Error("ssh: this private key is passphrase protected");
    if (passphrase !== undefined) throw new Error("x509: decryption password incorrect");
    throw new Error("ssh: no key found");
}

function reachable(agent: string): Promise<void> {
    return new Promise((resolve, reject) => {
        const socket = net.connect(agent);
        socket.once("connect", () => {
            socket.destroy();
            resolve();
        });
        socket.once("error", () => reject(new Error(`dial unix ${agent}: connect: no such file or directory`)));
    });
}

/** Waits 0.1 s x 1.5^n, at most 5 s, between attempts; every kind of failure is retried. */
async function retrying<T>(what: string, limit: number, context: DialContext, attempt: () => Promise<T>): Promise<T> {
    let delay = 100;
    for (let failures = 1; ; failures++) {
        try {
            return await attempt();
        } catch (error) {
            if (limit > -1 && failures > limit)
                throw new Error(`after ${failures - 1} failed attempts: ${(error as Error).message}`);
        }
        if (!context.signal.aborted)
            await context.status(`${what} ${failures}/${limit === -1 ? "inf" : limit} failed: retrying`);
        await pause(Math.min(delay, 5_000), context.signal);
        delay *= 1.5;
    }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
        const abort = () => {
            clearTimeout(timer);
            reject(signal.reason as Error);
        };
        const timer = setTimeout(() => {
            signal.removeEventListener("abort", abort);
            resolve();
        }, milliseconds);
        if (signal.aborted) abort();
        else signal.addEventListener("abort", abort, { once: true });
    });
}

/** The official plugin's `perDialTimeout` covers this alone; nothing limits the handshake that follows. */
function tcp({ host, port }: ConnectionBase): Promise<net.Socket> {
    return new Promise((resolve, reject) => {
        const socket = net.connect({ host, port, noDelay: true });
        socket.once("error", ({ code, message }: NodeJS.ErrnoException) => {
            const reason = code === "ECONNREFUSED" ? "connect: connection refused" : message;
            reject(new Error(`dial tcp ${host}:${port}: ${reason}`));
        });
        socket.once("connect", () => {
            socket.removeAllListeners("error");
            resolve(socket);
        });
    });
}

function forward(jumpHost: Client, { host, port }: ConnectionBase): Promise<NodeJS.ReadWriteStream> {
    return new Promise((resolve, reject) => {
        jumpHost.forwardOut("0.0.0.0", 0, host, port, (error, stream) => {
            if (error) reject(new Error(`ssh: rejected: connect failed (${error.message})`));
            else resolve(stream as unknown as NodeJS.ReadWriteStream);
        });
    });
}

function handshake(stream: net.Socket | NodeJS.ReadWriteStream, login: Login): Promise<Client> {
    return new Promise((resolve, reject) => {
        const client = new Client();
        let cause: string | undefined;
        const fail = (message: string) => {
            client.destroy();
            reject(new Error(`ssh: handshake failed: ${message}`));
        };
        const attempted: string[] = [];
        client.once("ready", () => {
            // A connection that is lost later shows in its session; without a listener it would end the plugin.
            client.removeAllListeners("error").on("error", () => {});
            resolve(client);
        });
        client.on("error", (error: Error & { code?: string; level?: string }) => {
            if (error.level === "client-authentication") {
                cause ??= `ssh: unable to authenticate, attempted methods [${attempted.join(" ")}], no supported methods remain`;
            } else if (error.message.startsWith("Handshake failed: no matching host key format")) {
                cause ??= `ssh: no common algorithm for host key; we offered: [${login.hostKey?.type}]`;
            } else if (
                error.code === "ECONNRESET" ||
                /Connection lost before handshake|ended|closed/i.test(error.message)
            ) {
                cause ??= "EOF";
            } else {
                cause ??= error.message;
            }
            fail(cause);
        });
        client.once("close", () => fail(cause ?? "EOF"));
        client.connect({
            sock: stream as net.Socket,
            username: login.user,
            readyTimeout: 0,
            // The type of the pinned key is the only one asked for. An RSA pin asks for the old ssh-rsa signature,
            // which hosts have not had for years.
            ...(login.hostKey ? { algorithms: { serverHostKey: [login.hostKey.type as "ssh-ed25519"] } } : {}),
            hostVerifier: (key: Buffer) => {
                const right = login.hostKey === undefined || login.hostKey.blob.equals(key);
                if (!right) cause = "ssh: host key mismatch";
                return right;
            },
            authHandler: (offered, _partial, next) => {
                if (attempted.length === 0) {
                    attempted.push("none");
                    return next({ type: "none", username: login.user });
                }
                const method = login.methods.find(
                    (each) => !attempted.includes(wireName(each)) && offered?.includes(wireName(each) as "publickey"),
                );
                if (!method) return next(false as unknown as AnyAuthMethod);
                attempted.push(wireName(method));
                next(method);
            },
        });
    });
}

/** What the protocol calls a method; keys of an agent are public keys, so a private key that is refused hides them. */
const wireName = (method: AnyAuthMethod): string => (method.type === "agent" ? "publickey" : method.type);
