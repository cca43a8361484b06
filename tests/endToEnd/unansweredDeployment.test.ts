/** A host that ends every command well and does nothing: a forced command, or `exit 0` in a start-up file. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import { join, resolve } from "node:path";

import program = require("../../index");

import { RegistryClient } from "../../clients/zot/registry";
import { findToolchain, skippable, toolchainEnvironment } from "../../testbed/bootstrap/toolchain.cjs";
import { type Site, startSite } from "../../testbed/site";
import { createScratchStack, type ScratchStack, STACK } from "../../testbed/site/scratchStack";

jest.setTimeout(600_000);

const root = resolve(__dirname, "../..");
const { toolchain, reason } = findToolchain();

(toolchain ? describe : describe.skip)(skippable("a deployment that was not run, with the engine", reason), () => {
    const scratchFolder = fs.mkdtempSync(join(os.tmpdir(), "unanswered-"));
    const idle = join(scratchFolder, "idle");
    let site: Site;
    let scratch: ScratchStack;

    beforeAll(async () => {
        const shell = join(scratchFolder, "shell");
        fs.writeFileSync(
            shell,
            `#!/bin/sh\n[ ! -e '${idle}' ] || { cat >/dev/null; echo "This account is under maintenance."; ` +
                `exit 0; }\nexec /bin/sh "$@"\n`,
            { mode: 0o755 },
        );
        site = await startSite({ sshShell: shell });
        scratch = await createScratchStack(site, root, program);
    });
    afterAll(async () => {
        fs.rmSync(idle, { force: true });
        await scratch?.stack.destroy({ color: "never" }).catch(() => undefined);
        await site?.stop();
        fs.rmSync(scratchFolder, { recursive: true, force: true });
    });

    /** In a process of its own: a failed inline program leaves rejected promises behind. */
    function operation(name: "preview" | "up" | "destroy"): { status: number | null; said: string } {
        const { stdout, status } = spawnSync(
            scratch.toolchain.node.path,
            [join(root, "tests/support/inlineOperation.cjs"), scratch.folder, STACK, name],
            {
                env: { ...toolchainEnvironment(scratch.toolchain), ...scratch.environment },
                encoding: "utf8",
            },
        );
        return { status, said: stdout };
    }
    /** The connection of the time before may have gone with the zot of then. */
    const anyonePushes = (tag: string) => {
        const push = () => new RegistryClient(site.registryUrl).push("team/app", tag, "x");
        return push().catch(push);
    };
    const observe = (on: boolean) => scratch.changeSettings({ host: { observe: on } });
    const is = (state: "idle" | "well") =>
        state === "idle" ? fs.writeFileSync(idle, "") : fs.rmSync(idle, { force: true });

    test(
        "a first deployment that did nothing fails, with or without a look, and nothing after it is made; " +
            "then it is made up for",
        async () => {
            is("idle");
            const looked = operation("up");
            expect(looked).toMatchObject({ status: 1 });
            expect(looked.said).toContain("This account is under maintenance.");

            observe(false);
            for (const attempt of ["first", "second"]) {
                const { status, said } = operation("up");
                expect({ attempt, status }).toEqual({ attempt, status: 1 });
                expect(said).toMatch(
                    /ended the deployment without an error, but the script did not confirm that it ran[\s\S]*Its output was "This account is under maintenance\."/,
                );
                expect(said).not.toMatch(/ApiKey.*created/);
            }
            expect(await anyonePushes("open")).toBe(201);

            is("well");
            observe(true);
            const mended = operation("up");
            expect({ said: mended.status === 0 ? "" : mended.said, status: mended.status }).toEqual({
                said: "",
                status: 0,
            });
            expect(await anyonePushes("closed")).toBe(401);
            const again = operation("up");
            expect(again.said).not.toMatch(/[+~] +\S+ +.*(created|updated)/);
            expect(again.status).toBe(0);
        },
    );

    test("a later deployment that did nothing fails, and is made up for", async () => {
        observe(false);
        scratch.changeSettings({ zot: { garbageCollectionDelay: "7h" } });
        is("idle");
        expect(operation("up")).toMatchObject({
            status: 1,
            said: expect.stringContaining("did not confirm that it ran"),
        });
        // The engine takes it for done.
        expect(operation("preview")).toMatchObject({
            status: 1,
            said: expect.stringContaining("did not confirm that it ran"),
        });
        is("well");
        observe(true);
        expect(operation("up").status).toBe(0);
        expect(fs.readFileSync(join(site.folder, "zot", "config.json"), "utf8")).toContain('"gcDelay": "7h"');
        observe(false);
        expect(operation("up").status).toBe(0);
    });

    test("a destroy that is to restore what the host has lost ends before anything is changed", async () => {
        scratch.changeSettings({ host: { onDestroy: "restore" } });
        expect(operation("up").status).toBe(0);
        const original = join(site.folder, "zot", "config.json.zot-hardening", "original");
        fs.renameSync(original, `${original}.lost`);
        const { status, said } = operation("destroy");
        expect(status).toBe(1);
        expect(said).toContain(
            `${original} is missing. Set host.onDestroy to read-only, run pulumi up, and then destroy.`,
        );
        expect(said).not.toMatch(/- +\S+ .* deleted \(/);
        scratch.changeSettings({ host: { onDestroy: "read-only" } });
        expect(operation("up").status).toBe(0);
    });

    test(
        "a destroy that would do nothing ends before anything is changed, in the host, " +
            "in Authentik and in the state",
        async () => {
            is("idle");
            const before = operation("destroy");
            expect(before.status).toBe(1);
            expect(before.said).toMatch(
                /does not run the commands that it is sent[\s\S]*This account is under maintenance\.[\s\S]*Nothing was changed/,
            );
            expect(before.said).not.toMatch(/- +\S+ .* deleted \(/);
            is("well");
            const after = operation("destroy");
            expect({ said: after.status === 0 ? "" : after.said, status: after.status }).toEqual({
                said: "",
                status: 0,
            });
            expect(await anyonePushes("withdrawn")).toBe(401);
        },
    );
});
