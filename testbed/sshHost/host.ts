/** The interface of an SSH host, whichever program provides it. */
import type { KeyType } from "./keys";

export interface SshHostOptions {
    /**
     * `openssh` needs the machine's own sshd and fails if there is none; `embedded` is a server in this process.
     * Default: what `SSH_HOST_KIND` says, else sshd if it is installed and a login works, else the embedded one.
     */
    kind?: "openssh" | "embedded";
    /** The port on 127.0.0.1. Default: a free one. */
    port?: number;
    /** Also accepts this password. Only the embedded host can: sshd asks the system for its users' passwords. */
    password?: string;
    /** The shell that runs commands, with `-c`. Default: the user's login shell. */
    shell?: string;
    /** The home folder: where commands start, and their `HOME`. Default: the user's. */
    home?: string;
    /** Variables that every command gets besides the few that sshd sets; often `PATH`. */
    environment?: Record<string, string>;
    /** Names of variables that a client may set (sshd's AcceptEnv). Default: none, like sshd's. */
    acceptEnvironment?: string[];
    /** Types of the host's keys; the first is the one of `hostPublicKey`. Default: ed25519 alone. */
    hostKeyTypes?: KeyType[];
    /** What goes wrong from the start. Embedded only. */
    faults?: Partial<SshHostFaults>;
}

/** Faults on demand; a change while the host runs applies from then on. */
export interface SshHostFaults {
    /** Accepts connections and sends nothing, not even its version. */
    neverSendBanner: boolean;
    /** Refuses every key and every password. */
    refuseLogins: boolean;
    /** Cuts a connection after it has received this many bytes, including the handshake. */
    dropAfterBytesReceived: number | undefined;
    /** Cuts a connection after it has sent this many bytes, including the handshake. */
    dropAfterBytesSent: number | undefined;
    /** Cuts the connection as soon as its command has started; the command keeps running. */
    dropWhenCommandStarts: boolean;
}

export interface SshHost {
    kind: "openssh" | "embedded";
    /** Always 127.0.0.1. */
    host: string;
    port: number;
    /** The user who may log in: the one this process runs as. */
    user: string;
    /** The host's key as `connection.hostKey` wants it: `ssh-ed25519 AAAA…`. */
    hostPublicKey: string;
    /** One line for each of the host's keys. */
    hostPublicKeys: string[];
    /** The user's private key, and the file (mode 0600) that holds it. */
    privateKeyPem: string;
    privateKeyFile: string;
    /** The keys that may log in, read again at each login. */
    authorizedKeysFile: string;
    /** TCP connections accepted so far. */
    connections(): number;
    /** Connections that began to log in and did not succeed. */
    failedLogins(): number;
    /** What the server has said so far. It holds no secrets. */
    log(): string;
    /** See {@link SshHostFaults}; with sshd, setting one is an error. */
    faults: SshHostFaults;
    /** Cuts every existing connection. Commands keep running, as on a real host. */
    dropConnections(): void;
    /** Ends the server and everything that its commands have left running, and removes its files. */
    stop(): Promise<void>;
}

/** What both kinds of server are started from. */
export interface ServerSetup {
    options: SshHostOptions;
    /** A folder of the host's own (mode 0700). */
    folder: string;
    user: string;
    hostKeyPems: string[];
    authorizedKeysFile: string;
    /** `NAME=value` in the environment of every session; by it, processes that a session left behind are found. */
    mark: string;
}

export interface RunningServer {
    port: number;
    connections(): number;
    failedLogins(): number;
    log(): string;
    faults: SshHostFaults;
    dropConnections(): void;
    stop(): Promise<void>;
}

export function noFaults(): SshHostFaults {
    return {
        neverSendBanner: false,
        refuseLogins: false,
        dropAfterBytesReceived: undefined,
        dropAfterBytesSent: undefined,
        dropWhenCommandStarts: false,
    };
}
