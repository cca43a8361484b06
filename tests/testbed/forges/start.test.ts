/** A Gitea that does not start: it is said, and nothing is left of what was started before. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Gitea } from "../../../testbed/forges/gitea";
import { Project } from "../../realForges/project";
import type { Operator } from "../../runbooks/operator";

let stopped = 0;
jest.mock("../../runbooks/operator", () => ({
    STACK: "prod",
    startOperator: () => Promise.resolve({ stop: () => Promise.resolve(void stopped++) } as Partial<Operator>),
}));

const { TMPDIR } = process.env;
let own: string;
let installed: string;
beforeAll(() => {
    own = mkdtempSync(join(tmpdir(), "no-gitea-"));
    installed = join(own, "installed");
    mkdirSync(installed);
    // What is left there is left by these tests.
    process.env.TMPDIR = own;
    writeFileSync(join(installed, "gitea"), "#!/bin/sh\nexit 7\n", { mode: 0o755 });
});
afterAll(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    rmSync(own, { recursive: true });
});

test("Gitea ends at once: its exit code is said, and its folder is removed", async () => {
    await expect(Gitea.start(installed)).rejects.toThrow("Gitea ended with exit code 7.");
    expect(readdirSync(own)).toEqual(["installed"]);
});

test("the project with a Gitea that does not start: the operator's site is stopped", async () => {
    await expect(Project.start(installed, "/no/runner")).rejects.toThrow("Gitea ended with exit code 7.");
    expect(stopped).toBe(1);
    expect(readdirSync(own)).toEqual(["installed"]);
});
