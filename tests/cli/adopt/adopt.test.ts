/** npm run adopt on objects made by hand, in the real Authentik or the stand-in. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { stringify } from "yaml";
import { found } from "../../../cli/adopt/find";
import { addressOf, importFile } from "../../../cli/adopt/importFile";
import type { Blueprint } from "../../../clients/authentik/blueprints";
import { Client } from "../../../clients/authentik/client";
import { connectionFrom } from "../../../clients/authentik/connection";
import { owningBlueprints, unknownBlueprints } from "../../../components/owningBlueprints";
import { authentikTypes } from "../../../components/typeTokens";
import { resources } from "../../../providers/authentik/package";
import { startAuthentikStandIn } from "../../../testbed/authentik/server";
import { api, type Backend, backendName, startBackend, uniqueName } from "../../providers/authentik/backend";
import { siteSettings } from "../../support/settings";

const root = path.resolve(__dirname, "../../..");
const { compiled } = require("../../../build/compile.cjs") as { compiled: (source: string) => string };
const program = compiled("cli/adopt.ts");

const OBJECTS = ["hardenedRegistry", "registryIdentity", "provider", "application", "group", "user"] as const;
const addresses = (project: string, stack: string) =>
    Object.fromEntries(
        [...OBJECTS, "adminsBinding" as const, "workloadsBinding" as const].map((key) => [
            key,
            addressOf(key, project, stack),
        ]),
    ) as Record<(typeof OBJECTS)[number] | "adminsBinding" | "workloadsBinding", string>;
const URNS = addresses("zot-hardening", "prod");

describe("the file for pulumi import", () => {
    test("addresses are those of the program", () => {
        expect(URNS).toMatchObject({
            registryIdentity:
                "urn:pulumi:prod::zot-hardening::zot-hardening:index:HardenedRegistry$zot-hardening:index:RegistryIdentity::registry",
            provider:
                "urn:pulumi:prod::zot-hardening::zot-hardening:index:HardenedRegistry$zot-hardening:index:RegistryIdentity$authentik:index/providerOauth2:ProviderOauth2::registry",
            adminsBinding:
                "urn:pulumi:prod::zot-hardening::zot-hardening:index:HardenedRegistry$zot-hardening:index:RegistryIdentity$authentik:index/policyBinding:PolicyBinding::registry-admins",
        });
        expect(addresses("zot-hardening", "organization/zot-hardening/prod")).toEqual(URNS);
    });

    test("what belongs to a further identity of CI has its name", () => {
        const ending = (object: Parameters<typeof addressOf>[0]) =>
            addressOf(object, "zot-hardening", "prod").split("$").at(-1);
        expect(ending("group-charts")).toBe("authentik:index/group:Group::registry-charts");
        expect(ending("user-charts-x")).toBe("authentik:index/user:User::registry-charts-x");
        expect(ending("workloadsBinding-charts")).toBe(
            "authentik:index/policyBinding:PolicyBinding::registry-workloads-charts",
        );
        const { resources } = importFile(
            { "user-charts": "8", group: "g", "group-charts": "gc" },
            new Set([URNS.hardenedRegistry, URNS.registryIdentity]),
            "zot-hardening",
            "prod",
        );
        expect(resources.map(({ name, logicalName, id }) => [name, logicalName, id])).toEqual([
            ["group", "registry", "g"],
            ["group-charts", "registry-charts", "gc"],
            ["user-charts", "registry-charts", "8"],
        ]);
    });

    test("the types are those of the provider", () => {
        const tokens = resources.map(({ token }) => token);
        for (const type of Object.values(authentikTypes)) expect(tokens).toContain(type);
    });

    test("components first; of those in the state the name is enough", () => {
        const { resources, nameTable } = importFile({ provider: "7" }, new Set(), "zot-hardening", "prod");
        expect(nameTable).toEqual({});
        expect(resources).toEqual([
            {
                type: "zot-hardening:index:HardenedRegistry",
                name: "hardenedRegistry",
                logicalName: "registry",
                component: true,
            },
            {
                type: "zot-hardening:index:RegistryIdentity",
                name: "registryIdentity",
                logicalName: "registry",
                parent: "hardenedRegistry",
                component: true,
            },
            {
                type: "authentik:index/providerOauth2:ProviderOauth2",
                name: "provider",
                logicalName: "registry",
                parent: "registryIdentity",
                id: "7",
                version: expect.stringMatching(/^\d{4}\./) as string,
            },
        ]);
        const again = importFile(
            { provider: "7", group: "g" },
            new Set([URNS.hardenedRegistry, URNS.registryIdentity, URNS.provider]),
            "zot-hardening",
            "prod",
        );
        expect(again.nameTable).toEqual({
            hardenedRegistry: URNS.hardenedRegistry,
            registryIdentity: URNS.registryIdentity,
        });
        expect(again.resources.map(({ name }) => name)).toEqual(["group"]);
    });

    test("nothing to take over, nothing to make", () => {
        expect(importFile({ provider: "7" }, new Set([URNS.provider]), "zot-hardening", "prod").resources).toEqual([]);
    });
});

describe("bindings that end, as Authentik 2026.8 makes them for a granted request", () => {
    test("are named and left alone; members log in by one that stays", async () => {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "adopt-end-"));
        const stateFile = path.join(folder, "authentik.json");
        const token = "a".repeat(32);
        let standIn = await startAuthentikStandIn({ token, stateFile, version: "2026.8.3" });
        try {
            const { settings } = siteSettings();
            const post = async (resource: string, body: object) =>
                (await api({ url: standIn.url, token }, "POST", resource, body)).body as { pk: string };
            const admins = await post("/core/groups/", { name: settings.identity.adminsGroup });
            const { slug, clientId } = {
                slug: settings.identity.applicationSlug,
                clientId: settings.identity.clientId,
            };
            const client = () =>
                new Client(() => connectionFrom({}, { AUTHENTIK_URL: standIn.url, AUTHENTIK_TOKEN: token }));
            const application = await post("/core/applications/", { name: clientId, slug });
            const ending = await post("/policies/bindings/", { target: application.pk, group: admins.pk, order: 0 });
            await standIn.close();
            const text = fs.readFileSync(stateFile, "utf8");
            const state = JSON.parse(text, (_, value: { pk?: string } | null) =>
                value?.pk === ending.pk ? { ...value, expires: "2026-12-24T12:00:00Z" } : value,
            ) as object;
            fs.writeFileSync(stateFile, JSON.stringify(state));

            standIn = await startAuthentikStandIn({ token, stateFile, version: "2026.8.3" });
            const read = (await api({ url: standIn.url, token }, "GET", `/policies/bindings/${ending.pk}/`)).body;
            expect(read).toMatchObject({ expires: "2026-12-24T12:00:00Z", expiring: true });
            const alone = await found(client(), settings);
            expect(alone.missing.map(({ object }) => object)).toContain("adminsBinding");
            expect(alone.warnings.join("\n")).toMatch(
                /bound to the group admins too \(binding \S+, order 0, which ends on 2026-12-24T12:00:00\.000Z\)\./,
            );
            expect(alone.warnings.join("\n")).toMatch(/has the order 0, which the program gives to one of its own/);

            const staying = await post("/policies/bindings/", { target: application.pk, group: admins.pk, order: 5 });
            const both = await found(client(), settings);
            expect(both.findings.find(({ object }) => object === "adminsBinding")?.id).toBe(staying.pk);
        } finally {
            await standIn.close();
            fs.rmSync(folder, { recursive: true, force: true });
        }
    });
});

describe("blueprints", () => {
    const { settings } = siteSettings();
    const blueprint = (changes: Partial<Blueprint>): Blueprint => ({
        name: "site",
        path: "",
        content: "",
        enabled: true,
        ...changes,
    });
    const entry =
        "entries:\n  - model: authentik_providers_oauth2.oauth2provider\n    identifiers:\n      client_id: zot\n";

    test("one that names an object owns it, unless it is disabled", () => {
        expect(owningBlueprints([blueprint({ content: entry })], settings)).toEqual([
            expect.stringContaining("The blueprint site is enabled and names client_id zot"),
        ]);
        expect(owningBlueprints([blueprint({ content: '{"identifiers": {"slug": "zot"}}' })], settings)).toHaveLength(
            1,
        );
        expect(
            owningBlueprints(
                [
                    blueprint({ content: entry, enabled: false }),
                    blueprint({ content: entry.replace("zot", "zot-other") }),
                ],
                settings,
            ),
        ).toEqual([]);
    });

    test("one that is told its names by its context", () => {
        const content = entry.replace("zot", "!Context client");
        expect(owningBlueprints([blueprint({ content, context: { client: "zot" } })], settings)).toHaveLength(1);
        expect(owningBlueprints([blueprint({ content, context: { client: "other" } })], settings)).toEqual([]);
    });

    test("one from a file of the site's own has to be looked at, and Authentik's own need not", () => {
        expect(
            unknownBlueprints([blueprint({ path: "custom/zot.yaml" }), blueprint({ path: "default/flow-oobe.yaml" })]),
        ).toEqual([expect.stringContaining("comes from custom/zot.yaml")]);
    });
});

describe(`on ${backendName}`, () => {
    let backend: Backend;
    let folder: string;
    const names = {
        slug: uniqueName("zot"),
        clientId: uniqueName("zot"),
        group: uniqueName("workloads"),
        admins: uniqueName("admins"),
        user: uniqueName("ci"),
    };
    const made: string[] = [];

    const make = async (resource: string, body: object, itemOf = (pk: string) => `${resource}${pk}/`) => {
        const answer = await api(backend, "POST", resource, body);
        if (answer.status !== 201) throw new Error(`POST ${resource} ${answer.status}: ${JSON.stringify(answer.body)}`);
        made.push(itemOf(String(answer.body.pk)));
        return answer.body as { pk: string };
    };
    const flow = async (slug: string) =>
        (await api(backend, "GET", `/flows/instances/?slug=${slug}`)).body.results[0].pk as string;

    function adopt(
        args: string[],
        env: Record<string, string> = {},
    ): Promise<{ status: number | null; stdout: string; stderr: string }> {
        return new Promise((resolve, reject) => {
            const child = spawn(process.execPath, [program, "--stack", "site", ...args], {
                cwd: folder,
                env: { PATH: `${folder}/bin:/usr/bin:/bin`, AUTHENTIK_TOKEN: backend.token, ...env },
                timeout: 60_000,
            });
            let [stdout, stderr] = ["", ""];
            child.stdout.on("data", (data) => (stdout += String(data)));
            child.stderr.on("data", (data) => (stderr += String(data)));
            child.on("error", reject);
            child.on("close", (status) => resolve({ status, stdout, stderr }));
        });
    }

    jest.setTimeout(120_000);
    beforeAll(async () => {
        backend = await startBackend();
        folder = fs.mkdtempSync(path.join(os.tmpdir(), "adopt-test-"));
        fs.mkdirSync(path.join(folder, "bin"));
        fs.copyFileSync(path.join(root, "Pulumi.yaml"), path.join(folder, "Pulumi.yaml"));
        const config = {
            "authentik:url": backend.url,
            "zot-hardening:registry": { url: "https://registry.example.org" },
            "zot-hardening:zot": {
                binary: "/usr/local/bin/zot",
                configFile: "/etc/zot/config.json",
                rootDirectory: "/var/lib/zot",
            },
            "zot-hardening:identity": {
                issuer: `${backend.url}/application/o/${names.slug}/`,
                applicationSlug: names.slug,
                clientId: names.clientId,
                providerName: names.clientId,
                workloadsGroup: names.group,
                adminsGroup: names.admins,
                ciUser: names.user,
            },
            "zot-hardening:host": { user: "zot" },
        };
        fs.writeFileSync(path.join(folder, "Pulumi.site.yaml"), stringify({ config }));
    });
    afterAll(async () => {
        for (const item of made.reverse()) await api(backend, "DELETE", item);
        await backend.stop();
        fs.rmSync(folder, { recursive: true, force: true });
    });

    test("where nothing is, pulumi up makes it all", async () => {
        const { status, stdout, stderr } = await adopt(["--no-state"]);
        expect([status, stderr]).toEqual([0, ""]);
        expect(stdout.match(/made by pulumi up/g)).toHaveLength(6);
        expect(stdout).toContain(`There is no group ${names.admins}. The program looks it up and never creates it`);
        expect(stdout).toContain("There is nothing to take over.");
        expect(fs.existsSync(path.join(folder, "adopt.json"))).toBe(false);
    });

    test("what was made by hand is found by its natural key, with what to look at", async () => {
        const admins = await make("/core/groups/", { name: names.admins });
        const group = await make("/core/groups/", { name: names.group });
        const user = await make("/core/users/", {
            username: names.user,
            name: "CI",
            type: "internal",
            path: "users",
            groups: [group.pk, admins.pk],
        });
        const provider = await make("/providers/oauth2/", {
            name: uniqueName("old-zot"),
            client_id: names.clientId,
            client_type: "confidential",
            authorization_flow: await flow("default-provider-authorization-implicit-consent"),
            invalidation_flow: await flow("default-provider-invalidation-flow"),
            redirect_uris: [{ matching_mode: "strict", url: "https://registry.example.org/old" }],
        });
        const application = await make(
            "/core/applications/",
            { name: "Old zot", slug: names.slug, provider: provider.pk, policy_engine_mode: "any" },
            () => `/core/applications/${names.slug}/`,
        );
        const binding = await make("/policies/bindings/", { target: application.pk, group: admins.pk, order: 5 });
        const stranger = await make("/policies/bindings/", { target: application.pk, user: user.pk, order: 1 });

        const { status, stdout, stderr } = await adopt(["--no-state"]);
        expect([status, stderr]).toEqual([0, ""]);
        expect(stdout).toContain(`The user ${names.user} is of type internal`);
        expect(stdout).toContain(`The user ${names.user} is also a member of ${names.admins}`);
        expect(stdout).toContain(
            `The application is bound to the user ${names.user} too (binding ${stranger.pk}, order 1)`,
        );
        expect(stdout).toContain(
            "The provider also redirects to https://registry.example.org/old: pulumi up removes that",
        );
        expect(stdout).not.toContain("scope mappings");
        expect(stdout).toContain("pulumi import --file adopt.json --stack site");
        expect(stdout + stderr).not.toContain(backend.token);
        const file = JSON.parse(fs.readFileSync(path.join(folder, "adopt.json"), "utf8")) as {
            resources: { name: string; id?: string }[];
        };
        expect(Object.fromEntries(file.resources.map(({ name, id }) => [name, id]))).toEqual({
            hardenedRegistry: undefined,
            registryIdentity: undefined,
            provider: String(provider.pk),
            application: names.slug,
            group: group.pk,
            user: String(user.pk),
            adminsBinding: binding.pk,
        });
    });

    test("what is in the state is left out; Pulumi does not get the token", async () => {
        fs.rmSync(path.join(folder, "adopt.json"), { force: true });
        const urns = addresses("zot-hardening", "site");
        const state = {
            deployment: {
                resources: [
                    urns.hardenedRegistry,
                    urns.registryIdentity,
                    urns.provider,
                    urns.application,
                    urns.group,
                    urns.user,
                    urns.adminsBinding,
                ].map((urn) => ({ urn })),
            },
        };
        fs.writeFileSync(
            path.join(folder, "bin/pulumi"),
            `#!/bin/sh\n[ -z "$AUTHENTIK_TOKEN" ] || exit 9\ncat <<'JSON'\n${JSON.stringify(state)}\nJSON\n`,
            { mode: 0o755 },
        );
        const { status, stdout } = await adopt(["--json"]);
        expect(status).toBe(0);
        const answer = JSON.parse(stdout) as { managed: string[]; file: { resources: unknown[] } };
        expect(answer.managed).toEqual(["provider", "application", "group", "user", "adminsBinding"]);
        expect(answer.file.resources).toEqual([]);
    });

    test("what is missing is named, with what to do", async () => {
        fs.writeFileSync(path.join(folder, "bin/pulumi"), "#!/bin/sh\nexit 255\n", { mode: 0o755 });
        expect((await adopt(["--no-state"], { AUTHENTIK_TOKEN: "" })).stderr).toMatch(
            /^There is no token for Authentik: AUTHENTIK_TOKEN is not set, and none can be read from the stack site/,
        );
        // That of the stack does.
        fs.writeFileSync(
            path.join(folder, "bin/pulumi"),
            `#!/bin/sh\n[ "$*" = "config get authentik:token --stack site --non-interactive" ] || exit 9\necho '${backend.token}'\n`,
            { mode: 0o755 },
        );
        expect(await adopt(["--no-state", "--dry-run"], { AUTHENTIK_TOKEN: "" })).toMatchObject({ status: 0 });
        expect(await adopt(["--no-state"], { AUTHENTIK_TOKEN: "wrong-canary" })).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(/refused the API token/) as string,
        });
        fs.rmSync(path.join(folder, "bin/pulumi"), { force: true });
        expect(await adopt([])).toMatchObject({
            status: 1,
            stderr: expect.stringContaining("The Pulumi CLI is not on the PATH") as string,
        });
    });
});
