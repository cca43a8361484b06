// The command as it is called: in a checkout of a few files, with an npm and a Go that only pretend to install and to
// build.

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { engines } from "../../../package.json";
import { scratchFolder, script } from "./scratch";

const root = path.join(__dirname, "..", "..", "..");
const { tooOld } = require("../../../build/nodeVersion.cjs") as { tooOld(): string | undefined };
const pins = require("../../../testbed/bootstrap/pins.cjs") as {
    node: { packages: Record<string, string> };
};

interface Checkout {
    folder: string;
    env: NodeJS.ProcessEnv;
    /** The calls of npm and Go so far. */
    calls(): string[];
}

/** A checkout without node_modules, and a machine with npm and Go. `go`: what its build does, instead of succeeding. */
function checkout(go = ""): Checkout {
    const folder = scratchFolder();
    const checkedOut = path.join(folder, "checkout");
    fs.cpSync(path.join(root, "testbed", "bootstrap"), path.join(checkedOut, "testbed", "bootstrap"), {
        recursive: true,
    });
    fs.cpSync(path.join(root, "testbed", "toolchain"), path.join(checkedOut, "testbed", "toolchain"), {
        recursive: true,
    });
    fs.writeFileSync(path.join(checkedOut, "package.json"), JSON.stringify({ name: "zot-hardening", engines }));
    fs.writeFileSync(path.join(checkedOut, "package-lock.json"), JSON.stringify({ packages: {} }));
    // What is run in the end: it shows what it was given.
    fs.mkdirSync(path.join(checkedOut, "build"));
    fs.copyFileSync(path.join(root, "build", "nodeVersion.cjs"), path.join(checkedOut, "build", "nodeVersion.cjs"));
    fs.writeFileSync(
        path.join(checkedOut, "build", "run.cjs"),
        `const [program, ...args] = process.argv.slice(2);
        const { PATH, PULUMI_SKIP_UPDATE_CHECK, ZOT_HARDENING_TOOLCHAIN, ZOT, PULUMI_COMMAND_PLUGIN } = process.env;
        const toolchain = JSON.parse(require("node:fs").readFileSync(ZOT_HARDENING_TOOLCHAIN, "utf8"));
        console.log(JSON.stringify({ program, args, PATH, PULUMI_SKIP_UPDATE_CHECK, ZOT, PULUMI_COMMAND_PLUGIN, toolchain }));
        process.exitCode = Number(args[0] ?? 0);`,
    );
    const bin = path.join(folder, "bin");
    const journal = path.join(folder, "calls");
    // Run by an old Node, the command installs the npm package with a newer one first.
    const packages = Object.values(pins.node.packages).map((name) => `node_modules/${name}`);
    script(
        bin,
        "npm",
        `echo "npm $1" >>${journal}
        mkdir -p node_modules
        for folder in ${packages.join(" ")}; do
            mkdir -p $folder/bin && ln -sf ${process.execPath} $folder/bin/node && echo '{"version":"24.0.0"}' >$folder/package.json
        done`,
    );
    script(
        bin,
        "go",
        `case $1 in
            version) echo "go version go1.26.0 linux/amd64";;
            build)
                echo "go build in $(basename "$PWD")" >>${journal}
                ${go || ":"}
                while [ "$1" != -o ]; do shift; done
                printf '#!/bin/sh\\n' >"$2" && chmod 755 "$2";;
        esac`,
    );
    const env = {
        PATH: `${bin}:/usr/bin:/bin`,
        HOME: folder,
        PULUMI_HOME: path.join(folder, "home"),
        ZOT_HARDENING_CACHE: path.join(folder, "cache"),
        ZOT_HARDENING_DOWNLOADS: "off",
    };
    const calls = () => (fs.existsSync(journal) ? fs.readFileSync(journal, "utf8").trim().split("\n").sort() : []);
    return { folder: checkedOut, env, calls };
}

interface Ended {
    exitCode: number | null;
    stdout: string;
    stderr: string;
}

jest.setTimeout(30_000);

const children: ChildProcess[] = [];
afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGTERM");
});

function start({ folder, env }: Checkout, args: string[]): { child: ChildProcess; ended: Promise<Ended> } {
    const file = path.join(folder, "testbed", "bootstrap", "run.cjs");
    const child = spawn(process.execPath, [file, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
    children.push(child);
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = new Promise<Ended>((resolve) =>
        child.on("close", (exitCode) => resolve({ exitCode, stdout, stderr })),
    );
    return { child, ended };
}

const run = (checkedOut: Checkout, args: string[]) => start(checkedOut, args).ended;

const oldNode = tooOld() !== undefined;
const everything = ["go build in pulumi", "go build in random", "npm ci", ...(oldNode ? ["npm ci"] : [])];

test("the first run installs what is missing and runs the command, the second only runs it", async () => {
    const checkedOut = checkout();
    const first = await run(checkedOut, ["demo", "0", "--json"]);
    expect(first).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("Installing what is missing") });
    expect(checkedOut.calls()).toEqual(everything);

    const second = await run(checkedOut, ["demo", "0", "--json"]);
    expect(second).toMatchObject({ exitCode: 0, stderr: "" });
    expect(checkedOut.calls()).toEqual(everything);
    // Standard output is the command's own.
    const given = JSON.parse(second.stdout);
    expect(given).toEqual(JSON.parse(first.stdout));
    expect(given).toMatchObject({
        program: "testbed/commands/demo.ts",
        args: ["0", "--json"],
        PULUMI_SKIP_UPDATE_CHECK: "true",
    });
    expect(given.toolchain).toMatchObject({
        pulumi: { kind: "built from its Go module", languageHost: false },
        plugins: { random: { kind: "built from its Go module" }, command: { kind: "stand-in" } },
    });
    const [bin = ""] = given.PATH.split(":");
    expect(fs.readdirSync(bin).sort()).toEqual(["node", "pulumi"]);
    expect(fs.realpathSync(path.join(bin, "pulumi"))).toBe(fs.realpathSync(given.toolchain.pulumi.path));
});

test("the command's exit code is ours", async () => {
    expect((await run(checkout(), ["bench", "7"])).exitCode).toBe(7);
});

test("two commands at once install once, and both run", async () => {
    const checkedOut = checkout("sleep 0.3");
    const both = await Promise.all([run(checkedOut, ["demo"]), run(checkedOut, ["bench"])]);
    expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect(checkedOut.calls()).toEqual(everything);
    expect(both.map(({ stdout }) => JSON.parse(stdout).program)).toEqual([
        "testbed/commands/demo.ts",
        "testbed/commands/bench.ts",
    ]);
});

test("a failed build ends the rest and shows what was said, where all of it is, and no stack trace", async () => {
    const checkedOut = checkout(`echo 'sdk/x.go:1: undefined: y' >&2; exit 1`);
    const { exitCode, stderr } = await run(checkedOut, ["demo"]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("go build of the Pulumi CLI failed");
    expect(stderr).toContain("    sdk/x.go:1: undefined: y");
    expect(stderr).toMatch(/All of it: .*Pulumi-CLI\.log/);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(fs.readdirSync(checkedOut.env.ZOT_HARDENING_CACHE as string)).not.toContain("lock");
});

describe("Go, where something has to be built,", () => {
    const { findGo } = require("../../../testbed/bootstrap/install.cjs") as {
        findGo(env: NodeJS.ProcessEnv, why: string, usual: string[]): string;
    };
    const why = "The Pulumi CLI 3.259.0 is not installed and cannot be downloaded (no answer)";

    test("is taken from PATH, else from where its installers put it", () => {
        const folder = scratchFolder();
        const usual = script(path.join(folder, "usual"), "go", "echo go version go1.26.0 linux/amd64");
        expect(findGo({ PATH: folder }, why, [usual])).toBe(usual);
        const there = script(folder, "go", "echo go version go1.21.3 linux/amd64");
        expect(findGo({ PATH: folder }, why, [usual])).toBe(there);
    });
    test("is asked for where there is none", () => {
        expect(() => findGo({ PATH: scratchFolder() }, why, [])).toThrow(
            `${why}. It can be built, but Go is not on PATH. ` +
                "Install Go (https://go.dev/dl) or Pulumi (https://www.pulumi.com/docs/install) and run the " +
                "command again.",
        );
    });
    test("must be able to read our go.mod", () => {
        const folder = scratchFolder();
        script(folder, "go", "echo go version go1.20.14 linux/amd64");
        expect(() => findGo({ PATH: folder }, why, [])).toThrow(`${folder}/go is older than Go 1.21`);
    });
});

test.each(["SIGINT", "SIGTERM"] as const)(
    "%s while it installs ends the builds, gives the lock back and leaves no half of anything",
    async (signal) => {
        const checkedOut = checkout("echo $$ >$HOME/building; sleep 60");
        const { child, ended } = start(checkedOut, ["demo"]);
        const building = path.join(checkedOut.env.HOME as string, "building");
        while (!fs.existsSync(building) || fs.readFileSync(building, "utf8") === "")
            await new Promise((resolve) => setTimeout(resolve, 20));
        child.kill(signal);
        expect(await ended).toMatchObject({
            exitCode: signal === "SIGINT" ? 130 : 143,
            stderr: expect.stringContaining("Stopped."),
        });
        expect(() => process.kill(Number(fs.readFileSync(building, "utf8")), 0)).toThrow("ESRCH");
        // Node, where it was needed, may have been complete by then.
        const left = fs
            .readdirSync(checkedOut.env.ZOT_HARDENING_CACHE as string)
            .filter((name) => !name.startsWith("node-"));
        expect(left).toEqual(["logs"]);
    },
);

test("a signal to a running command reaches it, and its exit code is passed on", async () => {
    const checkedOut = checkout();
    fs.writeFileSync(
        path.join(checkedOut.folder, "build", "run.cjs"),
        `process.on("SIGTERM", () => { console.log("cleaned up"); process.exit(5); }); ` +
            `console.log("running"); setInterval(() => undefined, 1000);`,
    );
    const { child, ended } = start(checkedOut, ["demo"]);
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ exitCode: 5, stdout: "running\ncleaned up\n" });
});

test("an unknown command is answered with those there are", async () => {
    const { exitCode, stderr } = await run(checkout(), ["destroy"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("demo|bench|clients|contract|faults|forges|pictures|race|test");
});

describe("zot's release, named by its checksum", () => {
    const release = Buffer.from("#!/bin/sh\necho a zot\n");
    const sha256 = createHash("sha256").update(release).digest("hex");
    const servers: http.Server[] = [];
    afterEach(() => {
        for (const server of servers.splice(0)) server.close();
    });

    /** A checkout in which all else is installed, and an origin on loopback. */
    async function complete(): Promise<{ checkedOut: Checkout; asked: string[] }> {
        const checkedOut = checkout();
        await run(checkedOut, ["demo", "0"]);
        const asked: string[] = [];
        const server = http.createServer((request, response) => {
            asked.push(request.url ?? "");
            response.end(release);
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        servers.push(server);
        const { port } = server.address() as AddressInfo;
        Object.assign(checkedOut.env, {
            ZOT_HARDENING_DOWNLOADS: "",
            ZOT_URL: `http://127.0.0.1:${port}/zot-linux-amd64`,
            ZOT_SHA256: sha256,
        });
        return { checkedOut, asked };
    }

    test("is fetched once, and given to the command as ZOT", async () => {
        const { checkedOut, asked } = await complete();
        for (let index = 0; index < 2; index++) {
            const { stdout, exitCode } = await run(checkedOut, ["contract", "0"]);
            expect(exitCode).toBe(0);
            const { ZOT, program } = JSON.parse(stdout) as { ZOT: string; program: string };
            expect(program).toBe("testbed/commands/contract.ts");
            expect(fs.readFileSync(ZOT)).toEqual(release);
            expect(fs.statSync(ZOT).mode & 0o777).toBe(0o755);
            expect(ZOT).toContain(`-official-${sha256.slice(0, 8)}/`);
        }
        expect(asked).toEqual(["/zot-linux-amd64"]);
    });

    test("with another content is not run: the stand-in goes on, and says why", async () => {
        const { checkedOut } = await complete();
        checkedOut.env.ZOT_SHA256 = "0".repeat(64);
        const { stdout, stderr, exitCode } = await run(checkedOut, ["demo", "0"]);
        expect(exitCode).toBe(0);
        expect(stderr).toMatch(
            new RegExp(`zot: not downloaded: zot-linux-amd64 has the sha256 ${sha256}, pinned is 0{64}`),
        );
        expect(stderr).toContain("zot is a stand-in, testbed/zot.");
        expect((JSON.parse(stdout) as { ZOT?: string }).ZOT).toBeUndefined();
    });

    test("where stand-ins are refused, each that would be used is named, and nothing runs", async () => {
        const { checkedOut } = await complete();
        Object.assign(checkedOut.env, { ZOT_SHA256: "0".repeat(64), ZOT_HARDENING_PARTS: "real" });
        const { stdout, stderr, exitCode } = await run(checkedOut, ["contract", "0"]);
        expect([exitCode, stdout]).toEqual([1, ""]);
        expect(stderr).toMatch(
            /ZOT_HARDENING_PARTS is real, and these are stand-ins:\n {2}- zot: .*\n {2}- Authentik: .*\n {2}- the plugin command: /,
        );
    });
});
