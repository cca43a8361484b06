/**
 * Reading a file of zot's settings and holding it against the schema.
 *
 * zot forgets the case of every key, empty objects and nulls before it looks at anything; `{"**": {}}` is therefore no
 * rule at all. A `::` in a key splits it. A number stands for a text, a text for a truth value, a single value for a
 * list.
 */
import * as fs from "node:fs";
import Ajv, { type ValidateFunction } from "ajv";
import { checkingSchema, configSchema, type Schema } from "./configSchema";
import { parseDuration } from "./durations";

/** A mistake in the configuration or in a file that it names, described in one or two lines. */
export class ConfigError extends Error {}

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

export const badConfig = (problem: string) => new ConfigError(`invalid server config: ${problem}`);

export function readJson(file: string, fail: (problem: string) => ConfigError): JsonObject {
    let content: string;
    try {
        content = fs.readFileSync(file, "utf8");
    } catch (error) {
        const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
        throw fail(`open ${file}: ${isMissing ? "no such file or directory" : (error as Error).message}`);
    }
    let value: Json;
    try {
        value = JSON.parse(content) as Json;
    } catch (error) {
        throw fail(`While parsing config: ${(error as Error).message}`);
    }
    if (!isObject(value)) throw fail("While parsing config: json: cannot unmarshal a value that is not an object");
    return value;
}

const isObject = (value: Json | undefined): value is JsonObject =>
    typeof value === "object" && value !== null && !Array.isArray(value);

/** What is left of a file: keys in lower case and split at `::`, without nulls and empty objects. Lists keep theirs. */
export function settingsOf(value: JsonObject): JsonObject {
    const settings: JsonObject = {};
    const visit = (node: JsonObject, place: string[]) => {
        for (const [key, child] of Object.entries(node)) {
            const childPlace = [...place, ...key.toLowerCase().split("::")];
            // What lies under an empty name at the top is never found again.
            if (childPlace[0] === "") continue;
            if (isObject(child)) visit(child, childPlace);
            else if (child !== null) set(settings, childPlace, inLowerCase(child));
        }
    };
    visit(value, []);
    return settings;
}

/**
 * `{}` switches an extension on, though zot forgets empty objects, as long as no extension has any setting. `"ui": {}`
 * beside `"search": {"cve": ...}` is off.
 */
export function emptyExtensions(content: JsonObject): JsonObject {
    const extensions = Object.entries(content).find(([key]) => key.toLowerCase() === "extensions")?.[1];
    const names = isObject(extensions) ? Object.keys(extensions).map((name) => name.toLowerCase()) : [];
    const recognised = ["metrics", "search", "scrub", "trust", "ui"].filter((name) => names.includes(name));
    return Object.fromEntries(recognised.map((name) => [name, { enable: true }]));
}

function set(target: JsonObject, place: string[], value: Json): void {
    let node = target;
    for (const key of place.slice(0, -1)) {
        const next = node[key];
        node = isObject(next) ? next : (node[key] = {});
    }
    node[place.at(-1) ?? ""] = value;
}

function inLowerCase(value: Json): Json {
    if (Array.isArray(value)) return value.map(inLowerCase);
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key.toLowerCase(), inLowerCase(child)]));
}

const lowerCasedSchema = checkingSchema();

let compiledSchema: ValidateFunction | undefined;

function validator(): ValidateFunction {
    if (compiledSchema) return compiledSchema;
    const ajv = new Ajv({ allErrors: true, strict: false, validateSchema: false, coerceTypes: "array" });
    ajv.addFormat("go-duration", (duration: string) => parseDuration(duration) !== undefined);
    ajv.addFormat("gc-time-window", true);
    return (compiledSchema = ajv.compile(lowerCasedSchema));
}

/** The settings with the types and the names of the schema. Throws ConfigError for what does not fit. */
export function checked(settings: JsonObject): JsonObject {
    const validate = validator();
    const found = structuredClone(settings);
    if (validate(found)) return withNames(found, configSchema) as JsonObject;
    const problems = (validate.errors ?? []).map(({ keyword, params, instancePath, message }) => {
        if (keyword === "additionalProperties")
            return `'${instancePath}' has invalid keys: ${params["additionalProperty"]}`;
        return `'${instancePath}' ${params["format"] === "go-duration" ? "time: invalid duration" : message}`;
    });
    throw new ConfigError(`decoding failed due to the following error(s):\n\n${problems.join("\n")}`);
}

/** Puts back the names' case, for the code below. */
function withNames(value: Json, schema: Schema): Json {
    if (Array.isArray(value)) return value.map((item) => withNames(item, schema.items ?? {}));
    if (!isObject(value)) return value;
    const names = new Map(Object.keys(schema.properties ?? {}).map((name) => [name.toLowerCase(), name]));
    return Object.fromEntries(
        Object.entries(value).map(([key, child]) => {
            const name = names.get(key) ?? key;
            return [name, withNames(child, schema.properties?.[name] ?? (schema.additionalProperties || {}))];
        }),
    );
}

/** Reads a file of secrets beside the configuration. Its values never reach a message. */
export function readSecrets<Name extends string>(
    file: string,
    names: Name[],
    complete: boolean,
): Partial<Record<Name, string>> {
    const fail = (problem: string) => new ConfigError(`invalid server config\n${problem}`);
    const settings = settingsOf(readJson(file, fail));
    const given = Object.keys(settings);
    if (given.some((name) => !names.includes(name as Name)))
        throw badConfig("failed to load secret file due to unknown keys");
    if (complete && names.some((name) => !given.includes(name))) {
        throw badConfig("failed to load secret file due to unset keys");
    }
    return settings as Partial<Record<Name, string>>;
}
