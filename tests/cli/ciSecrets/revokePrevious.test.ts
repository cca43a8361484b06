/** npm run ci-secrets --revoke-previous: the earlier keys end, on the stand-in and a real zot where there is one. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Browser, IdentityProvider, type NewKey, person } from "../../testbed/zot/logins";
import { cleanUp, jsonOf, zots } from "../../testbed/zot/zots";
import { removeScratch, runCommand, scratch } from "./command";
import { closeAll, forgejo, handOver, outputs, to, written } from "./handOver";
import { startRegistry } from "./registry";

jest.setTimeout(60_000);
afterEach(closeAll);
afterAll(async () => {
    await cleanUp();
    removeScratch();
});

test("what is in the way of revoking is found before anything is handed over", async () => {
    const forge = await forgejo();
    forge.has("ops/images");
    const ran = await handOver(to("forgejo", forge, "ops/images", "--revoke-previous"));
    expect(ran).toMatchObject({
        status: 1,
        stdout: "",
        stderr: expect.stringMatching(/127.0.0.1:1 cannot be reached/) as string,
    });
    expect(written(forge)).toEqual([]);
});

describe.each(zots)("--revoke-previous, on $name", (zot) => {
    let provider: IdentityProvider;
    beforeAll(async () => {
        provider = await IdentityProvider.start();
    });
    afterAll(() => provider.stop());

    test("hands over, then ends every earlier key and no other; a dry run ends none", async () => {
        const folder = scratch();
        const registry = await startRegistry(zot, provider, folder);
        await provider.becomes(person("zot-ci", "artifact-workloads"));
        const browser = new Browser();
        await browser.login(registry);
        const make = async (label: string, expirationDate?: string) =>
            jsonOf<NewKey>(
                await browser.page(registry, "POST", "/zot/auth/apikey", {
                    label,
                    scopes: [],
                    ...(expirationDate ? { expirationDate } : {}),
                }),
            );
        const byHand = await make("by hand");
        const before = await make("ci pulumi:p/site/registry", "2998-01-01T00:00:00Z");
        const live = await make("ci pulumi:p/site/registry", "2999-01-01T00:00:00Z");
        const elsewhere = await make("ci pulumi:p/other/registry", "2998-06-01T00:00:00Z");
        const accepted = async ({ apiKey }: NewKey) =>
            (await registry.request("GET", "/v2/_catalog", { as: ["zot-ci", apiKey] })).status;

        const input = JSON.stringify({ ...outputs, registryUrl: registry.url, ciApiKey: live.apiKey });
        const args = ["--from", "-", "--store", "json", "--file", join(folder, "ci.json"), "--revoke-previous"];
        const dry = await runCommand("cli/ci-secrets.ts", [...args, "--dry-run"], { input });
        expect(dry.stdout).toMatch(/would be revoked: "by hand" \(.*, never expires\)/);
        expect(await Promise.all([byHand, before, live, elsewhere].map(accepted))).toEqual([200, 200, 200, 200]);

        const ran = await runCommand("cli/ci-secrets.ts", [...args, "--json"], { input });
        expect(ran.status).toBe(0);
        const report = JSON.parse(ran.stdout) as { revoked: { uuid: string }[]; warnings: string[] };
        expect(report.revoked.map(({ uuid }) => uuid).sort()).toEqual([byHand.uuid, before.uuid].sort());
        expect(report.warnings).toEqual([expect.stringMatching(/belongs to another stack, and stays/)]);
        expect(await Promise.all([byHand, before, live, elsewhere].map(accepted))).toEqual([401, 401, 200, 200]);
        expect(JSON.parse(readFileSync(join(folder, "ci.json"), "utf8"))).toEqual({ ZOT_CI_API_KEY: live.apiKey });
        for (const { apiKey } of [byHand, before, live, elsewhere])
            expect(`${dry.stdout}${dry.stderr}${ran.stdout}${ran.stderr}`).not.toContain(apiKey);

        expect(await runCommand("cli/ci-secrets.ts", args, { input })).toMatchObject({
            status: 0,
            stdout: expect.stringMatching(/zot-ci has no earlier key/),
        });
        const dead = await runCommand("cli/ci-secrets.ts", args, { input: input.replace(live.apiKey, before.apiKey) });
        expect(dead).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(
                /does not accept the key in the stack's outputs \(401\), so nothing was revoked/,
            ),
        });
    });
});

test("a registry over plain http is refused before anything is handed over", async () => {
    const file = join(scratch(), "ci.json");
    const ran = await handOver(["--store", "json", "--file", file, "--revoke-previous"], {
        input: JSON.stringify({ ...outputs, registryUrl: "http://registry.example.org" }),
    });
    expect(ran).toMatchObject({ status: 1, stderr: expect.stringMatching(/over plain http.*Nothing was done/) });
    expect(existsSync(file)).toBe(false);
});
