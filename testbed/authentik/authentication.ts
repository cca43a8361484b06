import type { World } from "./objects/kind";
import { isValid } from "./objects/tokens";
import { verifyPassword } from "./passwords";
import type { Stored } from "./stored";

/** Who proved to be somebody, and how. */
export interface Authenticated {
    readonly user: Stored;
    readonly method: "password" | "token";
}

/**
 * Tries a password stage's backends in turn: the user's own password (not of an inactive user), then app passwords. An
 * API token is not a password; an expired app password is none either. An app password of an inactive user passes here
 * and is stopped at login.
 */
export function authenticate(
    world: World,
    backends: readonly string[],
    username: string,
    password: unknown,
): Authenticated | undefined {
    const user = world.store.find("core/users", "username", username);
    if (!user || typeof password !== "string" || password === "") return undefined;
    for (const backend of backends) {
        if (backend === "authentik.core.auth.InbuiltBackend") {
            if (user.is_active === true && verifyPassword(password, user.password)) return { user, method: "password" };
        } else if (backend === "authentik.core.auth.TokenBackend" && appPassword(world, user, password)) {
            return { user, method: "token" };
        }
    }
    return undefined;
}

/** The app password that a key belongs to. */
export function appPassword(world: World, user: Stored, key: string): Stored | undefined {
    return world.store
        .all("core/tokens")
        .find(
            (token) => token.user === user.pk && token.intent === "app_password" && token.key === key && isValid(token),
        );
}
