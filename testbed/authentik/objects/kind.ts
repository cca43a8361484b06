import type { Answer, Request } from "../http";
import type { FieldErrors, Fields } from "../schemaValidation";
import type { World } from "../world";

/** A stored object: `pk`, the members of the API, and what only the stand-in knows (a password's hash). */
export type Stored = Fields & { pk: string | number };

/** Who asks, and what for. */
export interface Context {
    readonly world: World;
    readonly request: Request;
    /** The user that the token or the session belongs to. */
    readonly user: Stored;
}

/** What happens to an object when one that it refers to is deleted. */
export interface Reference {
    /** The paths of the kinds that may be referred to. */
    readonly to: readonly string[];
    /** `remove` takes the key out of a list of keys. */
    readonly whenDeleted: "cascade" | "null" | "remove";
}

/** Something that is done to one object beyond reading and writing it: `POST core/users/{id}/set_password/`. */
export interface Action {
    readonly method: string;
    /** The permission that it needs, by model or by object. */
    readonly permission: string;
    /** What else it needs, of anybody but the owner. */
    readonly alsoNeeds?: string;
    /** Whoever holds its permission need not be allowed to see the object. */
    readonly unfiltered?: boolean;
    /** Authentik does not hold this body against its own document (a role's add_user without `pk` is 404). */
    readonly unchecked?: boolean;
    readonly run: (target: Stored, body: Fields, context: Context) => Answer;
}

/**
 * One kind of object of Authentik's API, as a table. Members, types and query parameters come from schema.yml; here stands what that
 * document does not say, measured on Authentik 2026.5.0-rc1.
 */
export interface ObjectKind {
    /** Where it lives below /api/v3/: "core/groups". */
    readonly path: string;
    /** The name that permissions use: "authentik_core.group". */
    readonly model: string;
    /** The class, as in "No Group matches the given query." */
    readonly className: string;
    readonly verboseName: string;
    /** Verbose name of the application, as rbac/permissions lists it. */
    readonly applicationName: string;
    readonly primaryKey: "uuid" | "integer";
    /** The member that names an object in a URL; `pk` unless given. */
    readonly lookup?: string;
    /** The parameter of the path in schema.yml: "group_uuid". */
    readonly pathParameter: string;
    /** Permissions beside add, change, delete and view: code name and text. */
    readonly extraPermissions?: Readonly<Record<string, string>>;
    /** A new object's members, where the request leaves them out. */
    readonly defaults: () => Fields;
    /** What PUT sets where the request leaves a member out; every other member keeps its value. */
    readonly putDefaults?: () => Fields;
    /** Unique members and what Authentik says of a duplicate. `among` are other kinds that share the name space. */
    readonly unique?: Readonly<Record<string, { message: string; among?: readonly string[] }>>;
    readonly references?: Readonly<Record<string, Reference>>;
    /** The member by which policy bindings know this object, where policies can be bound to it. */
    readonly policyBindingModel?: "pk" | "policybindingmodel_ptr_id";
    /** Sorting of lists; a leading minus reverses. */
    readonly ordering: readonly string[];
    readonly search: readonly string[];
    /** Texts to search in beside the object's own members. */
    readonly searched?: (object: Stored, world: World) => Fields;
    /** Query parameters that are not simply a member's value. An error is thrown as InvalidRequest. */
    readonly filters?: Readonly<
        Record<string, (object: Stored, values: readonly string[], context: Context) => boolean>
    >;
    /** Throws for a query that Authentik fails at. */
    readonly checkQuery?: (query: URLSearchParams) => void;
    /** Query parameters whose format Authentik does not look at. */
    readonly textFilters?: readonly string[];
    /** Query parameters that must name something that exists, else 400; with the values that exist. */
    readonly choices?: Readonly<Record<string, (context: Context) => readonly string[]>>;
    /** The member that holds the owner: an owner needs no permission. */
    readonly owner?: string;
    /** Anybody who is logged in may create one (tokens). */
    readonly createWithoutPermission?: boolean;
    /** Kinds that the program only looks up: GET alone. */
    readonly readOnly?: boolean;
    readonly slugMessage?: string;
    /** Members that are not stored on the object: `written` puts them elsewhere. */
    readonly elsewhere?: readonly string[];
    /** Checks single members once schema.yml is satisfied; what it finds is answered together with duplicates and dead references. */
    readonly checkMembers?: (change: Change, context: Context) => FieldErrors;
    /** Checks the object as a whole, and may complete the change, once every member is right. Throws InvalidRequest. */
    readonly validate?: (change: Change, context: Context) => void;
    /** Runs once a new object is stored. */
    readonly created?: (object: Stored, context: Context) => void;
    /** Takes members that are not stored on the object itself (a group's users) out of a change, and stores them. */
    readonly written?: (object: Stored, change: Change, context: Context) => void;
    /** The object as the API shows it. */
    readonly represent: (object: Stored, context: Pick<Context, "world"> & Partial<Context>) => Fields;
    readonly actions?: Readonly<Record<string, Action>>;
    /** Replaces the listing (applications). */
    readonly list?: (context: Context) => { visible: Stored[]; counted?: number } | undefined;
}

/** A write: what was sent, completed by `validate`, and the object as it was, if it was. */
export interface Change {
    readonly method: "POST" | "PUT" | "PATCH";
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
