/** A login to zot by OpenID Connect, without a browser (measured on zot 2.1.20 and Authentik 2026.5). */
import { type Credentials, endSession, FlowError, passFlow } from "../authentik/flow";
import { isConfidential } from "../http/address";
import { Browser } from "../http/browser";
import { UnreachableError } from "../http/failures";
import type { Transport } from "../http/outgoing";
import { type Answer, clockAhead } from "../http/request";
import { retrying } from "../http/retry";
import { outsideText } from "../outsideText";
import { UserError } from "../userError";
import { type ApiKeyRecord, type ApiKeys, apiKeysOver } from "./apiKeys";

export type { ApiKeyRecord } from "./apiKeys";
export { FlowError };

/** A login that did not lead to a session at zot; the message names the remedy. */
export class LoginError extends UserError {}

export interface LoginOptions {
    /** How requests leave this machine. Default: directly, or through the environment's proxy. */
    transport?: Transport;
    /** Slug of a flow for a login before zot's login begins. Default: the flow that Authentik chooses. */
    loginFlow?: string;
    /**
     * Where a password may be sent: addresses of the identity provider, of which only the origin counts. If a registry
     * sends its logins elsewhere, for example because somebody else runs it, no password is sent.
     */
    identityProvider: readonly string[];
}

/** Redirects between zot's login and its callback: authorize, flow, authorize again, callback, user interface. */
const MOST_REDIRECTS = 10;

/** Attempts at a login if a server fails for a moment, and the first pause between two attempts in milliseconds. */
const ATTEMPTS = 3;
const PAUSE = 300;

/** How many seconds two clocks may differ before a failed login is attributed to that. */
const CLOCK_TOLERANCE = 30;

export class ZotSession {
    /** The user's API keys, managed through this session. */
    readonly apiKeys: ApiKeys;

    private constructor(
        private readonly browser: Browser,
        private readonly registryUrl: string,
        private readonly authentikOrigin: string,
        /** The user name that zot took from the login. */
        readonly username: string,
    ) {
        this.apiKeys = apiKeysOver(registryUrl, username, (url, request) => browser.send(url, request));
    }

    /**
     * Logs in at the registry through Authentik, with a password and without a browser. If a server fails for a moment,
     * as Authentik does while it recycles a worker, the login starts again.
     *
     * @throws FlowError if Authentik's flow cannot be passed, LoginError if zot or Authentik refuses,
     * UnreachableError if one of them does not answer
     */
    static login(registryUrl: string, credentials: Credentials, options: LoginOptions): Promise<ZotSession> {
        return retrying(() => ZotSession.attempt(registryUrl, credentials, options), {
            worth: (error) =>
                error instanceof UnreachableError && !error.isFinal ? { attempts: ATTEMPTS } : undefined,
            firstPause: PAUSE,
        });
    }

    private static async attempt(
        registryUrl: string,
        credentials: Credentials,
        { transport, loginFlow, identityProvider }: LoginOptions,
    ): Promise<ZotSession> {
        const browser = new Browser(transport);
        let answer = await browser.send(`${registryUrl}/zot/auth/login?provider=oidc&callback_ui=%2F`);
        const authorize = answer.location;
        if (answer.status !== 302 || !authorize) throw startProblem(registryUrl, answer);
        const zotAhead = clockAhead(answer);
        const origin = authorize.origin;
        const trusted = new Set(identityProvider.map((address) => new URL(address).origin));
        if (!trusted.has(origin) || !isConfidential(authorize))
            throw new LoginError(strangerProblem(registryUrl, origin, trusted, credentials.username));
        const { origin: registry } = new URL(registryUrl);
        try {
            // On the host that zot sends logins to, because cookies belong to a host.
            if (loginFlow !== undefined) await passFlow(browser, origin, loginFlow, "", credentials);
            // The first flow logs in; a later one only authorizes.
            let isLoggedIn = loginFlow !== undefined;
            for (let count = 0; count < MOST_REDIRECTS; count++) {
                const next = answer.location;
                if (!next) break;
                const isCallback = next.pathname.startsWith("/zot/auth/callback/");
                // The password goes to the server where the login began, and to no other that it redirects to.
                // (Callbacks are checked below.)
                if (!isCallback && next.origin !== origin && next.origin !== registry)
                    throw new LoginError(strangerProblem(registryUrl, next.origin, trusted, credentials.username));
                const flow = /\/if\/flow\/([^/]+)\/$/.exec(next.pathname);
                if (flow && next.origin === origin) {
                    const destination = await passFlow(
                        browser,
                        next.origin,
                        decodeURIComponent(flow[1]!),
                        next.search.slice(1),
                        credentials,
                        loginFlow,
                        !isLoggedIn,
                    );
                    isLoggedIn = true;
                    answer = { ...answer, location: destination };
                } else if (isCallback) {
                    const callback = await followToCallback(browser, registryUrl, next);
                    return await ZotSession.afterCallback(
                        browser,
                        registryUrl,
                        origin,
                        credentials,
                        callback,
                        skewBetween(zotAhead, clockAhead(answer)),
                    );
                } else {
                    answer = await browser.send(next);
                }
                if (answer.status >= 500)
                    throw new UnreachableError(
                        `${answer.url.origin} answered ${answer.status} in the middle of the login of ` +
                            `${credentials.username}; its log says why.`,
                    );
            }
            throw new LoginError(loginPageProblem(answer, credentials.username));
        } catch (error) {
            await endSession(browser, origin);
            throw error;
        }
    }

    private static async afterCallback(
        browser: Browser,
        registryUrl: string,
        origin: string,
        credentials: Credentials,
        answer: Answer,
        skew: number,
    ): Promise<ZotSession> {
        const username = await browser.cookie(registryUrl, "user");
        if (answer.status !== 302 || !username) throw callbackProblem(registryUrl, credentials.username, answer, skew);
        const session = new ZotSession(browser, registryUrl, origin, decodeURIComponent(username));
        if (session.username !== credentials.username) {
            await session.end();
            throw new LoginError(
                `The registry ${registryUrl} took the login of ${credentials.username} for ` +
                    `${outsideText(session.username)}, so a key would belong to the wrong name: ` +
                    "the claim preferred_username does not reach it. " +
                    "Authentik's provider needs the mapping profile, and zot's config the scope profile.",
            );
        }
        return session;
    }

    createApiKey(label: string, expires: Date): Promise<{ key: string; record: ApiKeyRecord }> {
        return this.apiKeys.create(label, expires);
    }

    listApiKeys(): Promise<ApiKeyRecord[]> {
        return this.apiKeys.list();
    }

    revokeApiKey(uuid: string): Promise<void> {
        return this.apiKeys.revoke(uuid);
    }

    /** Ends the session, here and at Authentik. Never fails: sessions also expire. */
    async end(): Promise<void> {
        await this.browser
            .send(`${this.registryUrl}/zot/auth/logout`, { method: "POST", headers: { "X-ZOT-API-CLIENT": "zot-ui" } })
            .catch(() => undefined);
        await endSession(this.browser, this.authentikOrigin);
    }
}

/** Follows the callback. Its host owns the session, and must be the host at which keys are requested. */
async function followToCallback(browser: Browser, registryUrl: string, callback: URL): Promise<Answer> {
    if (callback.origin !== new URL(registryUrl).origin) {
        throw new LoginError(
            `The registry ${registryUrl} sends logins back to ${callback.origin}: ` +
                "its externalUrl and the URL that this program uses must be the same.",
        );
    }
    return browser.send(callback);
}

/** How many seconds the registry's clock is ahead of Authentik's. */
function skewBetween(registryAhead: number | undefined, authentikAhead: number | undefined): number {
    return registryAhead === undefined || authentikAhead === undefined
        ? 0
        : Math.round((registryAhead - authentikAhead) / 1000);
}

function strangerProblem(
    registryUrl: string,
    stranger: string,
    trusted: ReadonlySet<string>,
    username: string,
): string {
    const known = [...trusted].join(" or ");
    if (trusted.has(stranger))
        return (
            `The registry ${registryUrl} sends logins to ${stranger}, ` +
            `and over plain http the password of ${username} could be read on the way: ` +
            "give the issuer an https address (identity.issuer)."
        );
    return (
        `The login of ${username} at the registry ${registryUrl} is sent on to ${outsideText(stranger)}, ` +
        `which is not the identity provider (${known}). No password was sent there. ` +
        "Either the registry's config names another issuer than identity.issuer, " +
        `or something else answers at ${registryUrl}.`
    );
}

function startProblem(registryUrl: string, { status, text }: Answer): Error {
    if (status >= 500)
        return new UnreachableError(
            `The registry ${registryUrl} answered ${status} to the start of a login; its log says why.`,
        );
    if (status === 404) {
        return new LoginError(
            `The registry ${registryUrl} has no login (404). ` +
                "Either its config has no OpenID Connect, " +
                "or it started with the read-only config because its identity provider did not answer: " +
                "look at its log, and restart it.",
        );
    }
    return new LoginError(
        `The registry ${registryUrl} answered ${status} to the start of a login instead of a redirect to ` +
            `its identity provider${text.trim() ? `: ${outsideText(text)}` : ""}. ` +
            "Is it zot, with OpenID Connect in its config?",
    );
}

function loginPageProblem({ status, text }: Answer, username: string): string {
    if (text.includes("Permission denied")) {
        return (
            `Authentik denied ${username} the registry's application: ` +
            "the user is in no group that is bound to it, or the application is gone or has no provider. " +
            "Look at the application's bindings in Authentik."
        );
    }
    if (text.includes("Client ID Error"))
        return (
            "Authentik does not know the client id that zot sent; " +
            "compare identity.clientId with the provider in Authentik, and deploy the registry's config again (pulumi up)."
        );
    if (text.includes("Redirect URI Error"))
        return (
            "Authentik does not accept the redirect URI that zot sent; " +
            "the provider's must be the registry's URL followed by /zot/auth/callback/oidc, to the letter."
        );
    return `The login of ${username} ended at an answer ${status} that is no redirect.`;
}

/** zot's errors when it cannot complete a login, each with a remedy. */
const CALLBACK_PROBLEMS: readonly [RegExp, string][] = [
    [
        /invalid_client/,
        "zot's client secret is not the one in Authentik: " +
            "deploy the registry's config again (pulumi up), and restart zot if that is done by hand",
    ],
    [/signature algorithm not supported/, "Authentik's provider has no signing key: choose one in identity.signingKey"],
    [
        /issuer does not match/,
        "the issuer in zot's config is not the one that Authentik names: " +
            "set identity.issuer, and the provider's issuer mode to one per provider",
    ],
    [/userinfo failed.*403/s, "Authentik's provider lacks the mapping openid"],
    [
        /expired|in the future|too far in the past|iat/i,
        "the clocks of Authentik and the registry differ: set them (NTP)",
    ],
];

/** zot's errors when it cannot reach Authentik, or Authentik fails: another attempt is worthwhile. */
const IN_PASSING = /http status not ok: 5\d\d|\bEOF\b|connection re(fused|set)|no such host|timeout|deadline exceeded/i;

function callbackProblem(registryUrl: string, username: string, { status, text }: Answer, skew: number): Error {
    const said = outsideText(text);
    const refused =
        `The registry ${registryUrl} refused the login of ${username} ` + `(${status}${said ? `: ${said}` : ""})`;
    if (status >= 502 || IN_PASSING.test(said))
        return new UnreachableError(
            `${refused}: the registry cannot reach Authentik, or Authentik failed. ` +
                "Look at both logs, and check that the registry's host reaches Authentik.",
        );
    const known = CALLBACK_PROBLEMS.find(([pattern]) => pattern.test(said))?.[1];
    const clocks =
        Math.abs(skew) > CLOCK_TOLERANCE
            ? ` The registry's clock is ${Math.abs(skew)} seconds ${skew > 0 ? "ahead of" : "behind"} ` +
              "Authentik's: set them (NTP)."
            : "";
    const remedy =
        known ??
        (said === ""
            ? "Authentik's provider lacks the mapping profile, from which zot takes the user's name"
            : "the registry's log may say more");
    return new LoginError(`${refused}: ${remedy}.${clocks}`);
}
