import { call, isReal, type Target, target, targetForAll, Visitor } from "./target";

targetForAll();

const on = isReal ? "real" : "stand-in";
const callback = "http://127.0.0.1:9/callback";
type Site = Awaited<ReturnType<Target["makeApplication"]>>;

async function loggedIn(site: Site): Promise<Visitor> {
    const visitor = new Visitor(target.url);
    await visitor.logIn(site.user.username, await target.makeToken(site.user.pk, "app_password"));
    return visitor;
}

async function codeOf(site: Site, visitor: Visitor, scope = "openid email profile"): Promise<string> {
    const parameters = { client_id: site.slug, response_type: "code", scope, redirect_uri: callback, state: "s" };
    const reply = await visitor.go(`/application/o/authorize/?${new URLSearchParams(parameters).toString()}`);
    return new URL(reply.headers.location as string).searchParams.get("code") as string;
}

function tokens(site: Site, form: Record<string, string>) {
    const authorization = `Basic ${Buffer.from(`${site.slug}:${encodeURIComponent("a client's secret")}`).toString("base64")}`;
    return call(`${target.url}/application/o/token/`, {
        method: "POST",
        form: { redirect_uri: callback, ...form },
        headers: { authorization },
    });
}

const claimsOf = (token: string): any => JSON.parse(Buffer.from(token.split(".")[1] as string, "base64url").toString());

describe(`values and writes [${on}]`, () => {
    test(
        "what the API does not know is ignored, `grant_types` too [fact: " +
            "`grant_types` is newer than 2026.5.0-rc1]",
        async () => {
            const group = await target.make("/core/groups/", { name: target.name("ignored"), nonsense: 1, pk: "x" });
            expect(group).not.toHaveProperty("nonsense");
            const { provider } = await target.makeApplication({ grantTypes: ["nonsense"] });
            expect(provider).not.toHaveProperty("grant_types");
        },
    );

    test("the last write wins, and no answer has an ETag [fact: No ETag; last write wins]", async () => {
        const group = await target.make("/core/groups/", { name: target.name("last"), attributes: { a: 0 } });
        const path = `/core/groups/${group.pk}/`;
        const read = await target.api("GET", path);
        expect(read.headers.etag).toBeUndefined();
        await target.api("PATCH", path, { attributes: { a: 1 } });
        await target.api("PATCH", path, { attributes: { b: 2 } });
        expect((await target.api("GET", path)).body.attributes).toEqual({ b: 2 });
    });

    test("eight identical bindings at once are eight [fact: Eight identical bindings: eight 201s]", async () => {
        const { application, group } = await target.makeApplication();
        const whole = { target: application.pk, group: group.pk, order: 7 };
        const replies = await Promise.all(
            Array.from({ length: 8 }, () => target.api("POST", "/policies/bindings/", whole)),
        );
        for (const { body } of replies) if (body?.pk) target.remember(`/policies/bindings/${body.pk}/`);
        expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 201));
    });

    test(
        "two bindings of one order are taken for different groups, and neither can be updated [fact: " +
            "bindings by `?target=` have no uniqueness, then every update of it is 400]",
        async () => {
            const { application, group, binding } = await target.makeApplication();
            const other = await target.make("/core/groups/", { name: target.name("beside") });
            const twin = await target.make("/policies/bindings/", {
                target: application.pk,
                group: other.pk,
                order: 0,
            });
            const unique = { non_field_errors: ["The fields policy, target, order must make a unique set."] };
            for (const [pk, whole] of [
                [binding.pk, { target: application.pk, group: group.pk, order: 0 }],
                [twin.pk, { target: application.pk, group: other.pk, order: 0 }],
            ]) {
                for (const method of ["PATCH", "PUT"]) {
                    const reply = await target.api(method, `/policies/bindings/${pk}/`, { ...whole, enabled: false });
                    expect([method, reply.status, reply.body]).toEqual([method, 400, unique]);
                }
            }
            // One of the two moves away, and both are free again.
            expect(
                (
                    await target.api("PATCH", `/policies/bindings/${twin.pk}/`, {
                        target: application.pk,
                        group: other.pk,
                        order: 1,
                    })
                ).status,
            ).toBe(200);
            expect(
                (
                    await target.api("PATCH", `/policies/bindings/${binding.pk}/`, {
                        target: application.pk,
                        group: group.pk,
                    })
                ).status,
            ).toBe(200);
        },
    );

    test(
        "an expired token still shows, with its key, and lets nobody in [fact: " +
            "An expired one still shows in GET and `view_key`]",
        async () => {
            const username = target.name("expired");
            const user = await target.make("/core/users/", { username, name: "" });
            const expires = "2020-01-01T00:00:00Z";
            await target.make(
                "/core/tokens/",
                { identifier: username, intent: "app_password", user: user.pk, expires },
                "identifier",
            );
            expect((await target.api("GET", `/core/tokens/${username}/`)).body.expires).toBe(expires);
            const { key } = (await target.api("GET", `/core/tokens/${username}/view_key/`)).body;
            expect((await new Visitor(target.url).logIn(username, key)).body).toMatchObject({
                component: "ak-stage-password",
                response_errors: { password: [{ string: "Invalid password", code: "invalid" }] },
            });
        },
    );

    test(
        "natural keys are exact and mind the case [fact: Natural keys: " +
            "group `?name=`, user `?username=`, provider `?client_id=`, token by identifier, application by slug]",
        async () => {
            const { slug, user, provider } = await target.makeApplication();
            const identifier = target.name("natural");
            await target.make("/core/tokens/", { identifier, intent: "app_password", user: user.pk }, "identifier");
            const count = async (path: string) => (await target.api("GET", path)).body.results.length;
            expect(await count(`/core/users/?username=${user.username}`)).toBe(1);
            expect(await count(`/core/users/?username=${user.username.toUpperCase()}`)).toBe(0);
            expect(await count(`/providers/oauth2/?client_id=${provider.client_id}`)).toBe(1);
            expect(await count(`/providers/oauth2/?client_id=${provider.client_id.toUpperCase()}`)).toBe(0);
            expect((await target.api("GET", `/core/tokens/${identifier.toUpperCase()}/`)).status).toBe(404);
            expect((await target.api("GET", `/core/applications/${slug.toUpperCase()}/`)).status).toBe(404);
        },
    );

    test("several scope mappings are found at once [fact: scope-{openid,email,profile} (repeatable)]", async () => {
        const query = ["openid", "email", "profile"]
            .map((scope) => `managed=goauthentik.io/providers/oauth2/scope-${scope}`)
            .join("&");
        const { results } = (await target.api("GET", `/propertymappings/provider/scope/?${query}`)).body as {
            results: { scope_name: string }[];
        };
        expect(results.map((mapping) => mapping.scope_name).sort()).toEqual(["email", "openid", "profile"]);
    });

    test(
        "a blueprint in the database carries its YAML, and shows among the others [fact: " +
            "GET managed/blueprints shows them; those kept in the database carry their YAML in `content`]",
        async () => {
            const name = target.name("blueprint");
            const content = "version: 1\nentries: []\n";
            await target.make("/managed/blueprints/", { name, content, enabled: false });
            const { results } = (await target.api("GET", `/managed/blueprints/?page_size=100&search=${name}`)).body;
            expect(results).toMatchObject([{ name, content: content.trim(), path: "" }]);
            const broken = await target.api("POST", "/managed/blueprints/", {
                name: target.name("broken"),
                content: "entries: [",
            });
            expect([broken.status, broken.text]).toEqual([405, ""]);
        },
    );

    test(
        "an unhandled error is 405 without a body to a write, and a page with status 500 to GET [fact: " +
            "An unhandled server error shows as 405 with an empty HTML body on PATCH, 500 HTML on GET]",
        async () => {
            const { binding, provider } = await target.makeApplication();
            const write = await target.api("PATCH", `/policies/bindings/${binding.pk}/`, { enabled: false });
            expect([write.status, write.text, write.headers["content-type"]]).toEqual([
                405,
                "",
                "text/html; charset=utf-8",
            ]);
            const broken = `/providers/oauth2/${provider.pk}/`;
            await target.api("PATCH", broken, { redirect_uris: [{ url: callback }] });
            const read = await target.api("GET", broken);
            expect([read.status, read.headers["content-type"]]).toEqual([500, "text/html; charset=utf-8"]);
            expect(read.text).toContain("Server Error");
        },
    );

    test(
        "a provider's signing key becomes null when its certificate goes, and tokens HS256 [fact: " +
            "Certificate -> the provider's signing key becomes null (and tokens HS256)]",
        async () => {
            const made = await target.api("POST", "/crypto/certificatekeypairs/generate/", {
                common_name: target.name("cert"),
                validity_days: 2,
            });
            expect(made.status).toBe(200);
            const site = await target.makeApplication({ provider: { signing_key: made.body.pk } });
            const algorithms = async () =>
                (await call(`${target.url}/application/o/${site.slug}/.well-known/openid-configuration`)).body
                    .id_token_signing_alg_values_supported;
            expect(await algorithms()).toEqual(["RS256"]);
            expect((await target.api("DELETE", `/crypto/certificatekeypairs/${made.body.pk}/`)).status).toBe(204);
            expect((await target.api("GET", `/providers/oauth2/${site.provider.pk}/`)).body.signing_key).toBeNull();
            expect(await algorithms()).toEqual(["HS256"]);
        },
    );

    test("a claim of a mapping of one's own", async () => {
        const scope = target.name("scope");
        const mapping = await target.make("/propertymappings/provider/scope/", {
            name: scope,
            scope_name: scope,
            expression: 'return {"registry": "zot", "who": request.user.username}',
        });
        const site = await target.makeApplication({ provider: { property_mappings: [mapping.pk] } });
        const { body } = await tokens(site, {
            grant_type: "authorization_code",
            code: await codeOf(site, await loggedIn(site), `openid ${scope}`),
        });
        expect(claimsOf(body.id_token)).toMatchObject({ registry: "zot", who: site.user.username });
    });
});

describe(`logins and what they leave [${on}]`, () => {
    test(
        "only direct groups are claimed [fact: `groups` (direct groups only, " + "from the `profile` mapping)]",
        async () => {
            const site = await target.makeApplication();
            const above = await target.make("/core/groups/", { name: target.name("above") });
            await target.api("PATCH", `/core/groups/${site.group.pk}/`, { parents: [above.pk] });
            const { body } = await tokens(site, {
                grant_type: "authorization_code",
                code: await codeOf(site, await loggedIn(site)),
            });
            expect(claimsOf(body.id_token).groups).toEqual([site.group.name]);
        },
    );

    test("a code is redeemed once, and with any of the provider's redirect URIs", async () => {
        const site = await target.makeApplication({
            provider: { redirect_uris: [{ matching_mode: "regex", url: "http://127\\.0\\.0\\.1:9/call.*" }] },
        });
        const code = await codeOf(site, await loggedIn(site));
        expect(code).toMatch(/^[0-9a-f]{32}$/);
        const elsewhere = { grant_type: "authorization_code", code, redirect_uri: "http://127.0.0.1:9/call-elsewhere" };
        expect((await tokens(site, elsewhere)).status).toBe(200);
        expect((await tokens(site, elsewhere)).body.error).toBe("invalid_grant");
    });

    test("a code expires", async () => {
        const site = await target.makeApplication({ provider: { access_code_validity: "seconds=1" } });
        const code = await codeOf(site, await loggedIn(site));
        await new Promise((resolve) => setTimeout(resolve, 2500));
        expect((await tokens(site, { grant_type: "authorization_code", code })).body.error).toBe("invalid_grant");
    });
});
