/**
 * The inputs of `command:remote:Command`: their defaults and secrets, as the official plugin 1.2.1 reads them. It
 * refuses those of a wrong type, too, and prints them; our program sends none.
 */
import { type PropertyMap, type PropertyValue, secret, UNKNOWN } from "../../providers/protocol";
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
    stdin?: string;
    connection: Connection;
}

export interface CommandState extends CommandInputs {
    stdout: string;
    stderr: string;
}

interface Field {
    isText?: boolean;
    secret?: boolean;
    default?: string | number;
    /** Of an object. */
    fields?: Fields;
}

type Fields = Record<string, Field>;

const text: Field = { isText: true };
const secretText: Field = { isText: true, secret: true };

const addressFields: Fields = {
    user: { ...text, default: "root" },
    password: secretText,
    host: text,
    port: { default: 22 },
    privateKey: secretText,
    privateKeyPassword: secretText,
    agentSocketPath: text,
    dialErrorLimit: { default: 10 },
    perDialTimeout: { default: 15 },
    hostKey: text,
};

export const inputFields: Fields = {
    triggers: {},
    create: text,
    delete: text,
    update: text,
    stdin: text,
    logging: text,
    connection: { secret: true, fields: { proxy: { fields: addressFields }, ...addressFields } },
    environment: {},
    addPreviousOutputInEnv: {},
};

export const stateFields: Fields = { ...inputFields, stdout: text, stderr: text };

/**
 * The same inputs with defaults filled in and secrets marked. A text that is secret and not known yet comes out as a
 * secret empty one, as it does from the official plugin: a preview then compares with that.
 */
export function completed(value: PropertyMap, fields: Fields): PropertyMap {
    const result: PropertyMap = {};
    for (const [name, field] of Object.entries(fields)) {
        // Absent and null are the same to the official plugin.
        const item = value[name] ?? field.default;
        if (item === undefined) continue;
        const peeled = peel(item);
        let { plain } = peeled;
        if (plain === UNKNOWN && peeled.secret && field.isText) plain = "";
        if (field.fields && isObject(plain)) plain = completed(plain, field.fields);
        result[name] = peeled.secret || field.secret ? secret(plain) : plain;
    }
    return result;
}

const isObject = (value: PropertyValue): value is PropertyMap =>
    value !== null && typeof value === "object" && !Array.isArray(value);
