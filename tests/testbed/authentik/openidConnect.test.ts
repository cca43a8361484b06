import { createHmac, createPublicKey, verify } from "node:crypto";

import { call, isReal, type Target, target, targetForAll, Visitor } from "./target";

targetForAll();

type Site = Awaited<ReturnType<Target["makeApplication"]>>;

const callback = "http://127.0.0.1:9/callback";

function authorizePath(site: Site, changes: Record<string, string | undefined> = {}): string {
    const parameters = {
        client_id: site.slug,
        response_type: "code",
        scope: "openid email profile",
        redirect_uri: callback,
        state: "a state",
        ...changes,
    };
    const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return `/application/o/authorize/?${new URLSearchParams(given).toString()}`;
}

/** A visitor who is logged in as the site's account. */
async function loggedIn(site: Site): Promise<Visitor> {
    const visitor = new Visitor(target.url);
    await visitor.logIn(site.user.username, await target.makeToken(site.user.pk, "app_password"));
    return visitor;
}

async function newCode(
    site: Site,
    visitor: Visitor,
    changes: Record<string, string | undefined> = {},
): Promise<string> {
    const reply = await visitor.go(authorizePath(site, changes));
    expect(reply.status).toBe(302);
    const code = new URL(reply.headers.location as string).searchParams.get("code");
    expect(code).not.toBeNull();
    return code as string;
}

function redeem(site: Site, form: Record<string, string>, options: { secret?: string } = {}) {
    const basic = Buffer.from(`${site.slug}:${encodeURIComponent(options.secret ?? "a client's secret")}`).toString(
        "base64",
    );
    return call(`${target.url}/application/o/token/`, {
        method: "POST",
        form: { grant_type: "authorization_code", redirect_uri: callback, ...form },
        headers: { authorization: `Basic ${basic}` },
    });
}

function parts(token: string): { header: any; claims: any; signed: string; signature: Buffer } {
    const [header, claims, signature] = token.split(".") as [string, string, string];
    const decode = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return {
        header: decode(header),
        claims: decode(claims),
        signed: `${header}.${claims}`,
        signature: Buffer.from(signature, "base64url"),
    };
}

const heading = (html: string) => /<h1[^>]*>\s*([^<]*?)\s*<\/h1>/.exec(html)?.[1];
const title = (html: string) => /<title>\s*([^<]*?)\s*<\/title>/.exec(html)?.[1];

describe(`OpenID Connect [${isReal ? "real" : "stand-in"}]`, () => {
    test(
        "discovery: an issuer for the application, endpoints for all, " +
            "both as the client sees the host [fact: iss follows the Host and X-Forwarded-Proto headers]",
        async () => {
            const { slug } = await target.makeApplication();
            const path = `/application/o/${slug}/.well-known/openid-configuration`;
            const expected = (origin: string) => ({
                issuer: `${origin}/application/o/${slug}/`,
                authorization_endpoint: `${origin}/application/o/authorize/`,
                token_endpoint: `${origin}/application/o/token/`,
                userinfo_endpoint: `${origin}/application/o/userinfo/`,
                jwks_uri: `${origin}/application/o/${slug}/jwks/`,
                id_token_signing_alg_values_supported: ["RS256"],
            });
            expect((await call(`${target.url}${path}`)).body).toMatchObject(expected(target.url));
            const proxied = await call(`${target.url}${path}`, {
                headers: { host: "id.example.org", "x-forwarded-proto": "https" },
            });
            expect(proxied.body).toMatchObject(expected("https://id.example.org"));
            expect((await call(`${target.url}/application/o/nonesuch/.well-known/openid-configuration`)).status).toBe(
                404,
            );
        },
    );

    test(
        "the whole way: authorize, login flow, back to authorize, code, tokens, userinfo [fact: " +
            "The whole chain works without a browser: " +
            "authorize -> flow -> executor -> redirect_uri?code=…&state=…; " +
            "id_token's iss, aud, sub, preferred_username, groups; RS256]",
        async () => {
            const site = await target.makeApplication();
            const visitor = new Visitor(target.url);
            const path = authorizePath(site);
            const first = await visitor.go(path);
            expect(first.status).toBe(302);
            const page = new URL(first.headers.location as string, target.url);
            expect(page.pathname).toBe("/if/flow/default-authentication-flow/");
            expect(page.searchParams.get("client_id")).toBe(site.slug);
            expect(page.searchParams.get("next")).toBe(path);
            expect((await visitor.go(first.headers.location as string)).status).toBe(200);

            const query = page.search.slice(1);
            const challenge = await visitor.flow("default-authentication-flow", undefined, query);
            expect(challenge.body.application_pre).toBe(site.slug);
            const last = await visitor.logIn(
                site.user.username,
                await target.makeToken(site.user.pk, "app_password"),
                query,
            );
            expect(last.body).toEqual({ component: "xak-flow-redirect", to: path });

            const back = await visitor.go(last.body.to);
            expect(back.status).toBe(302);
            const arrived = new URL(back.headers.location as string);
            expect(arrived.origin + arrived.pathname).toBe(callback);
            expect([...arrived.searchParams.keys()]).toEqual(["code", "state"]);
            expect(arrived.searchParams.get("state")).toBe("a state");

            const reply = await redeem(site, { code: arrived.searchParams.get("code") as string });
            expect(reply.status).toBe(200);
            expect(reply.body).toMatchObject({ token_type: "Bearer", expires_in: 3600 });
            expect(reply.body.scope.split(" ").sort()).toEqual(["email", "openid", "profile"]);
            const { header, claims, signed, signature } = parts(reply.body.id_token);
            expect(claims).toMatchObject({
                iss: `${target.url}/application/o/${site.slug}/`,
                aud: site.slug,
                sub: site.user.uid,
                preferred_username: site.user.username,
                groups: [site.group.name],
                email: "robot@example.org",
                email_verified: false,
                acr: "goauthentik.io/providers/oauth2/default",
            });
            expect(claims.exp - claims.iat).toBeGreaterThanOrEqual(3599);
            const keys = (await call(`${target.url}/application/o/${site.slug}/jwks/`)).body.keys;
            expect(keys).toHaveLength(1);
            expect(keys[0]).toMatchObject({ kty: "RSA", alg: "RS256", use: "sig", kid: header.kid });
            expect(header.alg).toBe("RS256");
            expect(
                verify("RSA-SHA256", Buffer.from(signed), createPublicKey({ key: keys[0], format: "jwk" }), signature),
            ).toBe(true);

            const userinfo = await call(`${target.url}/application/o/userinfo/`, {
                headers: { authorization: `Bearer ${reply.body.access_token}` },
            });
            expect(userinfo.body).toMatchObject({
                sub: site.user.uid,
                groups: [site.group.name],
                email: "robot@example.org",
            });
            const strange = await call(`${target.url}/application/o/userinfo/`, {
                headers: { authorization: "Bearer nonsense" },
            });
            expect(strange.status).toBe(401);
            expect(strange.headers["www-authenticate"]).toContain('error="invalid_token"');

            const again = await redeem(site, { code: arrived.searchParams.get("code") as string });
            expect([again.status, again.body.error]).toEqual([400, "invalid_grant"]);
        },
    );

    test(
        'what the authorization endpoint refuses [fact: client id unknown 400 "Client ID Error"; ' +
            'redirect URI differs, even by a trailing slash, 400 "Redirect URI Error"]',
        async () => {
            const site = await target.makeApplication();
            const visitor = await loggedIn(site);
            const refused = async (changes: Record<string, string | undefined>) =>
                visitor.go(authorizePath(site, changes));
            for (const changes of [{ redirect_uri: `${callback}/` }, { redirect_uri: undefined }]) {
                const reply = await refused(changes);
                expect([reply.status, heading(reply.text)]).toEqual([400, "Redirect URI Error"]);
            }
            const unknown = await refused({ client_id: "nonesuch" });
            expect([unknown.status, heading(unknown.text)]).toEqual([400, "Client ID Error"]);
            const type = await refused({ response_type: "nonsense" });
            const told = new URL(type.headers.location as string);
            expect([type.status, told.searchParams.get("error"), told.searchParams.get("state")]).toEqual([
                302,
                "unsupported_response_type",
                "a state",
            ]);
        },
    );

    test(
        "a user in no bound group gets a page with status 200 and no redirect [fact: in no bound group: " +
            'authorize 200 HTML, title "Permission denied - authentik"]',
        async () => {
            const site = await target.makeApplication();
            const stranger = await target.make("/core/users/", { username: target.name("stranger"), name: "" });
            const visitor = new Visitor(target.url);
            await visitor.logIn(stranger.username, await target.makeToken(stranger.pk, "app_password"));
            const reply = await visitor.go(authorizePath(site));
            expect([reply.status, reply.headers.location, title(reply.text)]).toEqual([
                200,
                undefined,
                "Permission denied - authentik",
            ]);
        },
    );

    test(
        "an application without its provider, and a provider without its application [fact: " +
            'application without provider: authorize 200 HTML "Permission denied - authentik"]',
        async () => {
            const site = await target.makeApplication();
            const visitor = await loggedIn(site);
            await target.api("PATCH", `/core/applications/${site.slug}/`, { provider: null });
            const reply = await visitor.go(authorizePath(site));
            expect([reply.status, title(reply.text)]).toEqual([200, "Permission denied - authentik"]);
            expect(
                (await call(`${target.url}/application/o/${site.slug}/.well-known/openid-configuration`)).status,
            ).toBe(404);
        },
    );

    test("what the token endpoint refuses [fact: wrong client secret: invalid_client]", async () => {
        const site = await target.makeApplication();
        const visitor = await loggedIn(site);
        const code = await newCode(site, visitor);
        const secret = await redeem(site, { code }, { secret: "wrong" });
        expect([secret.status, secret.body.error]).toEqual([400, "invalid_client"]);
        const uri = await redeem(site, { code, redirect_uri: `${callback}/other` });
        expect([uri.status, uri.body.error]).toEqual([400, "invalid_client"]);
        expect((await redeem(site, { code: "nonsense" })).body.error).toBe("invalid_grant");
        expect((await redeem(site, { grant_type: "nonsense" })).body.error).toBe("unsupported_grant_type");
        // None of them used the code up.
        expect((await redeem(site, { code })).status).toBe(200);
    });

    test(
        "without a signing key tokens are signed with the client secret, and there are no keys [fact: " +
            "Without a signing key it is HS256 and the JWKS is empty]",
        async () => {
            const site = await target.makeApplication({ provider: { signing_key: null } });
            const visitor = await loggedIn(site);
            const { header, signed, signature } = parts(
                (await redeem(site, { code: await newCode(site, visitor) })).body.id_token,
            );
            expect(header.alg).toBe("HS256");
            expect(createHmac("sha256", "a client's secret").update(signed).digest().equals(signature)).toBe(true);
            expect((await call(`${target.url}/application/o/${site.slug}/jwks/`)).body).toEqual({});
        },
    );

    test(
        "without the openid mapping userinfo is 403, without profile there are no names and groups [fact: " +
            "no openid mapping: userinfo 403; no profile mapping: no names and groups]",
        async () => {
            const mapping = async (scope: string) =>
                (
                    await target.find(
                        `/propertymappings/provider/scope/?managed=goauthentik.io/providers/oauth2/scope-${scope}`,
                    )
                ).pk;
            const site = await target.makeApplication({ provider: { property_mappings: [await mapping("email")] } });
            const tokens = (await redeem(site, { code: await newCode(site, await loggedIn(site)) })).body;
            expect(parts(tokens.id_token).claims).toMatchObject({ email: "robot@example.org" });
            expect(parts(tokens.id_token).claims).not.toHaveProperty("groups");
            const userinfo = await call(`${target.url}/application/o/userinfo/`, {
                headers: { authorization: `Bearer ${tokens.access_token}` },
            });
            expect(userinfo.status).toBe(403);
            expect(userinfo.headers["www-authenticate"]).toContain('error="insufficient_scope"');
        },
    );

    test("the global issuer mode has the host as issuer [fact: issuer differs in global mode]", async () => {
        const site = await target.makeApplication({ provider: { issuer_mode: "global" } });
        const discovery = await call(`${target.url}/application/o/${site.slug}/.well-known/openid-configuration`);
        expect(discovery.body.issuer).toBe(`${target.url}/`);
        const tokens = await redeem(site, { code: await newCode(site, await loggedIn(site)) });
        expect(parts(tokens.body.id_token).claims.iss).toBe(`${target.url}/`);
    });

    test("explicit consent is asked for once [fact: consent asked once in four weeks by default]", async () => {
        const consent = "default-provider-authorization-explicit-consent";
        const site = await target.makeApplication({
            provider: { authorization_flow: (await target.flow(consent)).pk },
        });
        const visitor = await loggedIn(site);
        const sent = await visitor.go(authorizePath(site));
        const page = new URL(sent.headers.location as string, target.url);
        expect([sent.status, page.pathname]).toEqual([302, `/if/flow/${consent}/`]);
        const query = page.search.slice(1);
        const challenge = await visitor.flow(consent, undefined, query);
        expect(challenge.body).toMatchObject({ component: "ak-stage-consent", pending_user: site.user.username });
        const given = await visitor.flow(consent, { token: challenge.body.token }, query);
        expect(given.body.component).toBe("xak-flow-redirect");
        expect(given.body.to).toMatch(/^http:\/\/127\.0\.0\.1:9\/callback\?code=/);

        const again = await visitor.go(authorizePath(site));
        const straight = await visitor.flow(
            consent,
            undefined,
            new URL(again.headers.location as string, target.url).search.slice(1),
        );
        expect(straight.body.component).toBe("xak-flow-redirect");
    });

    test(
        "a login through a flow of one's own counts at authorize [fact: " +
            "with the same cookies authorize redirects straight to the callback]",
        async () => {
            const site = await target.makeApplication();
            const visitor = await loggedIn(site);
            // What zot's login does next, with the same cookies: straight to the callback.
            expect((await visitor.go(authorizePath(site))).headers.location).toMatch(
                /^http:\/\/127\.0\.0\.1:9\/callback\?code=/,
            );
            await visitor.flow("default-invalidation-flow");
            expect((await visitor.go(authorizePath(site))).headers.location).toMatch(
                /^\/if\/flow\/default-authentication-flow\/\?/,
            );
        },
    );
});
