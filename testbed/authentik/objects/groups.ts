import type { Fields } from "../apiSchema";
import { type Answer, json } from "../http";
import type { Stored } from "../stored";
import type { World } from "./kind";
import { type Context, NotFound, type ObjectKind } from "./kind";
import { numberOf, partialUser, roleOf } from "./summaries";

/**
 * Membership is stored once, as a user's `groups`; a group's `users` is the same fact read and written from the other
 * side.
 */
export const groups: ObjectKind = {
    path: "core/groups",
    model: "authentik_core.group",
    className: "Group",
    verboseName: "Group",
    applicationName: "authentik Core",
    primaryKey: "uuid",
    pathParameter: "group_uuid",
    extraPermissions: {
        add_user_to_group: "Add user to group",
        remove_user_from_group: "Remove user from group",
        enable_group_superuser: "Enable superuser status",
        disable_group_superuser: "Disable superuser status",
    },
    defaults: () => ({ is_superuser: false, parents: [], attributes: {}, roles: [] }),
    unique: { name: { message: "Group with this name already exists." } },
    references: {
        parents: { to: ["core/groups"], whenDeleted: "remove" },
        roles: { to: ["rbac/roles"], whenDeleted: "remove" },
        users: { to: ["core/users"], whenDeleted: "remove" },
    },
    ordering: ["name"],
    search: ["name"],
    elsewhere: ["users"],
    written: (group, { attributes }, { world }) => {
        const users = attributes.users as number[] | undefined;
        if (!users) return;
        for (const user of world.store.all("core/users"))
            setMembership(world, user, group, users.includes(user.pk as number));
    },
    represent: (group, { world, request }) => {
        const members = membersOf(world, group);
        return {
            pk: group.pk,
            num_pk: numberOf(group),
            name: group.name,
            is_superuser: group.is_superuser,
            parents: group.parents,
            parents_obj: null,
            users: members.map((user) => user.pk),
            users_obj: request?.query.get("include_users") === "false" ? null : members.map(partialUser),
            attributes: group.attributes,
            roles: group.roles,
            roles_obj: (group.roles as string[]).map((pk) => roleOf(world, pk)),
            inherited_roles_obj: null,
            children: world.store
                .all("core/groups")
                .filter((other) => (other.parents as string[]).includes(group.pk as string))
                .map((child) => child.pk),
            children_obj: null,
        };
    },
    actions: {
        add_user: {
            permission: "authentik_core.add_user_to_group",
            unfiltered: true,
            run: (group, body, context) => changeMembership(group, body, context, true),
        },
        remove_user: {
            permission: "authentik_core.remove_user_from_group",
            unfiltered: true,
            run: (group, body, context) => changeMembership(group, body, context, false),
        },
    },
};

function changeMembership(group: Stored, body: Fields, { world, user: asking }: Context, member: boolean): Answer {
    const user = world.store.get("core/users", body.pk);
    if (
        !user ||
        !world.permissions.has(asking, "authentik_core.view_user", { model: "authentik_core.user", pk: user.pk })
    ) {
        throw new NotFound("Not found.");
    }
    setMembership(world, user, group, member);
    return json(204, undefined);
}

function setMembership(world: World, user: Stored, group: Stored, member: boolean): void {
    const others = (user.groups as string[]).filter((pk) => pk !== group.pk);
    const groups = member ? [...others, group.pk] : others;
    if (groups.length !== (user.groups as string[]).length) world.store.update(user, { groups });
}

export function membersOf(world: World, group: Stored): Stored[] {
    return world.store.all("core/users").filter((user) => (user.groups as string[]).includes(group.pk as string));
}
