import type { ApiSchema, FieldErrors, Fields } from "./apiSchema";
import { isUuid } from "./identifiers";

/** What a member refers to: objects named by numbers or by UUIDs. */
export type RelationKey = "integer" | "uuid";

/**
 * A body's members as Authentik would store them: texts without white space around them, times in UTC. Values of a
 * wrong type stay as they are, for schema.yml to refuse; what Django REST framework makes of them ("yes", "7") nothing
 * here sends.
 *
 * @param relations members that hold primary keys of other objects. Their errors are found here, as they depend on the
 * key's type.
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
        if (key === undefined) values[name] = readValue(schema, property, value);
        else if (property.type === "array" && !Array.isArray(value)) continue;
        else if (value === "") values[name] = null;
        else {
            const wrong = [value].flat().find((each) => !isKeyOf(each, key));
            if (wrong === undefined) continue;
            errors[name] =
                key === "uuid"
                    ? [`“${typeof wrong === "string" ? wrong : JSON.stringify(wrong)}” is not a valid UUID.`]
                    : ["Incorrect type. Expected pk value."];
        }
    }
    return { values, errors };
}

const isKeyOf = (value: unknown, key: RelationKey): boolean =>
    key === "integer" ? Number.isInteger(value) : typeof value === "string" && isUuid(value);

function readValue(schema: ApiSchema, property: Fields, value: unknown): unknown {
    if (property.enum || property.oneOf || property.anyOf) return value;
    if (property.type === "string" && typeof value === "string")
        return property.format === "date-time" ? readTime(value) : value.trim();
    if (property.type !== "array" || !Array.isArray(value)) return value;
    const item = schema.resolve((property.items as Fields | undefined) ?? {});
    return value.map((element) =>
        item.properties && typeof element === "object" && element !== null
            ? readValues(schema, item, element as Fields, new Map()).values
            : readValue(schema, item, element),
    );
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
