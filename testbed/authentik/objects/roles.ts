import type { Fields } from "../apiSchema";
import { type Answer, json } from "../http";
import type { Stored } from "../stored";

import { type Context, NotFound, type ObjectKind } from "./kind";

/** Roles. Users join them through add_user (Authentik 2025.12 and newer). */
export const roles: ObjectKind = {
    path: "rbac/roles",
    model: "authentik_rbac.role",
    className: "Role",
    verboseName: "Role",
    applicationName: "authentik RBAC",
    primaryKey: "uuid",
    pathParameter: "uuid",
    extraPermissions: {
        assign_role_permissions: "Can assign permissions to roles",
        unassign_role_permissions: "Can unassign permissions from roles",
    },
    defaults: () => ({ managed: null }),
    unique: { name: { message: "Role with this name already exists." } },
    ordering: ["name"],
    search: ["name"],
    represent: (role) => ({ pk: role.pk, name: role.name }),
    actions: {
        add_user: { permission: "authentik_rbac.change_role", unfiltered: true, run: addUser },
    },
};

function addUser(role: Stored, body: Fields, { world, user: asking }: Context): Answer {
    const user = world.store.get("core/users", body.pk);
    if (
        !user ||
        !world.permissions.has(asking, "authentik_core.view_user", { model: "authentik_core.user", pk: user.pk })
    ) {
        throw new NotFound("Not found.");
    }
    const others = (user.roles as string[]).filter((pk) => pk !== role.pk);
    world.store.update(user, { roles: [...others, role.pk] });
    return json(204, undefined);
}
