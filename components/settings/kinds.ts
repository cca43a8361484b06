/** The kinds of values that settings have: how each is checked, and the words for what is allowed. Pure. */
import * as z from "zod/mini";
import { goDurationSeconds, isLifetime } from "../../clients/durations";
import { addressMistake, noPath } from "../../clients/http/address";
import { isMap, SecretText, type Setting, type SettingKind } from "./setting";

export const CONTROL_CHARACTER = /[\0-\x1f\x7f]/;

/** A check that may return why a value is refused; the reason becomes part of the sentence. */
export type Check = (value: string) => boolean | string | undefined;

/** A text for which `check` returns true or undefined; a returned text is the reason for a refusal. */
export function checked(check: Check) {
    return z.string().check(
        z.superRefine((value, context) => {
            const answer = check(value);
            if (answer === true || answer === undefined) return;
            context.addIssue({ code: "custom", input: value, params: { because: answer || undefined } });
        }),
    );
}

/** The same for the names of a map, with what is wrong with their values. */
export function mapOf<Value extends z.ZodMiniType>(name: Check, value: Value) {
    return z.record(z.string(), value).check(
        whateverElse((given, context) => {
            for (const key of isMap(given) ? Object.keys(given) : []) {
                const answer = name(key);
                if (answer === true || answer === undefined) continue;
                const issue = {
                    code: "custom" as const,
                    input: key,
                    path: [],
                    params: { because: answer || undefined },
                };
                context.addIssue({
                    code: "invalid_key",
                    origin: "record",
                    input: given,
                    path: [key],
                    issues: [issue as never],
                });
            }
        }),
    );
}

/** A check of a list or a map that is made whatever is wrong with parts of it, so that nothing hides anything. */
export const whateverElse = <T>(check: (given: unknown, context: z.core.$RefinementCtx<T>) => void) =>
    z.superRefine<T>(check, { when: () => true });

export const text = (allowed: string, check: Check) => ({
    kind: "text" as SettingKind,
    schema: checked(check),
    allowed,
});
export const isName: Check = (value) =>
    value === "" ? "it is empty" : value.trim() === value && !CONTROL_CHARACTER.test(value);
export const name = (what: string) => text(`the name of ${what}, without spaces at its ends`, isName);
export const absolutePath = (what: string, mistake: (value: string) => string | undefined = () => undefined) =>
    text(`${what} as an absolute path without "..", quotes or line breaks`, (value) => {
        if (!value.startsWith("/")) return "it does not start with a slash";
        if (value.endsWith("/")) return "it ends in a slash";
        if (
            value
                .split("/")
                .slice(1)
                .some((part) => part === "" || part === "." || part === "..")
        )
            return 'it has an empty part, "." or ".."';
        return mistake(value) ?? (!CONTROL_CHARACTER.test(value) && !/['"\\]/.test(value));
    });
export const slug = (what: string) =>
    text(`the slug of ${what}: letters, digits, "-" and "_"`, (value) => /^[a-z0-9_-]+$/i.test(value));
export const duration = () =>
    text('a duration such as "90s", "1h" or "24h"', (value) => goDurationSeconds(value) !== undefined);
/** A time limit of zot's HTTP server. A shorter one would cut off requests at normal speed. */
export const requestTimeout = () =>
    text('a duration of at least 30 seconds such as "5m" or "1h", or "0s" for no limit', (value) => {
        const seconds = goDurationSeconds(value);
        if (seconds === undefined) return false;
        return seconds === 0 || seconds >= 30 || "it would cut off requests that are not slow";
    });
/** A lifetime. It may be in days, unlike durations in Go. */
export const longDuration = () =>
    text('a duration such as "90d", "12h" or "600s"', (value) =>
        isLifetime(value) ? undefined : "it is not whole numbers with one of s, m, h, d, w each, of a century at most",
    );
export const integer = (allowed: string, least: number, most: number) => ({
    kind: "integer" as SettingKind,
    schema: z.int().check(z.minimum(least), z.maximum(most)),
    allowed,
});
export const port = () => integer("a TCP port from 1 to 65535", 1, 65535);
export const boolean = () => ({ kind: "boolean" as SettingKind, schema: z.boolean(), allowed: "true or false" });
export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) => ({
    kind: "text" as SettingKind,
    schema: z.enum(values) as z.ZodMiniType<T[number]>,
    allowed: `one of ${values.map((value) => `"${value}"`).join(", ")}`,
});
export const secret = (allowed: string) => ({
    kind: "text" as SettingKind,
    schema: z.instanceof(SecretText).check(z.refine((value) => !value.isReadable || value.reveal() !== "")),
    allowed,
    secret: true,
});

/**
 * A secret that appears in zot's config and in addresses. Every shell and program of the host reads such text alike.
 */
export const secretOnOneLine = (what: string) => ({
    ...secret(`${what} of ASCII on one line, without spaces`),
    schema: z
        .instanceof(SecretText)
        .check(z.refine((value) => !value.isReadable || /^[\x21-\x7e]+$/.test(value.reveal()))),
});

const LOGINS = { carries: "logins and keys", isComparedAsWritten: true };
const ONLY_LOOPBACK = "(http:// only for a loopback host)";

/** Why this is not the address of a registry, which has a scheme and a host and nothing else. */
export const originMistake = (value: string): string | undefined => addressMistake(value, { ...LOGINS, path: noPath });
export const origin = (example: string) =>
    text(`an https:// URL without a path, for example ${example} ${ONLY_LOOPBACK}`, originMistake);
export const address = () => text(`an https:// URL ${ONLY_LOOPBACK}`, (value) => addressMistake(value, LOGINS));
/** The address of a folder; `otherwise` says what an address without the final slash would lead to. */
export const folderAddress = (example: string, otherwise: string) =>
    text(`an https:// URL that ends in a slash, for example ${example} ${ONLY_LOOPBACK}`, (value) =>
        addressMistake(value, {
            ...LOGINS,
            path: (path) => (path.endsWith("/") ? undefined : `it does not end in a slash, and ${otherwise}`),
        }),
    );

export function define<T>(setting: Setting<T>): Setting<T> {
    return setting;
}

/** A setting that may be left out; its value is then undefined. */
export function optional<T>(setting: Setting<T>): Setting<T | undefined> {
    return {
        ...setting,
        schema: z.optional(setting.schema) as Setting<T | undefined>["schema"],
        optional: true,
    } as Setting<T | undefined>;
}

/** The values of these settings as members of a map; each may be left out. */
export const optionalOf = <T extends Record<string, { schema: z.ZodMiniType }>>(settings: T) =>
    Object.fromEntries(Object.entries(settings).map(([name, { schema }]) => [name, z.optional(schema)])) as {
        [K in keyof T]: z.ZodMiniOptional<T[K]["schema"]>;
    };

/** The words for what is allowed in each of these settings. */
export const allowedOf = (settings: Record<string, { allowed: string }>): Record<string, string> =>
    Object.fromEntries(Object.entries(settings).map(([name, { allowed }]) => [name, allowed]));
