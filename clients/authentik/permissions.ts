/** What a token for Authentik is allowed to do. Tried on Authentik 2025.12 and 2026.5. */
import { UserError } from "../userError";
import { type ApiAccess, AuthentikApi, type Patience, twoAttempts } from "./api";
import { failureIn } from "./failures";

export interface GrantedPermissions {
    username: string;
    /** A superuser may do everything. */
    isSuperuser: boolean;
    /** Held on every object of their kind, through any of the roles. */
    everywhere: ReadonlySet<string>;
    /**
     * Held on the service account at least; undefined where it cannot be seen, which is so for a token that looks at
     * itself.
     */
    onServiceAccount?: ReadonlySet<string>;
}

/** A question to Authentik about a token that was not answered as it should be. */
export class PermissionCheckError extends UserError {}

const SELF = "/core/users/me/";

interface Self {
    user: { username: string; is_superuser: boolean; roles: { pk: string; name: string }[] };
}

interface PermissionRow {
    app_label: string;
    codename: string;
}

/**
 * What a token says of itself: two requests one after the other, about 100 ms. Any token may ask.
 *
 * @param patience with what fails in passing. Default: two attempts, none of them for an Authentik that is starting
 * @throws PermissionCheckError where Authentik does not answer, or refuses the token.
 */
export async function grantedTo(access: ApiAccess, patience: Patience = twoAttempts()): Promise<GrantedPermissions> {
    const api = new AuthentikApi(access, patience);
    try {
        const { user } = await api.request<Self>(SELF);
        if (user.is_superuser) return { username: user.username, isSuperuser: true, everywhere: new Set() };
        const lists = await Promise.all((user.roles ?? []).map(({ pk }) => permissionsOfRole(api, pk)));
        return { username: user.username, isSuperuser: false, everywhere: new Set(lists.flat()) };
    } catch (error) {
        const failure = failureIn(error);
        if (!failure) throw error;
        const what = `What the token for Authentik at ${api.url} may do could not be read`;
        const { status, message } = failure;
        if (status === undefined) throw new PermissionCheckError(`${what}: there was no answer. ${message}`);
        if (status === 200) throw new PermissionCheckError(`${what}: the answer was not Authentik's.`);
        throw new PermissionCheckError(`${what}: it answered ${status} to ${SELF}.`);
    }
}

/** The permissions that a role holds everywhere. */
export async function permissionsOfRole(api: AuthentikApi, role: string): Promise<string[]> {
    const rows = await api.list<PermissionRow>(
        "The permissions of a role in Authentik",
        `/rbac/permissions/?role=${encodeURIComponent(role)}`,
        500,
    );
    return rows.map(({ app_label, codename }) => `${app_label}.${codename}`);
}
