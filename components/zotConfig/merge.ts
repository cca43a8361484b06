/** `zot.extraConfig` merged into the config that the settings make. Pure. */
import { isSecretKey, shown } from "../settings";
import { isJsonMap, type Json, type JsonMap, keyIn } from "../zotJson";

/**
 * Adds `extra` to `base`: maps are merged, lists appended. If both have a value and the values differ, the one in the
 * base stays, and `contradictions` gets the middle of a sentence about it.
 */
export function mergeExtra(base: JsonMap, extra: JsonMap): { config: JsonMap; contradictions: string[] } {
    const contradictions: string[] = [];

    const merge = (target: JsonMap, source: JsonMap, path: string): JsonMap => {
        const merged = new Map(Object.entries(target));
        for (const [key, value] of Object.entries(source)) {
            if (value === null) continue; // zot treats it as absent
            const place = path ? `${path}.${key}` : key;
            const present = keyIn(target, key);
            // One spelling for all keys: `http.tls`, for example, decides how the host reaches its own zot.
            if (present === undefined)
                merged.set(place.toLowerCase() === "http.tls" ? "tls" : key, structuredClone(value));
            else merged.set(present, join(target[present]!, value, place));
        }
        return Object.fromEntries(merged);
    };
    const join = (present: Json, value: Json, place: string): Json => {
        if (isJsonMap(present) && isJsonMap(value)) return merge(present, value, place);
        if (Array.isArray(present) && Array.isArray(value)) return [...present, ...structuredClone(value)];
        if (present !== value) {
            contradictions.push(
                `${place} is ${form(value, place)} there and ${form(present, place)} by the other settings; ` +
                    "change the setting that decides it, and leave it out here",
            );
        }
        return present;
    };
    return { config: merge(base, extra, ""), contradictions };
}

/** A single value is shown; anything else only by its kind, because it may hold something secret. */
function form(value: Json, place: string): string {
    if (typeof value === "string" && isSecretKey(place.slice(place.lastIndexOf(".") + 1))) return "a secret";
    if (Array.isArray(value)) return "a list";
    return isJsonMap(value) ? "a map" : shown(value);
}
