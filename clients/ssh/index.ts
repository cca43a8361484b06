/**
 * Runs one command on a host over SSH: one connection, one login attempt, a time limit for each step, and for each kind
 * of failure a sentence that says what to do. If the plugin command 1.2.1 cannot log in, this cannot either, and says
 * so sooner.
 */
import type { Duplex } from "node:stream";
import type { Client } from "ssh2";
import { dial, through } from "./connect";
import { ended, execute, type Ran } from "./execute";
import { loggedIn } from "./handshake";
import { loginOf } from "./login";
import { placeOf, SSH_LIMITS, type SshAddress, SshError, type SshLimits } from "./place";

export type { Ran } from "./execute";
export { SSH_LIMITS, type SshAddress, SshError, type SshLimits } from "./place";

export interface SshConnection extends SshAddress {
    /** The jump host. */
    proxy?: SshAddress;
}

/**
 * A connection to a host through a jump host, for a look at the host before a login.
 *
 * @param work uses the connection, which ends with it
 * @throws SshError if the jump host refuses the login, or does not connect
 */
export async function overJumpHost<T>(
    proxy: SshAddress,
    to: { host: string; port: number },
    work: (connection: Duplex) => Promise<T>,
): Promise<T> {
    const jump = placeOf(proxy, "the jump host", "host.jump");
    const clients: Client[] = [];
    try {
        const client = await loggedIn(jump, await loginOf(jump), () => dial(jump, SSH_LIMITS), SSH_LIMITS, clients);
        const target = placeOf({ ...to, user: "", hostKey: "" }, "the registry's host", "host.");
        return await work(await through(client, jump, target, SSH_LIMITS));
    } finally {
        for (const client of clients.reverse()) await ended(client);
    }
}

/** Runs a command with `stdin` as its input. A command that ends with an error does not count as a failure here. */
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
        // Mistakes in the keys show before any connection is made.
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
