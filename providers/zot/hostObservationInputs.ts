/** The inputs of the resource HostObservation: their checks, and their form for the resource. */

import type { SshAddress, SshConnection } from "../../clients/ssh";
import { hostKeyOf } from "../../clients/ssh/keys";
import { type ConfigSecrets, configText, withConfigSecrets } from "../../components/zotConfig/withSecrets";
import type { JsonMap } from "../../components/zotJson";
import { type CheckFailure, isKnown, type PropertyMap, type PropertyValue } from "../protocol";
import {
    connectionFields,
    isAbsolutePath,
    observationInputs,
    type PropertyDefinition,
    restoredFrom as restoredFromDefinition,
} from "./hostObservationProperties";

const REQUIRED_FIELDS = ["host", "user", "hostKey"];

const isAbsent = (value: PropertyValue | undefined) => value === undefined || value === null || value === "";
const isMap = (value: PropertyValue | undefined): value is PropertyMap =>
    value !== null && typeof value === "object" && !Array.isArray(value);
const isLine = (value: string) => !/[\0-\x1f\x7f]/.test(value);

/** Fills in defaults, and reports mistakes, without quoting a value of the connection. Unknown values pass. */
export function checkObservation(given: PropertyMap): { inputs: PropertyMap; failures: CheckFailure[] } {
    const inputs: PropertyMap = {};
    const failures: CheckFailure[] = [];
    const fail: Fail = (property, reason) => failures.push({ property, reason });
    for (const name of Object.keys(given)) {
        if (name !== "connection" && !(name in observationInputs))
            fail(
                name,
                `${name} is not a property of a host observation; the properties are ` +
                    `connection, ${Object.keys(observationInputs).join(", ")}.`,
            );
    }
    if (isAbsent(given.connection)) fail("connection", "connection is missing.");
    else inputs.connection = checkConnection(given.connection!, "connection", fail);
    for (const [name, definition] of Object.entries(observationInputs)) {
        const value = checkInput(name, isAbsent(given[name]) ? definition.default : given[name], definition, fail);
        if (value !== undefined) inputs[name] = value;
    }
    return { inputs, failures };
}

type Fail = (property: string, reason: string) => void;

/** @returns the value to work with; undefined if there is none */
function checkInput(
    name: string,
    value: PropertyValue | undefined,
    definition: PropertyDefinition,
    fail: Fail,
): PropertyValue | undefined {
    if (value === undefined || value === null) {
        if (definition.required) fail(name, `${name} is missing.`);
        return undefined;
    }
    if (!isKnown(value)) return value;
    const problem = problemOf(value, definition);
    if (problem) fail(name, `${name} ${problem}.`);
    return !problem && definition.type === "boolean" ? value === true || value === "true" : value;
}

/** The same for a HostWithdrawal: the connection and, if there is something to restore, the folder with it. */
export function checkWithdrawal({ connection, restoredFrom, ...others }: PropertyMap): {
    inputs: PropertyMap;
    failures: CheckFailure[];
} {
    const failures: CheckFailure[] = [];
    const fail = (property: string, reason: string) => failures.push({ property, reason });
    for (const name of Object.keys(others))
        fail(name, `${name} is not a property of a host withdrawal, which only has connection and restoredFrom.`);
    const folder = checkInput("restoredFrom", restoredFrom, restoredFromDefinition, fail);
    const inputs: PropertyMap = folder === undefined ? {} : { restoredFrom: folder };
    if (isAbsent(connection)) fail("connection", "connection is missing.");
    else inputs.connection = checkConnection(connection!, "connection", fail);
    return { inputs, failures };
}

const areTexts = (value: PropertyValue): value is string[] =>
    Array.isArray(value) && value.every((item) => typeof item === "string");

function problemOf(value: PropertyValue, { type, problem }: PropertyDefinition): string | undefined {
    switch (type) {
        case "boolean":
            return [true, false, "true", "false"].includes(value as boolean | string)
                ? undefined
                : "must be true or false";
        case "secrets":
            return isMap(value) && Object.values(value).every((one) => typeof one === "string")
                ? undefined
                : "must be a map of texts";
        case "texts":
            return areTexts(value) ? undefined : "must be a list of texts";
        case "strings":
            if (!areTexts(value)) return "must be a list of paths";
            return value.every((item) => isLine(item) && hashIn(item) !== undefined)
                ? undefined
                : "must be paths with the sha256 of the content in their names";
        case "string": {
            if (typeof value !== "string") return "must be a text";
            const mayHaveLines = problem !== undefined && problem !== isAbsolutePath;
            return problem?.(value) ?? (mayHaveLines || isLine(value) ? undefined : "must be of one line");
        }
    }
}

/** What is wrong with a part of a connection, without its value. */
function fieldProblem(name: string, type: string, value: PropertyValue): string | undefined {
    if (type === "integer")
        return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65535
            ? undefined
            : "must be a number from 1 to 65535.";
    if (typeof value !== "string") return "must be a text.";
    if (name !== "hostKey" || hostKeyOf(value)) return undefined;
    return (
        "must be one ed25519 or ecdsa key on one line, as ssh-keyscan -t ed25519 HOST prints it; " +
        "an RSA key never matches a modern sshd, and a fingerprint is not a key."
    );
}

const DEFAULT_FIELDS: Readonly<PropertyMap> = { port: 22 };

function checkConnection(connection: PropertyValue, path: string, fail: Fail): PropertyValue {
    if (!isKnown(connection) && !isMap(connection)) return connection;
    if (!isMap(connection)) {
        fail(path, `${path} must be a map of ${Object.keys(connectionFields).join(", ")}.`);
        return connection;
    }
    const known = [...Object.keys(connectionFields), ...(path === "connection" ? ["proxy"] : [])];
    for (const name of Object.keys(connection).filter((given) => !known.includes(given)))
        fail(
            path,
            `${path}.${name} is not part of a connection; the parts are ${Object.keys(connectionFields).join(", ")}.`,
        );
    const checked: PropertyMap = {};
    for (const [name, { type }] of Object.entries(connectionFields)) {
        const value = isAbsent(connection[name]) ? DEFAULT_FIELDS[name] : connection[name];
        if (value === undefined) {
            if (REQUIRED_FIELDS.includes(name)) fail(path, `${path}.${name} is missing.`);
            continue;
        }
        checked[name] = value;
        const problem = isKnown(value) ? fieldProblem(name, type, value) : undefined;
        if (problem) fail(path, `${path}.${name} ${problem}`);
    }
    if (path === "connection" && !isAbsent(connection.proxy))
        checked.proxy = checkConnection(connection.proxy!, "connection.proxy", fail);
    return checked;
}

/** The sha256 of a secret file's content, as its name states it. */
export const hashIn = (path: string) => /(?:^|[./])([0-9a-f]{64})(?:\.[a-z]+)?$/.exec(path)?.[1];

/** A config that was, or will be, put into force on the host. */
export interface Declared {
    /** The exact text on the host. */
    config: string;
    /** The same with placeholders for secrets: the only form that is sent anywhere. Default: no secrets. */
    shown?: string;
    /** These secrets. Default: none. "not known" for a config that only the host knows. */
    secrets?: readonly string[] | "not known";
    secretFiles: string[];
}

export interface Observation {
    connection: SshConnection;
    look: boolean;
    /** Undefined if it is not known yet. */
    declared: Declared | undefined;
    /** Variables of the script and their values. */
    variables: [string, string][];
    configFile: string;
    binary: string;
    /** What a deployment would bring; undefined if that need not be checked. */
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

/**
 * The checked inputs for the look; `environment` names the SSH agent. Undefined if the host, or what to look for, is
 * not known yet.
 */
export function observationOf(inputs: PropertyMap, environment: NodeJS.ProcessEnv): Observation | undefined {
    const { config, configSecrets, secretFiles, ...rest } = inputs;
    if (!isKnown(rest)) return undefined;
    const variables = Object.entries(observationInputs).flatMap(([name, { variable }]): [string, string][] =>
        variable ? [[variable, settingText(inputs[name])]] : [],
    );
    return {
        connection: sshConnectionOf(inputs.connection as PropertyMap, environment),
        look: inputs.look !== false,
        declared:
            isKnown(config) && isKnown(secretFiles)
                ? declaredOf(config as string, configSecrets as ConfigSecrets | undefined, secretFiles as string[])
                : undefined,
        variables,
        configFile: inputs.configFile as string,
        binary: inputs.binary as string,
        planned: plannedIn(inputs),
        registryUrl: inputs.registryUrl as string | undefined,
        mistakes: (inputs.mistakes as string[] | undefined) ?? [],
    };
}

function declaredOf(shown: string, secrets: ConfigSecrets | undefined, secretFiles: string[]): Declared {
    if (secrets === undefined) return { config: shown, secretFiles };
    const config = configText(withConfigSecrets(JSON.parse(shown) as JsonMap, secrets));
    return { config, shown, secrets: Object.values(secrets), secretFiles };
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

/** A checked connection; `environment` names the SSH agent. */
export function sshConnectionOf({ proxy, ...address }: PropertyMap, environment: NodeJS.ProcessEnv): SshConnection {
    const withAgent = (of: PropertyMap): SshAddress => {
        const agentSocketPath = (of.agentSocketPath as string | undefined) ?? (environment.SSH_AUTH_SOCK || undefined);
        return { ...(of as unknown as SshAddress), agentSocketPath };
    };
    return { ...withAgent(address), ...(isMap(proxy) ? { proxy: withAgent(proxy) } : {}) };
}

const settingText = (value: PropertyValue | undefined) =>
    value === true ? "yes" : value === false ? "no" : ((value as string | undefined) ?? "");
