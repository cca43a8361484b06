/** The keys of a stack's configuration: which ones are ours, and which only look like it. Pure. */
import { allSettings } from "./declarations";
import { editDistance } from "./editDistance";
import type { SettingMistake } from "./setting";

/**
 * The name under which a reader keeps a key of a stack's configuration: `registry` for `zot-hardening:registry`.
 * Undefined for a key that is not ours. A setting whose group is the namespace (`zot:port`) has no effect; it is kept
 * so that it can be refused.
 */
export function nameOfKey(key: string, project: string): string | undefined {
    const colon = key.indexOf(":");
    if (colon < 0) return key;
    if (key.slice(0, colon) === project) return key.slice(colon + 1);
    return allSettings().some(({ group, key: own }) => `${group}:${own}` === key) ? key : undefined;
}

/**
 * Our entries of a configuration, by {@link nameOfKey}. Includes names such as `__proto__`, which are refused later.
 */
export function byName(entries: Iterable<readonly [key: string, value: unknown]>, project: string) {
    const named = [...entries].flatMap(([key, value]) => {
        const name = nameOfKey(key, project);
        return name === undefined ? [] : [[name, value] as const];
    });
    return Object.fromEntries(named) as Record<string, unknown>;
}

/**
 * Names for which a stack's file has two keys, `access` and `zot-hardening:access`. Pulumi picks one of them at random.
 *
 * @param keys as a stack's file has them
 */
export function doubleMistakes(keys: string[], project: string): SettingMistake[] {
    return keys
        .filter((key) => !key.includes(":") && keys.includes(`${project}:${key}`))
        .map((key) => ({
            setting: key,
            message:
                `${key} is in the file twice, as ${key} and as ${project}:${key}, and Pulumi picks one of them ` +
                "at random. Remove one of them.",
        }));
}

/** How many letters a misspelt namespace may differ from the project's name. */
const NEAR = 3;

/**
 * Keys with a misspelt project as their namespace. Pulumi takes them for those of another package, so the defaults
 * would silently stay in force.
 *
 * @param keys as a stack's file has them, for example `zot-hardning:access`
 */
export function namespaceMistakes(keys: string[], project: string): SettingMistake[] {
    return keys.flatMap((key) => {
        const colon = key.indexOf(":");
        const namespace = key.slice(0, Math.max(0, colon));
        if (colon < 0 || namespace === project || editDistance(namespace.toLowerCase(), project) > NEAR) return [];
        const meant = `${project}${key.slice(colon)}`;
        return [
            {
                setting: key,
                message: `${key} is not a setting, and has no effect: its namespace is misspelt; did you mean ${meant}?`,
            },
        ];
    });
}
