/**
 * Reading and checking zot's config.json, as strictly and as laxly as zot 2.1.20 does: what `zot verify` says, and what
 * `zot serve` runs with.
 *
 * zot forgets the case of every key, empty objects and nulls before it looks at anything; `{"**": {}}` is therefore no rule at
 * all. A `::` in a key splits it.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import Ajv, { type ErrorObject, type ValidateFunction } from "ajv";
import { type AccessControl, isAnonymousMetricsOnly, isAnonymousOnly, type Policy } from "./authorization";
import { checkingSchema, configSchema, type Schema } from "./configSchema";
import { isValidPattern } from "./globs";
import { isLevel } from "./log";

/** A mistake in the configuration or in a file it names, told in one or two lines. */
export class ConfigError extends Error {}

export interface Config {
    storage: {
        /** Empty when the file has none: `verify` lets that through, `serve` does not. */
        rootDirectory: string;
        dedupe: boolean;
        subPaths: Record<string, unknown>;
        storageDriver?: Record<string, unknown>;
        cacheDriver?: Record<string, unknown>;
        remoteCache: boolean;
    };
    http: {
        address: string;
        port: string;
        externalUrl: string;
        allowOrigin: string;
        realm: string;
        /** Milliseconds in which a request has to arrive, and its answer to go out; 0 is no limit. */
        readTimeout: number;
        writeTimeout: number;
        tls?: { cert: string; key: string; cacert: string };
        auth: AuthConfig;
        /** Absent: whoever is logged in may do everything. */
        accessControl?: AccessControl;
        compat: string[];
    };
    log: { level: string; output: string; audit: string };
    extensions: ExtensionsConfig;
    /** Parts of the file that the stand-in does not carry out, by their place in the file. */
    notCarriedOut: { refused: string[]; ignored: string[] };
}

export interface AuthConfig {
    /** Seconds to wait before a failed login is answered. */
    failDelay: number;
    openid?: { providers: Record<string, OpenIdProvider>; callbackAllowOrigins: string[] };
    /** Always on with `openid`, whatever the file says. */
    apikey: boolean;
    sessionKeys: { hashKey?: Buffer; encryptKey?: Buffer };
    secureSession?: boolean;
}

export interface OpenIdProvider {
    name: string;
    issuer: string;
    clientId: string;
    clientSecret: string;
    scopes: string[];
    /** Claims; without them the user name is the e-mail address and the groups come from `groups`. */
    claimMapping: { username?: string; groups?: string };
}

export interface SyncRegistry {
    urls: string[];
    onDemand: boolean;
    tlsVerify: boolean;
    certDir: string;
    preserveDigest: boolean;
    /** Milliseconds for one image. */
    syncTimeout: number;
    content: { prefix: string; destination: string; stripPrefix: boolean }[];
}

export interface ExtensionsConfig {
    search: boolean;
    ui: boolean;
    /** Path of the metrics; absent when they are off. */
    metricsPath?: string;
    sync?: { registries: SyncRegistry[]; credentialsFile: string };
}

/** Whether anyone can log in at all; when not, zot takes every request for an anonymous one. */
export const isLoginEnabled = (auth: AuthConfig): boolean => auth.openid !== undefined || auth.apikey;

/** Reads a configuration file and everything it names. Throws ConfigError. */
export function loadConfig(file: string): Config {
    const content = readJson(file, (problem) => new ConfigError(problem));
    const settings = settingsOf(content);
    if (Object.keys(settings).length === 0)
        throw badConfig("failed to load config due to the absence of any key:value pair");
    if (settings["extensions"] === undefined) settings["extensions"] = emptyExtensions(content);
    return build(settings);
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type JsonObject = { [name: string]: Json };

const badConfig = (problem: string) => new ConfigError(`invalid server config: ${problem}`);

function readJson(file: string, fail: (problem: string) => ConfigError): JsonObject {
    const extension = path.extname(file).slice(1);
    if (extension !== "" && extension !== "json") {
        throw fail(`the stand-in for zot reads JSON only, and ${file} is not named .json`);
    }
    let content: string;
    try {
        content = fs.readFileSync(file, "utf8");
    } catch (error) {
        throw fail(`open ${file}: ${systemMessage(error)}`);
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

function systemMessage(error: unknown): string {
    const code = (error as NodeJS.ErrnoException).code;
    return code === "ENOENT"
        ? "no such file or directory"
        : code === "EACCES"
          ? "permission denied"
          : String((error as Error).message);
}

/** What is left of a file: keys in lower case and split at `::`, without nulls and empty objects. Lists keep theirs. */
function settingsOf(value: JsonObject): JsonObject {
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
 * `{}` switches an extension on, though zot forgets empty objects, as long as no extension has any setting. `"ui": {}` beside
 * `"search": {"cve": ...}` is off.
 */
function emptyExtensions(content: JsonObject): JsonObject {
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

/** zot takes a number for a string, a single value for a list, and so on; what cannot be converted is left for the check. */
function coerce(value: Json, schema: Schema): Json {
    if (value === null)
        return (
            ({ object: {}, array: [], string: "", boolean: false, integer: 0 } as Record<string, Json>)[
                schema.type ?? ""
            ] ?? null
        );
    switch (schema.type) {
        case "object":
            // Several maps for one are put together.
            if (Array.isArray(value) && schema.additionalProperties && value.every(isObject))
                return coerce(Object.assign({}, ...value) as Json, schema);
            if (!isObject(value)) return value;
            return Object.fromEntries(
                Object.entries(value)
                    // Null is nothing, but a name that nobody knows stays a mistake.
                    .filter(([key, child]) => child !== null || !schema.properties?.[key])
                    .map(([key, child]) => [
                        key,
                        coerce(child, schema.properties?.[key] ?? (schema.additionalProperties || {})),
                    ]),
            );
        case "array":
            return (Array.isArray(value) ? value : [value]).map((item) => coerce(item, schema.items ?? {}));
        case "string":
            if (typeof value === "boolean") return value ? "1" : "0";
            // A bare number is nanoseconds where a duration is due.
            return typeof value === "number"
                ? schema.format === "go-duration"
                    ? `${value}ns`
                    : plainNumber(value)
                : value;
        case "boolean":
            if (typeof value === "number") return value !== 0;
            if (typeof value !== "string") return value;
            if (/^(1|t|T|TRUE|true|True)$/.test(value)) return true;
            return /^(0|f|F|FALSE|false|False|)$/.test(value) ? false : value;
        case "integer":
            if (typeof value === "boolean") return value ? 1 : 0;
            if (typeof value === "string" && /^[-+]?\d*$/.test(value)) return Number(value);
            return typeof value === "number" ? Math.trunc(value) : value;
        default:
            return value;
    }
}

/** Without an exponent. */
const plainNumber = (value: number) => (Number.isInteger(value) ? BigInt(value).toString() : String(value));

/** Milliseconds of a duration in Go's notation, or undefined if it is not one. */
export function parseDuration(duration: string): number | undefined {
    const match = /^([-+]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(duration);
    if (!match) return undefined;
    const units: Record<string, number> = {
        ns: 1e-6,
        us: 1e-3,
        µs: 1e-3,
        μs: 1e-3,
        ms: 1,
        s: 1000,
        m: 60_000,
        h: 3_600_000,
    };
    let milliseconds = 0;
    for (const [, amount, unit] of (match[2] ?? "").matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h)/g)) {
        milliseconds += Number(amount) * (units[unit ?? ""] ?? 0);
    }
    return match[1] === "-" ? -milliseconds : milliseconds;
}

function isTimeWindow(window: string): boolean {
    if (window === "") return true;
    const match = /^\s*(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})\s*$/.exec(window);
    const valid = (time: string | undefined) => /^([01]?\d|2[0-3]):[0-5]\d$/.test(time ?? "");
    return match !== null && valid(match[1]) && valid(match[2]) && match[1] !== match[2];
}

const lowerCasedSchema = checkingSchema();

let compiledSchema: ValidateFunction | undefined;

function validator(): ValidateFunction {
    if (compiledSchema) return compiledSchema;
    const ajv = new Ajv({ allErrors: true, strict: false, validateSchema: false, verbose: true });
    ajv.addFormat("go-duration", (duration: string) => parseDuration(duration) !== undefined);
    ajv.addFormat("gc-time-window", isTimeWindow);
    return (compiledSchema = ajv.compile(lowerCasedSchema));
}

function check(settings: JsonObject): void {
    const validate = validator();
    if (validate(settings)) return;
    const unknown = new Map<string, string[]>();
    const problems: string[] = [];
    for (const error of validate.errors ?? []) {
        const place = placeOf(error) || "config.Config";
        if (error.keyword === "additionalProperties") {
            unknown.set(place, [...(unknown.get(place) ?? []), String(error.params["additionalProperty"])]);
        } else {
            problems.push(problemOf(place, error));
        }
    }
    for (const [place, keys] of unknown) problems.push(`'${place}' has invalid keys: ${keys.sort().join(", ")}`);
    throw new ConfigError(`decoding failed due to the following error(s):\n\n${problems.join("\n")}`);
}

/** As zot writes it, but for the case of the names: `storage.retention.policies[0]`, `http.accesscontrol.repositories[**]`. */
function placeOf(error: ErrorObject): string {
    let schema: Schema | undefined = lowerCasedSchema;
    let place = "";
    for (const part of error.instancePath.split("/").slice(1)) {
        const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
        const property: Schema | undefined = schema?.properties?.[name];
        place += property ? (place === "" ? name : `.${name}`) : `[${name}]`;
        schema = property ?? schema?.items ?? (schema?.additionalProperties || undefined);
    }
    return place;
}

/** Where zot names a type of its own. */
const typeNames: [RegExp, string][] = [
    [/^\/storage\/subpaths$/, "map[string]config.StorageConfig"],
    [/^\/http\/accesscontrol\/repositories$/, "config.Repositories"],
    [/^\/http\/accesscontrol\/groups$/, "config.Groups"],
    [/^\/http\/auth\/openid\/providers$/, "map[string]config.OpenIDProviderConfig"],
    [/^\/http\/compat\/\d+$/, "compat.MediaCompatibility"],
];

/** Names of Go's types, for a value of JSON. */
function goType(value: Json): { name: string; kind: string } {
    if (Array.isArray(value)) return { name: "[]interface {}", kind: "slice" };
    if (isObject(value)) return { name: "map[string]interface {}", kind: "map" };
    if (typeof value === "number") return { name: "float64", kind: "float64" };
    return typeof value === "boolean" ? { name: "bool", kind: "bool" } : { name: "string", kind: "string" };
}

function problemOf(place: string, error: ErrorObject): string {
    const value = error.data as Json;
    const isMap = Boolean((error.parentSchema as Schema | undefined)?.additionalProperties);
    const wrong = isMap && Array.isArray(value) ? value.findIndex((item) => !isObject(item)) : -1;
    if (Array.isArray(value) && wrong >= 0) return `'${place}[${wrong}]' ${reasonOf(error, value[wrong] as Json)}`;
    return `'${place}' ${reasonOf(error, value)}`;
}

function reasonOf(error: ErrorObject, value: Json): string {
    if (error.keyword === "format") {
        if (error.params["format"] !== "go-duration")
            return `invalid gcTimeWindow ${JSON.stringify(value)}, expected format "HH:MM-HH:MM"`;
        return /^[-+]?[\d.]+$/.test(String(value)) ? "time: missing unit in duration" : "time: invalid duration";
    }
    const wanted = String(error.params["type"]);
    const named = typeNames.find(([place]) => place.test(error.instancePath))?.[1];
    if (named) return `expected type '${named}', got unconvertible type '${goType(value).name}'`;
    const { name, kind } = goType(value);
    if (wanted === "object") {
        const { properties } = (error.parentSchema ?? {}) as Schema;
        return properties
            ? `expected a map or struct, got "${kind}"`
            : `expected type 'map[string]interface {}', got unconvertible type '${name}'`;
    }
    const isDuration = (error.parentSchema as Schema | undefined)?.format === "go-duration";
    const type = isDuration
        ? "time.Duration"
        : ({ boolean: "bool", integer: "int", string: "string" }[wanted] ?? wanted);
    if (kind === "string")
        return `cannot parse value as '${type}': strconv.Parse${type === "int" ? "Int" : "Bool"}: invalid syntax`;
    return `expected type '${type}', got unconvertible type '${name}'`;
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

interface RawExtension {
    enable?: boolean;
}

interface RawPolicy {
    users?: string[];
    groups?: string[];
    actions?: string[];
    conditions?: unknown[];
}

interface RawRetention {
    policies?: { repositories?: string[]; keepTags?: { patterns?: string[] }[] }[];
}

/** The file's content after the check, with the names of the schema. */
interface Raw {
    storage?: Partial<Omit<Config["storage"], "subPaths">> & {
        gc?: boolean;
        gcDelay?: string;
        gcInterval?: string;
        retention?: RawRetention;
        redirectBlobURL?: boolean;
        subPaths?: Record<
            string,
            {
                rootDirectory?: string;
                gc?: boolean;
                gcDelay?: string;
                retention?: RawRetention;
                storageDriver?: Record<string, unknown>;
                redirectBlobURL?: boolean;
            }
        >;
    };
    http?: {
        address?: string;
        port?: string;
        externalUrl?: string;
        allowOrigin?: string;
        realm?: string;
        tls?: { cert?: string; key?: string; cacert?: string };
        auth?: {
            failDelay?: number;
            htpasswd?: { path?: string };
            ldap?: object;
            bearer?: object;
            mtls?: object;
            openid?: {
                providers?: Record<
                    string,
                    {
                        credentialsFile?: string;
                        name?: string;
                        issuer?: string;
                        clientID?: string;
                        clientSecret?: string;
                        scopes?: string[];
                        claimMapping?: { username?: string; groups?: string };
                    }
                >;
                callbackAllowOrigins?: string[];
            };
            apikey?: boolean;
            sessionKeysFile?: string;
            sessionDriver?: { name?: string };
            secureSession?: boolean;
        };
        accessControl?: {
            repositories?: Record<
                string,
                { policies?: RawPolicy[]; defaultPolicy?: string[]; anonymousPolicy?: string[] }
            >;
            adminPolicy?: RawPolicy;
            groups?: object;
            metrics?: { users?: string[]; anonymousPolicy?: string[] };
        };
        readTimeout?: string;
        writeTimeout?: string;
        ratelimit?: object;
        compat?: string[];
    };
    log?: { level?: string; output?: string; audit?: string };
    extensions?: {
        search?: RawExtension & { cve?: object };
        ui?: RawExtension;
        metrics?: RawExtension & { prometheus?: { path?: string } };
        scrub?: RawExtension;
        lint?: RawExtension;
        trust?: RawExtension;
        events?: RawExtension;
        sync?: RawExtension & {
            credentialsFile?: string;
            downloadDir?: string;
            registries?: {
                urls?: string[];
                pollInterval?: string;
                content?: {
                    prefix?: string;
                    destination?: string;
                    stripPrefix?: boolean;
                    tags?: { regex?: string; excludeRegex?: string };
                }[];
                onDemand?: boolean;
                tlsVerify?: boolean;
                certDir?: string;
                preserveDigest?: boolean;
                syncTimeout?: string;
                maxRetries?: number;
                retryDelay?: string;
                maxRetryDelay?: string;
                credentialHelper?: string;
                onlySigned?: boolean;
            }[];
        };
    };
    cluster?: { members?: string[]; hashKey?: string };
}

function build(settings: JsonObject): Config {
    const coerced = coerce(settings, lowerCasedSchema) as JsonObject;
    check(coerced);
    const raw = withNames(coerced, configSchema) as Raw;
    const level = raw.log?.level ?? "debug";
    if (!isLevel(level)) {
        throw badConfig(
            `invalid log level '${level}', supported levels are: debug, trace, info, warn, warning, error, fatal, panic`,
        );
    }

    // In zot's own order, so that the first of several mistakes is the same.
    const auth = buildAuth(raw);
    checkPort(raw.http?.port);
    checkGarbageCollection(raw);
    checkProviders(raw, auth);
    const sync = buildSync(raw);
    checkFolders(raw);
    checkDrivers(raw);
    const extensions = { ...buildExtensions(raw), ...(sync && { sync }) };
    const accessControl = buildAccessControl(raw, auth);
    checkStorage(raw, extensions);
    checkCluster(raw);

    const { http = {}, storage = {}, log = {} } = raw;
    return {
        storage: {
            rootDirectory: storage.rootDirectory ?? "",
            dedupe: storage.dedupe ?? true,
            subPaths: storage.subPaths ?? {},
            ...(storage.storageDriver && { storageDriver: storage.storageDriver }),
            ...(storage.cacheDriver && { cacheDriver: storage.cacheDriver }),
            remoteCache: storage.remoteCache ?? false,
        },
        http: {
            address: http.address ?? "127.0.0.1",
            port: http.port ?? "8080",
            externalUrl: http.externalUrl ?? "",
            allowOrigin: http.allowOrigin ?? "",
            realm: http.realm ?? "",
            readTimeout: requestLimit(http.readTimeout),
            writeTimeout: requestLimit(http.writeTimeout),
            ...(http.tls && {
                tls: { cert: http.tls.cert ?? "", key: http.tls.key ?? "", cacert: http.tls.cacert ?? "" },
            }),
            auth,
            ...(accessControl && { accessControl }),
            compat: http.compat ?? [],
        },
        log: { level, output: log.output ?? "", audit: log.audit ?? "" },
        extensions,
        notCarriedOut: notCarriedOut(raw),
    };
}

/** zot's own limit of a minute, where the config has none; nothing and less is no limit. */
function requestLimit(given: string | undefined): number {
    return given === undefined ? 60_000 : Math.max(0, parseDuration(given) ?? 0);
}

function checkPort(port: string | undefined): void {
    if (port === undefined || port === "") return;
    if (!/^[-+]?\d+$/.test(port) || Number(port) < 0 || Number(port) > 65535) throw badConfig(`invalid port ${port}`);
}

function checkGarbageCollection({ storage }: Raw): void {
    for (const [setting, duration] of [
        ["delay", storage?.gcDelay],
        ["interval", storage?.gcInterval],
    ] as const) {
        if (duration !== undefined && (parseDuration(duration) ?? 0) < 0) {
            throw badConfig(`invalid garbage-collect ${setting} specified ${duration}`);
        }
    }
    checkRetention(storage?.retention);
    for (const { gc, gcDelay, retention } of Object.values(storage?.subPaths ?? {})) {
        if (gc && gcDelay !== undefined && (parseDuration(gcDelay) ?? 0) <= 0) {
            throw badConfig(`invalid GC delay configuration - cannot be negative or zero: ${gcDelay}`);
        }
        checkRetention(retention);
    }
}

function checkRetention(retention: RawRetention | undefined): void {
    for (const { repositories = [], keepTags = [] } of retention?.policies ?? []) {
        for (const pattern of repositories) {
            if (!isValidPattern(pattern))
                throw badConfig(`retention repo glob pattern could not be compiled: ${pattern}`);
        }
        for (const expression of keepTags.flatMap(({ patterns = [] }) => patterns)) {
            if (!isRegularExpression(expression))
                throw badConfig(`retention tag regex could not be compiled: ${expression}`);
        }
    }
}

function buildAuth({ http }: Raw): AuthConfig {
    const auth = http?.auth ?? {};
    const providers: Record<string, OpenIdProvider> = {};
    for (const [name, provider] of Object.entries(auth.openid?.providers ?? {})) {
        const credentials = provider.credentialsFile
            ? readSecrets(provider.credentialsFile, ["clientid", "clientsecret"], true)
            : { clientid: provider.clientID, clientsecret: provider.clientSecret };
        providers[name] = {
            name: provider.name ?? "",
            issuer: provider.issuer ?? "",
            clientId: credentials.clientid ?? "",
            clientSecret: credentials.clientsecret ?? "",
            scopes: provider.scopes ?? [],
            claimMapping: provider.claimMapping ?? {},
        };
    }
    const keys = auth.sessionKeysFile ? readSecrets(auth.sessionKeysFile, ["hashkey", "encryptkey"], false) : {};
    return {
        failDelay: auth.failDelay ?? 0,
        ...(Object.keys(providers).length > 0 && {
            openid: { providers, callbackAllowOrigins: auth.openid?.callbackAllowOrigins ?? [] },
        }),
        apikey: auth.openid !== undefined || (auth.apikey ?? false),
        sessionKeys: {
            ...(keys.hashkey && { hashKey: Buffer.from(keys.hashkey) }),
            ...(keys.encryptkey && { encryptKey: Buffer.from(keys.encryptkey) }),
        },
        ...(auth.secureSession !== undefined && { secureSession: auth.secureSession }),
    };
}

/** Reads a file of secrets beside the configuration. Its values never reach a message. */
function readSecrets<Name extends string>(
    file: string,
    names: Name[],
    complete: boolean,
): Partial<Record<Name, string>> {
    const fail = (problem: string) => new ConfigError(`invalid server config\n${problem}`);
    // Unlike the configuration itself, such a file must be named for what it is.
    if (path.extname(file) === "") throw fail('Unsupported Config Type ""');
    const settings = settingsOf(readJson(file, fail));
    const given = Object.keys(settings);
    if (given.length === 0) throw badConfig("failed to load secret file due to the absence of any key:value pair");
    if (given.some((name) => !names.includes(name as Name)))
        throw badConfig("failed to load secret file due to unknown keys");
    if (complete && names.some((name) => !given.includes(name))) {
        throw badConfig("failed to load secret file due to unset keys");
    }
    const text: Schema = { type: "string" };
    const schema: Schema = { type: "object", properties: Object.fromEntries(names.map((name) => [name, text])) };
    const secrets = coerce(settings, schema) as JsonObject;
    for (const [name, value] of Object.entries(secrets)) {
        if (typeof value !== "string") throw fail(`'${name}' in ${file} is not a string`);
    }
    return secrets as Partial<Record<Name, string>>;
}

function checkProviders({ http }: Raw, { openid }: AuthConfig): void {
    for (const name of Object.keys(http?.auth?.openid?.providers ?? {})) {
        const provider = openid?.providers[name];
        if (["google", "gitlab", "oidc"].includes(name)) {
            if (!provider?.clientId || !provider.issuer || provider.scopes.length === 0) {
                throw badConfig("OpenID provider config requires clientid, issuer and scopes parameters");
            }
        } else if (name === "github") {
            if (!provider?.clientId || provider.scopes.length === 0) {
                throw badConfig("OAuth2 provider config requires clientid and scopes parameters");
            }
        } else {
            throw badConfig("unsupported openid/oauth2 provider");
        }
    }
}

function buildSync({ extensions }: Raw): ExtensionsConfig["sync"] {
    const sync = extensions?.sync;
    const registries = (sync?.registries ?? []).map((registry): SyncRegistry => {
        const retryDelay = registry.retryDelay === undefined ? undefined : parseDuration(registry.retryDelay);
        const maxRetryDelay = registry.maxRetryDelay === undefined ? undefined : parseDuration(registry.maxRetryDelay);
        if (registry.maxRetries !== undefined && retryDelay === undefined) {
            throw badConfig("retryDelay is required when using maxRetries");
        }
        if (maxRetryDelay !== undefined && retryDelay === undefined) {
            throw badConfig("retryDelay is required when using maxRetryDelay");
        }
        if (maxRetryDelay !== undefined && retryDelay !== undefined && maxRetryDelay < retryDelay) {
            throw badConfig("maxRetryDelay must be greater than or equal to retryDelay");
        }
        const content = (registry.content ?? []).map(
            ({ prefix = "", destination = "", stripPrefix = false, tags = {} }) => {
                if (!isValidPattern(prefix)) throw badConfig(`sync prefix could not be compiled: ${prefix}`);
                for (const [setting, expression] of [
                    ["regex", tags.regex],
                    ["excludeRegex", tags.excludeRegex],
                ] as const) {
                    if (expression !== undefined && !isRegularExpression(expression)) {
                        throw badConfig(`sync content ${setting} could not be compiled: ${expression}`);
                    }
                }
                if (stripPrefix && !prefix.includes("/*") && destination === "/") {
                    throw badConfig(
                        "can not use stripPrefix true and destination '/' without using glob patterns in prefix",
                    );
                }
                return { prefix, destination, stripPrefix };
            },
        );
        return {
            urls: registry.urls ?? [],
            onDemand: registry.onDemand ?? false,
            tlsVerify: registry.tlsVerify ?? true,
            certDir: registry.certDir ?? "",
            preserveDigest: registry.preserveDigest ?? false,
            syncTimeout: parseDuration(registry.syncTimeout ?? "") || 3 * 60 * 60 * 1000,
            content,
        };
    });
    if (!sync || sync.enable === false) return undefined;
    return { registries, credentialsFile: sync.credentialsFile ?? "" };
}

function isRegularExpression(expression: string): boolean {
    try {
        new RegExp(expression);
        return true;
    } catch {
        return false;
    }
}

/** The session driver of a registry of several instances, which this stand-in does not run but lets `verify` check. */
function checkDrivers({ storage, http }: Raw): void {
    if (storage?.cacheDriver && storage.remoteCache) {
        const { name } = storage.cacheDriver;
        if (!storage.storageDriver && name !== "redis") {
            throw badConfig("invalid database config, cannot have local storage driver with remote database!");
        }
        if (name !== "redis" && name !== "dynamodb")
            throw badConfig("invalid database config, unsupported database driver");
    }
    if (storage?.dedupe !== false && storage?.storageDriver && storage.remoteCache !== false && !storage.cacheDriver) {
        throw badConfig(
            "invalid database config, dedupe set to true with remote storage and database, but no remote database configured",
        );
    }
    const sessions = http?.auth?.sessionDriver;
    if (!sessions) return;
    if (sessions.name === undefined) throw badConfig("must provide session driver name!");
    if (sessions.name !== "redis" && sessions.name !== "local") {
        const { name } = sessions as { name: unknown };
        // Go's way to show a value that is not the text it was thought to be.
        const shown = typeof name === "string" ? name : `%!s(${goType(name as Json).name}=${String(name)})`;
        throw badConfig(`session store driver ${shown} is not allowed!`);
    }
    if (sessions.name === "redis" && http.auth?.sessionKeysFile) {
        throw badConfig("session keys not supported when redis session driver is used!");
    }
}

function buildExtensions({ extensions = {}, storage }: Raw): ExtensionsConfig {
    const { metrics, search, ui } = extensions;
    const isOn = (extension: RawExtension | undefined) => extension !== undefined && extension.enable !== false;
    const metricsPath = metrics?.prometheus?.path ?? "/metrics";
    checkMetricsPath(metricsPath);
    if (isOn(ui) && !isOn(search)) throw badConfig("failed to enable ui, search extension must be enabled");
    if (storage?.storageDriver && isOn(search) && search?.cve) {
        throw badConfig("failed to enable cve scanning due to incompatibility with remote storage, please disable cve");
    }
    return { search: isOn(search), ui: isOn(ui), ...(isOn(metrics) && { metricsPath }) };
}

function checkMetricsPath(metricsPath: string): void {
    const problem = (text: string) => new ConfigError(`invalid server config\n${text}`);
    if (path.posix.normalize(metricsPath) !== metricsPath || (metricsPath.length > 1 && metricsPath.endsWith("/"))) {
        throw problem("invalid metrics path");
    }
    if (!metricsPath.startsWith("/")) throw problem("metrics path must start with /");
    if (metricsPath === "/" || metricsPath === "/v2") throw problem("provided metrics path is disallowed");
}

function buildAccessControl({ http }: Raw, auth: AuthConfig): AccessControl | undefined {
    const raw = http?.accessControl;
    if (!raw) return undefined;
    const policy = ({ users = [], groups = [], actions = [], conditions = [] }: RawPolicy): Policy => {
        if (conditions.length > 0) {
            throw new ConfigError(
                "the stand-in for zot does not evaluate the conditions (CEL) of http.accessControl; only a real zot can check or serve this config",
            );
        }
        return { users, groups, actions };
    };
    const accessControl: AccessControl = {
        repositories: Object.fromEntries(
            Object.entries(raw.repositories ?? {}).map(([pattern, rule]) => [
                pattern,
                {
                    policies: (rule.policies ?? []).map(policy),
                    defaultPolicy: rule.defaultPolicy ?? [],
                    anonymousPolicy: rule.anonymousPolicy ?? [],
                },
            ]),
        ),
        adminPolicy: policy(raw.adminPolicy ?? {}),
        metrics: { users: raw.metrics?.users ?? [], anonymousPolicy: raw.metrics?.anonymousPolicy ?? [] },
    };
    const otherLogins = http?.auth?.htpasswd?.path || http?.auth?.ldap || http?.auth?.bearer;
    if (
        !isLoginEnabled(auth) &&
        !otherLogins &&
        !isAnonymousOnly(accessControl) &&
        !isAnonymousMetricsOnly(accessControl)
    ) {
        throw badConfig(
            "access control config requires one of htpasswd, ldap, openid or mTLS authentication or using only 'anonymousPolicy' policies",
        );
    }
    for (const pattern of Object.keys(accessControl.repositories)) {
        if (!isValidPattern(pattern)) {
            throw new ConfigError(`syntax error in pattern: failed to compile authorization pattern (${pattern})`);
        }
    }
    return accessControl;
}

function checkStorage({ storage, extensions }: Raw, built: ExtensionsConfig): void {
    for (const { storageDriver, redirectBlobURL } of [storage ?? {}, ...Object.values(storage?.subPaths ?? {})]) {
        if (redirectBlobURL && !storageDriver)
            throw badConfig("invalid storage config, redirectBlobURL is supported only for s3/gcs/azure storage");
        if (!storageDriver) continue;
        const { name } = storageDriver;
        if (name !== "s3" && name !== "gcs" && name !== "azure") throw badConfig("unsupported storage driver");
        if (built.sync && !extensions?.sync?.downloadDir) {
            throw badConfig(
                "using both sync and remote storage features needs config.Extensions.Sync.DownloadDir to be specified",
            );
        }
    }
}

/** No two stores of one kind on the same folder, or one inside the other. */
function checkFolders({ storage }: Raw): void {
    const stores = [
        ["", storage ?? {}] as const,
        ...Object.entries(storage?.subPaths ?? {}).sort(([one], [other]) => (one < other ? -1 : 1)),
    ].map(([route, { rootDirectory = "", storageDriver }]) => ({
        name: route === "" ? "default storage" : `substore (route: ${route})`,
        folder: rootDirectory,
        kind: String(storageDriver?.["name"] ?? "local"),
    }));
    for (const store of stores) {
        const other = stores.find(
            (candidate) =>
                candidate !== store &&
                candidate.kind === store.kind &&
                (isSame(store.folder, candidate.folder) ||
                    isInside(store.folder, candidate.folder) ||
                    isInside(candidate.folder, store.folder)),
        );
        if (!other) continue;
        if (isSame(store.folder, other.folder))
            throw badConfig(
                `invalid storage config, ${store.name} and ${other.name} cannot use the same root directory`,
            );
        const [inner, outer] = isInside(store.folder, other.folder) ? [store, other] : [other, store];
        throw badConfig(
            `invalid storage config, ${inner.name} root directory cannot be inside ${outer.name} root directory`,
        );
    }
}

const isSame = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();

function isInside(folder: string, outer: string): boolean {
    if (path.isAbsolute(folder) !== path.isAbsolute(outer)) return false;
    const relative = path.relative(outer, folder);
    return relative !== "" && relative !== ".." && !relative.startsWith("../");
}

function checkCluster({ cluster }: Raw): void {
    if (!cluster) return;
    if ((cluster.members ?? []).length === 0) throw badConfig("cannot have 0 members in a scale out cluster");
    if (cluster.hashKey?.length !== 16) throw badConfig("hashKey for scale out cluster must have 16 characters");
}

/** What the stand-in cannot do: refused where serving without it would mean another registry, otherwise named in the log. */
function notCarriedOut({ storage, http, extensions, cluster }: Raw): Config["notCarriedOut"] {
    const present = (parts: Record<string, unknown>) =>
        Object.entries(parts)
            .filter(([, value]) => value !== undefined && value !== false && value !== "")
            .map(([place]) => place);
    return {
        refused: present({
            "storage.storageDriver": storage?.storageDriver,
            "storage.cacheDriver": storage?.remoteCache ? storage.cacheDriver : undefined,
            "storage.subPaths": storage?.subPaths,
            "http.auth.htpasswd": http?.auth?.htpasswd?.path,
            "http.auth.ldap": http?.auth?.ldap,
            "http.auth.bearer": http?.auth?.bearer,
            "http.auth.mtls": http?.auth?.mtls,
            "http.tls.cacert": http?.tls?.cacert,
            "http.auth.openid.providers.github": http?.auth?.openid?.providers?.["github"],
            "http.auth.sessionDriver": http?.auth?.sessionDriver?.name === "redis" || undefined,
            cluster,
        }),
        ignored: present({
            "storage.gc": storage?.gc,
            "storage.retention": storage?.retention,
            "http.ratelimit": http?.ratelimit,
            "extensions.search.cve": extensions?.search?.cve,
            "extensions.scrub": extensions?.scrub,
            "extensions.lint": extensions?.lint,
            "extensions.trust": extensions?.trust,
            "extensions.events": extensions?.events,
            "extensions.sync.registries[].pollInterval":
                extensions?.sync?.registries?.some((registry) => registry.pollInterval) || undefined,
            "extensions.sync.registries[].onlySigned":
                extensions?.sync?.registries?.some((registry) => registry.onlySigned) || undefined,
        }),
    };
}
