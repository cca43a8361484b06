/** A scratch repository with the project's own code and one stack, `site`, of which npm run review is asked. */
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { stackFile } from "./stackFile";

export const root = path.resolve(__dirname, "../../..");
const { compiled } = require("../../../build/compile.cjs") as { compiled: (source: string) => string };
export const program = compiled("cli/review.ts");

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

let folder: string;
/** Where a review puts what it needs for a while. */
export let temporary: string;
/** Its first commit. */
export let base: string;
export const file = (name: string) => path.join(folder, name);
/** What git prints, without the end of its last line. */
export const git = (...args: string[]) =>
    execFileSync(
        "git",
        ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false", ...args],
        { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
    ).trim();
/** Commits all that was changed. Gives the commit's name. */
export const commit = () => {
    git("add", "--all");
    git("commit", "--quiet", "--message", "change");
    return git("rev-parse", "HEAD");
};
export const edit = (name: string, change: (text: string) => string) => {
    const before = fs.readFileSync(file(name), "utf8");
    const after = change(before);
    if (after === before) throw new Error(`nothing to change in ${name}`);
    fs.writeFileSync(file(name), after);
};
export const write = (name: string, text: string) => {
    fs.mkdirSync(path.dirname(file(name)), { recursive: true });
    fs.writeFileSync(file(name), text);
};

export function review(...args: string[]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
        cwd: folder,
        encoding: "utf8",
        timeout: 120_000,
        env: { PATH: process.env.PATH, TMPDIR: temporary, CANARY: "canary-of-the-environment" },
    });
    return { status, stdout, stderr, lines: stdout.split("\n") };
}

/** For the tests of a file: makes it, with one commit on `main`, and puts it back to that after each test. */
export function repositoryForAll(): void {
    jest.setTimeout(240_000);
    beforeAll(() => {
        folder = fs.mkdtempSync(path.join(os.tmpdir(), "review-test-"));
        temporary = fs.mkdtempSync(path.join(os.tmpdir(), "review-temporary-"));
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
    afterAll(() => {
        for (const made of [folder, temporary]) fs.rmSync(made, { recursive: true, force: true });
    });
}

/** A commit upon the first whose tree is made of that one's entries as git itself would not make it. */
export function oddCommit(change: (entries: TreeEntry[]) => TreeEntry[]): string {
    const entries = git("ls-tree", base)
        .split("\n")
        .map((line) => /^0?(\d+) \w+ (\w+)\t(.*)$/.exec(line)!)
        .map(([, mode, object, name]): TreeEntry => [mode!, name!, object!]);
    const bytes = change(entries).flatMap(([mode, name, object]) => [
        Buffer.from(`${mode} ${name}\0`),
        Buffer.from(object, "hex"),
    ]);
    const tree = hashed(Buffer.concat(bytes), "-t", "tree", "--literally");
    return git("commit-tree", "-p", base, "-m", "odd", tree);
}
export type TreeEntry = [mode: string, name: string, object: string];

/** Writes an object. Gives its name. */
export const hashed = (content: string | Buffer, ...options: string[]) =>
    execFileSync("git", ["hash-object", "-w", "--stdin", ...options], {
        cwd: folder,
        encoding: "utf8",
        input: content,
    }).trim();
