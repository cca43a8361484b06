/**
 * The oldest Node that package.json promises and the newest that was tried: all of ours runs in each, the program in
 * its engine, both providers, the test bed, from an open registry to a hardened one.
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { engines } from "../../package.json";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";

const { cacheFolder, install } = require("../../testbed/bootstrap/cache.cjs") as {
    cacheFolder(): string;
    install<T>(folder: string, fill: (folder: string) => Promise<T>): Promise<T>;
};
const { npm } = require("../../testbed/bootstrap/dependencies.cjs") as {
    npm(env: NodeJS.ProcessEnv): { file: string; args: string[]; env: NodeJS.ProcessEnv };
};
const pins = require("../../testbed/bootstrap/pins.cjs") as {
    root: string;
    platform: string;
    toolchainFolder: string;
    fingerprint(folder: string): string;
};

const pinned = path.join(pins.toolchainFolder, "nodes");
const folder = path.join(cacheFolder(), `nodes-${pins.platform}-${pins.fingerprint(pinned)}`);
const nodeOf = (name: string, below = folder) => path.join(below, "node_modules", name, "bin", "node");

/** npm's own script may need a newer Node than the running one: each is started as the machine has it. */
async function installBoth(): Promise<void> {
    if (fs.existsSync(nodeOf("oldest")) && fs.existsSync(nodeOf("newest"))) return;
    await install(folder, async (unfinished) => {
        for (const file of ["package.json", "package-lock.json"]) {
            fs.copyFileSync(path.join(pinned, file), path.join(unfinished, file));
        }
        const { file, args, env } = npm(process.env);
        const wanted = [...args, "ci", "--ignore-scripts", "--include=optional", "--no-audit", "--no-fund"];
        const ran = spawnSync(file, wanted, { cwd: unfinished, env, encoding: "utf8" });
        expect([ran.status, ran.stderr]).toEqual([0, expect.any(String)]);
        expect(fs.existsSync(nodeOf("oldest", unfinished))).toBe(true);
    });
}

const reason = pins.platform === "linux-x64" ? undefined : `pinned for linux-x64, and this is ${pins.platform}`;

(reason ? describe.skip : describe)(skippable("the whole way by the demo", reason), () => {
    beforeAll(installBoth, 300_000);

    test("the oldest is the one that package.json promises", () => {
        const { stdout } = spawnSync(nodeOf("oldest"), ["--version"], { encoding: "utf8" });
        expect(engines.node).toBe(`>=${stdout.trim().replace(/^v(\d+\.\d+)\.0$/, "$1")}`);
    });

    test.each(["oldest", "newest"])(
        "on the %s",
        (name) => {
            const node = nodeOf(name);
            const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}` };
            const run = path.join(pins.root, "testbed", "bootstrap", "run.cjs");
            const ran = spawnSync(node, [run, "demo", "--json"], { cwd: pins.root, env, encoding: "utf8" });
            expect([ran.status, ran.stderr.includes("is needed")]).toEqual([0, false]);
            const { steps } = JSON.parse(ran.stdout) as { steps: { name: string; ok: boolean }[] };
            expect(steps.length).toBeGreaterThan(10);
            expect(steps.filter(({ ok }) => !ok)).toEqual([]);
        },
        600_000,
    );
});
