/** One command on a host: its environment, input, output and end, as the official plugin 1.2.1 handles them. */
import type { Client, ClientChannel } from "ssh2";
import { LineLog } from "./lineLog";

export interface Command {
    text: string;
    stdin?: string;
    /** Travels as SSH env requests, each of which the host must accept. */
    environment: Record<string, string>;
    /** The same, but a refusal is only a warning. */
    previousOutput: Record<string, string>;
    logStdout: boolean;
    logStderr: boolean;
}

export interface SessionContext {
    log(severity: "error" | "warning", message: string): Promise<void>;
    /** One line of the command's output. */
    line(text: string): Promise<void>;
}

/**
 * Runs a command and answers with its output, without one trailing line break each. Throws what the official plugin
 * says where the command fails, the connection is lost, or the command ended well before it had read its input.
 */
export async function run(
    client: Client,
    command: Command,
    context: SessionContext,
): Promise<{ stdout: string; stderr: string }> {
    const session = await openSession(client);
    for (const [name, value] of Object.entries(command.environment)) {
        const failure = await session.setEnvironment(name, value);
        if (failure !== undefined) {
            await context.log("error", environmentRefused(name));
            session.channel.close();
            throw new Error(`could not set environment variable ${JSON.stringify(name)}: ${failure}`);
        }
    }
    for (const [name, value] of Object.entries(command.previousOutput)) {
        if ((await session.setEnvironment(name, value)) !== undefined)
            await context.log("warning", environmentRefused(name));
    }

    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[], both: [] as Buffer[] };
    const lines = new LineLog((text) => context.line(text));
    const { channel } = session;
    // Before the start: a short command may be over by the time its start is confirmed.
    const ended = endOf(channel);
    const finished = Promise.all([
        collect(channel, [output.stdout, output.both], command.logStdout ? lines : undefined),
        collect(channel.stderr, [output.stderr, output.both], command.logStderr ? lines : undefined),
        ended,
    ]);
    let input: { sent(): boolean } | undefined;
    let failure = await session.start(command.text, () => {
        input = sendInput(channel, command.stdin ?? "");
    });
    if (failure === undefined) {
        await finished;
        failure = (await ended) ?? (input?.sent() ? undefined : "EOF");
    }
    await lines.end();
    if (failure !== undefined)
        throw new Error(
            `${failure}: running ${JSON.stringify(command.text)}:\n${Buffer.concat(output.both).toString("utf8")}`,
        );
    return { stdout: outputText(output.stdout), stderr: outputText(output.stderr) };
}

const environmentRefused = (
    name: string,
) => `Unable to set '${name}'. This only works if your SSH server is configured to accept
	these variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host, you could
	prefix the command itself with the variables in the form 'VAR=value command'`;

function outputText(chunks: Buffer[]): string {
    const bytes = Buffer.concat(chunks);
    try {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\n$/, "");
    } catch {
        // The command has run by now, and nothing of it is saved.
        throw new Error("grpc: error while marshaling: string field contains invalid UTF-8");
    }
}

/**
 * Reads a stream to its end. While a line waits to be shown nothing is read, so a command that says too much waits too.
 */
function collect(stream: NodeJS.ReadableStream, into: Buffer[][], lines: LineLog | undefined): Promise<void> {
    return new Promise((resolve) => {
        let shown: Promise<void> = Promise.resolve();
        stream.on("data", (chunk: Buffer) => {
            for (const chunks of into) chunks.push(chunk);
            if (!lines) return;
            stream.pause();
            shown = lines.write(chunk);
            void shown.then(() => stream.resume());
        });
        stream.once("end", () => void shown.then(resolve));
    });
}

/** Sends the input and then its end. What does not fit the host's window waits until the command reads. */
function sendInput(channel: ClientChannel, input: string): { sent(): boolean } {
    let sent = input === "";
    if (sent) channel.end();
    else {
        channel.write(input, () => {
            sent = true;
        });
        channel.end();
    }
    return { sent: () => sent };
}

/** Waits for the end of the session; undefined where the command ended with 0. */
function endOf(channel: ClientChannel): Promise<string | undefined> {
    return new Promise((resolve) => {
        let outcome: string | undefined = "wait: remote command exited without exit status or exit signal";
        channel.once("exit", (code: number | null, signal?: string) => {
            if (code === 0) outcome = undefined;
            else outcome = `Process exited with ${code === null ? `signal ${signal}` : `status ${code}`}`;
        });
        channel.once("close", () => resolve(outcome));
    });
}

interface RemoteSession {
    channel: ClientChannel;
    /** Undefined where the host accepts it. */
    setEnvironment(name: string, value: string): Promise<string | undefined>;
    /** `started` is called with the host's consent, before anything else that it says is looked at. */
    start(command: string, started: () => void): Promise<string | undefined>;
}

/**
 * ssh2's own `exec` does not wait for the answers to env requests, on which it depends here whether the command runs at
 * all. So the session is opened by hand, over what ssh2 1.17 keeps inside.
 */
interface ClientInside {
    _chanMgr: { add(opened: (error: Error | undefined, channel: ClientChannel) => void): number };
    _protocol: {
        session(id: number, window: number, packet: number): void;
        env(id: number, name: string, value: string, wantReply: boolean): void;
        exec(id: number, command: string, wantReply: boolean): void;
    };
}

interface ChannelInside {
    subtype: string;
    outgoing: { id: number; state: string };
    _callbacks: ((failed: boolean | Error) => void)[];
}

const WINDOW_BYTES = 2 * 1024 * 1024;
const PACKET_BYTES = 32 * 1024;

async function openSession(client: Client): Promise<RemoteSession> {
    const { _chanMgr: channels, _protocol: protocol } = client as unknown as ClientInside;
    let lost = false;
    client.once("close", () => (lost = true));
    const channel = await new Promise<ClientChannel>((resolve, reject) => {
        const opened = (error: Error | undefined, opening: ClientChannel) =>
            error ? reject(new Error(lost ? "EOF" : error.message)) : resolve(opening);
        // ssh2 looks at the type when the answer comes, to know what to make of the channel.
        protocol.session(channels.add(Object.assign(opened, { type: "session" })), WINDOW_BYTES, PACKET_BYTES);
    });
    const inside = channel as unknown as ChannelInside;
    const request = (send: () => void, refused: string, accepted = () => {}) =>
        new Promise<string | undefined>((resolve) => {
            if (lost || inside.outgoing.state !== "open") return resolve("EOF");
            // Answers come in the order of the requests. A lost connection answers all that are still open.
            inside._callbacks.push((failed) => {
                if (!failed) accepted();
                setImmediate(() => resolve(failed ? (lost ? "EOF" : refused) : undefined));
            });
            send();
        });
    return {
        channel,
        setEnvironment: (name, value) =>
            request(() => protocol.env(inside.outgoing.id, name, value, true), "ssh: setenv failed"),
        start: (command, started) => {
            inside.subtype = "exec";
            return request(
                () => protocol.exec(inside.outgoing.id, command, true),
                `ssh: command ${command} failed`,
                started,
            );
        },
    };
}
