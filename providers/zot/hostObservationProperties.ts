/** The properties of the resource HostObservation, and their meaning. */

export interface PropertyDefinition {
    type: "string" | "boolean" | "strings" | "texts" | "secrets";
    description: string;
    required?: boolean;
    default?: string | boolean;
    /** The variable that holds it in the functions of host/. */
    variable?: string;
    /** Why a value is not allowed. Default: any text on one line is. */
    problem?: (value: string) => string | undefined;
}

export const isAbsolutePath = (value: string) => (value.startsWith("/") ? undefined : "must be an absolute path");
const oneOf =
    (...values: string[]) =>
    (value: string) =>
        values.includes(value) ? undefined : `must be one of ${values.join(", ")}`;

/** The only input of a HostWithdrawal besides `connection`. */
export const restoredFrom: PropertyDefinition = {
    type: "string",
    problem: isAbsolutePath,
    description:
        "Folder on the host from which the withdrawal restores what was there before. " +
        "Without it, nothing is restored.",
};

/** All inputs except `connection`. */
export const observationInputs: Readonly<Record<string, PropertyDefinition>> = {
    config: {
        type: "string",
        required: true,
        description: "zot's config, as the exact text of the file.",
        problem: () => undefined,
    },
    configSecrets: {
        type: "secrets",
        description:
            "Secrets in the config, by path: " +
            "`storage.storageDriver.secretkey`. With them only zot's user may read the config.",
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
        description: "Folder on the host in which zot keeps images.",
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
        description: "Whether the deployment writes the service file.",
    },
    startWithoutIssuer: {
        type: "boolean",
        default: false,
        variable: "start_without_issuer",
        description:
            "Whether the deployment installs a start script that serves read-only while the issuer does not answer.",
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
            "User that zot runs as. Default: the owner of its storage if root deploys, otherwise the user who deploys.",
    },
    acceptVersion: {
        type: "string",
        variable: "accepted_version",
        description:
            "A zot that is accepted although its version cannot be read as 2.1.19 or newer: " +
            "its commit, or `sha256:` and the hash of the binary.",
    },
    caFile: {
        type: "string",
        variable: "authorities",
        problem: isAbsolutePath,
        description:
            "CA certificates, on the host, for checking the TLS certificates of zot and its issuer. " +
            "Default: the system's.",
    },
    zotCaFile: {
        type: "string",
        variable: "zot_authorities",
        problem: isAbsolutePath,
        description: "CA certificates, on the host, for checking zot's own TLS certificate. Default: as `caFile`.",
    },
    logFile: {
        type: "string",
        variable: "log_file",
        problem: isAbsolutePath,
        description: "zot's log on the host, as our service file names it. Default: the service manager's log.",
    },
    plannedConfig: {
        type: "string",
        problem: () => undefined,
        description:
            "The planned config of zot, with `<sha256>` for the hashes in the secret files' names, " +
            "so it is known before the secrets are. " +
            "With it a look checks what a deployment would check, " +
            "and reports the reasons for a refusal before anything is changed.",
    },
    plannedReadOnlyConfig: {
        type: "string",
        problem: () => undefined,
        description: "The config that serves while the issuer is away.",
    },
    restartCommand: {
        type: "string",
        variable: "restart_command",
        description: "Command that restarts zot, if `serviceManager` is `command`.",
    },
    dropSettings: { type: "texts", description: "Settings of the host's config that the first deployment may remove." },
    registryUrl: {
        type: "string",
        description:
            "The registry's public URL. Asked before the first deployment, and before a deployment that changes it.",
    },
    workloadsGroup: { type: "string", description: "Name of CI's group, for messages about rights." },
    adminsGroup: { type: "string", description: "Name of the admins' group, for messages about rights." },
    mistakes: {
        type: "texts",
        description:
            "Mistakes found elsewhere, one sentence each. They are reported together with the host's reasons to refuse.",
    },
    look: {
        type: "boolean",
        default: true,
        description:
            "Whether to look at the host. Without a look no difference is ever found. A change of this input is no difference.",
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
            "Public key of the host, ed25519 or ecdsa, as a line of known_hosts; a host with another key is refused.",
    },
    privateKey: { type: "string", description: "Private key, in PEM or OpenSSH form.", secret: true },
    privateKeyPassword: { type: "string", description: "Passphrase of the private key.", secret: true },
    password: { type: "string", description: "Password, if there is no key.", secret: true },
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
            "It is part of what is sent to the host, so the deployment is sent again, once.",
    },
    report: {
        schema: { $ref: "#/types/zot:index/hostReport:HostReport" },
        description:
            "What was seen when the resource was made, or when a difference was last found, before it was corrected.",
    },
};

export const reportDefinitions = {
    configSha256: "sha256 of the config, in hex; empty if there is none.",
    configMode: "Its mode, such as `0644`; empty if there is none.",
    configOwner: "The user id of its owner; empty if there is none.",
    secretFiles: "The state of the secret files: `as declared`, or what is wrong with them.",
    zotVersion: "The commit of the installed zot, as it prints it; empty if it prints none.",
    zotBinary:
        "Inode, rights, size and time of the installed zot, as ls prints them: " +
        "while they stay the same, zot is not asked for its version again.",
    service: "`running`, `stopped`, `absent`, or `unknown` if the service manager is a command.",
    serving: "The kind of config that is served: `hardened`, `read-only`, `other`, or `not reachable`.",
} as const;
