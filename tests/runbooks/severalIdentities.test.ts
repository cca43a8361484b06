/**
 * A site with several identities of CI by the commands of the manual: with a token of least privilege, taken over again
 * after its state is lost, and with accounts that an administrator keeps.
 */
import { join } from "node:path";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Operator, reason, STACK, startOperator } from "./operator";

jest.setTimeout(900_000);

const WORKLOADS = {
    charts: { user: "zot-charts", group: "charts-ci", repositories: ["charts/**"] },
    base: { user: "zot-base", group: "base-ci", repositories: ["base/**"] },
};
/** After the rotation of one. */
const ROTATED = { ...WORKLOADS, charts: { ...WORKLOADS.charts, keyGeneration: 1 } };
const ACCOUNTS = ["zot-ci", "zot-charts", "zot-base"];
const GROUPS = ["artifact-workloads", "charts-ci", "base-ci"];

(reason ? describe.skip : describe)(skippable("several identities of CI, by the manual's commands", reason), () => {
    let operator: Operator;
    let keys: Record<string, string>;
    const administrator = () => ({ env: { AUTHENTIK_ADMIN_TOKEN: operator.site.authentik.token } });
    const keysNow = async () => {
        const outputs = (await operator.outputs()) as { ciApiKey: string; workloadApiKeys: Record<string, string> };
        return { ci: outputs.ciApiKey, ...outputs.workloadApiKeys } as Record<string, string>;
    };
    const users: Record<string, string> = { ci: "zot-ci", charts: "zot-charts", base: "zot-base" };
    const push = (who: string, repository: string, tag: string, key = keys[who]!) =>
        operator.registry({ username: users[who]!, key }).push(repository, tag, `${who} ${tag}`);
    const idOf = async (path: string, name: string) =>
        (
            await operator.site.authentik.api<{ results: { pk: string | number; name: string; username?: string }[] }>(
                "GET",
                `${path}${name}`,
            )
        ).results[0]?.pk;
    const accounts = () => Promise.all(ACCOUNTS.map((name) => idOf("/core/users/?username=", name)));
    const groups = () => Promise.all(GROUPS.map((name) => idOf("/core/groups/?name=", name)));

    beforeAll(async () => {
        operator = await startOperator();
        operator.changeSettings({ access: { ciRepositories: ["team/**"] }, ci: { workloads: WORKLOADS } });
        const state = join(operator.home, ".pulumi-state");
        await operator.type(`mkdir '${state}' && pulumi login 'file://${state}' && pulumi stack init ${STACK}`);
        await operator.type(`pulumi config set --path host.privateKey --secret --stack ${STACK}`, {
            input: operator.site.ssh.privateKeyPem,
        });
    });
    afterAll(async () => {
        const kept = [
            ...(await accounts()).map((id) => `/core/users/${id}/`),
            ...(await groups()).map((id) => `/core/groups/${id}/`),
        ];
        await operator.stop();
        // What the administrator keeps.
        if (operator.site.parts.some(({ name, kind }) => name === "Authentik" && kind === "real"))
            for (const path of kept) await operator.site.authentik.api("DELETE", path).catch(() => undefined);
    });

    test("a token of least privilege is enough for all of them", async () => {
        await operator.type(`npm run authentik-token -- --stack ${STACK} --config`, administrator());
        await operator.type(`pulumi up --stack ${STACK}`);
        expect(await operator.pending()).toEqual({});
        expect(await operator.pending("--refresh")).toEqual({});
        keys = await keysNow();
        expect(new Set(Object.values(keys)).size).toBe(3);
        const pushes: [string, string, number][] = [
            ["ci", "team/app", 201],
            ["ci", "charts/app", 403],
            ["charts", "charts/app", 201],
            ["charts", "team/app", 403],
            ["charts", "base/app", 403],
            ["base", "base/app", 201],
            ["base", "charts/app", 403],
        ];
        for (const [who, repository, status] of pushes)
            expect([who, repository, await push(who, repository, "v1")]).toEqual([who, repository, status]);
    });

    test("each has its own rotation; the others' keys stay", async () => {
        operator.changeSettings({ ci: { workloads: ROTATED } });
        await operator.type(`pulumi up --stack ${STACK}`);
        const now = await keysNow();
        expect([now.ci, now.base]).toEqual([keys.ci, keys.base]);
        expect(now.charts).not.toBe(keys.charts);
        expect(await push("charts", "charts/app", "v2")).toBe(401);
        keys = now;
        expect(await push("charts", "charts/app", "v2")).toBe(201);
    });

    test("the state is lost: adopt finds each one's objects, and nothing is made or deleted in Authentik", async () => {
        const [accountsBefore, groupsBefore] = [await accounts(), await groups()];
        await operator.type(`rm -r '${join(operator.home, ".pulumi-state")}'/.pulumi && pulumi stack init ${STACK}`);
        const adopted = await operator.type(`npm run adopt -- --stack ${STACK}`);
        for (const name of [...ACCOUNTS, ...GROUPS]) expect(adopted.stdout).toContain(name);
        expect(adopted.stdout).not.toMatch(/made by pulumi up/);
        await operator.type(`pulumi import --file adopt.json --stack ${STACK} --generate-code=false --protect=false`);
        const { changeSummary, steps } = JSON.parse(
            (await operator.type(`pulumi preview --json --stack ${STACK}`)).stdout,
        ) as { changeSummary: Record<string, number>; steps: { op: string; urn: string }[] };
        expect(changeSummary.delete ?? 0).toBe(0);
        expect(changeSummary.replace ?? 0).toBe(0);
        expect(
            steps.filter(({ op, urn }) => op === "create" && urn.includes("authentik:")).map(({ urn }) => urn),
        ).toEqual([]);
        await operator.type(`pulumi up --stack ${STACK}`);
        expect(await operator.pending("--refresh")).toEqual({});
        expect([await accounts(), await groups()]).toEqual([accountsBefore, groupsBefore]);
        const now = await keysNow();
        for (const [who, repository] of [
            ["ci", "team/app"],
            ["charts", "charts/app"],
            ["base", "base/app"],
        ] as const) {
            expect(now[who]).not.toBe(keys[who]);
            expect([who, await push(who, repository, "v4", now[who])]).toEqual([who, 201]);
        }
        keys = now;
    });

    test("where an administrator keeps the accounts, the token may reset the password of each, and no more", async () => {
        operator.changeSettings({ identity: { retainOnDestroy: true } });
        await operator.type(`pulumi up --stack ${STACK}`);
        operator.changeSettings({ identity: { retainOnDestroy: true, manageWorkloads: false } });
        const [accountsBefore, groupsBefore] = [await accounts(), await groups()];
        await operator.type(`pulumi up --stack ${STACK}`);
        expect([await accounts(), await groups()]).toEqual([accountsBefore, groupsBefore]);
        await operator.type(`npm run authentik-token -- --stack ${STACK} --config --rotate --prune`, administrator());
        operator.changeSettings({ ci: { workloads: ROTATED, keyGeneration: 1 } });
        await operator.type(`pulumi up --stack ${STACK}`);
        expect(await operator.pending("--refresh")).toEqual({});
        const now = await keysNow();
        expect(now.ci).not.toBe(keys.ci);
        keys = now;
        for (const [who, repository] of [
            ["ci", "team/app"],
            ["charts", "charts/app"],
            ["base", "base/app"],
        ] as const)
            expect([who, await push(who, repository, "v5")]).toEqual([who, 201]);
    });

    test("what was made for the token goes, and the token with it", async () => {
        const { stdout } = await operator.type(
            `npm run authentik-token -- --stack ${STACK} --remove --yes`,
            administrator(),
        );
        expect(stdout).toContain(`service account pulumi-zot-${STACK}`);
        expect(await idOf("/core/users/?username=", `pulumi-zot-${STACK}`)).toBeUndefined();
        expect(await idOf("/rbac/roles/?name=", `pulumi-zot-${STACK}`)).toBeUndefined();
        const refused = await operator.type(`pulumi preview --stack ${STACK} || echo "as it should"`);
        expect(refused.text).toMatch(/refused the API token: Token invalid\/expired[\s\S]*as it should/);
        await operator.type(`pulumi config set authentik:token --secret --stack ${STACK}`, {
            input: operator.site.authentik.token,
        });
        await operator.type(`pulumi up --stack ${STACK}`);
        expect(await operator.pending("--refresh")).toEqual({});
    });
});
