/**
 * Finds mistakes in a rendered config that `zot verify` accepts (zot 2.1.20), and reports them in the words of the
 * settings. Single settings are checked before; this is about what zot.extraConfig adds, and what the rules mean
 * together. Pure.
 */
import {
    ambiguousPatterns,
    closedChannels,
    closedMovableTags,
    type Exceptions,
    emptyPatterns,
    policyBreaches,
    pushableInCache,
} from "../accessBreaches";
import type { AccessPolicy } from "../accessPolicy";
import { covers, type PolicySettings, type SettingMistake, workloadsOf } from "../settings";
import { isJsonMap, type Json, type JsonMap, valueAt } from "../zotJson";
import { readAccessControl } from "./accessControl";
import { patternsOfCache } from "./caches";
import { conditionMistakes } from "./conditions";
import { otherLogins } from "./logins";
import { mergeExtra } from "./merge";
import { baseConfig, namelessSecretFiles } from "./render";

/** Every mistake that shows only in the rendered config. */
export function configMistakes(settings: PolicySettings): SettingMistake[] {
    const extra = settings.zot.extraConfig as JsonMap;
    const base = baseConfig(settings, namelessSecretFiles(settings));
    const { config, contradictions } = mergeExtra(base, extra);
    const byAccess = policyMistakes(base, settings);
    const byExtra = [
        ...contradictions,
        ...partMistakes(extra),
        ...policyMistakes(config, settings).filter((message) => !byAccess.includes(message)),
    ];
    const inWords = (setting: string) => (message: string) => ({ setting, message: `${setting}: ${message}.` });
    const { policy } = readAccessControl(config);
    return [
        ...byAccess.map(inWords("access.rules")),
        ...channelMistakes(policy, settings).map(inWords("access.channels")),
        ...withoutEffect(policy, settings, Object.keys(settings.access.movableTags)).map(inWords("access.movableTags")),
        ...storageMistakes(config).map(
            inWords(settings.storage.bucket === undefined ? "zot.extraConfig" : "storage.bucket"),
        ),
        ...clusterMistakes(config).map(
            inWords(settings.cluster.members === undefined ? "zot.extraConfig" : "cluster.members"),
        ),
        ...byExtra.map(inWords("zot.extraConfig")),
    ];
}

const exceptionsOf = (settings: PolicySettings): Exceptions => ({
    adminsGroup: settings.identity.adminsGroup,
    adminsMayUpdate: settings.access.adminsMayUpdate,
    workloads: workloadsOf(settings),
});

/** Channels that would leave no tag immutable, or that have no effect. */
function channelMistakes(policy: AccessPolicy, settings: PolicySettings): string[] {
    const { channels, ciRepositories } = settings.access;
    if (channels.length === 0) return [];
    if (ciRepositories.every((own) => channels.some((channel) => covers(channel, own))))
        return [
            "they cover all repositories to which CI may push, so every tag of CI could change; " +
                "give separate repositories, such as **/cache",
        ];
    return withoutEffect(policy, settings, channels);
}

/** Patterns (of channels, or of tags that move) that match no repository to which CI may push. */
const withoutEffect = (policy: AccessPolicy, settings: PolicySettings, patterns: string[]): string[] =>
    emptyPatterns(policy, settings.identity.workloadsGroup, patterns).map(
        (pattern) =>
            `${JSON.stringify(pattern)} is outside of the repositories to which CI may push, so it has no effect; ` +
            "add it to access.ciRepositories, or remove it",
    );

/** Parts of zot's config that are decided elsewhere, or that would change the meaning of the rest. */
const REFUSED_PARTS: [path: string[], why: string][] = [
    [
        ["http", "auth", "sessionKeysFile"],
        "this program makes the session keys, and with http.auth.sessionDriver there are none",
    ],
    [["http", "accessControl", "groups"], "Authentik decides who is in a group"],
    [["http", "accessControl", "metrics"], "zot.metrics and zot.metricsUsers decide who may read the metrics"],
];

function partMistakes(extra: JsonMap): string[] {
    const found = REFUSED_PARTS.filter(([path]) => valueAt(extra, path) !== undefined).map(
        ([path, why]) => `${path.join(".")} cannot be set: ${why}`,
    );
    // Only one way to log in: any other would share names, remembered groups and keys with it.
    found.push(...otherLogins(extra).map(({ path, why }) => `${path} cannot be set: ${why}`));
    return found;
}

/** Mistakes that zot 2.1.20 would report only on the host. */
function storageMistakes(config: JsonMap): string[] {
    if (valueAt(config, ["storage", "storageDriver"]) === undefined) return [];
    const found: string[] = [];
    if (valueAt(config, ["extensions", "search", "cve"]) !== undefined) {
        found.push(
            "images are not stored on the host, and zot cannot scan them there for vulnerabilities; " +
                "set zot.vulnerabilityUpdateInterval to off",
        );
    }
    if (
        valueAt(config, ["extensions", "sync"]) !== undefined &&
        valueAt(config, ["extensions", "sync", "downloadDir"]) === undefined
    ) {
        found.push(
            "images are not stored on the host, so pull-through caches need a folder on the host for downloads; " +
                "add it to zot.extraConfig: extensions.sync.downloadDir",
        );
    }
    return found;
}

/** Mistakes that zot accepts, or reports only on the host; for a wrong length it even logs the key. */
function clusterMistakes(config: JsonMap): string[] {
    const cluster = valueAt(config, ["cluster"]);
    if (cluster === undefined) return [];
    const found: string[] = [];
    // With separate disks each instance would hold only part of the repositories.
    if (valueAt(config, ["storage", "storageDriver"]) === undefined)
        found.push(
            "the instances of cluster share no bucket, so each would keep part of the images for itself; " +
                "set storage.bucket and storage.region",
        );
    const key = valueAt(cluster, ["hashKey"]);
    if (key !== undefined && Buffer.byteLength(String(key)) !== 16)
        found.push(`cluster.hashKey has ${Buffer.byteLength(String(key))} bytes; give one of 16 characters of ASCII`);
    return found;
}

function policyMistakes(config: JsonMap, settings: PolicySettings): string[] {
    const { access, identity } = settings;
    const { policy, mistakes, conditional } = readAccessControl(config);
    const { adminsGroup } = identity;
    const exceptions = exceptionsOf(settings);
    const caches = access.ciMayPushToMirrors ? [] : cachePatterns(config, mistakes);
    const breaches = [
        ...policyBreaches(policy, exceptions),
        ...exceptions.workloads.flatMap((workload) => [
            ...closedChannels(policy, workload),
            ...closedMovableTags(policy, workload),
        ]),
    ];
    return [
        ...mistakes,
        ...breaches,
        ...conditionMistakes(conditional, policy, breaches.length === 0),
        ...ambiguousPatterns(policy).map(
            ([one, other]) =>
                `the patterns ${JSON.stringify(one)} and ${JSON.stringify(other)} are equally long and may ` +
                "match the same repository, for which zot would pick one of the two rules by chance; " +
                "make one of them longer or narrower",
        ),
        ...caches.flatMap((cache) =>
            pushableInCache(policy, cache, adminsGroup).map(
                (opening) =>
                    `by ${opening} CI could push into the pull-through cache ${JSON.stringify(cache)}, ` +
                    "in place of upstream's images; declare the cache in zot.mirrors, " +
                    "or set access.ciMayPushToMirrors to true",
            ),
        ),
    ];
}

/**
 * The patterns of the repositories that sync fills; all repositories if that is hard to tell.
 */
function cachePatterns(config: JsonMap, mistakes: string[]): string[] {
    const itemsOf = (holder: Json | undefined, key: string, where: string): Json[] => {
        const value = valueAt(holder, [key]);
        if (value === undefined || Array.isArray(value)) return value ?? [];
        mistakes.push(`${where} must be a list`);
        return [];
    };
    const sync = valueAt(config, ["extensions", "sync"]);
    if (sync !== undefined && !isJsonMap(sync)) mistakes.push("extensions.sync must be a map");
    return itemsOf(sync, "registries", "extensions.sync.registries").flatMap((registry, index) => {
        itemsOf(registry, "content", `extensions.sync.registries[${index}].content`);
        return patternsOfCache(registry);
    });
}
