/** What a token for Authentik is allowed to do. Tested on Authentik 2025.12 and 2026.5. */
import { UserError } from "../userError";
import { type ApiAccess, AuthentikApi, type Patience, twoAttempts } from "./api";
import { failureIn } from "./failures";

export interface GrantedPermissions {
    username: string;
    /** A superuser may do everything. */
    isSuperuser: boolean;
    /** Granted on every object of their kind, through any of the roles. */
    everywhere: ReadonlySet<string>;
    /**
     * Granted at least on the service account. Undefined if that cannot be seen, as for a token that looks at itself.
     */
    onServiceAccount?: ReadonlySet<string>;
}

/** A question to Authentik about a token got no usable answer. */
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
 * What a token reveals about itself: two requests in a row, about 100 ms. Any token may ask.
 *
 * @param patience with passing failures. Default: two attempts, without waiting for an Authentik that is starting
 * @throws PermissionCheckError if Authentik does not answer, or refuses the token
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
        const what = `Could not read what the token for Authentik at ${api.url} may do`;
        const { status, message } = failure;
        if (status === undefined) throw new PermissionCheckError(`${what}: there was no answer. ${message}`);
        if (status === 200) throw new PermissionCheckError(`${what}: the answer was not Authentik's.`);
        throw new PermissionCheckError(`${what}: it answered ${status} to ${SELF}.`);
    }
}

/** The permissions that a role has on every object. */
export async function permissionsOfRole(api: AuthentikApi, role: string): Promise<string[]> {
    const rows = await api.list<PermissionRow>(
        "The permissions of a role in Authentik",
        `/rbac/permissions/?role=${encodeURIComponent(role)}`,
        500,
    );
    return rows.map(({ app_label, codename }) => `${app_label}.${codename}`);
}
