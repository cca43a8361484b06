import { createHash } from "node:crypto";
import type { Fields } from "./apiSchema";
import { appPassword } from "./authentication";
import { consent, type FlowPlan, fulfillment, sessionEnd } from "./flowPlan";
import { defaultFlow, isApplicable, planFlow } from "./flowPlanner";
import { type Answer, emptyMethodNotAllowed, json, notFoundPage, page, type Request, redirect } from "./http";
import { milliseconds, newHexadecimal, newKey, sha256 } from "./identifiers";
import type { World } from "./objects/kind";
import { applicationOf, knowsGrantTypes } from "./objects/oauth2Providers";
import {
    allowOrigin,
    bearerError,
    clientOf,
    equal,
    errorAtClient,
    forbidden,
    isAllowed,
    issuerOf,
    keyIdOf,
    permissionDenied,
    s256,
    subjectOf,
    tokenError,
    uncached,
} from "./oidcAnswers";
import { EngineStorage, OidcEngine } from "./oidcEngine";
import {
    acr,
    checkAuthorization,
    discovery,
    grantedScopes,
    jwks,
    Refused,
    scopeClaims,
    signingCertificate,
} from "./oidcProvider";
import { PolicyEngine } from "./policyEngine";
import type { Session } from "./sessions";
import type { Stored } from "./stored";

/** What an access token, or a code, stands for. */
interface Issued {
    readonly provider: number;
    readonly user: number;
    readonly scopes: readonly string[];
    readonly nonce: string | undefined;
    /** Milliseconds. */
    readonly loggedInAt: number;
    /** Undefined where no session was involved (client_credentials). */
    readonly session: { readonly key: string; readonly method: string | undefined } | undefined;
    /** Milliseconds; of an access or refresh token. */
    readonly expires: number;
    /** Of a code: what the library calls it, and where it was asked for. */
    readonly engineCode?: string;
    readonly redirectUri?: string;
    /** Of a refresh token that has been used. */
    revoked?: boolean;
    /** What a token says. */
    readonly claims?: Fields;
}

/**
 * Authentik's OpenID Connect below /application/o/: an issuer for each application, endpoints for all of them, and
 * Authentik's own order of checks and error pages, as measured on 2026.5.0-rc1. Codes, PKCE and signatures are the
 * library's (oidcEngine.ts).
 * Left out: response types beside `code`, and the device flow.
 */
export class OpenIdConnect {
    private readonly storage = new EngineStorage();
    private readonly engines = new Map<string, Promise<OidcEngine>>();
    private readonly codes = new Map<string, Issued>();
    private readonly accessTokens = new Map<string, Issued>();
    private readonly refreshTokens = new Map<string, Issued>();
    private readonly consents = new Map<string, number>();

    constructor(private readonly world: World) {}

    async answer(request: Request): Promise<Answer> {
        const path = request.path.slice("/application/o/".length);
        try {
            switch (path) {
                case "authorize/":
                    return await this.authorize(request);
                case "token/":
                    return this.withOrigin(request, uncached(await this.token(request)));
                case "userinfo/":
                    return this.withOrigin(request, uncached(this.userinfo(request)));
                case "introspect/":
                    return uncached(this.introspect(request));
                case "revoke/":
                    return uncached(this.revoke(request));
            }
        } catch (error) {
            if (error instanceof Refused) return error.answer;
            throw error;
        }
        const [slug, ...rest] = path.split("/") as [string, ...string[]];
        if (!rest.length) return notFoundPage();
        if (rest.join("/") === "") return redirect(`/application/o/${slug}/.well-known/openid-configuration`);
        if (request.method === "POST") return forbidden();
        const application = this.world.store.find("core/applications", "slug", decodeURIComponent(slug));
        const provider = application && this.world.store.get("providers/oauth2", application.provider);
        if (!application || !provider) return notFoundPage();
        switch (rest.join("/")) {
            case ".well-known/openid-configuration":
                return allowOrigin(
                    request,
                    [provider],
                    json(200, discovery(this.world, request, provider, application)),
                );
            case "jwks/":
                return json(200, jwks(this.world, provider), { headers: { "Access-Control-Allow-Origin": "*" } });
            case "end-session/":
                return this.endSession(request, provider, application);
            default:
                return notFoundPage();
        }
    }

    private async authorize(request: Request): Promise<Answer> {
        const { world } = this;
        // A form on another site cannot be told from the client's.
        if (request.method === "POST") return forbidden();
        const parameters: Record<string, string> = Object.fromEntries(request.query);
        if (!Object.keys(parameters).length) return notFoundPage();
        const provider = checkAuthorization(this.world, parameters);
        const session = world.sessions.of(request);
        const user = session?.user === undefined ? undefined : world.store.get("core/users", session.user);
        const prompt = new Set((parameters.prompt ?? "").split(" "));
        if (prompt.has("none") && !user) return errorAtClient(parameters, "login_required");
        const application = applicationOf(world, provider);
        if (!application) return permissionDenied();
        if (!session || !user) return this.toLogin(request, provider, application, session);
        if (!new PolicyEngine(world, application).passes(user)) return permissionDenied();

        const age = Date.now() - (session.loggedInAt ?? 0);
        const maximumAge = Number(parameters.max_age ?? 0);
        if (Number.isNaN(maximumAge)) return page(500, { heading: "Server Error" });
        // Nought is no limit here.
        const tooOld = maximumAge > 0 && age > maximumAge * 1000;
        const repeat =
            prompt.has("login") &&
            (session.repeatedLogin === undefined || session.repeatedLogin === session.loggedInAt);
        if (tooOld || repeat) {
            session.repeatedLogin = session.loggedInAt;
            return this.toLogin(request, provider, application, session);
        }
        const flow = world.store.get("flows/instances", provider.authorization_flow) as Stored;
        if (!isApplicable(world, flow, user)) return permissionDenied();
        const plan = planFlow(world, flow, user, { application: application.pk as string, authorization: parameters });
        const cookies = world.sessions.cookies(request, session);
        if (prompt.has("consent")) plan.steps.push(consent);
        if (!plan.steps.length) return redirect(await this.issueCode(request, session, parameters), { cookies });
        plan.steps.push(fulfillment);
        session.plan = plan;
        return redirect(`/if/flow/${flow.slug as string}/?${new URLSearchParams(parameters).toString()}`, { cookies });
    }

    /** Sends somebody to the login flow, and remembers for which application. */
    private toLogin(request: Request, provider: Stored, application: Stored, existing: Session | undefined): Answer {
        const { world } = this;
        const user = existing?.user === undefined ? undefined : world.store.get("core/users", existing.user);
        const flow =
            (provider.authentication_flow === null
                ? undefined
                : world.store.get("flows/instances", provider.authentication_flow)) ??
            defaultFlow(world, "authentication", user);
        if (!flow || !isApplicable(world, flow, user)) return notFoundPage();
        const plan: FlowPlan = planFlow(world, flow, user, { application: application.pk as string });
        if (!plan.steps.length) return notFoundPage();
        const session = existing ?? world.sessions.create();
        session.plan = plan;
        const query = new URLSearchParams(request.query);
        query.set("next", `${request.path}${request.search}`);
        return redirect(`/if/flow/${flow.slug as string}/?${query.toString()}`, {
            cookies: world.sessions.cookies(request, session),
        });
    }

    /** The redirect URI with a new code for whoever is logged in. The request has been checked when it came in. */
    async issueCode(request: Request, session: Session, parameters: Record<string, string>): Promise<string> {
        const { world } = this;
        const provider = world.store.find("providers/oauth2", "client_id", parameters.client_id) as Stored;
        const user = world.store.get("core/users", session.user) as Stored;
        const engine = await this.engine(request, provider, parameters.redirect_uri);
        const answer = await engine.authorize(subjectOf(provider, user), {
            client_id: parameters.client_id as string,
            redirect_uri: parameters.redirect_uri as string,
            response_type: "code",
            scope: "openid",
            ...(parameters.code_challenge === undefined
                ? {}
                : { code_challenge: s256(parameters), code_challenge_method: "S256" }),
        });
        const code = answer.location === undefined ? null : new URL(answer.location).searchParams.get("code");
        if (code === null) {
            throw new Error(
                `oidc-provider issued no code: status ${answer.status}, ` +
                    `${answer.location ?? JSON.stringify(answer.body)}`,
            );
        }
        // Authentik's codes are hexadecimal numbers.
        const shown = newHexadecimal(32);
        this.codes.set(shown, {
            engineCode: code,
            redirectUri: parameters.redirect_uri as string,
            provider: provider.pk as number,
            user: user.pk as number,
            scopes: grantedScopes(this.world, provider, parameters.scope),
            nonce: parameters.nonce,
            loggedInAt: session.loggedInAt ?? Date.now(),
            session: { key: session.key, method: session.method },
            expires: Infinity,
        });
        const target = new URL(parameters.redirect_uri as string);
        if (parameters.response_mode === "fragment") {
            target.hash = new URLSearchParams({ code: shown, state: parameters.state ?? "" }).toString();
            return target.toString();
        }
        target.searchParams.set("code", shown);
        target.searchParams.set("state", parameters.state ?? "");
        return target.toString();
    }

    private async token(request: Request): Promise<Answer> {
        if (request.method === "OPTIONS") return json(200, {});
        if (request.method !== "POST") return emptyMethodNotAllowed("POST, OPTIONS");
        const form: Record<string, string> = Object.fromEntries(new URLSearchParams(request.body.toString("utf8")));
        const client = clientOf(request, form);
        const provider = this.world.store.find("providers/oauth2", "client_id", client.id);
        if (!provider) return tokenError("invalid_client");
        // Which error a release of 2026.5 answers here has not been measured; the candidate has no such list.
        const refused =
            knowsGrantTypes(this.world) && !(provider.grant_types as string[]).includes(form.grant_type ?? "");
        if (refused) return tokenError("unsupported_grant_type");
        switch (form.grant_type) {
            case "authorization_code":
                return this.redeem(request, provider, client.secret, form);
            case "refresh_token":
                return this.refresh(request, provider, client.secret, form);
            case "urn:ietf:params:oauth:grant-type:device_code":
                return tokenError("invalid_grant");
            case "client_credentials":
            case "password":
                return this.clientCredentials(request, provider, form);
            default:
                return tokenError("unsupported_grant_type");
        }
    }

    private async redeem(
        request: Request,
        provider: Stored,
        secret: string,
        form: Record<string, string>,
    ): Promise<Answer> {
        const confidential = provider.client_type === "confidential";
        if (confidential && !equal(secret, provider.client_secret as string)) return tokenError("invalid_client");
        const { code, redirect_uri: redirectUri, code_verifier: verifier } = form;
        if (!code) return tokenError("invalid_grant");
        if (redirectUri === undefined || !isAllowed(provider, redirectUri)) return tokenError("invalid_client");
        const issued = this.codes.get(code);
        const user = issued && this.owner(issued);
        if (!issued || !user || issued.provider !== provider.pk) return tokenError("invalid_grant");
        // Any of the provider's redirect URIs will do, not only the one of the authorization request.
        const engine = await this.engine(request, provider, issued.redirectUri);
        const answer = await engine.redeem({
            grant_type: "authorization_code",
            code: issued.engineCode as string,
            redirect_uri: issued.redirectUri as string,
            ...(verifier === undefined ? {} : { code_verifier: verifier }),
        });
        if (answer.status !== 200) return tokenError("invalid_grant");
        this.codes.delete(code);
        return this.issueTokens(request, provider, user, issued);
    }

    /**
     * A new access token, and a new refresh token unless the old one still lasts longer than the provider's threshold.
     */
    private async refresh(
        request: Request,
        provider: Stored,
        secret: string,
        form: Record<string, string>,
    ): Promise<Answer> {
        const confidential = provider.client_type === "confidential";
        if (confidential && !equal(secret, provider.client_secret as string)) return tokenError("invalid_client");
        const issued = this.refreshTokens.get(form.refresh_token ?? "");
        const user = issued && this.owner(issued);
        if (
            !issued ||
            !user ||
            issued.provider !== provider.pk ||
            issued.revoked === true ||
            issued.expires < Date.now()
        ) {
            return tokenError("invalid_grant");
        }
        const asked = (form.scope ?? "").split(" ").filter(Boolean);
        const scopes = asked.length ? asked : issued.scopes;
        if (!scopes.every((scope) => issued.scopes.includes(scope)) || !scopes.includes("offline_access"))
            return tokenError("invalid_scope");
        const threshold = milliseconds(provider.refresh_token_threshold as string) ?? 0;
        const renewed = threshold === 0 || issued.expires - Date.now() < threshold;
        if (renewed) issued.revoked = true;
        return this.issueTokens(request, provider, user, { ...issued, nonce: undefined, revoked: false }, renewed);
    }

    /** Who a code or a token was issued to, unless the session that it came from has ended. */
    private owner({ user, session }: Issued): Stored | undefined {
        return session && !this.world.sessions.has(session.key) ? undefined : this.world.store.get("core/users", user);
    }

    private introspect(request: Request): Answer {
        if (request.method !== "POST") return emptyMethodNotAllowed("POST, OPTIONS");
        const form: Record<string, string> = Object.fromEntries(new URLSearchParams(request.body.toString("utf8")));
        const provider = this.confidentialClient(request, form);
        const issued = this.accessTokens.get(form.token ?? "") ?? this.refreshTokens.get(form.token ?? "");
        if (!provider || issued?.provider !== provider.pk || issued.expires < Date.now() || !this.owner(issued)) {
            return json(200, { active: false });
        }
        const scope = issued.scopes.join(" ");
        return json(200, { ...issued.claims, active: issued.revoked !== true, scope, client_id: provider.client_id });
    }

    private revoke(request: Request): Answer {
        if (request.method !== "POST") return emptyMethodNotAllowed("POST, OPTIONS");
        const form: Record<string, string> = Object.fromEntries(new URLSearchParams(request.body.toString("utf8")));
        const provider = this.confidentialClient(request, form);
        if (!provider) return { ...tokenError("invalid_client"), status: 401 };
        for (const tokens of [this.accessTokens, this.refreshTokens]) {
            if (tokens.get(form.token ?? "")?.provider === provider.pk) tokens.delete(form.token as string);
        }
        return json(200, {});
    }

    private confidentialClient(request: Request, form: Record<string, string>): Stored | undefined {
        const { id, secret } = clientOf(request, form);
        const provider = this.world.store.find("providers/oauth2", "client_id", id);
        return provider?.client_type === "confidential" && equal(secret, provider.client_secret as string)
            ? provider
            : undefined;
    }

    /** Lets a page of the client's own origin read an answer. */
    private withOrigin(request: Request, answer: Answer): Answer {
        if (request.headers.origin === undefined) return answer;
        return allowOrigin(request, this.world.store.all("providers/oauth2"), answer);
    }

    /** With a user name and an app password, in Authentik's own way: the client secret is not looked at. */
    private async clientCredentials(request: Request, provider: Stored, form: Record<string, string>): Promise<Answer> {
        const user = this.world.store.find("core/users", "username", form.username ?? "");
        if (user?.is_active !== true || !appPassword(this.world, user, form.password ?? ""))
            return tokenError("invalid_grant");
        const application = applicationOf(this.world, provider);
        if (!application || !new PolicyEngine(this.world, application).passes(user)) return tokenError("invalid_grant");
        return this.issueTokens(request, provider, user, {
            provider: provider.pk as number,
            user: user.pk as number,
            scopes: form.scope ? grantedScopes(this.world, provider, form.scope) : [],
            nonce: undefined,
            loggedInAt: Date.now(),
            session: undefined,
            expires: 0,
        });
    }

    private async issueTokens(
        request: Request,
        provider: Stored,
        user: Stored,
        issued: Issued,
        refreshable = issued.scopes.includes("offline_access") && issued.session !== undefined,
    ): Promise<Answer> {
        const lifetime = Math.floor((milliseconds(provider.access_token_validity as string) ?? 3_600_000) / 1000);
        const expires = Math.floor(Date.now() / 1000) + lifetime;
        const scope = issued.scopes.join(" ");
        const claims: Fields = {
            sub: subjectOf(provider, user),
            auth_time: Math.floor(issued.loggedInAt / 1000),
            acr,
            ...(issued.session?.method === "password" ? { amr: ["pwd"] } : {}),
            ...(issued.nonce === undefined ? {} : { nonce: issued.nonce }),
            ...(issued.session ? { sid: sha256(issued.session.key) } : {}),
            jti: newKey(40),
            ...(provider.include_claims_in_id_token === true
                ? scopeClaims(this.world, provider, user, issued.scopes)
                : {}),
        };
        const engine = await this.engine(request, provider, undefined);
        const whole = {
            iss: engine.issuer,
            aud: provider.client_id,
            exp: expires,
            iat: Math.floor(Date.now() / 1000),
            ...claims,
        };
        const accessToken = engine.sign({ ...whole, azp: provider.client_id, uid: newKey(40), scope });
        this.accessTokens.set(accessToken, { ...issued, expires: expires * 1000, claims: whole });
        const refreshToken = newKey(128);
        if (refreshable) {
            const refreshExpires = Date.now() + (milliseconds(provider.refresh_token_validity as string) ?? 0);
            const hash = createHash("sha256").update(accessToken).digest().subarray(0, 16).toString("base64url");
            this.refreshTokens.set(refreshToken, {
                ...issued,
                expires: refreshExpires,
                claims: { ...whole, at_hash: hash },
            });
        }
        return json(200, {
            access_token: accessToken,
            token_type: "Bearer",
            scope,
            expires_in: lifetime,
            id_token: engine.sign(whole),
            ...(refreshable ? { refresh_token: refreshToken } : {}),
        });
    }

    private userinfo(request: Request): Answer {
        if (!["GET", "HEAD", "POST"].includes(request.method)) return emptyMethodNotAllowed("GET, POST, HEAD, OPTIONS");
        const key = /^bearer (\S+)/i.exec(request.headers.authorization ?? "")?.[1];
        const form = new URLSearchParams(request.method === "POST" ? request.body.toString("utf8") : "");
        const given = key ?? form.get("access_token") ?? request.query.get("access_token") ?? undefined;
        const issued = given === undefined ? undefined : this.accessTokens.get(given);
        const provider = issued && this.world.store.get("providers/oauth2", issued.provider);
        const user = issued && this.owner(issued);
        if (!issued || !provider || !user || issued.expires < Date.now()) return bearerError(401, "invalid_token");
        if (!issued.scopes.includes("openid")) return bearerError(403, "insufficient_scope");
        return json(200, {
            sub: subjectOf(provider, user),
            ...scopeClaims(this.world, provider, user, issued.scopes),
            ...(issued.nonce === undefined ? {} : { nonce: issued.nonce }),
        });
    }

    private endSession(request: Request, provider: Stored, application: Stored): Answer {
        const { world } = this;
        const flow =
            world.store.get("flows/instances", provider.invalidation_flow) ??
            defaultFlow(world, "invalidation", undefined);
        if (!flow) return notFoundPage();
        const existing = world.sessions.of(request);
        if (existing?.plan) {
            const headers = { "Content-Type": "text/html" };
            return { status: 200, body: "<html><body>Logout successful</body></html>", headers };
        }
        const user = existing?.user === undefined ? undefined : world.store.get("core/users", existing.user);
        if (!user) {
            const login = defaultFlow(world, "authentication", undefined);
            const next = `${request.path}${request.search}`;
            return login
                ? redirect(`/if/flow/${login.slug as string}/?${new URLSearchParams({ next }).toString()}`)
                : notFoundPage();
        }
        if (!new PolicyEngine(world, application).passes(user)) return permissionDenied();
        const session = existing ?? world.sessions.create();
        const plan = planFlow(world, flow, user, { application: application.pk as string });
        plan.steps.push(sessionEnd);
        session.plan = plan;
        return redirect(`/if/flow/${flow.slug as string}/${request.search}`, {
            cookies: world.sessions.cookies(request, session),
        });
    }

    hasConsented(user: number, application: string): boolean {
        return (this.consents.get(`${user}/${application}`) ?? 0) > Date.now();
    }

    /** @param lifetime milliseconds */
    rememberConsent(user: number, application: string, lifetime: number): void {
        this.consents.set(`${user}/${application}`, Date.now() + lifetime);
    }

    /** The engine of a provider at the address that the request came to. */
    private engine(request: Request, provider: Stored, redirectUri: string | undefined): Promise<OidcEngine> {
        const application = applicationOf(this.world, provider) as Stored;
        const certificate = signingCertificate(this.world, provider);
        const settings = {
            issuer: issuerOf(request, provider, application),
            clientId: provider.client_id as string,
            clientSecret: provider.client_type === "confidential" ? (provider.client_secret as string) : undefined,
            redirectUris: [redirectUri ?? "https://unused.invalid/"],
            scopes: [],
            codeLifetime: Math.max(
                1,
                Math.floor((milliseconds(provider.access_code_validity as string) ?? 60_000) / 1000),
            ),
            signingKey: certificate && {
                privateKeyPem: certificate.private_key as string,
                keyId: keyIdOf(certificate),
            },
        };
        const key = sha256(JSON.stringify(settings));
        const engine = this.engines.get(key) ?? OidcEngine.create(settings, this.storage);
        this.engines.set(key, engine);
        return engine;
    }
}
