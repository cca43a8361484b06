/** The provider's operations, one by one, over an Authentik. */
import { type PropertyMap, UNKNOWN } from "../../../providers/protocol";
import { skippable } from "../../../testbed/bootstrap/toolchain.cjs";
import { api, type Backend, backendName, startBackend, uniqueName } from "./backend";
import { type Driver, driver } from "./driver";
import { type Fault, type FaultyProxy, startFaultyProxy } from "./faultyProxy";

jest.setTimeout(60_000);

let backend: Backend;
let proxy: FaultyProxy;
let authentik: Driver;
let flows: { authorizationFlow: string; invalidationFlow: string };

beforeAll(async () => {
    backend = await startBackend();
    proxy = await startFaultyProxy(backend.url);
    authentik = await driver(proxy.url, backend.token);
    const [authorization, invalidation] = await Promise.all([
        authentik.invoke("getFlow", { slug: "default-provider-authorization-implicit-consent" }),
        authentik.invoke("getFlow", { slug: "default-provider-invalidation-flow" }),
    ]);
    flows = { authorizationFlow: authorization.id as string, invalidationFlow: invalidation.id as string };
});
afterEach(async () => {
    proxy.fault = () => undefined;
    await authentik.cleanUp();
    proxy.requests.length = 0;
    authentik.log.length = 0;
});
afterAll(async () => {
    await proxy?.stop();
    await backend?.stop();
});

/** The bodies of the writes that reached Authentik. */
const writes = () =>
    proxy.requests
        .filter((request) => request.method !== "GET")
        .map(({ method, path, body }) => ({ method, path, body }));

const oauth2 = (name: string, more: PropertyMap = {}): PropertyMap => ({
    name,
    clientId: name,
    ...flows,
    allowedRedirectUris: [{ matching_mode: "strict", url: "https://registry.example.com/cb" }],
    ...more,
});

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

        test(
            "that someone changed by hand is seen and mended, " + "also where the program relied on a default",
            async () => {
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
            },
        );

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
                `The group exists already in Authentik at ${proxy.url}: ` +
                    `name "${name}" is taken by the one with the id ${group.id}. ` +
                    `To take it over: pulumi import authentik:index/group:Group thing ${group.id}. ` +
                    "To have another: choose another name.",
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

    describe("an OAuth2 provider", () => {
        test("is made with the bridged defaults, and what the server adds is no difference", async () => {
            const name = uniqueName("provider");
            const inputs = oauth2(name, { clientSecret: "canary" });
            const provider = await authentik.create("providerOauth2", inputs);
            expect(provider.properties).toMatchObject({
                name,
                clientId: name,
                clientSecret: "canary",
                clientType: "confidential",
                accessCodeValidity: "minutes=1",
                accessTokenValidity: "minutes=10",
                refreshTokenValidity: "days=30",
                includeClaimsInIdToken: true,
                subMode: "hashed_user_id",
                issuerMode: "per_provider",
                allowedRedirectUris: [{ matching_mode: "strict", url: "https://registry.example.com/cb" }],
                providerOauth2Id: provider.id,
            });
            expect(await provider.refresh()).toEqual([]);
            expect(await provider.diff(inputs)).toEqual([]);
        });

        test("without a client secret gets one from Authentik, and keeps it", async () => {
            const inputs = oauth2(uniqueName("provider"));
            const provider = await authentik.create("providerOauth2", inputs);
            const secret = provider.properties.clientSecret as string;
            expect(secret.length).toBeGreaterThan(20);
            expect(provider.inputs).not.toHaveProperty("clientSecret");
            expect(await provider.diff(inputs)).toEqual([]);
            await provider.update({ ...inputs, subMode: "user_username" });
            expect(provider.properties.clientSecret).toBe(secret);
        });

        test("has its lists compared without their order", async () => {
            const { ids } = await authentik.invoke("getPropertyMappingProviderScope", {
                managedLists: ["openid", "email", "profile"].map(
                    (scope) => `goauthentik.io/providers/oauth2/scope-${scope}`,
                ),
            });
            const inputs = oauth2(uniqueName("provider"), {
                propertyMappings: ids!,
                allowedRedirectUris: ["https://b.example.com", "https://a.example.com"].map((url) => ({
                    url,
                    matching_mode: "strict",
                })),
            });
            const provider = await authentik.create("providerOauth2", inputs);
            expect(await provider.refresh()).toEqual([]);
            expect(provider.properties.propertyMappings).toEqual(ids);
            expect(await provider.diff({ ...inputs, propertyMappings: [...(ids as string[])].reverse() })).toEqual([]);
            expect(await provider.diff({ ...inputs, propertyMappings: (ids as string[]).slice(1) })).toEqual([
                "update propertyMappings",
            ]);
        });

        test("is mended where someone widened it by hand", async () => {
            const inputs = oauth2(uniqueName("provider"));
            const provider = await authentik.create("providerOauth2", inputs);
            const key = await authentik.invoke("getCertificateKeyPair", {
                name: "authentik Self-signed Certificate",
                fetchKey: false,
                fetchCertificate: false,
            });
            const widened = await api(backend, "PATCH", `/providers/oauth2/${provider.id}/`, {
                redirect_uris: [{ matching_mode: "regex", url: ".*" }],
                encryption_key: key.id,
                sub_mode: "user_email",
            });
            expect(widened.status).toBe(200);
            await provider.refresh();
            expect(await provider.diff(inputs)).toEqual([
                "update allowedRedirectUris",
                "delete encryptionKey",
                "update subMode",
            ]);
            await provider.update(inputs);
            expect((await api(backend, "GET", `/providers/oauth2/${provider.id}/`)).body).toMatchObject({
                redirect_uris: [{ matching_mode: "strict", url: "https://registry.example.com/cb" }],
                encryption_key: null,
                sub_mode: "hashed_user_id",
            });
        });

        test("is imported by its number, without its secret in the program", async () => {
            const name = uniqueName("provider");
            const provider = await authentik.create("providerOauth2", oauth2(name, { clientSecret: "canary" }));
            const imported = await authentik.read("providerOauth2", provider.id);
            expect(imported?.inputs).toEqual({
                name,
                clientId: name,
                ...flows,
                allowedRedirectUris: [{ matching_mode: "strict", url: "https://registry.example.com/cb" }],
            });
            expect(imported?.properties.clientSecret).toBe("canary");
            expect(
                authentik.provider.resources["authentik:index/providerOauth2:ProviderOauth2"]!.secretProperties,
            ).toEqual(["clientSecret"]);
            await expect(authentik.read("providerOauth2", name)).rejects.toThrow(
                /cannot be the id of an OAuth2 provider: it is a whole number/,
            );
        });

        test("with the client id or the name of another names the property at fault", async () => {
            const name = uniqueName("provider");
            const provider = await authentik.create("providerOauth2", oauth2(name));
            await expect(
                authentik.create("providerOauth2", oauth2(uniqueName("other"), { clientId: name })),
            ).rejects.toThrow(`clientId "${name}" is taken by the one with the id ${provider.id}`);
            await expect(
                authentik.create("providerOauth2", oauth2(name, { clientId: uniqueName("other") })),
            ).rejects.toThrow(`name "${name}" is taken by the one with the id ${provider.id}`);
        });

        test("that refers to what is not there names the property", async () => {
            const nowhere = "00000000-0000-4000-8000-000000000000";
            await expect(
                authentik.create(
                    "providerOauth2",
                    oauth2(uniqueName("provider"), { signingKey: nowhere, propertyMappings: [nowhere] }),
                ),
            ).rejects.toThrow(
                /refused the OAuth2 provider "test-provider-.*": (propertyMappings: Invalid pk .*; signingKey: Invalid pk|signingKey: Invalid pk .*; propertyMappings: Invalid pk)/,
            );
        });
    });

    describe("an application", () => {
        test("has its slug for an id and a UUID for bindings, and reads back without a difference", async () => {
            const name = uniqueName("app");
            const provider = await authentik.create("providerOauth2", oauth2(name));
            const inputs = {
                name: "App",
                slug: name,
                protocolProvider: provider.id,
                metaLaunchUrl: "https://registry.example.com",
            };
            const application = await authentik.create("application", inputs);
            expect(application.id).toBe(name);
            expect(application.properties).toMatchObject({
                applicationId: name,
                uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
                protocolProvider: Number(provider.id),
            });
            expect(await application.refresh()).toEqual([]);
            expect(await application.diff(inputs)).toEqual([]);
        });

        test("changes its slug in place, and is found by the new one from then on", async () => {
            const [old, slug] = [uniqueName("old"), uniqueName("new")];
            const application = await authentik.create("application", { name: "App", slug: old });
            const { uuid } = application.properties;
            expect(await application.diff({ name: "App", slug })).toEqual(["update slug"]);
            await application.update({ name: "App", slug });
            expect(application.properties).toMatchObject({ uuid, slug });
            expect(application.id).toBe(old);
            expect(await application.refresh()).toEqual([]);
            expect(application.id).toBe(slug);
        });

        test("whose provider was deleted under it gets it back", async () => {
            const name = uniqueName("app");
            const provider = await authentik.create("providerOauth2", oauth2(name));
            const other = await authentik.create("providerOauth2", oauth2(uniqueName("other")));
            const application = await authentik.create("application", {
                name: "App",
                slug: name,
                protocolProvider: provider.id,
            });
            await provider.delete();
            expect(await application.refresh()).toEqual(["input protocolProvider", "output protocolProvider"]);
            expect(await application.diff({ name: "App", slug: name, protocolProvider: other.id })).toEqual([
                "add protocolProvider",
            ]);
            await application.update({ name: "App", slug: name, protocolProvider: other.id });
            expect((await api(backend, "GET", `/core/applications/${name}/`)).body.provider).toBe(Number(other.id));
        });

        test("loses what the program drops", async () => {
            const name = uniqueName("app");
            const application = await authentik.create("application", {
                name: "App",
                slug: name,
                metaDescription: "text",
                group: "Tools",
                openInNewTab: true,
            });
            await application.update({ name: "App", slug: name });
            expect((await api(backend, "GET", `/core/applications/${name}/`)).body).toMatchObject({
                meta_description: "",
                group: "",
                open_in_new_tab: false,
            });
            expect(await application.refresh()).toEqual([]);
        });

        test("of a slug that exists is an error with the way to import it", async () => {
            const slug = uniqueName("app");
            await authentik.create("application", { name: "App", slug });
            await expect(authentik.create("application", { name: "Other", slug })).rejects.toThrow(
                `pulumi import authentik:index/application:Application thing ${slug}`,
            );
        });
    });

    describe("a policy binding", () => {
        const guarded = async () => {
            const slug = uniqueName("app");
            const application = await authentik.create("application", { name: "App", slug });
            const [one, two] = [
                await authentik.create("group", { name: uniqueName("one") }),
                await authentik.create("group", { name: uniqueName("two") }),
            ];
            return { target: application.properties.uuid as string, one: one.id, two: two.id };
        };

        test("reads back without a difference, and every update carries target, subject and order", async () => {
            const { target, one, two } = await guarded();
            const binding = await authentik.create("policyBinding", { target, group: one, order: 0 });
            expect(binding.inputs).toEqual({
                target,
                group: one,
                order: 0,
                negate: false,
                enabled: true,
                timeout: 30,
                failureResult: false,
            });
            expect(await binding.refresh()).toEqual([]);
            await binding.update({ target, group: one, order: 0, enabled: false });
            expect(writes().at(-1)?.body).toEqual({
                target,
                group: one,
                user: null,
                policy: null,
                order: 0,
                enabled: false,
            });
            await binding.update({ target, group: two, order: 3 });
            expect((await api(backend, "GET", `/policies/bindings/${binding.id}/`)).body).toMatchObject({
                group: two,
                order: 3,
                enabled: true,
            });
        });

        test("goes from a group to a user", async () => {
            const { target, one } = await guarded();
            const user = await authentik.create("user", { username: uniqueName("user") });
            const binding = await authentik.create("policyBinding", { target, group: one, order: 0 });
            expect(await binding.diff({ target, user: user.id, order: 0 })).toEqual(["delete group", "add user"]);
            await binding.update({ target, user: user.id, order: 0 });
            expect((await api(backend, "GET", `/policies/bindings/${binding.id}/`)).body).toMatchObject({
                group: null,
                user: Number(user.id),
            });
        });

        test("of an order that is taken is refused, however many are made at once", async () => {
            const { target, one, two } = await guarded();
            const outcomes = await Promise.allSettled(
                [1, 2, 3, 4].map(() => authentik.create("policyBinding", { target, group: one, order: 0 })),
            );
            expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1);
            expect((await api(backend, "GET", `/policies/bindings/?target=${target}`)).body.results).toHaveLength(1);
            await expect(authentik.create("policyBinding", { target, group: two, order: 0 })).rejects.toThrow(
                /order 0 of this target belongs to the group test-one-.*choose another order/,
            );
        });

        test("that would swap orders with another is told how", async () => {
            const { target, one, two } = await guarded();
            const first = await authentik.create("policyBinding", { target, group: one, order: 0 });
            await authentik.create("policyBinding", { target, group: two, order: 1 });
            await expect(first.update({ target, group: one, order: 1 })).rejects.toThrow(
                /give one of them a free number first/,
            );
        });

        test("has exactly one subject", async () => {
            expect(await authentik.failures("policyBinding", { target: "t", order: 0 })).toEqual([
                "group: one of group, user and policy is required: who or what the binding is for",
            ]);
            expect(await authentik.failures("policyBinding", { target: "t", order: 0, group: "g", user: 1 })).toEqual([
                "user: only one of group, user and policy can be given, not group and user",
            ]);
            expect(await authentik.failures("policyBinding", { target: UNKNOWN, order: 0, group: UNKNOWN })).toEqual(
                [],
            );
        });
    });

    test("a login flow of one's own: flow, stages, their bindings, and a policy on one of them", async () => {
        const name = uniqueName("login");
        const passwordStage = (await api(backend, "GET", "/stages/password/?name=default-authentication-password")).body
            .results[0].pk as string;
        const flowInputs = {
            name: "CI login",
            slug: name,
            title: "CI login",
            designation: "authentication",
            authentication: "require_unauthenticated",
        };
        const flow = await authentik.create("flow", flowInputs);
        expect(flow.id).toBe(name);
        const identification = await authentik.create("stageIdentification", {
            name: `${name}-identification`,
            userFields: ["username"],
            passwordStage,
        });
        const login = await authentik.create("stageUserLogin", { name: `${name}-login`, sessionDuration: "minutes=5" });
        const target = flow.properties.uuid!;
        const first = await authentik.create("flowStageBinding", { target, stage: identification.id, order: 0 });
        const second = await authentik.create("flowStageBinding", {
            target,
            stage: login.id,
            order: 1,
            reEvaluatePolicies: true,
        });
        const policy = await authentik.create("policyExpression", {
            name: `${name}-only-ci`,
            expression: 'return request.context["pending_user"].username == "zot-ci"\n',
        });
        const binding = await authentik.create("policyBinding", { target: second.id, policy: policy.id, order: 0 });

        for (const managed of [flow, identification, login, first, second, policy, binding]) {
            expect([managed.type, await managed.refresh()]).toEqual([managed.type, []]);
            expect([managed.type, await managed.diff(managed.inputs)]).toEqual([managed.type, []]);
            const imported = await authentik.read(managed.type, managed.id);
            expect([managed.type, await managed.diff(imported!.inputs!)]).toEqual([managed.type, []]);
        }

        await api(backend, "PATCH", `/stages/user_login/${login.id}/`, {
            name: `${name}-login`,
            session_duration: "days=300",
        });
        await api(backend, "PATCH", `/policies/expression/${policy.id}/`, {
            name: `${name}-only-ci`,
            expression: "return True",
        });
        for (const managed of [login, policy]) {
            const { inputs } = managed;
            expect(await managed.refresh()).not.toEqual([]);
            await managed.update(inputs);
            expect(await managed.refresh()).toEqual([]);
        }
        await second.update({
            target,
            stage: login.id,
            order: 7,
            reEvaluatePolicies: true,
            invalidResponseAction: "restart",
        });
        expect(await second.refresh()).toEqual([]);
        await flow.update({ ...flowInputs, title: "Another title" });
        expect(await flow.refresh()).toEqual([]);
        await identification.update({ name: `${name}-identification`, userFields: ["username", "email"] });
        expect(identification.properties).not.toHaveProperty("passwordStage");
        await expect(authentik.create("flow", flowInputs)).rejects.toThrow(
            `pulumi import authentik:index/flow:Flow thing ${name}`,
        );
    });

    describe("an uncertain answer", () => {
        const isCreate = (collection: string) => (request: { method: string; path: string }) =>
            request.method === "POST" && request.path === `/api/v3${collection}`;
        const once = (matches: (request: { method: string; path: string }) => boolean, fault: Fault) => {
            let left = 1;
            proxy.fault = (request) => (matches(request) && left-- > 0 ? fault : undefined);
        };

        test.each<[string, Fault]>([
            ["500 after the group was made", { afterwards: { status: 500, body: "Internal Server Error" } }],
            [
                "an empty 405 after the group was made",
                { afterwards: { status: 405, type: "text/html; charset=utf-8" } },
            ],
            ["a connection cut after the group was made", { afterwards: "cut the connection" }],
        ])("%s: the group is ours", async (_, fault) => {
            once(isCreate("/core/groups/"), fault);
            const name = uniqueName("group");
            const group = await authentik.create("group", { name, attributes: '{"x":1}' });
            expect(
                (await api(backend, "GET", `/core/groups/?name=${name}`)).body.results.map(
                    (found: { pk: string }) => found.pk,
                ),
            ).toEqual([group.id]);
        });

        test.each<[string, Fault]>([
            ["500 before the group was made", { instead: { status: 500, body: "Internal Server Error" } }],
            ["a connection cut before the group was made", { instead: "cut the connection" }],
        ])("%s: it is made now", async (_, fault) => {
            once(isCreate("/core/groups/"), fault);
            const group = await authentik.create("group", { name: uniqueName("group") });
            expect((await api(backend, "GET", `/core/groups/${group.id}/`)).status).toBe(200);
        });

        test("an object that was there before is not taken for ours", async () => {
            const name = uniqueName("group");
            const before = await authentik.create("group", { name });
            proxy.fault = (request) => (isCreate("/core/groups/")(request) ? { instead: { status: 500 } } : undefined);
            await expect(authentik.create("group", { name })).rejects.toThrow(
                `is taken by the one with the id ${before.id}`,
            );
        });

        test("an object that another made meanwhile, and differently, is not taken for ours", async () => {
            const name = uniqueName("group");
            let theirs = "";
            proxy.fault = async (request) => {
                if (!isCreate("/core/groups/")(request)) return undefined;
                theirs = (await api(backend, "POST", "/core/groups/", { name, is_superuser: true })).body.pk;
                return { instead: { status: 405, type: "text/html" } };
            };
            await expect(authentik.create("group", { name })).rejects.toThrow(/is taken by the one with the id/);
            proxy.fault = () => undefined;
            await api(backend, "DELETE", `/core/groups/${theirs}/`);
        });

        test("for a binding, of which there may be any number, finds the one that was made", async () => {
            const application = await authentik.create("application", { name: "App", slug: uniqueName("app") });
            const group = await authentik.create("group", { name: uniqueName("group") });
            const target = application.properties.uuid as string;
            once(isCreate("/policies/bindings/"), { afterwards: { status: 500 } });
            const binding = await authentik.create("policyBinding", { target, group: group.id, order: 0 });
            expect(
                (await api(backend, "GET", `/policies/bindings/?target=${target}`)).body.results.map(
                    (found: { pk: string }) => found.pk,
                ),
            ).toEqual([binding.id]);
        });

        test.each<[string, Fault, number]>([
            ["committed", { afterwards: { status: 405, type: "text/html" } }, 1],
            ["not committed", { instead: { status: 405, type: "text/html" } }, 2],
        ])("to an update that was %s: it is looked at before it is sent again", async (_, fault, patches) => {
            const name = uniqueName("group");
            const group = await authentik.create("group", { name });
            once((request) => request.method === "PATCH", fault);
            await group.update({ name, attributes: '{"x":2}' });
            expect((await api(backend, "GET", `/core/groups/${group.id}/`)).body.attributes).toEqual({ x: 2 });
            expect(writes().filter((write) => write.method === "PATCH")).toHaveLength(patches);
        });

        test("to the update of a slug is looked up under both", async () => {
            const [old, slug] = [uniqueName("old"), uniqueName("new")];
            const application = await authentik.create("application", { name: "App", slug: old });
            once((request) => request.method === "PATCH", { afterwards: { status: 500 } });
            await application.update({ name: "App", slug });
            expect(application.properties.slug).toBe(slug);
        });

        test("to a delete: it is sent again until it is gone", async () => {
            const group = await authentik.create("group", { name: uniqueName("group") });
            once((request) => request.method === "DELETE", { afterwards: { status: 500 } });
            await group.delete();
            expect((await api(backend, "GET", `/core/groups/${group.id}/`)).status).toBe(404);
        });

        test("again and again ends in words, not in a second object", async () => {
            proxy.fault = (request) =>
                request.method === "POST" ? { instead: { status: 500, body: "Internal Server Error" } } : undefined;
            await expect(authentik.create("group", { name: uniqueName("group") })).rejects.toThrow(
                /failed at POST \/api\/v3\/core\/groups\/ \(500\)\. Its log says why\. Whether the group .* was created could not be made out/,
            );
        });
    });

    describe("trouble on the way", () => {
        const json = (detail: string) => ({ type: "application/json", body: JSON.stringify({ detail }) });

        test("reads are tried again after passing failures", async () => {
            const group = await authentik.create("group", { name: uniqueName("group") });
            const faults = [
                { instead: { status: 500 } },
                { instead: "cut the connection" },
                { instead: { status: 502 } },
            ] as const;
            let next = 0;
            proxy.fault = (request) => (request.path.includes("/core/groups/") ? faults[next++] : undefined);
            expect(await group.refresh()).toEqual([]);
            expect(next).toBe(4);
        });

        test("a server that is starting is waited for, reads and writes, and the person is told once", async () => {
            let busy = 3;
            proxy.fault = () =>
                busy-- > 0
                    ? { instead: { status: 503, body: "authentik starting", headers: { "retry-after": "5" } } }
                    : undefined;
            const fresh = await driver(proxy.url, backend.token);
            const group = await fresh.create("group", { name: uniqueName("group") });
            expect(fresh.log.filter((line) => line.includes("is starting"))).not.toHaveLength(0);
            await group.delete();
        });

        test("a server that never starts ends in words", async () => {
            proxy.fault = () => ({ instead: { status: 503, headers: { "retry-after": "5" } } });
            const fresh = await driver(proxy.url, backend.token, {
                refused: 100,
                starting: 100,
                answer: 5_000,
                firstPause: 10,
                longestPause: 20,
                attempts: 3,
            });
            await expect(fresh.invoke("getGroup", { name: "x" })).rejects.toThrow(
                /has been starting for .* and is not ready/,
            );
        });

        test("a server that is not there ends in words", async () => {
            const nowhere = await startFaultyProxy(backend.url);
            await nowhere.stop();
            const fresh = await driver(nowhere.url, backend.token);
            await expect(fresh.create("group", { name: "x" })).rejects.toThrow(
                `Authentik cannot be reached at ${nowhere.url} (ECONNREFUSED)`,
            );
        });

        test("a server that comes up a moment later is waited for", async () => {
            const later = await startFaultyProxy(backend.url);
            const port = Number(new URL(later.url).port);
            await later.stop();
            const fresh = await driver(`http://127.0.0.1:${port}`, backend.token, {
                refused: 10_000,
                starting: 100,
                answer: 5_000,
                firstPause: 50,
                longestPause: 50,
                attempts: 3,
            });
            const looked = fresh
                .invoke("getUser", { username: "nobody-of-this-name" })
                .catch((error: Error) => error.message);
            await new Promise((resolve) => setTimeout(resolve, 200));
            const http = await import("node:http");
            const server = http.createServer(
                (request, response) =>
                    void fetch(`${backend.url}${request.url}`, {
                        headers: { authorization: request.headers.authorization! },
                    }).then(async (answer) =>
                        response
                            .writeHead(answer.status, { "content-type": "application/json" })
                            .end(await answer.text()),
                    ),
            );
            await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
            try {
                expect(await looked).toMatch(/shows no user with username nobody-of-this-name/);
            } finally {
                server.closeAllConnections();
                await new Promise((resolve) => server.close(resolve));
            }
        });

        test("a bad token is told with the command that sets another, and not shown", async () => {
            const fresh = await driver(proxy.url, "canary-bad-token");
            const failure = (await fresh
                .create("group", { name: uniqueName("group") })
                .catch((error: unknown) => error)) as Error;
            expect(failure.message).toMatch(
                /refused the API token: Token invalid\/expired.*pulumi config set --secret authentik:token/,
            );
            expect(failure.message).not.toContain("canary");
        });

        test("a missing permission is told by name", async () => {
            const group = await authentik.create("group", { name: uniqueName("group") });
            proxy.fault = (request) =>
                request.method === "GET"
                    ? undefined
                    : { instead: { status: 403, ...json("You do not have permission to perform this action.") } };
            await expect(authentik.create("application", { slug: uniqueName("app") })).rejects.toThrow(
                /may not create the application .*: it needs the permission authentik_core\.add_application/,
            );
            await expect(authentik.create("providerOauth2", oauth2(uniqueName("provider")))).rejects.toThrow(
                /authentik_providers_oauth2\.add_oauth2provider/,
            );
            await expect(group.update({ name: uniqueName("other") })).rejects.toThrow(
                /may not change the group .*authentik_core\.change_group/,
            );
            await expect(group.delete()).rejects.toThrow(/may not delete the group .*authentik_core\.delete_group/);
            proxy.fault = () => ({
                instead: { status: 403, ...json("You do not have permission to perform this action.") },
            });
            await expect(group.refresh()).rejects.toThrow(/may not read the group .*authentik_core\.view_group/);
            await expect(authentik.invoke("getFlow", { slug: "x" })).rejects.toThrow(/authentik_flows\.view_flow/);
            proxy.fault = () => undefined;
        });

        test("a list that is empty names the permission that may be missing", async () => {
            await expect(authentik.invoke("getFlow", { slug: "no-such-flow" })).rejects.toThrow(
                /shows no flow with slug no-such-flow\..*lacks the permission authentik_flows\.view_flow/,
            );
        });

        test("a filter that the server ignores does not find another object", async () => {
            proxy.fault = (request) => {
                for (const name of ["name", "slug", "username", "client_id"]) request.query.delete(name);
                return undefined;
            };
            await expect(authentik.invoke("getGroup", { name: uniqueName("nobody") })).rejects.toThrow(
                /shows no group/,
            );
        });

        test.each([
            ["2025.8.4", /is version 2025\.8\.4; this provider supports 2025\.10 to 2026\.x/],
            ["2024.12.1", /is version 2024\.12\.1/],
        ])("version %s is refused before anything is written", async (version, message) => {
            proxy.fault = (request) =>
                request.path.endsWith("/admin/version/")
                    ? {
                          instead: {
                              status: 200,
                              type: "application/json",
                              body: JSON.stringify({ version_current: version }),
                          },
                      }
                    : undefined;
            const fresh = await driver(proxy.url, backend.token);
            await expect(fresh.create("group", { name: uniqueName("group") })).rejects.toThrow(message);
            await expect(fresh.invoke("getGroup", { name: "authentik Admins" })).rejects.toThrow(message);
            expect(writes()).toEqual([]);
        });

        test("a newer version is tried, with a warning; one that may not be asked for is assumed", async () => {
            proxy.fault = (request) =>
                request.path.endsWith("/admin/version/")
                    ? { instead: { status: 200, type: "application/json", body: '{"version_current":"2027.2.0"}' } }
                    : undefined;
            const fresh = await driver(proxy.url, backend.token);
            await fresh.invoke("getGroup", { name: "authentik Admins" });
            expect(fresh.log).toEqual([expect.stringMatching(/^warning: .*2027\.2\.0, newer than/)]);
            proxy.fault = (request) =>
                request.path.endsWith("/admin/version/")
                    ? { instead: { status: 403, ...json("You do not have permission to perform this action.") } }
                    : undefined;
            const limited = await driver(proxy.url, backend.token);
            expect(await limited.invoke("getGroup", { name: "authentik Admins" })).toMatchObject({ isSuperuser: true });
        });

        test("an address that redirects, or serves something else, says so", async () => {
            proxy.fault = () => ({
                instead: {
                    status: 301,
                    headers: { location: "https://authentik.example.com/api/v3/core/groups/?session=canary" },
                },
            });
            const fresh = await driver(proxy.url, backend.token);
            const failure = (await fresh.create("group", { name: "x" }).catch((error: unknown) => error)) as Error;
            expect(failure.message).toMatch(
                /redirects GET \/api\/v3\/core\/groups\/ to https:\/\/authentik\.example\.com\/api\/v3\/core\/groups\/\. Set authentik:url/,
            );
            proxy.fault = () => ({ instead: { status: 200, type: "text/html", body: "<html>portal</html>" } });
            await expect((await driver(proxy.url, backend.token)).invoke("getGroup", { name: "x" })).rejects.toThrow(
                /something else than Authentik's API.*authentik:url right/,
            );
        });
    });

    describe("look-ups", () => {
        test("find what a login needs", async () => {
            const flow = await authentik.invoke("getFlow", { slug: "default-provider-authorization-implicit-consent" });
            expect(flow).toMatchObject({
                slug: "default-provider-authorization-implicit-consent",
                designation: "authorization",
                id: expect.stringMatching(/^[0-9a-f-]{36}$/),
            });
            const scope = await authentik.invoke("getPropertyMappingProviderScope", {
                managed: "goauthentik.io/providers/oauth2/scope-profile",
            });
            expect(scope).toMatchObject({ scopeName: "profile", expression: expect.stringContaining("groups") });
            const several = await authentik.invoke("getPropertyMappingProviderScope", {
                managedLists: [
                    "goauthentik.io/providers/oauth2/scope-profile",
                    "goauthentik.io/providers/oauth2/scope-openid",
                ],
            });
            expect(several.id).toBe("-1");
            expect((several.ids as string[])[0]).toBe(scope.id);
            expect(several.ids).toHaveLength(2);
            const certificate = await authentik.invoke("getCertificateKeyPair", {
                name: "authentik Self-signed Certificate",
                fetchKey: false,
                fetchCertificate: false,
            });
            expect(certificate).toMatchObject({
                keyData: "",
                certificateData: "",
                fingerprint256: expect.stringMatching(/^[0-9a-f:]{64,}$/i),
            });
            expect(await authentik.invoke("getGroup", { name: "authentik Admins", includeUsers: false })).toMatchObject(
                { name: "authentik Admins", isSuperuser: true },
            );
        });

        test("find a stage of any kind", async () => {
            const stages = (await api(backend, "GET", "/stages/password/?name=default-authentication-password")).body
                .results;
            expect(await authentik.invoke("getStage", { name: "default-authentication-password" })).toEqual({
                name: "default-authentication-password",
                id: stages[0].pk,
            });
            await expect(authentik.invoke("getStage", { name: "no-such-stage" })).rejects.toThrow(
                /shows no stage with name no-such-stage/,
            );
        });

        const noKeys = backendName.includes("real") ? undefined : "the stand-in for Authentik shows no private keys";
        (noKeys ? test.skip : test)(skippable("fetch a certificate and its key", noKeys), async () => {
            const certificate = await authentik.invoke("getCertificateKeyPair", {
                name: "authentik Self-signed Certificate",
            });
            expect(certificate).toMatchObject({
                keyData: expect.stringContaining("PRIVATE KEY"),
                certificateData: expect.stringContaining("BEGIN CERTIFICATE"),
            });
            expect(
                authentik.provider.functions!["authentik:index/getCertificateKeyPair:getCertificateKeyPair"]!
                    .secretProperties,
            ).toEqual(["keyData"]);
        });

        test("give a group's members and a user by name and number", async () => {
            const group = await authentik.create("group", { name: uniqueName("group") });
            const username = uniqueName("user");
            const user = await authentik.create("user", {
                username,
                name: "U",
                groups: [group.id],
                email: "u@example.com",
            });
            expect(await authentik.invoke("getGroup", { pk: group.id })).toMatchObject({
                users: [Number(user.id)],
                usersObjs: [{ username, email: "u@example.com", pk: Number(user.id) }],
            });
            const byName = await authentik.invoke("getUser", { username });
            expect(byName).toMatchObject({ id: user.id, pk: Number(user.id), groups: [group.id], isActive: true });
            expect(await authentik.invoke("getUser", { pk: user.id })).toEqual(byName);
        });

        test("that miss a scope mapping name it", async () => {
            await expect(
                authentik.invoke("getPropertyMappingProviderScope", {
                    managedLists: [
                        "goauthentik.io/providers/oauth2/scope-openid",
                        "goauthentik.io/providers/oauth2/scope-nonsense",
                    ],
                }),
            ).rejects.toThrow(/no scope mapping with managed goauthentik.io\/providers\/oauth2\/scope-nonsense/);
        });
    });

    test("a preview asks Authentik nothing and writes nothing", async () => {
        const state = await authentik.preview("providerOauth2", oauth2("preview", { signingKey: UNKNOWN }));
        expect(proxy.requests).toEqual([]);
        expect(state.properties).toMatchObject({
            name: "preview",
            providerOauth2Id: UNKNOWN,
            clientSecret: UNKNOWN,
            signingKey: UNKNOWN,
            subMode: "hashed_user_id",
        });
        expect((await authentik.preview("application", { slug: "x" })).properties).toMatchObject({
            uuid: UNKNOWN,
            applicationId: UNKNOWN,
        });
    });
});
