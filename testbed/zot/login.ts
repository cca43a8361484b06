/**
 * `/zot/auth/login`, `/zot/auth/callback/<provider>` and `/zot/auth/logout`: login by OpenID Connect, as zot 2.1.20
 * does it.
 */

import { randomUUID } from "node:crypto";
import type { Config, OpenIdProvider } from "./configTypes";

import { cookie, type Exchange, redirect, sendJson, sendStatus, sendText, setCookie } from "./http";
import type { Log } from "./log";
import { bodyOf, send } from "./outgoing";
import type { SecureCookies, Sessions } from "./sessions";
import {
    type Claims,
    type Client,
    ExchangeError,
    exchangeCode,
    fetchUserInfo,
    type IssuerMetadata,
} from "./tokenExchange";
import type { Users } from "./users";

export const callbackPath = "/zot/auth/callback";

/** Seconds between the way to the provider and the way back. */
export const loginLifetime = 120;

interface Provider {
    name: string;
    settings: OpenIdProvider;
    /** What the issuer says of itself. */
    metadata: IssuerMetadata;
    redirectUri: string;
}

/** Nothing can be served when an issuer does not answer as itself: zot panics. */
export class IssuerError extends Error {}

/** Asks an issuer for its metadata. It must name itself exactly as it was called: a trailing slash counts. */
export async function discover(issuer: string): Promise<IssuerMetadata> {
    const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    let metadata: IssuerMetadata;
    try {
        const answer = await send(url, { timeout: 10_000 });
        const body = await bodyOf(answer);
        if (answer.statusCode !== 200) throw new Error(`http status not ok: ${answer.statusCode} ${body}`);
        metadata = JSON.parse(body.toString()) as IssuerMetadata;
    } catch (error) {
        throw new IssuerError(`OpenID Provider Configuration Discovery has failed\n${(error as Error).message}`);
    }
    if (metadata.issuer !== issuer) {
        throw new IssuerError(
            `OpenID Provider Configuration Discovery has failed\nissuer does not match: Expected: ` +
                `${issuer}, got: ${metadata.issuer}`,
        );
    }
    return metadata;
}

/** Scheme, host and port under which clients reach the registry. */
export function origin({ http }: Config): string {
    const external = http.externalUrl.replace(/\/$/, "");
    return external || `${http.tls ? "https" : "http"}://${http.address}:${http.port}`;
}

export class Login {
    private readonly providers = new Map<string, Provider>();

    constructor(
        private readonly config: Config,
        private readonly users: Users,
        private readonly sessions: Sessions,
        /** For the cookie that must come back with the answer of the provider. */
        private readonly stateCookies: SecureCookies,
        private readonly log: Log,
    ) {}

    async initialise(): Promise<void> {
        for (const [name, settings] of Object.entries(this.config.http.auth.openid?.providers ?? {})) {
            const redirectUri = `${origin(this.config)}${callbackPath}/${name}`;
            const metadata = await discover(settings.issuer);
            this.providers.set(name, { name, settings, metadata, redirectUri });
        }
    }

    start(exchange: Exchange): void {
        const provider = this.providers.get(exchange.query.get("provider") ?? "");
        if (!provider) {
            this.log.error("failed to authenticate due to unrecognized openid provider");
            return sendStatus(exchange, 400);
        }
        const state = randomUUID();
        const callback = exchange.query.get("callback_ui") ?? "";
        this.sessions.save(exchange, "statecookie", { state, callback }, { path: callbackPath });
        this.setStateCookie(exchange, this.stateCookies.seal("state", state), loginLifetime);

        const { settings, metadata, redirectUri } = provider;
        const parameters = new URLSearchParams({
            client_id: settings.clientId,
            redirect_uri: redirectUri,
            response_type: "code",
            scope: withOpenId(settings.scopes).join(" "),
            state,
        });
        const endpoint = metadata.authorization_endpoint ?? "";
        redirect(exchange, `${endpoint}${endpoint.includes("?") ? "&" : "?"}${parameters}`);
    }

    /** The way back from the provider. */
    async finish(exchange: Exchange, name: string): Promise<void> {
        const provider = this.providers.get(name);
        if (!provider) return sendText(exchange, 404, "404 page not found");
        const sealed = cookie(exchange, "state");
        if (sealed === undefined) return sendText(exchange, 401, "failed to get state: http: named cookie not present");
        const state = this.stateCookies.open("state", sealed);
        if (state === undefined || state !== exchange.query.get("state"))
            return sendText(exchange, 401, "failed to get state: state does not compare");
        this.setStateCookie(exchange, "", 0);
        const refusal = exchange.query.get("error");
        if (refusal) return sendText(exchange, 500, `${refusal}: ${exchange.query.get("error_description") ?? ""}`);

        const { settings, metadata, redirectUri } = provider;
        const client: Client = {
            metadata,
            redirectUri,
            clientId: settings.clientId,
            clientSecret: settings.clientSecret,
        };
        let step = "failed to exchange token";
        let claims: { fromToken: Claims; fromUserInfo: Claims };
        try {
            const { accessToken, claims: fromToken } = await exchangeCode(client, exchange.query.get("code") ?? "");
            step = "userinfo failed";
            claims = { fromToken, fromUserInfo: await fetchUserInfo(client, accessToken) };
        } catch (error) {
            if (!(error instanceof ExchangeError)) throw error;
            this.log.error(step, { error: error.message, provider: name });
            return sendText(exchange, 401, `${step}: ${error.message}`);
        }

        const userName = userNameOf(claims.fromUserInfo, provider.settings, this.log);
        if (!userName) {
            this.log.error("failed to set user record for empty username value");
            return sendStatus(exchange, 401);
        }
        const begun = this.sessions.read(exchange, "statecookie");
        if (begun?.["state"] !== state) {
            this.log.error("'state' cookie differs from the actual one", { component: "openID" });
            return sendStatus(exchange, 401);
        }
        this.sessions.save(exchange, "session", { user: userName, provider: name });
        this.sessions.showUser(exchange, userName);
        this.users.setGroups(userName, groupsOf(claims, provider.settings));
        this.log.info("user profile set successfully", { identity: userName });
        if (begun["callback"]) redirect(exchange, begun["callback"]);
        else sendStatus(exchange, 201);
    }

    logout(exchange: Exchange): void {
        this.sessions.end(exchange, "session");
        sendJson(exchange, 200, {});
    }

    /** Always `Secure`, even over http: a client needs https, or a loopback host that it takes for secure. */
    private setStateCookie(exchange: Exchange, value: string, maxAge: number): void {
        setCookie(exchange, "state", value, { maxAge, httpOnly: true, secure: true, sameSite: "Lax" });
    }
}

const withOpenId = (scopes: readonly string[]) => (scopes.includes("openid") ? scopes : ["openid", ...scopes]);

/** The configured claim of the user info or, when it is missing, silently the e-mail address. */
function userNameOf(userInfo: Claims, { claimMapping }: OpenIdProvider, log: Log): string {
    const text = (claim: string) => (typeof userInfo[claim] === "string" ? userInfo[claim] : "");
    const wanted = claimMapping.username || "email";
    const name = text(wanted);
    if (name !== "" || wanted === "email") return name;
    log.warn('configured username claim missing or empty, falling back to "email" claim', { claim: wanted });
    return text("email");
}

/** The groups of both the user info and the token, sorted. */
function groupsOf(
    { fromUserInfo, fromToken }: { fromUserInfo: Claims; fromToken: Claims },
    { claimMapping }: OpenIdProvider,
): string[] {
    const claim = claimMapping.groups || "groups";
    const found = [fromUserInfo, fromToken].flatMap((claims): unknown[] => {
        const value = claims[claim];
        return Array.isArray(value) ? value : typeof value === "string" ? [value] : [];
    });
    const names = found.filter((group) => group !== null && group !== "").map(String);
    return [...new Set(names)].sort();
}
