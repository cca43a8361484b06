/** A host, how long it is waited for, and what it is called in a sentence. */
import { outsideText } from "../outsideText";

/** A host, and how to log in to it. */
export interface SshAddress {
    host: string;
    port: number;
    user: string;
    /**
     * The host's public key as a line of known_hosts; a host that shows another is refused before anything is sent to
     * it.
     */
    hostKey: string;
    privateKey?: string;
    privateKeyPassword?: string;
    password?: string;
    /** Socket of the SSH agent, which is asked where there is no private key. */
    agentSocketPath?: string;
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

/** A host and what it is called in a sentence; `settings` begins the names of the settings that say how to reach it. */
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
