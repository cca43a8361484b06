import { json } from "../http";
import { milliseconds, newKey, timestamp } from "../identifiers";
import type { Stored } from "../stored";
import type { World } from "./kind";

import { InvalidRequest, type ObjectKind } from "./kind";
import { users } from "./users";

/**
 * API tokens and app passwords, with their trap: a PATCH or PUT without both `intent` and `user` turns a token into an
 * API token of the caller. Tokens last 30 minutes unless the user's attribute allows more; one that has expired is
 * still shown.
 */
export const tokens: ObjectKind = {
    path: "core/tokens",
    model: "authentik_core.token",
    className: "Token",
    verboseName: "Token",
    applicationName: "authentik Core",
    primaryKey: "uuid",
    lookup: "identifier",
    pathParameter: "identifier",
    extraPermissions: { view_token_key: "View token's key", set_token_key: "Set a token's key" },
    defaults: () => ({ managed: null, description: "", expiring: true, expires: null, key: newKey(60) }),
    unique: {
        identifier: { message: "Token with this identifier already exists." },
        managed: { message: "Token with this Managed by authentik already exists." },
    },
    references: { user: { to: ["core/users"], whenDeleted: "cascade" } },
    ordering: ["identifier", "expires"],
    search: ["identifier", "intent", "description"],
    owner: "user",
    createWithoutPermission: true,
    validate: ({ attributes, method }, { world, user: caller }) => {
        attributes.user ??= caller.pk;
        attributes.intent ??= "api";
        const normally = Date.now() + 30 * 60_000;
        if (attributes.intent === "app_password") {
            const owner = world.store.get("core/users", attributes.user) as Stored;
            const allowed = maximumLifetime(world, owner);
            const limit = allowed === undefined ? normally : Date.now() + allowed;
            if (typeof attributes.expires === "string" && Date.parse(attributes.expires) > limit) {
                const shown = timestamp(limit).replace("T", " ").replace("Z", "+00:00");
                throw new InvalidRequest({ expires: [`Token expires exceeds maximum lifetime (${shown} UTC).`] });
            }
        } else {
            attributes.expires = timestamp(normally);
        }
        if (method === "POST") {
            if (attributes.expires === undefined || attributes.expires === null)
                attributes.expires = attributes.expiring === false ? null : timestamp(normally);
            // Only a superuser makes tokens for others; for anybody else the token is silently their own.
            if (!world.permissions.isSuperuser(caller)) Object.assign(attributes, { user: caller.pk, expiring: true });
        }
    },
    represent: (token, context) => ({
        pk: token.pk,
        managed: token.managed,
        identifier: token.identifier,
        intent: token.intent,
        user: token.user,
        user_obj: users.represent(context.world.store.get("core/users", token.user) as Stored, context),
        description: token.description,
        expires: token.expires,
        expiring: token.expiring,
    }),
    actions: {
        view_key: {
            permission: "authentik_core.view_token_key",
            unfiltered: true,
            run: (token) => json(200, { key: token.key }),
        },
    },
};

/** What the attribute of the user, or of one of their groups, allows, in milliseconds. */
function maximumLifetime(world: World, user: Stored): number | undefined {
    const name = "goauthentik.io/user/token-maximum-lifetime";
    for (const holder of [user, ...world.permissions.groupsOf(user)]) {
        const value = (holder.attributes as Record<string, unknown>)[name];
        if (typeof value === "string") return milliseconds(value);
    }
    return undefined;
}

/** Whether a token may be used: an expiring one only until it expires. */
export function isValid(token: Stored): boolean {
    return token.expiring !== true || typeof token.expires !== "string" || Date.parse(token.expires) > Date.now();
}
