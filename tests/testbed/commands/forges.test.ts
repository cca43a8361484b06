/** npm run forges, as far as it is asked wrongly: a Gitea takes half an hour to build, and is not built for nothing. */
import { spawnSync } from "node:child_process";
import * as path from "node:path";

const root = path.resolve(__dirname, "../../..");
const { compiled } = require("../../../build/compile.cjs") as { compiled: (source: string) => string };

jest.setTimeout(120_000);

function forges(args: string[], env: NodeJS.ProcessEnv = {}) {
    const program = compiled("testbed/commands/forges.ts");
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
        cwd: root,
        encoding: "utf8",
        // Whatever would be built ends at once: there is no Go on this path.
        env: { PATH: "/nonexistent", ZOT_HARDENING_CACHE: "/nonexistent/cache", ...env },
        timeout: 100_000,
    });
    return { status, stdout, stderr };
}

test.each<[string, string[], NodeJS.ProcessEnv, number, RegExp]>([
    [
        "words that no test has",
        ["--test", "nonesuch"],
        {},
        2,
        /^No test has the words nonesuch in its name\. There are:\n {2}\S/,
    ],
    ["words that are no regular expression", ["--test", "drift("], {}, 2, /^--test drift\( is no regular expression/],
    [
        "a test that would be skipped",
        ["--test", "a second deployment"],
        {},
        2,
        /^Nothing would be run: ACTIONS_RUNNER names a runner/,
    ],
    [
        "half a Forgejo",
        [],
        { FORGEJO_URL: "http://127.0.0.1:1" },
        1,
        /^FORGEJO_URL and FORGEJO_ADMIN_TOKEN go together/,
    ],
])("%s: refused before anything is built", (_what, args, env, code, words) => {
    const { status, stdout, stderr } = forges(args, env);
    expect({ status, stdout, stderr }).toEqual({
        status: code,
        stdout: "",
        stderr: expect.stringMatching(words) as string,
    });
});

test("words that a test has go on to the Gitea", () => {
    expect(forges(["--test", "ci-secrets"]).stderr).toMatch(/Gitea 1\.25\.2|\/nonexistent\/cache/);
});
