/** A registry on one machine that becomes the first of a list, and the host again: nothing is replaced by either. */
import { resolve } from "node:path";
import type { UpResult } from "@pulumi/pulumi/automation";

import program = require("../../index");

import { findToolchain, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Site, startSite } from "../../testbed/site";
import { createScratchStack, type ScratchStack } from "../../testbed/site/scratchStack";
import { operationApart } from "../support/refusedOperation";

const { reason } = findToolchain();

jest.setTimeout(300_000);

(reason ? describe.skip : describe)(skippable("one machine, by the list of machines", reason), () => {
    let site: Site;
    let scratch: ScratchStack;
    const up = () => scratch.stack.up({ color: "never" });
    /** What was changed, beside the row in which the registry's component says what its machines are called. */
    const changes = ({ stdout }: UpResult) =>
        stdout.split("\n").filter((row) => /^ +[-+~]+ +\S+:\S+/.test(row) && !row.includes("HardenedRegistry"));

    beforeAll(async () => {
        site = await startSite();
        scratch = await createScratchStack(site, resolve(__dirname, "../.."), program);
        await up();
    });
    afterAll(async () => {
        await scratch?.stack.destroy({ color: "never" }).catch(() => undefined);
        await site?.stop();
    });

    test("what fails on its way into the list is taken over by the next update all the same", async () => {
        const { address, port, hostKey, restartCommand } = site.settings.host as Record<string, unknown>;
        const member = { address, port, hostKey };
        scratch.changeSettings({
            host: { address: "", hostKey: "", members: [member], restartCommand: "exit 7" },
            zot: { logLevel: "debug" },
        });
        const { printed, succeeded } = await operationApart(scratch, "up");
        expect({ printed, succeeded }).toEqual({
            printed: expect.stringContaining("ZH-RESTART-FAILED"),
            succeeded: false,
        });
        scratch.changeSettings({ host: { restartCommand } });
        // A deletion would withdraw from the host what was deployed to it a moment before.
        const { changeSummary } = await scratch.stack.preview({ color: "never" });
        expect(changeSummary).toEqual({ same: expect.any(Number), update: expect.any(Number) });
        await up();
        scratch.changeSettings({ host: { address, hostKey, members: [] }, zot: { logLevel: "info" } });
        await up();
    });

    test("the first of the list takes over what the state has of the host, and the host what it has of it", async () => {
        const { address, port, hostKey } = site.settings.host as Record<string, unknown>;
        scratch.changeSettings({ host: { address: "", hostKey: "", members: [{ address, port, hostKey }] } });
        const listed = await up();
        expect(changes(listed)).toEqual([]);
        expect(Object.keys(listed.outputs.hosts!.value as object)).toEqual([`${String(address)} port ${String(port)}`]);
        const urns = (await scratch.stack.exportStack()).deployment.resources.map(({ urn }: { urn: string }) => urn);
        const name = `registry-${String(address)}-port-${String(port)}`;
        expect(urns.filter((urn: string) => urn.endsWith(`::${name}`))).toHaveLength(4);

        scratch.changeSettings({ host: { address, hostKey, members: [] } });
        const alone = await up();
        expect(changes(alone)).toEqual([]);
        expect(alone.outputs).not.toHaveProperty("hosts");
    });
});
