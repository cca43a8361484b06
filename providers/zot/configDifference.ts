/** The difference between two configs of zot for people, without anything that may be secret. Pure. */
import { createTwoFilesPatch } from "diff";
import { isSecretHeader, isSecretKey, withoutSecrets } from "../../components/settings/secrets";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const HIDDEN = "[hidden]";

/** How many lines of a difference are shown. */
const LONGEST = 200;

/**
 * A unified diff from the declared config to the one that was found; undefined if they have the same settings. It
 * compares settings, not the layout of the file.
 */
export function configDifference(declared: string, found: string): string | undefined {
    const [left, right] = [parsed(declared), parsed(found)];
    if (left === undefined || right === undefined) return patch(hiddenInText(declared), hiddenInText(found));
    const ordered = inOrderOf(right, left);
    const [before, after] = [JSON.stringify(left, null, 2), JSON.stringify(ordered, null, 2)];
    if (before === after) return undefined;
    return patch(JSON.stringify(hidden(left), null, 2), JSON.stringify(hidden(ordered, left), null, 2));
}

function patch(before: string, after: string): string {
    const lines = createTwoFilesPatch("declared", "on the host", lined(before), lined(after), "", "", { context: 3 })
        .split("\n")
        .filter((line) => !/^(=+$|\\ No newline)/.test(line));
    if (lines.length <= LONGEST) return lines.join("\n").trimEnd();
    return [...lines.slice(0, LONGEST), `(${lines.length - LONGEST} more lines)`].join("\n");
}

const lined = (text: string) => (text.endsWith("\n") ? text : `${text}\n`);

function parsed(text: string): Json | undefined {
    try {
        return JSON.parse(text) as Json;
    } catch {
        return undefined;
    }
}

const isMap = (value: Json | undefined): value is { [key: string]: Json } =>
    value !== null && typeof value === "object" && !Array.isArray(value);

/** The same value with its keys in the order of another value, so that a changed order is no difference. */
function inOrderOf(value: Json, model: Json | undefined): Json {
    if (Array.isArray(value))
        return value.map((item, index) => inOrderOf(item, Array.isArray(model) ? model[index] : undefined));
    if (!isMap(value)) return value;
    const like = isMap(model) ? model : {};
    const keys = [
        ...Object.keys(like).filter((key) => key in value),
        ...Object.keys(value).filter((key) => !(key in like)),
    ];
    return Object.fromEntries(keys.map((key) => [key, inOrderOf(value[key]!, like[key])]));
}

/** A value without secrets; a secret that differs from the declared config's is marked as different. */
function hidden(value: Json, declared?: Json, isHeaders = false): Json {
    if (Array.isArray(value))
        return value.map((item, index) => hidden(item, Array.isArray(declared) ? declared[index] : undefined));
    if (typeof value === "string") return withoutSecrets(value, HIDDEN);
    if (!isMap(value)) return value;
    return Object.fromEntries(
        Object.entries(value).map(([key, item]) => {
            const before = isMap(declared) ? declared[key] : undefined;
            if (!isSecretKey(key) && !(isHeaders && isSecretHeader(key)))
                return [key, hidden(item, before, /headers$/i.test(key))];
            if (isMap(item)) return [key, hidden(item, before)];
            return [
                key,
                declared !== undefined && JSON.stringify(before) !== JSON.stringify(item)
                    ? `${HIDDEN} another`
                    : HIDDEN,
            ];
        }),
    );
}

/** Text that is not JSON, without what follows the key of a secret, and without anything that has the form of one. */
function hiddenInText(text: string): string {
    const byKey = text.replace(
        /("([^"\\\n]*)"\s*:\s*)"(?:[^"\\\n]|\\.)*"?/g,
        (whole: string, before: string, key: string) => (isSecretKey(key) ? `${before}"${HIDDEN}"` : whole),
    );
    return withoutSecrets(byKey, HIDDEN);
}
