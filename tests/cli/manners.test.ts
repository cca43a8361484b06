/** What every command has in common, for each file of cli/ and testbed/commands/. */
import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { transformSync } from "esbuild";
import { busy } from "../../cli/shared/command";

const root = path.resolve(__dirname, "../..");
const { compiled } = require("../../build/compile.cjs") as { compiled: (source: string) => string };
const SOURCES = new Map(
    ["cli", "testbed/commands"].flatMap((folder) =>
        fs
            .readdirSync(path.join(root, folder))
            .flatMap((file) => (file.endsWith(".ts") ? [[file.slice(0, -3), `${folder}/${file}`] as const] : [])),
    ),
);
const NAMES = [...SOURCES.keys()].sort();
const NEEDED: Record<string, string[]> = {
    review: ["--base", "HEAD"],
    keys: ["--from", "meta.db"],
    "move-metadata": ["--from", "meta.db"],
};
const scripts = (
    JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as { scripts: Record<string, string> }
).scripts;
const documented = new Map(
    [...fs.readFileSync(path.join(root, "docs/commands.md"), "utf8").matchAll(/^\| `([\w-]+)` \| (.+) \|$/gm)].map(
        ([, name, codes]) => [name!, codes!],
    ),
);

jest.setTimeout(120_000);

function run(name: string, args: string[]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [compiled(SOURCES.get(name)!), ...args], {
        cwd: root,
        encoding: "utf8",
        timeout: 60_000,
        env: { PATH: process.env.PATH, FORCE_COLOR: "1" },
    });
    return { status, stdout, stderr };
}

test("each is a script of package.json and a line of docs/commands.md", () => {
    // By its own source, or by what installs the tools first and runs a command by its name.
    expect(
        NAMES.filter(
            (name) =>
                ![`node build/run.cjs ${SOURCES.get(name)}`, `node testbed/bootstrap/run.cjs ${name}`].includes(
                    scripts[name]!,
                ),
        ),
    ).toEqual([]);
    expect([...documented.keys()].sort()).toEqual([...NAMES].sort());
});

test("what an operator's command prints goes by the one way that keeps a terminal from obeying it", () => {
    const around = [...SOURCES.values()]
        .filter((file) => file.startsWith("cli/"))
        .flatMap((file) => {
            const source = fs.readFileSync(path.join(root, file), "utf8");
            return [...source.matchAll(/std(?:out|err)\.write\((.*)/g)].map(([, what]) => `${file}: ${what}`);
        });
    expect(around).toEqual(["cli/review.ts: dataAsJson(process.argv[3]!, process.argv[4]!));"]);
});

describe.each(NAMES)("npm run %s", (name) => {
    test("explains itself, with an example and its exit codes, which are as documented", () => {
        const { status, stdout, stderr } = run(name, ["--help"]);
        expect([status, stderr]).toEqual([0, ""]);
        expect(stdout).toMatch(new RegExp(`^Usage: npm run ${name}\\b`));
        expect(stdout).toMatch(new RegExp(`\\nExample:\\n {2}.*npm run (--silent )?${name}\\b`));
        const [, codes] = /^Exit code: ([\s\S]+?)\.$/m.exec(stdout) ?? [];
        expect(codes?.replace(/\s+/g, " ")).toBe(documented.get(name));
        expect(stdout).not.toMatch(/\u001b/);
    });

    test.each([
        ["an unknown option", "--no-such-option"],
        ["an argument too many", "no-such-argument"],
    ])("answers %s in a sentence, with exit code 2", (_what, argument) => {
        const { status, stdout, stderr } = run(name, [...(NEEDED[name] ?? []), argument]);
        expect([status, stdout]).toEqual([2, ""]);
        expect(stderr).toMatch(/^error: [^\n]+\n(\(Did you mean [^\n]+\n)?\(add --help for more\)\n$/);
    });
});

describe.each(["config", "matrix", "verify", "ci-secrets", "authentik-token", "adopt"])("npm run %s", (name) => {
    test("says that there is no such stack, and which there are", () => {
        const { status, stdout, stderr } = run(name, ["--stack", "prdo"]);
        expect(stdout).toBe("");
        expect(status).toBe(name === "verify" ? 2 : 1);
        expect(stderr).toMatch(
            /^There is no stack "prdo": .*Pulumi\.prdo\.yaml does not exist\. Stacks with a file here: .*prod.*\.\n$/,
        );
    });
});

test.each([
    ["config", ["--stack", "prod", "--from", "/no/such/file"]],
    ["ci-secrets", ["--stack", "prod", "--from", "/no/such/file"]],
])("npm run %s: a file that is missing is named", (name, args) => {
    const { status, stdout, stderr } = run(name, args);
    expect([1, 2]).toContain(status);
    expect(stdout).toBe("");
    expect(stderr).toContain("/no/such/file");
    expect(stderr).not.toMatch(/^\s+at /m);
});

describe("standard output that cannot be written", () => {
    let unwritable: number;
    beforeAll(() => (unwritable = fs.openSync(__filename, "r")));
    afterAll(() => fs.closeSync(unwritable));
    const lost =
        /^Standard output cannot be written \([A-Z]+\), so the output of this command is lost or incomplete\.\n$/;
    const into = (stdout: number, name: string, args: string[]) => {
        const { status, stderr } = spawnSync(process.execPath, [compiled(SOURCES.get(name)!), ...args], {
            cwd: root,
            encoding: "utf8",
            timeout: 60_000,
            stdio: ["ignore", stdout, "pipe"],
        });
        return { status, stderr };
    };

    test.each([
        ["matrix", ["--stack", "prod"], 1],
        ["config", ["--stack", "prod"], 1],
        // 1 is a weakness of the registry here, and 2 a mistake of the person.
        ["verify", ["--list"], 3],
        // Ends at once after it has printed.
        ["matrix", ["--help"], 1],
    ])("npm run %s %j says so in a sentence, and ends with exit code %d", (name, args, code) => {
        expect(into(unwritable, name, args)).toEqual({ status: code, stderr: expect.stringMatching(lost) });
    });

    test("is no matter to what prints nothing there", () => {
        expect(into(unwritable, "matrix", ["--stack", "prdo"])).toEqual({
            status: 1,
            stderr: expect.stringMatching(/^There is no stack "prdo": [^\n]+\n$/),
        });
    });

    test.each([
        ["matrix", "stdout", "stderr", ["--stack", "prod"], 0],
        ["verify", "stderr", "stdout", ["--stack", "prdo"], 2],
    ] as const)("npm run %s: a reader of %s that went away is no failure", async (name, gone, other, args, code) => {
        const child = spawn(process.execPath, [compiled(SOURCES.get(name)!), ...args], { cwd: root });
        child[gone].destroy();
        let said = "";
        child[other].on("data", (chunk) => (said += chunk));
        expect(await new Promise((resolve) => child.once("close", resolve))).toBe(code);
        expect(said).toBe("");
    });
});

describe("what takes long", () => {
    beforeEach(() => void jest.useFakeTimers());
    afterEach(() => void jest.useRealTimers());

    test("is told on a terminal after two seconds, and elsewhere, where nobody waits for it, after ten", () => {
        const told: string[] = [];
        busy("Asking one", { isTTY: true, write: (text) => told.push(text) });
        jest.advanceTimersByTime(1900);
        busy("Asking another", { isTTY: true, write: (text) => told.push(text) });
        jest.advanceTimersByTime(1900);
        expect(told).toEqual([]);
        jest.advanceTimersByTime(200);
        expect(told).toEqual(["Asking another …\n"]);
        busy("Asking a file", { write: (text) => told.push(text) });
        jest.advanceTimersByTime(5000);
        expect(told).toHaveLength(1);
        jest.advanceTimersByTime(5000);
        expect(told).toEqual(["Asking another …\n", "Asking a file …\n"]);
        jest.advanceTimersByTime(60_000);
        expect(told).toHaveLength(2);
    });
});

describe("a signal to end", () => {
    let folder: string;
    beforeAll(() => {
        folder = fs.mkdtempSync(path.join(os.tmpdir(), "manners-test-"));
        fs.writeFileSync(
            path.join(folder, "interrupt.cjs"),
            transformSync(fs.readFileSync(path.join(root, "cli/shared/interrupt.ts"), "utf8"), {
                loader: "ts",
                format: "cjs",
            }).code,
        );
    });
    afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

    test.each([
        ["SIGINT", 130],
        ["SIGTERM", 143],
        ["SIGHUP", 129],
    ] as const)(
        "%s: cleaned up once, although a library would end the process at once, and exit code %d",
        async (signal, code) => {
            const made = path.join(folder, signal);
            const program = `
            const fs = require("node:fs");
            const { onInterrupt } = require(${JSON.stringify(path.join(folder, "interrupt.cjs"))});
            fs.writeFileSync(${JSON.stringify(made)}, "");
            onInterrupt(async () => { await new Promise((resolve) => setTimeout(resolve, 200)); fs.unlinkSync(${JSON.stringify(made)}); });
            // As signal-exit does, which the Automation API brings along.
            process.on("${signal}", function library() { if (process.listenerCount("${signal}") === 1) { process.removeListener("${signal}", library); process.kill(process.pid, "${signal}"); } });
            setInterval(() => {}, 1000);
            console.log("ready");`;
            const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
            await new Promise((resolve) => child.stdout.once("data", resolve));
            child.kill(signal);
            setTimeout(() => child.kill(signal), 50);
            expect(
                await new Promise((resolve) => child.once("exit", (exitCode, by) => resolve([exitCode, by]))),
            ).toEqual([code, null]);
            expect(fs.existsSync(made)).toBe(false);
        },
    );

    test("that a child got as well is no failure of the review", () => {
        const bin = path.join(folder, "bin");
        fs.mkdirSync(bin);
        const git = spawnSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).stdout.trim();
        fs.writeFileSync(
            path.join(bin, "git"),
            `#!/bin/sh\ncase "$1" in read-tree | ls-tree) kill -INT $$ ;; esac\nexec '${git}' "$@"\n`,
            { mode: 0o755 },
        );
        const before = fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith("zot-hardening-review-"));
        const { status, stdout, stderr } = spawnSync(process.execPath, [compiled("cli/review.ts"), "--base", "HEAD"], {
            cwd: root,
            encoding: "utf8",
            env: { PATH: `${bin}:${process.env.PATH}` },
        });
        expect([status, stdout, stderr]).toEqual([130, "", ""]);
        expect(
            fs
                .readdirSync(os.tmpdir())
                .filter((name) => name.startsWith("zot-hardening-review-") && !before.includes(name)),
        ).toEqual([]);
    });
});
