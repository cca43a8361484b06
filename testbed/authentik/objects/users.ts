import type { Fields } from "../apiSchema";
import { json } from "../http";
import { newUuid, timestamp } from "../identifiers";
import { hashPassword } from "../passwords";
import type { Stored } from "../stored";
import { unknownMembers } from "../versions";
import type { Context, ObjectKind } from "./kind";
import { avatar, partialGroup, roleOf, uidOf } from "./summaries";

/** Users. `attributes` is replaced whole. */
export const users: ObjectKind = {
    path: "core/users",
    model: "authentik_core.user",
    className: "User",
    verboseName: "User",
    applicationName: "authentik Core",
    primaryKey: "integer",
    pathParameter: "id",
    extraPermissions: {
        reset_user_password: "Reset Password",
        impersonate: "Can impersonate other users",
        preview_user: "Can preview user data sent to providers",
        view_user_applications: "View applications the user has access to",
    },
    defaults: () => ({
        is_active: true,
        last_login: null,
        date_joined: timestamp(),
        groups: [],
        roles: [],
        email: "",
        attributes: {},
        path: "users",
        type: "internal",
        uuid: newUuid(),
        password_change_date: timestamp(),
        password: null,
    }),
    unique: { username: { message: "This field must be unique." } },
    references: {
        groups: { to: ["core/groups"], whenDeleted: "remove" },
        roles: { to: ["rbac/roles"], whenDeleted: "remove" },
    },
    ordering: ["username"],
    search: ["username", "name", "email"],
    validate: ({ attributes }) => {
        attributes.last_updated = timestamp();
    },
    represent: (user, { world }) => {
        return {
            pk: user.pk,
            username: user.username,
            name: user.name,
            is_active: user.is_active,
            last_login: user.last_login,
            date_joined: user.date_joined,
            is_superuser: world.permissions.isSuperuser(user),
            groups: user.groups,
            groups_obj: (user.groups as string[]).map((pk) =>
                partialGroup(world.store.get("core/groups", pk) as Stored),
            ),
            roles: user.roles,
            roles_obj: (user.roles as string[]).map((pk) => roleOf(world, pk)),
            email: user.email,
            avatar,
            attributes: user.attributes,
            uid: uidOf(user),
            path: user.path,
            type: user.type,
            uuid: user.uuid,
            password_change_date: user.password_change_date,
            last_updated: user.last_updated,
        };
    },
    actions: {
        // Sessions that are open stay open, as measured.
        set_password: {
            permission: "authentik_core.reset_user_password",
            run: (user, body, { world }) => {
                world.store.update(user, {
                    password: hashPassword(body.password as string),
                    password_change_date: timestamp(),
                });
                return json(204, undefined);
            },
        },
    },
};

/** What GET /core/users/me/ answers. */
export function sessionUser({ world, user }: Pick<Context, "world" | "user">): Fields {
    const byName = (objects: Stored[]) =>
        objects
            .map((object) => ({ name: object.name as string, pk: object.pk }))
            .sort((a, b) => (a.name < b.name ? -1 : 1));
    const self: Fields = {
        pk: user.pk,
        username: user.username,
        name: user.name,
        is_active: user.is_active,
        is_superuser: world.permissions.isSuperuser(user),
        is_current: true,
        groups: byName(world.permissions.groupsOf(user)),
        roles: byName(world.permissions.rolesOf(user)),
        email: user.email,
        avatar,
        uid: uidOf(user),
        settings: {},
        type: user.type,
        system_permissions: [],
    };
    const isUnknown = new Set(unknownMembers({ path: "core/users/me" }, world, "answered"));
    const known = (fields: Fields): Fields =>
        Object.fromEntries(Object.entries(fields).filter(([name]) => !isUnknown.has(name)));
    // In `users` is whom the browser may switch to.
    return known({ user: known(self), users: [self] });
}
