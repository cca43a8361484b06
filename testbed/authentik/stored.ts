import type { Fields } from "./apiSchema";

/** A stored object: `pk`, the members of the API, and what only the stand-in knows (a password's hash). */
export type Stored = Fields & { pk: string | number };

/** What happens to an object when one that it refers to is deleted. */
export interface Reference {
    /** The paths of the kinds that may be referred to. */
    readonly to: readonly string[];
    /** `remove` takes the key out of a list of keys. */
    readonly whenDeleted: "cascade" | "null" | "remove";
}

/** What the store and the permissions know of a kind of object; `objects/kind.ts` has the rest. */
export interface StoredKind {
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
    /** Permissions beside add, change, delete and view: code name and text. */
    readonly extraPermissions?: Readonly<Record<string, string>>;
    readonly references?: Readonly<Record<string, Reference>>;
    /** The member by which policy bindings know this object, where policies can be bound to it. */
    readonly policyBindingModel?: "pk" | "policybindingmodel_ptr_id";
}
