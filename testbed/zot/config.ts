/**
 * Reading and checking zot's config.json as zot 2.1.20 does: what `zot verify` says, and what `zot serve` runs with.
 */

import { type AccessControl, isAnonymousOnly, type Policy } from "./authorization";
import { mistakeIn } from "./conditions";
import { checkPort, checkProviders } from "./configChecks";
import {
    badConfig,
    ConfigError,
    checked,
    emptyExtensions,
    type JsonObject,
    readJson,
    readSecrets,
    settingsOf,
} from "./configFile";
import {
    type AuthConfig,
    type Config,
    type ExtensionsConfig,
    isLoginEnabled,
    type OpenIdProvider,
} from "./configTypes";
import { parseDuration } from "./durations";
import { isValidPattern } from "./globs";
import { isLevel } from "./log";
import type { Raw, RawExtension, RawPolicy } from "./rawConfig";

/** Reads a configuration file and everything it names. Throws ConfigError. */
export function loadConfig(file: string): Config {
    const content = readJson(file, (problem) => new ConfigError(problem));
    const settings = settingsOf(content);
    if (Object.keys(settings).length === 0)
        throw badConfig("failed to load config due to the absence of any key:value pair");
    if (settings["extensions"] === undefined) settings["extensions"] = emptyExtensions(content);
    return build(settings);
}

function build(settings: JsonObject): Config {
    const raw = checked(settings) as Raw;
    const level = raw.log?.level ?? "debug";
    if (!isLevel(level)) {
        throw badConfig(
            `invalid log level '${level}', supported levels are: ` +
                "debug, trace, info, warn, warning, error, fatal, panic",
        );
    }

    const auth = buildAuth(raw);
    checkPort(raw.http?.port);
    checkProviders(raw, auth);
    const sync = buildSync(raw);
    const extensions = { ...buildExtensions(raw), ...(sync && { sync }) };
    const accessControl = buildAccessControl(raw, auth);

    const { http = {}, storage = {}, log = {} } = raw;
    return {
        storage: {
            rootDirectory: storage.rootDirectory ?? "",
            dedupe: storage.dedupe ?? true,
        },
        http: {
            address: http.address ?? "127.0.0.1",
            port: http.port ?? "8080",
            externalUrl: http.externalUrl ?? "",
            realm: http.realm ?? "",
            readTimeout: requestLimit(http.readTimeout),
            writeTimeout: requestLimit(http.writeTimeout),
            ...(http.tls && { tls: { cert: http.tls.cert ?? "", key: http.tls.key ?? "" } }),
            acceptsDocker: http.compat?.includes("docker2s2") ?? false,
            auth,
            ...(accessControl && { accessControl }),
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

function buildAuth({ http }: Raw): AuthConfig {
    const auth = http?.auth ?? {};
    const providers: Record<string, OpenIdProvider> = {};
    for (const [name, provider] of Object.entries(auth.openid?.providers ?? {})) {
        const credentials = provider.credentialsFile
            ? readSecrets(provider.credentialsFile, ["clientid", "clientsecret"], true)
            : {};
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
        ...(Object.keys(providers).length > 0 && { openid: { providers } }),
        apikey: auth.openid !== undefined || (auth.apikey ?? false),
        sessionKeys: {
            ...(keys.hashkey && { hashKey: Buffer.from(keys.hashkey) }),
            ...(keys.encryptkey && { encryptKey: Buffer.from(keys.encryptkey) }),
        },
        ...(auth.secureSession !== undefined && { secureSession: auth.secureSession }),
    };
}

function buildSync({ extensions }: Raw): ExtensionsConfig["sync"] {
    const sync = extensions?.sync;
    const registries = (sync?.registries ?? []).map(
        ({ urls = [], onDemand = false, tlsVerify = true, content = [] }) => {
            for (const { prefix = "" } of content)
                if (!isValidPattern(prefix)) throw badConfig(`sync prefix could not be compiled: ${prefix}`);
            return {
                urls,
                onDemand,
                tlsVerify,
                content: content.map(({ prefix = "", destination = "" }) => ({ prefix, destination })),
            };
        },
    );
    if (!sync || sync.enable === false) return undefined;
    return { registries };
}

function buildExtensions({ extensions = {} }: Raw): ExtensionsConfig {
    const { metrics, search, ui } = extensions;
    const isOn = (extension: RawExtension | undefined) => extension !== undefined && extension.enable !== false;
    const metricsPath = metrics?.prometheus?.path ?? "/metrics";
    if (isOn(ui) && !isOn(search)) throw badConfig("failed to enable ui, search extension must be enabled");
    return { search: isOn(search), ui: isOn(ui), ...(isOn(metrics) && { metricsPath }) };
}

function buildAccessControl({ http }: Raw, auth: AuthConfig): AccessControl | undefined {
    const raw = http?.accessControl;
    if (!raw) return undefined;
    const policy = ({ users = [], groups = [], actions = [], conditions = [] }: RawPolicy): Policy => {
        const read = conditions.map(({ expression = "", message = "" }) => ({ expression, message }));
        read.forEach(({ expression }, index) => {
            const mistake = mistakeIn(expression);
            if (mistake !== undefined)
                throw badConfig(`condition[${index}]: failed to parse the CEL expression '${expression}': ${mistake}`);
        });
        return { users, groups, actions, conditions: read };
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
    if (!isLoginEnabled(auth) && !otherLogins && !isAnonymousOnly(accessControl)) {
        throw badConfig(
            "access control config requires one of htpasswd, ldap, " +
                "openid or mTLS authentication or using only 'anonymousPolicy' policies",
        );
    }
    for (const pattern of Object.keys(accessControl.repositories)) {
        if (!isValidPattern(pattern)) {
            throw new ConfigError(`syntax error in pattern: failed to compile authorization pattern (${pattern})`);
        }
    }
    return accessControl;
}

/**
 * What the stand-in cannot do: refused where serving without it would mean another registry, otherwise named in the
 * log.
 */
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
            "extensions.sync.registries.content.stripPrefix": extensions?.sync?.registries?.some(({ content }) =>
                content?.some(({ stripPrefix }) => stripPrefix),
            ),
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
        }),
    };
}
