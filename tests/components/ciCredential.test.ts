import * as pulumi from "@pulumi/pulumi";
import { CiCredential, expiryWarning, pushableRepository } from "../../components/ciCredential";
import { type Workload, workloadsOf } from "../../components/settings";
import { namelessSecretFiles, policyOf, renderZotConfig } from "../../components/zotConfig";
import { type Recorded, recordResources, settled } from "../support/recordedProgram";
import { siteSettings } from "../support/settings";

const KEY = { keyLifetime: "90d", predecessorLifetime: "7d", keyGeneration: 1 } as Workload["key"];
const workloadWith = (key: Partial<Workload["key"]> = {}): Workload => ({
    ...workloadsOf(siteSettings().settings)[0],
    key: { ...KEY, ...key },
});

async function declare(
    more: Partial<ConstructorParameters<typeof CiCredential>[1]> = {},
    changes: Record<string, Record<string, unknown>> = {},
    outputs: Record<string, unknown> = {},
) {
    const recorded = recordResources({
        outputs: {
            "zot:index/apiKey:ApiKey": {
                user: "zot-ci",
                key: "zak_canary",
                expires: "2999-01-01T00:00:00.000Z",
                ...outputs,
            },
        },
    });
    const credential = new CiCredential("registry", {
        settings: siteSettings(changes).settings,
        workload: workloadWith(),
        ...more,
    });
    const values = {
        registry: await settled(credential.registry),
        userName: await settled(credential.userName),
        key: await settled(credential.key),
        expires: await settled(credential.expires),
    };
    const isSecret = await (credential.key as pulumi.Output<string> & { isSecret: Promise<boolean> }).isSecret;
    await pulumi.runtime.disconnect();
    return { recorded, values, isSecret };
}

const apiKey = (recorded: Recorded[]) =>
    recorded.find((resource) => resource.type === "zot:index/apiKey:ApiKey")!.inputs;

test("the key is asked for with what the settings say", async () => {
    const { recorded } = await declare();
    expect(apiKey(recorded)).toEqual({
        registryUrl: "https://registry.example.org",
        user: "zot-ci",
        lifetime: "90d",
        predecessorLifetime: "7d",
        generation: 1,
        issuer: "https://authentik.example.org/application/o/zot/",
        repository: "probe",
    });
});

test("a login flow, an age to rotate at and a raised generation are passed on", async () => {
    const { recorded } = await declare({
        workload: workloadWith({ keyRotateAfter: "30d", keyGeneration: 2, takeOverKeys: true }),
        loginFlow: pulumi.output("zot-ci-login"),
    });
    expect(apiKey(recorded)).toMatchObject({
        rotateAfter: "30d",
        generation: 2,
        takeOver: true,
        loginFlow: "zot-ci-login",
    });
});

test("the outputs are what a CI needs, and only the key is secret", async () => {
    const { values, isSecret } = await declare();
    expect(values).toEqual({
        registry: "registry.example.org",
        userName: "zot-ci",
        key: "zak_canary",
        expires: "2999-01-01T00:00:00.000Z",
    });
    expect(isSecret).toBe(true);
});

test("a key that ends within two weeks is warned about, with what to do", () => {
    const now = new Date("2026-11-23T08:00:00Z");
    const ci = { name: "ci", user: "zot-ci" };
    expect(expiryWarning("2026-12-08T08:00:01Z", ci, now)).toBeUndefined();
    expect(expiryWarning("2026-12-07T08:00:00Z", ci, now)).toMatch(
        /zot-ci.* ends on 2026-12-07 08:00:00 UTC, within two weeks/,
    );
    expect(expiryWarning("2026-11-23T07:59:59Z", ci, now)).toMatch(
        /ended on .*: run pulumi up, and hand the new one to CI/,
    );
    expect(expiryWarning("2026-12-07T08:00:00Z", { name: "charts", user: "zot-charts" }, now)).toMatch(
        /zot-charts.* set a lower ci\.workloads\.charts\.keyRotateAfter, and run/,
    );
});

test("the warning is given by the component itself", async () => {
    const warn = jest.spyOn(pulumi.log, "warn").mockResolvedValue();
    try {
        await declare({}, {}, { expires: new Date(Date.now() + 86_400_000).toISOString() });
        expect(warn).toHaveBeenCalledWith(expect.stringContaining("within two weeks"), expect.anything());
        warn.mockClear();
        await declare();
        expect(warn).not.toHaveBeenCalled();
    } finally {
        warn.mockRestore();
    }
});

describe("the repository for the proof is one that CI may push to", () => {
    const repositoryFor = (changes: Record<string, Record<string, unknown>>) => {
        const { settings } = siteSettings(changes);
        const policy = policyOf(renderZotConfig(settings, namelessSecretFiles(settings)));
        return workloadsOf(settings)
            .map((workload) => pushableRepository(policy, workload))
            .at(-1);
    };

    test.each([
        [{ access: { ciRepositories: ["images/**"] } }, "images/probe"],
        [{ access: { ciRepositories: ["team-*/app"] } }, "team-probe/app"],
        [{ access: { ciRepositories: ["team/app?"] } }, "team/appp"],
        [{ access: { ciRepositories: ["only/this"] } }, "only/this"],
        [{ access: { rules: { probe: { ci: ["read"] } } } }, "zot-hardening-probe"],
        [{ ci: { workloads: { x: { user: "x", group: "x", repositories: ["*/x/**"] } } } }, "probe/x/probe"],
        [
            { zot: { mirrors: [{ url: "https://ghcr.io", prefix: "ghcr.io" }] }, access: { ciRepositories: ["**"] } },
            "probe",
        ],
    ])("%j", (changes, repository) =>
        expect(repositoryFor(changes as Record<string, Record<string, unknown>>)).toBe(repository),
    );
});
