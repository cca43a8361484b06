import type { ErrorObject } from "ajv";
import type { FieldErrors } from "./apiSchema";

/**
 * ajv's errors as Authentik answers 400: a list of messages for each member. What is missing or blank is told in
 * Authentik's words, as people see them; the rest in ajv's.
 *
 * @param partial whether what is missing inside a member is no mistake: a PATCH is partial at every depth
 */
export function fieldErrors(errors: readonly ErrorObject[], partial: boolean): FieldErrors {
    const found: FieldErrors = {};
    for (const error of errors) {
        if (partial && error.keyword === "required" && error.instancePath !== "") continue;
        const [member = error.params.missingProperty as string | undefined] = error.instancePath.split("/").slice(1);
        found[member ?? "non_field_errors"] ??= [messageOf(error)];
    }
    return found;
}

function messageOf({ keyword, data, params, message }: ErrorObject): string {
    if (keyword === "required") return "This field is required.";
    if (data === null) return "This field may not be null.";
    if (keyword === "minLength") return "This field may not be blank.";
    if (keyword === "enum") return `"${String(data)}" is not a valid choice.`;
    return params.format === "uuid" ? `“${String(data)}” is not a valid UUID.` : `${message ?? "does not fit"}.`;
}
