import { isReal, target, targetForAll } from "./target";

targetForAll();

const where = isReal ? "real" : "stand-in";

describe(`groups and users [${where}]`, () => {
    test("names are unique [fact: Duplicate 400, of a group and of a user]", async () => {
        const name = target.name("twice");
        await target.make("/core/groups/", { name });
        const group = await target.api("POST", "/core/groups/", { name });
        expect([group.status, group.body]).toEqual([400, { name: ["Group with this name already exists."] }]);
        await target.make("/core/users/", { username: name, name: "" });
        const user = await target.api("POST", "/core/users/", { username: name, name: "" });
        expect([user.status, user.body]).toEqual([400, { username: ["This field must be unique."] }]);
    });

    test(
        "members of a group are read and written from both sides, and a PATCH without them keeps them [fact: " +
            "PUT without `users` removes all members; PATCH keeps them]",
        async () => {
            const name = target.name("members");
            const group = await target.make("/core/groups/", { name });
            const user = await target.make("/core/users/", { username: name, name: "", groups: [group.pk] });
            const path = `/core/groups/${group.pk}/`;
            expect((await target.api("GET", path)).body.users).toEqual([user.pk]);
            expect((await target.api("PATCH", path, { attributes: { a: 1 } })).body).toMatchObject({
                users: [user.pk],
                attributes: { a: 1 },
            });
            expect((await target.api("PATCH", path, { users: [] })).body.users).toEqual([]);
            expect((await target.api("GET", `/core/users/${user.pk}/`)).body.groups).toEqual([]);
        },
    );

    test("membership through add_user and remove_user", async () => {
        const name = target.name("add");
        const group = await target.make("/core/groups/", { name });
        const user = await target.make("/core/users/", { username: name, name: "" });
        const users = async () => (await target.api("GET", `/core/groups/${group.pk}/`)).body.users;
        expect((await target.api("POST", `/core/groups/${group.pk}/add_user/`, { pk: user.pk })).status).toBe(204);
        expect(await users()).toEqual([user.pk]);
        expect((await target.api("POST", `/core/groups/${group.pk}/remove_user/`, { pk: user.pk })).status).toBe(204);
        expect(await users()).toEqual([]);
        expect((await target.api("POST", `/core/groups/${group.pk}/add_user/`, { pk: 999_999 })).status).toBe(404);
    });

    test("deleting what is gone is 404 [fact: Deleting what is gone: 404]", async () => {
        const group = await target.make("/core/groups/", { name: target.name("gone") });
        expect((await target.api("DELETE", `/core/groups/${group.pk}/`)).status).toBe(204);
        expect((await target.api("DELETE", `/core/groups/${group.pk}/`)).status).toBe(404);
    });
});

describe(`tokens [${where}]`, () => {
    test(
        "a key is shown by view_key alone [fact: " +
            "POST core/tokens -> 201 without the key; view_key -> key; 30 minutes by default]",
        async () => {
            const identifier = target.name("key");
            const user = await target.make("/core/users/", { username: identifier, name: "" });
            const token = await target.make(
                "/core/tokens/",
                { identifier, intent: "app_password", user: user.pk, description: "d", expiring: true },
                "identifier",
            );
            expect(token).not.toHaveProperty("key");
            const lifetime = Date.parse(token.expires) - Date.now();
            expect(lifetime).toBeGreaterThan(25 * 60_000);
            expect(lifetime).toBeLessThan(31 * 60_000);
            expect((await target.api("GET", `/core/tokens/${identifier}/view_key/`)).body.key).toMatch(/^\w{60}$/);
            const again = await target.api("POST", "/core/tokens/", {
                identifier,
                intent: "app_password",
                user: user.pk,
            });
            expect(again.body).toEqual({ identifier: ["Token with this identifier already exists."] });
        },
    );

    test(
        "longer than half an hour only with the user's attribute, even where it does not expire [fact: " +
            "a longer `expires` is 400 unless the user carries token-maximum-lifetime, even with `expiring: false`]",
        async () => {
            const identifier = target.name("lifetime");
            const user = await target.make("/core/users/", { username: identifier, name: "" });
            const expires = new Date(Date.now() + 24 * 60 * 60_000).toISOString();
            const body = { identifier, intent: "app_password", user: user.pk, expires };
            for (const expiring of [true, false]) {
                const refused = await target.api("POST", "/core/tokens/", { ...body, expiring });
                expect(refused.status).toBe(400);
                expect(refused.body.expires[0]).toMatch(/^Token expires exceeds maximum lifetime \(.* UTC\)\.$/);
            }
            await target.api("PATCH", `/core/users/${user.pk}/`, {
                attributes: { "goauthentik.io/user/token-maximum-lifetime": "days=90" },
            });
            const token = await target.make("/core/tokens/", { ...body, expiring: true }, "identifier");
            expect(Date.parse(token.expires)).toBe(Date.parse(expires));
        },
    );

    test(
        "an update without intent and user makes it an API token of whoever asks [fact: " +
            "a PATCH or PUT without both `intent` and `user` turns the token into an API token of the caller]",
        async () => {
            const identifier = target.name("trap");
            const user = await target.make("/core/users/", { username: identifier, name: "" });
            await target.make("/core/tokens/", { identifier, intent: "app_password", user: user.pk }, "identifier");
            const whole = await target.api("PATCH", `/core/tokens/${identifier}/`, {
                intent: "app_password",
                user: user.pk,
                description: "safe",
            });
            expect(whole.body).toMatchObject({ intent: "app_password", user: user.pk, description: "safe" });
            const partial = await target.api("PATCH", `/core/tokens/${identifier}/`, { description: "trap" });
            expect(partial.body).toMatchObject({ intent: "api", user_obj: { username: "akadmin" } });
        },
    );

    test("they go with their user [fact: User -> its tokens go]", async () => {
        const identifier = target.name("orphan");
        const user = await target.make("/core/users/", { username: identifier, name: "" });
        await target.make("/core/tokens/", { identifier, intent: "app_password", user: user.pk }, "identifier");
        await target.api("DELETE", `/core/users/${user.pk}/`);
        expect((await target.api("GET", `/core/tokens/${identifier}/`)).status).toBe(404);
    });
});

describe(`providers, applications and bindings [${where}]`, () => {
    test(
        "the server completes redirect URIs and gives defaults [fact: " +
            "POST providers/oauth2 -> 201, secret echoed; the server adds `redirect_uri_type`; " +
            "Duplicate 400 names `name` and `client_id`]",
        async () => {
            const { provider } = await target.makeApplication();
            expect(provider.redirect_uris).toEqual([
                { matching_mode: "strict", url: "http://127.0.0.1:9/callback", redirect_uri_type: "authorization" },
            ]);
            expect(provider).toMatchObject({
                client_type: "confidential",
                access_code_validity: "minutes=1",
                include_claims_in_id_token: true,
                issuer_mode: "per_provider",
                client_secret: "a client's secret",
            });
            const again = await target.api("POST", "/providers/oauth2/", {
                name: provider.name,
                client_id: provider.client_id,
                authorization_flow: provider.authorization_flow,
                invalidation_flow: provider.invalidation_flow,
                redirect_uris: [],
            });
            expect(again.body).toEqual({
                name: ["provider with this name already exists."],
                client_id: ["OAuth2/OpenID Provider with this Client ID already exists."],
            });
            expect(
                (await target.api("GET", `/providers/oauth2/?client_id=${provider.client_id}`)).body.results,
            ).toHaveLength(1);
        },
    );

    test(
        "an application is found by slug; the list is cached whatever the filter [fact: detail by slug; " +
            "GET core/applications/?slug=X is cached for 24 h per user ignoring filters]",
        async () => {
            const { slug, application, provider } = await target.makeApplication();
            expect((await target.api("GET", `/core/applications/${slug}/`)).body).toMatchObject({
                pk: application.pk,
                provider: provider.pk,
            });
            expect((await target.api("GET", `/core/applications/${application.pk}/`)).status).toBe(404);
            // As somebody who may open it: the first list fills the cache, the second finds it, filter or not.
            const user = await target.make("/core/users/", { username: target.name("opener"), name: "", groups: [] });
            await target.api("PATCH", `/core/users/${user.pk}/`, {
                groups: [(await target.find("/core/groups/?name=authentik+Admins")).pk],
            });
            await target.make("/policies/bindings/", { target: application.pk, user: user.pk, order: 5 });
            const token = await target.makeToken(user.pk, "api");
            const slugs = async (filter: string) =>
                (
                    (await target.api("GET", `/core/applications/?${filter}`, undefined, token)).body.results as {
                        slug: string;
                    }[]
                ).map((found) => found.slug);
            expect(await slugs(`slug=${slug}`)).toEqual([slug]);
            expect(await slugs("slug=some-other")).toEqual([slug]);
            expect(await slugs("superuser_full_list=true&slug=some-other")).toEqual([]);
        },
    );

    test(
        "nothing protects an object that another needs [fact: " +
            "Provider -> the application stays with `provider: null`. Group -> its bindings vanish silently]",
        async () => {
            const { slug, application, group, provider, binding } = await target.makeApplication();
            await target.api("DELETE", `/core/groups/${group.pk}/`);
            expect((await target.api("GET", `/policies/bindings/${binding.pk}/`)).status).toBe(404);
            await target.api("DELETE", `/providers/oauth2/${provider.pk}/`);
            expect((await target.api("GET", `/core/applications/${slug}/`)).body).toMatchObject({
                pk: application.pk,
                provider: null,
            });
        },
    );

    test("a provider goes with its authorization flow [fact: Authorization flow -> the provider goes]", async () => {
        const slug = target.name("doomed");
        const flow = await target.make(
            "/flows/instances/",
            { name: slug, slug, title: "t", designation: "authorization" },
            "slug",
        );
        const { provider } = await target.makeApplication({ provider: { authorization_flow: flow.pk } });
        await target.api("DELETE", `/flows/instances/${slug}/`);
        expect((await target.api("GET", `/providers/oauth2/${provider.pk}/`)).status).toBe(404);
    });

    test(
        "bindings: PATCH needs target and group, orders are unique in updates alone, " +
            "duplicates are made but not updated [fact: " +
            "A duplicate binding is accepted, and then every update of it is 400. " +
            "PATCH without `target` is 405, without `group` 400. Orders cannot be swapped]",
        async () => {
            const { application, group, binding } = await target.makeApplication();
            const path = `/policies/bindings/${binding.pk}/`;
            const whole = { target: application.pk, group: group.pk, order: 0 };
            const noTarget = await target.api("PATCH", path, { enabled: true });
            expect([noTarget.status, noTarget.text]).toEqual([405, ""]);
            const noGroup = await target.api("PATCH", path, { target: application.pk });
            expect([noGroup.status, noGroup.body]).toEqual([
                400,
                { non_field_errors: ["One of 'group', 'policy', 'user' must be set."] },
            ]);
            expect((await target.api("PATCH", path, { ...whole, enabled: false })).body.enabled).toBe(false);

            const unique = { non_field_errors: ["The fields policy, target, order must make a unique set."] };
            const other = await target.make("/core/groups/", { name: target.name("other") });
            const second = await target.make("/policies/bindings/", {
                target: application.pk,
                group: other.pk,
                order: 1,
            });
            expect((await target.api("PATCH", path, { ...whole, order: 1 })).body).toEqual(unique);
            const swapped = await target.api("PATCH", `/policies/bindings/${second.pk}/`, {
                target: application.pk,
                group: other.pk,
                order: 0,
            });
            expect([swapped.status, swapped.body]).toEqual([400, unique]);

            const twin = await target.make("/policies/bindings/", whole);
            const update = await target.api("PATCH", path, { ...whole, enabled: false });
            expect([update.status, update.body]).toEqual([400, unique]);
            expect((await target.api("GET", `/policies/bindings/?target=${application.pk}`)).body.results).toHaveLength(
                3,
            );
            await target.api("DELETE", `/policies/bindings/${twin.pk}/`);
            expect((await target.api("PATCH", path, { ...whole, enabled: false })).status).toBe(200);
        },
    );

    test(
        "a binding to a stage's binding is shown under its own key, and listed by the other [fact: " +
            "a binding to a stage binding is sent its pk or its ptr_id and reads back as the pk, " +
            "`?target=` takes only the latter]",
        async () => {
            const slug = target.name("flow");
            const flow = await target.make(
                "/flows/instances/",
                { name: slug, slug, title: "t", designation: "authentication" },
                "slug",
            );
            const stage = await target.make("/stages/user_login/", { name: slug, session_duration: "minutes=5" });
            const stageBinding = await target.make("/flows/bindings/", { target: flow.pk, stage: stage.pk, order: 0 });
            expect(stageBinding).toMatchObject({
                evaluate_on_plan: false,
                re_evaluate_policies: true,
                invalid_response_action: "retry",
            });
            const policy = await target.make("/policies/expression/", { name: slug, expression: "return True\n" });
            expect(policy.expression).toBe("return True");
            const pointer = stageBinding.policybindingmodel_ptr_id;
            const binding = await target.make("/policies/bindings/", { target: pointer, policy: policy.pk, order: 0 });
            expect(binding.target).toBe(stageBinding.pk);
            expect((await target.api("GET", `/policies/bindings/?target=${pointer}`)).body.results).toHaveLength(1);
            expect((await target.api("GET", `/policies/bindings/?target=${stageBinding.pk}`)).status).toBe(400);
            expect((await target.api("GET", `/flows/instances/${slug}/`)).body.stages).toEqual([stage.pk]);

            await target.api("DELETE", `/stages/user_login/${stage.pk}/`);
            expect((await target.api("GET", `/flows/bindings/${stageBinding.pk}/`)).status).toBe(404);
            expect((await target.api("GET", `/policies/bindings/${binding.pk}/`)).status).toBe(404);
        },
    );
});
