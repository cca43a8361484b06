/** What the resource ApiKey says of what can go wrong, and a login flow of its own. */
import { ZotSession } from "../../../clients/zot/session";
import type { PropertyMap } from "../../../providers/protocol";
import { inputs, newDriver, output, uuids, world, worldForAll } from "./apiKey.world";
import type { DriverOptions } from "./driver";

worldForAll();

describe("what can go wrong is said with its remedy", () => {
    const fails = async (message: RegExp, more: PropertyMap = {}, options: DriverOptions = {}) => {
        const driven = await newDriver(options);
        await expect(driven.up(inputs(more))).rejects.toThrow(message);
        expect(driven.state).toBeUndefined();
    };
    const during = async (path: string, change: unknown, back: unknown, work: () => Promise<void>) => {
        await world.authentik.api("PATCH", path, change);
        try {
            await work();
        } finally {
            await world.authentik.api("PATCH", path, back);
        }
    };
    const provider = () => `/providers/oauth2/${world.provider}/`;

    test("no token", () =>
        fails(
            /No API token for Authentik is set\. Set it with: pulumi config set --secret authentik:token/,
            {},
            { config: { authentikToken: "" } },
        ));
    test("a wrong token", () =>
        fails(
            /refused the API token .*pulumi config set --secret authentik:token/,
            {},
            { config: { authentikToken: "wrong" } },
        ));
    test("no such user", () => fails(/shows no user nobody-here.*authentik_core\.view_user/, { user: "nobody-here" }));
    test("a person's account", () =>
        fails(/is not a service account .*password is not changed/, { user: world.authentik.plainUser }));
    test("an account that is not active", () =>
        during(`/core/users/${world.ciUserPk}/`, { is_active: false }, { is_active: true }, () =>
            fails(/is not active in Authentik/),
        ));
    test("Authentik is away", async () => {
        await fails(/cannot be reached/, {}, { config: { authentikUrl: "http://127.0.0.1:9" } });
    });
    test("the registry is away", async () => {
        const driven = await newDriver();
        await expect(driven.up(inputs({ registryUrl: "http://127.0.0.1:9" }))).rejects.toThrow(
            /Is zot running there\?/,
        );
        expect(world.authentikGate.requests).toEqual([]);
    }, 30_000);
    test("in no bound group", () =>
        during(`/core/users/${world.ciUserPk}/`, { groups: [] }, { groups: [world.groupPk] }, () =>
            fails(/in no group that is bound/),
        ));
    test("an application without its provider", () =>
        during(`/core/applications/${world.clientId}/`, { provider: null }, { provider: world.provider }, () =>
            fails(/has no provider|Client ID|client id/),
        ));
    test("another redirect URI", () =>
        during(
            provider(),
            { redirect_uris: [{ matching_mode: "strict", url: `${world.registryUrl}/zot/auth/callback/oidc/` }] },
            { redirect_uris: [{ matching_mode: "strict", url: `${world.registryUrl}/zot/auth/callback/oidc` }] },
            () => fails(/does not accept the redirect URI/),
        ));
    test("another client id", () =>
        during(provider(), { client_id: `${world.clientId}-x` }, { client_id: world.clientId }, () =>
            fails(/does not know the client id/),
        ));
    test("another client secret", async () => {
        const { client_secret: secret } = await world.authentik.api<{ client_secret: string }>("GET", provider());
        await during(provider(), { client_secret: "another" }, { client_secret: secret }, () =>
            fails(/invalid_client.*deploy the registry's config again/),
        );
    });
    test("no signing key", async () => {
        const { signing_key: key } = await world.authentik.api<{ signing_key: string }>("GET", provider());
        await during(provider(), { signing_key: null }, { signing_key: key }, () =>
            fails(/no signing key: choose one in identity\.signingKey/),
        );
    });
    test("another issuer", () =>
        during(provider(), { issuer_mode: "global" }, { issuer_mode: "per_provider" }, () =>
            fails(/issuer.*identity\.issuer/),
        ));
    test("no mapping openid, or no mapping profile", async () => {
        const { property_mappings: all } = await world.authentik.api<{ property_mappings: string[] }>(
            "GET",
            provider(),
        );
        await during(provider(), { property_mappings: all.slice(1) }, { property_mappings: all }, () =>
            fails(/lacks the mapping openid/),
        );
        await during(provider(), { property_mappings: all.slice(0, 2) }, { property_mappings: all }, () =>
            fails(/lacks the mapping profile/),
        );
        await world.authentik.api("PATCH", `/core/users/${world.ciUserPk}/`, { email: "ci@example.org" });
        await during(provider(), { property_mappings: all.slice(0, 2) }, { property_mappings: all }, () =>
            fails(/for ci@example\.org, so a key would belong to the wrong name/),
        );
        await world.authentik.api("PATCH", `/core/users/${world.ciUserPk}/`, { email: "" });
    });
    test("an Authentik that fails in passing is met by another attempt", async () => {
        const failed = new Set<string>();
        world.authentikGate.before = (request) => {
            const path = ["/userinfo/", "/set_password/"].find((candidate) => request.path.endsWith(candidate));
            if (path === undefined || failed.has(path)) return undefined;
            failed.add(path);
            return { status: 500, body: "Internal Server Error" };
        };
        const driven = await newDriver();
        await driven.up(inputs());
        expect(failed.size).toBe(2);
        expect(await uuids()).toEqual([output(driven, "uuid")]);
    });
    test("an Authentik that goes on failing is named", async () => {
        world.authentikGate.before = (request) =>
            request.path.endsWith("/authorize/") ? { status: 500, body: "Internal Server Error" } : undefined;
        await fails(/answered 500 in the middle of the login/);
        world.authentikGate.before = (request) =>
            request.path.endsWith("/userinfo/") ? { status: 500, body: "Internal Server Error" } : undefined;
        await fails(/cannot reach Authentik, or Authentik failed/);
    });
    test("a registry without a login", async () => {
        await world.startZot((config) => {
            delete config.http.auth;
            config.http.accessControl = { repositories: { "**": { anonymousPolicy: ["read"] } } };
        });
        try {
            await fails(/has no login \(404\).*read-only config/);
        } finally {
            await world.startZot();
        }
    });
    test("clocks that differ", async () => {
        world.registryGate.after = (_request, answer) =>
            void (answer.headers.date = new Date(Date.now() - 3_600_000).toUTCString());
        await fails(
            /clock of the registry .* is (1 hour|59 minutes and \d+ seconds|1 hour and \d+ \w+) behind this machine's.*NTP/,
        );
        expect(world.authentikGate.requests).toEqual([]);
    });
    test("an old zot", async () => {
        world.registryGate.before = (request) =>
            request.path === "/v2/_zot/ext/mgmt" ? { status: 200, body: '{"releaseTag":"v2.1.15"}' } : undefined;
        await fails(/is zot v2\.1\.15, in which anyone who may push can move a tag: install v2\.1\.19 or newer/);
    });
    test("a release candidate of the zot that is needed", async () => {
        world.registryGate.before = (request) =>
            request.path === "/v2/_zot/ext/mgmt" ? { status: 200, body: '{"releaseTag":"v2.1.19-rc1"}' } : undefined;
        await fails(/is zot v2\.1\.19-rc1, in which anyone who may push can move a tag/);
    });
    test("a registry that makes a key without an end", async () => {
        const revoked: string[] = [];
        world.registryGate.before = (request) => {
            if (request.method === "DELETE") revoked.push(request.query.get("id")!);
            return request.path === "/zot/auth/apikey" && request.method === "POST"
                ? {
                      status: 201,
                      body: JSON.stringify({
                          apiKey: "zak_0",
                          uuid: "endless",
                          label: "x",
                          createdAt: new Date().toISOString(),
                          expirationDate: "0001-01-01T00:00:00Z",
                          isExpired: false,
                          lastUsed: "0001-01-01T00:00:00Z",
                      }),
                  }
                : undefined;
        };
        await fails(/never expires.*was revoked/);
        expect(revoked).toContain("endless");
    });
    test("a token without the permission", async () => {
        const user = await world.authentik.api<{ pk: number }>("POST", "/core/users/", {
            username: `op-${world.ciUser}`,
            name: "operator",
            type: "service_account",
            path: "users",
            groups: [],
            attributes: {},
        });
        world.made(`/core/users/${user.pk}/`);
        const identifier = `op-${world.ciUser}`;
        await world.authentik.api("POST", "/core/tokens/", {
            identifier,
            intent: "api",
            user: user.pk,
            description: "",
            expiring: true,
        });
        const { key } = await world.authentik.api<{ key: string }>("GET", `/core/tokens/${identifier}/view_key/`);
        await fails(/authentik_core\.view_user/, {}, { config: { authentikToken: key } });
        const role = await world.authentik.api<{ pk: string }>("POST", "/rbac/roles/", { name: `op-${world.ciUser}` });
        world.made(`/rbac/roles/${role.pk}/`);
        await world.authentik.api("POST", `/rbac/roles/${role.pk}/add_user/`, { pk: user.pk });
        await world.authentik.api("POST", `/rbac/permissions/assigned_by_roles/${role.pk}/assign/`, {
            permissions: ["authentik_core.view_user"],
            model: "authentik_core.user",
            object_pk: String(world.ciUserPk),
        });
        await fails(
            /lacks the permission authentik_core\.reset_user_password/,
            {},
            { config: { authentikToken: key } },
        );
        await world.authentik.api("POST", `/rbac/permissions/assigned_by_roles/${role.pk}/assign/`, {
            permissions: ["authentik_core.reset_user_password"],
            model: "authentik_core.user",
            object_pk: String(world.ciUserPk),
        });
        const driven = await newDriver({ config: { authentikToken: key } });
        await driven.up(inputs());
        expect(output(driven, "status")).toBe("usable");
    });
});

describe("a login flow of its own", () => {
    let slug: string;
    beforeAll(async () => {
        slug = `login-${world.ciUser}`;
        const { api } = world.authentik;
        const flow = await api<{ pk: string }>("POST", "/flows/instances/", {
            name: slug,
            slug,
            title: slug,
            designation: "authentication",
            authentication: "require_unauthenticated",
        });
        world.made(`/flows/instances/${slug}/`);
        const password = (
            await api<{ results: { pk: string }[] }>("GET", "/stages/password/?name=default-authentication-password")
        ).results[0]!;
        const identification = await api<{ pk: string }>("POST", "/stages/identification/", {
            name: `${slug}-who`,
            user_fields: ["username"],
            password_stage: password.pk,
        });
        world.made(`/stages/identification/${identification.pk}/`);
        const login = await api<{ pk: string }>("POST", "/stages/user_login/", {
            name: `${slug}-in`,
            session_duration: "minutes=5",
        });
        world.made(`/stages/user_login/${login.pk}/`);
        await api("POST", "/flows/bindings/", { target: flow.pk, stage: identification.pk, order: 10 });
        const binding = await api<{ policybindingmodel_ptr_id: string }>("POST", "/flows/bindings/", {
            target: flow.pk,
            stage: login.pk,
            order: 20,
            re_evaluate_policies: true,
        });
        const policy = await api<{ pk: string }>("POST", "/policies/expression/", {
            name: slug,
            expression: `return request.context["pending_user"].username == "${world.ciUser}"`,
        });
        world.made(`/policies/expression/${policy.pk}/`);
        await api("POST", "/policies/bindings/", {
            target: binding.policybindingmodel_ptr_id,
            policy: policy.pk,
            order: 0,
        });
    });

    test("is used instead of the site's", async () => {
        const driven = await newDriver();
        await driven.up(inputs({ loginFlow: slug }));
        expect(output(driven, "status")).toBe("usable");
        const executors = world.authentikGate.requests
            .filter((request) => request.path.startsWith("/api/v3/flows/executor/"))
            .map((request) => request.path);
        expect(new Set(executors)).toEqual(
            new Set([`/api/v3/flows/executor/${slug}/`, "/api/v3/flows/executor/default-invalidation-flow/"]),
        );
    });

    test("lets nobody else in, and says so", async () => {
        const { plainUser } = world.authentik;
        const { pk } = (
            await world.authentik.api<{ results: { pk: number }[] }>("GET", `/core/users/?username=${plainUser}`)
        ).results[0]!;
        await world.authentik.api("POST", `/core/users/${pk}/set_password/`, { password: "a password of this test" });
        await expect(
            ZotSession.login(
                world.registryUrl,
                { username: plainUser, password: "a password of this test" },
                { loginFlow: slug, identityProvider: [world.issuer] },
            ),
        ).rejects.toThrow(/ended, but .* is not logged in/);
    });

    test("that is not there is named", async () => {
        await expect((await newDriver()).up(inputs({ loginFlow: "no-such-flow" }))).rejects.toThrow(
            /no flow no-such-flow/,
        );
    });
});
