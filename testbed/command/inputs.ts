/**
 * The inputs of `command:remote:Command`: their types, defaults and secrets, as the official plugin 1.2.1 reads them.
 * The texts of its failures are its own; here they are ours.
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

type FieldType = "string" | "number" | "boolean" | "list" | "strings" | ObjectType;

interface ObjectType {
    name: string;
    fields: Record<string, Field>;
}

interface Field {
    type: FieldType;
    required?: boolean;
    secret?: boolean;
    default?: string | number;
}

const addressFields: Record<string, Field> = {
    user: { type: "string", default: "root" },
    password: { type: "string", secret: true },
    host: { type: "string", required: true },
    port: { type: "number", default: 22 },
    privateKey: { type: "string", secret: true },
    privateKeyPassword: { type: "string", secret: true },
    agentSocketPath: { type: "string" },
    dialErrorLimit: { type: "number", default: 10 },
    perDialTimeout: { type: "number", default: 15 },
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
        logging: { type: "string" },
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

/** What is wrong with `value`, one failure for each field. Whatever is not known yet passes. */
export function failuresOf(value: PropertyMap, type: ObjectType): CheckFailure[] {
    const failures: CheckFailure[] = [];
    for (const [property, item] of Object.entries(value)) {
        if (!(property in type.fields) && item !== null)
            failures.push({ property, reason: `${type.name} has no ${property}` });
    }
    for (const [property, field] of Object.entries(type.fields)) {
        const { plain } = peel(value[property] ?? null);
        if (plain === UNKNOWN) continue;
        const mistake = plain === null ? field.required && "is missing" : mistakeOf(plain, field.type);
        if (mistake) failures.push({ property, reason: `${property} of ${type.name} ${mistake}` });
    }
    return failures;
}

function mistakeOf(plain: PropertyValue, type: FieldType): string | undefined {
    if (typeof type === "object") {
        if (!isObject(plain)) return "must be an object";
        const inner = failuresOf(plain, type).map(({ reason }) => reason);
        return inner.length > 0 ? `is wrong: ${inner.join("; ")}` : undefined;
    }
    if (type === "strings") {
        const fits = isObject(plain) && Object.values(plain).every((item) => typeof peel(item).plain === "string");
        return fits ? undefined : "must be an object of texts";
    }
    return (type === "list" ? Array.isArray(plain) : typeof plain === type) ? undefined : `must be a ${type}`;
}

/**
 * The same inputs with defaults filled in and secrets marked. A text that is secret and not known yet comes out as a
 * secret empty one, as it does from the official plugin: a preview then compares with that.
 */
export function completed(value: PropertyMap, type: ObjectType): PropertyMap {
    const result: PropertyMap = {};
    for (const [name, field] of Object.entries(type.fields)) {
        // Absent and null are the same to the official plugin.
        const item = value[name] ?? field.default;
        if (item === undefined) continue;
        const peeled = peel(item);
        let { plain } = peeled;
        if (plain === UNKNOWN && peeled.secret && field.type === "string") plain = "";
        if (typeof field.type === "object" && isObject(plain)) plain = completed(plain, field.type);
        result[name] = peeled.secret || field.secret ? secret(plain) : plain;
    }
    return result;
}

const isObject = (value: PropertyValue): value is PropertyMap =>
    value !== null && typeof value === "object" && !Array.isArray(value);
