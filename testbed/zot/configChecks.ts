/** What zot looks at in a file of settings once its types are right, in zot's own words. Each throws ConfigError. */

import * as path from "node:path";
import { badConfig, ConfigError } from "./configFile";
import type { AuthConfig, ExtensionsConfig } from "./configTypes";
import { parseDuration } from "./durations";
import { isValidPattern } from "./globs";
import type { Raw, RawRetention } from "./rawConfig";

export function checkPort(port: string | undefined): void {
    if (port === undefined || port === "") return;
    if (!/^[-+]?\d+$/.test(port) || Number(port) < 0 || Number(port) > 65535) throw badConfig(`invalid port ${port}`);
}

export function checkGarbageCollection({ storage }: Raw): void {
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

export function checkProviders({ http }: Raw, { openid }: AuthConfig): void {
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

export function isRegularExpression(expression: string): boolean {
    try {
        new RegExp(expression);
        return true;
    } catch {
        return false;
    }
}

/** The session driver of a registry of several instances, which this stand-in does not run but lets `verify` check. */
export function checkDrivers({ storage, http }: Raw): void {
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
            "invalid database config, dedupe set to true with remote storage and database, " +
                "but no remote database configured",
        );
    }
    const sessions = http?.auth?.sessionDriver;
    if (!sessions) return;
    if (sessions.name === undefined) throw badConfig("must provide session driver name!");
    if (sessions.name !== "redis" && sessions.name !== "local") {
        throw badConfig(`session store driver ${String((sessions as { name: unknown }).name)} is not allowed!`);
    }
    if (sessions.name === "redis" && http.auth?.sessionKeysFile) {
        throw badConfig("session keys not supported when redis session driver is used!");
    }
}

export function checkMetricsPath(metricsPath: string): void {
    const problem = (text: string) => new ConfigError(`invalid server config\n${text}`);
    if (path.posix.normalize(metricsPath) !== metricsPath || (metricsPath.length > 1 && metricsPath.endsWith("/"))) {
        throw problem("invalid metrics path");
    }
    if (!metricsPath.startsWith("/")) throw problem("metrics path must start with /");
    if (metricsPath === "/" || metricsPath === "/v2") throw problem("provided metrics path is disallowed");
}

export function checkStorage({ storage, extensions }: Raw, built: ExtensionsConfig): void {
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
export function checkFolders({ storage }: Raw): void {
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

export function checkCluster({ cluster }: Raw): void {
    if (!cluster) return;
    if ((cluster.members ?? []).length === 0) throw badConfig("cannot have 0 members in a scale out cluster");
    if (cluster.hashKey?.length !== 16) throw badConfig("hashKey for scale out cluster must have 16 characters");
}
