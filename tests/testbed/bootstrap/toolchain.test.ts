import * as fs from "node:fs";
import * as path from "node:path";
import type { Toolchain } from "../../../testbed/bootstrap/toolchain.cjs";
import {
    findExecutable,
    findToolchain,
    readMachine,
    readToolchain,
    toolchainEnvironment,
} from "../../../testbed/bootstrap/toolchain.cjs";
import { scratchFolder, script } from "./scratch";

/** An environment in which nothing is installed. */
function bare(): NodeJS.ProcessEnv {
    const folder = scratchFolder();
    return {
        PATH: path.join(folder, "bin"),
        PULUMI_HOME: path.join(folder, "home"),
        ZOT_HARDENING_CACHE: path.join(folder, "cache"),
    };
}

function written(env: NodeJS.ProcessEnv): Toolchain {
    const folder = path.dirname(env.PATH as string);
    const pulumi = script(path.join(folder, "there"), "pulumi", "exit 0");
    const plugin = { version: "1.0.0", kind: "stand-in" as const, source: "here", folder };
    return {
        node: { path: process.execPath, version: process.versions.node, source: "installed" },
        pulumi: { path: pulumi, version: "3.259.0", kind: "official", source: "on PATH", languageHost: false },
        plugins: { command: { ...plugin, name: "command" }, random: { ...plugin, name: "random" } },
        bin: path.join(folder, "there"),
    };
}

describe("readToolchain", () => {
    test("gives what the running command was given", () => {
        const env = bare();
        const toolchain = written(env);
        const file = path.join(scratchFolder(), "toolchain.json");
        fs.writeFileSync(file, JSON.stringify(toolchain));
        expect(readToolchain({ ...env, ZOT_HARDENING_TOOLCHAIN: file })).toEqual(toolchain);
    });

    test("says what is missing and what installs it", () => {
        expect(() => readToolchain(bare())).toThrow(
            /^(the Pulumi CLI 3\.\d+\.\d+|Node 22\.9 or newer) is not installed; npm test installs it/,
        );
        expect(findToolchain(bare())).toMatchObject({
            toolchain: undefined,
            reason: expect.stringContaining("is not installed"),
        });
    });

    test("looks again where the CLI it was given is gone", () => {
        const env = bare();
        const toolchain = written(env);
        const file = path.join(scratchFolder(), "toolchain.json");
        fs.writeFileSync(file, JSON.stringify(toolchain));
        fs.rmSync(toolchain.pulumi.path);
        expect(() => readToolchain({ ...env, ZOT_HARDENING_TOOLCHAIN: file })).toThrow("is not installed");
    });
});

describe("toolchainEnvironment", () => {
    test("puts node and pulumi first, once, and keeps Pulumi from looking for updates and plugins", () => {
        const toolchain = written(bare());
        const once = toolchainEnvironment(toolchain, { PATH: "/usr/bin:/bin", HOME: "/home/me" });
        expect(once).toEqual({
            PATH: `${toolchain.bin}:/usr/bin:/bin`,
            HOME: "/home/me",
            PULUMI_SKIP_UPDATE_CHECK: "true",
            PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        });
        expect(toolchainEnvironment(toolchain, once)).toEqual(once);
    });
});

describe("readMachine", () => {
    test("takes zot from ZOT, then from PATH, then the stand-in", () => {
        const env = bare();
        expect(readMachine(env).zot).toEqual({
            path: path.join(__dirname, "..", "..", "..", "testbed", "zot", "zot"),
            kind: "stand-in",
        });
        const there = script(env.PATH as string, "zot", "exit 0");
        expect(readMachine(env).zot).toEqual({ path: there, kind: "real" });
        const given = script(scratchFolder(), "zot-2.1.20", "exit 0");
        expect(readMachine({ ...env, ZOT: given }).zot).toEqual({ path: given, kind: "real" });
    });

    test("refuses a ZOT that is no executable", () => {
        expect(() => readMachine({ ...bare(), ZOT: "/no/such/zot" })).toThrow(
            "ZOT is /no/such/zot, which is no executable file",
        );
    });

    test("takes a real Authentik only with both its URL and a token", () => {
        expect(readMachine({ ...bare(), AUTHENTIK_URL: "http://127.0.0.1:9000" }).authentik).toBe("stand-in");
        expect(readMachine({ ...bare(), AUTHENTIK_URL: "http://127.0.0.1:9000", AUTHENTIK_TOKEN: "t" }).authentik).toBe(
            "real",
        );
    });
});

test("findExecutable looks at PATH first", () => {
    const env = bare();
    const file = script(env.PATH as string, "sshd", "exit 0");
    expect(findExecutable("sshd", env)).toBe(file);
    expect(findExecutable("no-such-command-anywhere", env)).toBeUndefined();
});
