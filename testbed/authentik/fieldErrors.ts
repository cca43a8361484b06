import type { ErrorObject } from "ajv";
import type { ApiSchema, FieldErrors, Fields } from "./apiSchema";

const blank = "This field may not be blank.";
const slugMessage = "Enter a valid “slug” consisting of letters, numbers, underscores or hyphens.";

/**
 * ajv's errors in the words of Authentik 2026.5 (Django REST framework), as a client sees them in an answer 400: a
 * message list per member, a list of such objects for a list of objects, and an object by index for a list of values.
 *
 * @param relations members that hold primary keys of other objects: their messages are not nested.
 * @param partial whether members may be missing from objects in a list.
 * @param slugMessage Authentik writes this message with curly quotes for some objects and straight ones for others.
 */
export function fieldErrors(
    schema: ApiSchema,
    requestSchema: Fields,
    errors: readonly ErrorObject[],
    value: unknown,
    options: { relations: ReadonlyMap<string, unknown>; slugMessage?: string; partial?: boolean },
): FieldErrors {
    const properties = schema.properties(requestSchema);
    const found: FieldErrors = {};
    for (const error of errors) {
        if (error.keyword === "anyOf" || error.keyword === "allOf") continue;
        const [member, index, inner] = error.instancePath.split("/").slice(1);
        if (member === undefined) {
            if (error.keyword === "required") {
                found[error.params.missingProperty as string] = ["This field is required."];
            } else {
                if (error.data === null) return { non_field_errors: ["No data provided"] };
                return {
                    non_field_errors: ["Invalid data. Expected a dictionary."],
                };
            }
            continue;
        }
        const declared = schema.resolve(properties[member] ?? {});
        const item = declared.items ? schema.resolve(declared.items as Fields) : undefined;
        const message = messageOf(error, options.slugMessage ?? slugMessage);
        if (index === undefined || options.relations.has(member)) {
            // A nested list of objects reports a wrong type one level deeper.
            if (item?.properties && index === undefined && error.data !== null)
                found[member] = { non_field_errors: [message] };
            else if (error.keyword === "minLength") found[member] = [message];
            // What is blank is nothing else.
            else if ((found[member] as unknown[] | undefined)?.[0] === blank) continue;
            // Too long and of wrong characters: Authentik says both, the length first.
            else if (error.keyword === "pattern" && Array.isArray(found[member])) found[member].push(message);
            else if (error.keyword === "maxLength" && Array.isArray(found[member])) found[member].unshift(message);
            else found[member] = [message];
        } else if (item?.properties) {
            // A PATCH is partial at every depth.
            if (options.partial && error.keyword === "required") continue;
            const values = (found[member] ??= (((value as Fields)[member] as unknown[] | undefined) ?? []).map(
                () => ({}),
            )) as Fields[];
            const name =
                inner ?? (error.keyword === "required" ? (error.params.missingProperty as string) : "non_field_errors");
            const told =
                error.keyword === "required"
                    ? "This field is required."
                    : inner === undefined
                      ? "Invalid data. Expected a dictionary."
                      : message;
            (values[Number(index)] ??= {})[name] = [told];
        } else {
            const byIndex = (found[member] ??= {}) as Fields;
            byIndex[index] = [message];
        }
    }
    const order = Object.keys(properties);
    return Object.fromEntries(Object.entries(found).sort(([a], [b]) => order.indexOf(a) - order.indexOf(b)));
}

function messageOf(error: ErrorObject, messageOfPattern: string): string {
    const value = error.data;
    if (value === null) return "This field may not be null.";
    switch (error.keyword) {
        case "required":
            return "This field is required.";
        case "minLength":
            return blank;
        case "maxLength":
            return `Ensure this field has no more than ${error.params.limit} characters.`;
        case "maximum":
            return `Ensure this value is less than or equal to ${error.params.limit}.`;
        case "minimum":
            return `Ensure this value is greater than or equal to ${error.params.limit}.`;
        case "enum":
            return `"${String(value)}" is not a valid choice.`;
        case "pattern":
            return messageOfPattern;
        case "format":
            return (
                {
                    uuid: `“${String(value)}” is not a valid UUID.`,
                    email: "Enter a valid email address.",
                    uri: "Enter a valid URL.",
                    "date-time":
                        "Datetime has wrong format. Use one of these formats instead: " +
                        "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].",
                }[error.params.format as string] ?? `Not a valid ${error.params.format}.`
            );
        case "type":
            return typeMessage(([] as string[]).concat(error.params.type as string | string[]));
        default:
            return `${error.keyword}: ${error.message ?? "does not fit"}`;
    }
}

function typeMessage(expected: string[]): string {
    if (expected.includes("array")) return "Expected a list of items.";
    if (expected.includes("object")) return "Value must be a dictionary, and not have any duplicate keys.";
    if (expected.includes("boolean")) return "Must be a valid boolean.";
    if (expected.includes("integer")) return "A valid integer is required.";
    return "Not a valid string.";
}
