import type { ApiSchema, FieldErrors, Fields } from "./apiSchema";
import { pythonType } from "./fieldErrors";

// What Django REST framework makes of a value before it looks at rules: 5 is taken for a name, "yes" for true, "7" for a number, and
// the white space around a text is dropped. schema.yml does not tell.

const trueValues = new Set(["t", "T", "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", "1"]);
const falseValues = new Set([
    "f",
    "F",
    "n",
    "N",
    "no",
    "No",
    "NO",
    "false",
    "False",
    "FALSE",
    "off",
    "Off",
    "OFF",
    "0",
]);
const hexadecimal = /^[0-9a-f]{32}$/i;

/** What a member refers to: objects named by numbers or by UUIDs. */
export type RelationKey = "integer" | "uuid";

/**
 * A body's members as Authentik would store them. A value that cannot be converted stays as it is, for schema.yml to refuse.
 *
 * @param relations members that hold primary keys of other objects. Their errors are found here, as they depend on the key's type.
 */
export function readValues(
    schema: ApiSchema,
    requestSchema: Fields,
    body: Fields,
    relations: ReadonlyMap<string, RelationKey>,
): { values: Fields; errors: FieldErrors } {
    const errors: FieldErrors = {};
    const values: Fields = { ...body };
    for (const [name, declared] of Object.entries(schema.properties(requestSchema))) {
        const value = body[name];
        if (value === undefined || value === null) continue;
        const key = relations.get(name);
        const property = schema.resolve(declared);
        if (key !== undefined) {
            if (property.type !== "array") {
                // An empty text stands for no object.
                if (value === "") values[name] = null;
                else values[name] = readKey(value, key, name, errors);
            } else if (typeof value === "object") {
                // Of an object its names are taken. What comes after the first wrong key is not looked at.
                const keys: unknown[] = [];
                for (const element of Array.isArray(value) ? (value as unknown[]) : Object.keys(value)) {
                    const read = readKey(element, key, name, errors);
                    if (errors[name]) break;
                    keys.push(read);
                }
                values[name] = keys;
            }
            continue;
        }
        values[name] = readValue(schema, property, value);
        if (typeof values[name] === "string" && values[name].includes("\0"))
            errors[name] = ["Null characters are not allowed."];
    }
    return { values, errors };
}

function readKey(value: unknown, key: RelationKey, name: string, errors: FieldErrors): unknown {
    const wrongType = (found: string) => (errors[name] ??= [`Incorrect type. Expected pk value, received ${found}.`]);
    if (typeof value === "boolean") {
        // The target of a binding has a field of its own, to which these are numbers.
        if (name === "target") errors[name] ??= [`Invalid pk "${value ? "True" : "False"}" - object does not exist.`];
        else wrongType("bool");
    } else if (value === null) {
        return "None";
    } else if (key === "integer") {
        const number = typeof value === "string" && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value;
        if (typeof number === "number") return Math.trunc(number);
        wrongType(pythonType(value));
    } else if (typeof value === "number" && Number.isInteger(value)) {
        // A whole number is a UUID to Python, only a small one.
        return value;
    } else {
        const digits = typeof value === "string" ? value.replace(/^urn:uuid:|[{}]|-/g, "") : "";
        if (hexadecimal.test(digits))
            return digits.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
        errors[name] ??= [`“${typeof value === "string" ? value : JSON.stringify(value)}” is not a valid UUID.`];
    }
    return value;
}

function readValue(schema: ApiSchema, property: Fields, value: unknown): unknown {
    if (property.enum) return (property.enum as unknown[]).includes(String(value)) ? String(value) : value;
    if (property.oneOf || property.anyOf) return value;
    switch (property.type) {
        case "string":
            if (typeof value === "number") return String(value);
            if (property.format === "date-time" && typeof value === "string") return readTime(value);
            return typeof value === "string" ? value.trim() : value;
        case "boolean":
            if (trueValues.has(String(value)) && !Array.isArray(value)) return true;
            if (falseValues.has(String(value)) && !Array.isArray(value)) return false;
            return value;
        case "integer":
            return typeof value === "string" && /^\s*[+-]?\d+(\.0*)?\s*$/.test(value) ? Number(value) : value;
        case "array": {
            const item = schema.resolve((property.items as Fields | undefined) ?? {});
            if (!Array.isArray(value)) return value;
            return value.map((element) => {
                if (item.properties && typeof element === "object" && element !== null && !Array.isArray(element)) {
                    return readValues(schema, item, element as Fields, new Map()).values;
                }
                return readValue(schema, item, element);
            });
        }
        default:
            return value;
    }
}

/** A time as Authentik writes it, in UTC; one that names no zone is in UTC. What is no time stays as it is. */
function readTime(text: string): string {
    const [, date, time = "00:00", zone = "Z"] =
        /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?(Z|[+-]\d\d:?\d\d)?$/.exec(text.trim()) ?? [];
    const milliseconds = date === undefined ? NaN : Date.parse(`${date}T${time}${zone}`);
    if (Number.isNaN(milliseconds)) return text;
    // Zero fractions are not written; the clock of a database has six digits.
    return new Date(milliseconds)
        .toISOString()
        .replace(".000Z", "Z")
        .replace(/(\.\d{3})Z$/, "$1000Z");
}
