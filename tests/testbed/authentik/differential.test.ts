import fc from "fast-check";

import { type Difference, Recycled, SideBySide, type Step } from "./sideBySide";
import { realAuthentik } from "./target";

// Random sequences of requests to the stand-in and to a real Authentik. Another sequence by SEED=NUMBER, more by RUNS=NUMBER.

jest.setTimeout(1_800_000);

const nobody = "00000000-0000-4000-8000-000000000000";
const text = fc.constantFrom<unknown>(
    "a~",
    "A~",
    "b~",
    " a~ ",
    "",
    " ",
    "é ü~",
    "x".repeat(300),
    5,
    true,
    null,
    [],
    {},
    "a\0b",
);
const flag = fc.constantFrom<unknown>(true, false, "yes", "0", "maybe", null, 1, 2);
const number = fc.constantFrom<unknown>(0, 1, "1", -1, 2.5, "x", null, 99_999_999_999);
const uuidOf = (...names: string[]) =>
    fc.constantFrom<unknown>(...names.map((name) => `{${name}.pk}`), nobody, "x", 1, null, "", true);
const listOf = (element: fc.Arbitrary<unknown>) =>
    fc.oneof(fc.array(element, { maxLength: 2 }), fc.constantFrom<unknown>("x", null, {}));
const attributes = fc.constantFrom<unknown>({}, { a: 1 }, { b: [{ c: null }] }, [], "x", null);
const optional = (model: Record<string, fc.Arbitrary<unknown>>) => fc.record(model, { requiredKeys: [] });

/** The bodies of a kind, by the name under which the first object of each kind is kept. */
const bodies: Record<string, { path: string; key: string; body: fc.Arbitrary<object>; filters: string[] }> = {
    group: {
        path: "/core/groups/",
        key: "{group.pk}",
        body: optional({
            name: text,
            is_superuser: flag,
            parents: listOf(uuidOf("group")),
            users: listOf(fc.constantFrom<unknown>("{user.pk}", 99_999_999, "x", true)),
            attributes,
            unknown: text,
        }),
        filters: [
            "name=a~",
            "name=b~&is_superuser=x",
            "search=a~&ordering=-name",
            "name=a~&attributes=x",
            "name=a~&page=2",
            "members_by_pk=99999999",
        ],
    },
    user: {
        path: "/core/users/",
        key: "{user.pk}",
        body: optional({
            username: text,
            name: text,
            email: fc.constantFrom<unknown>("", "x", "a@example.org", null, 5),
            type: fc.constantFrom<unknown>("internal", "external", "service_account", "x", null),
            path: fc.constantFrom<unknown>("users", "/x", "x/", "a//b", "a/b", null),
            groups: listOf(uuidOf("group")),
            is_active: flag,
            attributes,
        }),
        filters: [
            "username=a~",
            "username=b~&type=x",
            "username=a~&is_active=true",
            "groups_by_name=nonesuch",
            "search=a~",
            "username=a~&uuid=x",
        ],
    },
    application: {
        path: "/core/applications/",
        key: "{application.slug}",
        body: optional({
            name: text,
            slug: fc.constantFrom<unknown>("a~", "b~", "a b", "token", "", null, 5, "é"),
            policy_engine_mode: fc.constantFrom<unknown>("any", "all", "x", null),
            meta_launch_url: fc.constantFrom<unknown>(
                "",
                "https://example.org/",
                "x",
                "https://%(username)s.example/",
                null,
                5,
            ),
            group: text,
            open_in_new_tab: flag,
            provider: fc.constantFrom<unknown>(null, 99_999_999, "x", ""),
        }),
        filters: ["superuser_full_list=true&slug=a~", "superuser_full_list=true&search=a~"],
    },
    binding: {
        path: "/policies/bindings/",
        key: "{binding.pk}",
        body: optional({
            target: uuidOf("application"),
            group: uuidOf("group"),
            user: fc.constantFrom<unknown>("{user.pk}", 99_999_999, "x", null),
            order: number,
            enabled: flag,
            negate: flag,
            timeout: number,
        }),
        filters: [
            "target={application.pk}",
            "target=x",
            `target=${nobody}`,
            "target={application.pk}&ordering=-order&page_size=1",
        ],
    },
    token: {
        path: "/core/tokens/",
        key: "{token.identifier}",
        body: optional({
            identifier: fc.constantFrom<unknown>("a~", "b~", "a b", "", null, 5, "é"),
            intent: fc.constantFrom<unknown>("api", "app_password", "recovery", "x", null),
            user: fc.constantFrom<unknown>("{user.pk}", 99_999_999, "x"),
            description: text,
            expiring: flag,
            expires: fc.constantFrom<unknown>("2020-01-01T00:00:00Z", "2020-01-01", "x", null, "2090-01-01T00:00:00Z"),
        }),
        filters: ["identifier=a~", "identifier=a~&intent=x", "user__username=a~"],
    },
    role: {
        path: "/rbac/roles/",
        key: "{role.pk}",
        body: optional({ name: text, unknown: text }),
        filters: ["name=a~", "search=a~", "users=x", "managed=nonesuch"],
    },
};

/** Which member is compared of an answer that shows who asked, or what others have made. */
const common = (reply: { body: unknown; text: string }) => {
    const body = reply.body as Record<string, unknown> | undefined;
    if (!body || Array.isArray(body)) return body ?? reply.text;
    // `autocomplete` describes a search language that the stand-in has not.
    const { autocomplete: _autocomplete, user_obj: _userObject, ...rest } = body;
    if (Array.isArray(rest.results))
        rest.results = rest.results.map((row: Record<string, unknown>) => ({ ...row, user_obj: undefined }));
    return rest;
};

const step: fc.Arbitrary<Step> = fc
    .record({
        kind: fc.constantFrom(...Object.keys(bodies)),
        method: fc.constantFrom("POST", "POST", "PUT", "PATCH", "PATCH", "GET", "LIST", "DELETE"),
    })
    .chain(({ kind, method }) => {
        const { path, key, body, filters } = bodies[kind] as (typeof bodies)[string];
        switch (method) {
            case "POST":
                return body.map((sent): Step => ({ method, path, body: sent, pick: common }));
            case "LIST":
                return fc
                    .constantFrom(...filters)
                    .map((filter): Step => ({ method: "GET", path: `${path}?${filter}`, pick: common }));
            case "PUT":
            case "PATCH":
                return body.map((sent): Step => ({ method, path: `${path}${key}/`, body: sent, pick: common }));
            default:
                return fc.constant<Step>({ method, path: `${path}${key}/`, pick: common });
        }
    });

/** What every sequence begins with: an object of each kind. */
const beginning: readonly Step[] = [
    { method: "POST", path: "/core/groups/", body: { name: "first~" }, as: "group" },
    { method: "POST", path: "/core/users/", body: { username: "first~", name: "" }, as: "user" },
    { method: "POST", path: "/core/applications/", body: { name: "first~", slug: "first~" }, as: "application" },
    {
        method: "POST",
        path: "/policies/bindings/",
        body: { target: "{application.pk}", group: "{group.pk}", order: 0 },
        as: "binding",
    },
    {
        method: "POST",
        path: "/core/tokens/",
        body: { identifier: "first~", intent: "app_password", user: "{user.pk}" },
        as: "token",
        pick: common,
    },
    { method: "POST", path: "/rbac/roles/", body: { name: "first~" }, as: "role" },
];

const subject = "random sequences of requests [both]";
(realAuthentik ? describe : describe.skip)(
    realAuthentik ? subject : `${subject} [skipped: AUTHENTIK_URL and AUTHENTIK_TOKEN are not set]`,
    () => {
        test("stand-in and real Authentik answer alike, up to keys and times", async () => {
            const sequences = fc.sample(fc.array(step, { minLength: 10, maxLength: 30 }), {
                numRuns: Number(process.env.RUNS ?? 8),
                seed: Number(process.env.SEED ?? 20_260_500),
            });
            const differences: Difference[] = [];
            for (const sequence of sequences) {
                const both = await SideBySide.start();
                try {
                    for (const next of [...beginning, ...sequence]) await both.ask(next);
                    differences.push(...both.differences);
                } catch (error) {
                    // A worker of the real one was recycled: this sequence says nothing.
                    if (!(error instanceof Recycled)) throw error;
                } finally {
                    await both.stop();
                }
            }
            expect(differences).toEqual([]);
        });
    },
);
