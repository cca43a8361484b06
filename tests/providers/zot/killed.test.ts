/**
 * The plugin killed at every step of a first key and of a rotation: the next update ends in the declared state, with no
 * stray key.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { RegistryClient } from "../../../clients/zot/registry";
import type { PropertyMap } from "../../../providers/protocol";
import { configurationFor, type Driver, driver } from "./driver";
import type { SeenRequest } from "./gate";
import { type Plugin, startPlugin } from "./plugin";
import { startWorld, type World } from "./world";

// Dozens of logins, each of which takes a busy Authentik some seconds.
jest.setTimeout(1_200_000);

let world: World;
let plugin: Plugin;
const plugins: Plugin[] = [];
beforeAll(async () => {
    world = await startWorld();
});
afterAll(async () => {
    for (const started of plugins) {
        started.kill();
        await started.ended;
    }
    await world?.stop();
});

const start = async () => {
    plugin = await startPlugin(configurationFor(world));
    plugins.push(plugin);
};
const inputs = (more: PropertyMap = {}): PropertyMap => ({
    registryUrl: world.registryUrl,
    user: world.ciUser,
    repository: world.repository,
    lifetime: "1h",
    predecessorLifetime: "30m",
    ...more,
});
const output = (driven: Driver, name: string) => driven.state!.outputs[name];
const forget = () => {
    world.authentikGate.reset();
    world.registryGate.reset();
};
/** What changes something, or is a turn of the login; that zot asks Authentik for a token is its own affair. */
const isStep = ({ method, path }: SeenRequest) =>
    (method !== "GET" && path !== "/application/o/token/") ||
    path.startsWith("/zot/auth/callback/") ||
    path === "/zot/auth/login" ||
    path.includes("invalidation-flow");

/** Counts steps over both gates; at the one that is asked for, kills the plugin once the server has done it. */
function watch(killAt?: number): { steps: string[] } {
    const steps: string[] = [];
    for (const gate of [world.authentikGate, world.registryGate]) {
        gate.after = async (request) => {
            if (!isStep(request)) return;
            steps.push(`${request.method} ${request.path}`);
            if (steps.length - 1 === killAt) {
                plugin.kill();
                await plugin.ended;
            }
        };
    }
    return { steps };
}

async function upAfterKill(driven: Driver, given: PropertyMap, killAt: number): Promise<string[]> {
    const { steps } = watch(killAt);
    await expect(driven.up(given)).rejects.toThrow();
    forget();
    await start();
    return steps;
}

const uuids = async () => (await world.keys()).map((key) => key.uuid).sort();
const named = (driven: Driver) =>
    [
        output(driven, "uuid") as string,
        ...(output(driven, "predecessors") as PropertyMap[]).map((predecessor) => predecessor.uuid as string),
    ].sort();

test("in the making of the first key", async () => {
    await start();
    const made = await driver(world, { handler: () => plugin.handler });
    const { steps } = watch();
    await made.up(inputs());
    await made.destroy();
    forget();
    const create = steps.filter((step) => !step.startsWith("DELETE"));
    // Password, login at zot, two answers to the flow, callback, minting, proof, both logouts, password.
    expect(create).toHaveLength(10);

    for (let step = 0; step < create.length; step++) {
        const driven = await driver(world, { handler: () => plugin.handler });
        await upAfterKill(driven, inputs(), step);
        expect(driven.state).toBeUndefined();
        expect(await driven.up(inputs())).toBe("create");
        expect({ step: create[step], keys: await uuids() }).toEqual({
            step: create[step],
            keys: [output(driven, "uuid")],
        });
        expect(output(driven, "status")).toBe("usable");
        await driven.destroy();
        expect(await uuids()).toEqual([]);
    }
});

test("in a rotation: what CI holds never stops working", async () => {
    if (!plugins.length) await start();
    const rotating = inputs({ rotateAfter: "1s" });
    const counted = await driver(world, { handler: () => plugin.handler });
    await counted.up(rotating);
    await sleep(1_100);
    const { steps } = watch();
    await counted.up(rotating);
    forget();
    await counted.destroy();
    expect(steps).toHaveLength(10);

    const driven = await driver(world, { handler: () => plugin.handler });
    await driven.up(rotating);
    for (let step = 0; step < steps.length; step++) {
        const held = output(driven, "key") as string;
        const answers: number[] = [];
        let running = true;
        const pushes = (async () => {
            const ci = new RegistryClient(world.registryUrl, { username: world.ciUser, key: held });
            for (let count = 0; running; count++) {
                answers.push(await ci.push("team/app", `s${step}-${count}`, `${step}-${count}`));
                await sleep(25);
            }
        })();
        await sleep(1_100);
        await upAfterKill(driven, rotating, step);
        expect(output(driven, "key")).toBe(held);
        expect(await driven.up(rotating)).toBe("update");
        await sleep(50);
        running = false;
        await pushes;
        expect(output(driven, "key")).not.toBe(held);
        expect(new Set(answers)).toEqual(new Set([201]));
        expect({ step: steps[step], keys: await uuids() }).toEqual({ step: steps[step], keys: named(driven) });
    }
    await driven.destroy();
    expect(await uuids()).toEqual([]);
});

test("in a raised generation: in the end there is the new key alone", async () => {
    if (!plugins.length) await start();
    const first = await driver(world, { handler: () => plugin.handler });
    await first.up(inputs());
    const { steps } = watch();
    await first.up(inputs({ generation: 2 }));
    forget();
    await first.destroy();
    const revocations = steps.flatMap((step, index) => (step.startsWith("DELETE") ? [index] : []));
    expect(revocations).toHaveLength(1);

    const driven = await driver(world, { handler: () => plugin.handler });
    await driven.up(inputs());
    const leaked = output(driven, "key") as string;
    await upAfterKill(driven, inputs({ generation: 2 }), revocations[0]!);
    expect(await driven.up(inputs({ generation: 2 }))).toBe("update");
    expect(await uuids()).toEqual([output(driven, "uuid")]);
    expect(output(driven, "key")).not.toBe(leaked);
    await driven.destroy();
});

test("in a delete: the next one takes the rest", async () => {
    if (!plugins.length) await start();
    for (const step of [0, 1]) {
        const driven = await driver(world, { handler: () => plugin.handler });
        await world.makeByHand("by hand", new Date(Date.now() + 600_000));
        await driven.up(inputs());
        watch(step);
        await expect(driven.destroy()).rejects.toThrow();
        forget();
        await start();
        await driven.destroy();
        expect(await uuids()).toEqual([]);
    }
});

test("the plugin starts fast, and what is secret leaves it marked as such", async () => {
    await start();
    const began = performance.now();
    await start();
    // 0.08 s on a quiet machine; the bound only catches what a person would feel.
    expect(performance.now() - began).toBeLessThan(2_000);
    const driven = await driver(world, { handler: () => plugin.handler });
    await driven.up(inputs());
    await driven.refresh();
    const key = output(driven, "key") as string;
    await driven.destroy();
    const marked = JSON.stringify({
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        value: key,
    });
    const texts = plugin.sent.map((map) => JSON.stringify(map));
    expect(texts.filter((text) => text.includes(key)).length).toBeGreaterThanOrEqual(2);
    for (const text of texts) expect(text.replaceAll(marked, "")).not.toContain(key);
    expect(plugin.output()).not.toContain(key);
});
