/**
 * A branch tries to write its own review. The workflow's steps run as they are written, on a real checkout, with the
 * project's own code as the base.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { parse, stringify } from "yaml";
import {
    file,
    git,
    lies,
    openSite,
    removeSite,
    resetSite,
    review,
    reviewOf,
    root,
    shell,
    site,
    stackFile,
    WITNESS,
    write,
} from "./branch";

jest.setTimeout(300_000);
beforeAll(openSite);
afterEach(resetSite);
afterAll(removeSite);

/** The text as Markdown shows it, without what stands between as many backticks as opened it (CommonMark 6.1). */
const withoutCode = (text: string) => text.replace(/(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)/g, "");

/** What CI gains in each of these, whatever else the branch does. */
const widen = () => write("Pulumi.site.yaml", stackFile(["team/**", "stolen/**"]));
const WIDER = "- **WIDER** `site`: CI (group `artifact-workloads`) gains create on `stolen/**`";
const WAYS: [way: string, change: () => unknown, named: string][] = [
    ["its own command for the review", () => write("cli/review.ts", lies()), "cli/review.ts"],
    ["its own rendering", () => write("cli/config.ts", lies()), "cli/config.ts"],
    ["its own policy", () => write("components/accessPolicy.ts", lies()), "components/accessPolicy.ts"],
    [
        "a script of npm",
        () =>
            write(
                "package.json",
                JSON.stringify({
                    name: "zot-hardening",
                    scripts: { review: `node -e ${JSON.stringify("lie")}`, prepare: shell(), preinstall: shell() },
                }),
            ),
        "package.json",
    ],
    [
        "npm's shell and script settings",
        () => (write(".npmrc", "script-shell=./lie.sh\nignore-scripts=false\n"), write("lie.sh", shell(), 0o755)),
        ".npmrc",
    ],
    [
        "paths of tsconfig.json",
        () => (
            write("tsconfig.json", '{"compilerOptions":{"paths":{"yaml":["./lie.ts"],"*":["./lie.ts"]}}}'),
            write("lie.ts", lies())
        ),
        "tsconfig.json",
    ],
    ["packages of its own", () => write("node_modules/yaml/index.js", lies()), "node_modules/yaml/index.js"],
    [
        "packages in the folders of the code",
        () => write("cli/node_modules/yaml/index.js", lies()),
        "cli/node_modules/yaml/index.js",
    ],
    [
        "other packages in the lock file",
        () =>
            write(
                "package-lock.json",
                '{"name":"zot-hardening","lockfileVersion":3,"packages":{"node_modules/yaml":{"version":"9.9.9","resolved":"https://example.org/lie.tgz"}}}',
            ),
        "package-lock.json",
    ],
    [
        "a program that is compiled already",
        () => (write("dist/cli/review.js", lies()), write("dist/cli/review.js.sources.json", "[]")),
        "dist/cli/review.js",
    ],
    ["a plugin of esbuild", () => write("build/compile.cjs", lies()), "build/compile.cjs"],
    ["jest's configuration", () => write("jest.config.cjs", lies()), "jest.config.cjs"],
    [
        "the workflow",
        () =>
            write(
                ".forgejo/workflows/review.yml",
                "on: [pull_request]\njobs: {rights: {runs-on: docker, steps: [{run: 'echo \"# Rights narrow\"'}]}}\n",
            ),
        ".forgejo/workflows/review.yml",
    ],
    [
        "a workflow of another forge",
        () => write(".gitea/workflows/review.yml", "on: [pull_request]\njobs: {}\n"),
        ".gitea/workflows/review.yml",
    ],
    ["a script of the workflow", () => write(".github/scripts/review.sh", shell(), 0o755), ".github/scripts/review.sh"],
    [
        "the script that looks for secrets",
        () => write(".github/scripts/safe-to-publish.cjs", lies()),
        ".github/scripts/safe-to-publish.cjs",
    ],
    [
        "attributes and filters of git",
        () =>
            write(
                ".gitattributes",
                "* filter=lie diff=lie merge=lie export-subst\nPulumi.site.yaml -text eol=crlf ident " +
                    "export-ignore\nother.txt working-tree-encoding=UTF-16\n",
            ),
        ".gitattributes",
    ],
    [
        "large files that are fetched from elsewhere",
        () => (
            write(".gitattributes", "Pulumi.site.yaml filter=lfs diff=lfs merge=lfs\n"),
            write(".lfsconfig", "[lfs]\nurl = https://example.org/lie\n")
        ),
        ".lfsconfig",
    ],
    [
        "submodules that ask not to be looked at",
        () =>
            write(
                ".gitmodules",
                '[submodule "cli"]\n\tpath = cli\n\turl = ./lie\n\tignore = all\n\tupdate = !sh lie.sh\n',
            ),
        ".gitmodules",
    ],
    [
        "hooks that are committed",
        () => (write(".githooks/post-checkout", shell(), 0o755), write(".husky/post-merge", shell(), 0o755)),
        ".githooks/post-checkout",
    ],
    [
        "a link in the place of the code",
        () => (
            fs.rmSync(file("build"), { recursive: true }), fs.symlinkSync(path.join(site, "elsewhere"), file("build"))
        ),
        "build",
    ],
    [
        "a link in the place of the packages",
        () => fs.symlinkSync(path.join(root, "node_modules"), file("node_modules")),
        "node_modules",
    ],
    ["a version of Node by its files", () => (write(".node-version", "0.10"), write(".nvmrc", "0.10")), ".nvmrc"],
    [
        "a project's file with another program",
        () =>
            write(
                "Pulumi.yaml",
                fs
                    .readFileSync(path.join(root, "Pulumi.yaml"), "utf8")
                    .replace("main: build/program.cjs", "main: lie.cjs"),
            ),
        "Pulumi.yaml",
    ],
    [
        "a flood of files, behind which others hide",
        () => {
            for (let index = 0; index < 1000; index++) write(`aaa/${index}.js`, "");
            write("zzz/lie.js", lies());
        },
        "aaa/0.js",
    ],
    [
        "names of files that write Markdown",
        () => write("a\n# Rights narrow\n`**<img src=x>`.js", lies()),
        "`a # Rights narrow `**<img src=x>`.js``\n",
    ],
];

test.each(WAYS)("%s", (_way, change, named) => {
    widen();
    change();
    const { status, text, log } = review();
    expect(fs.existsSync(WITNESS())).toBe(false);
    expect({ status, log }).toMatchObject({ status: 0 });
    expect(text.split("\n")[0]).toBe("# Rights widen: CI (group `artifact-workloads`)");
    expect(text.split("\n")[1]).toBe(WIDER);
    expect(text).toMatch(
        /\n- \*\*READ THIS\*\* the code changes in \d+ files?, and may do more than is visible here\n/,
    );
    expect(text).toContain(`- \`${named}`);
    expect(text.match(/^# /gm)).toHaveLength(1);
    expect(withoutCode(text)).not.toMatch(/<img/);
});

test("code alone, without a word in the settings, may widen", () => {
    write("components/accessPolicy.ts", "// other\n");
    expect(review().text).toMatch(/^# Rights may widen: code changes\n/);
});

const STACKS: [way: string, change: () => unknown, expected: RegExp, status: number][] = [
    [
        "a stack's file that is a link to one that does not widen",
        () => (
            fs.rmSync(file("Pulumi.site.yaml")),
            write("calm.yaml", stackFile(["team/**"])),
            fs.symlinkSync("calm.yaml", file("Pulumi.site.yaml"))
        ),
        /^# Rights may widen: to be read\n[\s\S]*is not a plain file/,
        1,
    ],
    [
        "a group by both its keys, of which Pulumi takes the one or the other",
        () =>
            write(
                "Pulumi.site.yaml",
                stackFile(["team/**"]).replace("config:\n", 'config:\n  access: {ciRepositories: ["**"]}\n'),
            ),
        /^# Rights may widen: to be read\n[\s\S]*access is in the file twice/,
        1,
    ],
    [
        "settings that every object has, in the place of those that narrow",
        () =>
            write(
                "Pulumi.site.yaml",
                stackFile(["team/**"])
                    .replace("zot-hardening:access:", "__proto__:\n    access:")
                    .replace("  ciRepositories:\n      - team/**", "    ciRepositories: [team/**]"),
            ),
        /^# Rights may widen: to be read\n[\s\S]*__proto__ is not a setting/,
        1,
    ],
    [
        "another file of the project, which Pulumi reads in the place of Pulumi.yaml",
        () => write("Pulumi.json", '{"name":"other","runtime":"nodejs"}'),
        /^# Rights may widen: to be read\n[\s\S]*there is a Pulumi\.json, which Pulumi reads instead/,
        1,
    ],
    [
        "options of the runtime, and another state",
        () => {
            const text = fs.readFileSync(file("Pulumi.yaml"), "utf8");
            const { runtime: _, ...rest } = parse(text) as Record<string, unknown>;
            const runtime = { name: "nodejs", options: { typescript: false, packagemanager: "./lie" } };
            write("Pulumi.yaml", stringify({ ...rest, runtime, backend: { url: "file:///tmp" } }));
        },
        /^# Rights may widen: code changes\n[\s\S]*\n- `Pulumi\.yaml`\n/,
        0,
    ],
    [
        "a stack's file under another name",
        () => fs.renameSync(file("Pulumi.site.yaml"), file("Pulumi.SITE.yaml")),
        /^# Rights may widen: to be read\n[\s\S]*`SITE`: the stack is new[\s\S]*`site`: the stack's file is gone/,
        0,
    ],
    [
        "a stack's file that is a link out of the checkout",
        () => (fs.rmSync(file("Pulumi.site.yaml")), fs.symlinkSync("/etc/passwd", file("Pulumi.site.yaml"))),
        /^# Rights may widen: to be read\n(?![\s\S]*root:)/,
        1,
    ],
    [
        "a stack's file that is a folder",
        () => (fs.rmSync(file("Pulumi.site.yaml")), write("Pulumi.site.yaml/x", "")),
        /^# Rights may widen: to be read\n/,
        1,
    ],
    [
        "a project's file that is a link",
        () => (fs.rmSync(file("Pulumi.yaml")), fs.symlinkSync("/dev/zero", file("Pulumi.yaml"))),
        /^# Rights may widen: to be read\n[\s\S]*Pulumi\.yaml is not a plain file/,
        1,
    ],
    [
        "a stack's file without an end",
        () => write("Pulumi.site.yaml", `# ${"x".repeat(3_000_000)}\n${stackFile(["**"])}`),
        /^# Rights may widen: to be read\n[\s\S]*is longer than 1024 KiB/,
        1,
    ],
    [
        "YAML that grows when it is read",
        () =>
            write(
                "Pulumi.site.yaml",
                `a: &a [${"x,".repeat(50)}]\n${[..."bcdefgh"].map((name, index) => `${name}: &${name} [${`*${"abcdefgh"[index]},`.repeat(50)}]\n`).join("")}${stackFile(["**"])}`,
            ),
        /^# Rights may widen: to be read\n/,
        1,
    ],
    [
        "YAML without a bottom",
        () => write("Pulumi.site.yaml", `x: ${"[".repeat(200_000)}\n`),
        /^# Rights may widen: to be read\n/,
        1,
    ],
    [
        "values that write Markdown",
        () =>
            write(
                "Pulumi.site.yaml",
                stackFile(["team/**"], {
                    "zot-hardening:identity": {
                        issuer: "https://authentik.example.org/application/o/zot/",
                        applicationName: "x`\n\n# Rights narrow\n\n<script>|\u001b[2J\u202e",
                    },
                }),
            ),
        /^# Rights (may widen|stay)(?![\s\S]*(\n# Rights|\n<script>|\u001b|\u202e))/,
        -1,
    ],
    [
        "settings of other packages that write Markdown",
        () =>
            write(
                "Pulumi.site.yaml",
                stackFile(["team/**"], { "x`:\n# Rights narrow\n<img src=x>": "v`\n# Rights narrow" }),
            ),
        /^# Rights may widen: to be read\n(?![\s\S]*\n# Rights)/,
        -1,
    ],
    [
        "thousands of settings",
        () =>
            write(
                "Pulumi.site.yaml",
                stackFile(
                    ["team/**", "stolen/**"],
                    Object.fromEntries(
                        Array.from({ length: 3000 }, (_item, index) => [
                            `other:${"é".repeat(50)}${index}`,
                            "x".repeat(150),
                        ]),
                    ),
                ),
            ),
        /^# Rights widen: CI \(group `artifact-workloads`\)\n- \*\*WIDER\*\* [\s\S]*more changes/,
        0,
    ],
    [
        "thousands of rights",
        () =>
            write(
                "Pulumi.site.yaml",
                stackFile(Array.from({ length: 3000 }, (_item, index) => `stolen${index}/${"é".repeat(60)}/**`)),
            ),
        /^# Rights (widen|may widen)/,
        -1,
    ],
];

test.each(STACKS)("%s", (_way, change, expected, status) => {
    change();
    const reviewed = review();
    expect(reviewed.text).toMatch(expected);
    if (status >= 0) expect({ status: reviewed.status, log: reviewed.log.slice(0, 500) }).toMatchObject({ status });
    expect(Buffer.byteLength(reviewed.text)).toBeLessThan(65_536);
});

test("more stacks than a project has end in a refusal, not in a review of some", () => {
    for (let index = 0; index < 200; index++) write(`Pulumi.s${index}.yaml`, stackFile(["**"]));
    expect(review()).toMatchObject({
        status: 1,
        text: "",
        log: expect.stringContaining("There are 201 stacks with a file, too many for one review") as string,
    });
});

test("a history that the head joined does not choose what it is compared with", () => {
    // An older commit of the base's line, at which CI could push anywhere.
    write("Pulumi.site.yaml", stackFile(["**"]));
    git("checkout", "--quiet", "--orphan", "unrelated");
    git("add", "--all");
    git("commit", "--quiet", "--message", "unrelated");
    const unrelated = git("rev-parse", "HEAD");
    const merged = git("commit-tree", "-p", unrelated, "-m", "merged", `${unrelated}^{tree}`);
    const { text } = reviewOf(merged);
    expect(text).toMatch(/^# Rights widen: CI/);
    git("checkout", "--quiet", "--force", "main");
    git("branch", "--quiet", "-D", "unrelated");
});
