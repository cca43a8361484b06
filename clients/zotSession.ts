/** A login to zot by OpenID Connect, and what a logged-in user may do with API keys (measured on zot 2.1.20). */
import { Browser } from "./browser";
import { type Credentials, endSession, FlowError, passFlow } from "./authentikFlow";

/** An API key as zot lists it: everything but the secret. */
export interface ApiKeyRecord {
    uuid: string;
    label: string;
    /** RFC 3339. */
    createdAt: string;
    /** RFC 3339; the year 1 for a key that never expires. */
    expirationDate: string;
    isExpired: boolean;
    lastUsed: string;
}

/** A login that did not end in a session at zot. */
export class LoginError extends Error {}

/** Redirects between zot's login and its callback: authorize, flow, authorize again, callback, user interface. */
const MOST_REDIRECTS = 10;

export class ZotSession {
    private constructor(
        private readonly browser: Browser,
        private readonly registryUrl: string,
        private readonly authentikOrigin: string,
        /** Who zot takes the login for. */
        readonly username: string,
    ) {}

    /**
     * Logs in at the registry through Authentik, with a password and without a browser.
     *
     * @throws FlowError where Authentik's flow cannot be passed, LoginError where zot or Authentik refuses, UnreachableError where one does not answer.
     */
    static async login(registryUrl: string, credentials: Credentials): Promise<ZotSession> {
        const browser = new Browser();
        let answer = await browser.send(`${registryUrl}/zot/auth/login?provider=oidc&callback_ui=%2F`);
        const authorize = answer.location;
        if (answer.status !== 302 || !authorize) {
            throw new LoginError(`The registry ${registryUrl} answered ${answer.status} to the start of a login instead of a redirect to its identity provider; is OpenID Connect configured in zot?`);
        }
        const origin = authorize.origin;
        for (let count = 0; count < MOST_REDIRECTS; count++) {
            const next = answer.location;
            if (!next) break;
            const flow = /^\/if\/flow\/([^/]+)\/$/.exec(next.pathname);
            if (flow) {
                const destination = await passFlow(browser, next.origin, flow[1]!, next.search.slice(1), credentials);
                answer = await browser.send(destination);
            } else if (next.pathname.startsWith("/zot/auth/callback/")) {
                answer = await browser.send(next);
                return await ZotSession.afterCallback(browser, registryUrl, origin, credentials, answer.status, answer.text);
            } else {
                answer = await browser.send(next);
            }
        }
        throw new LoginError(loginPageProblem(answer.status, answer.text, credentials.username));
    }

    private static async afterCallback(browser: Browser, registryUrl: string, origin: string, credentials: Credentials, status: number, text: string): Promise<ZotSession> {
        const username = await browser.cookie(registryUrl, "user");
        if (status !== 302 || !username) {
            throw new LoginError(`The registry ${registryUrl} refused the login of ${credentials.username} (${status}): ${text.trim() || "no reason given; does Authentik's provider have the openid, email and profile mappings?"}`);
        }
        const session = new ZotSession(browser, registryUrl, origin, decodeURIComponent(username));
        if (session.username !== credentials.username) {
            await session.end();
            throw new LoginError(`The registry took the login of ${credentials.username} for ${session.username}: the claim preferred_username is not mapped to the user's name.`);
        }
        return session;
    }

    /** Mints a key. `expires` is required: a key without it would never expire. */
    async createApiKey(label: string, expires: Date): Promise<{ key: string; record: ApiKeyRecord }> {
        const answer = await this.browser.send(`${this.registryUrl}/zot/auth/apikey`, {
            method: "POST",
            headers: { "X-ZOT-API-CLIENT": "zot-ui" },
            json: { label, scopes: [], expirationDate: expires.toISOString().replace(/\.\d+Z$/, "Z") },
        });
        if (answer.status !== 201) throw new LoginError(`The registry answered ${answer.status} to a request for an API key of ${this.username}: ${answer.text.trim()}`);
        const { apiKey, ...record } = JSON.parse(answer.text) as ApiKeyRecord & { apiKey: string };
        return { key: apiKey, record };
    }

    async listApiKeys(): Promise<ApiKeyRecord[]> {
        const answer = await this.browser.send(`${this.registryUrl}/zot/auth/apikey`, { headers: { "X-ZOT-API-CLIENT": "zot-ui" } });
        if (answer.status !== 200) throw new LoginError(`The registry answered ${answer.status} to a request for the API keys of ${this.username}.`);
        return (JSON.parse(answer.text) as { apiKeys: ApiKeyRecord[] | null }).apiKeys ?? [];
    }

    /** Revokes a key; one that is gone already is no error. */
    async revokeApiKey(uuid: string): Promise<void> {
        const answer = await this.browser.send(`${this.registryUrl}/zot/auth/apikey?id=${encodeURIComponent(uuid)}`, { method: "DELETE", headers: { "X-ZOT-API-CLIENT": "zot-ui" } });
        if (answer.status !== 200) throw new LoginError(`The registry answered ${answer.status} when the API key ${uuid} of ${this.username} was to be revoked.`);
    }

    /** Ends the session, here and at Authentik. */
    async end(): Promise<void> {
        await this.browser.send(`${this.registryUrl}/zot/auth/logout`, { method: "POST", headers: { "X-ZOT-API-CLIENT": "zot-ui" } }).catch(() => undefined);
        await endSession(this.browser, this.authentikOrigin);
    }
}

function loginPageProblem(status: number, page: string, username: string): string {
    if (page.includes("Permission denied")) return `Authentik denied ${username} the registry's application: the user is in no group that is bound to it, or the application has no provider.`;
    if (page.includes("Client ID Error")) return "Authentik does not know the client id that zot sent; compare identity.clientId with the provider in Authentik.";
    if (page.includes("Redirect URI Error")) return "Authentik does not accept the redirect URI that zot sent; it must be the registry's URL followed by /zot/auth/callback/oidc, to the letter.";
    return `The login of ${username} ended at an answer ${status} that is no redirect.`;
}

export { FlowError };
