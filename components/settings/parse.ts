/** From a plain record to typed settings, or all mistakes in it at once. Pure. */
import { allSettings, type GroupName, type Settings } from "./declarations";
import { crossChecks } from "./crossChecks";
import { SecretText, type Setting, type SettingMistake, setCommand, shown } from "./setting";

/** What a reader found: groups of settings as a stack's file nests them, secrets as {@link SecretText}. */
export interface RawSettings {
    groups: Record<string, unknown>;
    /**
     * What is outside the settings but needed to reach the systems; absent where a stack is only rendered.
     * Without it, what only the site knows may be missing.
     */
    site?: {
        hasAuthentikUrl: boolean;
        hasAuthentikToken: boolean;
        /** Path of the SSH agent's socket, if there is an agent. */
        sshAgentSocket: string | undefined;
    };
}

/** What rendering the config and the access matrix needs: all but how to reach the host. */
export type PolicySettings = Omit<Settings, "host">;

export interface ParsedSettings {
    /** What could be read; complete where `mistakes` is empty. */
    settings: Settings;
    mistakes: SettingMistake[];
}

/** Reads every setting, fills in defaults and checks each one and what they say together. */
export function parseSettings(raw: RawSettings): ParsedSettings {
    const settings: Record<string, Record<string, unknown>> = {};
    const mistakes: SettingMistake[] = [...strayNames(raw.groups)];
    const unusable = new Set<string>();

    for (const { name, group, key, setting } of allSettings()) {
        const members = (settings[group] ??= {});
        const given = memberOf(raw.groups[group], key);
        const outcome = readOne(name, setting, given, raw.site !== undefined);
        if ("mistake" in outcome) {
            unusable.add(name);
            if (outcome.mistake) mistakes.push({ setting: name, message: outcome.mistake });
        } else {
            members[key] = outcome.value;
        }
    }

    const typed = settings as unknown as Settings;
    for (const crossCheck of crossChecks) {
        if (crossCheck.needs.some((name) => unusable.has(name))) continue;
        mistakes.push(...crossCheck.check(typed, raw.site));
    }
    return { settings: typed, mistakes };
}

function readOne(name: string, setting: Setting<unknown>, given: unknown, siteNeeded: boolean): { value: unknown } | { mistake: string | undefined } {
    // An empty text is a setting that is not set: the default of Pulumi.yaml for what a site has to give.
    if (given === undefined || given === null || given === "") {
        if (setting.default !== undefined) return { value: structuredClone(setting.default) };
        if (setting.optional) return { value: undefined };
        if (setting.siteOnly && !siteNeeded) return { mistake: undefined };
        return { mistake: `${name} is not set: ${setting.description} Set it with: ${setCommand(name, setting)}` };
    }
    if (setting.secret && !(given instanceof SecretText)) {
        return { mistake: `${name} is a secret but is not encrypted in the stack's file: change it where it came from, and set it with: ${setCommand(name, setting)}` };
    }
    if (!setting.secret && given instanceof SecretText && !given.isReadable) {
        if (setting.siteOnly && !siteNeeded) return { mistake: undefined };
        return { mistake: `${name} is encrypted in the stack's file, but it is no secret and has to be readable: give ${setting.allowed}, without --secret.` };
    }
    const plain = given instanceof SecretText && !setting.secret ? given.reveal() : given;
    const value = coerce(plain, setting);
    const result = setting.schema.safeParse(value);
    if (result.success) return { value: result.data };
    const where = setting.kind === "list" || setting.kind === "map" ? placeOf(result.error.issues[0]?.path ?? []) : "";
    const what = setting.secret ? "the value given" : shown(valueAt(value, result.error.issues[0]?.path ?? []) ?? plain);
    return { mistake: `${name}${where}: ${what} is not allowed; give ${setting.allowed}.` };
}

/** Configuration set on the command line is text: `--path zot.port 5050` may arrive as "5050". */
function coerce(value: unknown, setting: Setting<unknown>): unknown {
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
            return value;
    }
}

function memberOf(group: unknown, key: string): unknown {
    return isMap(group) ? group[key] : undefined;
}

function isMap(value: unknown): value is Record<string, unknown> {
    return value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof SecretText);
}

function placeOf(path: readonly PropertyKey[]): string {
    return path.map((part) => (typeof part === "number" ? `[${part}]` : `[${JSON.stringify(String(part))}]`)).join("");
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
    let found = value;
    for (const part of path) {
        if (found === null || typeof found !== "object") return found;
        const next = (found as Record<PropertyKey, unknown>)[part];
        if (next === undefined) return found;
        found = next;
    }
    return found;
}

/** Names that are no settings: a typing error would otherwise leave a default in force. */
function strayNames(groups: Record<string, unknown>): SettingMistake[] {
    const known = new Map<string, Set<string>>();
    for (const { group, key } of allSettings()) known.set(group, (known.get(group) ?? new Set()).add(key));
    const names = allSettings().map((setting) => setting.name);
    const mistakes: SettingMistake[] = [];
    const refuse = (setting: string, message: string) => mistakes.push({ setting, message });

    for (const [group, members] of Object.entries(groups)) {
        if (group.includes(".") && names.includes(group)) {
            refuse(group, `${group} was set without --path and so has no effect: remove it with "pulumi config rm ${group}" and set it with: pulumi config set --path ${group} VALUE`);
        } else if (!known.has(group)) {
            refuse(group, `${group} is not a setting; did you mean ${nearest(group, [...names, ...known.keys()])}? All settings are declared in Pulumi.yaml.`);
        } else if (!isMap(members)) {
            refuse(group, `${group}: ${members instanceof SecretText ? "an encrypted value" : shown(members)} is not allowed; ${group} is a group of settings: ${[...known.get(group as GroupName)!].map((key) => `${group}.${key}`).join(", ")}.`);
        } else {
            for (const key of Object.keys(members)) {
                if (!known.get(group)!.has(key)) {
                    const name = `${group}.${key}`;
                    refuse(name, `${name} is not a setting; did you mean ${nearest(name, names)}? All settings are declared in Pulumi.yaml.`);
                }
            }
        }
    }
    return mistakes;
}

function nearest(name: string, candidates: string[]): string {
    const distances = candidates.map((candidate) => ({ candidate, distance: editDistance(name, candidate) }));
    return distances.reduce((best, next) => (next.distance < best.distance ? next : best)).candidate;
}

function editDistance(left: string, right: string): number {
    let row = Array.from({ length: right.length + 1 }, (_, index) => index);
    for (let i = 1; i <= left.length; i++) {
        const next = [i];
        for (let j = 1; j <= right.length; j++) {
            next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1));
        }
        row = next;
    }
    return row[right.length]!;
}
