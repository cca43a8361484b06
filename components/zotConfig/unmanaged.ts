/** Finds what a config on a host has and the settings do not declare: what the first deployment would remove. Pure. */
import { withoutSlash } from "../../clients/http/address";
import { extraConfigMistakes, withoutSecretsIn } from "../settings";
import { isJsonMap, isSameJson, type Json, type JsonMap, keyIn, valueAt } from "../zotJson";
import { addressesOf } from "./caches";
import { formerAccounts, type OtherLogin, otherLogins } from "./logins";
import { mergeExtra } from "./merge";
import { type DeclaredPlace, declaredPlaces } from "./places";
import { skeleton } from "./render";

export interface UnmanagedParts {
    /** What to add to `zot.extraConfig` to keep it. */
    keep: JsonMap;
    /** The settings of the host's config that are in {@link keep}, as the deployment lists them. */
    kept: string[];
    /** What a setting decides, and decides differently; with the host's value, without secrets. */
    different: { path: string; onHost: Json; declared?: Json; setting?: string }[];
    /** What this program replaces: logins, rights, mirrors. */
    replaced: string[];
    /** What `zot.extraConfig` does not accept, each as the middle of a sentence. */
    refused: string[];
    /** Ways to log in that will end, and who will be locked out. */
    logins: Pick<OtherLogin, "path" | "who">[];
    /** The accounts that zot will still know, with their keys and remembered groups; each as a noun. */
    accounts: string[];
}

/**
 * The places in zot's config that are decided here, by their paths in small letters. The value is the setting that
 * decides; undefined if it is the same in every config.
 */
const DECIDED = new Map<string, DeclaredPlace | undefined>([
    ...constantPlaces(skeleton()).map((path): [string, undefined] => [path.toLowerCase(), undefined]),
    ...declaredPlaces.map((place): [string, DeclaredPlace] => [place.path.toLowerCase(), place]),
]);

/** The places that are the same in every config. */
function constantPlaces(config: JsonMap, above = ""): string[] {
    return Object.entries(config).flatMap(([key, value]) => {
        if (isJsonMap(value)) return constantPlaces(value, `${above}${key}.`);
        return value === null ? [] : [`${above}${key}`];
    });
}

/** The name of a place in {@link DECIDED}. */
const nameOf = (path: readonly string[]): string => path.join(".").toLowerCase();

/** Whether a place is decided here. An optional setting leaves its place to the site until it is set. */
const isDecided = (name: string, our: Json | undefined): boolean =>
    DECIDED.has(name) && !(our === undefined && DECIDED.get(name)?.optional);

/** Nothing that the host has below these stays; the same applies to any other login. */
const REPLACED = [
    "http.accesscontrol",
    "http.auth.openid",
    "http.auth.apikey",
    "http.auth.securesession",
    "http.auth.sessionkeysfile",
];

/** These are of no use in parts. */
const WHOLE = ["cluster"];

const MIRRORS = "extensions.sync.registries";
const ISSUER = ["http", "auth", "openid", "providers", "oidc", "issuer"];

/**
 * Compares the config on a host with the config that the settings declare.
 *
 * @param onHost the host's config, read as zot reads it: case of keys ignored, null and empty maps absent
 * @param declared the declared config, including `zot.extraConfig`
 */
export function unmanagedParts(onHost: JsonMap, declared: JsonMap): UnmanagedParts {
    const logins = otherLogins(onHost).map(({ path, who }) => ({ path, who }));
    const parts: UnmanagedParts = {
        keep: {},
        kept: [],
        different: [],
        replaced: [],
        refused: [],
        logins,
        accounts: formerAccounts(onHost, valueAt(declared, ISSUER) as string | undefined),
    };
    new Comparison(parts, [...REPLACED, ...logins.map(({ path }) => path.toLowerCase())]).compare(onHost, declared, []);
    return parts;
}

/** Walks through a host's config, and sorts each value into the right list. */
class Comparison {
    constructor(
        private readonly parts: UnmanagedParts,
        private readonly replaced: readonly string[],
    ) {}

    compare(there: JsonMap, ours: JsonMap | undefined, above: string[]): void {
        for (const [key, value] of Object.entries(there)) {
            const path = [...above, key];
            const present = ours && keyIn(ours, key);
            const our = present === undefined ? undefined : ours![present]!;
            const isEmpty = value === "" && !DECIDED.get(nameOf(path))?.takesEmpty;
            if (value === null || isEmpty || (our === undefined && isNoSetting(value, path))) continue;
            if (!this.byName(value, our, path)) this.byKind(value, our, path);
        }
    }

    /** Handles a value that the settings or this program decide. @returns whether it is one */
    private byName(value: Json, our: Json | undefined, path: string[]): boolean {
        const name = nameOf(path);
        if (name === MIRRORS && Array.isArray(value)) {
            this.compareMirrors(value, Array.isArray(our) ? our : [], path);
        } else if (this.replaced.includes(name)) {
            this.parts.replaced.push(...lost(value, our, path));
        } else if (isDecided(name, our)) {
            this.differs(value, our, path, DECIDED.get(name)?.setting);
        } else if (our === undefined && WHOLE.includes(name)) {
            this.keep(path, value);
        } else return false;
        return true;
    }

    /** Handles any other value: what only the host has is kept. */
    private byKind(value: Json, our: Json | undefined, path: string[]): void {
        if (isJsonMap(value) && (isJsonMap(our) || our === undefined)) {
            this.compare(value, our, path);
        } else if (our === undefined) {
            this.keep(path, value);
        } else if (Array.isArray(value) && Array.isArray(our)) {
            const missing = value.filter((item) => !our.some((other) => isSameJson(item, other)));
            if (missing.length > 0) this.keep(path, missing);
        } else this.differs(value, our, path, "zot.extraConfig");
    }

    private differs(value: Json, our: Json | undefined, path: string[], setting: string | undefined): void {
        const place = DECIDED.get(nameOf(path));
        // The setting's value is not known here, and the host's value must not be shown.
        if (place?.secret || isSame(value, our) || place?.isSame?.(value, our)) return;
        const onHost = withoutSecretsIn(value) as Json;
        this.parts.different.push({ path: path.join("."), onHost, declared: our, setting });
    }

    /** Mirrors are identified by their addresses: another order in the list is no difference. */
    private compareMirrors(there: Json[], ours: Json[], path: string[]): void {
        there.forEach((mirror, index) => {
            const addresses = addressesOf(mirror);
            const same = ours.find((other) => addressesOf(other).some((address) => addresses.includes(address)));
            if (same === undefined) this.keep(path, [mirror]);
            else this.parts.replaced.push(...lost(mirror, same, [...path.slice(0, -1), `${path.at(-1)}[${index}]`]));
        });
    }

    private keep(path: string[], value: Json): void {
        const nested = path.reduceRight<Json>((inner, key) => ({ [key]: inner }), value) as JsonMap;
        // With the full path, because a key decides whether its value is a secret.
        const mistakes = extraConfigMistakes(nested);
        if (mistakes.length > 0) {
            this.parts.refused.push(...mistakes);
            return;
        }
        this.parts.kept.push(path.join("."));
        this.parts.keep = mergeExtra(this.parts.keep, nested).config;
    }
}

/** The OAuth2 client, which stands in a secret file. */
const CLIENT = /^http\.auth\.openid\.providers\.oidc\.client(id|secret)$/;

/** The rights in rules that the settings declare: `access.*` decides them. */
const ACTIONS = /^http\.accesscontrol\.repositories\..*\.(anonymous|default)policy$/;

/** The places that the host has and ours has not, the topmost of each. */
function lost(there: Json, ours: Json | undefined, path: string[]): string[] {
    if (isNoSetting(there, path) || (ours !== undefined && ACTIONS.test(path.join(".").toLowerCase()))) return [];
    if (ours === undefined) return CLIENT.test(path.join(".").toLowerCase()) ? [] : [path.join(".")];
    if (isJsonMap(there))
        return Object.entries(there).flatMap(([key, value]) => lost(value, valueAt(ours, [key]), [...path, key]));
    if (!Array.isArray(there)) return [];
    return there.flatMap((item, index) =>
        lost(item, Array.isArray(ours) ? ours[index] : undefined, [...path.slice(0, -1), `${path.at(-1)}[${index}]`]),
    );
}

/** Switches that are on by default. */
const ON_BY_ITSELF = /(^|\.)(dedupe|gc|tlsverify|deleteuntagged|synclegacycosigntags)$/;
/** A switch with neither default: zot decides by its TLS settings. */
const NEITHER_BY_ITSELF = /(^|\.)securesession$/;
const EXTENSION = /^extensions\.[^.[]+$/;

/**
 * Whether a value sets nothing: it is empty, or a switch at its default, or part of an extension that is off.
 * host/firstDeployment.sh follows the same rule.
 */
function isNoSetting(value: Json, path: readonly string[]): boolean {
    const name = nameOf(path);
    if (typeof value === "boolean") return ON_BY_ITSELF.test(name) ? value : !value && !NEITHER_BY_ITSELF.test(name);
    if (Array.isArray(value))
        return value.every((item, index) => isNoSetting(item, [...path.slice(0, -1), `${path.at(-1)}[${index}]`]));
    if (!isJsonMap(value)) return value === null || value === "" || value === 0;
    if (EXTENSION.test(name) && valueAt(value, ["enable"]) === false) return true;
    return Object.entries(value).every(([key, inner]) => isNoSetting(inner, [...path, key]));
}

/** zot accepts a port as a text or a number, and ignores a trailing slash of an address. */
const isSame = (one: Json, other: Json | undefined): boolean =>
    isSameJson(one, other) ||
    (typeof one !== "object" &&
        other !== undefined &&
        typeof other !== "object" &&
        withoutSlash(String(one)) === withoutSlash(String(other)));
