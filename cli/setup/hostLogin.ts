/** How to log in to the host, and what of that the stack has to store. */
import type { SshConnection } from "../../clients/ssh";
import { KeyError, privateKeyOf } from "../../clients/ssh/keys";
import { UserError } from "../../clients/userError";
import { readPrivateKey } from "./host";
import type { Interview } from "./interview";

/** What a stack already knows about reaching its host. */
export interface KnownHost {
    host: Record<string, unknown>;
    zot: Record<string, unknown>;
    /** A secret of the stack; undefined if it is not set. */
    secret(name: string): Promise<string | undefined>;
}

/**
 * The stack's own private key, or else one of this machine, or its SSH agent.
 *
 * @param keys existing files of private keys
 * @throws UserError if a key cannot be read; Interrupted
 */
export async function loginFor(
    interview: Interview,
    { secret, host }: KnownHost,
    keys: readonly string[],
): Promise<{ connection: Partial<SshConnection>; secrets: Record<string, string> }> {
    const agent = process.env.SSH_AUTH_SOCK || undefined;
    if (!interview.isAnswered("sshKey") && "privateKey" in host) {
        const privateKey = await secret("host.privateKey");
        const privateKeyPassword =
            "privateKeyPassphrase" in host ? await secret("host.privateKeyPassphrase") : undefined;
        if (privateKey !== undefined)
            return { connection: { privateKey, privateKeyPassword, agentSocketPath: agent }, secrets: {} };
    }
    const file = await interview.answer("sshKey", {
        fallback: agent ? "agent" : keys[0],
        ...(keys.length + (agent ? 1 : 0) > 1
            ? {
                  choices: [
                      ...(agent
                          ? [{ value: "agent", label: "those of the SSH agent", hint: "nothing is stored" }]
                          : []),
                      ...keys.map((value) => ({ value, hint: "stored in the stack, encrypted" })),
                  ],
              }
            : {}),
        check: (given) =>
            given === "agent" && !agent ? "no SSH agent runs here (SSH_AUTH_SOCK is not set)" : undefined,
    });
    if (file === "agent") return { connection: { agentSocketPath: agent }, secrets: {} };
    const privateKey = readPrivateKey(file);
    let privateKeyPassword: string | undefined;
    if (needsPassphrase(privateKey)) {
        privateKeyPassword = await interview.answer("sshPassphrase", {
            check: (given) => keyProblem(privateKey, given),
        });
    } else {
        const problem = keyProblem(privateKey, undefined);
        if (problem) throw new UserError(`${file}: ${problem}.`);
    }
    return {
        connection: { privateKey, privateKeyPassword, agentSocketPath: agent },
        secrets: {
            "host.privateKey": privateKey,
            ...(privateKeyPassword === undefined ? {} : { "host.privateKeyPassphrase": privateKeyPassword }),
        },
    };
}

function keyProblem(privateKey: string, passphrase: string | undefined): string | undefined {
    try {
        privateKeyOf(privateKey, passphrase);
        return undefined;
    } catch (error) {
        if (error instanceof KeyError) return error.message;
        throw error;
    }
}

const needsPassphrase = (privateKey: string) =>
    /protected by a passphrase/.test(keyProblem(privateKey, undefined) ?? "");
