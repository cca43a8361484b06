/** npm run rotate, with a Pulumi and an npm that note how they were called. */
import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { leakedKey } from "../../cli/rotate/secrets";

const root = path.resolve(__dirname, "../..");
const { compiled } = require("../../build/compile.cjs") as { compiled: (source: string) => string };
const STACK_FILE = "Pulumi.prod.yaml";
/** A comment, which a setting that comes and goes leaves where it is. */
const SETTINGS = "config:\n  # of this site\n  zot-hardening:registry: {url: https://registry.example.org}\n";
const KEY_ALONE = "--target **zot:index/apiKey:ApiKey::registry --yes";

let folder: string;
beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "zot-hardening-rotate-"));
    fs.copyFileSync(path.join(root, "Pulumi.yaml"), path.join(folder, "Pulumi.yaml"));
    fs.mkdirSync(path.join(folder, "bin"));
    // `config set` writes into the stack's file; every other call notes what that file holds at the time.
    const calls = path.join(folder, "calls");
    program(
        "pulumi",
        `if [ "$1" = config ]; then echo "  zot-hardening:ci: {set: $6 $7}" >>${STACK_FILE}; exit; fi\n` +
            `printf 'pulumi %s|%s|%s\\n' "$*" "$(grep -c 'set:' ${STACK_FILE})" "\${FORGE_TOKEN-}" >>'${calls}'\n` +
            `eval "\${IN_UP-}"`,
    );
    program("npm", `printf 'npm %s|%s\\n' "$*" "\${FORGE_TOKEN-}" >>'${calls}'\neval "\${IN_NPM-}"`);
    fs.writeFileSync(path.join(folder, STACK_FILE), SETTINGS);
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

function program(name: string, script: string): void {
    fs.writeFileSync(path.join(folder, "bin", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

const stackFile = () => fs.readFileSync(path.join(folder, STACK_FILE), "utf8");
const handsOver = () =>
    fs.appendFileSync(path.join(folder, STACK_FILE), "  zot-hardening:ciSecrets: {store: dotenv, file: ci.env}\n");
const calls = () => {
    const file = path.join(folder, "calls");
    return fs.existsSync(file) ? fs.readFileSync(file, "utf8").trimEnd().split("\n") : [];
};
const environment = (more: Record<string, string>) => ({
    PATH: `${path.join(folder, "bin")}:${process.env.PATH}`,
    FORGE_TOKEN: "canary",
    ...more,
});

function rotate(args: string[], more: Record<string, string> = {}) {
    return spawnSync(process.execPath, [compiled("cli/rotate.ts"), "--stack", "prod", ...args], {
        cwd: folder,
        encoding: "utf8",
        env: environment(more),
    });
}

test("CI's key: due for one update, which touches nothing else; then the file is as it was, to the byte", () => {
    const { status, stderr } = rotate([]);
    expect(status).toBe(0);
    expect(calls()).toEqual([
        `pulumi up --stack prod ${KEY_ALONE}|1|`,
        // In the second the setting is gone, and so is the key's difference.
        `pulumi up --stack prod ${KEY_ALONE}|0|`,
    ]);
    expect(stackFile()).toBe(SETTINGS);
    expect(stderr).toContain("pulumi stack output ciApiKey");
});

test("it is handed over where the stack says where to, and that this can be done is asked before", () => {
    handsOver();
    expect(rotate([]).status).toBe(0);
    expect(calls()).toEqual([
        "npm run --silent ci-secrets -- --stack prod --dry-run|canary",
        expect.stringMatching(/^pulumi up/),
        expect.stringMatching(/^pulumi up/),
        "npm run --silent ci-secrets -- --stack prod|canary",
    ]);
});

test("where it could not be handed over, nothing is rotated", () => {
    handsOver();
    const before = stackFile();
    const { status, stderr } = rotate(["--leaked"], { IN_NPM: "exit 1" });
    expect(status).toBe(1);
    expect(stderr).toContain("nothing was rotated");
    expect(calls().filter((call) => call.startsWith("pulumi"))).toEqual([]);
    expect(stackFile()).toBe(before);
});

test("an update that fails leaves the stack's file as it was, and hands nothing over", () => {
    handsOver();
    const before = stackFile();
    const { status, stderr } = rotate([], { IN_UP: "exit 255" });
    expect(status).toBe(1);
    expect(stderr).toContain("pulumi up ended with 255; its output above says why.");
    expect(stackFile()).toBe(before);
    expect(calls()).toHaveLength(2);
});

test("what somebody writes into the file meanwhile stays, and the rest is told", () => {
    const { status, stderr } = rotate([], { IN_UP: `echo '  # mine' >>${STACK_FILE}` });
    expect(status).toBe(1);
    expect(stderr).toMatch(/was changed while the update ran, and is left as it is: remove ci\.keyRotateAfter/);
    expect(stackFile()).toContain("# mine");
});

test("Ctrl-C: the update ends first, then the file is as it was", async () => {
    const child = spawn(process.execPath, [compiled("cli/rotate.ts"), "--stack", "prod"], {
        cwd: folder,
        env: environment({ IN_UP: "trap 'echo ended >>calls; exit 1' INT; touch started; sleep 60 & wait" }),
        // A group of its own, as a terminal's foreground has one.
        detached: true,
        stdio: "ignore",
    });
    const started = path.join(folder, "started");
    while (!fs.existsSync(started)) await new Promise((resolve) => setTimeout(resolve, 20));
    const ended = new Promise((resolve) => child.on("close", resolve));
    process.kill(-child.pid!, "SIGINT");
    expect(await ended).toBe(130);
    expect(calls().at(-1)).toBe("ended");
    expect(stackFile()).toBe(SETTINGS);
});

test("a key that has leaked: the generation is one more, stays, and is to be committed", () => {
    const { status, stderr } = rotate(["--leaked"]);
    expect(stderr).toMatch(
        /^Rotating CI's key of the stack prod, which has leaked: every other key of CI's user ends at once\.$/m,
    );
    expect(status).toBe(0);
    expect(stackFile()).toBe(`${SETTINGS}  zot-hardening:ci: {set: ci.keyGeneration 1}\n`);
    expect(calls()).toEqual([`pulumi up --stack prod ${KEY_ALONE}|1|`]);
    expect(stderr).toContain("Commit Pulumi.prod.yaml");
    expect(leakedKey(4).kept).toEqual({ "ci.keyGeneration": "5" });
});

test.each([
    ["client-secret", "**RandomPassword::registry"],
    ["session-keys", "**RandomPassword::registry-session-*"],
])("%s: Pulumi asks, since the whole stack is updated; --yes answers", (secret, pattern) => {
    expect(rotate(["--secret", secret]).status).toBe(0);
    expect(rotate(["--secret", secret, "--yes"]).status).toBe(0);
    expect(calls()).toEqual([
        `pulumi up --stack prod --replace ${pattern}|0|`,
        `pulumi up --stack prod --replace ${pattern} --yes|0|`,
    ]);
    expect(stackFile()).toBe(SETTINGS);
});

describe("the key of a further identity of CI", () => {
    const entry = "{user: zot-charts, group: charts-ci, repositories: ['charts/**'], keyGeneration: 2";
    const withEntry = (more = "}") => `config:\n  zot-hardening:ci:\n    workloads:\n      charts: ${entry}${more}\n`;
    const CHARTS_ALONE = "--target **zot:index/apiKey:ApiKey::registry-charts --yes";

    test("is replaced alone, and handed over where its own settings say", () => {
        const secrets = ", secrets: {store: dotenv, file: charts.env}}";
        fs.writeFileSync(path.join(folder, STACK_FILE), withEntry(secrets));
        const { status, stderr } = rotate(["--workload", "charts"]);
        expect([status, stderr]).toEqual([0, expect.stringContaining("the key of CI's identity charts")]);
        expect(calls()).toEqual([
            "npm run --silent ci-secrets -- --stack prod --workload charts --dry-run|canary",
            `pulumi up --stack prod ${CHARTS_ALONE}|1|`,
            `pulumi up --stack prod ${CHARTS_ALONE}|0|`,
            "npm run --silent ci-secrets -- --stack prod --workload charts|canary",
        ]);
        expect(stackFile()).toBe(withEntry(secrets));
    });

    test("has a generation of its own, for when it has leaked; without a place it stays in the outputs", () => {
        fs.writeFileSync(path.join(folder, STACK_FILE), withEntry());
        handsOver();
        const { status, stderr } = rotate(["--workload", "charts", "--leaked"]);
        expect(status).toBe(0);
        expect(stackFile()).toContain("{set: ci.workloads.charts.keyGeneration 3}");
        expect(calls()).toEqual([`pulumi up --stack prod ${CHARTS_ALONE}|1|`]);
        expect(stderr).toContain("pulumi stack output workloadApiKeys");
    });

    test("of a name that is none is refused, with those that are", () => {
        fs.writeFileSync(path.join(folder, STACK_FILE), withEntry());
        const { status, stderr } = rotate(["--workload", "chart"]);
        expect([status, calls()]).toEqual([1, []]);
        expect(stderr).toContain('There is no identity of CI called "chart"; there are ci, charts');
        expect(rotate(["--workload", "charts", "--secret", "client-secret"]).status).toBe(2);
    });
});

test("--leaked is about CI's key alone", () => {
    const { status, stderr } = rotate(["--leaked", "--secret", "session-keys"]);
    expect([status, calls()]).toEqual([2, []]);
    expect(stderr).toContain("--leaked only applies to CI's key.");
});
