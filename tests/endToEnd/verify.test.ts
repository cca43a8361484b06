/**
 * npm run verify of a stack, as an operator runs it after `pulumi up`, with a real Pulumi: on a site on loopback, of
 * stand-ins or of the real parts.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import program = require("../../index");

import { findToolchain, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Site, startSite } from "../../testbed/site";
import { createScratchStack, type ScratchStack, STACK } from "../../testbed/site/scratchStack";
import { type Verified, verifyOf } from "./verifyOf";

const { reason } = findToolchain();
const ROOT = resolve(__dirname, "../..");

jest.setTimeout(240_000);

(reason ? describe.skip : describe)(skippable("verify of a stack, after up", reason), () => {
    let site: Site;
    let scratch: ScratchStack;

    beforeAll(async () => {
        site = await startSite();
        scratch = await createScratchStack(site, ROOT, program);
        await scratch.stack.up({ color: "never" });
    });
    afterAll(async () => {
        await scratch?.stack.destroy({ color: "never" }).catch(() => undefined);
        await site?.stop();
    });

    const verify = (...args: string[]) => verifyOf(scratch, ...args);
    const found = ({ report }: Verified) =>
        report.checks.filter(({ verdict }) => verdict === "fail").map(({ id }) => id);
    const outputs = async () =>
        JSON.parse(
            (await scratch.pulumi(["stack", "output", "--json", "--show-secrets", "--stack", STACK])).stdout,
        ) as { ciApiKey: string; ciApiKeyUuid: string };

    test("what up made is found hardened, and nothing is left of the look", async () => {
        const page = join(site.folder, "report.html");
        const verified = await verify("--html", page);
        expect({ code: verified.code, found: found(verified), left: verified.report.cleaning.left }).toEqual({
            code: 0,
            found: [],
            left: [],
        });
        expect(verified.report).toMatchObject({ subject: `the stack ${STACK}`, result: "pass", remarks: [] });
        // The site has no cache, is on this machine, and no browser was asked for.
        expect(verified.report.checks.filter(({ verdict }) => verdict === "skipped").map(({ id }) => id)).toEqual([
            "address",
            "login-browser",
            // The registry is empty.
            "version-parts",
            // Nothing of these is declared.
            "channel-moves",
            "tag-scheme",
            "refusal-reason",
            "movable-tags",
            "mirror-push",
            "pull-through",
        ]);
        const keys = verified.report.checks.find(({ id }) => id === "keys-on-record")!;
        expect(keys.meaning).toMatch(/^1 key works, each with an expiry/);
        const { ciApiKey } = await outputs();
        for (const secret of [ciApiKey, site.authentik.token, scratch.environment.PULUMI_CONFIG_PASSPHRASE!])
            expect(verified.stdout + verified.stderr + readFileSync(page, "utf8")).not.toContain(secret);
        const { results } = await site.authentik.api<{ results: { username: string }[] }>(
            "GET",
            "/core/users/?search=zot-hardening-verify",
        );
        expect(results.filter(({ username }) => username.startsWith("zot-hardening-verify-"))).toEqual([]);
    });

    test("read-only, by the key of the stack's outputs", async () => {
        const verified = await verify("--read-only");
        expect({ code: verified.code, found: found(verified) }).toEqual({ code: 0, found: [] });
        expect(verified.report.checks.find(({ id }) => id === "access-matrix")).toMatchObject({
            verdict: "pass",
            meaning: expect.stringMatching(/for anonymous, CI/),
        });
        expect(verified.report.cleaning.removed).toEqual([]);
    });

    test("what was changed on the host by hand is found, and so is a key that somebody made for ever", async () => {
        const file = join(site.folder, "zot", "config.json");
        mkdirSync(join(site.folder, "kept"));
        copyFileSync(file, join(site.folder, "kept", "config.json"));
        const config = JSON.parse(readFileSync(file, "utf8")) as {
            http: {
                accessControl: {
                    repositories: Record<string, { policies: { groups: string[]; actions: string[] }[] }>;
                };
            };
        };
        for (const { groups, actions } of config.http.accessControl.repositories["**"]!.policies)
            if (groups.includes("artifact-workloads")) actions.push("delete");
        writeFileSync(file, JSON.stringify(config));
        await site.zot.restart();
        const { ciApiKey } = await outputs();
        const minted = await fetch(`${site.registryUrl}/zot/auth/apikey`, {
            method: "POST",
            headers: {
                authorization: `Basic ${Buffer.from(`zot-ci:${ciApiKey}`).toString("base64")}`,
                "content-type": "application/json",
                "x-zot-api-client": "zot-ui",
            },
            body: JSON.stringify({ label: "stolen", scopes: [] }),
        });
        expect(minted.status).toBe(201);

        const weak = await verify("--only", "ci-delete,access-matrix,keys-on-record,tag-other-content");
        expect({ code: weak.code, found: found(weak) }).toEqual({
            code: 1,
            found: ["ci-delete", "access-matrix", "keys-on-record"],
        });
        expect(weak.report.checks.at(-1)!.meaning).toMatch(/has a key without expiry: "stolen"/);
        const readOnly = await verify("--only", "access-matrix,keys-on-record", "--read-only");
        expect({ code: readOnly.code, found: found(readOnly) }).toEqual({
            code: 1,
            found: ["access-matrix", "keys-on-record"],
        });
        copyFileSync(join(site.folder, "kept", "config.json"), file);
        await site.zot.restart();
    });
});
