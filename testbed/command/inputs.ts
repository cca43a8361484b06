/**
 * The inputs of `command:remote:Command`: their types, defaults and secrets, as the official plugin 1.2.1 reads them.
 * The texts of its failures are kept too, for a user meets them.
 */
import { type CheckFailure, type PropertyMap, type PropertyValue, secret, UNKNOWN } from "../../providers/protocol";
import { peel } from "./marks";

/** The address and the credentials of a host, or of the jump host on the way to it. */
export interface ConnectionBase {
    host: string;
    port: number;
    user: string;
    password?: string;
    privateKey?: string;
    privateKeyPassword?: string;
    agentSocketPath?: string;
    /** Failures that are retried; -1 stands for no limit. */
    dialErrorLimit: number;
    /** Seconds that the TCP connection of one attempt may take; 0 stands for no limit. */
    perDialTimeout: number;
    hostKey?: string;
}

export interface Connection extends ConnectionBase {
    proxy?: ConnectionBase;
}

export interface CommandInputs {
    create?: string;
    update?: string;
    delete?: string;
    triggers?: PropertyValue[];
    stdin?: string;
    /** `stdout`, `stderr`, `stdoutAndStderr`, `none`; any other text counts as `none`. */
    logging?: string;
    connection: Connection;
    environment?: Record<string, string>;
    addPreviousOutputInEnv?: boolean;
}

export interface CommandState extends CommandInputs {
    stdout: string;
    stderr: string;
}

type FieldType = "string" | "number" | "integer" | "boolean" | "list" | "strings" | ObjectType;

interface ObjectType {
    /** The official plugin's name for it, which its messages show. */
    name: string;
    fields: Record<string, Field>;
}

interface Field {
    type: FieldType;
    required?: boolean;
    secret?: boolean;
    default?: string | number;
    /** What the official plugin's messages call the type, where it is not Go's own. */
    goName?: string;
}

const addressFields: Record<string, Field> = {
    user: { type: "string", default: "root" },
    password: { type: "string", secret: true },
    host: { type: "string", required: true },
    port: { type: "number", default: 22 },
    privateKey: { type: "string", secret: true },
    privateKeyPassword: { type: "string", secret: true },
    agentSocketPath: { type: "string" },
    dialErrorLimit: { type: "integer", default: 10 },
    perDialTimeout: { type: "integer", default: 15 },
    hostKey: { type: "string" },
};

const connectionType: ObjectType = {
    name: "Connection",
    fields: { proxy: { type: { name: "ProxyConnection", fields: addressFields } }, ...addressFields },
};

export const inputsType: ObjectType = {
    name: "CommandInputs",
    fields: {
        triggers: { type: "list" },
        create: { type: "string" },
        delete: { type: "string" },
        update: { type: "string" },
        stdin: { type: "string" },
        logging: { type: "string", goName: "remote.Logging" },
        connection: { type: connectionType, required: true, secret: true },
        environment: { type: "strings" },
        addPreviousOutputInEnv: { type: "boolean" },
    },
};

export const stateType: ObjectType = {
    name: "CommandOutputs",
    fields: {
        ...inputsType.fields,
        stdout: { type: "string", required: true },
        stderr: { type: "string", required: true },
    },
};

/** What is wrong with the types of `value`. Whatever is not known yet passes. */
export function failuresOf(value: PropertyMap, type: ObjectType): CheckFailure[] {
    const failures: CheckFailure[] = [];
    const missing = (name: string) =>
        failures.push({ property: name, reason: `Missing required field '${name}' on 'remote.${type.name}'` });
    const expect = (property: string, expected: string, actual: PropertyValue) =>
        failures.push({
            property,
            reason:
                `Field '${property}' on 'remote.${type.name}' must be a '${expected}'; ` +
                `got '${goType(actual)}' instead`,
        });

    for (const [name, field] of Object.entries(type.fields)) {
        const { plain } = peel(value[name] ?? null);
        if (plain === UNKNOWN) continue;
        if (plain === null) {
            if (field.required) missing(name);
            continue;
        }
        if (typeof field.type === "object") {
            if (!isObject(plain)) {
                expect(name, `remote.${field.type.name}`, plain);
                continue;
            }
            const inner = failuresOf(plain, field.type);
            // The official plugin reports what is wrong inside an object as one failure of the object.
            if (inner.length > 0)
                failures.push({
                    property: name,
                    reason: `An error occurred decoding '${type.name}.${name}': ${decodingFailed(inner)}`,
                });
        } else if (field.type === "strings") {
            if (!isObject(plain)) expect(name, "map[string]string", plain);
            else {
                // Only one is told, of several.
                const wrong = Object.entries(plain).find(([, item]) => typeof peel(item).plain !== "string");
                if (wrong) expect(`${name}[${wrong[0]}] value`, "string", peel(wrong[1]).plain);
            }
        } else if (!hasType(plain, field.type)) {
            const goName =
                field.goName ??
                { string: "string", number: "float64", integer: "int", boolean: "bool", list: "[]interface {}" }[
                    field.type
                ];
            if (isObject(plain)) {
                const reason = `Cannot decode Object{} to type ${goName}; it isn't a struct, and no custom decoder exists`;
                failures.push({
                    property: name,
                    reason: `An error occurred decoding '${type.name}.${name}': ${reason}`,
                });
            } else expect(name, goName, plain);
        }
    }
    for (const name of Object.keys(value).sort()) {
        // Absent and null are the same, here too.
        if (!(name in type.fields) && value[name] !== null)
            failures.push({ property: name, reason: `Unrecognized field '${name}' on 'remote.${type.name}'` });
    }
    return failures;
}

/** The failures as one text, as the calls after Check report them. */
export function decodingFailed(failures: CheckFailure[]): string {
    return (
        `${failures.length} failures ` +
        `decoding:${failures.map((failure) => `\n\t${failure.property}: ${failure.reason}`).join("")}`
    );
}

/** The same inputs with what is secret by nature marked so, whatever their shape. */
export function withSecretFields(value: PropertyMap, type: ObjectType): PropertyMap {
    return transformFields(value, type, { defaults: false });
}

/**
 * The same inputs with defaults filled in and secrets marked. A secret that is not known yet comes out as a secret
 * empty value, as it does from the official plugin: a preview then compares with that.
 */
export function completed(value: PropertyMap, type: ObjectType): PropertyMap {
    return transformFields(value, type, { defaults: true });
}

function transformFields(value: PropertyMap, type: ObjectType, options: { defaults: boolean }): PropertyMap {
    const result: PropertyMap = {};
    for (const [name, item] of Object.entries(value)) {
        if (item === null) continue; // absent and null are the same to the official plugin
        const field = type.fields[name];
        result[name] = field ? transform(item, field.type, options, field.secret ?? false) : item;
    }
    if (options.defaults) {
        for (const [name, field] of Object.entries(type.fields)) {
            if (field.default !== undefined && result[name] === undefined) result[name] = field.default;
        }
    }
    return result;
}

function transform(
    value: PropertyValue,
    type: FieldType,
    options: { defaults: boolean },
    secretByNature: boolean,
): PropertyValue {
    const peeled = peel(value);
    let plain = peeled.plain;
    if (plain === UNKNOWN && peeled.secret && options.defaults) plain = emptyValue(type);
    if (typeof type === "object") {
        if (isObject(plain)) plain = transformFields(plain, type, options);
    } else if (type === "strings") {
        if (isObject(plain)) {
            plain = Object.fromEntries(
                Object.entries(plain).map(([key, item]) => [key, transform(item, "string", options, false)]),
            );
        }
    } else if (type === "integer" && typeof plain === "number") {
        plain = Math.trunc(plain);
    }
    return peeled.secret || secretByNature ? secret(plain) : plain;
}

function emptyValue(type: FieldType): PropertyValue {
    if (typeof type === "object") {
        // What is required is there, and empty.
        return Object.fromEntries(
            Object.entries(type.fields)
                .filter(([, field]) => field.required)
                .map(([name, field]) => [name, emptyValue(field.type)]),
        );
    }
    return { string: "", number: 0, integer: 0, boolean: false, list: [], strings: {} }[type];
}

const isObject = (value: PropertyValue): value is PropertyMap =>
    value !== null && typeof value === "object" && !Array.isArray(value);

function hasType(value: PropertyValue, type: "string" | "number" | "integer" | "boolean" | "list"): boolean {
    if (type === "list") return Array.isArray(value);
    return typeof value === (type === "integer" ? "number" : type);
}

function goType(value: PropertyValue): string {
    if (value === null) return "<nil>";
    if (Array.isArray(value)) return "[]interface {}";
    return { string: "string", number: "float64", boolean: "bool", object: "map[string]interface {}" }[
        typeof value as "string"
    ] as string;
}
