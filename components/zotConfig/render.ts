/** zot's config.json from settings. Pure. */
import { tieredPolicy } from "../accessPolicy";
import type { PolicySettings } from "../settings";
import { repositoriesOf } from "./accessControl";
import { isJsonMap, type JsonMap, valueAt } from "./json";
import { mergeExtra } from "./merge";
import { requestTimeouts } from "./timeouts";

/** zot's config.json. What is not typed here is the site's own (`zot.extraConfig`). */
export type ZotConfig = JsonMap;

/** Where the secret files are on the host; the config names them and does not hold them. */
export interface SecretFiles {
    /** `{"clientid": …, "clientsecret": …}` */
    credentials: string;
    /** `{"hashKey": …, "encryptKey": …}`: with them a restart logs nobody out. */
    sessionKeys: string;
}

/** What the config is for where no secret is at hand: names as they are on the host, but for the hash. */
export function namelessSecretFiles(settings: PolicySettings): SecretFiles {
    return secretFiles(settings, { credentials: "<sha256>", sessionKeys: "<sha256>" });
}

/** The secret files' names: beside the config, named by the hash of their content, so that a config and its secrets belong together. */
export function secretFiles(
    { zot }: PolicySettings,
    hashes: { credentials: string; sessionKeys: string },
): SecretFiles {
    const folder = zot.configFile.slice(0, zot.configFile.lastIndexOf("/"));
    return {
        credentials: `${folder}/oidc-credentials.${hashes.credentials}.json`,
        sessionKeys: `${folder}/session-keys.${hashes.sessionKeys}.json`,
    };
}

/** The path under the external URL to which a login returns: what Authentik must have as redirect URI, to the letter. */
export function loginCallbackUrl(settings: Pick<PolicySettings, "registry">): string {
    return `${settings.registry.url}/zot/auth/callback/oidc`;
}

/**
 * zot's config as the settings describe it, the site's own part merged in.
 * Call {@link configMistakes} on the same settings first: a part that contradicts the rest is left out here.
 */
export function renderZotConfig(settings: PolicySettings, files: SecretFiles): ZotConfig {
    return mergeExtra(baseConfig(settings, files), settings.zot.extraConfig as JsonMap).config;
}

/** The text that is pushed, and whose sha256 is the stack's output. */
export function configText(config: ZotConfig): string {
    return `${JSON.stringify(config, null, 2)}\n`;
}

/** The config without the site's own part. */
export function baseConfig(settings: PolicySettings, files: SecretFiles): JsonMap {
    const { registry, zot, identity } = settings;
    const auth: JsonMap = {
        openid: {
            providers: {
                oidc: {
                    name: identity.providerName,
                    credentialsFile: files.credentials,
                    issuer: identity.issuer,
                    scopes: ["openid", "email", "profile"],
                    // Without the mapping, the user's name would silently be the e-mail address.
                    claimMapping: { username: "preferred_username", groups: "groups" },
                },
            },
        },
        apikey: true,
    };
    // Behind a proxy that ends TLS, zot would not know to mark its cookies as secure.
    if (registry.url.startsWith("https:")) auth.secureSession = true;
    // zot takes either; a site with more than one instance keeps its sessions in redis.
    if (valueAt(zot.extraConfig as JsonMap, ["http", "auth", "sessionDriver"]) === undefined)
        auth.sessionKeysFile = files.sessionKeys;

    return {
        distSpecVersion: "1.1.1",
        storage: {
            rootDirectory: zot.rootDirectory,
            gc: zot.garbageCollection,
            gcDelay: zot.garbageCollectionDelay,
            gcInterval: zot.garbageCollectionInterval,
        },
        http: {
            address: zot.address,
            port: String(zot.port),
            realm: "zot",
            externalUrl: registry.url,
            ...requestTimeouts(settings),
            auth,
            accessControl: { repositories: repositoriesOf(tieredPolicy(settings)), ...metricsReaders(settings) },
        },
        log: { level: zot.logLevel },
        extensions: extensions(settings),
    };
}

/** Who may read /metrics: without a line of its own nobody, admins included. */
function metricsReaders({ zot }: PolicySettings): JsonMap {
    switch (zot.metrics) {
        case "anonymous":
            return { metrics: { anonymousPolicy: ["read"] } };
        case "users":
            return { metrics: { users: zot.metricsUsers } };
        case "off":
            return {};
    }
}

function extensions({ zot }: PolicySettings): JsonMap {
    const result: JsonMap = {};
    if (zot.metrics !== "off") result.metrics = { enable: true, prometheus: { path: zot.metricsPath } };
    if (zot.search) {
        result.search = {
            enable: true,
            ...(zot.vulnerabilityUpdateInterval === "off"
                ? {}
                : { cve: { updateInterval: zot.vulnerabilityUpdateInterval } }),
        };
    }
    if (zot.userInterface) result.ui = { enable: true };
    if (zot.mirrors.length > 0) {
        result.sync = {
            enable: true,
            registries: zot.mirrors.map((mirror) => ({
                urls: [mirror.url],
                onDemand: true,
                tlsVerify: true,
                content: [{ prefix: mirror.content ?? "**", destination: `/${mirror.prefix}` }],
            })),
        };
    }
    return result;
}

/**
 * A registry that anyone may read and nobody change, and that starts without an identity provider: nobody logs in, and keys
 * read. Without any `http.auth`, what zot keeps for its administrators would be open to everyone (zot 2.1.20).
 * The site's own part is in it, but for logins and rights.
 */
export function readOnlyConfig(settings: PolicySettings): ZotConfig {
    // Without logins there are no users to name; the metrics are off for them.
    const zot = settings.zot.metrics === "users" ? { ...settings.zot, metrics: "off" as const } : settings.zot;
    const config = baseConfig({ ...settings, zot }, { credentials: "", sessionKeys: "" });
    const auth = { apikey: true };
    const rule = { anonymousPolicy: ["read"], defaultPolicy: ["read"] };
    const accessControl = { repositories: { "**": rule }, ...metricsReaders({ ...settings, zot }) };
    return mergeExtra(
        { ...config, http: { ...(config.http as JsonMap), auth, accessControl } },
        withoutLogins(zot.extraConfig as JsonMap),
    ).config;
}

function withoutLogins(extra: JsonMap): JsonMap {
    const without = (map: JsonMap, keys: string[]) =>
        Object.fromEntries(Object.entries(map).filter(([key]) => !keys.includes(key.toLowerCase())));
    return Object.fromEntries(
        Object.entries(extra).map(([key, value]) => [
            key,
            key.toLowerCase() === "http" && isJsonMap(value) ? without(value, ["auth", "accesscontrol"]) : value,
        ]),
    );
}
