import { isReal, target, targetForAll, Visitor } from "./target";

targetForAll();

const on = isReal ? "real" : "stand-in";
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
                const reply = await target.api("PATCH", `/policies/bindings/${pk}/`, { ...whole, enabled: false });
                expect([reply.status, reply.body]).toEqual([400, unique]);
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
        "a blueprint in the database carries its YAML, and shows among the others [fact: " +
            "GET managed/blueprints shows them; those kept in the database carry their YAML in `content`]",
        async () => {
            const name = target.name("blueprint");
            const content = "version: 1\nentries: []\n";
            await target.make("/managed/blueprints/", { name, content, enabled: false });
            const { results } = (await target.api("GET", `/managed/blueprints/?page_size=100&search=${name}`)).body;
            expect(results).toMatchObject([{ name, content: content.trim(), path: "" }]);
        },
    );
});
