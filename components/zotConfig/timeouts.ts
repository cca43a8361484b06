/** How long zot lets a request take: for long layers long enough, and as short as a push may be held open. Pure. */
import { goDurationSeconds } from "../../clients/durations";
import type { PolicySettings } from "../settings";
import { type Json, type JsonMap, valueAt } from "../zotJson";

/** What it means that one of the settings of these names has no end. */
const WITHOUT_AN_END = {
    readTimeout:
        "a push may take any time, and whoever may push can hold one open without an end, " +
        "to overwrite a tag that was " +
        "pushed meanwhile. Give the time that your longest layer takes, such as 1h.",
    writeTimeout:
        "a client that does not read its answer holds a connection without an end. " +
        "Give the time that your longest layer takes, such as 1h.",
};

/** What to say of a site whose requests may take any time, one sentence for each; none where both have an end. */
export function timeoutWarnings({ zot }: Pick<PolicySettings, "zot">): string[] {
    return (["readTimeout", "writeTimeout"] as const).flatMap((name) => {
        // The site's own part goes first.
        const own = valueAt(zot.extraConfig as JsonMap, ["http", name]);
        const value = own ?? zot[name];
        const setting = own === undefined ? `zot.${name}` : `zot.extraConfig: http.${name}`;
        return isEndless(value)
            ? [`${setting} is ${JSON.stringify(value)}, which zot takes for no limit: ${WITHOUT_AN_END[name]}`]
            : [];
    });
}

/** zot takes nothing and less than nothing for no limit; a number is one of nanoseconds. */
function isEndless(value: Json): boolean {
    if (typeof value === "number") return value <= 0;
    if (typeof value !== "string") return false;
    // What is no duration stops zot; it is told as the worst.
    return value.startsWith("-") || !goDurationSeconds(value.replace(/^\+/, ""));
}
