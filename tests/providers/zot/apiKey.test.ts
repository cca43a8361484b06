/** The resource ApiKey against an Authentik and a zot: the real ones where they are at hand (AUTHENTIK_URL, AUTHENTIK_TOKEN, ZOT). */
import { setTimeout as sleep } from "node:timers/promises";
import { RegistryClient } from "../../../clients/registry";
import { UNKNOWN, type PropertyMap } from "../../../providers/protocol";
import { type Driver, driver } from "./driver";
import { startWorld, type World } from "./world";

jest.setTimeout(120_000);

let world: World;
beforeAll(async () => {
    world = await startWorld();
});
afterAll(async () => {
    await world?.stop();
});

const open: Driver[] = [];
afterEach(async () => {
    world.authentikGate.reset();
    world.registryGate.reset();
    open.length = 0;
    await world.revokeAllByHand();
});

const inputs = (more: PropertyMap = {}): PropertyMap => ({ registryUrl: world.registryUrl, user: world.ciUser, repository: world.repository, lifetime: "1h", ...more });
const newDriver = (options: Parameters<typeof driver>[1] = {}) => driver(world, options);
const output = (driven: Driver, name: string) => driven.state!.outputs[name];
const uuids = async () => (await world.keys()).map((key) => key.uuid).sort();
const predecessors = (driven: Driver) => (output(driven, "predecessors") as PropertyMap[]).map((predecessor) => predecessor.uuid).sort();
const push = (key: string, tag: string) => new RegistryClient(world.registryUrl, { username: world.ciUser, key }).push("team/app", tag, tag);

test("the first key is made in one update, may push, and ends in time", async () => {
    const driven = await newDriver();
    const before = Date.now();
    expect(await driven.up(inputs())).toBe("create");
    expect(await push(output(driven, "key") as string, "v1")).toBe(201);
    expect(await push(output(driven, "key") as string, "v1")).toBe(403);
    const [key] = await world.keys();
    expect(key).toMatchObject({ uuid: output(driven, "uuid"), label: "ci pulumi:project/test/ci" });
    expect(Math.abs(Date.parse(key!.expirationDate) - before - 3_600_000)).toBeLessThan(20_000);
    expect(Date.parse(output(driven, "rotateAt") as string) - Date.parse(output(driven, "created") as string)).toBe(2_400_000);
    expect(output(driven, "status")).toBe("usable");
    expect(await driven.up(inputs())).toBe("same");
});
