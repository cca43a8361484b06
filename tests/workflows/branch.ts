/**
 * A repository with the project's own code and one stack, a branch of it, and the review of that branch by the
 * workflow's steps, as they are written.
 */
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { stringify } from "yaml";
import { jobsOf } from "./runner";

export const root = path.resolve(__dirname, "../..");
const PARTS = [
    ".forgejo",
    ".github",
    "build",
    "cli",
    "clients",
    "components",
    "host",
    "providers",
    "index.ts",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    ".npmrc",
    "Pulumi.yaml",
    "testbed/bootstrap",
];

export let site: string;
let checkout: string;
let base: string;
const repository = () => path.join(site, "o/r");
export const file = (name: string) => path.join(repository(), name);
export const write = (name: string, text: string | Buffer, mode = 0o644) => {
    fs.mkdirSync(path.dirname(file(name)), { recursive: true });
    fs.writeFileSync(file(name), text, { mode });
};
export const git = (...args: string[]) =>
    execFileSync(
        "git",
        ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false", ...args],
        { cwd: repository(), encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 28 },
    ).trim();

export const stackFile = (ciRepositories: string[], more: Record<string, unknown> = {}) =>
    stringify({
        config: {
            "zot-hardening:registry": { url: "https://registry.example.org" },
            "zot-hardening:zot": {
                binary: "/usr/local/bin/zot",
                configFile: "/etc/zot/config.json",
                rootDirectory: "/var/lib/zot",
            },
            "zot-hardening:access": { ciRepositories },
            "zot-hardening:identity": { issuer: "https://authentik.example.org/application/o/zot/" },
            "zot-hardening:host": { user: "zot", address: "registry-host.example.org" },
            ...more,
        },
    });
export const WITNESS = () => path.join(site, "witness");
/** JavaScript that tells on itself, and prints a review that says that nothing widens. */
export const lies = () =>
    `require("node:fs").writeFileSync(${JSON.stringify(WITNESS())}, "ran"); ` +
    `console.log("# Rights narrow"); process.exit(0);\n`;
export const shell = () => `#!/bin/sh\necho ran >${WITNESS()}\necho '# Rights narrow'\nexit 0\n`;

/** Runs a step of the review, as it is written. */
function step(name: string, env: Record<string, string>) {
    const found = jobsOf(path.join(root, ".forgejo/workflows/review.yml")).rights!.steps.find(
        (candidate) => candidate.name === name,
    )!;
    return spawnSync("bash", ["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", found.run!], {
        cwd: checkout,
        encoding: "utf8",
        maxBuffer: 1 << 26,
        env: {
            PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`,
            HOME: site,
            GITHUB_SERVER_URL: `file://${site}`,
            GITHUB_REPOSITORY: "o/r",
            GIT_TOKEN: "t",
            ...env,
        },
    });
}

/** The review of what stands in the repository, as the workflow makes it. */
export function review(): { status: number | null; text: string; log: string } {
    git("add", "--all", "--force");
    git("commit", "--quiet", "--allow-empty", "--message", "head");
    return reviewOf(git("rev-parse", "HEAD"));
}
export function reviewOf(head: string): { status: number | null; text: string; log: string } {
    git("update-ref", "refs/pull/7/head", head);
    const fetched = step("Fetch the head", { REF: "refs/pull/7/head" });
    if (fetched.status !== 0) throw new Error(fetched.stderr);
    const { status, stdout, stderr } = step("What the change gives and takes", { BASE: base, HEAD: head });
    return { status, text: fs.readFileSync(path.join(checkout, "review.md"), "utf8"), log: stdout + stderr };
}

/** Makes the repository, and a checkout of its one commit as the workflow makes it. */
export function openSite(): void {
    site = fs.mkdtempSync(path.join(os.tmpdir(), "own-review-"));
    fs.mkdirSync(repository(), { recursive: true });
    for (const part of PARTS) fs.cpSync(path.join(root, part), file(part), { recursive: true });
    write("Pulumi.site.yaml", stackFile(["team/**"]));
    write(".gitignore", "node_modules/\ndist/\n");
    git("init", "--quiet", "--initial-branch=main");
    git("config", "uploadpack.allowAnySHA1InWant", "true");
    git("add", "--all");
    git("commit", "--quiet", "--message", "base");
    base = git("rev-parse", "HEAD");
    checkout = path.join(site, "checkout");
    fs.mkdirSync(checkout);
    const checkedOut = step("Check out", { COMMIT: base });
    if (checkedOut.status !== 0) throw new Error(checkedOut.stderr);
    // Instead of `npm ci`, which runs the base's package.json.
    fs.symlinkSync(path.join(root, "node_modules"), path.join(checkout, "node_modules"), "dir");
}

/** Puts the repository back to its first commit. */
export function resetSite(): void {
    git("checkout", "--quiet", "--force", "main");
    git("reset", "--quiet", "--hard", base);
    git("clean", "--quiet", "--force", "--force", "-d", "-x");
    fs.rmSync(WITNESS(), { force: true });
}

export const removeSite = () => fs.rmSync(site, { recursive: true, force: true });
