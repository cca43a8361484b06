/** Turns what a config on a host has beyond the settings into settings of the stack, if there are any for it. Pure. */
import { withoutSlash } from "../../clients/http/address";
import { pushableInCache } from "../../components/accessBreaches";
import { type AccessChange, policyChanges } from "../../components/accessChanges";
import { ANONYMOUS_ROW, LOGGED_IN_ROW } from "../../components/accessPolicy";
import { type DeclaredState, declaredState } from "../../components/declaredState";
import { isMap, type MirrorSetting, type RawSettings, settingOf } from "../../components/settings";
import {
    binaryTypeIn,
    cachesOf,
    type Json,
    type JsonMap,
    type Lack,
    lacksOf,
    type OtherCache,
    overlap,
    patternsOfCache,
    policyInEffect,
    settingsOfConfig,
    switchedOff,
    type UnmanagedParts,
    unmanagedParts,
} from "../../components/zotConfig";
import { mergeExtra } from "../../components/zotConfig/merge";
import { isJsonMap, isSameJson, valueAt } from "../../components/zotJson";

/** Groups of settings, in the form of a stack's file. */
export type Groups = Record<string, Record<string, unknown>>;

/** A stack with whose settings a config is compared. */
export interface Site {
    /** The settings over the project's defaults. */
    raw: RawSettings;
    /** Those that the stack itself sets; they are not changed. */
    given: Groups;
    /** Names the stack in a message. */
    where: string;
}

export interface Suggestion extends UnmanagedParts {
    /** What to add to the stack's file, by group and name; whole values. */
    settings: Groups;
    /** Caches that became items of `zot.mirrors`. */
    mirrors: MirrorSetting[];
    /** Caches that stay in `zot.extraConfig` unchanged. */
    otherCaches: OtherCache[];
    /** Whether one of them may fill any repository, so that CI can push in place of its images. */
    isEverywhere: boolean;
    /** The complete new value of `zot.extraConfig`. */
    extraConfig: JsonMap;
    /** Who may do less than under the config on the host. */
    losses: AccessChange[];
    /** Members of groups that zot's own config defines, to name them with the losses. */
    members: Record<string, string[]>;
    /** What is declared but the build cannot do. */
    lacks: Lack[];
    declared: DeclaredState;
}

/**
 * Derives settings with which nothing of a host's config is lost for which there are settings.
 *
 * @param zotVersion what `zot --version` prints on the host. Default: not known
 * @throws SettingsError if the resulting settings would be refused
 */
export function suggestionFor(onHost: JsonMap, site: Site, zotVersion?: string): Suggestion {
    const zot = site.given.zot ?? {};
    const off = [...switchedOff(onHost)].filter(([name]) => !(name.split(".")[1]! in zot));
    // If a site wants its web interface, it also wants the search.
    const offHere = Object.fromEntries(off.map(([name, value]) => [name.split(".")[1]!, value]));
    if (zot.userInterface === true) delete offHere.search;

    const declaredMirrors = Array.isArray(zot.mirrors) ? (zot.mirrors as MirrorSetting[]) : [];
    const isDeclared = (mirror: MirrorSetting) =>
        declaredMirrors.some(({ url }) => withoutSlash(String(url)) === mirror.url);
    const caches = cachesOf(onHost);
    const mirrors = caches.mirrors.filter(
        (mirror) => !isDeclared(mirror) && !declaredMirrors.some(({ prefix }) => overlap(prefix, mirror.prefix)),
    );
    const settings: Groups = {
        ...sharedIn(onHost, site.given),
        zot: { ...offHere, ...(mirrors.length > 0 ? { mirrors: [...declaredMirrors, ...mirrors] } : {}) },
    };
    const first = declaredState(withGroups(site.raw, settings), site.where);
    const parts = unmanagedParts(onHost, first.zotConfig());
    const kept = keptRegistries(parts.keep);
    const sync = ["extensions", "sync"];
    // Without a declared mirror, only this says that the caches are on.
    if (kept.length > 0 && first.settings.zot.mirrors.length === 0) {
        parts.keep = mergeExtra(parts.keep, { extensions: { sync: { enable: true } } }).config;
        parts.different = parts.different.filter(({ path }) => path.toLowerCase() !== [...sync, "enable"].join("."));
    }
    // zot's default is on, but with the settings of a bucket it is off.
    const dedupe = ["storage", "dedupe"];
    if (
        valueAt(first.zotConfig(), dedupe) === false &&
        valueAt(onHost, ["storage", "storageDriver", "name"]) === "s3" &&
        valueAt(onHost, dedupe) !== false
    ) {
        parts.keep = mergeExtra(parts.keep, { storage: { dedupe: true } }).config;
        parts.kept.push("storage.dedupe");
        parts.different = parts.different.filter(({ path }) => path.toLowerCase() !== dedupe.join("."));
    }
    const extraConfig = mergeExtra(first.settings.zot.extraConfig as JsonMap, parts.keep).config;
    if (parts.kept.length > 0) settings.zot!.extraConfig = extraConfig;
    const closed = kept.length > 0 ? closedCaches(first, kept) : undefined;
    if (closed) settings.access = closed.access;

    const declared = declaredState(
        withGroups(site.raw, settings),
        `${site.where} with what was found in the config of the host`,
    );
    return {
        ...parts,
        settings: Object.fromEntries(Object.entries(settings).filter(([, members]) => Object.keys(members).length > 0)),
        mirrors,
        otherCaches: caches.others.filter(({ registry }) => kept.some((one) => isSameJson(one, registry))),
        isEverywhere: closed?.isEverywhere === true,
        extraConfig,
        losses: lossesIn(policyChanges(policyInEffect(onHost), declared.policy)),
        members: membersOf(onHost),
        lacks: zotVersion === undefined ? [] : lacksDeclared(declared, zotVersion),
        declared,
    };
}

/** The settings for a bucket, redis and a cluster that the host's config implies and the stack does not set. */
function sharedIn(onHost: JsonMap, given: Groups): Groups {
    const groups: Groups = {};
    for (const [name, value] of settingsOfConfig(onHost).settings) {
        const [group, key] = name.split(".") as [string, string];
        if (SHARED_GROUPS.includes(group) && given[group] === undefined)
            groups[group] = { ...groups[group], [key]: value };
    }
    return groups;
}

/** Groups of settings for what zot's instances share. */
export const SHARED_GROUPS: readonly string[] = ["storage", "redis", "cluster"];

/** A stack's settings, overridden by others. */
export function withGroups(raw: RawSettings, settings: Groups): RawSettings {
    const groups = { ...raw.groups };
    for (const [group, members] of Object.entries(settings)) {
        const before = groups[group];
        groups[group] = { ...(isMap(before) ? before : {}), ...members };
    }
    return { ...raw, groups };
}

function keptRegistries(keep: JsonMap): Json[] {
    const registries = valueAt(keep, ["extensions", "sync", "registries"]);
    return Array.isArray(registries) ? registries : [];
}

/**
 * The settings of rights with which CI cannot push into caches without a setting. If one cache may fill any repository,
 * CI can push there, and only the other caches are closed to it.
 */
function closedCaches(
    { settings, policy }: DeclaredState,
    registries: readonly Json[],
): { access: Record<string, unknown>; isEverywhere: boolean } | undefined {
    const { access, identity, zot } = settings;
    if (access.ciMayPushToMirrors) return undefined;
    const isOpen = (pattern: string) => pushableInCache(policy, pattern, identity.adminsGroup).length > 0;
    const patterns = [...new Set(registries.flatMap(patternsOfCache))].filter(isOpen);
    if (patterns.length === 0) return undefined;
    const isEverywhere = patterns.includes("**");
    const closed = isEverywhere ? [...zot.mirrors.map(({ prefix }) => `${prefix}/**`), ...patterns] : patterns;
    const rules = Object.fromEntries(
        closed.filter((pattern) => pattern !== "**").map((pattern) => [pattern, { ci: ["read"] }]),
    );
    return {
        isEverywhere,
        access: {
            ...(isEverywhere ? { ciMayPushToMirrors: true } : {}),
            rules: { ...access.rules, ...withoutLoss(rules, access.rules) },
        },
    };
}

/** A rule that the site already has keeps its other parts. */
const withoutLoss = (rules: Record<string, object>, own: Record<string, object>): Record<string, object> =>
    Object.fromEntries(Object.entries(rules).map(([pattern, rule]) => [pattern, { ...own[pattern], ...rule }]));

/** The members of groups in zot's own config. */
function membersOf(config: JsonMap): Record<string, string[]> {
    const groups = valueAt(config, ["http", "accessControl", "groups"]);
    if (!isJsonMap(groups)) return {};
    return Object.fromEntries(
        Object.entries(groups).map(([name, group]) => {
            const users = valueAt(group, ["users"]);
            return [name, Array.isArray(users) ? users.map(String) : []];
        }),
    );
}

/** What the build lacks of what is declared. */
function lacksDeclared(declared: DeclaredState, zotVersion: string): Lack[] {
    const isUsed = (name: string) => {
        const value = settingOf(declared.settings, name);
        return Array.isArray(value) ? value.length > 0 : value !== false && value !== "off";
    };
    return lacksOf(binaryTypeIn(zotVersion)).filter(({ settings }) => settings.some(isUsed));
}

/** A loss of anyone without a login is not repeated for those who are logged in. */
function lossesIn(changes: readonly AccessChange[]): AccessChange[] {
    const losses = changes.filter(({ kind }) => kind === "loses");
    const what = ({ who: _who, ...change }: AccessChange) => JSON.stringify(change);
    const ofAnyone = losses.filter(({ who }) => who === ANONYMOUS_ROW).map(what);
    return losses.filter((change) => change.who !== LOGGED_IN_ROW || !ofAnyone.includes(what(change)));
}
