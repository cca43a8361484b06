/**
 * A stack that an earlier program made: the program of now takes it over as it is, without a new key, a new secret or a
 * second restart.
 */
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { OpMap } from "@pulumi/pulumi/automation";

import program = require("../../index");

import { RegistryClient } from "../../clients/zot/registry";
import { findToolchain, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Site, startSite } from "../../testbed/site";
import { createScratchStack, type ScratchStack, STACK } from "../../testbed/site/scratchStack";
import { type Exported, formerState, stateFile } from "../support/formerState";

const { reason } = findToolchain();
const ROOT = resolve(__dirname, "../..");

jest.setTimeout(300_000);

/** Every file under a folder: its mode and hash. */
function filesUnder(folder: string, below = ""): Record<string, string> {
    const files: Record<string, string> = {};
    for (const name of readdirSync(join(folder, below))) {
        const place = join(below, name);
        const status = lstatSync(join(folder, place));
        if (status.isDirectory()) Object.assign(files, filesUnder(folder, place));
        else {
            const hash = createHash("sha256")
                .update(readFileSync(join(folder, place)))
                .digest("hex");
            files[place] = `${(status.mode & 0o7777).toString(8)} ${hash}`;
        }
    }
    return files;
}

(reason ? describe.skip : describe)(skippable("an upgrade, with the engine", reason), () => {
    let site: Site;
    let scratch: ScratchStack;
    let config: string;
    const zotFolder = () => join(site.folder, "zot");
    const exported = async () => {
        const { stdout, stderr } = await scratch.pulumi(["stack", "export", "--show-secrets", "--stack", STACK]);
        expect(stderr).toBe("");
        return JSON.parse(stdout) as Exported;
    };
    const outputs = (state: Exported) =>
        state.deployment.resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs as Record<
            string,
            unknown
        >;
    const urns = (state: Exported) => state.deployment.resources.map(({ urn, id }) => `${urn} ${String(id)}`);

    beforeAll(async () => {
        site = await startSite();
        scratch = await createScratchStack(site, ROOT, program);
        await scratch.stack.up({ color: "never" });
        const today = await exported();
        // For the next release: what this program leaves becomes a file of tests/support/states.
        if (process.env.STATE_FILE) writeFileSync(process.env.STATE_FILE, stateFile(today));

        const former = formerState("0.1.0", today);
        config = former.config;
        const file = join(site.folder, "former.json");
        writeFileSync(file, JSON.stringify(former.state), { mode: 0o600 });
        const imported = await scratch.pulumi(["stack", "import", "--force", "--stack", STACK, "--file", file]);
        rmSync(file);
        expect(imported).toMatchObject({ code: 0 });

        // The host, as the program of then left it.
        const place = join(zotFolder(), "config.json");
        const kept = `${place}.zot-hardening`;
        for (const since of ["deployed", "tried"]) rmSync(join(kept, since), { force: true });
        for (const written of [place, join(kept, "pushes", "1", "config.json")]) writeFileSync(written, config);
        await site.zot.restart();
    });
    afterAll(async () => {
        await scratch?.stack.destroy({ color: "never" }).catch(() => undefined);
        await site?.stop();
    });

    test(
        "the first preview and up keep every object, CI's key and the client secret; " +
            "zot restarts once, for the two time limits",
        async () => {
            const before = await exported();
            const [files, pid] = [filesUnder(zotFolder()), site.zot.pid()];
            const changes: OpMap = { same: 16, update: 2, create: 3 };

            const preview = await scratch.stack.preview({ color: "never" });
            expect(preview.changeSummary).toEqual(changes);
            expect(preview.stdout).toMatch(/^ *~ +command:remote:Command registry update/m);
            expect(filesUnder(zotFolder())).toEqual(files);

            const up = await scratch.stack.up({ color: "never" });
            expect(up.summary.resourceChanges).toEqual(changes);
            const after = await exported();
            expect(urns(after)).toEqual(expect.arrayContaining(urns(before)));
            // In the order in which each came about, of which the last two depend on nothing of each other.
            const added = urns(after).filter((urn) => !urns(before).includes(urn));
            expect(added.map((urn) => urn.split("::").at(-2)!.split(/[$:]/).at(-1)).sort()).toEqual([
                "AfterDestroy",
                "ClientSecret",
                "HostWithdrawal",
            ]);
            for (const kept of [
                "ciApiKey",
                "ciApiKeyExpires",
                "ciApiKeyUuid",
                "ciUserName",
                "oidcClientId",
                "accessMatrix",
            ])
                expect({ [kept]: outputs(after)[kept] }).toEqual({ [kept]: outputs(before)[kept] });
            expect(site.zot.pid()).not.toBe(pid);

            const now = JSON.parse(readFileSync(join(zotFolder(), "config.json"), "utf8")) as { http: object };
            const then = JSON.parse(config) as typeof now;
            expect(now).toEqual({ ...then, http: { ...then.http, readTimeout: "1h", writeTimeout: "1h" } });
            const changed = filesUnder(zotFolder());
            for (const [file, what] of Object.entries(files))
                if (file !== "config.json") expect(changed[file]).toBe(what);
            const { plaintext } = outputs(after).ciApiKey as { plaintext: string };
            const ci = new RegistryClient(site.registryUrl, {
                username: "zot-ci",
                key: JSON.parse(plaintext) as string,
            });
            expect(await ci.push("team/app", "v1", "x")).toBe(201);
        },
    );

    test("a second up, and one that looks at everything anew, change nothing", async () => {
        const [files, pid] = [filesUnder(zotFolder()), site.zot.pid()];
        for (const refresh of [false, true]) {
            const { summary } = await scratch.stack.up({ color: "never", refresh });
            expect(summary.resourceChanges).toEqual({ same: 21 });
        }
        expect([filesUnder(zotFolder()), site.zot.pid()]).toEqual([files, pid]);
    });

    test("destroy leaves a read-only registry, and no secret on the host", async () => {
        const secretFiles = Object.keys(filesUnder(zotFolder())).filter((file) =>
            /credentials|session-keys/.test(file),
        );
        expect(secretFiles).toHaveLength(2);
        await scratch.stack.destroy({ color: "never" });
        expect(secretFiles.filter((file) => existsSync(join(zotFolder(), file)))).toEqual([]);
        expect(await new RegistryClient(site.registryUrl).push("team/app", "v2", "x")).toBe(401);
    });
});
