/** Which Node is needed stands in package.json alone; the check says which one there is. */
import { spawnSync } from "node:child_process";
import * as path from "node:path";
import { engines } from "../../package.json";

const root = path.resolve(__dirname, "../..");
const { oldest, tooOld } = require("../../build/nodeVersion.cjs") as {
    oldest: string;
    tooOld(version?: string): string | undefined;
};

test("the oldest Node is that of package.json", () => {
    expect(engines.node).toBe(`>=${oldest}`);
});

test.each([
    ["20.19.0", "This is Node 20.19.0; 22.9 or newer is needed."],
    ["22.8.0", "This is Node 22.8.0; 22.9 or newer is needed."],
    ["22.9.0", undefined],
    ["22.10.0", undefined],
    ["24.0.0", undefined],
    ["26.12.1", undefined],
])("Node %s", (version, problem) => {
    expect(tooOld(version)).toBe(problem);
});

/** A Node that says that it is an older one. */
const asOld = [
    "-e",
    'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.19.0" } });' +
        "require(process.argv[1]);",
];

test("a command says it once, on standard error, and goes on", () => {
    const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [...asOld, path.join(root, "build/run.cjs"), "cli/matrix.ts", "--help"],
        { cwd: root, encoding: "utf8" },
    );
    expect([status, stderr]).toEqual([
        0,
        "This is Node 20.19.0; 22.9 or newer is needed. Install it; with this version, what follows is not tested.\n",
    ]);
    expect(stdout).toContain("Usage:");
});
