/** What other objects show of a user, a group or a role. */
import type { Fields } from "../apiSchema";
import { sha256 } from "../identifiers";
import type { Stored } from "../stored";
import type { World } from "./kind";

export const avatar = "/static/dist/assets/images/user_default.png";

/** The claim `sub` of a provider whose sub_mode is hashed_user_id; Authentik hashes the key with its own secret. */
export function uidOf(user: Stored): string {
    return sha256(`${user.pk}-${user.uuid as string}`);
}

export function partialUser(user: Stored): Fields {
    return {
        pk: user.pk,
        username: user.username,
        name: user.name,
        is_active: user.is_active,
        last_login: user.last_login,
        email: user.email,
        attributes: user.attributes,
        uid: uidOf(user),
    };
}

/** Authentik derives a number from a group's UUID, for LDAP. */
export function numberOf(group: Stored): number {
    return parseInt((group.pk as string).replaceAll("-", "").slice(0, 5), 16) % 100_000;
}

export function partialGroup(group: Stored): Fields {
    return {
        pk: group.pk,
        num_pk: numberOf(group),
        name: group.name,
        is_superuser: group.is_superuser,
        attributes: group.attributes,
    };
}

export function roleOf(world: World, pk: unknown): Fields {
    const role = world.store.get("rbac/roles", pk) as Stored;
    return { pk: role.pk, name: role.name };
}
