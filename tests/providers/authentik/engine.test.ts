/** Programs with resources of the package authentik under Pulumi's real engine, from the first `up` to `destroy`. */

import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { findToolchain, skippable } from "../../../testbed/bootstrap/toolchain.cjs";
import { api, type Backend, backendName, startBackend, uniqueName } from "./backend";
import { type TestStack, testStack, whyNoEngine } from "./engine";
import { canaries, registryProgram, sdk } from "./registryProgram";

jest.setTimeout(300_000);

const reason = whyNoEngine();
const describeWithEngine = reason ? describe.skip : describe;

describeWithEngine(`under Pulumi's engine${reason ? ` (skipped: ${reason})` : `, on ${backendName}`}`, () => {
    let backend: Backend;
    let stacks: TestStack[] = [];
    const stackWith = async (
        program: () => Promise<Record<string, unknown>>,
        environment: Record<string, string> = {},
    ) => {
        const stack = await testStack(program, {
            AUTHENTIK_URL: backend.url,
            AUTHENTIK_TOKEN: backend.token,
            ...environment,
        });
        stacks.push(stack);
        return stack;
    };
    beforeAll(async () => {
        backend = await startBackend();
    });
    afterEach(async () => {
        for (const stack of stacks) await stack.remove();
        stacks = [];
    });
    afterAll(async () => backend?.stop());

    test("up, up again, refresh, a change by hand, destroy", async () => {
        const name = uniqueName("registry");
        const { stack, stateText } = await stackWith(registryProgram(name));

        const output: string[] = [];
        const preview = await stack.preview({ onOutput: (text) => output.push(text), diff: true });
        expect(preview.changeSummary).toEqual({ create: 6 });
        expect((await api(backend, "GET", `/core/groups/?name=${name}-workloads`)).body.results).toEqual([]);

        const up = await stack.up({ onOutput: (text) => output.push(text) });
        expect(up.summary.resourceChanges).toEqual({ create: 6 });
        expect(up.outputs.clientSecret).toEqual({ value: canaries.secret, secret: true });
        const id = (output: string) => up.outputs[output]!.value as string;
        expect((await api(backend, "GET", `/core/applications/${name}/`)).body.provider).toBe(Number(id("provider")));

        expect((await stack.up()).summary.resourceChanges).toEqual({ same: 6 });
        await stack.refresh({ expectNoChanges: true });
        await stack.preview({ expectNoChanges: true });

        // Someone widens the redirect, renames the group and takes the account out of it.
        await api(backend, "PATCH", `/providers/oauth2/${id("provider")}/`, {
            redirect_uris: [{ matching_mode: "regex", url: ".*" }],
        });
        await api(backend, "PATCH", `/core/groups/${id("group")}/`, { name: `${name}-hand`, users: [] });
        await api(backend, "PATCH", `/core/applications/${name}/`, { meta_description: "by hand" });
        const refreshed = await stack.refresh();
        expect(refreshed.summary.resourceChanges).toEqual({ same: 2, update: 4 });
        const mended = await stack.up({ onOutput: (text) => output.push(text), diff: true });
        expect(mended.summary.resourceChanges).toEqual({ same: 2, update: 4 });
        expect((await api(backend, "GET", `/core/groups/${id("group")}/`)).body).toMatchObject({
            name: `${name}-workloads`,
            users: [Number(id("user"))],
        });
        expect((await api(backend, "GET", `/providers/oauth2/${id("provider")}/`)).body.redirect_uris).toMatchObject([
            { matching_mode: "strict" },
        ]);
        expect((await api(backend, "GET", `/core/applications/${name}/`)).body.meta_description).toBe("");
        await stack.refresh({ expectNoChanges: true });

        for (const text of [stateText(), output.join("")]) {
            for (const secret of [canaries.secret, canaries.password, backend.token])
                expect(text).not.toContain(secret);
        }

        // Someone deletes one: it is made again, and what hangs on it follows.
        await api(backend, "DELETE", `/policies/bindings/${id("binding")}/`);
        await stack.refresh();
        expect((await stack.up()).summary.resourceChanges).toEqual({ create: 1, same: 5 });

        await stack.destroy({ onOutput: (text) => output.push(text) });
        for (const path of [
            `/core/groups/${id("group")}/`,
            `/core/users/${id("user")}/`,
            `/providers/oauth2/${id("provider")}/`,
            `/core/applications/${name}/`,
        ]) {
            expect((await api(backend, "GET", path)).status).toBe(404);
        }
    });

    test("a change is made in place, and its preview knows what does not change", async () => {
        const name = uniqueName("registry");
        const { stack } = await stackWith(registryProgram(name));
        const before = await stack.up();
        const renamed = async () => ({
            ...(await registryProgram(name)()),
            late: new (sdk().Group)("late", { name: `${name}-late`, attributes: "{}" }).id,
        });
        stack.workspace.program = renamed;
        const preview = await stack.preview();
        expect(preview.changeSummary).toEqual({ create: 1, same: 6 });
        const after = await stack.up();
        expect(after.outputs.binding).toEqual(before.outputs.binding);
    });

    // `pulumi import` by the CLI starts the language host; `import:` as an option below does not.
    const noHost = findToolchain().toolchain?.pulumi.languageHost
        ? undefined
        : "the Pulumi CLI has no language host for Node here";
    (noHost ? test.skip : test)(
        skippable("an import keeps the client secret secret, and leaves nothing to change", noHost),
        async () => {
            const name = uniqueName("imported");
            const flow = async (slug: string) =>
                (await api(backend, "GET", `/flows/instances/?slug=${slug}`)).body.results[0].pk as string;
            const flows = {
                authorization_flow: await flow("default-provider-authorization-implicit-consent"),
                invalidation_flow: await flow("default-provider-invalidation-flow"),
            };
            const made = await api(backend, "POST", "/providers/oauth2/", {
                name,
                client_id: name,
                client_secret: canaries.secret,
                ...flows,
                redirect_uris: [{ matching_mode: "strict", url: "https://a.example.com/cb" }],
                sub_mode: "user_username",
                access_token_validity: "minutes=10",
            });
            expect(made.status).toBe(201);
            const id = String(made.body.pk);

            const { stack, stateText, folder, environment } = await stackWith(() => Promise.resolve({}));
            await stack.up();
            const run = promisify(execFile);
            const { stdout, stderr } = await run(
                "pulumi",
                [
                    "import",
                    "authentik:index/providerOauth2:ProviderOauth2",
                    "adopted",
                    id,
                    "--stack",
                    "test",
                    "--yes",
                    "--skip-preview",
                    "--protect=false",
                    "--generate-code=false",
                    "--non-interactive",
                ],
                {
                    cwd: folder,
                    env: { ...process.env, ...environment },
                },
            );
            expect(stdout + stderr).not.toContain(canaries.secret);
            expect(stateText()).not.toContain(canaries.secret);

            stack.workspace.program = async () => {
                const provider = new (sdk().ProviderOauth2)("adopted", {
                    name,
                    clientId: name,
                    authorizationFlow: flows.authorization_flow,
                    invalidationFlow: flows.invalidation_flow,
                    allowedRedirectUris: [{ matching_mode: "strict", url: "https://a.example.com/cb" }],
                    subMode: "user_username",
                });
                return { clientSecret: provider.clientSecret };
            };
            const up = await stack.up();
            expect(up.summary.resourceChanges).toEqual({ same: 2 });
            expect(up.outputs.clientSecret).toEqual({ value: canaries.secret, secret: true });
            await stack.refresh({ expectNoChanges: true });
            expect(stateText()).not.toContain(canaries.secret);
        },
    );

    test("the import option of a resource adopts it, and a look-up by get reads it", async () => {
        const name = uniqueName("adopted");
        const made = await api(backend, "POST", "/core/groups/", { name, attributes: { owner: "hand" } });
        const { stack } = await stackWith(async () => {
            const { Group } = sdk();
            const group = new Group(
                "adopted",
                { name, attributes: '{"owner":"hand"}' },
                { import: made.body.pk as string },
            );
            const seen = Group.get("seen", group.id);
            return { id: group.id, seen: seen.name, isGroup: Group.isInstance(group) };
        });
        const up = await stack.up();
        expect(up.outputs).toMatchObject({
            id: { value: made.body.pk },
            seen: { value: name },
            isGroup: { value: true },
        });
        expect((await stack.up()).summary.resourceChanges).toMatchObject({ same: 2 });
    });

    test("configuration of the stack is enough, and an explicit provider too; the token is nowhere in clear", async () => {
        const name = uniqueName("configured");
        const { stack, stateText, folder } = await stackWith(
            async () => {
                const { Group, Provider, config } = sdk();
                const token = new pulumi.Config("authentik").requireSecret("token");
                const explicit = new Provider("explicit", {
                    url: config.url!,
                    token,
                    headers: { "X-Test": "canary-header" },
                });
                const one = new Group("one", { name: `${name}-one` });
                const two = new Group("two", { name: `${name}-two` }, { provider: explicit });
                return { names: pulumi.all([one.name, two.name]) };
            },
            { AUTHENTIK_URL: "", AUTHENTIK_TOKEN: "" },
        );
        await stack.setConfig("authentik:url", { value: backend.url });
        await stack.setConfig("authentik:token", { value: backend.token, secret: true });
        const up = await stack.up();
        expect(up.outputs.names?.value).toEqual([`${name}-one`, `${name}-two`]);
        await stack.refresh({ expectNoChanges: true });
        expect(stateText()).not.toContain(backend.token);
        expect(stateText()).not.toContain("canary-header");
        expect(fs.readFileSync(path.join(folder, "Pulumi.test.yaml"), "utf8")).not.toContain(backend.token);
    });

    test("a token that took another's place is used at once: by preview, update and what comes after", async () => {
        const name = uniqueName("rotated");
        const identifiers: string[] = [];
        const token = async () => {
            identifiers.push(uniqueName("token"));
            const me = await api(backend, "GET", "/core/users/me/");
            await api(backend, "POST", "/core/tokens/", {
                identifier: identifiers.at(-1),
                intent: "api",
                user: me.body.user.pk as number,
                expiring: false,
            });
            return (await api(backend, "GET", `/core/tokens/${identifiers.at(-1)}/view_key/`)).body.key as string;
        };
        const revoke = (identifier: string) => api(backend, "DELETE", `/core/tokens/${identifier}/`);
        let text = "one";
        const { stack } = await stackWith(
            async () => {
                const { Group, getFlowOutput } = sdk();
                return {
                    flow: getFlowOutput({ slug: "default-provider-invalidation-flow" }).id,
                    id: new Group("group", { name, attributes: JSON.stringify({ text }) }).id,
                };
            },
            { AUTHENTIK_TOKEN: "" },
        );
        try {
            await stack.setConfig("authentik:token", { value: await token(), secret: true });
            await stack.up();
            await stack.setConfig("authentik:token", { value: await token(), secret: true });
            await revoke(identifiers[0]!);
            // A refresh and a destroy do not run the program; they go by the token of the last update, and say so.
            await expect(stack.refresh()).rejects.toThrow(/refused the API token.*pulumi up, without --refresh/);
            expect((await stack.preview()).changeSummary).toMatchObject({ same: 2 });
            text = "two";
            expect((await stack.up()).summary.resourceChanges).toEqual({ same: 1, update: 1 });
            expect((await stack.up({ refresh: true })).summary.resourceChanges).toEqual({ same: 2 });
        } finally {
            await stack.destroy();
            for (const identifier of identifiers) await revoke(identifier);
        }
    });

    test("without address and token the preview of a group works, and the update says what to set", async () => {
        const { stack } = await stackWith(async () => ({ id: new (sdk().Group)("lonely", {}).id }), {
            AUTHENTIK_URL: "",
            AUTHENTIK_TOKEN: "",
        });
        expect((await stack.preview()).changeSummary).toEqual({ create: 2 });
        const failure = await stack.up().catch((error: Error) => error.message);
        expect(failure).toMatch(/Authentik's address is not set\. Set it with: pulumi config set authentik:url/);
        expect(failure).toMatch(/pulumi config set --secret authentik:token/);
    });

    test("mistakes are told by the property's name, in one sentence, at preview", async () => {
        const { stack } = await stackWith(async () => {
            new (sdk().User)("wrong", {
                username: "u",
                attributes: "not json",
                type: "robot",
                password: ["canary-wrong-type"] as never,
            });
            return {};
        });
        const failure = (await stack.preview().catch((error: Error) => error.message)) as string;
        expect(failure).toMatch(/attributes must be a JSON object as text/);
        expect(failure).toMatch(
            /type must be one of internal, external, service_account, internal_service_account, not "robot"/,
        );
        expect(failure).toMatch(/password must be text/);
        expect(failure).not.toContain("canary-wrong-type");
        expect(failure).not.toMatch(/at .*\.ts:\d+/);
    });

    test("a state of the bridged provider goes on: first without its plugin, by an up, then with a refresh", async () => {
        const name = uniqueName("bridged");
        let attributes = "{}";
        const program = async () => {
            const group = new (sdk().Group)("group", { name, attributes });
            return { id: group.groupId };
        };
        const { stack } = await stackWith(program);
        const { outputs } = await stack.up();
        // As the engine keeps a provider that Pulumi's bridge made of a parameter (CLI 3.259).
        const state = await stack.exportStack();
        const resources = (
            state.deployment as {
                resources: { type: string; inputs: Record<string, unknown>; outputs: Record<string, unknown> }[];
            }
        ).resources;
        for (const { inputs, outputs: known } of resources.filter(
            ({ type }) => type === "pulumi:providers:authentik",
        )) {
            const note = {
                name: "terraform-provider",
                version: "1.3.0",
                parameterization: Buffer.from(
                    '{"remote":{"url":"goauthentik/authentik","version":"2026.5.0"}}',
                ).toString("base64"),
            };
            Object.assign(inputs, { __internal: note });
            Object.assign(known, { __internal: note });
        }
        await stack.importStack(state);
        attributes = '{"mended":true}';
        const changes = async (options = {}) => (await stack.up(options)).summary.resourceChanges;
        expect(await changes()).toEqual({ same: 1, update: 1 });
        expect(await changes({ refresh: true })).toEqual({ same: 2 });
        const id = outputs.id!.value as string;
        expect((await api(backend, "GET", `/core/groups/${id}/`)).body.attributes).toEqual({ mended: true });
    });
});
