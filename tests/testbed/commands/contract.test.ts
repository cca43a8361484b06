/** npm run contract as one runs it; what it makes of results is tested in tests/testbed/contract. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { realZot } from "../../../testbed/contract/realZot";

const root = path.resolve(__dirname, "../../..");
const { compiled } = require("../../../build/compile.cjs") as { compiled: (source: string) => string };

jest.setTimeout(120_000);

function contract(args: string[], env: NodeJS.ProcessEnv = {}) {
    const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [compiled("testbed/commands/contract.ts"), ...args],
        {
            cwd: "/",
            encoding: "utf8",
            env: { PATH: "/usr/bin:/bin", ...env },
            timeout: 100_000,
        },
    );
    return { status, stdout, stderr };
}

test("--list names the cases by the statement that they check, and runs none", () => {
    const { status, stdout } = contract(["--only", "zot", "--list", "--json"]);
    expect(status).toBe(0);
    const cases = JSON.parse(stdout) as { part: string; case: string; fact: string | null }[];
    expect(new Set(cases.map(({ part }) => part))).toEqual(new Set(["zot"]));
    expect(cases).toContainEqual({
        part: "zot",
        case: "commandLine: zot › SIGHUP ends it at once",
        fact: "SIGHUP shuts it down",
    });
});

test("--help has an example", () => {
    expect(contract(["--help"])).toMatchObject({
        status: 0,
        stdout: expect.stringContaining("npm run contract -- --only zot --json") as string,
    });
});

test.each<[string, string[], NodeJS.ProcessEnv, string]>([
    ["a part that there is not", ["--only", "zot,docker"], {}, "There is no part docker"],
    [
        "a ZOT that is no executable",
        ["--only", "zot"],
        { ZOT: "/nowhere/zot" },
        "ZOT is /nowhere/zot, which is no executable file",
    ],
    [
        "a ZOT that is something else",
        ["--only", "zot"],
        { ZOT: "/bin/true" },
        'does not answer "--version" as zot does',
    ],
    [
        "a ZOT that is the stand-in",
        ["--only", "zot"],
        { ZOT: path.join(root, "testbed/zot/zot"), PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin` },
        "which is the stand-in",
    ],
    [
        "a plugin that is not there",
        ["--only", "command"],
        { PULUMI_COMMAND_PLUGIN: "/nowhere" },
        "PULUMI_COMMAND_PLUGIN is /nowhere",
    ],
    [
        "an Authentik without a token",
        ["--only", "authentik"],
        { AUTHENTIK_URL: "http://127.0.0.1:1" },
        "AUTHENTIK_URL and AUTHENTIK_TOKEN go together",
    ],
])("%s is a mistake, told before anything runs", (_, args, env, words) => {
    const { status, stdout, stderr } = contract(args, env);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(words);
});

describe("the real zot", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "contract-test-"));
    afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
    const zot = (name: string, binaryType: string) => {
        fs.mkdirSync(path.join(folder, name));
        fs.writeFileSync(
            path.join(folder, name, "zot"),
            `#!/bin/sh\necho '{"commit":"v2.1.20-0-g3b5796d","binary-type":"${binaryType}"}'\n`,
            { mode: 0o755 },
        );
        return path.join(folder, name, "zot");
    };
    const real = zot("real", "search-ui");
    const standIn = zot("stand-in", "stand-in");
    const on = (...files: string[]) => files.map((file) => path.dirname(file)).join(":");

    test.each<[string, NodeJS.ProcessEnv, string | undefined]>([
        ["is the one on the PATH where ZOT names none", { PATH: on("/nowhere/zot", real) }, real],
        ["is not the stand-in, wherever that stands", { PATH: on(standIn, real) }, real],
        ["is the one that ZOT names", { ZOT: real, PATH: "/nowhere" }, real],
        ["is none where there is only the stand-in", { PATH: on(standIn) }, undefined],
        ["is none on an empty PATH", {}, undefined],
    ])("%s", (_name, env, expected) => {
        expect(realZot(env)).toBe(expected);
    });
});
