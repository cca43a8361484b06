/** What a token for Authentik is allowed to do. Tried on Authentik 2025.12 and 2026.5. */
import { outgoing, type Send } from "../http/outgoing";
import { everyPage } from "../http/paging";
import { outsideText } from "../outsideText";

export interface GrantedPermissions {
    username: string;
    /** A superuser may do everything. */
    isSuperuser: boolean;
    /** Held on every object of their kind, through any of the roles. */
    everywhere: ReadonlySet<string>;
    /** Held on the service account at least; undefined where it cannot be seen, which is so for a token that looks at itself. */
    onServiceAccount?: ReadonlySet<string>;
}

/** A question to Authentik about a token that was not answered as it should be. */
export class PermissionCheckError extends Error {}

export interface TokenAccess {
    /** Authentik's address, for example `https://authentik.example.org`. */
    url: string;
    token: string;
    /** Headers for a proxy in front. */
    headers?: Record<string, string>;
    /** Default: directly, or through the environment's proxy. */
    way?: Send;
    /** Milliseconds for each answer. Default 10,000. */
    timeout?: number;
}

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
 * @throws PermissionCheckError where Authentik does not answer, or refuses the token.
 */
export async function grantedTo(access: TokenAccess): Promise<GrantedPermissions> {
    const { user } = await ask<Self>(access, "/core/users/me/");
    if (user.is_superuser) return { username: user.username, isSuperuser: true, everywhere: new Set() };
    const lists = await Promise.all(
        (user.roles ?? []).map((role) => permissionsOfRole(role.pk, (path) => ask(access, path))),
    );
    return { username: user.username, isSuperuser: false, everywhere: new Set(lists.flat()) };
}

/** The permissions that a role holds everywhere, page by page. */
export async function permissionsOfRole(role: string, get: (path: string) => Promise<unknown>): Promise<string[]> {
    return everyPage(
        "The permissions of a role in Authentik",
        async (page: number) => {
            const path = `/rbac/permissions/?role=${encodeURIComponent(role)}&page_size=500&page=${page}`;
            const { results, pagination } = (await get(path)) as {
                pagination: { next: number };
                results: PermissionRow[];
            };
            const items = results.map(({ app_label, codename }) => `${app_label}.${codename}`);
            return { items, next: pagination.next > 0 ? pagination.next : undefined };
        },
        1,
    );
}

async function ask<T>(
    { url, token, headers, way = outgoing(), timeout = 10_000 }: TokenAccess,
    path: string,
): Promise<T> {
    const base = url.replace(/\/+$/, "").replace(/\/api\/v3$/, "");
    const problem = (what: string) =>
        new PermissionCheckError(`What the token for Authentik at ${base} may do could not be read: ${what}`);
    let response: Response;
    let text: string;
    try {
        response = await way(new URL(`${base}/api/v3${path}`), {
            method: "GET",
            headers: { ...headers, accept: "application/json", authorization: `Bearer ${token}` },
            signal: AbortSignal.timeout(timeout),
        });
        text = await response.text();
    } catch (error) {
        const { cause } = error as { cause?: Error };
        throw problem(`there was no answer (${outsideText((cause ?? (error as Error)).message)}).`);
    }
    try {
        if (response.status === 200) return JSON.parse(text) as T;
    } catch {
        throw problem("the answer was not Authentik's.");
    }
    throw problem(`it answered ${response.status} to ${path.split("?")[0]}.`);
}
