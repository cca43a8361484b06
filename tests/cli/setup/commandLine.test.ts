/** npm run setup: what its options may be, before anything is asked or looked at. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import * as path from "node:path";
import { project, scratch } from "../projectCommand";

const { compiled } = require("../../../build/compile.cjs") as { compiled: (source: string) => string };

const setup = (args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [compiled("cli/setup.ts"), "--yes", ...args], {
        cwd: project({}),
        encoding: "utf8",
        env: { PATH: "/usr/bin:/bin", HOME: scratch() },
        timeout: 60_000,
    });
    return { status, stdout, stderr };
};

test("options that cannot be are mistakes on the command line (2), all of them told at once", () => {
    const { status, stdout, stderr } = setup([
        ...["--registry-url", "registry.example.org", "--host", "a b"],
        ...["--authentik-url", "https://user:canary@authentik.example.org"],
    ]);
    expect([status, stdout]).toEqual([2, ""]);
    for (const option of ["--registry-url", "--host", "--authentik-url"])
        expect(stderr).toMatch(new RegExp(`^(error: )?${option} .*: .+\\.$`, "m"));
    expect(stderr).toMatch(/\(add --help for more\)\n$/);
    expect(stderr).not.toContain("canary");
});

test("the same in a file of answers is a mistake in the file (1)", () => {
    const file = path.join(scratch(), "answers.yaml");
    writeFileSync(file, "registryUrl: registry.example.org\nauthentikUrl: https://a:canary@id.example.org\n");
    const { status, stderr } = setup(["--answers", file]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^In the answers of .*:\n {2}- registryUrl is "registry\.example\.org"/);
    expect(stderr).toMatch(/^ {2}- authentikUrl is .*: it holds a user name or a password/m);
    expect(stderr).not.toContain("canary");
});
