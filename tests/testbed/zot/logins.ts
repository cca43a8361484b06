/** An identity provider for the tests, and a browser that logs in with it. */
import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { CookieJar } from "tough-cookie";
import { type Answer, type Credentials, cleanUp, jsonOf, RunningZot, request, scratch, type Zot } from "./zots";

export interface Person {
    sub: string;
    claims: Record<string, unknown>;
}

export const person = (name: string, ...groups: string[]): Person => ({
    sub: `id of ${name}`,
    claims: { preferred_username: name, name, email: `${name}@example.org`, email_verified: true, groups },
});

export class IdentityProvider {
    private readonly redirectUris: string[] = [];

    private constructor(
        private readonly child: ChildProcess,
        readonly origin: string,
    ) {}

    static async start(): Promise<IdentityProvider> {
        const child = spawn(process.execPath, [path.join(__dirname, "identityProvider.mjs")], {
            stdio: ["pipe", "pipe", "inherit"],
        });
        const port = await new Promise<string>((resolve, reject) => {
            child.stdout.once("data", (chunk) => resolve(String(chunk).trim()));
            child.once("exit", () => reject(new Error("the identity provider for the tests did not start")));
        });
        return new IdentityProvider(child, `http://127.0.0.1:${port}`);
    }

    get issuer(): string {
        return `${this.origin}/application/o/zot/`;
    }

    /** From now on whoever logs in is this person. */
    async becomes(who: Person & { refuses?: boolean }): Promise<void> {
        await request("POST", `${this.origin}/control`, { body: JSON.stringify(who) });
    }

    /** A registry may send people here, besides those that may already. */
    async allows(registryUrl: string): Promise<void> {
        this.redirectUris.push(`${registryUrl}/zot/auth/callback/oidc`);
        const clients = [{ client_id: "zot", client_secret: "a secret for tests", redirect_uris: this.redirectUris }];
        await request("POST", `${this.origin}/control`, { body: JSON.stringify({ clients }) });
    }

    async stop(): Promise<void> {
        const ended = new Promise((resolve) => this.child.once("exit", resolve));
        this.child.stdin?.end();
        await ended;
    }

    /** `http.auth` of a registry that logs in here. */
    auth(folder: string, extra: object = {}): object {
        const credentialsFile = path.join(folder, "oidc.json");
        fs.writeFileSync(credentialsFile, JSON.stringify({ clientid: "zot", clientsecret: "a secret for tests" }), {
            mode: 0o600,
        });
        return {
            openid: {
                providers: {
                    oidc: {
                        credentialsFile,
                        issuer: this.issuer,
                        scopes: ["openid", "profile", "email"],
                        claimMapping: { username: "preferred_username" },
                        ...extra,
                    },
                },
            },
        };
    }
}

/** Keeps cookies and follows redirects, like the web page of zot in a browser. */
export class Browser {
    readonly jar = new CookieJar();

    async request(
        method: string,
        url: string,
        options: { headers?: Record<string, string>; body?: string } = {},
    ): Promise<Answer> {
        const cookies = await this.jar.getCookieString(url);
        const answer = await request(method, url, {
            ...options,
            headers: { ...(cookies && { Cookie: cookies }), ...options.headers },
        });
        for (const cookie of answer.headers["set-cookie"] ?? [])
            await this.jar.setCookie(cookie, url, { ignoreError: true });
        return answer;
    }

    /** From the registry to the provider and back; the answer is the first that sends nowhere, or to `/`. */
    async login(zot: RunningZot, callback = "/"): Promise<Answer> {
        let url = `${zot.url}/zot/auth/login?provider=oidc&callback_ui=${encodeURIComponent(callback)}`;
        for (let step = 0; step < 10; step++) {
            const answer = await this.request("GET", url);
            const { location } = answer.headers;
            if (!location || location === callback) return answer;
            url = new URL(location, url).href;
        }
        throw new Error("the login goes round in circles");
    }

    /** A request of the web page. */
    page(zot: RunningZot, method: string, target: string, body?: unknown): Promise<Answer> {
        return this.request(method, `${zot.url}${target}`, {
            headers: { "X-ZOT-API-CLIENT": "zot-ui" },
            ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
        });
    }
}

export interface NewKey {
    apiKey: string;
    uuid: string;
}

/** Logs someone in and has the registry make an API key; the answer is what a client sends as basic authentication. */
export async function keyFor(provider: IdentityProvider, zot: RunningZot, who: Person): Promise<Credentials> {
    await provider.becomes(who);
    const browser = new Browser();
    await browser.login(zot);
    const answer = await browser.page(zot, "POST", "/zot/auth/apikey", { label: "tests", scopes: [] });
    if (answer.status !== 201) throw new Error(`no API key for ${who.sub}: ${answer.status}\n${zot.log}`);
    return [String(who.claims["preferred_username"]), jsonOf<NewKey>(answer).apiKey];
}

/** What differs from a registry that does nothing but let people log in. */
export interface LoginOptions {
    /** Of the provider, in `http.auth.openid`. */
    openid?: object;
    auth?: object;
    http?: object;
    /** Beside `http`. */
    more?: object;
    folder?: string;
}

/** A registry whose people log in with the provider. */
export async function startWithLogin(
    zot: Zot,
    at: IdentityProvider,
    { openid, auth, http, more, folder = scratch() }: LoginOptions = {},
): Promise<RunningZot> {
    const server = await RunningZot.start(
        zot,
        (externalUrl) => ({ http: { externalUrl, auth: { ...at.auth(folder, openid), ...auth }, ...http }, ...more }),
        folder,
    );
    await at.allows(server.url);
    return server;
}

/** The identity provider for the tests of a file that calls `providerForAll`. */
export let provider: IdentityProvider;

/** For the tests of a file: starts the identity provider, and ends it with the registries that it was for. */
export function providerForAll(): void {
    beforeAll(async () => {
        provider = await IdentityProvider.start();
    });
    afterAll(async () => {
        await cleanUp();
        await provider.stop();
    });
}
