/** One command over SSH, as the command plugin runs it: text, standard input, and what came back. */
import { Client } from "ssh2";
import type { SshHost } from "../sshHost";

export interface Ran {
    /** Undefined if the connection was lost before the command had ended. */
    exitCode: number | undefined;
    output: string;
    errors: string;
}

/** Where to log in, and as whom. */
export type SshLogin = Pick<SshHost, "host" | "port" | "user" | "privateKeyPem">;

export function runOverSsh(host: SshLogin, command: string, input: string): Promise<Ran> {
    return new Promise((resolve, reject) => {
        const client = new Client();
        const ran: Ran = { exitCode: undefined, output: "", errors: "" };
        let begun = false;
        client.on("error", (error) => {
            if (!begun) reject(error);
        });
        client.on("close", () => resolve(ran));
        client.on("ready", () => {
            client.exec(command, (error, channel) => {
                if (error) {
                    client.end();
                    reject(error);
                    return;
                }
                begun = true;
                channel.on("data", (chunk: Buffer) => (ran.output += String(chunk)));
                channel.stderr.on("data", (chunk: Buffer) => (ran.errors += String(chunk)));
                channel.on("exit", (code: number | null) => (ran.exitCode = code ?? undefined));
                channel.on("error", () => undefined);
                channel.on("close", () => client.end());
                channel.end(input);
            });
        });
        client.connect({
            host: host.host,
            port: host.port,
            username: host.user,
            privateKey: host.privateKeyPem,
            hostVerifier: () => true,
        });
    });
}
