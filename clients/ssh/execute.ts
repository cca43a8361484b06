/** Runs one command on a host after the login, and ends the connection. */
import type { Client } from "ssh2";
import { type Place, SshError, type SshLimits, upper } from "./place";

export interface Ran {
    stdout: Buffer;
    stderr: string;
    /** Undefined if a signal ended the command. */
    code: number | undefined;
}

/** @throws SshError if the command does not finish */
export function execute(
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
                    `The observation of ${place.role}, ${place.at}, ` +
                        `did not end within ${limits.command / 1000} seconds; nothing was changed. ` +
                        "Check the load of the host.",
                ),
            limits.command,
        );
        const lost =
            `The connection to ${place.role}, ${place.at}, was lost during its observation; ` +
            "nothing was changed. Try again.";
        client.once("close", () => fail(lost));
        client.exec(command, (error, channel) => {
            if (error)
                return fail(
                    `${upper(place.role)}, ${place.at}, lets ${place.user} in, but runs no command: ` +
                        `${error.message}. See the account's shell, and what its key may do in authorized_keys.`,
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

/** Ends a connection; otherwise the process would wait for it. */
export function ended(client: Client): Promise<void> {
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
