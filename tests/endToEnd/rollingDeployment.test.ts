/**
 * A deployment to two machines behind a proxy, one after the other, under a steady load of pulls and pushes: which
 * requests fail by it, with one machine killed at each step as well.
 */
import { RegistryClient } from "../../clients/zot/registry";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { PROXIES } from "../../testbed/site/proxy";
import { watchedOperation } from "../support/refusedOperation";
import { type BehindProxy, INSTALLED, missing, pause, startBehindProxy, testsBehind } from "./behindProxy";

jest.setTimeout(400_000);

/** Which machine is killed, once the CLI has printed which text, and whether it is the one that is deployed to then. */
const KILLED = [
    ["the second, before the look", 1, undefined, false],
    ["the first, while it is deployed to", 0, "1 of 2", true],
    ["the second, while the first is deployed to", 1, "1 of 2", false],
    ["the second, while it is deployed to", 1, "2 of 2", true],
    ["the first, while the second is deployed to", 0, "2 of 2", false],
] as const;

/**
 * For how long nginx passes a machine over once it has found it away, in milliseconds, and a little: it counts whole
 * seconds, and more than one. Whichever dies so soon after the other one's restart leaves nobody.
 */
const PASSED_OVER = 2100;

(missing ? describe.skip : describe)(skippable("a rolling deployment behind a proxy", missing), () => {
    let behind: BehindProxy;
    let change = 0;
    beforeAll(async () => {
        behind = await startBehindProxy();
    });
    afterAll(() => behind?.stop());

    const changeRight = () => behind.scratch.changeSettings({ access: { ciRepositories: [`team-${++change}/**`] } });
    const up = () => behind.scratch.stack.up({ color: "never" });
    const patterns = () =>
        Promise.all(
            behind.machines.map(async ({ url }) => {
                const ci = new RegistryClient(url, { username: "zot-ci", key: behind.key });
                const { status } = await ci.request("PUT", `/v2/team-${change}/app/manifests/new`, {
                    headers: { "content-type": "text/plain" },
                });
                return status;
            }),
        );
    const allServe = async () => {
        const answers = behind.machines.map(({ url }) => fetch(`${url}/readyz`).catch(() => ({ status: 0 })));
        return (await Promise.all(answers)).every(({ status }) => status === 200);
    };
    /** How often something was under way at a stop that no proxy may send a second time. */
    const MOST_BY_A_STOP = 2;

    describe.each(PROXIES)("%s", (kind) => {
        const on = testsBehind(kind, () => behind);

        on("a changed right: what fails is a write under way at a stop, no pull", async () => {
            const ended = await behind.startLoad();
            changeRight();
            await up();
            expect(await patterns()).toEqual([415, 415]);
            const load = await ended();
            expect(load.failures.filter(({ what }) => what.startsWith("GET"))).toEqual([]);
            expect(load.failures.length).toBeLessThanOrEqual(2 * MOST_BY_A_STOP);
        });
    });

    describe.each(KILLED)("one is killed: %s", (_what, victim, at, isItself) => {
        const on = testsBehind(INSTALLED[0]!, () => behind);

        on("the load goes on, and the update or the next one puts it right", async () => {
            const { zot } = behind.machines[victim];
            const kill = () => {
                const pid = zot.pid();
                if (pid !== undefined) process.kill(pid, "SIGKILL");
            };
            const ended = await behind.startLoad();
            changeRight();
            if (at === undefined) kill();
            let isKilled = at === undefined;
            const { succeeded } = await watchedOperation(behind.scratch, ["up"], (text) => {
                if (isKilled || !text.includes(`now, ${at}`)) return;
                isKilled = true;
                setTimeout(kill, isItself ? PASSED_OVER : 0);
            });
            expect(isKilled).toBe(true);
            // One that is killed once it was deployed to is found by the next look.
            if (!succeeded || !(await allServe()))
                expect(await watchedOperation(behind.scratch, ["up"])).toMatchObject({ succeeded: true });
            await pause(1500);
            const load = await ended();
            expect(await patterns()).toEqual([415, 415]);
            expect(load.pulls).toBeGreaterThan(10);
            // Where the other one restarts meanwhile, nobody serves; elsewhere one of the two does.
            const pulls = load.failures.filter(({ what }) => what.startsWith("GET"));
            if (isItself) expect(pulls.length).toBeLessThanOrEqual(2);
        });
    });

    test("a key that an update ends is refused on each machine, while the load goes on", async () => {
        const proxy = await behind.startProxy(INSTALLED[0]!);
        try {
            const ended = await behind.startLoad();
            behind.scratch.changeSettings({ ci: { keyGeneration: 1 } });
            await up();
            const load = await ended();
            expect(await patterns()).toEqual([401, 401]);
            expect(load.failures).toEqual([]);
        } finally {
            await proxy.stop();
        }
    });
});
