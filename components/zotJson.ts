/** JSON as zot reads it: keys are compared without regard to case. Pure. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonMap = { [key: string]: Json };

export function isJsonMap(value: Json | undefined): value is JsonMap {
    return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** The key as it is spelled in the map. */
export function keyIn(map: JsonMap, key: string): string | undefined {
    return Object.keys(map).find((candidate) => candidate.toLowerCase() === key.toLowerCase());
}

/** The value at a path of keys; undefined if there is none. */
export function valueAt(value: Json | undefined, path: readonly string[]): Json | undefined {
    let found = value;
    for (const part of path) {
        if (!isJsonMap(found)) return undefined;
        const key = keyIn(found, part);
        found = key === undefined ? undefined : found[key];
    }
    return found;
}

/** Whether two values are equal, regardless of the order of keys in a map. */
export function isSameJson(one: Json, other: Json | undefined): boolean {
    if (Array.isArray(one))
        return (
            Array.isArray(other) && one.length === other.length && one.every((item, at) => isSameJson(item, other[at]))
        );
    if (!isJsonMap(one)) return one === other;
    const keys = Object.keys(one);
    return (
        isJsonMap(other) &&
        keys.length === Object.keys(other).length &&
        keys.every((key) => Object.hasOwn(other, key) && isSameJson(one[key]!, other[key]))
    );
}
