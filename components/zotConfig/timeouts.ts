/**
 * Limits how long a request may take: long enough for big layers, but no longer, because a push can be held open. Pure.
 */
import { goDurationSeconds } from "../../clients/durations";
import type { PolicySettings } from "../settings";
import { type Json, type JsonMap, valueAt } from "../zotJson";

/** What it means that one of these settings has no limit. */
const WITHOUT_AN_END = {
    readTimeout:
        "a push may take any time, so whoever may push can hold one open indefinitely, " +
        "and then overwrite a tag that was " +
        "pushed meanwhile. Give the time that your longest layer takes, such as 1h.",
    writeTimeout:
        "a client that does not read its answer holds a connection indefinitely. " +
        "Give the time that your longest layer takes, such as 1h.",
};

/** Warnings about a site whose requests may take any time, one sentence each; empty if both settings have a limit. */
export function timeoutWarnings({ zot }: Pick<PolicySettings, "zot">): string[] {
    return (["readTimeout", "writeTimeout"] as const).flatMap((name) => {
        // zot.extraConfig takes precedence.
        const own = valueAt(zot.extraConfig as JsonMap, ["http", name]);
        const value = own ?? zot[name];
        const setting = own === undefined ? `zot.${name}` : `zot.extraConfig: http.${name}`;
        return isEndless(value)
            ? [`${setting} is ${JSON.stringify(value)}, which zot takes for no limit: ${WITHOUT_AN_END[name]}`]
            : [];
    });
}

/** zot takes zero and negative values as no limit; a number is in nanoseconds. */
function isEndless(value: Json): boolean {
    if (typeof value === "number") return value <= 0;
    if (typeof value !== "string") return false;
    // zot refuses to start with an invalid duration; this counts it as the worst case.
    return value.startsWith("-") || !goDurationSeconds(value.replace(/^\+/, ""));
}
