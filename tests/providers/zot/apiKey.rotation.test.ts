/** The resource ApiKey over time: rotation, runs that were cut off, and other stacks. */
import { setTimeout as sleep } from "node:timers/promises";
import { UNKNOWN } from "../../../providers/protocol";
import {
    asked,
    forget,
    inputs,
    newDriver,
    output,
    past,
    predecessorEnds,
    predecessors,
    push,
    uuids,
    world,
    worldForAll,
} from "./apiKey.world";

worldForAll();

describe("rotation", () => {
    test("keeps the predecessor until its time, and the first update after that revokes it", async () => {
        const driven = await newDriver();
        const short = inputs({ rotateAfter: "1s", predecessorLifetime: "3s" });
        await driven.up(short);
        const first = { uuid: output(driven, "uuid"), key: output(driven, "key") as string };
        await past(output(driven, "rotateAt"));
        expect(await driven.up(short)).toBe("update");
        const second = { uuid: output(driven, "uuid"), key: output(driven, "key") as string };
        expect(second.uuid).not.toBe(first.uuid);
        expect(predecessors(driven)).toEqual([first.uuid]);
        expect(driven.log.join("\n")).toMatch(
            /^info: .* has a new API key: .* Hand it to CI by 20.* UTC, when the former one is revoked\.$/m,
        );
        expect([await push(first.key, "r1"), await push(second.key, "r2")]).toEqual([201, 201]);
        await past(...predecessorEnds(driven));
        const calm = inputs({ rotateAfter: "50m", predecessorLifetime: "3s" });
        world.authentikGate.reset();
        expect((await driven.preview(calm)).changed).toContain("predecessors");
        expect(await driven.up(calm)).toBe("update");
        // The key revokes its predecessor itself.
        expect(world.authentikGate.requests).toEqual([]);
        expect(await uuids()).toEqual([second.uuid]);
        expect(output(driven, "uuid")).toBe(second.uuid);
        expect(await push(first.key, "r3")).toBe(401);
        expect(await driven.up(calm)).toBe("same");
    });

    test("a loop of pushes with what CI holds sees no refusal", async () => {
        const driven = await newDriver();
        const short = inputs({ rotateAfter: "1s", predecessorLifetime: "20s" });
        await driven.up(short);
        // CI's secret is replaced a moment after the update, as by the command that hands it over.
        let held = output(driven, "key") as string;
        let running = true;
        const answers: number[] = [];
        const loop = (async () => {
            for (let count = 0; running; count++) {
                answers.push(await push(held, `loop-${count}`));
                await sleep(20);
            }
        })();
        for (let round = 0; round < 2; round++) {
            await past(output(driven, "rotateAt"));
            expect(await driven.up(short)).toBe("update");
            await sleep(200);
            held = output(driven, "key") as string;
        }
        running = false;
        await loop;
        expect(answers.length).toBeGreaterThan(10);
        expect(new Set(answers)).toEqual(new Set([201]));
    });

    test("a key that was there before goes on until its time, also one without an end", async () => {
        const byHand = await world.makeByHand("made in the browser", new Date(Date.now() + 600_000));
        const endless = await world.makeEndless(byHand.key);
        const driven = await newDriver();
        await driven.up(inputs({ predecessorLifetime: "3s" }));
        expect(predecessors(driven)).toEqual([byHand.record.uuid, endless.uuid].sort());
        expect(driven.log.join()).toContain("had API keys that this stack did not make");
        expect([await push(byHand.key, "h1"), await push(endless.key, "h2")]).toEqual([201, 201]);
        await past(...predecessorEnds(driven));
        expect(await driven.up(inputs({ predecessorLifetime: "3s" }))).toBe("update");
        expect([await push(byHand.key, "h3"), await push(endless.key, "h4")]).toEqual([401, 401]);
        expect(await uuids()).toEqual([output(driven, "uuid")]);
    });

    test("an expired key is replaced, and does not stay among the user's keys", async () => {
        const driven = await newDriver();
        await driven.up(inputs({ lifetime: "5s" }));
        const first = output(driven, "uuid");
        await past(output(driven, "expires"));
        expect((await driven.preview(inputs())).operation).toBe("update");
        await driven.up(inputs());
        expect(output(driven, "uuid")).not.toBe(first);
        expect(await uuids()).toEqual([output(driven, "uuid")]);
        expect(predecessors(driven)).toEqual([]);
    });

    test("a raised generation leaves the new key alone, whatever else there is", async () => {
        const driven = await newDriver();
        const byHand = await world.makeByHand("by hand", new Date(Date.now() + 600_000));
        await driven.up(inputs());
        // Whoever has the key can make one that never ends, and one that claims to be another stack's.
        const leaked = output(driven, "key") as string;
        await world.makeEndless(leaked);
        await world.makeEndless(leaked, "ci pulumi:other/stack/ci");
        driven.log.length = 0;
        const { outputs } = await driven.preview(inputs({ generation: 2 }));
        expect(outputs.key).toBe(UNKNOWN);
        expect(driven.log.join()).toMatch(
            /generation was raised from 1 to 2.*The present one, [-0-9a-f]{36}, and every other key of \S+ are revoked at once/,
        );
        const present = output(driven, "uuid") as string;
        driven.log.length = 0;
        await driven.up(inputs({ generation: 2 }));
        const [revoked] = driven.log.filter((line) => line.includes("were revoked"));
        expect(revoked).toMatch(/Other API keys of \S+, because the generation was raised, were revoked: .*by hand/);
        for (const current of [present, output(driven, "uuid") as string]) expect(revoked).not.toContain(current);
        expect(driven.log.join("\n")).toContain("Hand it to CI now, because the former one no longer works.");
        expect(await uuids()).toEqual([output(driven, "uuid")]);
        expect(predecessors(driven)).toEqual([]);
        expect([
            await push(leaked, "g1"),
            await push(byHand.key, "g2"),
            await push(output(driven, "key") as string, "g3"),
        ]).toEqual([401, 401, 201]);
        expect(await driven.up(inputs({ generation: 2 }))).toBe("same");
        expect(await driven.failures(inputs({ generation: 1 }))).toEqual([
            expect.stringContaining("can only be raised"),
        ]);
    });

    test("changes of durations and names alone ask nobody", async () => {
        const driven = await newDriver();
        await driven.up(inputs());
        const uuid = output(driven, "uuid");
        forget();
        expect(
            await driven.up(
                inputs({
                    lifetime: "2h",
                    rotateAfter: "30m",
                    predecessorLifetime: "1d",
                    label: "builds",
                    loginFlow: "later",
                }),
            ),
        ).toBe("update");
        expect(asked()).toEqual([]);
        expect(output(driven, "uuid")).toBe(uuid);
        expect(Date.parse(output(driven, "rotateAt") as string) - Date.parse(output(driven, "created") as string)).toBe(
            1_800_000,
        );
    });
});

describe("what a run that was cut off leaves", () => {
    test("is found by its label, revoked and named", async () => {
        const lost = await newDriver();
        await lost.up(inputs());
        const orphan = output(lost, "uuid");
        const driven = await newDriver();
        await driven.up(inputs());
        expect(await uuids()).toEqual([output(driven, "uuid")]);
        expect(driven.log.join()).toContain(`or a run was cut off: ${String(orphan)}`);
    });

    test("a key that cannot yet push is kept, and the next update proves it", async () => {
        const driven = await newDriver();
        await world.startZot((config) => {
            config.http.accessControl.repositories["**"].policies[0].actions = ["read"];
        });
        await expect(driven.up(inputs())).rejects.toThrow(/may not push to team\/probe.*The key is kept/);
        expect(output(driven, "status")).toBe("unproven");
        const uuid = output(driven, "uuid");
        expect(await uuids()).toEqual([uuid]);
        await expect(driven.up(inputs())).rejects.toThrow(/may not push/);
        await world.startZot();
        expect(await driven.up(inputs())).toBe("update");
        expect(output(driven, "status")).toBe("usable");
        expect(await uuids()).toEqual([uuid]);
    });

    test("groups that zot remembers are refreshed by a login", async () => {
        const driven = await newDriver();
        await world.authentik.api("PATCH", `/core/users/${world.ciUserPk}/`, { groups: [] });
        const other = await world.authentik.api<{ pk: string }>("POST", "/core/groups/", {
            name: `other-${world.ciUser}`,
        });
        world.made(`/core/groups/${other.pk}/`);
        await world.authentik.api("PATCH", `/core/users/${world.ciUserPk}/`, { groups: [other.pk] });
        const binding = await world.authentik.api<{ pk: string }>("POST", "/policies/bindings/", {
            target: world.applicationPk,
            group: other.pk,
            order: 5,
        });
        try {
            await expect(driven.up(inputs())).rejects.toThrow(/not in the group that may push/);
            await world.authentik.api("PATCH", `/core/users/${world.ciUserPk}/`, { groups: [world.groupPk] });
            await driven.up(inputs());
            expect(output(driven, "status")).toBe("usable");
        } finally {
            await world.authentik.api("PATCH", `/core/users/${world.ciUserPk}/`, { groups: [world.groupPk] });
            await world.authentik.api("DELETE", `/policies/bindings/${binding.pk}/`);
        }
    });

    test("the connection is cut in the minting: the key that nobody got is gone after the next update", async () => {
        const driven = await newDriver();
        world.registryGate.before = (request) =>
            request.path === "/zot/auth/apikey" && request.method === "POST" ? "cut after" : undefined;
        await expect(driven.up(inputs())).rejects.toThrow(/cannot be reached/);
        world.registryGate.reset();
        expect(await uuids()).toHaveLength(1);
        await driven.up(inputs());
        expect(await uuids()).toEqual([output(driven, "uuid")]);
    });
});

describe("one stack per registry and user", () => {
    test("a second stack is refused, and changes nothing", async () => {
        const first = await newDriver({ stack: "prod" });
        await first.up(inputs());
        const second = await newDriver({ stack: "dev" });
        await expect(second.up(inputs())).rejects.toThrow(
            /another Pulumi stack made: project\/prod \(resource ci\).*Each of the two would revoke the other's keys/,
        );
        expect(await uuids()).toEqual([output(first, "uuid")]);
        expect(second.state).toBeUndefined();
    });

    test("so is a second resource of the same stack", async () => {
        await (await newDriver({ name: "one" })).up(inputs());
        await expect((await newDriver({ name: "two" })).up(inputs())).rejects.toThrow(/resource one/);
    });

    test("keys of a stack that is gone are taken over on purpose", async () => {
        const first = await newDriver({ stack: "gone" });
        await first.up(inputs());
        const second = await newDriver({ stack: "new" });
        await second.up(inputs({ takeOver: true }));
        expect(predecessors(second)).toEqual([output(first, "uuid")]);
        expect(await push(output(first, "key") as string, "t1")).toBe(201);
    });
});
