/**
 * Pull-through caches in a config from another source: which of them `zot.mirrors` can express, and where zot puts the
 * images of the others. Pure.
 */

import { withoutSlash } from "../../clients/http/address";
import { declarations, type MirrorSetting } from "../settings";
import { originMistake } from "../settings/kinds";
import { patternMistake } from "../settings/patterns";
import { isJsonMap, type Json, type JsonMap, keyIn, valueAt } from "../zotJson";

/** A registry of `extensions.sync` that stays unchanged. */
export interface OtherCache {
    registry: Json;
    /** Where its images come from, for a message. */
    address: string;
    /** Why no item of `zot.mirrors` can express it, as the end of a sentence. */
    because: string;
}

export interface Caches {
    /** In the order of the config. */
    mirrors: MirrorSetting[];
    others: OtherCache[];
}

/** The keys that an item of `zot.mirrors` expresses, in small letters. No other key of a registry has a setting. */
const SAID = ["urls", "ondemand", "tlsverify", "content"];
/** Further keys that mean nothing if they have this value. */
const SAYS_NOTHING: Record<string, (value: Json) => boolean> = {
    preservedigest: (value) => value === false,
    onlysigned: (value) => value === false,
    synclegacycosigntags: (value) => value === true,
};

/**
 * The caches of a config, each either as a mirror or as another cache. A config with sync switched off has none.
 *
 * @param taken prefixes that other caches already use
 */
export function cachesOf(config: JsonMap, taken: readonly string[] = []): Caches {
    const found: Caches = { mirrors: [], others: [] };
    if (valueAt(config, ["extensions", "sync", "enable"]) === false) return found;
    const listed = valueAt(config, ["extensions", "sync", "registries"]);
    const registries = Array.isArray(listed) ? listed : [];
    const isOther = (registry: Json) => typeof asMirror(registry, taken) === "string";
    for (const registry of registries) {
        // Mirrors are identified by their addresses, so two registries with one address stay as they are.
        const hasTwin = registries.some(
            (other) => other !== registry && isOther(other) && addressesOf(other).some(isAmong(addressesOf(registry))),
        );
        const mirror = hasTwin
            ? "another cache has the same address"
            : asMirror(registry, [...taken, ...found.mirrors.map(({ prefix }) => prefix)]);
        if (typeof mirror !== "string") found.mirrors.push(mirror);
        else
            found.others.push({
                registry,
                address: addressesOf(registry).join(", ") || "no address",
                because: mirror,
            });
    }
    return found;
}

const isAmong = (addresses: readonly string[]) => (address: string) => addresses.includes(address);

/** The item of `zot.mirrors` with the same meaning; or the reason why there is none. */
function asMirror(registry: Json, taken: readonly string[]): MirrorSetting | string {
    const at = (key: string) => valueAt(registry, [key]);
    const addresses = addressesOf(registry);
    if (addresses.length !== 1) return `it has ${addresses.length === 0 ? "no" : "several"} addresses`;
    const url = addresses[0]!;
    const because = originMistake(url);
    if (because !== undefined) return because;
    if (at("onDemand") !== true) return "it is not fetched on demand";
    if (at("tlsVerify") === false) return "it does not check its TLS certificate (tlsVerify)";
    const more = Object.entries(isJsonMap(registry) ? registry : {}).find(
        ([key, value]) => !SAID.includes(key.toLowerCase()) && !saysNothing(key, value),
    );
    if (more) return `it has ${more[0]}`;
    const contents = at("content");
    if (!Array.isArray(contents) || contents.length === 0) return "it has no content, and therefore no destination";
    if (contents.length > 1) return "it has several contents";
    const content = contents[0]!;
    const destination = trimmed(valueAt(content, ["destination"]));
    if (destination === "") return "it has no destination";
    const other = Object.entries(isJsonMap(content) ? content : {}).find(
        ([key, value]) => !["prefix", "destination"].includes(key.toLowerCase()) && !isNothing(value),
    );
    if (other) return `its content has ${other[0]}`;
    const what = String(valueAt(content, ["prefix"]) ?? "");
    const mirror = { url, prefix: destination, ...(what === "**" ? {} : { content: what }) };
    if (!declarations.zot.mirrors.schema.safeParse([mirror]).success)
        return "its address, destination or prefix has a form that the setting does not accept";
    if (taken.some((prefix) => overlap(prefix, destination))) return "another cache has the same destination";
    return mirror;
}

/** Whether one of two destinations is below the other, or the same. */
export const overlap = (one: string, other: string) =>
    `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`);
const trimmed = (value: Json | undefined) => String(value ?? "").replace(/^\/+|\/+$/g, "");
const isNothing = (value: Json): boolean =>
    value === null ||
    value === "" ||
    value === 0 ||
    value === false ||
    (isJsonMap(value) && Object.values(value).every(isNothing)) ||
    (Array.isArray(value) && value.length === 0);
const saysNothing = (key: string, value: Json) => isNothing(value) || SAYS_NOTHING[key.toLowerCase()]?.(value) === true;

/** The addresses that a registry is fetched from, without slashes at their ends. */
export function addressesOf(registry: Json): string[] {
    const urls = valueAt(registry, ["urls"]);
    return Array.isArray(urls) ? urls.map((url) => withoutSlash(String(url))) : [];
}

/**
 * The patterns of the repositories into which zot puts the images of a registry of `extensions.sync`; all repositories
 * if that is hard to tell.
 */
export function patternsOfCache(registry: Json): string[] {
    const contents = valueAt(registry, ["content"]);
    return (Array.isArray(contents) && contents.length > 0 ? contents : [{}]).map((content) => {
        const destination = trimmed(valueAt(content, ["destination"]));
        const isStripped = valueAt(content, ["stripPrefix"]) !== undefined;
        const pattern = destination ? `${destination}/**` : isStripped ? "**" : trimmed(valueAt(content, ["prefix"]));
        return patternMistake(pattern) === undefined ? pattern : "**";
    });
}

const REGISTRIES = ["extensions", "sync", "registries"];

/** Caches that may fill any repository, each with a folder that it could be given: the name of its host. */
export function cachesWithoutFolder(config: JsonMap): { address: string; folder: string }[] {
    if (valueAt(config, ["extensions", "sync", "enable"]) === false) return [];
    const listed = valueAt(config, REGISTRIES);
    return (Array.isArray(listed) ? listed : []).flatMap((registry) => {
        const address = addressesOf(registry)[0];
        const folder = address === undefined ? undefined : folderOf(address);
        return folder !== undefined && lacksFolder(registry) ? [{ address: address!, folder }] : [];
    });
}

/** A config in which caches without a folder get one with the name of their host. */
export function withFolders(config: JsonMap): JsonMap {
    const folders = new Map(cachesWithoutFolder(config).map(({ address, folder }) => [address, folder]));
    const moved = (registry: Json): Json => {
        const folder = folders.get(addressesOf(registry)[0] ?? "");
        if (folder === undefined || !isJsonMap(registry) || !lacksFolder(registry)) return registry;
        const contents = contentsOf(registry).map((content) => {
            if (!fillsAll(content)) return content;
            const { [keyIn(content, "destination") ?? "destination"]: _none, ...rest } = content;
            return { prefix: "**", ...rest, destination: `/${folder}` };
        });
        return { ...registry, [keyIn(registry, "content") ?? "content"]: contents };
    };
    const within = (map: JsonMap, [key, ...rest]: readonly string[]): JsonMap => {
        const name = keyIn(map, key!)!;
        const value = map[name]!;
        return { ...map, [name]: rest.length > 0 ? within(value as JsonMap, rest) : (value as Json[]).map(moved) };
    };
    return folders.size === 0 ? config : within(config, REGISTRIES);
}

/** The content entries of a registry; a registry without any fills everything. */
function contentsOf(registry: Json): JsonMap[] {
    const contents = valueAt(registry, ["content"]);
    const maps = Array.isArray(contents) ? contents.filter(isJsonMap) : [];
    return maps.length > 0 ? maps : [{}];
}

const lacksFolder = (registry: Json) => contentsOf(registry).some(fillsAll);
const fillsAll = (content: JsonMap) =>
    trimmed(valueAt(content, ["destination"])) === "" &&
    valueAt(content, ["stripPrefix"]) === undefined &&
    ["", "**"].includes(trimmed(valueAt(content, ["prefix"])));

/** The name of an address's host, as people write it before an image; undefined if it cannot be a folder. */
function folderOf(address: string): string | undefined {
    const [, host] = /^https?:\/\/([^/:]+)(?::\d+)?(?:\/|$)/i.exec(address) ?? [];
    if (host === undefined) return undefined;
    const folder = /^(registry-1|index|registry\.hub)\.docker\.(io|com)$/i.test(host)
        ? "docker.io"
        : host.toLowerCase();
    return patternMistake(`${folder}/**`) === undefined ? folder : undefined;
}
