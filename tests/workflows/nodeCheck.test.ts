/** The step that looks whether a runner's Node is new enough, as it is written. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { jobsOf } from "./runner";

const { cacheFolder } = require("../../testbed/bootstrap/cache.cjs") as { cacheFolder(): string };
const { findNode } = require("../../testbed/bootstrap/find.cjs") as {
    findNode(cache: string): { path: string } | undefined;
};

const root = path.resolve(__dirname, "../..");
/** The steps are for a newer Node than the tests. */
const NODE = path.dirname(findNode(cacheFolder())?.path ?? process.execPath);

test("the check of Node says which one there is", () => {
    const step = jobsOf(path.join(root, ".forgejo/workflows/deploy.yml")).deploy!.steps.find((candidate) =>
        candidate.run?.includes("build/nodeVersion.cjs"),
    )!;
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "old-node-"));
    fs.writeFileSync(
        path.join(folder, "old.cjs"),
        'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.19.0" } });',
    );
    const check = (env: Record<string, string>) =>
        spawnSync("bash", ["--noprofile", "--norc", "-e", "-c", step.run!], {
            cwd: root,
            encoding: "utf8",
            env: { PATH: `${NODE}:/usr/bin:/bin`, ...env },
        });
    expect(check({})).toMatchObject({ status: 0, stdout: "", stderr: "" });
    const old = check({ NODE_OPTIONS: `--require ${path.join(folder, "old.cjs")}` });
    expect(old.status).toBe(1);
    expect(old.stderr).toContain("This is Node 20.19.0; 22.9 or newer is needed.");
    fs.rmSync(folder, { recursive: true });
});
