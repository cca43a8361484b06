/** An SSH server in this process, over ssh2, which behaves towards its clients as OpenSSH's sshd does by default. */
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import type { Readable } from "node:stream";
import {
    type AuthContext,
    type Connection,
    type ParsedKey,
    Server,
    type ServerChannel,
    type Session,
    utils,
} from "ssh2";
import { account } from "./account";
import { type RunningCommand, startCommand } from "./command";
import { noFaults, type RunningServer, type ServerSetup } from "./host";
import { acceptLargePackets, CIPHERS } from "./largePackets";
import { endMarked, endProcess } from "./processes";

/** What sshd gives to a command (Debian's build): little, and nothing of its own environment. */
const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/games";
const SUPERUSER_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export async function startEmbedded(setup: ServerSetup): Promise<RunningServer> {
    const { options } = setup;
    const faults = { ...noFaults(), ...options.faults };
    const sockets = new Set<net.Socket>();
    const commands = new Set<RunningCommand>();
    const lines: string[] = [];
    let accepted = 0;
    let failedLogins = 0;

    const log = (line: string) => void lines.push(line);
    const sshOptions = {
        hostKeys: setup.hostKeyPems.flatMap(hostKeys),
        ident: "testbed_sshHost",
        algorithms: { cipher: CIPHERS },
    };
    const sshServer = new Server(sshOptions, (connection, peer) => {
        acceptLargePackets(connection);
        let loginBegun = false;
        let loggedIn = false;
        // If a client leaves during a handshake, that is no error of the host.
        connection.on("error", (error: Error) => log(`${peer.ip} port ${peer.port}: ${error.message}`));
        connection.on("authentication", (context) => {
            loginBegun = true;
            authenticate(context);
        });
        connection.on("ready", () => {
            loggedIn = true;
            log(`Accepted login of ${setup.user} from ${peer.ip} port ${peer.port}`);
        });
        connection.on("close", () => {
            if (loginBegun && !loggedIn) {
                failedLogins++;
                log(`Connection closed by authenticating user from ${peer.ip} port ${peer.port}`);
            }
        });
        connection.on("session", (accept) => serveSession(accept(), connection, peer));
        connection.on("tcpip", (accept, reject, info) => {
            // What a jump host does, but only to loopback: a test bed must not reach further.
            if (!["127.0.0.1", "localhost", "::1"].includes(info.destIP)) return reject();
            const target = net.connect(info.destPort, info.destIP);
            target.once("error", () => reject());
            target.once("connect", () => {
                target.removeAllListeners("error");
                const channel = accept();
                for (const [from, to] of [[target, channel] as const, [channel, target] as const]) {
                    from.on("error", () => to.destroy());
                    from.on("close", () => to.destroy());
                    from.pipe(to as NodeJS.WritableStream);
                }
            });
        });
    });

    function authenticate(context: AuthContext): void {
        const methods = ["publickey", ...(options.password === undefined ? [] : ["password" as const])] as (
            | "publickey"
            | "password"
        )[];
        const refuse = () => context.reject(methods);
        if (faults.refuseLogins || context.username !== setup.user) return refuse();
        if (context.method === "publickey") {
            const allowed = authorizedKeys(setup.authorizedKeysFile).find((key) =>
                key.getPublicSSH().equals(context.key.data),
            );
            if (!allowed) return refuse();
            // Without a signature the client only asks whether the key would be accepted.
            if (
                context.signature &&
                allowed.verify(context.blob as Buffer, context.signature, context.hashAlgo) !== true
            )
                return refuse();
            return context.accept();
        }
        if (
            context.method === "password" &&
            options.password !== undefined &&
            sameText(context.password, options.password)
        ) {
            return context.accept();
        }
        refuse();
    }

    function serveSession(session: Session, connection: Connection, peer: { ip: string; port: number }): void {
        const requested: Record<string, string> = {};
        let command: RunningCommand | undefined;
        session.on("env", (accept, reject, info: { key: string; val?: string; value?: string }) => {
            // `accept` and `reject` are missing if the client wants no answer.
            if (!options.acceptEnvironment?.includes(info.key)) return reject?.();
            requested[info.key] = info.val ?? info.value ?? "";
            accept?.();
        });
        session.on("signal", (accept, _reject, info) => {
            accept?.();
            if (command) endProcess(-command.pid, `SIG${info.name}` as NodeJS.Signals);
        });
        const run = async (channel: ServerChannel, args: string[]) => {
            const { port } = connectionAddress(connection);
            const shell = loginShell(options.shell);
            try {
                command = await startCommand(shell, args, {
                    cwd: options.home ?? account().home,
                    env: { ...sessionEnvironment(setup, peer, port), ...requested },
                    folder: setup.folder,
                });
            } catch (error) {
                // The message of sshd's child if it cannot become the shell.
                const { code, message } = error as NodeJS.ErrnoException;
                channel.stderr.write(`${shell}: ${code === "E2BIG" ? "Argument list too long" : message}\n`);
                channel.exit(1);
                channel.end();
                return;
            }
            const running = command;
            commands.add(running);
            void running.ended.then(() => commands.delete(running));
            connectStreams(running, channel, log);
            if (faults.dropWhenCommandStarts) socketOf(connection)?.resetAndDestroy();
        };
        session.on("exec", (accept, _reject, info) => void run(accept(), ["-c", info.command]));
        session.on("shell", (accept) => void run(accept(), []));
    }

    const server = net.createServer({ noDelay: true }, (socket) => {
        accepted++;
        sockets.add(socket);
        log(`Connection from ${socket.remoteAddress} port ${socket.remotePort}`);
        socket.once("close", () => sockets.delete(socket));
        if (faults.neverSendBanner) {
            socket.on("error", () => {});
            socket.resume();
            return;
        }
        cutAfter(socket, faults.dropAfterBytesReceived, faults.dropAfterBytesSent);
        sshServer.injectSocket(socket);
    });
    const port = await new Promise<number>((resolve, reject) => {
        server.once("error", reject);
        server.listen(options.port ?? 0, "127.0.0.1", () => resolve((server.address() as net.AddressInfo).port));
    });

    return {
        port,
        connections: () => accepted,
        failedLogins: () => failedLogins,
        log: () => lines.map((line) => `${line}\n`).join(""),
        faults,
        dropConnections: () => sockets.forEach((socket) => socket.resetAndDestroy()),
        stop: async () => {
            const closed = new Promise((resolve) => server.close(resolve));
            sockets.forEach((socket) => socket.destroy());
            await closed;
            for (const command of commands) endProcess(-command.pid);
            endMarked(setup.mark);
            await Promise.all([...commands].map((command) => command.ended));
        },
    };
}

/**
 * An RSA key signs with SHA-2 or not at all, as with sshd. ssh2 adds the old SHA-1 signature to whatever it takes for
 * an RSA key, so it gets the key under the names of the other two.
 */
function hostKeys(pem: string): { key: ParsedKey }[] {
    const key = utils.parseKey(pem);
    if (key instanceof Error) throw key;
    if (key.type !== "ssh-rsa") return [{ key }];
    return ["rsa-sha2-512", "rsa-sha2-256"].map((type) => ({
        key: Object.create(key, { type: { value: type } }) as ParsedKey,
    }));
}

/**
 * Connects a command's streams to its channel: the exit status is sent at the end; a lost connection only removes the
 * streams.
 */
function connectStreams(command: RunningCommand, channel: ServerChannel, log: (line: string) => void): void {
    const { stdin, stdout, stderr } = command;
    channel.pipe(stdin);
    // Input that a running command no longer reads is dropped. If the command has ended, that is reported first.
    const dropInput = () => setTimeout(() => (command.hasEnded() ? undefined : channel.resume()), 50).unref();
    stdin.on("error", dropInput);
    stdin.on("close", dropInput);
    stdout.pipe(channel, { end: false });
    stderr.pipe(channel.stderr, { end: false });
    channel.on("error", (error: Error) => log(`channel: ${error.message}`));
    channel.on("close", () => {
        // If the command still writes, it finds a closed pipe.
        for (const stream of [stdin, stdout, stderr]) stream.destroy();
    });
    // The output ends with the last process that holds it: a background child keeps the session open, as with sshd.
    void Promise.all([command.ended, closed(stdout), closed(stderr)]).then(([{ code, signal }]) => {
        if (code !== null) channel.exit(code);
        else if (signal !== null) channel.exit(signal.replace(/^SIG/, ""), false, "");
        channel.end();
    });
}

const closed = (stream: Readable) => new Promise<void>((resolve) => stream.once("close", () => resolve()));

function cutAfter(socket: net.Socket, received: number | undefined, sent: number | undefined): void {
    if (received !== undefined) {
        socket.on("data", () => {
            if (socket.bytesRead >= received) socket.resetAndDestroy();
        });
    }
    if (sent !== undefined) {
        const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
        socket.write = (...args: unknown[]) => {
            const room = sent - socket.bytesWritten;
            const chunk = args[0] as Uint8Array;
            if (chunk.length <= room) return write(...args);
            if (room > 0) write(chunk.subarray(0, room));
            // When the last bytes have been sent.
            setImmediate(() => socket.resetAndDestroy());
            return false;
        };
    }
}

function sessionEnvironment(
    setup: ServerSetup,
    peer: { ip: string; port: number },
    port: number,
): Record<string, string> {
    const { options, user } = setup;
    const [name, ...value] = setup.mark.split("=");
    return {
        USER: user,
        LOGNAME: user,
        HOME: options.home ?? account().home,
        SHELL: loginShell(options.shell),
        PATH: process.getuid?.() === 0 ? SUPERUSER_PATH : DEFAULT_PATH,
        SSH_CLIENT: `${peer.ip} ${peer.port} ${port}`,
        SSH_CONNECTION: `${peer.ip} ${peer.port} 127.0.0.1 ${port}`,
        [name as string]: value.join("="),
        ...options.environment,
    };
}

const loginShell = (shell: string | undefined) => shell ?? account().shell;

function authorizedKeys(file: string): ParsedKey[] {
    return fs
        .readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => line.trim() !== "" && !line.startsWith("#"))
        .map((line) => utils.parseKey(line))
        .filter((key): key is ParsedKey => !(key instanceof Error));
}

function sameText(left: string, right: string): boolean {
    const digest = (text: string) => crypto.createHash("sha256").update(text).digest();
    return crypto.timingSafeEqual(digest(left), digest(right));
}

// ssh2 keeps a connection's socket to itself; it is needed for its address, and to cut it.
const socketOf = (connection: Connection) => (connection as unknown as { _sock?: net.Socket })._sock;
const connectionAddress = (connection: Connection) => ({ port: socketOf(connection)?.localPort ?? 0 });
