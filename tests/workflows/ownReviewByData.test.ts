/** A branch tries to write its own review by data: stack files in odd forms, names and kinds of files. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { file, git, openSite, removeSite, resetSite, review, reviewOf, site, stackFile, write } from "./branch";

jest.setTimeout(300_000);
beforeAll(openSite);
afterEach(resetSite);
afterAll(removeSite);

const wide = stackFile(["team/**", "stolen/**"]);
const WIDER = /^# Rights widen: CI [\s\S]*gains create on `stolen\/\*\*`/;
const CODE = (named: string) => new RegExp(`^# Rights may widen: code changes\\n[\\s\\S]*- \`${named}\``);
const TO_BE_READ = /^# Rights may widen: to be read\n/;

const CASES: [way: string, change: () => unknown, expected: RegExp, status: number][] = [
    [
        "a mark at its beginning and other ends of lines",
        () => write("Pulumi.site.yaml", `\ufeff${wide.replaceAll("\n", "\r\n")}`),
        WIDER,
        0,
    ],
    [
        "anchors and merge keys",
        () =>
            write(
                "Pulumi.site.yaml",
                wide
                    .replace("config:\n", "config:\n  other:x: &more {ciRepositories: [team/**, stolen/**]}\n")
                    .replace(/zot-hardening:access:\n(?: {4}.*\n)+/, "zot-hardening:access:\n    <<: *more\n"),
            ),
        WIDER,
        0,
    ],
    ["another encoding", () => write("Pulumi.site.yaml", Buffer.from(`\ufeff${wide}`, "utf16le")), TO_BE_READ, 1],
    ["two documents", () => write("Pulumi.site.yaml", `${stackFile(["team/**"])}---\n${wide}`), TO_BE_READ, 1],
    ["a key twice", () => write("Pulumi.site.yaml", `${stackFile(["team/**"])}${wide}`), TO_BE_READ, 1],
    ["a tag", () => write("Pulumi.site.yaml", wide.replace("- stolen/**", "- !!str stolen/**")), TO_BE_READ, 1],
    [
        "a list that yaml.v3 reads otherwise",
        () =>
            write(
                "Pulumi.site.yaml",
                stackFile(["team/**"]).replace(
                    /ciRepositories:\n +- team\/\*\*/,
                    'ciRepositories: ["team/**", ?stolen]',
                ),
            ),
        TO_BE_READ,
        1,
    ],
    ["a stack's file by another ending", () => write("Pulumi.site.yml", wide), CODE("Pulumi\\.site\\.yml"), 0],
    ["a project's file by another ending", () => write("Pulumi.yml", "name: other\n"), CODE("Pulumi\\.yml"), 0],
    ["a stack's file in capitals", () => write("PULUMI.SITE.YAML", wide), CODE("PULUMI\\.SITE\\.YAML"), 0],
    [
        "a stack whose name looks like another's",
        () => write("Pulumi.sit\u0435.yaml", wide),
        CODE("Pulumi\\.sit\u0435\\.yaml"),
        0,
    ],
    [
        "a stack of a name that every object has",
        () => write("Pulumi.constructor.yaml", wide),
        /`constructor`: the stack is new/,
        0,
    ],
    ["a stack whose name is an option", () => write("Pulumi.--base.yaml", wide), /`--base`: the stack is new/, 0],
    [
        "a stack's file that becomes a document",
        () => (fs.mkdirSync(file("docs")), fs.renameSync(file("Pulumi.site.yaml"), file("docs/site.md"))),
        /`site`: the stack's file is gone/,
        0,
    ],
    ["a document that may be run", () => write("docs/x.md", "#!/bin/sh\n", 0o755), CODE("docs/x\\.md"), 0],
    [
        "a test that is a link",
        () => (fs.mkdirSync(file("tests")), fs.symlinkSync("../cli", file("tests/x"))),
        CODE("tests/x"),
        0,
    ],
    ["who reviews", () => write(".github/CODEOWNERS", "* @mallory\n"), CODE("\\.github/CODEOWNERS"), 0],
    [
        "an action of its own",
        () => write(".github/actions/x/action.yml", "runs: {}\n"),
        CODE("\\.github/actions/x/action\\.yml"),
        0,
    ],
    ["workspaces", () => write("package.json", '{"workspaces":["evil"]}'), CODE("package\\.json"), 0],
    [
        "files called as what every object has",
        () => (write("constructor", ""), write("toString", "")),
        CODE("constructor"),
        0,
    ],
];

test.each(CASES)("%s", (_way, change, expected, status) => {
    change();
    const reviewed = review();
    expect(reviewed.text).toMatch(expected);
    expect(reviewed.text).not.toContain("native code");
    expect({ status: reviewed.status, log: reviewed.log.slice(0, 300) }).toMatchObject({ status });
});

test("a submodule in a folder of documents", () => {
    const inner = path.join(site, "inner");
    fs.mkdirSync(inner, { recursive: true });
    execFileSync("git", ["init", "--quiet", inner]);
    const commit = git("rev-parse", "HEAD");
    git("update-index", "--add", "--cacheinfo", `160000,${commit},docs/sub`);
    git("commit", "--quiet", "--message", "submodule");
    const { text } = reviewOf(git("rev-parse", "HEAD"));
    expect(text).toMatch(CODE("docs/sub"));
    expect(text).toContain("(a submodule)");
});
