import type { ApiSchema, FieldErrors, Fields } from "../apiSchema";
import type { Faults } from "../faults";
import type { Answer, Request } from "../http";
import type { Permissions } from "../permissions";
import type { Sessions } from "../sessions";
import type { ObjectStore } from "../store";
import type { Stored, StoredKind } from "../stored";

/** Everything that a request can touch. */
export interface World {
    readonly store: ObjectStore<ObjectKind>;
    readonly permissions: Permissions;
    readonly schema: ApiSchema;
    readonly sessions: Sessions;
    readonly faults: Faults;
    /** Authentik's version, as GET /admin/version/ shows it; a fault may show another. */
    readonly version: string;
    readonly log: (message: string) => void;
}

/** Who asks, and what for. */
export interface Context {
    readonly world: World;
    readonly request: Request;
    /** The user that the token or the session belongs to. */
    readonly user: Stored;
}

/** Something that is done to one object beyond reading and writing it: `POST core/users/{id}/set_password/`. */
export interface Action {
    /** The permission that it needs, by model or by object. */
    readonly permission: string;
    /** Whoever holds its permission need not be allowed to see the object. */
    readonly unfiltered?: boolean;
    readonly run: (target: Stored, body: Fields, context: Context) => Answer;
}

/**
 * One kind of object of Authentik's API, as a table. Members, types and query parameters come from schema.yml; here
 * stands what that document does not say, measured on Authentik 2026.5.0-rc1.
 */
export interface ObjectKind extends StoredKind {
    /** The member that names an object in a URL; `pk` unless given. */
    readonly lookup?: string;
    /** The parameter of the path in schema.yml: "group_uuid". */
    readonly pathParameter: string;
    /** A new object's members, where the request leaves them out. */
    readonly defaults: () => Fields;
    /** Unique members and what Authentik says of a duplicate. `among` are other kinds that share the name space. */
    readonly unique?: Readonly<Record<string, { message: string; among?: readonly string[] }>>;
    /** Sorting of lists; a leading minus reverses. */
    readonly ordering: readonly string[];
    readonly search: readonly string[];
    /** Query parameters that must name something that exists, else 400; with the values that exist. */
    readonly choices?: Readonly<Record<string, (context: Context) => readonly string[]>>;
    /** The member that holds the owner: an owner needs no permission. */
    readonly owner?: string;
    /** Anybody who is logged in may create one (tokens). */
    readonly createWithoutPermission?: boolean;
    /** Kinds that the program only looks up: they are not written. */
    readonly readOnly?: boolean;
    /** Members that are not stored on the object: `written` puts them elsewhere. */
    readonly elsewhere?: readonly string[];
    /**
     * Checks single members once schema.yml is satisfied; what it finds is answered together with duplicates and dead
     * references.
     */
    readonly checkMembers?: (change: Change, context: Context) => FieldErrors;
    /** Checks the object as a whole, and may complete the change, once every member is right. Throws InvalidRequest. */
    readonly validate?: (change: Change, context: Context) => void;
    /** Takes members that are not stored on the object itself (a group's users) out of a change, and stores them. */
    readonly written?: (object: Stored, change: Change, context: Context) => void;
    /** The object as the API shows it. */
    readonly represent: (object: Stored, context: Pick<Context, "world"> & Partial<Context>) => Fields;
    readonly actions?: Readonly<Record<string, Action>>;
    /** Replaces the listing, filters and all (applications). */
    readonly list?: (context: Context) => Stored[] | undefined;
}

/** A write: what was sent, completed by `validate`, and the object as it was, if it was. */
export interface Change {
    readonly method: "POST" | "PATCH";
    readonly attributes: Fields;
    readonly existing?: Stored;
}

/** A request that Authentik refuses with 400 and messages by member, or a list of messages. */
export class InvalidRequest extends Error {
    constructor(readonly errors: FieldErrors | string[]) {
        super(JSON.stringify(errors));
    }
}

/** An unhandled error of Authentik: 405 and an empty page on a write. */
export class UnhandledError extends Error {}

/** A missing permission. */
export class PermissionDenied extends Error {}

/** An object that is not there, or not there for this user. */
export class NotFound extends Error {}
