/** npm run ci-secrets into files: dotenv and JSON, readable by their owner alone. */
import {
    chmodSync,
    existsSync,
    lstatSync,
    mkdirSync,
    readdirSync,
    readFileSync,
    statSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { removeScratch, scratch } from "./command";
import { ALL_NAMES, handOver, KEY } from "./handOver";

jest.setTimeout(60_000);
afterAll(removeScratch);

test("a dotenv file, mode 0600, in place of what others could read; a second run leaves it alone", async () => {
    const folder = scratch();
    const file = join(folder, "ci.env");
    writeFileSync(file, "OTHER=1\n", { mode: 0o644 });
    chmodSync(file, 0o644);
    const first = await handOver(["--store", "dotenv", "--file", file], { env: {} });
    expect(first).toMatchObject({
        status: 0,
        stderr: expect.stringMatching(/could be read by others \(mode 0644\) and is now 0600/),
    });
    expect(readFileSync(file, "utf8")).toBe(`OTHER=1\nZOT_CI_API_KEY=${KEY}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const before = statSync(file, { bigint: true });
    const second = await handOver(["--store", "dotenv", "--file", file], { env: {} });
    expect(second.stdout).toMatch(/ZOT_CI_API_KEY +line +unchanged/);
    const after = statSync(file, { bigint: true });
    expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
    expect(readdirSync(folder)).toEqual(["ci.env"]);
});

test("a JSON file behind a link, which stays a link", async () => {
    const folder = scratch();
    mkdirSync(join(folder, "kept"));
    symlinkSync(join(folder, "kept", "ci.json"), join(folder, "link.json"));
    writeFileSync(join(folder, "kept", "ci.json"), '{"list":[1]}', { mode: 0o600 });
    expect(
        (await handOver(["--store", "json", "--file", join(folder, "link.json"), ...ALL_NAMES], { env: {} })).status,
    ).toBe(0);
    expect(lstatSync(join(folder, "link.json")).isSymbolicLink()).toBe(true);
    expect(JSON.parse(readFileSync(join(folder, "kept", "ci.json"), "utf8"))).toEqual({
        list: [1],
        ZOT_CI_API_KEY: KEY,
        ZOT_REGISTRY: "127.0.0.1:1",
        ZOT_CI_API_KEY_EXPIRES: "2999-01-01T00:00:00Z",
    });
});

test("a dry run, a folder that is missing, and a file of another kind", async () => {
    const file = join(scratch(), "ci.env");
    expect((await handOver(["--store", "dotenv", "--file", file, "--dry-run"], { env: {} })).stdout).toMatch(
        /would be created/,
    );
    expect(existsSync(file)).toBe(false);
    for (const how of [[], ["--dry-run"]])
        expect(await handOver(["--store", "dotenv", "--file", join(file, "x"), ...how], { env: {} })).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(/cannot be written: ENOENT/),
        });
    writeFileSync(file, `KEY=${KEY}`);
    expect(await handOver(["--store", "json", "--file", file], { env: {} })).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/cannot be used: it is not JSON/),
    });
});
