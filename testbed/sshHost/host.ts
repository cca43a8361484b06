/** What an SSH host is to those who use one, whichever program stands behind it. */
import type { KeyType } from "./keys";

export interface SshHostOptions {
    /**
     * `openssh` wants the machine's own sshd and fails where there is none; `embedded` is a server in this process.
     * Default: what `SSH_HOST_KIND` says, else sshd where it is installed and a login works, else the embedded one.
     */
    kind?: "openssh" | "embedded";
    /** The port on 127.0.0.1. Default: a free one. */
    port?: number;
    /** Also accepts this password. Only the embedded host can: sshd asks the system for its users' passwords. */
    password?: string;
    /** The shell that runs commands, by `-c`. Default: the user's login shell. */
    shell?: string;
    /** The home folder: where commands start, and their `HOME`. Default: the user's. */
    home?: string;
    /** Variables that every command gets beside the few that sshd sets; `PATH` is one that is often wanted. */
    environment?: Record<string, string>;
    /** Names of variables that a client may set (sshd's AcceptEnv). Default: none, as is sshd's own. */
    acceptEnvironment?: string[];
    /** Types of the host's keys; the first is the one of `hostPublicKey`. Default: ed25519 alone. */
    hostKeyTypes?: KeyType[];
    /** What goes wrong from the start. Embedded only. */
    faults?: Partial<SshHostFaults>;
}

/** Faults on demand; they may be changed while the host runs and then hold for what comes next. */
export interface SshHostFaults {
    /** Accepts connections and never says a word, not even its version. */
    neverSendBanner: boolean;
    /** No key and no password is good. */
    refuseLogins: boolean;
    /** Cuts a connection once it has brought this many bytes, the handshake included. */
    dropAfterBytesReceived: number | undefined;
    /** Cuts a connection once it was sent this many bytes, the handshake included. */
    dropAfterBytesSent: number | undefined;
    /** Cuts the connection as soon as its command has started; the command runs on. */
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
    /** Cuts every connection there is. Commands run on, as on a real host. */
    dropConnections(): void;
    /** Ends the server, and whatever its commands have left running, and removes its files. */
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
    /** `NAME=value`, in the environment of every session, by which what it left behind is found. */
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
