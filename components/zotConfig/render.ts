/** zot's config.json from settings. Pure. */
import type { AccessPolicy } from "../accessPolicy";
import { tieredPolicy } from "../accessTiers";
import type { PolicySettings } from "../settings";
import { isJsonMap, type Json, type JsonMap, valueAt } from "../zotJson";
import { policyOf, repositoriesOf } from "./accessControl";
import { mergeExtra } from "./merge";
import { type DeclaredPlace, declaredPlaces, declaredValue, nameOfSecret, putAt, standsThere } from "./places";

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

/**
 * The secret files' names: beside the config, named by the hash of their content, so that a config and its secrets
 * belong together.
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
 * The path under the external URL to which a login returns: what Authentik must have as redirect URI, to the letter.
 */
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

/** Who may do what by that config, the site's own part included. */
export const declaredPolicy = (settings: PolicySettings): AccessPolicy =>
    policyOf(renderZotConfig(settings, namelessSecretFiles(settings)));

/**
 * What stands in every config, in the order in which it is written. Null keeps a place in that order, for what a
 * setting or a function here puts there; it is no part of a config by itself. What has no place here comes after the
 * rest of its map.
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
                        // Without the mapping, the user's name would silently be the e-mail address.
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

/** What several settings decide together. */
const RENDERINGS: Record<NonNullable<DeclaredPlace["rendering"]>, (settings: PolicySettings) => Json | undefined> = {
    accessControl: (settings) => repositoriesOf(tieredPolicy(settings)),
    redisUrl: ({ redis }) =>
        redis.address && redisUrl(redis.address, redis.user, redis.password && nameOfSecret("redis.password")),
};

/** zot 2.1.20 takes redis with TLS from its address alone. */
export function redisUrl(address: string, user = "", password?: string): string {
    const login = password === undefined ? user : `${user}:${password}`;
    return `rediss://${login && `${login}@`}${address}`;
}

/** The config without the site's own part. */
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
    // zot takes either; a site with more than one instance keeps its sessions in redis.
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
 * A registry that anyone may read and nobody change, and that starts without an identity provider: nobody logs in, and
 * keys read. Without any `http.auth`, what zot keeps for its administrators would be open to everyone (zot 2.1.20).
 * The site's own part is in it, but for logins and rights.
 */
export function readOnlyConfig(settings: PolicySettings): ZotConfig {
    // Without logins there are no users to name; the metrics are off for them.
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
