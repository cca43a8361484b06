/** Renders zot's config.json from settings. Pure. */
import type { AccessPolicy } from "../accessPolicy";
import { tieredPolicy } from "../accessTiers";
import type { PolicySettings } from "../settings";
import { isJsonMap, type Json, type JsonMap, valueAt } from "../zotJson";
import { policyOf, repositoriesOf } from "./accessControl";
import { mergeExtra } from "./merge";
import { type DeclaredPlace, declaredPlaces, declaredValue, nameOfSecret, putAt, standsThere } from "./places";

/** zot's config.json. Anything that is not typed here comes from the site (`zot.extraConfig`). */
export type ZotConfig = JsonMap;

/** The paths of the secret files on the host; the config names these files and does not hold their content. */
export interface SecretFiles {
    /** `{"clientid": …, "clientsecret": …}` */
    credentials: string;
    /** `{"hashKey": …, "encryptKey": …}`. While the keys stay, a restart logs nobody out. */
    sessionKeys: string;
}

/** The files' names when no secret is known: as on the host, except for the hash. */
export function namelessSecretFiles(settings: PolicySettings): SecretFiles {
    return secretFiles(settings, { credentials: "<sha256>", sessionKeys: "<sha256>" });
}

/**
 * The names of the secret files. They are beside the config and named by the hash of their content, so a config always
 * belongs to its secrets.
 */
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

/**
 * The path under the external URL to which a login returns: Authentik needs exactly this as the redirect URI.
 */
export function loginCallbackUrl(settings: Pick<PolicySettings, "registry">): string {
    return `${settings.registry.url}/zot/auth/callback/oidc`;
}

/**
 * zot's config as the settings describe it, including `zot.extraConfig`.
 * Call {@link configMistakes} on the same settings first: a part that contradicts the rest is left out here.
 */
export function renderZotConfig(settings: PolicySettings, files: SecretFiles): ZotConfig {
    return mergeExtra(baseConfig(settings, files), settings.zot.extraConfig as JsonMap).config;
}

/** Who may do what under that config, including `zot.extraConfig`. */
export const declaredPolicy = (settings: PolicySettings): AccessPolicy =>
    policyOf(renderZotConfig(settings, namelessSecretFiles(settings)));

/**
 * What every config contains, in the order in which it is written. A null reserves a place in that order, for a setting
 * or for a function here; it does not appear in the config. Anything without a place here comes after the rest of its
 * map.
 */
export const skeleton = (): JsonMap => ({
    distSpecVersion: "1.1.1",
    storage: {},
    http: {
        address: null,
        port: null,
        realm: "zot",
        externalUrl: null,
        readTimeout: null,
        writeTimeout: null,
        auth: {
            openid: {
                providers: {
                    oidc: {
                        name: null,
                        credentialsFile: null,
                        issuer: null,
                        scopes: ["openid", "email", "profile"],
                        // Without the mapping, zot would silently use the e-mail address as the user's name.
                        claimMapping: { username: "preferred_username", groups: "groups" },
                    },
                },
            },
            apikey: true,
            secureSession: null,
            sessionKeysFile: null,
        },
        accessControl: { repositories: null, metrics: null },
    },
    log: {},
    extensions: { metrics: null, search: null, ui: null, sync: null },
});

/** Parts that several settings decide together. */
const RENDERINGS: Record<NonNullable<DeclaredPlace["rendering"]>, (settings: PolicySettings) => Json | undefined> = {
    accessControl: (settings) => repositoriesOf(tieredPolicy(settings)),
    redisUrl: ({ redis }) =>
        redis.address && redisUrl(redis.address, redis.user, redis.password && nameOfSecret("redis.password")),
};

/** The address of redis with TLS: zot 2.1.20 accepts user, password and TLS only as parts of one address. */
export function redisUrl(address: string, user = "", password?: string): string {
    const login = password === undefined ? user : `${user}:${password}`;
    return `rediss://${login && `${login}@`}${address}`;
}

/** The config without `zot.extraConfig`. */
export function baseConfig(settings: PolicySettings, files: SecretFiles): JsonMap {
    const config = skeleton();
    const extra = settings.zot.extraConfig as JsonMap;
    for (const place of declaredPlaces) {
        if (place.yields && valueAt(extra, place.keys) !== undefined) continue;
        const value =
            place.rendering && standsThere(place, settings)
                ? RENDERINGS[place.rendering](settings)
                : declaredValue(place, settings);
        if (value !== undefined) putAt(config, place.keys, value);
    }
    putAt(config, ["http", "auth", "openid", "providers", "oidc", "credentialsFile"], files.credentials);
    // zot accepts only one of the two; a site with several instances keeps its sessions in redis.
    if (settings.redis.address === undefined && valueAt(extra, ["http", "auth", "sessionDriver"]) === undefined)
        putAt(config, ["http", "auth", "sessionKeysFile"], files.sessionKeys);
    return withoutPlaceholders(config);
}

function withoutPlaceholders(config: JsonMap): JsonMap {
    const present = Object.entries(config).filter(([, value]) => value !== null);
    return Object.fromEntries(
        present.map(([key, value]) => [key, isJsonMap(value) ? withoutPlaceholders(value) : value]),
    );
}

/**
 * The config of a registry that anyone may read and nobody may change, and that starts without an identity provider.
 * Nobody can log in; keys still read. Without any `http.auth`, everyone could use what zot reserves for its
 * administrators (zot 2.1.20). It contains `zot.extraConfig`, except for logins and rights.
 */
export function readOnlyConfig(settings: PolicySettings): ZotConfig {
    // Without logins there are no users that could read the metrics.
    const zot = settings.zot.metrics === "users" ? { ...settings.zot, metrics: "off" as const } : settings.zot;
    const config = baseConfig({ ...settings, zot }, { credentials: "", sessionKeys: "" });
    const http = config.http as JsonMap;
    const auth = { apikey: true };
    const rule = { anonymousPolicy: ["read"], defaultPolicy: ["read"] };
    const accessControl = { ...(http.accessControl as JsonMap), repositories: { "**": rule } };
    return mergeExtra({ ...config, http: { ...http, auth, accessControl } }, withoutLogins(zot.extraConfig as JsonMap))
        .config;
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
