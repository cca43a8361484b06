/**
 * Creates role, account and token with an administrator's token, and leaves alone what already exists (Authentik
 * 2025.12 and newer).
 */
import type { Page } from "../../clients/authentik/api";
import { grantedTo } from "../../clients/authentik/permissions";
import {
    missingPermissions,
    missingPermissionsMessage,
    surplusPermissions,
} from "../../components/authentikPermissions";
import { type AdminApi, AdministrationError, moreOf, type Token, tokenPath, type User } from "./adminApi";
import { accountOf, codeName, everywhere, onServiceAccount, type TokenTask, tokenOf } from "./task";

export interface AdministrationOptions {
    dryRun: boolean;
    /** Whether an existing token is replaced; the old one ends at once. */
    rotate: boolean;
    /** Whether permissions are removed that the role has and does not need. */
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

export class Administration {
    private readonly done: Done[] = [];
    private readonly warnings: string[] = [];

    constructor(
        private readonly api: AdminApi,
        private readonly options: AdministrationOptions,
    ) {}

    /** @throws AdministrationError with the remedy */
    async apply(task: TokenTask): Promise<Outcome> {
        const self = await this.api.self();
        if (!self.is_superuser) {
            throw new AdministrationError(
                `AUTHENTIK_ADMIN_TOKEN belongs to ${self.username}, who is not a superuser: ` +
                    "only a superuser can make a token for another user. " +
                    "For anyone else, Authentik would silently make it their own.",
            );
        }
        const version = await this.api.version();
        // Checked first, so that nothing is left behind if the service account is missing.
        const ciUsers: User[] = [];
        for (const name of onServiceAccount(task).length > 0 ? task.ciUsers : [])
            ciUsers.push(await this.serviceAccount(name));
        const role = await this.role(task.name);
        const account = await this.account(task);
        await this.membership(account, role, task.name);
        await this.permissions(task, role);
        for (const ciUser of ciUsers) await this.permissionsOn(ciUser, task, role);
        const key = await this.tokenKey(task, account);
        if (key !== undefined) await this.verify(task, key);
        return { version, done: this.done, warnings: this.warnings, key };
    }

    private async serviceAccount(username: string): Promise<User> {
        const user = await this.api.userNamed(username);
        if (!user)
            throw new AdministrationError(
                `There is no user ${username} in Authentik. ` +
                    "If identity.manageWorkloads is false, an administrator has to create it first, " +
                    "as a service account.",
            );
        if (user.type !== "service_account")
            throw new AdministrationError(
                `The user ${username} in Authentik is not a service account (its type is ${user.type}); ` +
                    "a token that could reset its password is not made.",
            );
        return user;
    }

    /** The role's id; undefined if a dry run would create it. */
    private async role(name: string): Promise<string | undefined> {
        return (
            await this.ensure(
                `role ${name}`,
                () => this.api.roleNamed(name),
                () => this.api.write("POST", "/rbac/roles/", { name }),
            )
        )?.pk;
    }

    private async account(task: TokenTask): Promise<User | undefined> {
        const account = await this.ensure(
            `service account ${task.name}`,
            () => this.api.userNamed(task.name),
            () => this.api.write("POST", "/core/users/", accountOf(task)),
        );
        if (!account) return undefined;
        if (account.type !== "service_account")
            throw new AdministrationError(
                `The user ${task.name} in Authentik is not a service account (its type is ${account.type}): ` +
                    "give the token's account another name with --name.",
            );
        if (!account.is_active)
            throw new AdministrationError(
                `The service account ${task.name} in Authentik is not active: ` +
                    "activate it, or give another name with --name.",
            );
        if (account.is_superuser)
            throw new AdministrationError(
                `The service account ${task.name} in Authentik is a superuser, because of its groups: ` +
                    "remove it from them, or give another name with --name.",
            );
        const more = moreOf(account, task.name);
        if (more !== "") this.warnings.push(`${task.name}${more.replace(", which", "")}, and whatever they allow.`);
        return account;
    }

    private async membership(account: User | undefined, role: string | undefined, name: string): Promise<void> {
        const has = account?.roles?.includes(role ?? "") ?? false;
        this.note(`${name} holds the role`, has ? "unchanged" : "created");
        if (!has && account && role && !this.options.dryRun)
            await this.api.repeat(() => this.api.write("POST", `/rbac/roles/${role}/add_user/`, { pk: account.pk }));
    }

    private async permissions(task: TokenTask, role: string | undefined): Promise<void> {
        const held = role === undefined ? [] : await this.api.heldEverywhere(role);
        const lacking = everywhere(task).filter((permission) => !held.includes(permission));
        const surplus = surplusPermissions({ everywhere: new Set(held) }, task.needed);
        const removing = this.options.prune ? surplus : [];
        this.note(
            `${everywhere(task).length} ` +
                `permissions${lacking.length > 0 ? `, of which ${lacking.length} added` : ""}${
                    removing.length > 0 ? `, ${removing.length} taken away: ` + `${removing.join(", ")}` : ""
                }`,
            lacking.length === 0 && removing.length === 0 ? "unchanged" : held.length === 0 ? "created" : "changed",
        );
        if (surplus.length > 0 && !this.options.prune)
            this.warnings.push(
                `The role ${task.name} has permissions that are not needed: ${surplus.join(", ")}. --prune removes them.`,
            );
        if (this.options.dryRun || role === undefined) return;
        if (lacking.length > 0)
            await this.api.repeat(() =>
                this.api.write("POST", `/rbac/permissions/assigned_by_roles/${role}/assign/`, { permissions: lacking }),
            );
        if (removing.length > 0)
            await this.api.repeat(() =>
                this.api.write("PATCH", `/rbac/permissions/assigned_by_roles/${role}/unassign/`, {
                    permissions: removing,
                }),
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
        const everywhereBefore = await this.api.heldEverywhere(role);
        await this.api.repeat(() =>
            this.api.write("POST", `/rbac/permissions/assigned_by_roles/${role}/assign/`, {
                permissions: lacking,
                model: "authentik_core.user",
                object_pk: String(user.pk),
            }),
        );
        const still = await this.lackingOn(user, wanted, role);
        if (still.length === 0) return;
        // If the object is gone, Authentik 2026.5 silently grants the permission on every object.
        const escaped = (await this.api.heldEverywhere(role)).filter(
            (permission) => lacking.includes(permission) && !everywhereBefore.includes(permission),
        );
        if (escaped.length > 0)
            await this.api.repeat(() =>
                this.api.write("PATCH", `/rbac/permissions/assigned_by_roles/${role}/unassign/`, {
                    permissions: escaped,
                }),
            );
        throw new AdministrationError(
            `The role ${task.name} did not get ${still.join(", ")} on ${user.username}: ` +
                "the account was deleted meanwhile, or Authentik does not show them. " +
                "Look at the role in Authentik, and run this again.",
        );
    }

    private async lackingOn(user: User, wanted: readonly string[], role: string): Promise<string[]> {
        interface Assigned {
            role_pk: string;
            object_permissions: { codename: string; model: string; object_pk: string }[];
        }
        const { results } = await this.api.get<Page<Assigned>>(
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
        const find = () => this.api.find<Token>(path);
        let present = await find();
        if (present && (present.intent !== "api" || present.user !== account?.pk))
            throw new AdministrationError(
                `There is a token ${task.name} in Authentik that is not an API token of ${task.name}: ` +
                    "remove it, or give another name with --name.",
            );
        if (present?.expiring && !this.options.rotate)
            this.warnings.push(
                `The token ${task.name} expires, half an hour after it was made: make one that does not with --rotate.`,
            );
        if (present && this.options.rotate) {
            this.note(`token ${task.name}, in place of the former, which ended`, "changed");
            if (this.options.dryRun) return undefined;
            await this.api.remove(path);
            present = undefined;
        } else {
            this.note(`token ${task.name}`, present ? "unchanged" : "created");
        }
        if (this.options.dryRun || !account) return undefined;
        if (!present) {
            const made = (await this.api.certain(find, () =>
                this.api.write<Token>("POST", "/core/tokens/", tokenOf(task, account.pk)),
            ))!;
            if (made.user !== account.pk) {
                await this.api.write("DELETE", path);
                throw new AdministrationError(
                    `Authentik made the token ${task.name} one of the caller instead of ${task.name}. ` +
                        "It does so for anyone but a superuser; the token was deleted. " +
                        "Give a superuser's token as AUTHENTIK_ADMIN_TOKEN.",
                );
            }
        }
        return (await this.api.get<{ key: string }>(`${path}view_key/`)).key;
    }

    /** Checks what the new token may do. */
    private async verify(task: TokenTask, key: string): Promise<void> {
        const granted = await grantedTo({ url: this.api.url, token: key, transport: this.api.transport });
        if (granted.username !== task.name || granted.isSuperuser)
            throw new AdministrationError(
                `The new token belongs to ${granted.username}${granted.isSuperuser ? ", a superuser" : ""}, ` +
                    `not of ${task.name}; it was not handed out. Remove it in Authentik.`,
            );
        // Permissions on one object were checked when they were granted; a token cannot see its own.
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
        return present ?? (this.options.dryRun ? undefined : this.api.certain(find, make));
    }
}
