import { isReal, target, targetForAll } from "./target";

targetForAll();

const denied = { detail: "You do not have permission to perform this action." };

/** A service account in a role that holds these permissions, and its API token. */
async function robot(what: string, permissions: string[]) {
    const name = target.name(what);
    const role = await target.make("/rbac/roles/", { name });
    const user = await target.make("/core/users/", { username: name, name: "", type: "service_account" });
    expect((await target.api("POST", `/rbac/roles/${role.pk}/add_user/`, { pk: user.pk })).status).toBe(204);
    const assign = `/rbac/permissions/assigned_by_roles/${role.pk}/assign/`;
    if (permissions.length) expect((await target.api("POST", assign, { permissions })).status).toBe(200);
    return { role, user, assign, token: await target.makeToken(user.pk, "api") };
}

describe(`permissions [${isReal ? "real" : "stand-in"}]`, () => {
    test(
        "a token without permissions: 403 on most lists and every object, " +
            "an empty or own list on others [fact: A missing permission is 403 on an item and an empty list on " +
            "some lists]",
        async () => {
            const { token } = await robot("none", []);
            const as = (method: string, path: string, body?: unknown) => target.api(method, path, body, token);
            for (const path of [
                "/core/groups/",
                "/core/users/",
                "/providers/oauth2/",
                "/policies/bindings/",
                "/flows/instances/",
            ]) {
                const reply = await as("GET", path);
                expect([path, reply.status, reply.body]).toEqual([path, 403, denied]);
            }
            expect((await as("GET", "/core/tokens/")).body.results).toHaveLength(1);
            // Not a missing permission but what this account may open.
            expect((await as("GET", "/core/applications/")).status).toBe(200);
            expect((await as("GET", "/core/groups/00000000-0000-4000-8000-000000000000/")).body).toEqual(denied);
            expect((await as("GET", "/core/applications/nonesuch/")).body).toEqual(denied);
            expect((await as("POST", "/core/groups/", { name: "x" })).body).toEqual(denied);
            expect((await as("POST", "/core/groups/", {})).body).toEqual(denied);
            expect((await as("GET", "/core/users/me/")).status).toBe(200);
            expect((await as("GET", "/admin/version/")).status).toBe(200);
        },
    );

    test(
        "permissions on one object: view and set the password of one user [fact: " +
            "set_password needs `view_user` and `reset_user_password` on that one user]",
        async () => {
            const victim = await target.make("/core/users/", { username: target.name("one"), name: "" });
            const { token, user, assign } = await robot("object", []);
            const given = await target.api("POST", assign, {
                permissions: ["authentik_core.view_user", "authentik_core.reset_user_password"],
                model: "authentik_core.user",
                object_pk: String(victim.pk),
            });
            expect(given.status).toBe(200);
            expect(given.body).toHaveLength(2);
            const path = `/core/users/${victim.pk}/`;
            expect((await target.api("GET", "/core/users/", undefined, token)).body.results).toHaveLength(1);
            expect((await target.api("GET", path, undefined, token)).status).toBe(200);
            expect(
                (await target.api("POST", `${path}set_password/`, { password: "a new password" }, token)).status,
            ).toBe(204);
            expect((await target.api("PATCH", path, { name: "x" }, token)).body).toEqual(denied);
            expect((await target.api("GET", `/core/users/${user.pk}/`, undefined, token)).status).toBe(404);
            expect(
                (await target.api("POST", `/core/users/${user.pk}/set_password/`, { password: "x" }, token)).status,
            ).toBe(404);
        },
    );

    test(
        "what a role holds can be read by its token, page by page [fact: " +
            "What a token may do it can read itself: users/me and rbac/permissions/?role=<pk>]",
        async () => {
            const permissions = ["authentik_core.view_group", "authentik_flows.view_flow"];
            const { role, token, assign } = await robot("read", permissions);
            const rows = async () =>
                (
                    (await target.api("GET", `/rbac/permissions/?role=${role.pk}&page_size=100`, undefined, token)).body
                        .results as {
                        app_label: string;
                        codename: string;
                    }[]
                ).map((row) => `${row.app_label}.${row.codename}`);
            expect((await rows()).sort()).toEqual(permissions);
            const again = await target.api("POST", assign, { permissions: [permissions[0]] });
            expect(again.status).toBe(200);
            expect((await rows()).sort()).toEqual(permissions);
            const unassigned = await target.api("PATCH", assign.replace("/assign/", "/unassign/"), {
                permissions: [permissions[0]],
            });
            expect(unassigned.status).toBe(204);
            expect(await rows()).toEqual([permissions[1]]);
        },
    );

    test(
        "assigning an unknown permission is an unhandled error [fact: " +
            'POST assigned_by_roles/{pk}/assign/ {"permissions":["app.codename"]}]',
        async () => {
            const { assign } = await robot("assign", []);
            const reply = await target.api("POST", assign, { permissions: ["authentik_core.nonesuch"] });
            expect([reply.status, reply.text]).toEqual([405, ""]);
        },
    );

    test(
        "only a superuser makes a token for another; for others it is silently their own [fact: " +
            "Only a superuser can create a token for another user: " +
            "for others 201 and the token is silently the caller's]",
        async () => {
            const other = await target.make("/core/users/", { username: target.name("other"), name: "" });
            const { token, user } = await robot("maker", []);
            const identifier = target.name("mine");
            const reply = await target.api(
                "POST",
                "/core/tokens/",
                { identifier, intent: "app_password", user: other.pk },
                token,
            );
            expect(reply.status).toBe(201);
            target.remember(`/core/tokens/${identifier}/`);
            expect(reply.body.user).toBe(user.pk);
            for (const role of (await target.api("GET", `/core/users/${user.pk}/`)).body.roles_obj as {
                pk: string;
                name: string;
            }[])
                if (role.name.startsWith("ak-managed")) target.remember(`/rbac/roles/${role.pk}/`);
        },
    );

    test("a token of somebody inactive is invalid", async () => {
        const { token, user } = await robot("inactive", []);
        await target.api("PATCH", `/core/users/${user.pk}/`, { is_active: false });
        const reply = await target.api("GET", "/core/users/me/", undefined, token);
        expect([reply.status, reply.body]).toEqual([403, { detail: "Token invalid/expired" }]);
    });
});
