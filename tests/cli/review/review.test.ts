/** npm run review on commits of a scratch repository that holds the project's own code. */
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { stringify } from "yaml";

const root = path.resolve(__dirname, "../../..");
const { compiled } = require("../../../build/compile.cjs") as { compiled: (source: string) => string };
const program = compiled("cli/review.ts");
const PARTS = [
    "build",
    "cli",
    "clients",
    "components",
    "host",
    "index.ts",
    "package.json",
    "Pulumi.yaml",
    "testbed/bootstrap",
];
const CI = "CI (group `artifact-workloads`)";

const site = { url: "https://registry.example.org" };
const group = (name: string) => `zot-hardening:${name}`;
const stackFile = (changes: Record<string, Record<string, unknown>> = {}) => {
    const groups: Record<string, Record<string, unknown>> = {
        registry: site,
        zot: {
            binary: "/usr/local/bin/zot",
            configFile: "/etc/zot/config.json",
            rootDirectory: "/var/lib/zot",
            mirrors: [{ url: "https://ghcr.io", prefix: "ghcr.io" }],
        },
        access: { ciRepositories: ["team/**"] },
        identity: { issuer: "https://authentik.example.org/application/o/zot/" },
        host: { user: "zot", address: "registry-host.example.org" },
    };
    for (const [name, members] of Object.entries(changes)) groups[name] = { ...groups[name], ...members };
    return stringify({
        config: Object.fromEntries(Object.entries(groups).map(([name, members]) => [group(name), members])),
    });
};

let folder: string;
let base: string;
const file = (name: string) => path.join(folder, name);
const git = (...args: string[]) =>
    execFileSync(
        "git",
        ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false", ...args],
        { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
    ).trim();
const commit = () => {
    git("add", "--all");
    git("commit", "--quiet", "--message", "change");
    return git("rev-parse", "HEAD");
};
const edit = (name: string, change: (text: string) => string) => {
    const before = fs.readFileSync(file(name), "utf8");
    const after = change(before);
    if (after === before) throw new Error(`nothing to change in ${name}`);
    fs.writeFileSync(file(name), after);
};
const write = (name: string, text: string) => {
    fs.mkdirSync(path.dirname(file(name)), { recursive: true });
    fs.writeFileSync(file(name), text);
};

function review(...args: string[]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
        cwd: folder,
        encoding: "utf8",
        timeout: 120_000,
        env: { PATH: process.env.PATH, CANARY: "canary-of-the-environment" },
    });
    return { status, stdout, stderr, lines: stdout.split("\n") };
}

jest.setTimeout(240_000);
beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "review-test-"));
    for (const part of PARTS) fs.cpSync(path.join(root, part), file(part), { recursive: true });
    fs.writeFileSync(file(".gitignore"), "node_modules\ndist/\n");
    fs.writeFileSync(file("Pulumi.site.yaml"), stackFile());
    fs.symlinkSync(path.join(root, "node_modules"), file("node_modules"), "dir");
    git("init", "--quiet", "--initial-branch=main");
    base = commit();
});
afterEach(() => {
    git("checkout", "--quiet", "--force", "main");
    git("reset", "--quiet", "--hard", base);
    git("clean", "--quiet", "--force", "-d");
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

test("a change that widens CI's rights is in the first three lines, and may end in an exit code", () => {
    fs.writeFileSync(
        file("Pulumi.site.yaml"),
        stackFile({ access: { ciRepositories: ["team/**", "tools/**"], rules: { "team/base/**": { ci: ["read"] } } } }),
    );
    const { status, lines, stdout, stderr } = review("--base", "main", "--fail-on-widening");
    expect([status, stderr]).toEqual([4, ""]);
    expect(lines.slice(0, 3)).toEqual([
        `# Rights widen: ${CI}`,
        `- **WIDER** \`site\`: ${CI} gains create on \`tools/**\``,
        `- narrower \`site\`: ${CI} loses create on \`team/base/**\``,
    ]);
    expect(stdout).toContain('| `access.ciRepositories` | `["team/**"]` | `["team/**","tools/**"]` |');
    expect(stdout).toContain("| `tools/**` | group artifact-workloads | yes | yes | – | – |");
    expect(stdout).toContain('+        "tools/**": {');
    expect(stdout).not.toContain("the code changes");
});

test("two commits as JSON; what the base did since is no change of the head", () => {
    fs.writeFileSync(file("Pulumi.site.yaml"), stackFile({ access: { ciRepositories: ["team/app/**"] } }));
    git("checkout", "--quiet", "-b", "head");
    const head = commit();
    git("checkout", "--quiet", "main");
    fs.writeFileSync(file("Pulumi.site.yaml"), stackFile({ access: { adminsMayUpdate: true } }));
    commit();
    const { status, stdout } = review("--base", "main", "--head", "head", "--json", "--fail-on-widening");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
        widens: false,
        head: `head (${head.slice(0, 12)})`,
        notes: ["The head lacks 1 commit of `main`; it is compared with the commit where it parted."],
        stacks: [
            {
                stack: "site",
                status: "changed",
                rights: [{ effect: "narrower", words: `${CI} loses create on \`team/**\`, except \`team/app/**\`` }],
            },
        ],
    });
    git("branch", "--quiet", "-D", "head");
});

test("a change of the code that makes the policy is seen like one of a setting", () => {
    edit("components/accessPolicy.ts", (text) =>
        text.replace(
            'for (const pattern of caches) add(rule(pattern, ["read"]));',
            'for (const pattern of caches) add(rule(pattern, ["read", "create"]));',
        ),
    );
    edit("components/zotConfig/lint.ts", (text) => text.replace("access.ciMayPushToMirrors ? []", "true ? []"));
    const head = commit();
    const { status, lines, stdout } = review("--base", base, "--head", head);
    expect(status).toBe(0);
    expect(lines[1]).toBe(`- **WIDER** \`site\`: ${CI} gains create on \`ghcr.io/**\``);
    expect(lines[2]).toBe("- **READ THIS** the code changes in 2 files, and may do what is not seen here");
    expect(stdout).toContain("- `components/accessPolicy.ts`");

    const { stdout: data } = review("--base", base, "--head", head, "--data-only");
    expect(data).toMatch(/^# Rights may widen: code changes\n/);
    expect(data).toContain("**No code of the head was run**");
});

test("code of the head gets nothing of the environment, and none of it runs with --data-only", () => {
    const witness = path.join(os.tmpdir(), `review-witness-${process.pid}`);
    edit(
        "cli/config.ts",
        (text) =>
            `${text}\nrequire("node:fs").writeFileSync(${JSON.stringify(witness)}, JSON.stringify(process.env));\n`,
    );
    const head = commit();
    expect(review("--base", base, "--head", head, "--data-only").status).toBe(0);
    expect(fs.existsSync(witness)).toBe(false);
    expect(review("--base", base, "--head", head).status).toBe(0);
    const environment = fs.readFileSync(witness, "utf8");
    fs.rmSync(witness);
    expect(environment).not.toContain("canary");
    expect(
        Object.keys(JSON.parse(environment) as object)
            .filter((name) => !name.startsWith("__"))
            .sort(),
    ).toEqual(["HOME", "NO_COLOR", "PATH", "TMPDIR"]);
});

const DECIDES: [what: string, change: () => unknown, file: string][] = [
    [
        "a path in tsconfig.json",
        () => fs.writeFileSync(file("tsconfig.json"), '{"compilerOptions":{"paths":{"*":["./other/*"]}}}'),
        "tsconfig.json",
    ],
    ["npm's configuration", () => fs.writeFileSync(file(".npmrc"), "script-shell=./shell\n"), ".npmrc"],
    ["a workflow", () => write(".github/workflows/review.yml", "on: push\n"), ".github/workflows/review.yml"],
    ["a workflow of another forge", () => write(".gitea/workflows/x.yml", "on: push\n"), ".gitea/workflows/x.yml"],
    ["a script of the workflows", () => write(".github/scripts/review.sh", "true\n"), ".github/scripts/review.sh"],
    ["what git does with files", () => write(".gitattributes", "* filter=x\n"), ".gitattributes"],
    ["a command", () => edit("cli/ci-secrets.ts", (text) => `${text}\n`), "cli/ci-secrets.ts"],
    [
        "a package's file",
        () => edit("package.json", (text) => text.replace('"private": true', '"private": false')),
        "package.json",
    ],
    [
        "the project's file",
        () => edit("Pulumi.yaml", (text) => text.replace("main: build/program.cjs", "main: other.cjs")),
        "Pulumi.yaml",
    ],
    ["a file that nobody knows", () => write("Makefile", "all:\n"), "Makefile"],
    [
        "packages that are committed",
        () => (write("vendor/node_modules/yaml/index.js", ""), git("add", "--force", "vendor")),
        "vendor/node_modules/yaml/index.js",
    ],
    ["a stack's file of another ending", () => write("Pulumi.site.json", "{}"), "Pulumi.site.json"],
    ["a stack's file of an odd name", () => write("Pulumi.a b.yaml", "config: {}\n"), "Pulumi.a b.yaml"],
    ["code among the documents", () => write("docs/run.js", ""), "docs/run.js"],
    ["a document that is a link", () => fs.symlinkSync("cli/review.ts", file("NOTES.md")), "NOTES.md"],
    ["a file that may be run now", () => fs.chmodSync(file("build/run.cjs"), 0o755), "build/run.cjs"],
    [
        "code that is renamed to a document",
        () => fs.renameSync(file("cli/review.ts"), file("notes.md")),
        "cli/review.ts",
    ],
];
test.each(DECIDES)("%s may widen rights, with an exit code", (_what, change, name) => {
    change();
    const head = commit();
    const { status, stdout } = review("--base", base, "--head", head, "--data-only", "--fail-on-widening");
    expect({ status, name: stdout.includes(`- \`${name}\``) }).toEqual({ status: 4, name: true });
    expect(stdout).toMatch(/^# Rights may widen: code changes\n/);
});

test("a submodule may widen rights, also one that asks not to be looked at", () => {
    write(".gitmodules", '[submodule "sub"]\n\tpath = sub\n\turl = https://example.org/sub\n\tignore = all\n');
    git("update-index", "--add", "--cacheinfo", `160000,${base},sub`);
    git("add", ".gitmodules");
    git("commit", "--quiet", "--message", "submodule");
    const { status, stdout } = review(
        "--base",
        base,
        "--head",
        git("rev-parse", "HEAD"),
        "--data-only",
        "--fail-on-widening",
    );
    expect(status).toBe(4);
    expect(stdout).toContain("- `sub` (a submodule)");
});

test("documents, tests and a setting that decides nothing do not", () => {
    write("docs/new.md", "words\n");
    write("tests/new.test.ts", "");
    write("README.md", "words\n");
    fs.writeFileSync(file("Pulumi.site.yaml"), stackFile({ zot: { logLevel: "debug" } }));
    expect(review("--base", base, "--head", commit(), "--data-only", "--fail-on-widening")).toMatchObject({
        status: 0,
        lines: expect.arrayContaining(["# Rights stay as they are; settings or config change"]),
    });
});

test.each([
    [
        "environment: [production]",
        "settings and secrets come from the environments of Pulumi Cloud, which are not seen here: " +
            '`["production"]` instead of nothing',
    ],
    [
        "secretsprovider: awskms://alias/other",
        "the stack's secrets are encrypted by `awskms://alias/other` instead of nothing",
    ],
    ["encryptedkey: canary-key", "the stack's secrets are encrypted with another key (`encryptedkey`)"],
    [
        "encryptionsalt: canary-salt",
        "the stack's secrets are encrypted with another passphrase, or salt (`encryptionsalt`)",
    ],
    ["imports: [other]", 'settings come from elsewhere, which is not seen here: `["other"]` instead of nothing'],
    ["constructor: x", "the key `constructor` of the stack's file, which this review does not know, is another one"],
])("%s of a stack's file is weighed", (line, words) => {
    fs.writeFileSync(file("Pulumi.site.yaml"), `${line}\n${stackFile()}`);
    for (const options of [[], ["--data-only"]]) {
        const { status, stdout } = review("--base", base, "--fail-on-widening", ...options);
        expect(status).toBe(4);
        expect(stdout).toContain(`- **READ THIS** \`site\`: ${words}\n`);
        expect(stdout).not.toContain("canary");
    }
});

test("a project's folder that is a link in the head is not followed, and nothing is removed there", () => {
    const outside = fs.mkdtempSync(path.join(os.tmpdir(), "review-outside-"));
    const project = fs.mkdtempSync(path.join(os.tmpdir(), "review-below-"));
    const own = (...args: string[]) =>
        execFileSync(
            "git",
            ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false", ...args],
            { cwd: project, encoding: "utf8" },
        ).trim();
    try {
        fs.mkdirSync(path.join(outside, "node_modules"));
        fs.writeFileSync(path.join(outside, "node_modules/precious"), "");
        fs.mkdirSync(path.join(project, "sub"));
        fs.cpSync(path.join(root, "Pulumi.yaml"), path.join(project, "sub/Pulumi.yaml"));
        fs.writeFileSync(path.join(project, "sub/Pulumi.site.yaml"), stackFile());
        fs.symlinkSync(path.join(root, "node_modules"), path.join(project, "sub/node_modules"), "dir");
        own("init", "--quiet");
        own("add", "sub/Pulumi.yaml", "sub/Pulumi.site.yaml");
        own("commit", "--quiet", "--message", "base");
        const before = own("rev-parse", "HEAD");
        own("rm", "--quiet", "-r", "--cached", "sub");
        const target = execFileSync("git", ["hash-object", "-w", "--stdin"], {
            cwd: project,
            encoding: "utf8",
            input: outside,
        }).trim();
        own("update-index", "--add", "--cacheinfo", `120000,${target},sub`);
        const tree = own("write-tree");
        const head = own("commit-tree", "-p", before, "-m", "head", tree);
        own("read-tree", before);
        const at = (...args: string[]) =>
            spawnSync(process.execPath, [program, "--base", before, "--head", head, ...args], {
                cwd: path.join(project, "sub"),
                encoding: "utf8",
                env: { PATH: process.env.PATH },
            });
        expect(at()).toMatchObject({
            status: 1,
            stderr: expect.stringContaining("The project's folder sub/ of the commit is a link"),
        });
        const data = at("--data-only", "--fail-on-widening");
        expect(data.status).toBe(4);
        expect(data.stdout).toContain("- `../sub` (a symbolic link)");
        expect(fs.readdirSync(path.join(outside, "node_modules"))).toEqual(["precious"]);
    } finally {
        for (const folder of [outside, project]) fs.rmSync(folder, { recursive: true, force: true });
    }
});

test("secrets are not shown, whether they are encrypted or not", () => {
    fs.writeFileSync(
        file("Pulumi.site.yaml"),
        stackFile({ host: { password: { secure: "canary-cipher" }, privateKeyPassphrase: "canary-plain" } }).replace(
            "config:",
            "config:\n  authentik:token: canary-token\n  other:deployKey: {secure: canary-other}",
        ),
    );
    const { status, stdout, stderr } = review("--base", "main", "--json");
    // Plain secrets are a mistake in the settings.
    expect(status).toBe(1);
    expect(stdout + stderr).not.toContain("canary");
    expect((JSON.parse(stdout) as { stacks: { settings: unknown[] }[] }).stacks[0]!.settings).toEqual(
        ["authentik:token", "host.password", "host.privateKeyPassphrase", "other:deployKey"].map((name) => ({
            name,
            after: "[secret]",
        })),
    );
});

test("a base that cannot render its stacks, a new stack and one that is gone", () => {
    fs.rmSync(file("cli/config.ts"));
    git("rm", "--quiet", "--cached", "cli/config.ts");
    fs.writeFileSync(file("Pulumi.old.yaml"), stackFile());
    const early = commit();
    git("checkout", "--quiet", base, "--", "cli/config.ts");
    fs.renameSync(file("Pulumi.old.yaml"), file("Pulumi.new.yaml"));
    fs.writeFileSync(file("Pulumi.site.yaml"), stackFile({ zot: { metrics: "anonymous", address: "0.0.0.0" } }));
    const { status, lines, stdout } = review("--base", early, "--fail-on-widening");
    expect(status).toBe(4);
    expect(lines[0]).toBe(
        "# Rights widen: anyone without a login gains reading the metrics, " +
            'zot listens on "0.0.0.0" instead of "127.0.0.1"',
    );
    expect(stdout).toContain("- **WIDER** `site`: anyone without a login gains reading the metrics");
    expect(stdout).toContain("- **READ THIS** `new`: the stack is new: read all of its rights");
    expect(stdout).toContain("- **READ THIS** `old`: the stack's file is gone");
    expect(stdout).toContain("The base has no command that renders its stacks");
});

test("a mistake in the head's settings is told, with exit code 1", () => {
    fs.writeFileSync(file("Pulumi.site.yaml"), stackFile({ zot: { port: "```many" } }));
    const { status, stdout } = review("--base", "main");
    expect(status).toBe(1);
    expect(stdout).toMatch(
        /^# Rights may widen: to be read\n- \*\*READ THIS\*\* `site`: the head has no config to compare, see below\n/,
    );
    expect(stdout).toMatch(
        /The head has no config:\n\n````\nThere is a mistake in the settings of Pulumi\.site\.yaml:\n {2}- zot\.port/,
    );
});

test("a stack's file that leads elsewhere is not read", () => {
    fs.rmSync(file("Pulumi.site.yaml"));
    fs.symlinkSync("/etc/passwd", file("Pulumi.site.yaml"));
    const head = commit();
    const { status, stdout } = review("--base", base, "--head", head);
    expect(status).toBe(1);
    expect(stdout).toContain("Pulumi.site.yaml is not a plain file, and is not read.");
    const data = review("--base", base, "--head", head, "--data-only", "--fail-on-widening");
    expect(data).toMatchObject({ status: 1, stderr: "" });
    expect(data.stdout).toContain("Pulumi.site.yaml is not a plain file, and is not read.");
    expect(data.stdout).toContain("- **READ THIS** the code changes in 1 file");
    expect(data.stdout).toContain("- `Pulumi.site.yaml` (a symbolic link)");
});

test("what is missing is named", () => {
    expect(review("--base", "origin/main")).toMatchObject({
        status: 1,
        stderr:
            'There is no commit "origin/main" here. ' +
            "A branch of the forge has to be fetched first: git fetch origin main\n",
    });
    expect(review("--base", "main", "--stack", "nowhere")).toMatchObject({
        status: 1,
        stderr: "No side has a file Pulumi.nowhere.yaml. Stacks with a file: site.\n",
    });
    expect(review()).toMatchObject({ status: 2 });
});

test("nothing is left behind", () => {
    const before = fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith("zot-hardening-review-"));
    review("--base", "main");
    expect(
        fs
            .readdirSync(os.tmpdir())
            .filter((name) => name.startsWith("zot-hardening-review-") && !before.includes(name)),
    ).toEqual([]);
    expect(git("status", "--porcelain")).toBe("");
});
