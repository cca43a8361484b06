import { isReal, target, targetForAll } from "./target";

targetForAll();

describe(`the API's manners [${isReal ? "real" : "stand-in"}]`, () => {
    test(
        "without a token, and with a bad one, the answer is 403 and never 401 [fact: " +
            "No token 403 `Authentication credentials were not provided.`; " +
            "bad token 403 `Token invalid/expired`; never 401]",
        async () => {
            const none = await target.api("GET", "/core/groups/", undefined, null);
            expect([none.status, none.body]).toEqual([
                403,
                { detail: "Authentication credentials were not provided." },
            ]);
            const bad = await target.api("GET", "/core/groups/", undefined, "not-a-token");
            expect([bad.status, bad.body]).toEqual([403, { detail: "Token invalid/expired" }]);
        },
    );

    test("what is not there is 404 [fact: Missing object 404]", async () => {
        const unknown = await target.api("GET", "/core/groups/00000000-0000-4000-8000-000000000000/");
        expect([unknown.status, unknown.body]).toEqual([404, { detail: "No Group matches the given query." }]);
        expect((await target.api("GET", "/nonesuch/")).status).toBe(404);
    });

    test(
        "lists come in pages, `next: 0` is the end, and a page past it is 404 [fact: Lists: " +
            '`{"pagination":{"next":0,…},"results":[…]}`; `next: 0` is the end]',
        async () => {
            const names = ["a", "b", "c"].map((letter) => target.name(`page-${letter}`));
            for (const name of names) await target.make("/core/groups/", { name });
            const search = `/core/groups/?search=${target.name("page").slice(0, 9)}&page_size=2`;
            const first = await target.api("GET", search);
            expect(first.body.pagination).toEqual({
                next: 2,
                previous: 0,
                count: 3,
                current: 1,
                total_pages: 2,
                start_index: 1,
                end_index: 2,
            });
            const second = await target.api("GET", `${search}&page=2`);
            expect(second.body.pagination).toMatchObject({ next: 0, previous: 1, start_index: 3, end_index: 3 });
            expect([...first.body.results, ...second.body.results].map((group) => group.name)).toEqual(names);
            expect((await target.api("GET", `${search}&page=3`)).status).toBe(404);
        },
    );

    test("a page has 100 entries at the most, whatever was asked for [fact: page_size is capped at 100]", async () => {
        const reply = await target.api("GET", "/rbac/permissions/?page_size=500");
        expect(reply.body.results).toHaveLength(100);
        expect(reply.body.pagination.next).toBe(2);
    });

    test(
        "unknown filters are ignored, known ones are exact and mind the case [fact: " +
            "Unknown filters are ignored; natural keys are exact and case-sensitive]",
        async () => {
            const name = target.name("Filter");
            await target.make("/core/groups/", { name });
            expect((await target.api("GET", "/core/groups/?nonsense=1")).body.results.length).toBeGreaterThan(1);
            expect((await target.api("GET", `/core/groups/?name=${name}`)).body.results).toHaveLength(1);
            expect((await target.api("GET", `/core/groups/?name=${name.slice(0, -1)}`)).body.results).toHaveLength(0);
            expect((await target.api("GET", `/core/groups/?name=${name.toLowerCase()}`)).body.results).toHaveLength(0);
            expect(
                (await target.api("GET", `/core/groups/?name=${name}&include_users=false`)).body.results[0].users_obj,
            ).toBeNull();
        },
    );

    test(
        "a filter by something that does not exist is 400 for some parameters [fact: " +
            "filters by what does not exist are 400]",
        async () => {
            const managed = await target.api("GET", "/propertymappings/provider/scope/?managed=nonesuch");
            expect([managed.status, managed.body]).toEqual([
                400,
                { managed: ["Select a valid choice. nonesuch is not one of the available choices."] },
            ]);
            const bound = await target.api("GET", "/policies/bindings/?target=00000000-0000-4000-8000-000000000000");
            expect([bound.status, bound.body]).toEqual([
                400,
                { target: ["Select a valid choice. That choice is not one of the available choices."] },
            ]);
        },
    );

    test(
        "the version is of 2026.5, and me is a superuser [fact: " +
            "GET /admin/version/ -> version_current 2026.5.0-rc1]",
        async () => {
            expect((await target.api("GET", "/admin/version/")).body.version_current).toMatch(/^2026\.5\./);
            expect((await target.api("GET", "/core/users/me/")).body.user).toMatchObject({
                username: "akadmin",
                is_superuser: true,
            });
        },
    );

    test(
        "what the default blueprints make is there [fact: The default flow's stages: " +
            "identification 10, password 20, MFA 30, login 100]",
        async () => {
            for (const slug of [
                "default-authentication-flow",
                "default-invalidation-flow",
                "default-provider-authorization-implicit-consent",
                "default-provider-authorization-explicit-consent",
                "default-provider-invalidation-flow",
            ]) {
                expect(await target.flow(slug)).toMatchObject({ slug });
            }
            const bindings = await target.api(
                "GET",
                `/flows/bindings/?target=${(await target.flow("default-authentication-flow")).pk}`,
            );
            expect(bindings.body.results.map((binding: { order: number }) => binding.order)).toEqual([10, 20, 30, 100]);
            expect(
                await target.find("/crypto/certificatekeypairs/?name=authentik+Self-signed+Certificate"),
            ).toMatchObject({
                key_type: "rsa",
            });
            expect(await target.find("/core/groups/?name=authentik+Admins")).toMatchObject({ is_superuser: true });
            const blueprints = await target.api("GET", "/managed/blueprints/?page_size=100");
            expect(blueprints.body.results.map((blueprint: { name: string }) => blueprint.name)).toContain(
                "authentik Bootstrap",
            );
        },
    );

    test('refused values are 400 with a message list per member [fact: validation 400 {"field":["…"]}]', async () => {
        const cases: [path: string, body: object, answer: object][] = [
            ["/core/groups/", {}, { name: ["This field is required."] }],
            [
                "/core/groups/",
                { name: "x", users: [999_999] },
                { users: ['Invalid pk "999999" - object does not exist.'] },
            ],
            ["/core/users/", {}, { username: ["This field is required."], name: ["This field is required."] }],
        ];
        for (const [path, body, answer] of cases) {
            const reply = await target.api("POST", path, body);
            expect([path, body, reply.status, reply.body]).toEqual([path, body, 400, answer]);
        }
    });
});
