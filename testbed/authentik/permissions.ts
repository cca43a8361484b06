import type { ObjectStore } from "./store";
import type { Stored, StoredKind } from "./stored";

export interface PermissionRow {
    readonly id: number;
    readonly name: string;
    readonly codename: string;
    readonly model: string;
    readonly app_label: string;
    readonly app_label_verbose: string;
    readonly model_verbose: string;
}

function standard(name: string, verbose: string): Record<string, string> {
    return Object.fromEntries(
        ["add", "change", "delete", "view"].map((verb) => [`${verb}_${name}`, `Can ${verb} ${verbose}`]),
    );
}

/**
 * Who may do what. A member of a group with `is_superuser`, or of a group below one, may do everything; anybody else
 * what their roles and their groups' roles hold, on every object of a model or on one.
 */
export class Permissions {
    /** Every permission that the stand-in's kinds of objects have, as rbac/permissions lists them. */
    readonly rows: readonly PermissionRow[];

    constructor(private readonly store: ObjectStore) {
        const rows: PermissionRow[] = [];
        const add = (model: string, verbose: string, application: string, permissions: Record<string, string>) => {
            const [label, name] = model.split(".") as [string, string];
            for (const [codename, text] of Object.entries(permissions)) {
                rows.push({
                    id: rows.length + 1,
                    name: text,
                    codename,
                    model: name,
                    app_label: label,
                    app_label_verbose: application,
                    model_verbose: verbose,
                });
            }
        };
        for (const kind of store.allKinds()) {
            const name = kind.model.split(".")[1] as string;
            add(kind.model, kind.verboseName, kind.applicationName, {
                ...standard(name, kind.verboseName),
                ...kind.extraPermissions,
            });
        }
        // The base class of every kind of stage, by which stages/all is guarded.
        add("authentik_flows.stage", "stage", "authentik Flows", standard("stage", "stage"));
        this.rows = rows;
    }

    /** The row of "app_label.codename". */
    row(permission: string): PermissionRow | undefined {
        const [label, codename] = permission.split(".");
        return this.rows.find((row) => row.app_label === label && row.codename === codename);
    }

    groupsOf(user: Stored): Stored[] {
        const keys = (user.groups as string[] | undefined) ?? [];
        return this.store.all("core/groups").filter(({ pk }) => keys.includes(pk as string));
    }

    rolesOf(user: Stored): Stored[] {
        const keys = new Set([
            ...((user.roles as string[] | undefined) ?? []),
            ...this.groupsOf(user).flatMap((group) => (group.roles as string[] | undefined) ?? []),
        ]);
        return this.store.all("rbac/roles").filter((role) => keys.has(role.pk as string));
    }

    isSuperuser(user: Stored): boolean {
        return this.groupsOf(user).some((group) => group.is_superuser === true);
    }

    /** Whether a user holds "app_label.codename", on everything or, if an object is given, on that object. */
    has(user: Stored, permission: string, object?: { model: string; pk: string | number }): boolean {
        if (this.isSuperuser(user)) return true;
        const roles = new Set(this.rolesOf(user).map((role) => role.pk));
        return this.store
            .grants()
            .some(
                (grant) =>
                    roles.has(grant.role) &&
                    grant.permission === permission &&
                    (grant.objectPk === undefined ||
                        (object !== undefined && grant.model === object.model && grant.objectPk === String(object.pk))),
            );
    }

    /** The permission of a verb on a kind: "authentik_core.view_group". */
    static of(verb: "add" | "change" | "delete" | "view", kind: StoredKind): string {
        const [label, name] = kind.model.split(".") as [string, string];
        return `${label}.${verb}_${name}`;
    }
}
