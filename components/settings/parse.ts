/** Turns a plain record into typed settings, or reports all mistakes in it at once. Pure. */
import type * as z from "zod/mini";
import { crossChecks } from "./crossChecks";
import { allSettings, type GroupName, type Settings } from "./declarations";
import { editDistance } from "./editDistance";
import type { RawSettings } from "./rawSettings";
import {
    hasItems,
    isMap,
    isSet,
    SecretText,
    type Setting,
    type SettingMistake,
    setCommand,
    shown,
    shownPath,
} from "./setting";

/** The settings from which the config and the access matrix are rendered: all except how to reach the host. */
export type PolicySettings = Omit<Settings, "host">;

export interface ParsedSettings {
    /** What could be read; complete if `mistakes` is empty. */
    settings: Settings;
    mistakes: SettingMistake[];
    /** Whether all of {@link PolicySettings} could be read, even if the settings contradict each other. */
    policyIsReadable: boolean;
}

/** Reads every setting, fills in defaults, and checks each setting and all of them together. */
export function parseSettings(raw: RawSettings): ParsedSettings {
    const settings: Record<string, Record<string, unknown>> = {};
    const groups = withFlatNames(raw.groups);
    const mistakes: SettingMistake[] = [...(raw.mistakes ?? []), ...unknownNames(groups)];
    const unusable = new Set<string>();
    /** Of them, those of which some entries can be used. */
    const inParts = new Set<string>();

    for (const { name, group, key, setting } of allSettings()) {
        const members = (settings[group] ??= {});
        const given = groups[group];
        // A group that is not a map is one mistake, not one for each of its settings.
        const reading = { siteNeeded: raw.site !== undefined, group: isMap(given) ? given : {} };
        const outcome =
            given === undefined || isMap(given) ? readOne(name, setting, given?.[key], reading) : { mistakes: [] };
        if ("value" in outcome) {
            members[key] = outcome.value;
        } else {
            unusable.add(name);
            if (outcome.sound) {
                members[key] = outcome.sound;
                inParts.add(name);
            }
            mistakes.push(...outcome.mistakes.map((message) => ({ setting: name, message })));
        }
    }

    const typed = settings as unknown as Settings;
    const isUsable = (name: string) => !unusable.has(name) || inParts.has(name);
    for (const crossCheck of crossChecks)
        if (crossCheck.needs.every(isUsable)) mistakes.push(...crossCheck.check(typed, raw.site, isUsable));
    return { settings: typed, mistakes, policyIsReadable: ![...unusable].some((name) => !name.startsWith("host.")) };
}

/**
 * Moves flat names into their groups: `registry.url: …`, as `pulumi new` writes the answers to its questions. A flat
 * name counts if the group has no value or the setting's default. If the group has another value, the flat name stays,
 * and is refused later.
 */
export function withFlatNames(groups: Record<string, unknown>): Record<string, unknown> {
    const flat = allSettings().filter(({ name }) => Object.hasOwn(groups, name));
    if (flat.length === 0) return groups;
    const nested = { ...groups };
    for (const { name, group, key, setting } of flat) {
        const members = nested[group] ?? {};
        // A group that is not a map is refused as a whole.
        const own = isMap(members) ? members[key] : undefined;
        const isUnset = own === undefined || own === null || own === "";
        if (!isUnset && JSON.stringify(own) !== JSON.stringify(setting.default)) continue;
        delete nested[name];
        if (isMap(members)) nested[group] = { ...members, [key]: groups[name] };
    }
    return nested;
}

/** The form of a placeholder in Pulumi.example.yaml, which a site replaces with its own value. */
const PLACEHOLDER = /^<[^<>]+>$/;
const isPlaceholder = (value: unknown) => typeof value === "string" && PLACEHOLDER.test(value);

/** The mistake if Authentik's address is still a placeholder. */
export function placeholderMistakes(url: unknown): SettingMistake[] {
    if (!isPlaceholder(url)) return [];
    return [
        {
            setting: "authentik:url",
            message:
                `authentik:url still has the placeholder ${shown(url)}; ` +
                "set it with: pulumi config set authentik:url https://authentik.example.org",
        },
    ];
}

/** A value; or why there is none, and the sound part of it. No mistakes: the value is missing, and may be. */
type Outcome = { value: unknown } | { mistakes: string[]; sound?: Record<string, unknown> };

interface Reading {
    siteNeeded: boolean;
    /** The setting's group as it stands in the stack. */
    group: Record<string, unknown>;
}

function readOne(name: string, setting: Setting<unknown>, given: unknown, reading: Reading): Outcome {
    // With a default, an empty text is a value and gets checked.
    const isMissing = !isSet(given) && !(given === "" && setting.default !== undefined);
    if (isMissing) return missing(name, setting, reading);
    if (isPlaceholder(given))
        return refused(
            `${name} still has ${setting.secret ? "a placeholder" : `the placeholder ${shown(given)}`}: ` +
                `${setting.description} Set it with: ${setCommand(name, setting, reading.group)}`,
        );
    return wrongSecrecy(name, setting, given, reading) ?? checked(name, setting, given);
}

const refused = (...mistakes: string[]): Outcome => ({ mistakes });

function missing(name: string, setting: Setting<unknown>, { siteNeeded, group }: Reading): Outcome {
    if (setting.default !== undefined) return { value: structuredClone(setting.default) };
    if (setting.optional) return { value: undefined };
    if (setting.siteOnly && !siteNeeded) return refused();
    if (setting.unless !== undefined && hasItems(group[setting.unless])) return refused();
    const hint = setting.hint ? `. ${setting.hint}` : "";
    return refused(
        `${name} is not set: ${setting.description} Set it with: ${setCommand(name, setting, group)}${hint}`,
    );
}

/** The mistake if a secret is not encrypted, or if something is encrypted that is no secret. Undefined if neither. */
function wrongSecrecy(
    name: string,
    setting: Setting<unknown>,
    given: unknown,
    { siteNeeded }: Reading,
): Outcome | undefined {
    if (setting.secret)
        return given instanceof SecretText
            ? undefined
            : refused(
                  `${name} is a secret but is not encrypted in the stack's file: ` +
                      `change it where it came from, and set it with: ${setCommand(name, setting)}`,
              );
    const places = encryptedPlaces(given);
    if (places.length === 0) return undefined;
    if (setting.siteOnly && !siteNeeded) return refused();
    return refused(
        ...places.map(
            (place) =>
                `${name}${place} is encrypted, but ${name} is shown wherever it is used; ` +
                "set it without --secret, or leave it out if it is a secret.",
        ),
    );
}

function checked(name: string, setting: Setting<unknown>, given: unknown): Outcome {
    const value = coerce(given, setting);
    const result = setting.schema.safeParse(value);
    if (!result.success) {
        const { issues } = result.error;
        return {
            // Two checks may refuse a value in the same words.
            mistakes: [...new Set(issues.flatMap((issue) => sentences(name, setting, issue, value)))],
            ...(setting.entriesStandAlone ? { sound: withoutEntries(value, setting, issues) } : {}),
        };
    }
    const kept = new Set(nameless(result.data));
    const lost = nameless(value).filter((place) => !kept.has(place));
    return lost.length > 0
        ? refused(...lost.map((place) => `${name}${place} cannot be read; give it another name.`))
        : { value: result.data };
}

/** A map without its mistaken entries; undefined if the map as a whole is wrong. */
function withoutEntries(
    value: unknown,
    { schema }: Setting<unknown>,
    issues: readonly z.core.$ZodIssue[],
): Record<string, unknown> | undefined {
    if (!isMap(value)) return undefined;
    const wrong = new Set(issues.map(({ path: [entry] }) => entry));
    const sound = schema.safeParse(Object.fromEntries(Object.entries(value).filter(([entry]) => !wrong.has(entry))));
    return sound.success ? (sound.data as Record<string, unknown>) : undefined;
}

/** The places in a value at which something is encrypted. */
const encryptedPlaces = (value: unknown): string[] => placesOf(value, (item) => item instanceof SecretText);

/** The places in a value with a member `__proto__`, which zod drops from a map silently. */
const nameless = (value: unknown): string[] => placesOf(value, (_item, path) => path.at(-1) === "__proto__");

/** The places in a value at which something is found; the search does not continue inside of a hit. */
function placesOf(
    value: unknown,
    isFound: (item: unknown, path: readonly PropertyKey[]) => boolean,
    path: readonly PropertyKey[] = [],
): string[] {
    if (isFound(value, path)) return [shownPath(path)];
    if (Array.isArray(value)) return value.flatMap((item, index) => placesOf(item, isFound, [...path, index]));
    if (!isMap(value)) return [];
    return Object.entries(value).flatMap(([key, item]) => placesOf(item, isFound, [...path, key]));
}

/**
 * The mistakes for the person who wrote the value: the place, what was given, why it is refused, and what is allowed.
 */
function sentences(name: string, setting: Setting<unknown>, issue: z.core.$ZodIssue, value: unknown): string[] {
    const place = (path: readonly PropertyKey[]) => `${name}${shownPath(path)}`;
    const allowed = setting.allowedAt?.(issue.path) ?? setting.allowed;
    const sentence = (where: string, what: string, because?: string) =>
        `${where}: ${what} is not allowed${because ? ` because ${because}` : ""}; give ${allowed}.`;
    switch (issue.code) {
        case "unrecognized_keys":
            return issue.keys.map((key) => sentence(place(issue.path), `the name ${shown(key)}`));
        case "invalid_key":
            return issue.issues.map((inner) =>
                sentence(place(issue.path.slice(0, -1)), shown(issue.path.at(-1)), becauseOf(inner)),
            );
        default: {
            if (setting.secret) return [sentence(name, "the value given", becauseOf(issue))];
            const found = issue.path.reduce<unknown>(
                (holder, part) => (holder as Record<PropertyKey, unknown> | undefined)?.[part],
                value,
            );
            if (found === undefined) return [`${place(issue.path)} is missing; give ${allowed}.`];
            if (issue.code === "invalid_value" && issue.path.length > 0) {
                const values = issue.values.map((one) => shown(one)).join(", ");
                return [
                    `${place(issue.path)}: ${shown(found)} is not allowed; ` +
                        `give ${issue.values.length > 1 ? "one of " : ""}${values}.`,
                ];
            }
            // A value that is no map may be anything.
            const what = setting.kind === "map" && typeof value === "string" ? "a text that is not JSON" : shown(found);
            return [sentence(place(issue.path), what, becauseOf(issue))];
        }
    }
}

function becauseOf(issue: z.core.$ZodIssue): string | undefined {
    if (issue.code === "too_small" && issue.origin === "array") return "it is empty";
    return issue.code === "custom" ? (issue.params?.because as string | undefined) : undefined;
}

/** Converts text from the command line into the setting's kind of value, and the other way round. */
function coerce(value: unknown, setting: Setting<unknown>): unknown {
    // `pulumi config set --path identity.clientId 12345` writes a number into the stack's file.
    if (setting.kind === "text" && Number.isSafeInteger(value)) return String(value);
    if (typeof value !== "string") return value;
    switch (setting.kind) {
        case "integer":
            return /^[+-]?\d+$/.test(value) ? Number(value) : value;
        case "boolean":
            return value === "true" ? true : value === "false" ? false : value;
        case "list":
        case "map":
            try {
                return JSON.parse(value);
            } catch {
                return value;
            }
        case "text":
            // A YAML block ends with a line break.
            return (setting.read ?? ((text: string) => text))(value.replace(/\r?\n$/, ""));
    }
}

/** The mistake if the token of Authentik is not encrypted. */
export function plainTokenMistake(): SettingMistake {
    return {
        setting: "authentik:token",
        message:
            "authentik:token is a secret but is not encrypted in the stack's file: " +
            "change it where it came from, and set it with: " +
            "pulumi config set --secret authentik:token (or AUTHENTIK_TOKEN in the environment)",
    };
}

/** Names that are no settings. Without this check a typing error would leave a default in force. */
function unknownNames(groups: Record<string, unknown>): SettingMistake[] {
    const known = new Map<string, Set<string>>();
    for (const { group, key } of allSettings()) known.set(group, (known.get(group) ?? new Set()).add(key));
    const byName = new Map(allSettings().map(({ name, setting }) => [name, setting]));
    const names = [...byName.keys()];
    const mistakes: SettingMistake[] = [];
    const refuse = (setting: string, message: string) => mistakes.push({ setting, message });

    for (const [group, members] of Object.entries(groups)) {
        const literal = byName.get(group);
        if (literal) {
            refuse(
                group,
                `${group} was set without --path and so has no effect: ` +
                    `remove it with "pulumi config rm ${group}" and set it with: ${setCommand(group, literal)}`,
            );
        } else if (!known.has(group)) {
            refuse(
                group,
                `${group} is not a setting${suggestion(group, [...names, ...known.keys()])} All settings are ` +
                    "declared in Pulumi.yaml.",
            );
        } else if (!isMap(members)) {
            const keys = [...known.get(group as GroupName)!].map((key) => `${group}.${key}`).join(", ");
            refuse(
                group,
                members instanceof SecretText
                    ? `${group} holds an encrypted value, but is not a secret; set it again without --secret: ${keys}.`
                    : `${group}: ${shown(members)} is not allowed; ${group} is a group of settings: ${keys}.`,
            );
        } else {
            for (const key of Object.keys(members)) {
                const name = `${group}.${key}`;
                if (!known.get(group)!.has(key))
                    refuse(
                        name,
                        `${name} is not a setting${suggestion(name, names)} All settings are declared in Pulumi.yaml.`,
                    );
            }
        }
    }
    return mistakes;
}

/** The end of a sentence: the settings that were probably meant, or only a full stop. */
function suggestion(name: string, candidates: string[]): string {
    // A name without a group is compared with settings without their groups.
    const comparable = (candidate: string) =>
        (/[.:]/.test(name) ? candidate : candidate.replace(/^\w+\./, "")).toLowerCase();
    const distances = candidates.map((candidate) => ({
        candidate,
        distance: editDistance(name.toLowerCase().replace(":", "."), comparable(candidate)),
    }));
    const nearest = distances.reduce((best, next) => (next.distance < best.distance ? next : best));
    if (nearest.distance <= Math.max(2, name.length / 3)) return `; did you mean ${nearest.candidate}?`;
    // Part of a name: access.ci is part of access.ciRepositories.
    const [group, part = ""] = name.toLowerCase().split(/[.:]/);
    const longer = candidates.filter((candidate) => {
        const [of, key = ""] = candidate.toLowerCase().split(".");
        return of === group && part.length > 1 && (key.includes(part) || part.includes(key));
    });
    return longer.length > 0 ? `; did you mean ${longer.join(" or ")}?` : ".";
}
