/**
 * One command on a host over SSH: one connection, one login attempt, each step with a limit of time, and for each way in which it can
 * fail a sentence that says what to do. Where the plugin command 1.2.1 cannot get in, this cannot either, and says so sooner.
 */
import * as net from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { AnyAuthMethod, Client, ParsedKey } from "ssh2";
import { outsideText } from "../../clients/outsideText";
import { ssh2 } from "./ssh2";
import { fingerprint, hostKeyOf, KeyError, privateKeyOf } from "./sshKeys";

/** A host, and how to log in to it. */
export interface SshAddress {
    host: string;
    port: number;
    user: string;
    /** The host's public key as a line of known_hosts; a host that shows another is refused before anything is sent to it. */
    hostKey: string;
    privateKey?: string;
    privateKeyPassword?: string;
    password?: string;
    /** Socket of the SSH agent, which is asked where there is no private key. */
    agentSocketPath?: string;
}

export interface SshConnection extends SshAddress {
    /** A host on the way. */
    proxy?: SshAddress;
}

export interface Ran {
    stdout: Buffer;
    stderr: string;
    /** Undefined where a signal ended the command. */
    code: number | undefined;
}

export interface SshLimits {
    /** Milliseconds until a host has to have taken the connection, and then to have said its first word. */
    answer: number;
    /** Milliseconds for the whole of a login. */
    login: number;
    /** Milliseconds for the command. */
    command: number;
    /** Bytes of output that are read. */
    output: number;
}

export const SSH_LIMITS: SshLimits = { answer: 10_000, login: 20_000, command: 60_000, output: 4 * 1024 * 1024 };

/** Why a host could not be asked, in words for the person who must act. */
export class SshError extends Error {
    constructor(
        message: string,
        /** Whether the host hung up before anybody tried to log in, as sshd does where many come at once. */
        readonly hungUp = false,
    ) {
        // A host, or what answers in its place, may have said a part of it.
        super(outsideText(message, 2_000));
    }
}

/** Pause before the second connection, where the host hung up on the first before anybody tried to log in. */
const SECOND_TRY = 700;

/** Runs a command, which is given all of `stdin`; a command that ends with an error is no failure here. */
export async function runOverSsh(
    connection: SshConnection,
    work: { command: string; stdin: string },
    options: { cancelled?: AbortSignal; limits?: Partial<SshLimits> } = {},
): Promise<Ran> {
    const limits = { ...SSH_LIMITS, ...options.limits };
    const clients: Client[] = [];
    const run = async () => {
        const { proxy } = connection;
        const target = placeOf(connection, "the registry's host", "host.");
        // What is wrong with the keys shows before anybody is bothered.
        const login = await loginOf(target);
        let client: Client;
        if (proxy) {
            const jump = placeOf(proxy, "the jump host", "host.jump");
            const jumpLogin = await loginOf(jump);
            const jumpClient = await loggedIn(jump, jumpLogin, () => dial(jump, limits), limits, clients);
            client = await loggedIn(target, login, () => through(jumpClient, jump, target, limits), limits, clients);
        } else {
            client = await loggedIn(target, login, () => dial(target, limits), limits, clients);
        }
        return execute(client, target, work, limits);
    };
    const { cancelled } = options;
    let stop: (() => void) | undefined;
    try {
        cancelled?.throwIfAborted();
        const aborted = new Promise<never>((_resolve, reject) => {
            stop = () => reject(new SshError("The look at the registry's host was cancelled."));
            cancelled?.addEventListener("abort", stop, { once: true });
        });
        return await Promise.race([run(), aborted]);
    } finally {
        if (stop) cancelled?.removeEventListener("abort", stop);
        for (const client of clients.reverse()) await ended(client);
    }
}

/** A host and what it is called in a sentence; `settings` begins the names of the settings that say how to reach it. */
interface Place extends SshAddress {
    role: string;
    /** `registry.example.org port 22`. */
    at: string;
    setting(name: "address" | "port" | "user" | "hostKey"): string;
}

function placeOf(address: SshAddress, role: string, settings: "host." | "host.jump"): Place {
    const setting = (name: string) =>
        settings + (settings.endsWith(".") ? name : name[0]!.toUpperCase() + name.slice(1));
    return { ...address, role, at: `${address.host} port ${address.port}`, setting };
}

/** By what the user is let in, in the order in which the plugin command tries it. */
interface Login {
    hostKey: { type: string; blob: Buffer };
    methods: { method: AnyAuthMethod; described: string }[];
}

async function loginOf(place: Place): Promise<Login> {
    const { user, password, privateKey, privateKeyPassword, agentSocketPath } = place;
    const hostKey = hostKeyOf(place.hostKey);
    if (!hostKey)
        throw new SshError(
            `The host key of ${place.role} (${place.setting("hostKey")}) is no ed25519 or ecdsa key on one line, as ssh-keyscan -t ed25519 ${place.host} prints it.`,
        );
    const methods: Login["methods"] = [];
    if (privateKey !== undefined) {
        let key: ParsedKey;
        try {
            key = privateKeyOf(privateKey, privateKeyPassword);
        } catch (error) {
            if (error instanceof KeyError) throw new SshError(`Nobody can log in to ${place.role}: ${error.message}.`);
            throw error;
        }
        methods.push({
            method: { type: "publickey", username: user, key },
            described: `the private key ${fingerprint(key.getPublicSSH())}`,
        });
    }
    if (password !== undefined) {
        methods.push({ method: { type: "password", username: user, password }, described: "the password" });
        methods.push({
            method: {
                type: "keyboard-interactive",
                username: user,
                prompt: (_name, _instructions, _language, prompts, finish) => finish(prompts.map(() => password)),
            },
            described: "the password",
        });
    }
    if (agentSocketPath !== undefined) {
        await reachAgent(agentSocketPath);
        // The plugin command asks for no second public key, so that a private key hides those of an agent.
        if (privateKey === undefined)
            methods.push({
                method: { type: "agent", username: user, agent: agentSocketPath },
                described: `the keys of the SSH agent at ${agentSocketPath}`,
            });
    }
    if (methods.length === 0) {
        throw new SshError(
            `There is nothing to log in to ${place.role} with: no private key (host.privateKey), no password (host.password), and no SSH agent (SSH_AUTH_SOCK is not set).`,
        );
    }
    return { hostKey, methods };
}

/** An agent that is not there breaks the push too, even one with a private key (measured on the plugin command 1.2.1). */
function reachAgent(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
        const socket = net.connect(path);
        const fail = (why: string) => {
            socket.destroy();
            reject(
                new SshError(
                    `SSH_AUTH_SOCK names ${path}, where no SSH agent answers (${why}). Start the agent, or unset SSH_AUTH_SOCK where a private key is set (host.privateKey): the push would fail with it as well.`,
                ),
            );
        };
        socket.setTimeout(3_000, () => fail("it is silent"));
        socket.once("error", (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
        socket.once("connect", () => {
            socket.destroy();
            resolve();
        });
    });
}

function dial(place: Place, limits: SshLimits): Promise<net.Socket> {
    const { host, port, at, role } = place;
    const correct = `${place.setting("address")} or ${place.setting("port")}`;
    return new Promise((resolve, reject) => {
        const socket = net.connect({ host, port, noDelay: true });
        const timer = setTimeout(
            () =>
                fail(
                    `${upper(role)}, ${at}, does not answer within ${limits.answer / 1000} seconds: it is down, or a firewall drops what is sent to it. See that it can be reached from here, or correct ${correct}.`,
                ),
            limits.answer,
        );
        const fail = (message: string) => {
            clearTimeout(timer);
            socket.destroy();
            reject(new SshError(message));
        };
        socket.once("error", (error: NodeJS.ErrnoException & { errors?: NodeJS.ErrnoException[] }) => {
            const code = error.code ?? error.errors?.[0]?.code ?? error.message;
            switch (code) {
                case "ENOTFOUND":
                case "EAI_AGAIN":
                    return fail(
                        `The name of ${role}, ${host}, cannot be looked up (${code}). Correct ${place.setting("address")}, or see to the DNS of this machine.`,
                    );
                case "ECONNREFUSED":
                    return fail(
                        `${upper(role)}, ${at}, refuses connections: no SSH server listens there, or a firewall keeps it closed. Start it, or correct ${correct}.`,
                    );
                case "EHOSTUNREACH":
                case "ENETUNREACH":
                case "ETIMEDOUT":
                    return fail(
                        `${upper(role)}, ${at}, cannot be reached from here (${code}). See to the network, or correct ${correct}.`,
                    );
                default:
                    return fail(`No connection to ${role}, ${at}: ${code}.`);
            }
        });
        socket.once("connect", () => {
            clearTimeout(timer);
            socket.removeAllListeners("error");
            resolve(socket);
        });
    });
}

function through(jump: Client, jumpPlace: Place, place: Place, limits: SshLimits): Promise<Duplex> {
    return new Promise((resolve, reject) => {
        const where = `${place.role}, ${place.at}, over the jump host ${jumpPlace.host}`;
        const timer = setTimeout(
            () =>
                reject(
                    new SshError(
                        `No connection to ${where} within ${limits.answer / 1000} seconds: ${place.host} is down, or a firewall drops what the jump host sends to it.`,
                    ),
                ),
            limits.answer,
        );
        jump.forwardOut("127.0.0.1", 0, place.host, place.port, (error, stream) => {
            clearTimeout(timer);
            if (!error) return resolve(stream);
            const said = error.message.replace("(SSH) Channel open failure: ", "");
            const prohibited = /prohibited/i.test(said) || (error as Error & { reason?: number }).reason === 1;
            reject(
                new SshError(
                    prohibited
                        ? `The jump host ${jumpPlace.host} does not allow connections to ${place.at} (${said}); see AllowTcpForwarding and PermitOpen in its sshd_config.`
                        : `No connection to ${where}: ${said}. See that the SSH server runs there, or correct ${place.setting("address")} or ${place.setting("port")}.`,
                ),
            );
        });
    });
}

/** A client that is logged in. A host that hangs up before anybody has tried to log in is asked once more. */
async function loggedIn(
    place: Place,
    login: Login,
    connect: () => Promise<Duplex>,
    limits: SshLimits,
    clients: Client[],
): Promise<Client> {
    try {
        return await handshake(place, login, await connect(), limits, clients);
    } catch (error) {
        if (!(error instanceof SshError) || !error.hungUp) throw error;
    }
    await sleep(SECOND_TRY);
    return handshake(place, login, await connect(), limits, clients);
}

function handshake(place: Place, login: Login, stream: Duplex, limits: SshLimits, clients: Client[]): Promise<Client> {
    const { role, at, user } = place;
    return new Promise((resolve, reject) => {
        const client = new (ssh2().Client)();
        clients.push(client);
        let shown: Buffer | undefined;
        let keyTypes = "";
        let offered: string[] = [];
        let greeted = "";
        let heard: string | undefined;
        let loginBegun = false;
        let left = [...login.methods];
        const tried = new Set<string>();

        const silence = setTimeout(() => {
            if (heard === undefined)
                fail(
                    `${upper(role)}, ${at}, takes the connection and then says nothing for ${limits.answer / 1000} seconds: its SSH server hangs, or what listens there is none. Look at the host, or correct ${place.setting("port")}.`,
                );
        }, limits.answer);
        const patience = setTimeout(
            () =>
                fail(
                    `The login to ${role}, ${at}, did not come to an end within ${limits.login / 1000} seconds. Look at the load of the host and at its SSH server.`,
                ),
            limits.login,
        );
        const settle = () => {
            clearTimeout(silence);
            clearTimeout(patience);
            client.removeAllListeners("error").on("error", () => {});
        };
        const fail = (message: string, hungUp = false) => {
            settle();
            client.destroy();
            reject(new SshError(message, hungUp));
        };
        stream.once(
            "data",
            (chunk: Buffer) =>
                (heard = chunk
                    .toString("latin1")
                    .split(/[\r\n]/)[0]!
                    .replace(/[^ -~]/g, "")
                    .slice(0, 100)),
        );

        const refusal = () => {
            const accepted = offered.length > 0 ? ` It accepts: ${offered.join(", ")}.` : "";
            const what =
                tried.size > 0
                    ? `refuses the login of ${user} with ${[...tried].join(" and ")}`
                    : `offers no way to log in that could be used for ${user} here, which is ${login.methods.map(({ described }) => described).join(" or ")}`;
            return `${upper(role)}, ${at}, ${what}.${accepted} Correct ${place.setting("user")}, or add the public key to ~${user}/.ssh/authorized_keys on the host; its SSH server's log says why it refuses.`;
        };
        client.once("ready", () => {
            settle();
            resolve(client);
        });
        client.on("greeting", (text) => (greeted = outsideText(text, 200)));
        client.on("error", (error: Error & { level?: string; code?: unknown }) => {
            // What an agent cannot do is told at the end, when no other way is left.
            if (error.level === "agent")
                return void tried.add(`${[...tried].pop() ?? "the SSH agent"}: ${error.message}`);
            if (shown && !shown.equals(login.hostKey.blob)) {
                return fail(
                    `${upper(role)}, ${at}, shows another host key than the one of ${place.setting("hostKey")}: ${fingerprint(shown)} instead of ${fingerprint(login.hostKey.blob)} (${login.hostKey.type}). ` +
                        `Nothing was sent to it. If the host was set up anew, compare with what it says itself, ssh-keygen -lf /etc/ssh/ssh_host_${login.hostKey.type === "ssh-ed25519" ? "ed25519" : "ecdsa"}_key.pub, and set ${place.setting("hostKey")}; if not, somebody else answers in its place.`,
                );
            }
            if (/no matching host key format/.test(error.message)) {
                return fail(
                    `${upper(role)}, ${at}, has no host key of the type ${login.hostKey.type}, which ${place.setting("hostKey")} pins; it has ${keyTypes || "others"}. Set ${place.setting("hostKey")} to one that it has, of ed25519 or ecdsa.`,
                );
            }
            if (error.level === "client-authentication" || loginBegun) {
                return fail(
                    /configured authentication methods/.test(error.message)
                        ? refusal()
                        : `${refusal()} It said: ${error.message}`,
                );
            }
            if (
                /identification|Invalid.*version|greeting|Protocol version/i.test(error.message) ||
                (heard !== undefined && !keyTypes && /packet|Bad/i.test(error.message))
            ) {
                return fail(
                    `What listens on ${at} is no SSH server that could be talked to (${error.message}). Correct ${place.setting("address")} or ${place.setting("port")}.`,
                );
            }
            fail(hangingUp(`${error.message}`), true);
        });
        const hangingUp = (why: string) =>
            `${upper(role)}, ${at}, hangs up before anybody could log in (${greeted.trim() || (heard && !heard.startsWith("SSH-") ? heard : why)}). What listens there may be no SSH server (${place.setting("port")}). Or it may have too many connections at once (MaxStartups), keep away this address (PerSourcePenalties, fail2ban), or be misconfigured; its log says which.`;
        client.once("close", () =>
            fail(
                loginBegun ? `${refusal()} It closed the connection.` : hangingUp("the connection was closed"),
                !loginBegun,
            ),
        );

        client.connect({
            sock: stream as net.Socket,
            username: user,
            readyTimeout: 0,
            // The plugin command asks for the type of the pinned key alone, too.
            algorithms: { serverHostKey: [login.hostKey.type as "ssh-ed25519"] },
            hostVerifier: (key: Buffer) => {
                shown = key;
                return key.equals(login.hostKey.blob);
            },
            debug: (message) => {
                keyTypes =
                    /^Handshake: \(remote\) Host key format: (.*)$/.exec(message)?.[1]?.replaceAll(",", ", ") ??
                    keyTypes;
            },
            authHandler: (methods, _partial, next) => {
                if (!loginBegun) {
                    loginBegun = true;
                    // Tells what the host accepts, and counts as no failed login.
                    return next({ type: "none", username: user });
                }
                offered = (methods as string[] | null) ?? offered;
                const way = left.find(({ method }) =>
                    offered.includes(method.type === "agent" ? "publickey" : method.type),
                );
                if (!way) return next(false as unknown as AnyAuthMethod);
                // What was refused by one method is not tried by another: each refusal counts at the host, which may shut this address out.
                left = left.filter((other) => other.described !== way.described);
                tried.add(way.described);
                next(way.method);
            },
        });
    });
}

function execute(
    client: Client,
    place: Place,
    { command, stdin }: { command: string; stdin: string },
    limits: SshLimits,
): Promise<Ran> {
    return new Promise((resolve, reject) => {
        const fail = (message: string) => {
            clearTimeout(timer);
            reject(new SshError(message));
        };
        const timer = setTimeout(
            () =>
                fail(
                    `The look at ${place.role}, ${place.at}, did not come to an end within ${limits.command / 1000} seconds; nothing was changed. Look at the load of the host.`,
                ),
            limits.command,
        );
        const lost = `The connection to ${place.role}, ${place.at}, was lost while it was looked at; nothing was changed. Try again.`;
        client.once("close", () => fail(lost));
        client.exec(command, (error, channel) => {
            if (error)
                return fail(
                    `${upper(place.role)}, ${place.at}, lets ${place.user} in, but runs no command: ${error.message}. See the account's shell, and what its key allows in authorized_keys.`,
                );
            const out: Buffer[] = [];
            const errors: Buffer[] = [];
            let size = 0;
            let exit: { code: number | undefined } | undefined;
            const keep = (chunks: Buffer[]) => (chunk: Buffer) => {
                size += chunk.length;
                if (size <= limits.output) chunks.push(chunk);
            };
            channel.on("data", keep(out));
            channel.stderr.on("data", keep(errors));
            channel.on("error", () => {});
            channel.on("exit", (code: number | null) => (exit = { code: code ?? undefined }));
            channel.on("close", () => {
                clearTimeout(timer);
                if (!exit) return fail(lost);
                resolve({
                    stdout: Buffer.concat(out),
                    stderr: Buffer.concat(errors).toString("utf8"),
                    code: exit.code,
                });
            });
            channel.end(stdin);
        });
    });
}

/** Ends a connection, and with it what the process would wait for. */
function ended(client: Client): Promise<void> {
    return new Promise((resolve) => {
        const over = () => {
            clearTimeout(timer);
            client.destroy();
            resolve();
        };
        const timer = setTimeout(over, 1_000);
        client.removeAllListeners("close").once("close", over);
        client.removeAllListeners("error").on("error", () => {});
        const socket = (client as unknown as { _sock?: { destroyed?: boolean } })._sock;
        if (!socket || socket.destroyed) return over();
        client.end();
    });
}

const upper = (text: string) => text[0]!.toUpperCase() + text.slice(1);
