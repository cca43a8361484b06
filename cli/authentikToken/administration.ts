/** Makes role, account and token with an administrator's token, and leaves alone what is there already (Authentik 2025.12 and newer). */
import { setTimeout as sleep } from "node:timers/promises";
import { grantedTo, permissionsOfRole } from "../../clients/authentik/permissions";
import type { Send } from "../../clients/http/outgoing";
import {
    missingPermissions,
    missingPermissionsMessage,
    surplusPermissions,
} from "../../components/authentikPermissions";
import { accountOf, codeName, everywhere, onServiceAccount, type TokenTask, tokenOf } from "./task";

/** Something that could not be done, to the administrator. */
export class AdministrationError extends Error {}

export interface AdministrationOptions {
    dryRun: boolean;
    /** Whether a token that exists is replaced; the old one ends at once. */
    rotate: boolean;
    /** Whether permissions that the role holds and does not need are taken away. */
    prune: boolean;
}

export interface Done {
    what: string;
    change: "created" | "changed" | "unchanged";
}

export interface Outcome {
    version: string;
    done: Done[];
    warnings: string[];
    /** The token's key; undefined in a dry run. */
    key: string | undefined;
}

interface User {
    pk: number;
    username: string;
    type: string;
    is_active: boolean;
    is_superuser: boolean;
    roles?: string[];
    groups_obj?: { name: string }[] | null;
    roles_obj?: { pk: string; name: string }[] | null;
}

interface Token {
    identifier: string;
    intent: string;
    user: number;
    expiring: boolean;
}

/** Something that was made here, and can go. */
export interface Made {
    /** For people. */
    what: string;
    /** Its place in the API. */
    path: string;
}

const tokenPath = (name: string) => `/core/tokens/${encodeURIComponent(name)}/`;

/** What an account has besides, which goes with it. */
function moreOf({ groups_obj: groups, roles_obj: roles }: User, name: string): string {
    const more = [
        ...(groups ?? []).map((group) => `the group ${group.name}`),
        ...(roles ?? [])
            .filter((role) => role.name !== name && !role.name.startsWith("ak-managed-role--"))
            .map((role) => `the role ${role.name}`),
    ];
    return more.length > 0 ? `, which also has ${more.join(", ")}` : "";
}

interface List<Item> {
    results: Item[];
}

/** The first version with roles of users. */
const OLDEST = [2025, 12];
const TIMEOUT = 60_000;
const ATTEMPTS = 4;
const PAUSE = 1_000;

/** The answer to a write is lost or is an error of the server, so that it may have been done all the same. */
class Uncertain extends AdministrationError {}

export class Administration {
    private readonly done: Done[] = [];
    private readonly warnings: string[] = [];

    /** @param url Authentik's address, without a slash at its end */
    constructor(
        private readonly url: string,
        private readonly token: string,
        private readonly way: Send,
        private readonly options: AdministrationOptions,
    ) {}

    /** @throws AdministrationError with the remedy */
    async carryOut(task: TokenTask): Promise<Outcome> {
        const self = await this.self();
        if (!self.is_superuser) {
            throw new AdministrationError(
                `AUTHENTIK_ADMIN_TOKEN is a token of ${self.username}, who is no superuser: only a superuser can make a token for another user. For anyone else it would silently be their own.`,
            );
        }
        const version = await this.version();
        // Looked at first, so that nothing is left behind where the service account is missing.
        const ciUser = onServiceAccount(task).length > 0 ? await this.serviceAccount(task.ciUser) : undefined;
        const role = await this.role(task.name);
        const account = await this.account(task);
        await this.membership(account, role, task.name);
        await this.permissions(task, role);
        if (ciUser) await this.permissionsOn(ciUser, task, role);
        const key = await this.tokenKey(task, account);
        if (key !== undefined) await this.verify(task, key);
        return { version, done: this.done, warnings: this.warnings, key };
    }

    private async self(): Promise<{ username: string; is_superuser: boolean }> {
        return (await this.get<{ user: { username: string; is_superuser: boolean } }>("/core/users/me/")).user;
    }

    /**
     * What there is of what was made under these names, in the order in which it goes. Changes nothing.
     *
     * @throws AdministrationError where something of such a name is not as it is made here, so that it may be somebody else's
     */
    async made(names: readonly string[]): Promise<Made[]> {
        const self = await this.self();
        if (!self.is_superuser)
            throw new AdministrationError(
                `AUTHENTIK_ADMIN_TOKEN is a token of ${self.username}, who is no superuser; whether it sees all that there is, and may remove it, is not known. Give a superuser's token.`,
            );
        const found: Made[] = [];
        for (const name of names) {
            const [user, role, token] = [
                await this.userNamed(name),
                await this.roleNamed(name),
                await this.get<Token>(tokenPath(name), true),
            ];
            if (user && user.type !== "service_account")
                throw new AdministrationError(
                    `The user ${name} in Authentik is no service account (its type is ${user.type}), and not what this command makes. Nothing was removed.`,
                );
            if (user?.is_superuser)
                throw new AdministrationError(
                    `The service account ${name} in Authentik is a superuser, by its groups: somebody has made something else of it. Nothing was removed; look at it in Authentik.`,
                );
            if (token && (token.intent !== "api" || token.user !== user?.pk))
                throw new AdministrationError(
                    `The token ${name} in Authentik is not an API token of the service account ${name}, and not what this command makes. Nothing was removed.`,
                );
            // First what can be used.
            if (token) found.push({ what: `token ${name}`, path: tokenPath(name) });
            if (user)
                found.push({ what: `service account ${name}${moreOf(user, name)}`, path: `/core/users/${user.pk}/` });
            if (role) found.push({ what: `role ${name}`, path: `/rbac/roles/${role.pk}/` });
        }
        return found;
    }

    /** Removes what {@link made} has found; what has gone meanwhile is as good. */
    async remove(found: readonly Made[]): Promise<void> {
        for (const { path } of found) {
            await this.repeat(async () => {
                if ((await this.get<unknown>(path, true)) !== undefined) await this.write("DELETE", path);
            });
        }
    }

    private async version(): Promise<string> {
        const { version_current: version } = await this.get<{ version_current: string }>("/admin/version/");
        const [year = 0, month = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
        if (year < OLDEST[0]! || (year === OLDEST[0] && month < OLDEST[1]!)) {
            throw new AdministrationError(
                `Authentik ${version} has roles for groups only; users have them since 2025.12. Make a role with the permissions that --steps lists, a group that has the role, and a service account in that group with an API token.`,
            );
        }
        return version;
    }

    private async serviceAccount(username: string): Promise<User> {
        const user = await this.userNamed(username);
        if (!user)
            throw new AdministrationError(
                `There is no user ${username} in Authentik. Where identity.manageWorkloads is false an administrator makes it, as a service account, before this.`,
            );
        if (user.type !== "service_account")
            throw new AdministrationError(
                `The user ${username} in Authentik is no service account (its type is ${user.type}); no token is made that could reset its password.`,
            );
        return user;
    }

    private async userNamed(username: string): Promise<User | undefined> {
        const { results } = await this.get<List<User>>(`/core/users/?username=${encodeURIComponent(username)}`);
        return results.find((user) => user.username === username);
    }

    private async roleNamed(name: string): Promise<{ pk: string; name: string } | undefined> {
        const { results } = await this.get<List<{ pk: string; name: string }>>(
            `/rbac/roles/?name=${encodeURIComponent(name)}`,
        );
        return results.find((role) => role.name === name);
    }

    /** The role's id; undefined where a dry run would make it. */
    private async role(name: string): Promise<string | undefined> {
        return (
            await this.ensure(
                `role ${name}`,
                () => this.roleNamed(name),
                () => this.write("POST", "/rbac/roles/", { name }),
            )
        )?.pk;
    }

    private async account(task: TokenTask): Promise<User | undefined> {
        const account = await this.ensure(
            `service account ${task.name}`,
            () => this.userNamed(task.name),
            () => this.write("POST", "/core/users/", accountOf(task)),
        );
        if (!account) return undefined;
        if (account.type !== "service_account")
            throw new AdministrationError(
                `The user ${task.name} in Authentik is no service account (its type is ${account.type}): give the token's account another name with --name.`,
            );
        if (!account.is_active)
            throw new AdministrationError(
                `The service account ${task.name} in Authentik is not active: activate it, or give another name with --name.`,
            );
        if (account.is_superuser)
            throw new AdministrationError(
                `The service account ${task.name} in Authentik is a superuser, by its groups: take it out of them, or give another name with --name.`,
            );
        const more = moreOf(account, task.name);
        if (more !== "") this.warnings.push(`${task.name}${more.replace(", which", "")}, and whatever they allow.`);
        return account;
    }

    private async membership(account: User | undefined, role: string | undefined, name: string): Promise<void> {
        const has = account?.roles?.includes(role ?? "") ?? false;
        this.note(`${name} holds the role`, has ? "unchanged" : "created");
        if (!has && account && role && !this.options.dryRun)
            await this.repeat(() => this.write("POST", `/rbac/roles/${role}/add_user/`, { pk: account.pk }));
    }

    private async permissions(task: TokenTask, role: string | undefined): Promise<void> {
        const held = role === undefined ? [] : await this.heldEverywhere(role);
        const lacking = everywhere(task).filter((permission) => !held.includes(permission));
        const surplus = surplusPermissions({ everywhere: new Set(held) }, task.needed);
        const removing = this.options.prune ? surplus : [];
        this.note(
            `${everywhere(task).length} permissions${lacking.length > 0 ? `, of which ${lacking.length} added` : ""}${removing.length > 0 ? `, ${removing.length} taken away: ${removing.join(", ")}` : ""}`,
            lacking.length === 0 && removing.length === 0 ? "unchanged" : held.length === 0 ? "created" : "changed",
        );
        if (surplus.length > 0 && !this.options.prune)
            this.warnings.push(
                `The role ${task.name} holds what this needs not: ${surplus.join(", ")}. --prune takes it away.`,
            );
        if (this.options.dryRun || role === undefined) return;
        if (lacking.length > 0)
            await this.repeat(() =>
                this.write("POST", `/rbac/permissions/assigned_by_roles/${role}/assign/`, { permissions: lacking }),
            );
        if (removing.length > 0)
            await this.repeat(() =>
                this.write("PATCH", `/rbac/permissions/assigned_by_roles/${role}/unassign/`, { permissions: removing }),
            );
    }

    private async permissionsOn(user: User, task: TokenTask, role: string | undefined): Promise<void> {
        const wanted = onServiceAccount(task);
        const lacking = role === undefined ? wanted : await this.lackingOn(user, wanted, role);
        this.note(
            `on ${user.username} alone: ${wanted.map(codeName).join(", ")}`,
            lacking.length === 0 ? "unchanged" : "created",
        );
        if (this.options.dryRun || role === undefined || lacking.length === 0) return;
        const everywhereBefore = await this.heldEverywhere(role);
        await this.repeat(() =>
            this.write("POST", `/rbac/permissions/assigned_by_roles/${role}/assign/`, {
                permissions: lacking,
                model: "authentik_core.user",
                object_pk: String(user.pk),
            }),
        );
        const still = await this.lackingOn(user, wanted, role);
        if (still.length === 0) return;
        // For an object that is gone Authentik 2026.5 gives the permission on every object, and says nothing.
        const escaped = (await this.heldEverywhere(role)).filter(
            (permission) => lacking.includes(permission) && !everywhereBefore.includes(permission),
        );
        if (escaped.length > 0)
            await this.repeat(() =>
                this.write("PATCH", `/rbac/permissions/assigned_by_roles/${role}/unassign/`, { permissions: escaped }),
            );
        throw new AdministrationError(
            `The role ${task.name} did not get ${still.join(", ")} on ${user.username}: the account went away meanwhile, or Authentik does not show them. Look at the role in Authentik, and run this again.`,
        );
    }

    private heldEverywhere(role: string): Promise<string[]> {
        return permissionsOfRole(role, (path) => this.get(path));
    }

    private async lackingOn(user: User, wanted: readonly string[], role: string): Promise<string[]> {
        interface Assigned {
            role_pk: string;
            object_permissions: { codename: string; model: string; object_pk: string }[];
        }
        const { results } = await this.get<List<Assigned>>(
            `/rbac/permissions/assigned_by_roles/?model=authentik_core.user&object_pk=${user.pk}&page_size=500`,
        );
        const held = results.find((assigned) => assigned.role_pk === role)?.object_permissions ?? [];
        return wanted.filter(
            (permission) =>
                !held.some(
                    ({ codename, model, object_pk }) =>
                        codename === codeName(permission) && model === "user" && object_pk === String(user.pk),
                ),
        );
    }

    private async tokenKey(task: TokenTask, account: User | undefined): Promise<string | undefined> {
        const path = tokenPath(task.name);
        const find = () => this.get<Token>(path, true);
        let present = await find();
        if (present && (present.intent !== "api" || present.user !== account?.pk))
            throw new AdministrationError(
                `There is a token ${task.name} in Authentik that is not an API token of ${task.name}: remove it, or give another name with --name.`,
            );
        if (present?.expiring && !this.options.rotate)
            this.warnings.push(
                `The token ${task.name} expires, half an hour after it was made: make one that does not with --rotate.`,
            );
        if (present && this.options.rotate) {
            this.note(`token ${task.name}, in place of the former, which ended`, "changed");
            if (this.options.dryRun) return undefined;
            await this.repeat(async () => {
                if (await find()) await this.write("DELETE", path);
            });
            present = undefined;
        } else {
            this.note(`token ${task.name}`, present ? "unchanged" : "created");
        }
        if (this.options.dryRun || !account) return undefined;
        if (!present) {
            const made = (await this.certain(find, () =>
                this.write<Token>("POST", "/core/tokens/", tokenOf(task, account.pk)),
            ))!;
            if (made.user !== account.pk) {
                await this.write("DELETE", path);
                throw new AdministrationError(
                    `Authentik made the token ${task.name} one of the caller instead of ${task.name}, which it does for anyone but a superuser; it was deleted. Give a superuser's token as AUTHENTIK_ADMIN_TOKEN.`,
                );
            }
        }
        return (await this.get<{ key: string }>(`${path}view_key/`)).key;
    }

    /** What the new token says of itself. */
    private async verify(task: TokenTask, key: string): Promise<void> {
        const granted = await grantedTo({ url: this.url, token: key, way: this.way });
        if (granted.username !== task.name || granted.isSuperuser)
            throw new AdministrationError(
                `The new token is one of ${granted.username}${granted.isSuperuser ? ", a superuser" : ""}, not of ${task.name}; it was not handed out. Remove it in Authentik.`,
            );
        // Those on one object were looked at when they were given; a token does not see its own.
        const message = missingPermissionsMessage(missingPermissions(granted, task.needed), granted.username);
        if (message) throw new AdministrationError(message);
    }

    private note(what: string, change: Done["change"]): void {
        this.done.push({ what, change });
    }

    private async ensure<T>(
        what: string,
        find: () => Promise<T | undefined>,
        make: () => Promise<T>,
    ): Promise<T | undefined> {
        const present = await find();
        this.note(what, present ? "unchanged" : "created");
        return present ?? (this.options.dryRun ? undefined : this.certain(find, make));
    }

    /** After an uncertain answer it is looked whether it was made. */
    private async certain<T>(find: () => Promise<T | undefined>, make: () => Promise<T>): Promise<T> {
        return this.repeat(async () => (await find()) ?? make());
    }

    /** Work that may be done twice. */
    private async repeat<T>(work: () => Promise<T>): Promise<T> {
        for (let attempt = 1; ; attempt++) {
            try {
                return await work();
            } catch (error) {
                if (!(error instanceof Uncertain) || attempt >= ATTEMPTS) throw error;
                await sleep(PAUSE * attempt);
            }
        }
    }

    private get<T>(path: string): Promise<T>;
    private get<T>(path: string, mayBeMissing: true): Promise<T | undefined>;
    private get<T>(path: string, mayBeMissing = false): Promise<T | undefined> {
        return this.repeat(() => this.send<T>("GET", path, undefined, mayBeMissing));
    }

    private write<T>(method: "POST" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T> {
        return this.send<T>(method, path, body, false) as Promise<T>;
    }

    private async send<T>(method: string, path: string, body: unknown, mayBeMissing: boolean): Promise<T | undefined> {
        const place = `${method} ${path.split("?")[0]}`;
        let response: Response;
        let text: string;
        try {
            response = await this.way(new URL(`${this.url}/api/v3${path}`), {
                method,
                headers: {
                    accept: "application/json",
                    authorization: `Bearer ${this.token}`,
                    ...(body === undefined ? {} : { "content-type": "application/json" }),
                },
                body: body === undefined ? undefined : JSON.stringify(body),
                signal: AbortSignal.timeout(TIMEOUT),
            });
            text = await response.text();
        } catch (error) {
            const { cause } = error as { cause?: Error };
            throw new Uncertain(
                `Authentik at ${this.url} gave no answer to ${place}: ${(cause ?? (error as Error)).message}. For a private authority set NODE_EXTRA_CA_CERTS, for a proxy HTTPS_PROXY.`,
            );
        }
        const { status } = response;
        const isJson = /\bjson\b/i.test(response.headers.get("content-type") ?? "");
        if (status === 204) return undefined;
        if (status >= 200 && status < 300 && isJson) return JSON.parse(text) as T;
        // The key of a token is only in answers of 200, so what is said of another is fit to be shown.
        const detail = isJson ? text.slice(0, 300) : "";
        if (status === 404 && isJson && mayBeMissing) return undefined;
        if (status >= 500 || (status === 405 && !isJson))
            throw new Uncertain(`Authentik at ${this.url} failed (${status}) at ${place}; its log says why.`);
        if (status === 403 && /token invalid|credentials were not provided|expired/i.test(detail))
            throw new AdministrationError(`Authentik at ${this.url} refused AUTHENTIK_ADMIN_TOKEN: ${detail}`);
        if (status >= 200 && status < 400)
            throw new AdministrationError(
                `${this.url} answered ${status} to ${place} with something else than Authentik's API does. Is the address right, and does a proxy in front ask for a login?`,
            );
        throw new AdministrationError(
            `Authentik at ${this.url} answered ${status} to ${place}${detail ? `: ${detail}` : ""}.`,
        );
    }
}
