/** Users that live as long as a run, logged in at zot: one in CI's group, one in the admins', one in none. */
import { Client } from "../../clients/authentik/client";
import type { Transport } from "../../clients/http/outgoing";
import { clockAhead, sendOne } from "../../clients/http/request";
import { type ApiKeys, KeyHolder } from "../../clients/zot/apiKeys";
import { LoginError, ZotSession } from "../../clients/zot/session";
import { type Control, KEY_LIFETIME } from "./control";
import { type Recorder, recordedSteps } from "./exchanges";
import { demandedBy } from "./loginFlow";
import { PREFIX } from "./names";
import { Registry } from "./registry";
import type { Subject } from "./subject";
import { type TestAccount, TestAccounts, type Tier } from "./testAccounts";

export interface TestUser {
    tier: Tier;
    username: string;
    registry: Registry;
    /** The user's own keys, listed with the one that it holds. */
    keys: ApiKeys;
    /** The uuid of the key in use. */
    keyUuid: string;
}

/** Their names in a report. */
export const tierNames: Record<Tier, string> = { ci: "CI", admin: "admin", groupless: "no group" };

export class TestUsers {
    private readonly accounts: TestAccounts;
    private readonly users = new Map<Tier, Promise<TestUser>>();
    private admission: Promise<"turned away" | "let in"> | undefined;
    /** What the site's own login flow demands that only a person has; undefined if the users could log in by it. */
    demanded: string | undefined;

    constructor(
        private readonly subject: Subject,
        private readonly run: string,
        private readonly send: Transport,
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
        this.accounts = new TestAccounts(new Client(() => settings), subject, run, control);
    }

    /** Logs in as a tier's user, once; creates the user, the login and the key if necessary. */
    as(tier: Tier): Promise<TestUser> {
        let user = this.users.get(tier);
        if (!user) {
            user = this.logIn(tier);
            user.catch(() => undefined);
            this.users.set(tier, user);
        }
        return user;
    }

    /**
     * What a tier's user types into a browser, and the flow to use first if the site's own demands a second factor.
     */
    async credentialsOf(tier: Tier): Promise<{ username: string; password: string; loginFlow: string | undefined }> {
        await this.as(tier);
        const { user, password } = await this.accounts.of(tier);
        return { username: user.username, password, loginFlow: this.loginFlowOf(tier) };
    }

    /** Every user that was made. */
    async made(): Promise<TestUser[]> {
        const settled = await Promise.allSettled(this.users.values());
        return settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    }

    /**
     * Whether Authentik lets in a user of no group at all. If not, the user is bound to the application directly.
     */
    admitGroupless(): Promise<"turned away" | "let in"> {
        this.admission ??= this.admit();
        return this.admission;
    }

    private async admit(): Promise<"turned away" | "let in"> {
        const account = await this.accounts.of("groupless");
        try {
            const session = await this.session("groupless", account);
            await session.end();
            return "let in";
        } catch (error) {
            if (!(error instanceof LoginError) || !error.message.includes("is in no group that is bound")) throw error;
        }
        this.control.check();
        await this.accounts.bindToApplication(account.user, await this.clientId());
        return "turned away";
    }

    /** The client id that zot sends; the declared one if a login does not start. */
    private async clientId(): Promise<string | undefined> {
        const login = await sendOne(
            this.send,
            `${this.subject.registryUrl}/zot/auth/login?provider=oidc&callback_ui=%2F`,
        );
        return login.location?.searchParams.get("client_id") ?? this.subject.clientId;
    }

    private async logIn(tier: Tier): Promise<TestUser> {
        if (tier === "groupless") await this.admitGroupless();
        const account = await this.accounts.of(tier);
        const { username } = account.user;
        const { registryUrl } = this.subject;
        const session = await this.session(tier, account);
        try {
            this.control.check();
            const { key, record } = await session.createApiKey(`${PREFIX} ${this.run}`, await this.expiry());
            return {
                tier,
                username,
                registry: new Registry(registryUrl, tierNames[tier], this.send, this.recorder, this.control, {
                    username,
                    key,
                }),
                keys: new KeyHolder(this.send, registryUrl, username, key).keys,
                keyUuid: record.uuid,
            };
        } finally {
            await session.end();
        }
    }

    private loginFlowOf(tier: Tier): string | undefined {
        return this.subject.loginFlow ?? this.accounts.ownFlowOf(tier);
    }

    private async session(tier: Tier, account: TestAccount): Promise<ZotSession> {
        this.control.check();
        if (this.demanded !== undefined) await this.accounts.makeOwnFlow(tier);
        const loginFlow = this.loginFlowOf(tier);
        const { user, password } = account;
        try {
            return await this.logInToZot(user.username, password, tierNames[tier], loginFlow);
        } catch (error) {
            const demanded = loginFlow === undefined ? demandedBy(error) : undefined;
            if (demanded === undefined) throw error;
            this.demanded = demanded;
            return this.session(tier, account);
        }
    }

    private logInToZot(username: string, password: string, by: string, loginFlow: string | undefined) {
        return ZotSession.login(
            this.subject.registryUrl,
            { username, password },
            {
                transport: recordedSteps(this.send, this.recorder, by),
                identityProvider: this.identityProvider,
                loginFlow,
            },
        );
    }

    /** Where passwords may be sent: the declared identity provider, and the one that made the accounts. */
    private get identityProvider(): string[] {
        return [this.subject.issuer, this.subject.authentik?.url].filter((address) => address !== undefined);
    }

    /** By the registry's clock, because that clock counts. */
    private async expiry(): Promise<Date> {
        const ahead = clockAhead(await sendOne(this.send, `${this.subject.registryUrl}/livez`)) ?? 0;
        return new Date(Date.now() + ahead + KEY_LIFETIME);
    }

    /**
     * CI's service account, logged in with an app password of a few minutes, to check its keys.
     *
     * @throws Skipped if the token may not do so
     */
    async asServiceAccount<T>(username: string, work: (session: ZotSession) => Promise<T>): Promise<T> {
        const password = await this.accounts.appPasswordOf(username);
        const session = await this.logInToZot(username, password, username, this.subject.ciLoginFlow);
        try {
            return await work(session);
        } finally {
            await session.end();
        }
    }

    /** Removes what this run made in Authentik, and returns what it was. Calls `failed` for each failure. */
    remove(failed: (what: string, error: unknown) => void): Promise<string[]> {
        return this.accounts.remove(failed);
    }

    /** Removes what an interrupted run left in Authentik. */
    removeLeftOvers(now: Date): Promise<string[]> {
        return this.accounts.removeLeftOvers(now);
    }
}
