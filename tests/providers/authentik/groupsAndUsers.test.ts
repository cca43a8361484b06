/** Groups and users by the provider's operations: made, read, changed by hand, mended, deleted. */
import type { PropertyMap } from "../../../providers/protocol";
import { api, backendName, uniqueName } from "./backend";
import { authentik, backend, cleanUp, proxy, startAuthentik, stopAuthentik, writes } from "./setUp";

jest.setTimeout(60_000);
beforeAll(startAuthentik);
afterEach(cleanUp);
afterAll(stopAuthentik);

describe(`on ${backendName}`, () => {
    describe("a group", () => {
        test("is made with the bridged defaults, and reads back without a difference", async () => {
            const name = uniqueName("group");
            const group = await authentik.create("group", { name });
            expect(group.inputs).toEqual({ name, isSuperuser: false, attributes: "{}" });
            expect(group.properties).toMatchObject({
                name,
                isSuperuser: false,
                attributes: "{}",
                users: [],
                groupId: group.id,
            });
            expect(await group.refresh()).toEqual([]);
            expect(await group.diff({ name })).toEqual([]);
        });

        test("keeps the program's words for attributes that mean the same", async () => {
            const inputs = { name: uniqueName("group"), attributes: '{ "b": [1, 2],\n "a": {"x": null} }' };
            const group = await authentik.create("group", inputs);
            expect(await group.refresh()).toEqual([]);
            expect(group.properties.attributes).toBe(inputs.attributes);
            expect(await group.diff({ ...inputs, attributes: '{"a":{"x":null},"b":[1,2]}' })).toEqual([]);
            expect(await group.diff({ ...inputs, attributes: '{"a":{"x":1},"b":[1,2]}' })).toEqual([
                "update attributes",
            ]);
        });

        test("keeps its members when it is renamed, and never sends them unless the program says them", async () => {
            const user = await authentik.create("user", { username: uniqueName("member") });
            const group = await authentik.create("group", { name: uniqueName("group") });
            await api(backend, "POST", `/core/groups/${group.id}/add_user/`, { pk: Number(user.id) });
            const name = uniqueName("renamed");
            await group.update({ name });
            expect((await api(backend, "GET", `/core/groups/${group.id}/`)).body).toMatchObject({
                name,
                users: [Number(user.id)],
            });
            expect(writes().at(-1)).toEqual({
                method: "PATCH",
                path: `/api/v3/core/groups/${group.id}/`,
                body: { name },
            });
            expect(group.properties.users).toEqual([Number(user.id)]);
        });

        test("whose members the program says has exactly those", async () => {
            const [one, two] = [
                await authentik.create("user", { username: uniqueName("one") }),
                await authentik.create("user", { username: uniqueName("two") }),
            ];
            const name = uniqueName("group");
            const group = await authentik.create("group", { name, users: [Number(one.id)] });
            await api(backend, "POST", `/core/groups/${group.id}/add_user/`, { pk: Number(two.id) });
            expect(await group.refresh()).toEqual(["input users", "output users"]);
            expect(await group.diff({ name, users: [one.id] })).toEqual(["update users"]);
            await group.update({ name, users: [one.id] });
            expect((await api(backend, "GET", `/core/groups/${group.id}/`)).body.users).toEqual([Number(one.id)]);
        });

        test("changed by hand is seen and mended, also where the program relied on a default", async () => {
            const name = uniqueName("group");
            const group = await authentik.create("group", { name });
            await api(backend, "PATCH", `/core/groups/${group.id}/`, {
                is_superuser: true,
                attributes: { hand: "made" },
            });
            expect(await group.refresh()).toEqual([
                "input attributes",
                "input isSuperuser",
                "output attributes",
                "output isSuperuser",
            ]);
            expect(await group.diff({ name })).toEqual(["update attributes", "update isSuperuser"]);
            await group.update({ name });
            expect((await api(backend, "GET", `/core/groups/${group.id}/`)).body).toMatchObject({
                is_superuser: false,
                attributes: {},
            });
            expect(await group.refresh()).toEqual([]);
        });

        test("gets a name of its own where the program says none, and keeps it", async () => {
            const inputs = await authentik.check("group", {});
            expect(inputs.name).toMatch(/^thing-[0-9a-f]{7}$/);
            expect(await authentik.check("group", {})).toEqual(inputs);
            expect((await authentik.check("group", {}, { name: "thing-0000000" })).name).toBe("thing-0000000");
        });

        test("that exists already is an error with the way to import it", async () => {
            const name = uniqueName("group");
            const group = await authentik.create("group", { name });
            await expect(authentik.create("group", { name })).rejects.toThrow(
                `The group already exists in Authentik at ${proxy.url}: ` +
                    `name "${name}" is taken by the one with the id ${group.id}. ` +
                    `To take it over: pulumi import authentik:index/group:Group thing ${group.id}. ` +
                    "To make a new one: choose another name.",
            );
        });

        test("that is gone reads as gone, and its deletion is no error", async () => {
            const group = await authentik.create("group", { name: uniqueName("group") });
            await api(backend, "DELETE", `/core/groups/${group.id}/`);
            expect(await group.refresh()).toEqual(["gone"]);
            await expect(group.update({ name: uniqueName("other") })).rejects.toThrow(
                /is gone from Authentik.*pulumi refresh/,
            );
            await group.delete();
        });
    });

    describe("a user", () => {
        test("is a service account in its folder and its groups, and reads back without a difference", async () => {
            const group = await authentik.create("group", { name: uniqueName("group") });
            const username = uniqueName("ci");
            const inputs = {
                username,
                name: "CI",
                type: "service_account",
                path: "services/ci",
                groups: [group.id],
                attributes: '{"made":"by test"}',
            };
            const user = await authentik.create("user", inputs);
            expect(user.id).toMatch(/^\d+$/);
            expect((await api(backend, "GET", `/core/users/${user.id}/`)).body).toMatchObject({
                username,
                name: "CI",
                type: "service_account",
                path: "services/ci",
                groups: [group.id],
                attributes: { made: "by test" },
                is_active: true,
            });
            expect(await user.refresh()).toEqual([]);
            expect(await user.diff(inputs)).toEqual([]);
        });

        test("keeps its groups when only its name changes, and loses what the program drops", async () => {
            const group = await authentik.create("group", { name: uniqueName("group") });
            const inputs = { username: uniqueName("user"), name: "Old", email: "old@example.com", groups: [group.id] };
            const user = await authentik.create("user", inputs);
            await user.update({ username: inputs.username, name: "New" });
            expect((await api(backend, "GET", `/core/users/${user.id}/`)).body).toMatchObject({
                name: "New",
                email: "",
                groups: [group.id],
            });
            expect(writes().at(-1)?.body).toEqual({ name: "New", email: "" });
            await user.update({ username: inputs.username, name: "New", groups: [] });
            expect((await api(backend, "GET", `/core/users/${user.id}/`)).body.groups).toEqual([]);
        });

        test("taken out of its group by hand is put back", async () => {
            const group = await authentik.create("group", { name: uniqueName("group") });
            const inputs = { username: uniqueName("user"), name: "U", groups: [group.id] };
            const user = await authentik.create("user", inputs);
            await api(backend, "POST", `/core/groups/${group.id}/remove_user/`, { pk: Number(user.id) });
            await user.refresh();
            expect(await user.diff(inputs)).toEqual(["add groups"]);
            await user.update(inputs);
            expect((await api(backend, "GET", `/core/users/${user.id}/`)).body.groups).toEqual([group.id]);
        });

        test("gets its password by its own request, when it is made and when the program changes it", async () => {
            const inputs = { username: uniqueName("user"), name: "U", password: "first-canary" };
            const user = await authentik.create("user", inputs);
            const passwords = () => writes().filter((write) => write.path.endsWith("/set_password/"));
            expect(passwords().map((write) => write.body)).toEqual([{ password: "first-canary" }]);
            expect(await user.refresh()).toEqual([]);
            expect(await user.diff({ ...inputs, password: "second-canary" })).toEqual(["update password"]);
            await user.update({ ...inputs, password: "second-canary" });
            expect(passwords().map((write) => write.body)).toEqual([
                { password: "first-canary" },
                { password: "second-canary" },
            ]);
            expect(JSON.stringify(authentik.log)).not.toContain("canary");
        });

        test("whose password fails is kept, and told", async () => {
            proxy.fault = (request) =>
                request.path.endsWith("/set_password/")
                    ? {
                          instead: {
                              status: 403,
                              type: "application/json",
                              body: '{"detail":"You do not have permission to perform this action."}',
                          },
                      }
                    : undefined;
            const username = uniqueName("user");
            const failure = await authentik
                .create("user", { username, password: "canary" })
                .catch((error: unknown) => error);
            expect(failure).toMatchObject({
                message: expect.stringMatching(/may not set the password.*authentik_core.reset_user_password/),
                state: { id: expect.stringMatching(/^\d+$/) },
            });
            // The password was not set: the next `up` must see that it is still to be.
            expect((failure as { state: { inputs: PropertyMap } }).state.inputs).not.toHaveProperty("password");
            const { id } = (failure as { state: { id: string } }).state;
            expect((await api(backend, "DELETE", `/core/users/${id}/`)).status).toBe(204);
        });
    });
});
