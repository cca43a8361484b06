/** What `npm run authentik-token` has made before, found by its names, and removed. */
import { type AdminApi, AdministrationError, moreOf, type Token, tokenPath } from "./adminApi";

/** Something that was made here, and can go. */
export interface Made {
    /** For people. */
    what: string;
    /** Its place in the API. */
    path: string;
}

/**
 * What there is of what was made under these names, in the order in which it goes. Changes nothing.
 *
 * @throws AdministrationError where something of such a name is not as it is made here, so that it may be somebody
 * else's
 */
export async function findMade(api: AdminApi, names: readonly string[]): Promise<Made[]> {
    const self = await api.self();
    if (!self.is_superuser)
        throw new AdministrationError(
            `AUTHENTIK_ADMIN_TOKEN is a token of ${self.username}, who is no superuser; ` +
                "whether it sees all that there is, and may remove it, is not known. Give a superuser's token.",
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
                `The user ${name} in Authentik is no service account (its type is ${user.type}), ` +
                    "and not what this command makes. Nothing was removed.",
            );
        if (user?.is_superuser)
            throw new AdministrationError(
                `The service account ${name} in Authentik is a superuser, by its groups: ` +
                    "somebody has made something else of it. Nothing was removed; look at it in Authentik.",
            );
        if (token && (token.intent !== "api" || token.user !== user?.pk))
            throw new AdministrationError(
                `The token ${name} in Authentik is not an API token of the service account ${name}, ` +
                    "and not what this command makes. Nothing was removed.",
            );
        // First what can be used.
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
