import { createHmac, createPrivateKey, sign } from "node:crypto";
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Fields } from "./apiSchema";

import { importNatively, type Loaded } from "./nativeImport";

/** What the stand-in uses of the npm package `oidc-provider` (9.x), which brings no types of its own. */
interface Provider {
    callback(): (request: IncomingMessage, response: ServerResponse) => void;
    readonly Session: new (payload: Fields) => { readonly id: string; save(seconds: number): Promise<unknown> };
    on(event: string, listener: (...parameters: unknown[]) => void): void;
}

interface Grant {
    addOIDCScope(scope: string): void;
    save(): Promise<string>;
}

interface KoaContext {
    readonly oidc: {
        readonly provider: { readonly Grant: new (payload: Fields) => Grant };
        readonly client: { readonly clientId: string };
        readonly account: { readonly accountId: string };
        readonly params: { readonly scope?: string };
    };
}

/** How a client of the engine looks. Two engines with equal settings are the same one. */
export interface EngineSettings {
    readonly issuer: string;
    readonly clientId: string;
    /** Undefined for a public client. */
    readonly clientSecret: string | undefined;
    readonly redirectUris: readonly string[];
    readonly scopes: readonly string[];
    /** Seconds. */
    readonly codeLifetime: number;
    /** The signing key; without one the client secret signs (HS256), as in Authentik. */
    readonly signingKey: { readonly privateKeyPem: string; readonly keyId: string } | undefined;
}

export interface EngineAnswer {
    readonly status: number;
    readonly location: string | undefined;
    readonly body: Fields;
}

type Package = { Provider: new (issuer: string, options: Fields) => Provider };

/**
 * The package is an ES module, loaded when the first client comes: it costs a tenth of a second that most tests need
 * not pay.
 */
const loadPackage = () => importNatively<Package>(() => import("oidc-provider"), "oidc-provider");

/**
 * `oidc-provider` for one client at one address. Authentik has an issuer for each application and endpoints for all,
 * with answers of its own; so the engine is asked in memory, by openidConnect.ts, for what a library does best:
 * authorization codes and their lifetime, PKCE, redirect URIs, client authentication and signatures.
 */
export class OidcEngine {
    private constructor(
        private readonly provider: Provider,
        private readonly settings: EngineSettings,
        private readonly plain: Loaded<Package>["plain"],
    ) {}

    /**
     * @param storage codes and grants: one for all engines, as a code may be redeemed at another address than it was
     * issued at.
     */
    static async create(settings: EngineSettings, storage: EngineStorage): Promise<OidcEngine> {
        const { module, plain } = await loadPackage();
        const { clientId, clientSecret, signingKey } = settings;
        const options: Fields = {
            adapter: (model: string) => storage.adapter(model),
            clients: [
                {
                    client_id: clientId,
                    ...(clientSecret === undefined ? {} : { client_secret: clientSecret }),
                    token_endpoint_auth_method: clientSecret === undefined ? "none" : "client_secret_basic",
                    redirect_uris: settings.redirectUris,
                    grant_types: ["authorization_code"],
                    response_types: ["code"],
                    id_token_signed_response_alg: signingKey ? "RS256" : "HS256",
                },
            ],
            enabledJWA: { idTokenSigningAlgValues: ["RS256", "HS256"] },
            jwks: { keys: signingKey ? [privateJwk(signingKey)] : [] },
            scopes: ["openid", ...settings.scopes],
            routes: { authorization: "/authorize", token: "/token" },
            ttl: {
                AuthorizationCode: settings.codeLifetime,
                AccessToken: 3600,
                IdToken: 3600,
                Session: 86_400,
                Grant: 86_400,
            },
            features: {
                devInteractions: { enabled: false },
                userinfo: { enabled: false },
                rpInitiatedLogout: { enabled: false },
            },
            pkce: { required: () => false },
            expiresWithSession: () => false,
            cookies: { names: { session: "engine_session" } },
            interactions: { url: () => "/interaction" },
            findAccount: (_context: unknown, accountId: string) => ({
                accountId,
                claims: () => plain({ sub: accountId }),
            }),
            // Consent is a matter of Authentik's flows: whoever gets here has given it.
            loadExistingGrant: async ({ oidc }: KoaContext) => {
                const grant = new oidc.provider.Grant(
                    plain({ clientId: oidc.client.clientId, accountId: oidc.account.accountId }),
                );
                grant.addOIDCScope(oidc.params.scope ?? "openid");
                await grant.save();
                return grant;
            },
        };
        return new OidcEngine(new module.Provider(settings.issuer, plain(options)), settings, plain);
    }

    /**
     * Asks for an authorization code for somebody who is logged in; the answer redirects with `code`, or with `error`.
     */
    async authorize(accountId: string, parameters: Record<string, string>): Promise<EngineAnswer> {
        const session = new this.provider.Session(this.plain({ accountId, loginTs: Math.floor(Date.now() / 1000) }));
        await session.save(86_400);
        return this.ask("GET", `/authorize?${new URLSearchParams(parameters).toString()}`, {
            cookie: `engine_session=${session.id}`,
        });
    }

    /** Redeems a code. Who the client is has been checked by then. */
    async redeem(parameters: Record<string, string>): Promise<EngineAnswer> {
        const { clientId, clientSecret } = this.settings;
        const encoded = (text: string) => encodeURIComponent(text);
        const authorization =
            clientSecret === undefined
                ? undefined
                : `Basic ${Buffer.from(`${encoded(clientId)}:${encoded(clientSecret)}`).toString("base64")}`;
        const form = new URLSearchParams({
            ...parameters,
            ...(authorization ? {} : { client_id: clientId }),
        }).toString();
        return this.ask(
            "POST",
            "/token",
            { ...(authorization ? { authorization } : {}), "content-type": "application/x-www-form-urlencoded" },
            form,
        );
    }

    get issuer(): string {
        return this.settings.issuer;
    }

    /** A signed token with these claims. (The library's own have no `typ` in their header.) */
    sign(claims: Fields): string {
        const { signingKey, clientSecret = "" } = this.settings;
        const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
        const header = signingKey ? { alg: "RS256", kid: signingKey.keyId, typ: "JWT" } : { alg: "HS256", typ: "JWT" };
        const signed = `${encoded(header)}.${encoded(claims)}`;
        const signature = signingKey
            ? sign("RSA-SHA256", Buffer.from(signed), signingKey.privateKeyPem)
            : createHmac("sha256", clientSecret).update(signed).digest();
        return `${signed}.${signature.toString("base64url")}`;
    }

    /** Puts a request to the library without a socket, and waits for its answer. */
    private ask(method: string, url: string, headers: Record<string, string>, body = ""): Promise<EngineAnswer> {
        const { host } = new URL(this.settings.issuer);
        const request = new IncomingMessage(new Socket());
        Object.assign(request, {
            method,
            url,
            headers: { host, ...headers, "content-length": String(Buffer.byteLength(body)) },
        });
        request.push(body || null);
        if (body) request.push(null);
        return new Promise((resolve, reject) => {
            const response = new ServerResponse(request);
            const chunks: Buffer[] = [];
            const keep = (chunk: unknown) => {
                if (typeof chunk === "string" || Buffer.isBuffer(chunk)) chunks.push(Buffer.from(chunk as string));
            };
            response.write = ((chunk: unknown) => {
                keep(chunk);
                return true;
            }) as typeof response.write;
            response.end = ((chunk: unknown) => {
                keep(chunk);
                const text = Buffer.concat(chunks).toString("utf8");
                const location = response.getHeader("location");
                try {
                    const parsed = text.startsWith("{") ? (JSON.parse(text) as Fields) : {};
                    resolve({
                        status: response.statusCode,
                        location: location === undefined ? undefined : String(location),
                        body: parsed,
                    });
                } catch (error) {
                    reject(error as Error);
                }
                return response;
            }) as typeof response.end;
            this.provider.callback()(request, response);
        });
    }
}

function privateJwk({ privateKeyPem, keyId }: { privateKeyPem: string; keyId: string }): Fields {
    return { ...createPrivateKey(privateKeyPem).export({ format: "jwk" }), kid: keyId, use: "sig", alg: "RS256" };
}

/** Codes and grants of every engine, in memory. */
export class EngineStorage {
    private readonly entries = new Map<string, { payload: Fields; expires: number }>();

    adapter(model: string): Fields {
        const key = (id: string) => `${model}:${id}`;
        return {
            upsert: async (id: string, payload: Fields, seconds?: number) => {
                this.entries.set(key(id), {
                    payload,
                    expires: seconds === undefined ? Infinity : Date.now() + seconds * 1000,
                });
            },
            find: async (id: string) => {
                const entry = this.entries.get(key(id));
                return entry && entry.expires > Date.now() ? entry.payload : undefined;
            },
            findByUid: async (uid: string) =>
                [...this.entries.values()].find(({ payload }) => payload.uid === uid)?.payload,
            findByUserCode: async () => undefined,
            consume: async (id: string) => {
                const entry = this.entries.get(key(id));
                if (entry) entry.payload.consumed = Math.floor(Date.now() / 1000);
            },
            destroy: async (id: string) => void this.entries.delete(key(id)),
            revokeByGrantId: async (grantId: string) => {
                for (const [id, { payload }] of this.entries) if (payload.grantId === grantId) this.entries.delete(id);
            },
        };
    }
}
