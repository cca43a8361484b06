import * as fs from "node:fs";
import * as path from "node:path";
import type { Executable, Plugin, PulumiCli } from "../../../testbed/bootstrap/toolchain.cjs";
import { scratchFolder, script } from "./scratch";

interface Pin {
    name: "command" | "random";
    version: string;
}
const find = require("../../../testbed/bootstrap/find.cjs") as {
    commandStandIn(): Plugin;
    findNode(cache: string): Executable | undefined;
    findPlugin(cache: string, pin: Pin, env: NodeJS.ProcessEnv): Plugin | undefined;
    findPulumi(cache: string, env: NodeJS.ProcessEnv): PulumiCli | undefined;
    lastUnreachable(cache: string): string | undefined;
    places(cache: string): { pulumi: Record<string, string>; random: Record<string, string>; unreachable: string };
    suits(version: string): boolean;
};
const pins = require("../../../testbed/bootstrap/pins.cjs") as {
    command: Pin;
    random: Pin;
    pulumi: { version: string };
};

test.each([
    ["3.259.0", true],
    ["3.259.1", true],
    ["3.300.0", true],
    ["3.258.9", false],
    ["4.0.0", false],
    ["2.999.0", false],
    ["3.260.0-alpha.1", false],
    ["", false],
])("a CLI of version %p does: %p", (version, expected) => {
    expect(find.suits(version)).toBe(expected);
});

describe("findPulumi", () => {
    test("takes the one on PATH where its version does", () => {
        const folder = scratchFolder();
        const file = script(path.join(folder, "bin"), "pulumi", "echo v3.260.1");
        const found = find.findPulumi(path.join(folder, "cache"), { PATH: `/nowhere:${folder}/bin` });
        expect(found).toEqual({
            path: file,
            version: "3.260.1",
            kind: "official",
            source: "on PATH",
            languageHost: false,
        });
    });

    test("asks a CLI for its version once, and again when it was replaced", () => {
        const folder = scratchFolder();
        const bin = path.join(folder, "bin");
        const cache = path.join(folder, "cache");
        script(bin, "pulumi", `echo asked >>${folder}/asked; echo v3.260.1`);
        expect(find.findPulumi(cache, { PATH: bin })?.version).toBe("3.260.1");
        expect(find.findPulumi(cache, { PATH: bin })?.version).toBe("3.260.1");
        expect(fs.readFileSync(path.join(folder, "asked"), "utf8")).toBe("asked\n");
        script(bin, "pulumi", "echo v3.261.10");
        expect(find.findPulumi(cache, { PATH: bin })?.version).toBe("3.261.10");
    });

    test("passes over an older one on PATH, and finds the one built here", () => {
        const folder = scratchFolder();
        const cache = path.join(folder, "cache");
        script(path.join(folder, "bin"), "pulumi", "echo v3.200.0");
        const env = { PATH: `${folder}/bin` };
        expect(find.findPulumi(cache, env)).toBeUndefined();
        const file = script(find.places(cache).pulumi.built as string, "pulumi", "exit 0");
        expect(find.findPulumi(cache, env)).toMatchObject({
            path: file,
            version: pins.pulumi.version,
            kind: "built from its Go module",
        });
    });

    test("does not call the one from its cache official because a command has put it on PATH", () => {
        const cache = scratchFolder();
        const built = find.places(cache).pulumi.built as string;
        script(built, "pulumi", `echo v${pins.pulumi.version}`);
        expect(find.findPulumi(cache, { PATH: built })?.kind).toBe("built from its Go module");
    });

    test("sees the language host beside the CLI", () => {
        const folder = scratchFolder();
        script(path.join(folder, "bin"), "pulumi", "echo v3.259.0");
        script(path.join(folder, "bin"), "pulumi-language-nodejs", "exit 0");
        expect(find.findPulumi(path.join(folder, "cache"), { PATH: `${folder}/bin` })?.languageHost).toBe(true);
    });
});

describe("findPlugin", () => {
    const env = (folder: string) => ({ PATH: path.join(folder, "bin"), PULUMI_HOME: path.join(folder, "home") });

    test("prefers what is installed for Pulumi, in the very version, to what was built", () => {
        const folder = scratchFolder();
        const cache = path.join(folder, "cache");
        script(path.join(folder, "home", "plugins", "resource-random-v4.0.0"), "pulumi-resource-random", "exit 0");
        expect(find.findPlugin(cache, pins.random, env(folder))).toBeUndefined();
        const built = find.places(cache).random.built as string;
        script(built, "pulumi-resource-random", "exit 0");
        expect(find.findPlugin(cache, pins.random, env(folder))).toMatchObject({
            kind: "built from its Go module",
            folder: built,
        });
        const installed = path.join(folder, "home", "plugins", `resource-random-v${pins.random.version}`);
        script(installed, "pulumi-resource-random", "exit 0");
        expect(find.findPlugin(cache, pins.random, env(folder))).toMatchObject({
            kind: "official",
            source: "installed",
            folder: installed,
        });
    });

    test("takes one on PATH, and says that its version is not checked", () => {
        const folder = scratchFolder();
        script(path.join(folder, "bin"), "pulumi-resource-command", "exit 0");
        const found = find.findPlugin(path.join(folder, "cache"), pins.command, env(folder));
        expect(found).toMatchObject({
            kind: "official",
            folder: path.join(folder, "bin"),
            source: expect.stringContaining("not checked"),
        });
    });

    test("a file that cannot be executed is no plugin", () => {
        const folder = scratchFolder();
        const installed = path.join(folder, "home", "plugins", `resource-command-v${pins.command.version}`);
        fs.chmodSync(script(installed, "pulumi-resource-command", "exit 0"), 0o644);
        expect(find.findPlugin(path.join(folder, "cache"), pins.command, env(folder))).toBeUndefined();
    });

    test("the stand-in says what it is", () => {
        expect(find.commandStandIn()).toMatchObject({
            kind: "stand-in",
            source: "testbed/command",
            version: pins.command.version,
        });
    });
});

test("that downloads cannot be reached is believed for a day", () => {
    const cache = scratchFolder();
    const { unreachable } = find.places(cache);
    const hours = 3_600_000;
    expect(find.lastUnreachable(cache)).toBeUndefined();
    fs.writeFileSync(unreachable, JSON.stringify({ at: Date.now() - 23 * hours, reason: "no answer" }));
    expect(find.lastUnreachable(cache)).toBe("no answer");
    fs.writeFileSync(unreachable, JSON.stringify({ at: Date.now() - 25 * hours, reason: "no answer" }));
    expect(find.lastUnreachable(cache)).toBeUndefined();
    fs.writeFileSync(unreachable, "{ half a");
    expect(find.lastUnreachable(cache)).toBeUndefined();
});

describe("what was downloaded before", () => {
    test("is used by its pinned checksum alone", () => {
        const cache = scratchFolder();
        const { official } = find.places(cache).pulumi;
        expect(official).toMatch(/-official-[0-9a-f]{8}$/);
        script(official!.replace(/-[0-9a-f]{8}$/, ""), "pulumi", "exit 0");
        expect(find.findPulumi(cache, { PATH: "/nowhere" })).toBeUndefined();
        script(official!, "pulumi", "exit 0");
        expect(find.findPulumi(cache, { PATH: "/nowhere" })?.kind).toBe("official");
    });
});
