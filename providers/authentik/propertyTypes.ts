/**
 * The kinds of values that properties hold: how each is checked, compared, and converted for Authentik's API.
 * Values that differ only by what the server adds or reorders count as equal, so they never show as a difference.
 */
import { isKnown, type PropertyMap, type PropertyValue, sameValue, UNKNOWN } from "../protocol";

/** The type as Pulumi's package schema writes it. */
export interface SchemaType {
    type: "string" | "boolean" | "integer" | "array" | "object";
    items?: SchemaType;
    additionalProperties?: SchemaType;
}

export interface PropertyType {
    schema: SchemaType;
    /** Added to the description in the documentation. */
    note?: string;
    /**
     * Checks a known value from a program or a configuration, and converts it to its proper type (`"30"` to a number).
     * A failure's `reason` continues a sentence that begins with the property's name; `path` is appended to that name.
     */
    check(value: PropertyValue): { value: PropertyValue } | { reason: string; path?: string };
    /** The value for the API's client. */
    toApi(value: PropertyValue): unknown;
    /** The value in Pulumi's form, from the API's client; undefined if there is none. */
    fromApi(value: unknown): PropertyValue | undefined;
    /** Whether two values mean the same to Authentik. */
    same(left: PropertyValue, right: PropertyValue): boolean;
    /** What the API uses for "nothing here". */
    nothing: unknown;
}

const describe = (value: PropertyValue) => JSON.stringify(value);
const unchanged = (value: PropertyValue): unknown => value;
const present = (value: unknown) => (value === null || value === undefined ? undefined : (value as PropertyValue));

/** Any text. Cleared by the empty text. */
export const text: PropertyType = {
    schema: { type: "string" },
    check: (value) => (typeof value === "string" ? { value } : { reason: `must be text, not ${describe(value)}` }),
    toApi: unchanged,
    fromApi: present,
    same: sameValue,
    nothing: "",
};

/** The id of another object; null clears it in the API. */
export const reference: PropertyType = {
    ...text,
    nothing: null,
    // With the bridged provider, a program may write the empty text for no reference.
    toApi: (value) => (value === "" ? null : value),
};

/** Python that Authentik runs. Authentik drops white space at the end. */
export const expression: PropertyType = {
    ...text,
    same: (left, right) => String(left).trimEnd() === String(right).trimEnd(),
};

export const boolean: PropertyType = {
    schema: { type: "boolean" },
    check: (value) => {
        if (typeof value === "boolean") return { value };
        if (value === "true" || value === "false") return { value: value === "true" };
        return { reason: `must be true or false, not ${describe(value)}` };
    },
    toApi: unchanged,
    fromApi: present,
    same: sameValue,
    nothing: false,
};

function toInteger(value: PropertyValue): number | undefined {
    // Ids of users and providers are numbers in the API, but text as ids of resources.
    const number = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
    return Number.isSafeInteger(number) ? (number as number) : undefined;
}

export const integer: PropertyType = {
    schema: { type: "integer" },
    check: (value) => {
        const number = toInteger(value);
        return number === undefined ? { reason: `must be a whole number, not ${describe(value)}` } : { value: number };
    },
    toApi: unchanged,
    fromApi: present,
    same: sameValue,
    nothing: null,
};

/** A whole number from `minimum` to `maximum`. */
export function integerBetween(minimum: number, maximum: number): PropertyType {
    return {
        ...integer,
        check: (value) => {
            const result = integer.check(value);
            if ("reason" in result) return result;
            const number = result.value as number;
            return number >= minimum && number <= maximum
                ? result
                : { reason: `must be between ${minimum} and ${maximum}, not ${number}` };
        },
    };
}

/** One of a fixed set of words. */
export function oneOf(...words: string[]): PropertyType {
    return {
        ...text,
        note: `One of ${words.map((word) => `\`${word}\``).join(", ")}.`,
        check: (value) =>
            typeof value === "string" && words.includes(value)
                ? { value }
                : { reason: `must be one of ${words.join(", ")}, not ${describe(value)}` },
    };
}

const durationUnits = ["microseconds", "milliseconds", "seconds", "minutes", "hours", "days", "weeks"];

/** A duration in Authentik's form: `hours=1;minutes=30`. */
export const duration: PropertyType = {
    ...text,
    note: "Format: `hours=1;minutes=2;seconds=3`.",
    check: (value) => {
        const parts = typeof value === "string" ? value.split(";") : [""];
        const wrong = parts.find((part) => {
            const [unit, amount, ...rest] = part.split("=");
            return (
                !durationUnits.includes((unit ?? "").toLowerCase()) ||
                !/^-?\d+(\.\d+)?$/.test(amount ?? "") ||
                rest.length > 0
            );
        });
        return wrong === undefined
            ? { value }
            : {
                  reason:
                      "must be a duration such as hours=1;minutes=30 (units: " +
                      `${durationUnits.join(", ")}), not ${describe(value)}`,
              };
    },
};

/** A point in time, ISO 8601. The API's client holds it as a Date. */
export const timestamp: PropertyType = {
    ...text,
    note: "ISO 8601, for example `2027-01-31T12:00:00Z`.",
    check: (value) =>
        typeof value === "string" && /^\d{4}-\d{2}-\d{2}T/.test(value) && !Number.isNaN(Date.parse(value))
            ? { value }
            : { reason: `must be a time such as 2027-01-31T12:00:00Z, not ${describe(value)}` },
    toApi: (value) => new Date(value as string),
    fromApi: (value) => (value instanceof Date ? value.toISOString() : present(value)),
    same: (left, right) => left === right || Date.parse(left as string) === Date.parse(right as string),
    nothing: null,
};

function parse(json: PropertyValue): { parsed: PropertyValue } | undefined {
    try {
        return { parsed: JSON.parse(json as string) };
    } catch {
        return undefined;
    }
}

/** A JSON object as text. Spacing and the order of keys do not matter. */
export const json: PropertyType = {
    schema: { type: "string" },
    note: "A JSON object as text; `JSON.stringify()` makes one.",
    check: (value) => {
        const parsed = typeof value === "string" ? parse(value)?.parsed : undefined;
        return parsed !== null && typeof parsed === "object" && !Array.isArray(parsed)
            ? { value }
            : { reason: `must be a JSON object as text, for example {"key":"value"}` };
    },
    toApi: (value) => JSON.parse(value as string),
    fromApi: (value) => (value === null || value === undefined ? undefined : JSON.stringify(value)),
    same: (left, right) => {
        const [first, second] = [parse(left), parse(right)];
        return first && second ? sameValue(first.parsed, second.parsed) : left === right;
    },
    nothing: {},
};

/** A list whose order does not matter to Authentik. */
function listOf(item: PropertyType): PropertyType {
    return {
        schema: { type: "array", items: item.schema },
        check: (value) => {
            if (!Array.isArray(value)) return { reason: `must be a list, not ${describe(value)}` };
            const checked: PropertyValue[] = [];
            for (const [index, element] of value.entries()) {
                const result = isKnown(element) ? item.check(element) : { value: element };
                if ("reason" in result) return { reason: result.reason, path: `[${index}]${result.path ?? ""}` };
                checked.push(result.value);
            }
            return { value: checked };
        },
        toApi: (value) => (value as PropertyValue[]).map((element) => item.toApi(element)),
        fromApi: (value) =>
            Array.isArray(value)
                ? value
                      .map((element) => item.fromApi(element))
                      .filter((element): element is PropertyValue => element !== undefined)
                : undefined,
        same: (left, right) => {
            if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
            const rest = [...right];
            return left.every((element) => {
                const index = rest.findIndex((candidate) => item.same(element, candidate));
                if (index >= 0) rest.splice(index, 1);
                return index >= 0;
            });
        },
        nothing: [],
    };
}

export const textList = listOf(text);
export const integerList = listOf(integer);
export const listOfOneOf = (...words: string[]): PropertyType => ({
    ...listOf(oneOf(...words)),
    note: `Any of ${words.map((word) => `\`${word}\``).join(", ")}.`,
});

const redirectUriKeys: Record<string, { field: string; words?: string[]; required: boolean }> = {
    matching_mode: { field: "matchingMode", words: ["strict", "regex"], required: true },
    url: { field: "url", required: true },
    redirect_uri_type: { field: "redirectUriType", words: ["authorization", "logout"], required: false },
};

/** One redirect URI. Authentik 2026.5 and newer add `redirect_uri_type: authorization` if it is missing. */
const redirectUri: PropertyType = {
    schema: { type: "object", additionalProperties: { type: "string" } },
    check: (value) => {
        if (value === null || typeof value !== "object" || Array.isArray(value)) {
            return { reason: `must be an object with matching_mode and url, not ${describe(value)}` };
        }
        for (const [key, rule] of Object.entries(redirectUriKeys)) {
            const given = value[key];
            if (given === undefined || given === null) {
                if (rule.required) return { reason: "is required", path: `.${key}` };
            } else if (typeof given !== "string" || (rule.words && !rule.words.includes(given))) {
                return {
                    reason:
                        `must be ${rule.words ? `one of ${rule.words.join(", ")}` : "text"}, ` +
                        `not ${describe(given)}`,
                    path: `.${key}`,
                };
            }
        }
        const stranger = Object.keys(value).find((key) => !(key in redirectUriKeys));
        if (stranger)
            return {
                reason: `is not known here; a redirect URI has ${Object.keys(redirectUriKeys).join(", ")}`,
                path: `.${stranger}`,
            };
        return { value };
    },
    toApi: (value) => {
        const uri = value as PropertyMap;
        return Object.fromEntries(
            Object.entries(redirectUriKeys).map(([key, { field }]) => [field, uri[key] ?? undefined]),
        );
    },
    fromApi: (value) => {
        const uri = value as Record<string, PropertyValue | undefined>;
        const map: PropertyMap = {};
        for (const [key, { field }] of Object.entries(redirectUriKeys)) {
            const item = uri[field];
            if (item !== undefined && item !== null && !(key === "redirect_uri_type" && item === "authorization"))
                map[key] = item;
        }
        return map;
    },
    same: (left, right) => {
        const withType = (uri: PropertyValue): PropertyValue => ({
            redirect_uri_type: "authorization",
            ...(uri as PropertyMap),
        });
        return sameValue(withType(left), withType(right));
    },
    nothing: undefined,
};

export const redirectUriList: PropertyType = {
    ...listOf(redirectUri),
    note: "Each has `matching_mode` (`strict` or `regex`) and `url`.",
};

/** A value that the API omits, clears, or leaves empty. */
export function isNothing(value: PropertyValue | undefined): boolean {
    if (value === undefined || value === null || value === "" || value === false) return true;
    return Array.isArray(value) && value.length === 0;
}

/** Whether the wanted and the present value are the same; either may be missing. An unknown value is never the same. */
export function sameProperty(
    type: PropertyType,
    wanted: PropertyValue | undefined,
    actual: PropertyValue | undefined,
): boolean {
    if (!isKnown(wanted) || actual === UNKNOWN) return false;
    if (isNothing(wanted) || isNothing(actual)) return isNothing(wanted) && isNothing(actual);
    return type.same(wanted as PropertyValue, actual as PropertyValue);
}
