/** Finds by name what `npm run authentik-token` has made, and removes it. */
import { type AdminApi, AdministrationError, moreOf, type Token, tokenPath } from "./adminApi";

/** An object that was made here and can be removed. */
export interface Made {
    /** Its name for people. */
    what: string;
    /** Its place in the API. */
    path: string;
}

/**
 * What exists under these names, in the order of removal. Changes nothing.
 *
 * @throws AdministrationError if an object with such a name differs from what is made here: it may belong to somebody
 * else
 */
export async function findMade(api: AdminApi, names: readonly string[]): Promise<Made[]> {
    const self = await api.self();
    if (!self.is_superuser)
        throw new AdministrationError(
            `AUTHENTIK_ADMIN_TOKEN belongs to ${self.username}, who is not a superuser; ` +
                "it is not known whether it sees everything and may remove it. Give a superuser's token.",
        );
    const found: Made[] = [];
    for (const name of names) {
        const [user, role, token] = [
            await api.userNamed(name),
            await api.roleNamed(name),
            await api.find<Token>(tokenPath(name)),
        ];
        if (user && user.type !== "service_account")
            throw new AdministrationError(
                `The user ${name} in Authentik is not a service account (its type is ${user.type}), ` +
                    "so this command has not made it. Nothing was removed.",
            );
        if (user?.is_superuser)
            throw new AdministrationError(
                `The service account ${name} in Authentik is a superuser, because of its groups: ` +
                    "somebody has changed it. Nothing was removed; look at it in Authentik.",
            );
        if (token && (token.intent !== "api" || token.user !== user?.pk))
            throw new AdministrationError(
                `The token ${name} in Authentik is not an API token of the service account ${name}, ` +
                    "so this command has not made it. Nothing was removed.",
            );
        // First what can be used to log in.
        if (token) found.push({ what: `token ${name}`, path: tokenPath(name) });
        if (user) found.push({ what: `service account ${name}${moreOf(user, name)}`, path: `/core/users/${user.pk}/` });
        if (role) found.push({ what: `role ${name}`, path: `/rbac/roles/${role.pk}/` });
    }
    return found;
}

/** Removes what {@link findMade} has found. */
export async function removeMade(api: AdminApi, found: readonly Made[]): Promise<void> {
    for (const { path } of found) await api.remove(path);
}
