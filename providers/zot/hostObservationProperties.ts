/** The properties of the resource HostObservation, and what they mean. */

export interface PropertyDefinition {
    type: "string" | "boolean" | "strings" | "texts" | "secrets";
    description: string;
    required?: boolean;
    default?: string | boolean;
    /** The variable by which the functions of host/ know it. */
    variable?: string;
    /** Why a value is not allowed; by itself any text on one line is. */
    problem?: (value: string) => string | undefined;
}

export const isAbsolutePath = (value: string) => (value.startsWith("/") ? undefined : "must be an absolute path");
const oneOf =
    (...values: string[]) =>
    (value: string) =>
        values.includes(value) ? undefined : `must be one of ${values.join(", ")}`;

/** The one input of a HostWithdrawal beside `connection`. */
export const restoredFrom: PropertyDefinition = {
    type: "string",
    problem: isAbsolutePath,
    description:
        "Folder on the host that the withdrawal brings back what was there from. " +
        "Without it, nothing is to be brought back.",
};

/** All but `connection`. */
export const observationInputs: Readonly<Record<string, PropertyDefinition>> = {
    config: {
        type: "string",
        required: true,
        description: "zot's config, as the text of the file, to the last byte.",
        problem: () => undefined,
    },
    configSecrets: {
        type: "secrets",
        description:
            "Secrets that the config has in the places of their names, by path: " +
            "`storage.storageDriver.secretkey`. With them the config belongs to zot's user and nobody else reads it.",
    },
    secretFiles: {
        type: "strings",
        required: true,
        description:
            "Paths of the secret files that the config names, each with the sha256 of its content in its name: " +
            "`oidc-credentials.<sha256>.json`.",
    },
    configFile: {
        type: "string",
        required: true,
        variable: "config",
        problem: isAbsolutePath,
        description: "Path of zot's config on the host.",
    },
    binary: {
        type: "string",
        required: true,
        variable: "binary",
        problem: isAbsolutePath,
        description: "Path of the zot binary on the host.",
    },
    rootDirectory: {
        type: "string",
        required: true,
        variable: "data",
        problem: isAbsolutePath,
        description: "Where zot keeps images, on the host.",
    },
    serviceManager: {
        type: "string",
        required: true,
        variable: "manager",
        problem: oneOf("systemd", "systemd-user", "launchd-agent", "launchd-daemon", "command"),
        description:
            "What starts zot on the host: `systemd`, `systemd-user`, `launchd-agent`, `launchd-daemon` or `command`.",
    },
    serviceName: {
        type: "string",
        default: "zot",
        variable: "service",
        description: "Name of zot's systemd unit, or label of its launchd job.",
    },
    manageService: {
        type: "boolean",
        default: false,
        variable: "own_service",
        description: "Whether the service file is written by the deployment.",
    },
    startWithoutIssuer: {
        type: "boolean",
        default: false,
        variable: "start_without_issuer",
        description:
            "Whether the deployment puts a start on the host that serves read-only while the issuer does not answer.",
    },
    sudo: {
        type: "string",
        default: "off",
        variable: "sudo",
        problem: oneOf("off", "service", "all"),
        description: "What sudo is used for: nothing (`off`), the service manager's commands (`service`), or `all`.",
    },
    zotUser: {
        type: "string",
        variable: "zot_user",
        description:
            "User that zot runs as. Default: the owner of its storage where root deploys, else the user who deploys.",
    },
    acceptVersion: {
        type: "string",
        variable: "accepted_version",
        description:
            "A zot that is accepted although it cannot be read as 2.1.19 or newer: " +
            "its commit, or `sha256:` and the hash of the binary.",
    },
    caFile: {
        type: "string",
        variable: "authorities",
        problem: isAbsolutePath,
        description:
            "CA certificates, on the host, that the TLS certificates of zot and its issuer are checked against. " +
            "Default: the system's.",
    },
    zotCaFile: {
        type: "string",
        variable: "zot_authorities",
        problem: isAbsolutePath,
        description:
            "CA certificates, on the host, that zot's own TLS certificate is checked against. Default: as `caFile`.",
    },
    logFile: {
        type: "string",
        variable: "log_file",
        problem: isAbsolutePath,
        description:
            "zot's log on the host, as the service file of ours names it. Default: what the service manager keeps.",
    },
    plannedConfig: {
        type: "string",
        problem: () => undefined,
        description:
            "zot's config as it is to be, with `<sha256>` for the hashes in the secret files' names, " +
            "so that it is known before the secrets are. " +
            "With it a look asks what a deployment would ask, " +
            "and what a deployment would be refused for is an error before anything is changed.",
    },
    plannedReadOnlyConfig: {
        type: "string",
        problem: () => undefined,
        description: "The config that is to serve where the issuer is away.",
    },
    restartCommand: {
        type: "string",
        variable: "restart_command",
        description: "What restarts zot, where `serviceManager` is `command`.",
    },
    dropSettings: { type: "texts", description: "Settings of the host's config that the first deployment may remove." },
    registryUrl: {
        type: "string",
        description:
            "The registry's public URL. Asked before the first deployment, and before a deployment that changes it.",
    },
    workloadsGroup: { type: "string", description: "What CI's group is called, for words about rights." },
    adminsGroup: { type: "string", description: "What the group of admins is called, for words about rights." },
    mistakes: {
        type: "texts",
        description:
            "What was found to be wrong elsewhere, one sentence each: told together with what the host would refuse.",
    },
    look: {
        type: "boolean",
        default: true,
        description:
            "Whether the host is looked at. Without it no difference is ever found, and a change of it is none.",
    },
};

export const connectionDescription =
    "How to reach the host over SSH: `host`, `port`, `user`, `hostKey` (a line of known_hosts), " +
    "and `privateKey` (with `privateKeyPassword`), `password` or an SSH agent; " +
    "`proxy` is a jump host with the same fields. Secret.";

export const connectionFields = {
    host: { type: "string", description: "Name or address." },
    port: { type: "integer", description: "TCP port of the SSH server. Default 22." },
    user: { type: "string", description: "Who logs in." },
    hostKey: {
        type: "string",
        description:
            "Public key of the host, ed25519 or ecdsa, as a line of known_hosts; a host that shows another is refused.",
    },
    privateKey: { type: "string", description: "Private key, in PEM or OpenSSH form.", secret: true },
    privateKeyPassword: { type: "string", description: "Passphrase of the private key.", secret: true },
    password: { type: "string", description: "Password, where there is no key.", secret: true },
    agentSocketPath: {
        type: "string",
        description: "Socket of the SSH agent. Default: the environment variable `SSH_AUTH_SOCK`.",
    },
} as const;

export const observationOutputs: Readonly<Record<string, { schema: object; description: string }>> = {
    pushes: {
        schema: { type: "integer" },
        description:
            "Raised by one whenever the host was found to differ from what was declared. " +
            "Being part of what is sent to the host, it has it sent again, once.",
    },
    report: {
        schema: { $ref: "#/types/zot:index/hostReport:HostReport" },
        description:
            "What was seen when the resource was made, or when a difference was last found: before that was corrected.",
    },
};

export const reportDefinitions = {
    configSha256: "sha256 of the config, in hex; empty where there is none.",
    configMode: "Its mode, such as `0644`; empty where there is none.",
    configOwner: "The user id that it belongs to; empty where there is none.",
    secretFiles: "Of the secret files: `as declared`, or what is wrong with them.",
    zotVersion: "What the installed zot calls its commit; empty where it says none.",
    zotBinary:
        "Inode, rights, size and time of the installed zot, as ls has them: " +
        "while they stay, so does its version, and it is not asked again.",
    service: "`running`, `stopped`, `absent`, or `unknown` where the service manager is a command.",
    serving: "Which config is served: `hardened`, `read-only`, `other`, or `not reachable`.",
} as const;
