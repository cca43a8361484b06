/** npm run review of a head that nobody has read: what it may decide is told, and none of it is run or followed. */
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import {
    base,
    commit,
    edit,
    file,
    git,
    hashed,
    oddCommit,
    program,
    repositoryForAll,
    review,
    root,
    type TreeEntry,
    write,
} from "./repository";
import { stackFile } from "./stackFile";

repositoryForAll();

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

const wide = () => hashed(stackFile({ access: { ciRepositories: ["other/**"] } }));
const ODD: [way: string, change: (entries: TreeEntry[]) => TreeEntry[]][] = [
    [
        "a stack's file that stands twice in the commit, the calm one first",
        (entries) => entries.flatMap((entry) => (isStack(entry) ? [entry, [entry[0], entry[1], wide()]] : [entry])),
    ],
    [
        "a stack's file that stands twice in the commit, the calm one last",
        (entries) => entries.flatMap((entry) => (isStack(entry) ? [[entry[0], entry[1], wide()], entry] : [entry])),
    ],
    [
        "code that stands in the commit by its whole path, too",
        (entries) => [...entries, ["100644", "cli/review.ts", hashed("")]],
    ],
    [
        "a folder that leads up",
        (entries) => [["40000", "..", entries.find(([mode]) => mode === "40000")![2]], ...entries],
    ],
    [
        "a folder that is git's",
        (entries) => [["40000", ".GIT", entries.find(([mode]) => mode === "40000")![2]], ...entries],
    ],
];
const isStack = ([, name]: TreeEntry) => name === "Pulumi.site.yaml";

test.each(ODD)("a commit that git does not make is refused: %s", (_way, change) => {
    const odd = review("--base", base, "--head", oddCommit(change), "--data-only");
    expect(odd).toMatchObject({
        status: 1,
        stdout: "",
        stderr: expect.stringMatching(/^git does not make commits like [0-9a-f]{12}: .*\n$/) as string,
    });
});
