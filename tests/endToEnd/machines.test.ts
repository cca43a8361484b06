/**
 * A registry on two machines: two hosts by SSH, each with a real zot, which share a bucket and a redis; and the whole
 * program with the real engine.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { UpResult } from "@pulumi/pulumi/automation";

import program = require("../../index");

import { RegistryClient } from "../../clients/zot/registry";
import { findToolchain, readMachine, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Site, startSite } from "../../testbed/site";
import { type Machine, settingsOnMachines, startMachine } from "../../testbed/site/machines";
import { createScratchStack, type ScratchStack } from "../../testbed/site/scratchStack";
import { noSharedState, type SharedState, startSharedState } from "../../testbed/site/sharedState";
import { operationApart } from "../support/refusedOperation";

const { reason } = findToolchain();
const noZot = readMachine().zot.kind === "real" ? undefined : "there is no real zot in ZOT or on the PATH";
const missing = reason ?? noSharedState() ?? noZot;
const ROOT = join(__dirname, "../..");

jest.setTimeout(400_000);

(missing ? describe.skip : describe)(skippable("a registry on two machines, with the engine", missing), () => {
    let site: Site;
    let shared: SharedState;
    let scratch: ScratchStack;
    const machines: Machine[] = [];
    const quiet = { color: "never" } as const;
    const configOf = ({ configFile }: Machine) => readFileSync(configFile, "utf8");

    beforeAll(async () => {
        shared = await startSharedState();
        site = await startSite({ before: "nothing" });
        machines.push(await startMachine(site, shared, "one"), await startMachine(site, shared, "two"));
        scratch = await createScratchStack(site, ROOT, program);
        scratch.changeSettings(settingsOnMachines(shared, machines[0]!.url));
    });

    afterAll(async () => {
        await scratch?.stack.destroy(quiet).catch(() => undefined);
        for (const machine of machines) await machine.stop();
        await site?.stop();
        shared?.stop();
    });

    const rows = ({ stdout }: UpResult, pattern: RegExp) => stdout.split("\n").filter((line) => pattern.test(line));
    const deploymentsIn = (up: UpResult) => rows(up, /command:remote:Command \S+ updated/).length;
    const policyOn = (machine: Machine) =>
        Object.keys(JSON.parse(configOf(machine)).http.accessControl.repositories as object);
    const useMembers = (...members: Record<string, unknown>[]) => scratch.changeSettings({ host: { members } });
    async function refusedUp(): Promise<string> {
        const { printed, succeeded } = await operationApart(scratch, "up");
        expect({ printed, succeeded }).toMatchObject({ succeeded: false });
        return printed;
    }
    const one = () => machines[0]!;
    const two = () => machines[1]!;
    const allow = (pattern: string) => scratch.changeSettings({ access: { ciRepositories: [pattern] } });

    /** Asks each machine until the end, and counts the moments in which none of them answered. */
    function watch() {
        let asked = 0;
        let allAway = 0;
        let isOver = false;
        const answers = async ({ url }: Machine) =>
            (await fetch(`${url}/v2/`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined)) !== undefined;
        const watching = (async () => {
            while (!isOver) {
                asked++;
                if (!(await Promise.all(machines.map(answers))).includes(true)) allAway++;
                await new Promise((resolve) => setTimeout(resolve, 10));
            }
        })();
        return async () => {
            isOver = true;
            await watching;
            expect(asked).toBeGreaterThan(10);
            return allAway;
        };
    }

    test("what stands in the way on one machine is told before anything is changed on the other", async () => {
        const before = machines.map(configOf);
        useMembers(one().member, {
            ...two().member,
            zot: { ...two().member.zot, rootDirectory: "/nowhere" },
        });
        const refused = await refusedUp();
        expect(refused).toContain("/nowhere");
        expect(refused).toContain(`registry-127.0.0.1-port-${two().ssh.port}`);
        expect(machines.map(configOf)).toEqual(before);
        expect(
            (await site.authentik.api<{ results: unknown[] }>("GET", "/core/applications/?slug=zot")).results,
        ).toEqual([]);
    });

    test("the first update deploys to one after the other; a key, its tags and its end are the same on both", async () => {
        useMembers(one().member, two().member);
        const up = await scratch.stack.up(quiet);
        const [first, second] = machines.map(({ ssh }) => up.stdout.indexOf(`goes to 127.0.0.1 port ${ssh.port} now`));
        expect(first).toBeGreaterThan(0);
        expect(second).toBeGreaterThan(first!);
        expect(Object.keys(up.outputs.hosts!.value as object).sort()).toEqual(
            machines.map(({ ssh }) => `127.0.0.1 port ${ssh.port}`).sort(),
        );
        const key = up.outputs.ciApiKey!.value as string;
        const [onOne, onTwo] = machines.map(({ url }) => new RegistryClient(url, { username: "zot-ci", key }));
        expect(await onOne!.push("team/app", "v1", "x")).toBe(201);
        expect(await onTwo!.push("team/app", "v1", "y")).toBe(403);
        expect(await new RegistryClient(two().url).pull("team/app", "v1")).toBe(200);
        expect(await new RegistryClient(two().url).push("team/app", "v2", "x")).toBe(401);
        for (const machine of machines) expect(configOf(machine)).not.toContain("canary-of-s3");

        expect((await scratch.stack.up(quiet)).summary.resourceChanges).toEqual({ same: expect.any(Number) });

        scratch.changeSettings({ ci: { keyGeneration: 1 } });
        await scratch.stack.up(quiet);
        expect(await onOne!.push("team/app", "v3", "x")).toBe(401);
        expect(await onTwo!.push("team/app", "v3", "x")).toBe(401);
    });

    test("a change reaches both, and at no moment is nobody there", async () => {
        allow("team/**");
        const ended = watch();
        const up = await scratch.stack.up(quiet);
        expect(await ended()).toBe(0);
        expect(deploymentsIn(up)).toBe(2);
        for (const machine of machines) expect(policyOn(machine)).toContain("team/**");
        // In words, for one machine: in the CLI's row and in its list at the end.
        expect(up.stdout.match(/Rights on the registry narrow/g)).toHaveLength(2);
    });

    test("what fails on the first begins on no other; and the next update goes on from there", async () => {
        const former = machines.map(configOf);
        const broken = { ...one().member, restartCommand: "exit 7" };
        useMembers(broken, two().member);
        allow("other/**");
        const failed = await refusedUp();
        expect(failed).toContain(`and 127.0.0.1 port ${two().ssh.port} keeps what is there`);
        expect(failed).toContain("ZH-RESTART-FAILED");
        expect(machines.map(configOf)).toEqual(former);

        useMembers(one().member, { ...two().member, restartCommand: "exit 7" });
        const half = await refusedUp();
        expect(half).toContain(`127.0.0.1 port ${one().ssh.port} has it`);
        expect(policyOn(one())).toContain("other/**");
        expect(configOf(two())).toBe(former[1]);

        useMembers(one().member, two().member);
        const up = await scratch.stack.up(quiet);
        expect(deploymentsIn(up)).toBe(1);
        expect(policyOn(two())).toContain("other/**");
    });

    test("a machine that does not answer is named, and passed over by a setting alone", async () => {
        const { ssh } = two();
        await ssh.stop();
        allow("third/**");
        const refused = await refusedUp();
        expect(refused).toContain(`127.0.0.1 port ${ssh.port}`);
        expect(policyOn(one())).not.toContain("third/**");

        useMembers(one().member, { ...two().member, away: true });
        const up = await scratch.stack.up(quiet);
        expect(deploymentsIn(up)).toBe(1);
        expect(policyOn(one())).toContain("third/**");
        expect(policyOn(two())).toContain("other/**");
        expect((await scratch.stack.up(quiet)).summary.resourceChanges).toEqual({ same: expect.any(Number) });

        // Gone for good: what the state has of it goes without a word to it.
        useMembers(one().member);
        const gone = await scratch.stack.up(quiet);
        expect(gone.summary.resourceChanges).not.toHaveProperty("create");
        expect(policyOn(two())).toContain("other/**");
    });

    test("one that is left is the host again, and nothing is replaced", async () => {
        const { address, port, hostKey, restartCommand } = one().member;
        scratch.changeSettings({
            zot: one().member.zot,
            host: { address, port, hostKey, restartCommand, members: [] },
        });
        const up = await scratch.stack.up(quiet);
        expect(rows(up, /^ +[+-] +\S+:\S+:\S+ /)).toEqual([]);
        expect(up.outputs).not.toHaveProperty("hosts");
    });
});
