/**
 * Users of Authentik that live as long as a run: one in CI's group, one in the admins' group, one in none; and what
 * they hold at zot.
 * Everything is known by the run's name before it is made, so that it can be removed whatever happened in between.
 */
import { randomBytes } from "node:crypto";
import type { User } from "@goauthentik/api";
import { Client, everyPage } from "../../clients/authentik/client";
import { failureIn } from "../../clients/authentik/failures";
import { FlowError } from "../../clients/authentik/flow";
import type { Send } from "../../clients/http/outgoing";
import { clockAhead, sendOne } from "../../clients/http/request";
import { type ApiKeys, KeyHolder } from "../../clients/zot/apiKeys";
import { LoginError, ZotSession } from "../../clients/zot/session";
import { notPossible } from "./check";
import { type Control, KEY_LIFETIME, LEFT_OVER_AGE } from "./control";
import { type Recorder, recordedSteps } from "./exchanges";
import { loginFlowParts, makeLoginFlow } from "./loginFlow";
import { PREFIX, timeInName, userNameOf } from "./names";
import { Registry } from "./registry";
import type { Subject } from "./subject";

export type Tier = "ci" | "admin" | "groupless";

export interface Identity {
    tier: Tier;
    username: string;
    registry: Registry;
    /** The user's own keys, by the one that it holds. */
    keys: ApiKeys;
    /** The uuid of the key in use. */
    keyUuid: string;
}

/** What people read in a report. */
export const CALLED: Record<Tier, string> = { ci: "CI", admin: "admin", groupless: "no group" };

/** Where a login ends that lacks a second factor: it is asked for, to be enrolled, or the login is denied. */
const SECOND_FACTOR = /^ak-stage-(authenticator-|access-denied)/;

interface Account {
    user: User;
    password: string;
}

export class Identities {
    private readonly client: Client;
    private readonly accounts = new Map<Tier, Account>();
    private readonly identities = new Map<Tier, Promise<Identity>>();
    private readonly bindings: string[] = [];
    private readonly tokens: string[] = [];

    constructor(
        private readonly subject: Subject,
        private readonly run: string,
        private readonly way: Send,
        private readonly recorder: Recorder,
        private readonly control: Control,
        authentik: { url: string; token: string },
    ) {
        const settings = {
            basePath: `${authentik.url}/api/v3`,
            url: authentik.url,
            token: authentik.token,
            headers: {},
        };
        this.client = new Client(() => settings);
    }

    /** Logs in as a user of a tier, once; the user, the login and the key are made where they are not there yet. */
    as(tier: Tier): Promise<Identity> {
        let identity = this.identities.get(tier);
        if (!identity) {
            identity = this.logIn(tier);
            identity.catch(() => undefined);
            this.identities.set(tier, identity);
        }
        return identity;
    }

    /**
     * What a person of a tier types into a browser, and the flow to go by first, where the site's own demands a second
     * factor.
     */
    async credentialsOf(tier: Tier): Promise<{ username: string; password: string; loginFlow: string | undefined }> {
        await this.as(tier);
        const { user, password } = await this.account(tier);
        return { username: user.username, password, loginFlow: this.subject.loginFlow ?? this.flows.get(tier) };
    }

    /** Every identity that came about. */
    async made(): Promise<Identity[]> {
        const settled = await Promise.allSettled(this.identities.values());
        return settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    }

    /**
     * Whether Authentik lets a user of no group in at all. Where it does not, the user is bound to the application by
     * itself.
     */
    admitGroupless(): Promise<"turned away" | "let in"> {
        this.admission ??= this.admit();
        return this.admission;
    }

    private admission: Promise<"turned away" | "let in"> | undefined;

    private async admit(): Promise<"turned away" | "let in"> {
        const account = await this.account("groupless");
        try {
            const session = await this.session("groupless", account);
            await session.end();
            return "let in";
        } catch (error) {
            if (!(error instanceof LoginError) || !error.message.includes("is in no group that is bound")) throw error;
        }
        await this.bind(account.user);
        return "turned away";
    }

    private async logIn(tier: Tier): Promise<Identity> {
        if (tier === "groupless") await this.admitGroupless();
        const account = await this.account(tier);
        const session = await this.session(tier, account);
        try {
            this.control.check();
            const { key, record } = await session.createApiKey(`${PREFIX} ${this.run}`, await this.expiry());
            const { username } = account.user;
            const registry = new Registry(
                this.subject.registryUrl,
                CALLED[tier],
                this.way,
                this.recorder,
                this.control,
                { username, key },
            );
            return {
                tier,
                username,
                registry,
                keys: new KeyHolder(this.way, this.subject.registryUrl, username, key).keys,
                keyUuid: record.uuid,
            };
        } finally {
            await session.end();
        }
    }

    /** Slugs of login flows of this run's own, where the site's demands a second factor. */
    private readonly flows = new Map<Tier, string>();
    private demandsSecondFactor = false;

    /** Whether the users of this run could not log in by the site's own flow. */
    get ownFlow(): boolean {
        return this.demandsSecondFactor;
    }

    private async session(tier: Tier, account: Account): Promise<ZotSession> {
        const { user, password } = account;
        this.control.check();
        const way = recordedSteps(this.way, this.recorder, CALLED[tier]);
        if (this.demandsSecondFactor && !this.flows.has(tier))
            this.flows.set(tier, await makeLoginFlow(this.client, `${user.username}-login`, user.username));
        const loginFlow = this.subject.loginFlow ?? this.flows.get(tier);
        try {
            return await ZotSession.login(
                this.subject.registryUrl,
                { username: user.username, password },
                { way, identityProvider: this.identityProvider, loginFlow },
            );
        } catch (error) {
            if (loginFlow !== undefined || !(error instanceof FlowError) || !SECOND_FACTOR.test(error.component ?? ""))
                throw error;
            this.demandsSecondFactor = true;
            return this.session(tier, account);
        }
    }

    /** Where passwords may be sent: the identity provider that was declared, and the one that made the accounts. */
    private get identityProvider(): string[] {
        return [this.subject.issuer, this.subject.authentik?.url].filter((address) => address !== undefined);
    }

    /** By the registry's clock, which is the one that counts. */
    private async expiry(): Promise<Date> {
        const ahead = clockAhead(await sendOne(this.way, `${this.subject.registryUrl}/livez`)) ?? 0;
        return new Date(Date.now() + ahead + KEY_LIFETIME);
    }

    private async account(tier: Tier): Promise<Account> {
        const known = this.accounts.get(tier);
        if (known) return known;
        this.control.check();
        const groups =
            tier === "groupless"
                ? []
                : [await this.group(tier === "ci" ? this.subject.workloadsGroup : this.subject.adminsGroup)];
        const username = userNameOf(this.run, tier);
        const user = await this.createUser(username, groups);
        const password = `${randomBytes(24).toString("base64url")}aA1!`;
        await this.client.repeating(() =>
            this.client.core.coreUsersSetPasswordCreate({ id: user.pk, userPasswordSetRequest: { password } }),
        );
        const account = { user, password };
        this.accounts.set(tier, account);
        return account;
    }

    private async group(name: string): Promise<string> {
        const { results } = await this.client.reading(() => this.client.core.coreGroupsList({ name }));
        const found = results.find((group) => group.name === name);
        if (!found)
            throw notPossible(
                `Authentik shows no group ${name}: it is not there, ` +
                    "or the token may not see it (authentik_core.view_group).",
            );
        return found.pk;
    }

    private async createUser(username: string, groups: string[]): Promise<User> {
        // Were the user's name not handed on, zot would take this address for it.
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
            return await this.client.writing(() => this.client.core.coreUsersCreate({ userRequest }));
        } catch (error) {
            // Authentik answers 500 now and then although it has done what it was asked to.
            const made =
                failureIn(error)?.kind === "uncertain"
                    ? (await this.usersOfRun()).find((user) => user.username === username)
                    : undefined;
            if (made) return made;
            throw error;
        }
    }

    /** Lets one user in beside the groups that are bound. */
    private async bind(user: User): Promise<void> {
        this.control.check();
        const application = await this.application();
        const { results } = await this.client.reading(() =>
            this.client.policies.policiesBindingsList({ target: application, pageSize: 100 }),
        );
        const order = Math.max(0, ...results.map((binding) => binding.order)) + 1;
        const binding = await this.client.policies.policiesBindingsCreate({
            policyBindingRequest: { target: application, user: user.pk, order },
        });
        this.bindings.push(binding.pk);
    }

    /** The application that the registry's logins go to: that of the provider with the client id that zot sends. */
    private async application(): Promise<string> {
        const login = await sendOne(
            this.way,
            `${this.subject.registryUrl}/zot/auth/login?provider=oidc&callback_ui=%2F`,
        );
        const clientId = login.location?.searchParams.get("client_id") ?? this.subject.clientId;
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
     * CI's service account, logged in with an app password of a few minutes, for its keys to be looked at.
     * @throws a skip where the token may not do so.
     */
    async asServiceAccount<T>(username: string, work: (session: ZotSession) => Promise<T>): Promise<T> {
        this.control.check();
        const { results } = await this.client.reading(() => this.client.core.coreUsersList({ username }));
        const user = results.find((candidate) => candidate.username === username);
        if (!user) throw notPossible(`Authentik shows no user ${username}.`);
        const identifier = `${userNameOf(this.run, "keys")}`;
        this.tokens.push(identifier);
        const tokenRequest = {
            identifier,
            intent: "app_password" as const,
            user: user.pk,
            description: "npm run verify",
            expiring: true,
        };
        const token = await this.client.core.coreTokensCreate({ tokenRequest });
        // For anyone but a superuser, the token is silently the caller's own.
        if (token.user !== user.pk)
            throw notPossible(
                `Authentik's token may not log in as ${username}: only a superuser's may. ` +
                    "Give CI's key instead, as ZOT_CI_API_KEY.",
            );
        const { key } = await this.client.core.coreTokensViewKeyRetrieve({ identifier });
        const session = await ZotSession.login(
            this.subject.registryUrl,
            { username, password: key },
            {
                way: recordedSteps(this.way, this.recorder, username),
                identityProvider: this.identityProvider,
                loginFlow: this.subject.ciLoginFlow,
            },
        );
        try {
            return await work(session);
        } finally {
            await session.end();
        }
    }

    private usersOfRun(): Promise<User[]> {
        return this.usersWhere((username) => username.startsWith(`${PREFIX}-${this.run}-`));
    }

    private async usersWhere(condition: (username: string) => boolean): Promise<User[]> {
        const users = await everyPage((page, pageSize) =>
            this.client.reading(() => this.client.core.coreUsersList({ search: PREFIX, page, pageSize })),
        );
        // A filter that Authentik does not know is ignored.
        return users.filter((user) => user.username.startsWith(`${PREFIX}-`) && condition(user.username));
    }

    /** Removes what this run made in Authentik; answers what it was. Each failure is told to `failed`. */
    async remove(failed: (what: string, error: unknown) => void): Promise<string[]> {
        const removed: string[] = [];
        const attempt = async (what: string, work: () => Promise<unknown>) => {
            try {
                await this.gone(work);
                removed.push(what);
            } catch (error) {
                failed(what, error);
            }
        };
        for (const pk of this.bindings.splice(0))
            await attempt(`binding ${pk} in Authentik`, () =>
                this.client.policies.policiesBindingsDestroy({ policyBindingUuid: pk }),
            );
        for (const identifier of this.tokens.splice(0))
            await attempt(`app password ${identifier} in Authentik`, () =>
                this.client.core.coreTokensDestroy({ identifier }),
            );
        if (this.demandsSecondFactor) {
            try {
                for (const { what, remove } of await loginFlowParts(this.client, `${PREFIX}-${this.run}-`))
                    await attempt(`${what} in Authentik`, remove);
            } catch (error) {
                failed(`the login flows ${PREFIX}-${this.run}-* in Authentik`, error);
            }
        }
        try {
            for (const user of await this.usersOfRun())
                await attempt(`user ${user.username} in Authentik`, () =>
                    this.client.core.coreUsersDestroy({ id: user.pk }),
                );
        } catch (error) {
            failed(`the users ${PREFIX}-${this.run}-* in Authentik`, error);
        }
        return removed;
    }

    /** Removes what an interrupted run left in Authentik. */
    async removeLeftOvers(now: Date): Promise<string[]> {
        const isOld = (name: string) => isLeftOver(timeInName(name), now);
        const removed: string[] = [];
        for (const user of await this.usersWhere(isOld)) {
            await this.gone(() => this.client.core.coreUsersDestroy({ id: user.pk }));
            removed.push(`user ${user.username} in Authentik`);
        }
        const tokens = await everyPage((page, pageSize) =>
            this.client.reading(() => this.client.core.coreTokensList({ search: PREFIX, page, pageSize })),
        );
        for (const { identifier } of tokens.filter((token) => isOld(token.identifier))) {
            await this.gone(() => this.client.core.coreTokensDestroy({ identifier }));
            removed.push(`app password ${identifier} in Authentik`);
        }
        // A token that may not see flows has made none either.
        const parts = await loginFlowParts(this.client, `${PREFIX}-`).catch((error: unknown) => {
            if (failureIn(error)?.kind === "forbidden") return [];
            throw error;
        });
        for (const { what, remove } of parts.filter(({ name }) => isOld(name))) {
            await this.gone(remove);
            removed.push(`${what} in Authentik`);
        }
        return removed;
    }

    /** A delete; gone already is as good. */
    private async gone(work: () => Promise<unknown>): Promise<void> {
        try {
            await this.client.repeating(work);
        } catch (error) {
            if (failureIn(error)?.kind !== "not-found") throw error;
        }
    }
}

/** Whether a run that began then has ended, one way or another. */
export const isLeftOver = (began: Date | undefined, now: Date) =>
    began !== undefined && now.getTime() - began.getTime() > LEFT_OVER_AGE;
