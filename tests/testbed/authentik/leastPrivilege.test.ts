import { isReal, target, targetForAll } from "./target";

targetForAll();

const verbs = (model: string, ...names: string[]) =>
    names.map((name) => `${model.split(".")[0]}.${name}_${model.split(".")[1]}`);
const all = ["add", "view", "change", "delete"];
/** What the program's token needs, by name. */
const programs = [
    ...["group", "user", "application"].flatMap((name) => verbs(`authentik_core.${name}`, ...all)),
    ...verbs("authentik_providers_oauth2.oauth2provider", ...all),
    "authentik_providers_oauth2.view_scopemapping",
    ...verbs("authentik_policies.policybinding", ...all),
    "authentik_flows.view_flow",
    "authentik_crypto.view_certificatekeypair",
];

/** A service account in a role that holds these permissions, and its API token. */
async function robot(what: string, permissions: string[]) {
    const name = target.name(what);
    const role = await target.make("/rbac/roles/", { name });
    const user = await target.make("/core/users/", { username: name, name: "", type: "service_account" });
    await target.api("POST", `/rbac/roles/${role.pk}/add_user/`, { pk: user.pk });
    const assign = `/rbac/permissions/assigned_by_roles/${role.pk}/assign/`;
    if (permissions.length) expect((await target.api("POST", assign, { permissions })).status).toBe(200);
    const token = await target.makeToken(user.pk, "api");
    const as = (method: string, path: string, body?: unknown) => target.api(method, path, body, token);
    return { role, user, token, assign, as };
}

describe(`least privilege [${isReal ? "real" : "stand-in"}]`, () => {
    test(
        "with the permissions of the program's role everything that it makes is made, " +
            "changed and removed [fact: The provider's token needs, as a role's permissions]",
        async () => {
            const { as } = await robot("program", programs);
            const name = target.name("made");
            const made: string[] = [];
            const make = async (path: string, body: object, key = "pk") => {
                const reply = await as("POST", path, body);
                expect([path, reply.status]).toEqual([path, 201]);
                made.push(`${path}${reply.body[key]}/`);
                target.remember(made.at(-1) as string);
                return reply.body;
            };
            const group = await make("/core/groups/", { name });
            const user = await make("/core/users/", {
                username: name,
                name: "",
                type: "service_account",
                groups: [group.pk],
            });
            const flow = (await as("GET", "/flows/instances/?slug=default-provider-authorization-implicit-consent"))
                .body.results[0];
            const mappings = (
                await as(
                    "GET",
                    "/propertymappings/provider/scope/?managed=goauthentik.io/providers/oauth2/scope-openid",
                )
            ).body.results;
            const certificate = (await as("GET", "/crypto/certificatekeypairs/?name=authentik+Self-signed+Certificate"))
                .body.results[0];
            const provider = await make("/providers/oauth2/", {
                name,
                client_id: name,
                client_secret: "a client's secret",
                authorization_flow: flow.pk,
                invalidation_flow: flow.pk,
                redirect_uris: [],
                property_mappings: [mappings[0].pk],
                signing_key: certificate.pk,
            });
            const application = await make("/core/applications/", { name, slug: name, provider: provider.pk }, "slug");
            const binding = await make("/policies/bindings/", { target: application.pk, group: group.pk, order: 0 });
            expect((await as("PATCH", `/core/groups/${group.pk}/`, { attributes: { a: 1 } })).status).toBe(200);
            expect((await as("PATCH", `/core/users/${user.pk}/`, { name: "Robot" })).status).toBe(200);
            expect((await as("PATCH", `/providers/oauth2/${provider.pk}/`, { client_secret: "another" })).status).toBe(
                200,
            );
            expect((await as("PATCH", `/core/applications/${name}/`, { group: "Registry" })).status).toBe(200);
            const whole = { target: application.pk, group: group.pk, order: 1 };
            expect((await as("PATCH", `/policies/bindings/${binding.pk}/`, whole)).status).toBe(200);
            for (const path of made.reverse()) expect([path, (await as("DELETE", path)).status]).toEqual([path, 204]);
        },
    );

    test.each([
        ["authentik_core.add_group", "POST", "/core/groups/"],
        ["authentik_core.add_user", "POST", "/core/users/"],
        ["authentik_core.add_application", "POST", "/core/applications/"],
        ["authentik_providers_oauth2.add_oauth2provider", "POST", "/providers/oauth2/"],
        ["authentik_policies.add_policybinding", "POST", "/policies/bindings/"],
        ["authentik_providers_oauth2.view_scopemapping", "GET", "/propertymappings/provider/scope/"],
        ["authentik_flows.view_flow", "GET", "/flows/instances/"],
        ["authentik_crypto.view_certificatekeypair", "GET", "/crypto/certificatekeypairs/"],
    ])("without %s it is refused [fact: found by leaving one out at a time]", async (permission, method, path) => {
        const { as } = await robot(
            permission.split(".")[1]?.replaceAll("_", "-") as string,
            programs.filter((other) => other !== permission),
        );
        const reply = await as(method, path, method === "POST" ? {} : undefined);
        expect([reply.status, reply.body]).toEqual([
            403,
            { detail: "You do not have permission to perform this action." },
        ]);
    });

    test(
        "who may view a provider sees its client secret [fact: " + "`view_oauth2provider` shows the client secret]",
        async () => {
            const { provider } = await target.makeApplication();
            const { as } = await robot("viewer", ["authentik_providers_oauth2.view_oauth2provider"]);
            expect((await as("GET", `/providers/oauth2/${provider.pk}/`)).body.client_secret).toBe("a client's secret");
            expect((await as("PATCH", `/providers/oauth2/${provider.pk}/`, { client_secret: "x" })).status).toBe(403);
        },
    );

    test(
        "who may add users makes superusers [fact: " + "add or change of groups or users is as good as superuser]",
        async () => {
            const { as } = await robot("adder", ["authentik_core.add_user"]);
            const admins = await target.find("/core/groups/?name=authentik+Admins");
            const username = target.name("raised");
            const reply = await as("POST", "/core/users/", { username, name: "", groups: [admins.pk] });
            target.remember(`/core/users/${reply.body?.pk}/`);
            expect([reply.status, reply.body.is_superuser]).toEqual([201, true]);
        },
    );

    test("a permission on an object that does not exist is granted on every object [fact]", async () => {
        const { role, assign, as } = await robot("nothing", []);
        const group = await target.make("/core/groups/", { name: target.name("seen") });
        expect((await as("GET", `/core/groups/${group.pk}/`)).status).toBe(403);
        const nobody = "00000000-0000-4000-8000-000000000000";
        const given = await target.api("POST", assign, {
            permissions: ["authentik_core.view_group"],
            model: "authentik_core.group",
            object_pk: nobody,
        });
        expect(given.status).toBe(200);
        expect((await target.api("GET", `/rbac/permissions/?role=${role.pk}`)).body.results).toMatchObject([
            { codename: "view_group" },
        ]);
        expect((await as("GET", `/core/groups/${group.pk}/`)).status).toBe(200);
    });

    test(
        "giving permissions needs `add_role` beside `assign_role_permissions`, " + "taking them `change_role`",
        async () => {
            const { assign } = await robot("given", []);
            const rights = ["authentik_rbac.assign_role_permissions", "authentik_rbac.unassign_role_permissions"];
            const permissions = ["authentik_core.view_group"];
            const half = await robot("half", rights);
            const take = assign.replace("/assign/", "/unassign/");
            expect((await half.as("POST", assign, { permissions })).status).toBe(403);
            expect((await half.as("PATCH", take, { permissions })).status).toBe(403);
            const whole = await robot("whole", [...rights, "authentik_rbac.add_role", "authentik_rbac.change_role"]);
            expect((await whole.as("POST", assign, { permissions })).status).toBe(200);
            expect((await whole.as("PATCH", take, { permissions })).status).toBe(204);
        },
    );
});
