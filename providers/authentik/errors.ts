/**
 * What can go wrong between the provider and Authentik, each as its own kind, and the words for it.
 * A message says what was being done, what was found, and what to do.
 */

export type FailureKind =
    /** The request never got an answer, and certainly changed nothing. */
    | "unreachable"
    /** Authentik answers 503 while it starts. */
    | "starting"
    /** No token, or one that is invalid or expired. Authentik says 403 to both, never 401. */
    | "bad-token"
    /** The token is good and may not do this. */
    | "forbidden"
    | "not-found"
    /** Validation: {@link ApiFailure.fields} says what is wrong with which field. */
    | "invalid"
    /**
     * A write whose outcome nobody knows: the connection broke, or the answer was one that Authentik also gives after the write was
     * committed (500 from a recycled worker; 405 with an empty page, measured on 2026.5).
     */
    | "uncertain"
    | "unexpected";

export class ApiFailure extends Error {
    constructor(
        readonly kind: FailureKind,
        message: string,
        /** Keyed by the API's field in camel case; what belongs to no field is under "". */
        readonly fields: Readonly<Record<string, readonly string[]>> = {},
        readonly status?: number,
    ) {
        super(message);
        this.name = "ApiFailure";
    }
}

/** The failure in an error of the API's client, which wraps whatever its fetch throws. */
export function failureIn(error: unknown): ApiFailure | undefined {
    if (error instanceof ApiFailure) return error;
    const cause = error instanceof Error ? error.cause : undefined;
    return cause instanceof ApiFailure ? cause : undefined;
}

/** A mistake or a state of the world that the person at the terminal can mend. Shown without a stack trace. */
export class UserError extends Error {
    constructor(message: string) {
        super(message);
        this.name = "UserError";
    }
}

/** What to say when the token lacks a permission, for instance `authentik_core.add_group`. `what` is as in "create the group". */
export const missingPermission = (url: string, what: string, permission: string, failure: ApiFailure) =>
    new UserError(
        `The API token may not ${what} in Authentik at ${url}: it needs the permission ${permission} (Authentik said: ${failure.message}). Give it to a role of the token's user, under Directory > Roles.`,
    );

const camelCase = (field: string) => field.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** The complaints of a 400 answer by field, nested ones under the outermost field. */
export function complaintsByField(body: unknown): Record<string, string[]> {
    if (body === null || typeof body !== "object") return {};
    if (Array.isArray(body)) return { "": flatten(body) };
    const fields: Record<string, string[]> = {};
    for (const [field, complaints] of Object.entries(body)) {
        const key = field === "non_field_errors" || field === "detail" || field === "__all__" ? "" : camelCase(field);
        fields[key] = [...(fields[key] ?? []), ...flatten(complaints)];
    }
    return fields;
}

function flatten(complaints: unknown): string[] {
    if (typeof complaints === "string") return [complaints];
    if (Array.isArray(complaints)) return complaints.flatMap(flatten);
    if (complaints !== null && typeof complaints === "object") {
        return Object.entries(complaints).flatMap(([field, inner]) =>
            flatten(inner).map((complaint) => `${field}: ${complaint}`),
        );
    }
    return complaints === undefined || complaints === null ? [] : [String(complaints)];
}

/** Whether a complaint says that another object has this value already. */
export const isDuplicate = (complaint: string) =>
    /already exists|must be unique|must make a unique set/i.test(complaint);
