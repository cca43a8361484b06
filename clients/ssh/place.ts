/** A host, how long to wait for it, and its name in a sentence. */
import { outsideText } from "../outsideText";

/** A host, and how to log in to it. */
export interface SshAddress {
    host: string;
    port: number;
    user: string;
    /**
     * The host's public key as a line of known_hosts. A host with another key is refused before anything is sent to it.
     */
    hostKey: string;
    privateKey?: string;
    privateKeyPassword?: string;
    password?: string;
    /** Socket of the SSH agent, which is used if there is no private key. */
    agentSocketPath?: string;
}

export interface SshLimits {
    /** Milliseconds for the host to accept the connection, and again for its first line. */
    answer: number;
    /** Milliseconds for a whole login. */
    login: number;
    /** Milliseconds for the command. */
    command: number;
    /** How many bytes of output are read. */
    output: number;
}

export const SSH_LIMITS: SshLimits = { answer: 10_000, login: 20_000, command: 60_000, output: 4 * 1024 * 1024 };

/** Why a host could not be asked, worded for the person who must act. */
export class SshError extends Error {
    constructor(
        message: string,
        /** Whether the host hung up before a login attempt, as sshd does under many connections at once. */
        readonly hungUp = false,
    ) {
        // The host, or an impostor, may have written part of the message.
        super(outsideText(message, 2_000));
    }
}

/** A host and its name in a sentence; `settings` is the beginning of the settings' names that say how to reach it. */
export interface Place extends SshAddress {
    role: string;
    /** `registry.example.org port 22`. */
    at: string;
    setting(name: "address" | "port" | "user" | "hostKey"): string;
}

export function placeOf(address: SshAddress, role: string, settings: "host." | "host.jump"): Place {
    const setting = (name: string) =>
        settings + (settings.endsWith(".") ? name : name[0]!.toUpperCase() + name.slice(1));
    return { ...address, role, at: `${address.host} port ${address.port}`, setting };
}

export const upper = (text: string) => text[0]!.toUpperCase() + text.slice(1);
