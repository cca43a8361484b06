/** One command on a host: its input, output and end, as the official plugin 1.2.1 handles them. */
import type { Client, ClientChannel } from "ssh2";

/**
 * Runs a command and answers with its output, without one trailing line break each. Throws what the official plugin
 * says where the command fails, the connection is lost, or the command ended well before it had read its input.
 */
export async function run(client: Client, text: string, stdin = ""): Promise<{ stdout: string; stderr: string }> {
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[], both: [] as Buffer[] };
    const failure = await new Promise<string | undefined>((resolve) => {
        client.exec(text, (error, channel) => {
            if (error) return resolve("EOF");
            // At once: a short command may be over by the time its start is confirmed.
            const input = sendInput(channel, stdin);
            const finished = Promise.all([
                endOf(channel),
                collect(channel, [output.stdout, output.both]),
                collect(channel.stderr, [output.stderr, output.both]),
            ]);
            void finished.then(([ended]) => resolve(ended ?? (input.sent() ? undefined : "EOF")));
        });
    });
    if (failure !== undefined)
        throw new Error(`${failure}: running ${JSON.stringify(text)}:\n${Buffer.concat(output.both).toString("utf8")}`);
    return { stdout: outputText(output.stdout), stderr: outputText(output.stderr) };
}

function outputText(chunks: Buffer[]): string {
    const bytes = Buffer.concat(chunks);
    try {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\n$/, "");
    } catch {
        // The command has run by now, and nothing of it is saved.
        throw new Error("grpc: error while marshaling: string field contains invalid UTF-8");
    }
}

/** Reads a stream to its end. */
function collect(stream: NodeJS.ReadableStream, into: Buffer[][]): Promise<void> {
    return new Promise((resolve) => {
        stream.on("data", (chunk: Buffer) => {
            for (const chunks of into) chunks.push(chunk);
        });
        stream.once("end", resolve);
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

/** Waits for the end of the session; undefined if the command ended with 0. */
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
