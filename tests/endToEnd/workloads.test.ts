/** Several identities of CI with the engine: they come and go, and nothing of the first one's is touched by it. */

import { resolve } from "node:path";
import type { Report } from "../../cli/verify/report/report";

import program = require("../../index");

import { RegistryClient } from "../../clients/zot/registry";
import { findToolchain, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Site, startSite } from "../../testbed/site";
import { createScratchStack, type ScratchStack } from "../../testbed/site/scratchStack";
import { verifyOf } from "./verifyOf";

const { reason } = findToolchain();

jest.setTimeout(400_000);

const CHARTS = { user: "zot-charts", group: "charts-ci", repositories: ["charts/**", "shared/**"] };
const BASE = { user: "zot-base", group: "base-ci", repositories: ["**/base/**"], channels: ["**/base/cache"] };

interface Outputs {
    ciApiKey: { value: string };
    ciApiKeyUuid: { value: string };
    workloads?: { value: Record<string, { ciUserName: string; ciApiKeyUuid: string }>; secret: boolean };
    workloadApiKeys?: { value: Record<string, string>; secret: boolean };
}

(reason ? describe.skip : describe)(skippable("several identities of CI, with the engine", reason), () => {
    let site: Site;
    let scratch: ScratchStack;
    let firstKey: string;
    let chartsKey: string;
    const outputs = async () => (await scratch.stack.outputs()) as unknown as Outputs;
    const clientOf = (username: string, key: string) => new RegistryClient(site.registryUrl, { username, key });

    beforeAll(async () => {
        site = await startSite();
        scratch = await createScratchStack(site, resolve(__dirname, "../.."), program);
        scratch.changeSettings({ access: { ciRepositories: ["team/**"] } });
        await scratch.stack.up({ color: "never" });
        firstKey = (await outputs()).ciApiKey.value;
    });
    afterAll(async () => {
        await scratch?.stack.destroy({ color: "never" }).catch(() => undefined);
        await site?.stop();
    });

    test("two that come make their own objects and keys alone, in words of what they may; CI's key stays", async () => {
        scratch.changeSettings({ ci: { workloads: { charts: CHARTS, base: BASE } } });
        const preview = await scratch.stack.preview({ color: "never" });
        // Group, account, binding, key and its component, of each; the deployment, and the component of the names.
        expect(preview.changeSummary).toMatchObject({ create: 10 });
        expect(Object.keys(preview.changeSummary).sort()).toEqual(["create", "same", "update"]);
        expect(preview.stdout + preview.stderr).toContain(
            "CI identity charts (group `charts-ci`) gains create on `charts/**` and `shared/**`",
        );

        const up = await scratch.stack.up({ color: "never" });
        expect(up.summary.resourceChanges).toEqual(preview.changeSummary);
        const now = await outputs();
        expect(now.ciApiKey.value).toBe(firstKey);
        expect(now.workloads).toMatchObject({
            secret: false,
            value: { charts: { ciUserName: "zot-charts" }, base: { ciUserName: "zot-base" } },
        });
        expect(now.workloadApiKeys!.secret).toBe(true);
        expect(up.stdout).toContain("npm run ci-secrets -- --stack");
        expect(up.stdout).toContain("--workload charts");
        for (const key of Object.values(now.workloadApiKeys!.value)) expect(up.stdout + up.stderr).not.toContain(key);
    });

    test("each may do what it says, and no more; what overlaps belongs to both", async () => {
        const { workloadApiKeys } = await outputs();
        chartsKey = workloadApiKeys!.value.charts!;
        const charts = clientOf("zot-charts", chartsKey);
        const base = clientOf("zot-base", workloadApiKeys!.value.base!);
        const first = clientOf("zot-ci", firstKey);
        const pushes: [who: RegistryClient, repository: string, tag: string, status: number][] = [
            [charts, "charts/app", "v1", 201],
            [charts, "charts/app", "v1", 403],
            [charts, "team/app", "v1", 403],
            [first, "team/app", "v1", 201],
            [first, "charts/app", "v2", 403],
            [base, "charts/app", "v2", 403],
            [base, "charts/base/x", "v1", 201],
            [charts, "charts/base/x", "v2", 201],
            [base, "charts/base/x", "v2", 403],
            [base, "team/base/cache", "main", 201],
            [base, "team/base/cache", "main", 201],
            [first, "team/base/cache", "main", 403],
        ];
        for (const [index, [who, repository, tag, status]] of pushes.entries())
            expect([index, await who.push(repository, tag, `content ${index}`)]).toEqual([index, status]);
    });

    test("verify looks at each as CI, by its own key, rights and record", async () => {
        const { workloads } = await outputs();
        const { code, stdout } = await verifyOf(scratch, "--all");
        const reports = (JSON.parse(stdout) as { workloads: Record<string, Report> }).workloads;
        expect(Object.keys(reports)).toEqual(["ci", "charts", "base"]);
        for (const [name, { checks }] of Object.entries(reports)) {
            expect([name, checks.filter(({ verdict }) => verdict === "fail")]).toEqual([name, []]);
            const keys = checks.find(({ id }) => id === "keys-on-record")!;
            const ciUserName = name === "ci" ? "zot-ci" : workloads!.value[name]!.ciUserName;
            expect(keys).toMatchObject({ verdict: "pass", exchanges: [{ as: ciUserName }] });
        }
        expect(code).toBe(0);
    });

    test("a second up changes nothing, and neither does the order of the entries", async () => {
        scratch.changeSettings({ ci: { workloads: { base: BASE, charts: CHARTS } } });
        const { summary } = await scratch.stack.up({ color: "never" });
        expect(Object.keys(summary.resourceChanges!)).toEqual(["same"]);
    });

    test("a name that is taken in Authentik refuses the new identity, not those that have theirs", async () => {
        const workloads = { base: BASE, charts: CHARTS };
        const { plainUser: user } = site.authentik;
        scratch.changeSettings({
            ci: { workloads: { ...workloads, taken: { user, group: "admins-2", repositories: ["x/**"] } } },
        });
        const refused = await scratch.stack.preview({ color: "never" }).catch((error: Error) => error);
        expect(String(refused)).toContain(`user ${user} (ci.workloads.taken.user)`);
        expect(String(refused)).not.toContain("zot-charts");
        scratch.changeSettings({ ci: { workloads } });
    });

    test("one that goes has its keys revoked before its account goes; another one and the first keep theirs", async () => {
        const before = await outputs();
        scratch.changeSettings({ ci: { workloads: { base: BASE } } });
        const events: string[] = [];
        const up = await scratch.stack.up({
            color: "never",
            onEvent: ({ resOutputsEvent: done }) => {
                if (done?.metadata.op === "delete") events.push(done.metadata.urn.split("::").slice(-2).join("::"));
            },
        });
        expect(up.summary.resourceChanges).toMatchObject({ delete: 5 });
        const position = (type: string) => events.findIndex((urn) => urn.includes(type));
        expect(position("ApiKey")).toBeGreaterThanOrEqual(0);
        for (const later of ["user:User", "group:Group", "PolicyBinding"])
            expect(position(later)).toBeGreaterThan(position("ApiKey"));
        expect(await clientOf("zot-charts", chartsKey).push("charts/app", "v9", "x")).toBe(401);

        const after = await outputs();
        expect(after.ciApiKey.value).toBe(firstKey);
        expect(after.workloadApiKeys!.value).toEqual({ base: before.workloadApiKeys!.value.base });
        expect(await clientOf("zot-base", after.workloadApiKeys!.value.base!).push("x/base/y", "v1", "x")).toBe(201);
    });

    test("the last one goes, and outputs and config are those of a site with one CI", async () => {
        scratch.changeSettings({ ci: { workloads: {} } });
        await scratch.stack.up({ color: "never" });
        const now = await outputs();
        expect(Object.keys(now)).not.toContain("workloads");
        expect(now.ciApiKey.value).toBe(firstKey);
        expect(await clientOf("zot-ci", firstKey).push("team/app", "v3", "x")).toBe(201);
    });
});
