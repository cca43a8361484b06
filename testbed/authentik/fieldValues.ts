import type { ApiSchema, Fields } from "./apiSchema";

/**
 * A body's members as Authentik would store them: texts without white space around them, times in UTC, an empty key of
 * another object as none. Values of a wrong type stay as they are, for schema.yml to refuse.
 *
 * @param relations members that hold primary keys of other objects
 */
export function readValues(
    schema: ApiSchema,
    requestSchema: Fields,
    body: Fields,
    relations: ReadonlySet<string>,
): Fields {
    const values: Fields = { ...body };
    for (const [name, declared] of Object.entries(schema.properties(requestSchema))) {
        const value = body[name];
        if (relations.has(name)) values[name] = value === "" ? null : value;
        else if (value !== undefined) values[name] = readValue(schema, schema.resolve(declared), value);
        if (values[name] === undefined) delete values[name];
    }
    return values;
}

function readValue(schema: ApiSchema, property: Fields, value: unknown): unknown {
    if (property.type === "string" && typeof value === "string")
        return property.format === "date-time" ? readTime(value) : value.trim();
    if (property.type !== "array" || !Array.isArray(value)) return value;
    const item = schema.resolve((property.items as Fields | undefined) ?? {});
    return value.map((element) =>
        item.properties && typeof element === "object" && element !== null
            ? readValues(schema, item, element as Fields, new Set())
            : readValue(schema, item, element),
    );
}

/** A time in UTC, with six digits for a fraction. What is no time stays as it is. */
function readTime(text: string): string {
    const milliseconds = Date.parse(text);
    if (Number.isNaN(milliseconds)) return text;
    return new Date(milliseconds)
        .toISOString()
        .replace(".000Z", "Z")
        .replace(/(\.\d{3})Z$/, "$1000Z");
}
