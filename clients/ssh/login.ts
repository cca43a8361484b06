/** Finds the ways to log in, before any connection is made. */
import * as net from "node:net";
import type { AnyAuthMethod, ParsedKey } from "ssh2";
import { fingerprint, hostKeyOf, KeyError, privateKeyOf } from "./keys";
import { type Place, SshError } from "./place";

/** What the user logs in with, in the order in which the plugin command tries it. */
export interface Login {
    hostKey: { type: string; blob: Buffer };
    methods: { method: AnyAuthMethod; described: string }[];
}

/** @throws SshError if there is nothing to log in with, or no valid key */
export async function loginOf(place: Place): Promise<Login> {
    const { user, password, privateKey, privateKeyPassword, agentSocketPath } = place;
    const hostKey = hostKeyOf(place.hostKey);
    if (!hostKey)
        throw new SshError(
            `The host key of ${place.role} (${place.setting("hostKey")}) is not an ed25519 or ecdsa key on one ` +
                `line, as ssh-keyscan -t ed25519 ${place.host} prints it.`,
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
        // The plugin command offers only one public key, so a private key hides those of an agent.
        if (privateKey === undefined)
            methods.push({
                method: { type: "agent", username: user, agent: agentSocketPath },
                described: `the keys of the SSH agent at ${agentSocketPath}`,
            });
    }
    if (methods.length === 0) {
        throw new SshError(
            `There is nothing to log in to ${place.role} with: ` +
                "no private key (host.privateKey), no password (host.password), " +
                "and no SSH agent (SSH_AUTH_SOCK is not set).",
        );
    }
    return { hostKey, methods };
}

/**
 * Checks that the agent answers. An agent that does not would make the deployment fail too, even with a private key
 * (measured on the plugin command 1.2.1).
 */
function reachAgent(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
        const socket = net.connect(path);
        const fail = (why: string) => {
            socket.destroy();
            reject(
                new SshError(
                    `SSH_AUTH_SOCK names ${path}, but no SSH agent answers there (${why}). ` +
                        "Start the agent, or unset SSH_AUTH_SOCK if a private key is set (host.privateKey): " +
                        "otherwise the deployment would fail too.",
                ),
            );
        };
        socket.setTimeout(3_000, () => fail("it does not answer"));
        socket.once("error", (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
        socket.once("connect", () => {
            socket.destroy();
            resolve();
        });
    });
}
