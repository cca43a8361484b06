/** The properties of the resource HostObservation: what they mean and how they are checked. */
import { type CheckFailure, isKnown, type PropertyMap, type PropertyValue } from "../protocol";
import type { SshAddress, SshConnection } from "./ssh";
import { hostKeyOf } from "./sshKeys";

interface PropertyDefinition {
    type: "string" | "boolean" | "strings" | "texts";
    description: string;
    required?: boolean;
    default?: string | boolean;
    /** The variable by which the functions of host/ know it. */
    variable?: string;
    /** Why a value is not allowed; by itself any text on one line is. */
    problem?: (value: string) => string | undefined;
}

const isAbsolutePath = (value: string) => (value.startsWith("/") ? undefined : "must be an absolute path");
const oneOf =
    (...values: string[]) =>
    (value: string) =>
        values.includes(value) ? undefined : `must be one of ${values.join(", ")}`;

/** All but `connection`. */
export const observationInputs: Readonly<Record<string, PropertyDefinition>> = {
    config: {
        type: "string",
        required: true,
        description: "zot's config, as the text of the file, to the last byte.",
        problem: () => undefined,
    },
    secretFiles: {
        type: "strings",
        required: true,
        description:
            "Paths of the secret files that the config names, each with the sha256 of its content in its name: `oidc-credentials.<sha256>.json`.",
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
        description: "Whether the service file is written by the push.",
    },
    startWithoutIssuer: {
        type: "boolean",
        default: false,
        variable: "start_without_issuer",
        description:
            "Whether the push puts a start on the host that serves read-only while the issuer does not answer.",
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
            "User that zot runs as. Default: the owner of its storage where root pushes, else the user who pushes.",
    },
    acceptVersion: {
        type: "string",
        variable: "accepted_version",
        description:
            "A zot that is accepted although it cannot be read as 2.1.19 or newer: its commit, or `sha256:` and the hash of the binary.",
    },
    caFile: {
        type: "string",
        variable: "authorities",
        problem: isAbsolutePath,
        description:
            "CA certificates, on the host, that the TLS certificates of zot and its issuer are checked against. Default: the system's.",
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
            "zot's config as it is to be, with `<sha256>` for the hashes in the secret files' names, so that it is known before the secrets are. With it a look asks what a push would ask, and what a push would be refused for is an error before anything is changed.",
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
    dropSettings: { type: "texts", description: "Settings of the host's config that the first push may remove." },
    registryUrl: {
        type: "string",
        description: "The registry's public URL. Asked before the first push, and before a push that changes it.",
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
    "How to reach the host over SSH: `host`, `port`, `user`, `hostKey` (a line of known_hosts), and `privateKey` (with `privateKeyPassword`), `password` or an SSH agent; `proxy` is a jump host with the same fields. Secret.";

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

const REQUIRED_FIELDS = ["host", "user", "hostKey"];

export const observationOutputs: Readonly<Record<string, { schema: object; description: string }>> = {
    pushes: {
        schema: { type: "integer" },
        description:
            "Raised by one whenever the host was found to differ from what was declared. Being part of what is sent to the host, it has it sent again, once.",
    },
    report: {
        schema: { $ref: "#/types/zot:index/hostReport:HostReport" },
        description:
            "What was seen when the resource was made, or when a difference was last found: before that was mended.",
    },
};

export const reportDefinitions = {
    configSha256: "sha256 of the config, in hex; empty where there is none.",
    configMode: "Its mode, such as `0644`; empty where there is none.",
    configOwner: "The user id that it belongs to; empty where there is none.",
    secretFiles: "Of the secret files: `as declared`, or what is wrong with them.",
    zotVersion: "What the installed zot calls its commit; empty where it says none.",
    zotBinary:
        "Inode, rights, size and time of the installed zot, as ls has them: while they stay, so does its version, and it is not asked again.",
    service: "`running`, `stopped`, `absent`, or `unknown` where the service manager is a command.",
    serving: "Which config is served: `hardened`, `read-only`, `other`, or `not reachable`.",
} as const;

const isAbsent = (value: PropertyValue | undefined) => value === undefined || value === null || value === "";
const isMap = (value: PropertyValue | undefined): value is PropertyMap =>
    value !== null && typeof value === "object" && !Array.isArray(value);
const isLine = (value: string) => !/[\0-\x1f\x7f]/.test(value);

/** Fills in defaults, and says what is wrong, never with a value of the connection. What is not known yet passes. */
export function checkObservation(given: PropertyMap): { inputs: PropertyMap; failures: CheckFailure[] } {
    const inputs: PropertyMap = {};
    const failures: CheckFailure[] = [];
    const fail = (property: string, reason: string) => failures.push({ property, reason });
    for (const name of Object.keys(given)) {
        if (name !== "connection" && !(name in observationInputs))
            fail(
                name,
                `${name} is no property of a host observation; these are: connection, ${Object.keys(observationInputs).join(", ")}.`,
            );
    }
    if (isAbsent(given.connection)) fail("connection", "connection is missing.");
    else inputs.connection = checkConnection(given.connection!, "connection", fail);
    for (const [name, definition] of Object.entries(observationInputs)) {
        const value = isAbsent(given[name]) ? definition.default : given[name];
        if (value === undefined || value === null) {
            if (definition.required) fail(name, `${name} is missing.`);
            continue;
        }
        inputs[name] = value;
        if (!isKnown(value)) continue;
        const problem = problemOf(value, definition);
        if (problem) fail(name, `${name} ${problem}.`);
        else if (definition.type === "boolean") inputs[name] = value === true || value === "true";
    }
    return { inputs, failures };
}

/** The same of a HostWithdrawal, which has the connection alone. */
export function checkWithdrawal({ connection, ...others }: PropertyMap): {
    inputs: PropertyMap;
    failures: CheckFailure[];
} {
    const failures: CheckFailure[] = [];
    const fail = (property: string, reason: string) => failures.push({ property, reason });
    for (const name of Object.keys(others))
        fail(name, `${name} is no property of a host withdrawal, which has connection alone.`);
    if (!isAbsent(connection))
        return { inputs: { connection: checkConnection(connection!, "connection", fail) }, failures };
    fail("connection", "connection is missing.");
    return { inputs: {}, failures };
}

function problemOf(value: PropertyValue, { type, problem }: PropertyDefinition): string | undefined {
    switch (type) {
        case "boolean":
            return typeof value === "boolean" || value === "true" || value === "false"
                ? undefined
                : "must be true or false";
        case "texts":
            return Array.isArray(value) && value.every((item) => typeof item === "string")
                ? undefined
                : "must be a list of texts";
        case "strings":
            if (!Array.isArray(value) || !value.every((item) => typeof item === "string"))
                return "must be a list of paths";
            return (value as string[]).every((item) => isLine(item) && hashIn(item) !== undefined)
                ? undefined
                : "must be paths with the sha256 of the content in their names";
        case "string":
            if (typeof value !== "string") return "must be a text";
            return problem
                ? (problem(value) ?? (problem === isAbsolutePath && !isLine(value) ? "must be of one line" : undefined))
                : isLine(value)
                  ? undefined
                  : "must be of one line";
    }
}

function checkConnection(
    connection: PropertyValue,
    path: string,
    fail: (property: string, reason: string) => void,
): PropertyValue {
    if (!isKnown(connection) && !isMap(connection)) return connection;
    if (!isMap(connection)) {
        fail(path, `${path} must be a map of ${Object.keys(connectionFields).join(", ")}.`);
        return connection;
    }
    const checked: PropertyMap = {};
    for (const name of Object.keys(connection)) {
        if (!(name in connectionFields) && !(name === "proxy" && path === "connection"))
            fail(
                path,
                `${path}.${name} is no part of a connection; these are: ${Object.keys(connectionFields).join(", ")}.`,
            );
    }
    for (const [name, { type }] of Object.entries(connectionFields)) {
        const value = connection[name];
        if (isAbsent(value)) {
            if (REQUIRED_FIELDS.includes(name)) fail(path, `${path}.${name} is missing.`);
            if (name === "port") checked.port = 22;
            continue;
        }
        checked[name] = value!;
        if (!isKnown(value)) continue;
        if (type === "integer") {
            if (!(typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65535))
                fail(path, `${path}.${name} must be a number from 1 to 65535.`);
        } else if (typeof value !== "string") {
            fail(path, `${path}.${name} must be a text.`);
        } else if (name === "hostKey" && !hostKeyOf(value)) {
            fail(
                path,
                `${path}.${name} must be one ed25519 or ecdsa key on one line, as ssh-keyscan -t ed25519 HOST prints it; an RSA key never matches a modern sshd, and a fingerprint is no key.`,
            );
        }
    }
    if (path === "connection" && !isAbsent(connection.proxy))
        checked.proxy = checkConnection(connection.proxy!, "connection.proxy", fail);
    return checked;
}

/** The sha256 that a secret file's name says its content to have. */
export const hashIn = (path: string) => /(?:^|[./])([0-9a-f]{64})(?:\.[a-z]+)?$/.exec(path)?.[1];

/** What was, or is to be, put into force on the host. */
export interface Declared {
    config: string;
    secretFiles: string[];
}

export interface Observation {
    connection: SshConnection;
    look: boolean;
    /** Undefined where it is not known yet. */
    declared: Declared | undefined;
    /** Variables of the script and their values. */
    variables: [string, string][];
    configFile: string;
    binary: string;
    /** What a push would bring; undefined where that is not to be asked for. */
    planned: Planned | undefined;
    registryUrl: string | undefined;
    mistakes: string[];
}

export interface Planned {
    /** With `<sha256>` for the hashes in the secret files' names. */
    config: string;
    readOnlyConfig: string | undefined;
    dropSettings: string[];
    groups: { workloadsGroup: string; adminsGroup: string } | undefined;
}

/** The inputs for the look, checked; `environment` names the SSH agent. Undefined where it is not known yet whom to ask, or what about. */
export function observationOf(inputs: PropertyMap, environment: NodeJS.ProcessEnv): Observation | undefined {
    const { config, secretFiles, ...rest } = inputs;
    if (!isKnown(rest)) return undefined;
    const variables = Object.entries(observationInputs).flatMap(([name, { variable }]): [string, string][] =>
        variable ? [[variable, settingText(inputs[name])]] : [],
    );
    return {
        connection: sshConnectionOf(inputs.connection as PropertyMap, environment),
        look: inputs.look !== false,
        declared:
            isKnown(config) && isKnown(secretFiles)
                ? { config: config as string, secretFiles: secretFiles as string[] }
                : undefined,
        variables,
        configFile: inputs.configFile as string,
        binary: inputs.binary as string,
        planned: plannedIn(inputs),
        registryUrl: inputs.registryUrl as string | undefined,
        mistakes: (inputs.mistakes as string[] | undefined) ?? [],
    };
}

function plannedIn({
    plannedConfig,
    plannedReadOnlyConfig,
    dropSettings,
    workloadsGroup,
    adminsGroup,
}: PropertyMap): Planned | undefined {
    if (typeof plannedConfig !== "string") return undefined;
    return {
        config: plannedConfig,
        readOnlyConfig: plannedReadOnlyConfig as string | undefined,
        dropSettings: (dropSettings as string[] | undefined) ?? [],
        groups:
            typeof workloadsGroup === "string" && typeof adminsGroup === "string"
                ? { workloadsGroup, adminsGroup }
                : undefined,
    };
}

/** A connection as it was checked; `environment` names the SSH agent. */
export function sshConnectionOf({ proxy, ...address }: PropertyMap, environment: NodeJS.ProcessEnv): SshConnection {
    const withAgent = (of: PropertyMap): SshAddress => {
        const agentSocketPath = (of.agentSocketPath as string | undefined) ?? (environment.SSH_AUTH_SOCK || undefined);
        return { ...(of as unknown as SshAddress), agentSocketPath };
    };
    return { ...withAgent(address), ...(isMap(proxy) ? { proxy: withAgent(proxy) } : {}) };
}

const settingText = (value: PropertyValue | undefined) =>
    value === true ? "yes" : value === false ? "no" : ((value as string | undefined) ?? "");
