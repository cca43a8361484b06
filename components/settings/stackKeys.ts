/** The keys of a stack's configuration: which are ours, and which only look so. Pure. */
import { allSettings } from "./declarations";
import { editDistance } from "./editDistance";
import type { SettingMistake } from "./setting";

/**
 * Under which name a reader keeps a key of a stack's configuration, or undefined for one that is not ours: `registry`
 * for `zot-hardening:registry`. A setting with its group as namespace (`zot:port`) has no effect, and is kept to be
 * refused.
 */
export function nameOfKey(key: string, project: string): string | undefined {
    const colon = key.indexOf(":");
    if (colon < 0) return key;
    if (key.slice(0, colon) === project) return key.slice(colon + 1);
    return allSettings().some(({ group, key: own }) => `${group}:${own}` === key) ? key : undefined;
}

/** What a configuration has of ours, by {@link nameOfKey}. Of a name such as `__proto__` too, which is then refused. */
export function byName(entries: Iterable<readonly [key: string, value: unknown]>, project: string) {
    const named = [...entries].flatMap(([key, value]) => {
        const name = nameOfKey(key, project);
        return name === undefined ? [] : [[name, value] as const];
    });
    return Object.fromEntries(named) as Record<string, unknown>;
}

/**
 * Names that two keys of a stack's file stand for, `access` and `zot-hardening:access`: Pulumi takes the one or the
 * other, as its map happens to be walked through.
 *
 * @param keys as a stack's file has them.
 */
export function doubleMistakes(keys: string[], project: string): SettingMistake[] {
    return keys
        .filter((key) => !key.includes(":") && keys.includes(`${project}:${key}`))
        .map((key) => ({
            setting: key,
            message:
                `${key} is in the file twice, as ${key} and as ${project}:${key}, of which Pulumi takes now the one ` +
                "and now the other. Remove one of them.",
        }));
}

/** How many letters a misspelt namespace may differ in from the project's name. */
const NEAR = 3;

/**
 * Keys whose namespace is a misspelt project: Pulumi takes them for another package's, and the defaults would stay in
 * force.
 *
 * @param keys as a stack's file has them, for example `zot-hardning:access`.
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
