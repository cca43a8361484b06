/**
 * What a run makes in Authentik: a user of each tier, what lets it log in, and nothing that outlives the run.
 * Every name is derived from the run's name in advance, so everything can be removed whatever happened in between.
 */
import { randomBytes } from "node:crypto";
import type { User } from "@goauthentik/api";
import { during } from "../../clients/authentik/call";
import { type Client, everyPage } from "../../clients/authentik/client";
import { failureIn } from "../../clients/authentik/failures";
import { CircuitBreaker } from "./circuitBreaker";
import type { Control } from "./control";
import { loginFlowParts, makeLoginFlow } from "./loginFlow";
import { isLeftOver, PREFIX, timeInName, userNameOf } from "./names";
import { notPossible } from "./outcome";
import type { Subject } from "./subject";

/** The rights of a test user: CI's, an admin's, or those of a user in no group. */
export type Tier = "ci" | "admin" | "groupless";

export interface TestAccount {
    user: User;
    password: string;
}

export class TestAccounts {
    private readonly accounts = new Map<Tier, TestAccount>();
    private readonly bindings: string[] = [];
    private readonly appPasswords: string[] = [];
    /** Slugs of this run's own login flows. */
    private readonly flows = new Map<Tier, string>();
    /** Whether parts of such flows may exist: the slug of a flow that failed half-way is not known here. */
    private mayHaveFlows = false;
    /** Whether users of this run may exist: a user whose creation got no answer is not known here. */
    private mayHaveUsers = false;

    constructor(
        private readonly client: Client,
        private readonly subject: Subject,
        private readonly run: string,
        private readonly control: Control,
    ) {}

    /** The account of a tier; creates it if necessary. */
    async of(tier: Tier): Promise<TestAccount> {
        const known = this.accounts.get(tier);
        if (known) return known;
        this.control.check();
        const user = await this.createUser(userNameOf(this.run, tier), await this.groupsOf(tier));
        const password = `${randomBytes(24).toString("base64url")}aA1!`;
        await this.client.repeating(() =>
            this.client.core.coreUsersSetPasswordCreate({ id: user.pk, userPasswordSetRequest: { password } }),
        );
        const account = { user, password };
        this.accounts.set(tier, account);
        return account;
    }

    private async groupsOf(tier: Tier): Promise<string[]> {
        if (tier === "groupless") return [];
        const name = tier === "ci" ? this.subject.workloadsGroup : this.subject.adminsGroup;
        const { results } = await this.untilInterrupted(() =>
            this.client.reading(() => this.client.core.coreGroupsList({ name })),
        );
        const found = results.find((group) => group.name === name);
        if (!found)
            throw notPossible(
                `Authentik shows no group ${name}: it is not there, ` +
                    "or the token may not see it (authentik_core.view_group).",
            );
        return [found.pk];
    }

    private async createUser(username: string, groups: string[]): Promise<User> {
        // If the user name did not reach zot, zot would use this address instead.
        const userRequest = {
            username,
            name: username,
            type: "service_account" as const,
            path: PREFIX,
            email: `${username}@zot-hardening-verify.invalid`,
            groups,
            attributes: {},
        };
        try {
            return await this.client.writing(() => {
                // The version of Authentik is requested first, and a signal may have arrived meanwhile.
                this.control.check();
                this.mayHaveUsers = true;
                return this.client.core.coreUsersCreate({ userRequest });
            });
        } catch (error) {
            // Authentik sometimes answers 500 although it has done what it was asked to do.
            const made =
                failureIn(error)?.kind === "uncertain"
                    ? (await this.usersOfRun()).find((user) => user.username === username)
                    : undefined;
            if (made) return made;
            throw error;
        }
    }

    /** The slug of this run's own login flow for a tier's user, if one was made. */
    ownFlowOf(tier: Tier): string | undefined {
        return this.flows.get(tier);
    }

    /** Makes a login flow without a second factor for a tier's user only; once. */
    async makeOwnFlow(tier: Tier): Promise<void> {
        if (this.flows.has(tier)) return;
        const { username } = (await this.of(tier)).user;
        this.mayHaveFlows = true;
        this.flows.set(tier, await makeLoginFlow(this.client, `${username}-login`, username));
    }

    /**
     * Lets one user in, in addition to the groups that are bound.
     *
     * @param clientId client id of the provider that the registry's logins go to
     */
    async bindToApplication(user: User, clientId: string | undefined): Promise<void> {
        this.control.check();
        const application = await this.application(clientId);
        const { results } = await this.client.reading(() =>
            this.client.policies.policiesBindingsList({ target: application, pageSize: 100 }),
        );
        const order = Math.max(0, ...results.map((binding) => binding.order)) + 1;
        const binding = await this.client.policies.policiesBindingsCreate({
            policyBindingRequest: { target: application, user: user.pk, order },
        });
        this.bindings.push(binding.pk);
    }

    private async application(clientId: string | undefined): Promise<string> {
        const { results } = await this.client.reading(() => this.client.providers.providersOauth2List({ clientId }));
        const slug = results.find((provider) => provider.clientId === clientId)?.assignedApplicationSlug;
        if (!slug)
            throw notPossible(
                `Authentik shows no application for the client id ${clientId}; ` +
                    "the token may not see it (authentik_providers_oauth2.view_oauth2provider).",
            );
        return (await this.client.core.coreApplicationsRetrieve({ slug })).pk;
    }

    /**
     * An app password of a few minutes for an existing user.
     *
     * @throws Skipped if the token may not make one
     */
    async appPasswordOf(username: string): Promise<string> {
        this.control.check();
        const { results } = await this.client.reading(() => this.client.core.coreUsersList({ username }));
        const user = results.find((candidate) => candidate.username === username);
        if (!user) throw notPossible(`Authentik shows no user ${username}.`);
        const identifier = userNameOf(this.run, "keys");
        this.appPasswords.push(identifier);
        const tokenRequest = {
            identifier,
            intent: "app_password" as const,
            user: user.pk,
            description: "npm run verify",
            expiring: true,
        };
        const token = await this.client.core.coreTokensCreate({ tokenRequest });
        // For anyone but a superuser, Authentik silently makes the token the caller's own.
        if (token.user !== user.pk)
            throw notPossible(
                `Authentik's token may not log in as ${username}: only a superuser's may. ` +
                    "Give CI's key instead, as ZOT_CI_API_KEY.",
            );
        return (await this.client.core.coreTokensViewKeyRetrieve({ identifier })).key;
    }

    private usersOfRun(): Promise<User[]> {
        return this.usersWhere((username) => username.startsWith(`${PREFIX}-${this.run}-`));
    }

    private async usersWhere(condition: (username: string) => boolean): Promise<User[]> {
        const users = await everyPage((page, pageSize) =>
            this.client.reading(() => this.client.core.coreUsersList({ search: PREFIX, page, pageSize })),
        );
        // Authentik ignores unknown filters, so the result is checked.
        return users.filter((user) => user.username.startsWith(`${PREFIX}-`) && condition(user.username));
    }

    /** Removes what this run made in Authentik, and returns what it was. Calls `failed` for each failure. */
    async remove(failed: (what: string, error: unknown) => void): Promise<string[]> {
        const removed: string[] = [];
        const breaker = new CircuitBreaker();
        const attempt = async (what: string, work: () => Promise<unknown>) => {
            try {
                await breaker.run(() => this.removing(work));
                removed.push(what);
            } catch (error) {
                failed(what, error);
            }
        };
        for (const pk of this.bindings.splice(0))
            await attempt(`binding ${pk} in Authentik`, () =>
                this.client.policies.policiesBindingsDestroy({ policyBindingUuid: pk }),
            );
        for (const identifier of this.appPasswords.splice(0))
            await attempt(`app password ${identifier} in Authentik`, () =>
                this.client.core.coreTokensDestroy({ identifier }),
            );
        if (this.mayHaveFlows) {
            try {
                for (const { what, remove } of await breaker.run(() =>
                    loginFlowParts(this.client, `${PREFIX}-${this.run}-`),
                ))
                    await attempt(`${what} in Authentik`, remove);
            } catch (error) {
                failed(`the login flows ${PREFIX}-${this.run}-* in Authentik`, error);
            }
        }
        if (!this.mayHaveUsers) return removed;
        try {
            for (const user of await breaker.run(() => this.usersOfRun()))
                await attempt(`user ${user.username} in Authentik`, () =>
                    this.client.core.coreUsersDestroy({ id: user.pk }),
                );
        } catch (error) {
            failed(`the users ${PREFIX}-${this.run}-* in Authentik`, error);
        }
        return removed;
    }

    /** Removes what an interrupted run left in Authentik. A signal ends it at once; the next run removes the rest. */
    removeLeftOvers(now: Date): Promise<string[]> {
        return this.untilInterrupted(() => this.removeOlderThan(now));
    }

    /**
     * Work that makes nothing, so its requests need not be waited for.
     *
     * @throws RunEnded after a signal
     */
    private async untilInterrupted<T>(work: () => Promise<T>): Promise<T> {
        const { interrupted: cancelled } = this.control;
        try {
            return await during({ cancelled, log: () => Promise.resolve() }, work);
        } catch (error) {
            // The API's client wraps the error that ended its request.
            this.control.check();
            throw error;
        }
    }

    private async removeOlderThan(now: Date): Promise<string[]> {
        const isOld = (name: string) => isLeftOver(timeInName(name), now);
        const removed: string[] = [];
        for (const user of await this.usersWhere(isOld)) {
            await this.removing(() => this.client.core.coreUsersDestroy({ id: user.pk }));
            removed.push(`user ${user.username} in Authentik`);
        }
        const tokens = await everyPage((page, pageSize) =>
            this.client.reading(() => this.client.core.coreTokensList({ search: PREFIX, page, pageSize })),
        );
        for (const { identifier } of tokens.filter((token) => isOld(token.identifier))) {
            await this.removing(() => this.client.core.coreTokensDestroy({ identifier }));
            removed.push(`app password ${identifier} in Authentik`);
        }
        // A token that may not see flows cannot have made any.
        const parts = await loginFlowParts(this.client, `${PREFIX}-`).catch((error: unknown) => {
            if (failureIn(error)?.kind === "forbidden") return [];
            throw error;
        });
        for (const { what, remove } of parts.filter(({ name }) => isOld(name))) {
            await this.removing(remove);
            removed.push(`${what} in Authentik`);
        }
        return removed;
    }

    /** A deletion; an object that is already gone counts as deleted. */
    private async removing(work: () => Promise<unknown>): Promise<void> {
        try {
            await this.client.repeating(work);
        } catch (error) {
            if (failureIn(error)?.kind !== "not-found") throw error;
        }
    }
}
