import type { Fields } from "../apiSchema";
import { type Answer, json } from "../http";
import type { Stored } from "../stored";

import { type Context, NotFound, type ObjectKind, UnhandledError } from "./kind";

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
        add_user: {
            method: "POST",
            permission: "authentik_rbac.change_role",
            unfiltered: true,
            unchecked: true,
            run: (role, body, context) => setUser(role, body, context, true),
        },
        remove_user: {
            method: "POST",
            permission: "authentik_rbac.change_role",
            unfiltered: true,
            unchecked: true,
            run: (role, body, context) => setUser(role, body, context, false),
        },
    },
};

function setUser(role: Stored, body: Fields, { world, user: asking }: Context, member: boolean): Answer {
    // This body is used as it is.
    if (body.pk !== undefined && !/^\s*-?\d+\s*$/.test(String(body.pk)))
        throw new UnhandledError("a user's key that is none");
    const user = world.store.get("core/users", body.pk);
    if (
        !user ||
        !world.permissions.has(asking, "authentik_core.view_user", { model: "authentik_core.user", pk: user.pk })
    ) {
        throw new NotFound("Not found.");
    }
    const others = (user.roles as string[]).filter((pk) => pk !== role.pk);
    world.store.update(user, { roles: member ? [...others, role.pk] : others });
    return json(204, undefined);
}
