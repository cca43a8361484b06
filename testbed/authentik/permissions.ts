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

const systemPermissions: Record<string, string> = {
    view_system_info: "Can view system info",
    access_admin_interface: "Can access admin interface",
    view_system_settings: "Can view system settings",
    edit_system_settings: "Can edit system settings",
    view_media_files: "Can view media files",
    manage_media_files: "Can manage media files",
};

/**
 * Models that schema.yml does not name and that permissions can be given for, of the applications that this project
 * uses.
 */
const modelsWithoutApi = [
    ...["authenticatedsession", "propertymapping", "provider", "source"].map((name) => `authentik_core.${name}`),
    ...["accesstoken", "authorizationcode", "devicetoken", "refreshtoken"].map(
        (name) => `authentik_providers_oauth2.${name}`,
    ),
    "authentik_policies.policy",
    "authentik_policies.policybindingmodel",
    "authentik_stages_consent.userconsent",
];

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
    private readonly assignable: readonly PermissionRow[];

    /**
     * @param models every model of Authentik, "authentik_core.group"; those without a kind here have permissions
     * nevertheless.
     */
    constructor(
        private readonly store: ObjectStore,
        models: readonly string[],
    ) {
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
        add("authentik_rbac.systempermission", "System permission", "authentik RBAC", systemPermissions);
        for (const model of [...models, ...modelsWithoutApi]) {
            if (rows.some((row) => `${row.app_label}.${row.model}` === model)) continue;
            const [label, name] = model.split(".") as [string, string];
            add(model, name, label.replace("_", " "), standard(name, name));
        }
        this.rows = [...rows];
        // Django's own, which can be given and are not listed.
        for (const name of ["group", "permission"]) add(`auth.${name}`, name, "", standard(name, name));
        this.assignable = rows;
    }

    /** The row of "app_label.codename". */
    row(permission: string): PermissionRow | undefined {
        const [label, codename] = permission.split(".");
        return this.assignable.find((row) => row.app_label === label && row.codename === codename);
    }

    /** A user's groups and the groups above them. */
    groupsOf(user: Stored): Stored[] {
        const found = new Map<unknown, Stored>();
        const visit = (pk: unknown) => {
            const group = this.store.get("core/groups", pk);
            if (!group || found.has(pk)) return;
            found.set(pk, group);
            for (const parent of (group.parents as string[] | undefined) ?? []) visit(parent);
        };
        for (const pk of (user.groups as string[] | undefined) ?? []) visit(pk);
        return [...found.values()];
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

    /** Whether a user holds "app_label.codename", on everything or, where an object is given, on that object. */
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

    /** Code names of the system permissions that users/me shows. */
    systemPermissions(user: Stored): string[] {
        return this.rows
            .filter((row) => row.app_label === "authentik_rbac" && this.has(user, `${row.app_label}.${row.codename}`))
            .map((row) => row.codename);
    }
}
