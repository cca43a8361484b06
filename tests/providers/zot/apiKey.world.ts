/**
 * The resource ApiKey against an Authentik and a zot: the real ones where they are at hand (AUTHENTIK_URL,
 * AUTHENTIK_TOKEN, ZOT). One of each for a file of tests.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { RegistryClient } from "../../../clients/zot/registry";
import type { PropertyMap } from "../../../providers/protocol";
import { type Driver, type DriverOptions, driver } from "./driver";
import { startWorld, type World } from "./world";

export let world: World;

/** For the tests of a file: starts the world, and revokes after each test the keys that it made. */
export function worldForAll(): void {
    // A busy Authentik takes some seconds for a login.
    jest.setTimeout(600_000);
    beforeAll(async () => {
        world = await startWorld();
    });
    afterEach(cleanUp);
    afterAll(() => world?.stop());
}

/** What was asked of anybody since the last time. */
export const asked = () =>
    [...world.authentikGate.requests, ...world.registryGate.requests].map(
        (request) => `${request.method} ${request.path}`,
    );

export const forget = () => {
    world.authentikGate.reset();
    world.registryGate.reset();
};

async function cleanUp(): Promise<void> {
    forget();
    await world.revokeAllByHand();
    forget();
}

export const inputs = (more: PropertyMap = {}): PropertyMap => ({
    registryUrl: world.registryUrl,
    user: world.ciUser,
    repository: world.repository,
    lifetime: "1h",
    ...more,
});
export const newDriver = (options: DriverOptions = {}) => driver(world, options);
export const output = (driven: Driver, name: string) => driven.state!.outputs[name];
/** Those of all keys of the account, sorted. */
export const uuids = async () => (await world.keys()).map((key) => key.uuid).sort();
export const predecessors = (driven: Driver) =>
    (output(driven, "predecessors") as PropertyMap[]).map((predecessor) => predecessor.uuid).sort();
/** @returns the status of the answer */
export const push = (key: string, tag: string) =>
    new RegistryClient(world.registryUrl, { username: world.ciUser, key }).push("team/app", tag, tag);

/** Waits until each of these times has passed, RFC 3339. */
export async function past(...times: unknown[]): Promise<void> {
    const last = Math.max(...times.map((time) => Date.parse(String(time))));
    await sleep(Math.max(0, last - Date.now()) + 50);
}
/** Until when each of the predecessors works. */
export const predecessorEnds = (driven: Driver) =>
    (output(driven, "predecessors") as PropertyMap[]).map((predecessor) => predecessor.revokeAfter);
