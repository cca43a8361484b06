/** What the components pass to their resources, recorded by Pulumi's mocks. */
import * as pulumi from "@pulumi/pulumi";
import { HardenedRegistry } from "../../components/hardenedRegistry";
import { type Recorded, recordResources, settled } from "../support/recordedProgram";
import { PRIVATE_KEY_CANARY, siteSettings } from "../support/settings";

const FOUND = {
    authorizationFlow: "flow-authorize",
    invalidationFlow: "flow-invalidate",
    signingKey: "certificate",
    scopeMappings: ["openid", "email", "profile"],
    adminsGroup: "group-admins",
};

let recorded: Recorded[];

async function declare(
    changes: Record<string, Record<string, unknown>> = {},
    found: Record<string, unknown> = {},
): Promise<HardenedRegistry> {
    recorded = recordResources({
        outputs: {
            "random:index/randomPassword:RandomPassword": { result: "canary-generated-secret-".padEnd(64, "x") },
            "authentik:index/application:Application": { uuid: "application-uuid" },
            "authentik:index/providerOauth2:ProviderOauth2": {},
        },
    });
    const registry = new HardenedRegistry("registry", {
        settings: siteSettings(changes).settings,
        found: { ...FOUND, ...found },
    });
    await pulumi.runtime.disconnect();
    return registry;
}

const only = (type: string) => {
    const found = recorded.filter((resource) => resource.type === type);
    expect(found).toHaveLength(1);
    return found[0]!.inputs;
};

test(
    "the provider is what zot logs in with: " + "confidential, one strict redirect, signed, with groups in the token",
    async () => {
        await declare();
        expect(only("authentik:index/providerOauth2:ProviderOauth2")).toMatchObject({
            name: "Zot",
            clientId: "zot",
            clientType: "confidential",
            authorizationFlow: "flow-authorize",
            invalidationFlow: "flow-invalidate",
            allowedRedirectUris: [
                {
                    matching_mode: "strict",
                    url: "https://registry.example.org/zot/auth/callback/oidc",
                    redirect_uri_type: "authorization",
                },
            ],
            signingKey: "certificate",
            propertyMappings: ["openid", "email", "profile"],
            subMode: "hashed_user_id",
            includeClaimsInIdToken: true,
            issuerMode: "per_provider",
        });
    },
);

test("only admins and CI's group may use the application, admins first", async () => {
    await declare();
    expect(only("authentik:index/application:Application")).toMatchObject({
        name: "Zot Registry",
        slug: "zot",
        metaLaunchUrl: "https://registry.example.org",
        policyEngineMode: "any",
    });
    const bindings = recorded.filter((resource) => resource.type === "authentik:index/policyBinding:PolicyBinding");
    const passes = { enabled: true, negate: false, failureResult: false, timeout: 30 };
    expect(bindings.map(({ name, inputs }) => ({ name, ...inputs }))).toEqual([
        { name: "registry-admins", target: "application-uuid", group: "group-admins", order: 0, ...passes },
        { name: "registry-workloads", target: "application-uuid", group: "registry-id", order: 1, ...passes },
    ]);
});

test("CI is a service account in its group, and admins are never made", async () => {
    await declare();
    expect(only("authentik:index/group:Group")).toEqual({ name: "artifact-workloads", isSuperuser: false });
    expect(only("authentik:index/user:User")).toMatchObject({
        username: "zot-ci",
        type: "service_account",
        groups: ["registry-id"],
    });
});

test(
    "where an administrator keeps group and account, " + "neither is made and the binding names the one that was found",
    async () => {
        await declare({ identity: { manageWorkloads: false } }, { workloadGroups: { ci: "group-kept" } });
        expect(recorded.filter(({ type }) => /:(Group|User)$/.test(type))).toEqual([]);
        const bindings = recorded.filter(({ type }) => type.endsWith(":PolicyBinding"));
        expect(bindings.map(({ inputs }) => inputs.group)).toEqual(["group-admins", "group-kept"]);
    },
);

test("the look asks for the secret files that the config names, and for no others", async () => {
    const files = () =>
        (only("zot:index/hostObservation:HostObservation").secretFiles as string[]).map((file) => file.split(".")[0]);
    await declare();
    expect(files()).toEqual(["/etc/zot/oidc-credentials", "/etc/zot/session-keys"]);
    const sessionDriver = { name: "redis", url: "redis://cache.example.org:6379", keyprefix: "zotsession" };
    await declare({ zot: { extraConfig: { http: { auth: { sessionDriver } } } } });
    expect(files()).toEqual(["/etc/zot/oidc-credentials"]);
});

test("one command reaches the host: pinned, quiet, and with nothing secret in its text", async () => {
    await declare();
    const inputs = only("command:remote:Command");
    const { connection, stdin, ...rest } = inputs as { connection: { value?: unknown }; stdin: unknown } & Record<
        string,
        unknown
    >;
    expect(JSON.stringify(connection)).toContain("ssh-ed25519 AAAA");
    expect(rest).toMatchObject({ addPreviousOutputInEnv: false, logging: "none" });
    expect(rest.triggers).toBeUndefined();
    expect(JSON.stringify(rest)).not.toContain("canary");
    expect(JSON.stringify(rest)).not.toContain(PRIVATE_KEY_CANARY);
    const command = String(rest.create);
    expect(command).toMatch(/^exec \/bin\/sh -c '[^'\\!\n]*'$/);
    expect(rest.update).toBe(command);
    expect(String(rest.delete)).toContain("withdraw");
    expect(JSON.stringify(stdin)).toContain("canary-generated-secret");
});

test("the config that the stack shows is the one that is deployed, and names secret files by their hash", async () => {
    const registry = await declare();
    const config = (await settled(registry.zotConfig)) as { http: { auth: { sessionKeysFile: string } } };
    expect(config.http.auth.sessionKeysFile).toMatch(/^\/etc\/zot\/session-keys\.[0-9a-f]{64}\.json$/);
    const payload = JSON.stringify(only("command:remote:Command").stdin);
    expect(payload).toContain(JSON.stringify(JSON.stringify(config, null, 2)).slice(1, -1));
    expect(await settled(registry.zotConfigSha256)).toMatch(/^[0-9a-f]{64}$/);
});

describe("further identities of CI", () => {
    const workloads = {
        charts: { user: "zot-charts", group: "charts-ci", repositories: ["charts/**"], keyLifetime: "10d" },
        base: { user: "zot-base", group: "base-ci", repositories: ["base/**"], keyGeneration: 3 },
    };
    const inputsOf = (type: string) =>
        recorded.filter((resource) => resource.type === type).map(({ name, inputs }) => ({ name, ...inputs }));

    test("each has a group, an account, a binding and a key of its own, beside what the first one has", async () => {
        await declare({ ci: { workloads, keyGeneration: 1 } });
        const groups = recorded.filter(({ type }) => type === "authentik:index/group:Group");
        expect(groups.map(({ name, inputs }) => [name, inputs.name])).toEqual([
            ["registry", "artifact-workloads"],
            ["registry-charts", "charts-ci"],
            ["registry-base", "base-ci"],
        ]);
        expect(inputsOf("authentik:index/user:User")).toMatchObject([
            { groups: ["registry-id"] },
            { username: "zot-charts", type: "service_account", groups: ["registry-charts-id"] },
            { username: "zot-base", groups: ["registry-base-id"] },
        ]);
        const bindings = inputsOf("authentik:index/policyBinding:PolicyBinding");
        expect(bindings.map(({ name }) => name)).toEqual([
            "registry-admins",
            "registry-workloads",
            "registry-workloads-charts",
            "registry-workloads-base",
        ]);
        expect(new Set(bindings.map((binding) => (binding as { order?: number }).order)).size).toBe(4);
        expect(inputsOf("zot:index/apiKey:ApiKey")).toMatchObject([
            { name: "registry", user: "zot-ci", lifetime: "90d", generation: 1 },
            { name: "registry-charts", user: "zot-charts", lifetime: "10d", generation: 0, repository: "charts/probe" },
            { name: "registry-base", user: "zot-base", lifetime: "90d", generation: 3 },
        ]);
    });

    test("the order of a binding goes by its name, and stays when another identity comes or goes", async () => {
        const orderOf = (name: string) =>
            inputsOf("authentik:index/policyBinding:PolicyBinding").find((binding) => binding.name === name) as unknown;
        await declare({ ci: { workloads } });
        const before = orderOf("registry-workloads-base");
        await declare({ ci: { workloads: { base: workloads.base } } });
        expect(orderOf("registry-workloads-base")).toEqual(before);
    });

    test("with a dedicated login flow each has its own", async () => {
        await declare({ identity: { ciLoginFlow: "dedicated" }, ci: { workloads } }, { passwordStage: "stage" });
        expect(inputsOf("authentik:index/flow:Flow")).toMatchObject(
            ["zot-ci-login", "zot-charts-login", "zot-base-login"].map((slug) => ({ slug })),
        );
        expect(inputsOf("zot:index/apiKey:ApiKey").map((key) => (key as { loginFlow?: string }).loginFlow)).toEqual([
            "zot-ci-login",
            "zot-charts-login",
            "zot-base-login",
        ]);
    });

    test("groups and accounts that an administrator keeps are used as they were found", async () => {
        await declare(
            { identity: { manageWorkloads: false }, ci: { workloads } },
            { workloadGroups: { ci: "kept", charts: "kept-charts", base: "kept-base" } },
        );
        expect(recorded.filter(({ type }) => /:(Group|User)$/.test(type))).toEqual([]);
        expect(
            inputsOf("authentik:index/policyBinding:PolicyBinding").map((one) => (one as { group?: string }).group),
        ).toEqual(["group-admins", "kept", "kept-charts", "kept-base"]);
    });
});
