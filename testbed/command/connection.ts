/**
 * How the official plugin 1.2.1 reaches a host: one TCP connection for each operation, with retries on every kind of
 * failure, pinned host keys, and the user's key, password or agent. Its error texts are kept, for a user meets them.
 */
import * as net from "node:net";
import { type AnyAuthMethod, Client, type ParsedKey } from "ssh2";
import type { Connection, ConnectionBase } from "./inputs";
import { parseHostKey, parsePrivateKey } from "./keys";

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

/** What a handshake needs, made once: mistakes in it are told at once, without a retry. */
interface Login {
    user: string;
    hostKey?: { type: string; blob: Buffer };
    /** In the order in which they are tried; of several of a kind only the first is. */
    methods: AnyAuthMethod[];
}

async function prepare(connection: ConnectionBase): Promise<Login> {
    const { user, password, privateKey, privateKeyPassword } = connection;
    const login: Login = { user, methods: [] };
    if (connection.hostKey !== undefined) {
        try {
            login.hostKey = parseHostKey(connection.hostKey);
        } catch (error) {
            throw new Error(`failed to parse host key: ${(error as Error).message}`);
        }
    }
    if (privateKey !== undefined) {
        const key: ParsedKey = parsePrivateKey(privateKey, privateKeyPassword);
        login.methods.push({ type: "publickey", username: user, key });
    }
    if (password !== undefined) {
        login.methods.push({ type: "password", username: user, password });
        login.methods.push({
            type: "keyboard-interactive",
            username: user,
            prompt: (_name, _instructions, _language, prompts, finish) => finish(prompts.map(() => password)),
        });
    }
    const agent = connection.agentSocketPath ?? (process.env.SSH_AUTH_SOCK || undefined);
    if (agent !== undefined) {
        // A socket that is stale breaks every connection, one with a private key too.
        await reachable(agent);
        login.methods.push({ type: "agent", username: user, agent });
    }
    return login;
}

function reachable(agent: string): Promise<void> {
    return new Promise((resolve, reject) => {
        const socket = net.connect(agent);
        socket.once("connect", () => {
            socket.destroy();
            resolve();
        });
        socket.once("error", (error: NodeJS.ErrnoException) => {
            // A file that is no socket is told by Node as ENOTSOCK, by Go as a refusal.
            const code = error.code === "ENOTSOCK" ? "ECONNREFUSED" : error.code;
            reject(new Error(`dial unix ${agent}: connect: ${systemError(code, error.message)}`));
        });
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

/** `perDialTimeout` covers this alone; nothing limits the handshake that follows. */
function tcp({ host, port, perDialTimeout }: ConnectionBase): Promise<net.Socket> {
    return new Promise((resolve, reject) => {
        const wanted = Math.trunc(port);
        const socket = net.connect({ host, port: wanted, noDelay: true });
        const timer =
            perDialTimeout > 0
                ? setTimeout(
                      () => fail(`dial tcp ${address(socket.remoteAddress ?? host, wanted)}: i/o timeout`),
                      perDialTimeout * 1000,
                  )
                : undefined;
        const fail = (message: string) => {
            clearTimeout(timer);
            socket.destroy();
            reject(new Error(message));
        };
        socket.once(
            "error",
            (error: NodeJS.ErrnoException & { errors?: NodeJS.ErrnoException[]; address?: string }) => {
                if (error.syscall === "getaddrinfo") return fail(`dial tcp: lookup ${host}: no such host`);
                const first = error.errors?.[0] as (NodeJS.ErrnoException & { address?: string }) | undefined;
                const { code, message } = first ?? error;
                fail(
                    `dial tcp ${address(first?.address ?? error.address ?? host, wanted)}: connect: ` +
                        `${systemError(code, message)}`,
                );
            },
        );
        socket.once("connect", () => {
            clearTimeout(timer);
            socket.removeAllListeners("error");
            resolve(socket);
        });
    });
}

function forward(jumpHost: Client, { host, port }: ConnectionBase): Promise<NodeJS.ReadWriteStream> {
    return new Promise((resolve, reject) => {
        jumpHost.forwardOut("0.0.0.0", 0, host, Math.trunc(port), (error, stream) => {
            if (!error) return resolve(stream as unknown as NodeJS.ReadWriteStream);
            const reason = (error as Error & { reason?: number }).reason;
            const reasons = [
                "",
                "administratively prohibited",
                "connect failed",
                "unknown channel type",
                "resource shortage",
            ];
            const description = error.message.replace("(SSH) Channel open failure: ", "");
            reject(new Error(`ssh: rejected: ${reasons[reason ?? 0] || "unknown reason"} (${description})`));
        });
    });
}

function handshake(stream: net.Socket | NodeJS.ReadWriteStream, login: Login): Promise<Client> {
    return new Promise((resolve, reject) => {
        const client = new Client();
        let cause: string | undefined;
        let offeredByHost = "";
        const between = stream instanceof net.Socket ? ends(stream) : "";
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
            } else if (error.code === "ECONNRESET" && between !== "") {
                cause ??= `read tcp ${between}: read: connection reset by peer`;
            } else if (error.message.startsWith("Handshake failed: no matching host key format")) {
                const { type } = login.hostKey ?? { type: "" };
                cause ??= `ssh: no common algorithm for host key; we offered: [${type}], peer offered: [${offeredByHost.replaceAll(",", " ")}]`;
            } else if (/Connection lost before handshake|ended|closed/i.test(error.message)) {
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
            debug: (message: string) => {
                offeredByHost = /^Handshake: \(remote\) Host key format: (.*)$/.exec(message)?.[1] ?? offeredByHost;
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

const address = (host: string, port: number) => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);

const ends = (socket: net.Socket) =>
    `${address(socket.localAddress ?? "", socket.localPort ?? 0)}->${address(socket.remoteAddress ?? "", socket.remotePort ?? 0)}`;

function systemError(code: string | undefined, fallback: string): string {
    const texts: Record<string, string> = {
        ECONNREFUSED: "connection refused",
        ECONNRESET: "connection reset by peer",
        EHOSTUNREACH: "no route to host",
        ENETUNREACH: "network is unreachable",
        ETIMEDOUT: "connection timed out",
        ENOENT: "no such file or directory",
        EACCES: "permission denied",
    };
    return texts[code ?? ""] ?? fallback;
}
