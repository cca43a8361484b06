/**
 * The proxies of docs/proxy.md, each as its example has it, in front of a registry on two machines: two real zots with
 * a bucket and a redis, hardened by the program.
 */
import { RegistryClient } from "../../clients/zot/registry";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { PROXIES } from "../../testbed/site/proxy";
import { type BehindProxy, logOf, missing, pause, startBehindProxy, testsBehind } from "./behindProxy";

jest.setTimeout(400_000);

(missing ? describe.skip : describe)(skippable("a proxy in front of two machines", missing), () => {
    let behind: BehindProxy;
    beforeAll(async () => {
        behind = await startBehindProxy();
    });
    afterAll(() => behind?.stop());

    const credentials = () => ({ username: "zot-ci", key: behind.key });
    const as = (who: ReturnType<typeof credentials> | undefined) =>
        new RegistryClient(behind.url, who, behind.transport);

    describe.each(PROXIES)("%s", (kind) => {
        const on = testsBehind(kind, () => behind);

        on("both take pulls and pushes; the key, its refusals and the client's address are passed on", async () => {
            const before = behind.machines.map((machine) => logOf(machine).length);
            const ci = as(credentials());
            expect([201, 403]).toContain(await ci.push("team/app", "v1", "x"));
            for (let index = 0; index < 6; index++) {
                expect(await ci.push("team/app", `${kind}-${index}`, `${index}`)).toBe(201);
                expect(await ci.push("team/app", `${kind}-${index}`, "other")).toBe(403);
                expect(await as(undefined).pull("team/app", "v1")).toBe(200);
                expect(await as(undefined).push("team/app", "no", "x")).toBe(401);
                const wrong = { username: "zot-ci", key: "zak_0" };
                expect(await as(wrong).pull("team/app", "v1")).toBe(401);
            }
            const invented = { headers: { "x-forwarded-for": "203.0.113.9" } };
            for (let index = 0; index < 4; index++) await ci.request("GET", "/v2/", invented);
            const said = behind.machines.map((machine, index) => logOf(machine).slice(before[index]));
            for (const text of said) {
                expect(text).toContain("/v2/team/app/manifests/");
                expect(text).toContain("X-Forwarded-For");
                expect(text).not.toContain("203.0.113.9");
            }
        });

        on(
            "a login ends where it began, each time; a key made by it works on each machine, and so does its end",
            async () => {
                for (let index = 0; index < 4; index++) {
                    const session = await behind.logIn();
                    const { key: own, record } = await session.apiKeys.create(
                        `${kind}`,
                        new Date(Date.now() + 3_600_000),
                    );
                    const answers = () =>
                        Promise.all(
                            behind.machines.map(({ url }) =>
                                new RegistryClient(url, { username: session.username, key: own }).pull(
                                    "team/app",
                                    "v1",
                                ),
                            ),
                        );
                    expect(await answers()).toEqual([200, 200]);
                    await session.apiKeys.revoke(record.uuid);
                    expect(await answers()).toEqual([401, 401]);
                    await session.end();
                }
            },
        );

        on("a layer of many megabytes comes and goes", async () => {
            const ci = as(credentials());
            expect(await ci.push("team/app", `${kind}-large`, "x".repeat(12 * 1024 * 1024))).toBe(201);
        });

        on("one machine is killed and comes back: what was under way on it fails, and nothing else", async () => {
            const ended = await behind.startLoad();
            await pause(1500);
            const two = behind.machines[1];
            const killed = Date.now();
            process.kill(two.zot.pid()!, "SIGKILL");
            await pause(3000);
            const before = logOf(two).length;
            await two.zot.restart();
            await pause(2500);
            const { pulls, pushes, failures } = await ended();
            expect(pulls).toBeGreaterThan(10);
            expect(pushes).toBeGreaterThan(2);
            // Each of the four clients has one request under way at the most.
            expect(failures.filter(({ at }) => at > killed + 1000)).toEqual([]);
            expect(failures.length).toBeLessThanOrEqual(4);
            expect(logOf(two).slice(before)).toContain("/v2/team/app/manifests/");
        });
    });
});
