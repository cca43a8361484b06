/** How long zot lets a request take: for long layers long enough, and as short as a push may be held open. Pure. */
import { goDurationSeconds, type PolicySettings } from "../settings";
import { isJsonMap, type Json, type JsonMap, keyIn, valueAt } from "./json";

/** zot's keys under `http`, and the settings of the same name. */
const TIMEOUTS = ["readTimeout", "writeTimeout"] as const;

/** What stands in zot's config: the settings' values, but where the site's own part says it. */
export function requestTimeouts({ zot }: Pick<PolicySettings, "zot">): JsonMap {
    const own = valueAt(zot.extraConfig as JsonMap, ["http"]);
    const isOwn = (name: string) => isJsonMap(own) && keyIn(own, name) !== undefined;
    return Object.fromEntries(TIMEOUTS.filter((name) => !isOwn(name)).map((name) => [name, zot[name]]));
}

/** What to say of a site whose requests may take any time, one sentence for each; none where both have an end. */
export function timeoutWarnings(settings: Pick<PolicySettings, "zot">): string[] {
    const declared = requestTimeouts(settings);
    const warnings = {
        readTimeout:
            "a push may take any time, and whoever may push can hold one open without an end, to overwrite a tag that was " +
            "pushed meanwhile. Give the time that your longest layer takes, such as 1h.",
        writeTimeout:
            "a client that does not read its answer holds a connection without an end. " +
            "Give the time that your longest layer takes, such as 1h.",
    };
    return TIMEOUTS.flatMap((name) => {
        const value = declared[name] ?? valueAt(settings.zot.extraConfig as JsonMap, ["http", name]);
        const setting = name in declared ? `zot.${name}` : `zot.extraConfig: http.${name}`;
        return isEndless(value)
            ? [`${setting} is ${JSON.stringify(value)}, which zot takes for no limit: ${warnings[name]}`]
            : [];
    });
}

/** zot takes nothing and less than nothing for no limit; a number is one of nanoseconds. */
function isEndless(value: Json | undefined): boolean {
    if (typeof value === "number") return value <= 0;
    return typeof value === "string" && (value.startsWith("-") || goDurationSeconds(value) === 0);
}
