/**
 * Every step of every workflow, as it is written: green, failing in each, and without the tokens of the run where they
 * are not needed.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { type JobResult, jobsOf, nameOf, runWorkflow, type Start, TOKENS } from "./runner";
import { stepsOf } from "./stepsOf";
import { type StrictForge, strictForge } from "./strictForge";

const { cacheFolder } = require("../../testbed/bootstrap/cache.cjs") as { cacheFolder(): string };
const { findNode } = require("../../testbed/bootstrap/find.cjs") as {
    findNode(cache: string): { path: string } | undefined;
};

const root = path.resolve(__dirname, "../..");
const FORGES = [".github", ".forgejo"];
const fileOf = (forge: string, name: string) => path.join(root, forge, "workflows", `${name}.yml`);
/** The steps are for a newer Node than the tests. */
const NODE = path.dirname(findNode(cacheFolder())?.path ?? process.execPath);
const PLATFORM = process.arch === "arm64" ? "arm64" : "x64";

jest.setTimeout(300_000);

let site: string;
let commits: { base: string; head: string };
const at = (...parts: string[]) => path.join(site, ...parts);
const write = (file: string, text: string, mode = 0o644) => {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text, { mode });
};
/** Leaves the environment of itself and of every process above it, up to the test's. */
const WITNESS = `p=$$
while [ -r "/proc/$p/environ" ] && [ "$p" -gt 1 ] && [ "$p" != "$TEST_PROCESS" ]; do
    tr '\\0' '\\n' <"/proc/$p/environ" >>"$SITE/witness"
    p=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$p/status")
done
`;

beforeAll(() => {
    site = fs.mkdtempSync(path.join(os.tmpdir(), "every-step-"));
    // Instead of Pulumi's download; it says what the file "pulumi" has, and ends with the code in "pulumi-code".
    write(
        at("archive/pulumi/pulumi"),
        `#!/bin/sh\necho "pulumi $*" >>"$SITE/calls"\n${WITNESS}case "$1" in preview) cat "$SITE/says"; ` +
            `exit "$(cat "$SITE/code")" ;; up) echo updated ;; esac\n`,
        0o755,
    );
    const archive = `pulumi-v3.259.0-linux-${PLATFORM}.tar.gz`;
    execFileSync("tar", ["-czf", at(archive), "-C", at("archive"), "pulumi"]);
    write(at("bin/curl"), `#!/bin/sh\nwhile [ "$1" != --output ]; do shift; done\ncp "$SITE/${archive}" "$2"\n`, 0o755);
    write(
        at("bin/npm"),
        `#!/bin/sh\necho "npm $*" >>"$SITE/calls"\n${WITNESS}case "$*" in *review*) cat "$SITE/says"; ` +
            `exit "$(cat "$SITE/code")" ;; esac\n`,
        0o755,
    );

    const repository = at("o/r");
    fs.cpSync(path.join(root, ".github/scripts"), path.join(repository, ".github/scripts"), { recursive: true });
    write(
        path.join(repository, "testbed/toolchain/archives.sha256"),
        `${createHash("sha256")
            .update(fs.readFileSync(at(archive)))
            .digest("hex")}  ${archive}\n`,
    );
    write(path.join(repository, ".ci/run"), `#!/bin/sh\necho ".ci/run" >>"$SITE/calls"\n${WITNESS}`, 0o755);
    write(
        path.join(repository, "build/run.cjs"),
        `process.exit(Number(require("node:fs").readFileSync(process.env.SITE + "/verified", "utf8")))\n`,
    );
    for (const file of ["build/nodeVersion.cjs", "package.json"]) {
        fs.copyFileSync(path.join(root, file), path.join(repository, file));
    }
    write(path.join(repository, "Pulumi.prod.yaml"), "config: {}\n");
    const git = (...args: string[]) =>
        execFileSync(
            "git",
            ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false", ...args],
            { cwd: repository, encoding: "utf8" },
        ).trim();
    git("init", "--quiet", "--initial-branch=main");
    git("config", "uploadpack.allowAnySHA1InWant", "true");
    git("add", "--all");
    git("commit", "--quiet", "--message", "base");
    const base = git("rev-parse", "HEAD");
    git("checkout", "--quiet", "--detach");
    git("commit", "--quiet", "--allow-empty", "--message", "head");
    commits = { base, head: git("rev-parse", "HEAD") };
    git("update-ref", "refs/pull/7/head", "HEAD");
    git("checkout", "--quiet", "main");
});
afterAll(() => fs.rmSync(site, { recursive: true, force: true }));
beforeEach(() => {
    for (const name of ["calls", "witness"]) write(at(name), "");
    says("text of the run", 0);
    write(at("verified"), "0");
});
const says = (text: string, code: number) => {
    write(at("says"), text);
    write(at("code"), String(code));
};
const DRIFTED = JSON.stringify({
    steps: [{ op: "update", urn: "urn:pulumi:prod::zot-hardening::authentik:index/group:Group::registry" }],
});

/** The bot of a site on Forgejo; on GitHub the run's own token writes. */
const BOT = "canary-bot-token-77";
const forgeFor = (forge: string) =>
    forge === ".github"
        ? strictForge({ [TOKENS.GITHUB_TOKEN]: ["issues", "pull-requests"] }, { head: commits.head })
        : strictForge(
              { [TOKENS.GITHUB_TOKEN]: [], [BOT]: ["issues", "pull-requests"] },
              { head: commits.head, logins: { [BOT]: "zot-bot" } },
          );

function start(there: StrictForge, more: Partial<Start> = {}): Start {
    const pull = { number: 7, base: { sha: commits.base }, head: { sha: commits.head, repo: { full_name: "o/r" } } };
    const { GITHUB_API_URL } = there.env("");
    return {
        github: {
            sha: commits.base,
            ref: "refs/heads/main",
            repository: "o/r",
            event: { pull_request: pull, repository: { default_branch: "main" } },
        },
        vars: { ZOT_STACK: "prod", ZOT_DEPLOY_BY_CI: "yes", ZOT_SHA256: "0".repeat(64), MACOS_RUNNER: "macos" },
        secrets: {
            FORGE_BOT_TOKEN: BOT,
            PULUMI_CONFIG_PASSPHRASE: "canary-passphrase",
            AUTHENTIK_PREVIEW_TOKEN: "canary-preview",
            AUTHENTIK_REFRESH_TOKEN: "canary-refresh",
            AUTHENTIK_UP_TOKEN: "canary-up",
        },
        env: {
            PATH: `${at("bin")}:${NODE}:/usr/bin:/bin`,
            SITE: site,
            TEST_PROCESS: String(process.pid),
            RUNNER_TEMP: at("temporary"),
            GITHUB_API_URL: GITHUB_API_URL!,
        },
        origin: site,
        ...more,
    };
}
const run = (forge: string, name: string, there: StrictForge, more: Partial<Start> = {}) => {
    fs.mkdirSync(at("temporary"), { recursive: true });
    return runWorkflow(fileOf(forge, name), start(there, more));
};
const logsOf = (jobs: Record<string, JobResult>) =>
    Object.values(jobs)
        .map(({ log }) => log)
        .join("");
const isRed = (jobs: Record<string, JobResult>) => Object.values(jobs).some(({ result }) => result === "failure");

const WORKFLOWS = FORGES.flatMap((forge) => Object.keys(stepsOf(forge)).map((name) => [forge, name] as const));

test.each(FORGES)("%s: every workflow is in this test", (forge) => {
    expect(fs.readdirSync(path.join(root, forge, "workflows")).sort()).toEqual(
        Object.keys(stepsOf(forge))
            .map((name) => `${name}.yml`)
            .sort(),
    );
});

describe.each(WORKFLOWS)("%s/workflows/%s.yml", (forge, name) => {
    test(
        "every step is run, and the run is green; " +
            "what needs no token of the run has none, nor has any process above it",
        async () => {
            const there = await forgeFor(forge);
            if (name === "drift") says(JSON.stringify({ steps: [] }), 0);
            const jobs = await run(forge, name, there);
            await there.stop();
            expect({ log: logsOf(jobs), red: isRed(jobs) }).toMatchObject({ red: false });
            expect(Object.fromEntries(Object.entries(jobs).map(([job, { steps }]) => [job, steps]))).toEqual(
                stepsOf(forge)[name],
            );
            expect(there.refusals).toEqual([]);
            expect(fs.readFileSync(at("calls"), "utf8")).not.toBe("");
            const witness = fs.readFileSync(at("witness"), "utf8");
            if (process.platform === "linux") expect(witness).toContain("GITHUB_REPOSITORY=o/r");
            for (const token of [...Object.values(TOKENS), BOT]) expect(witness).not.toContain(token);
        },
    );

    test("a step that fails makes the run red, and nothing says that all is well", async () => {
        const there = await forgeFor(forge);
        const earlier = there.comments.length;
        expect(earlier).toBe(0);
        if (name === "drift") says(DRIFTED, 0);
        // A good comment, or the open issue, of an earlier run.
        await run(forge, name, there);
        const [comment] = there.comments;
        const issues = () => there.issues.filter(({ pull_request }) => !pull_request).map(({ state }) => state);
        const before = issues();
        if (name === "drift") says(JSON.stringify({ steps: [] }), 0);
        for (const [job, { steps }] of Object.entries(jobsOf(fileOf(forge, name)))) {
            for (const step of steps.map(nameOf)) {
                if (comment) comment.body = "<!-- an earlier one -->";
                if (comment)
                    comment.body = `<!-- zot-hardening: ${name === "review" ? "review" : "preview prod"} -->\ngood`;
                const jobs = await run(forge, name, there, { failing: `${job}/${step}` });
                expect({ job, step, red: isRed(jobs) }).toEqual({ job, step, red: true });
                expect(issues()).toEqual(before);
                // In the job that publishes there is nobody left to say it; the run is red.
                if (comment && job !== "comment")
                    expect({ job, step, body: comment.body }).toMatchObject({
                        body: expect.stringMatching(
                            /^<!-- zot-hardening: .*\n### The (review|preview of the stack prod) failed\n/,
                        ) as string,
                    });
                expect(there.comments.length).toBeLessThanOrEqual(1);
            }
        }
        await there.stop();
    });
});

describe.each(FORGES)("%s", (forge) => {
    test.each(["review", "preview"])("a %s that fails is told with its text, and the run is red", async (name) => {
        const there = await forgeFor(forge);
        await run(forge, name, there);
        says("what went wrong", 1);
        const jobs = await run(forge, name, there);
        await there.stop();
        expect(there.comments).toHaveLength(1);
        expect(there.comments[0]!.body).toContain("what went wrong");
        expect(isRed(jobs)).toBe(true);
        expect(there.refusals).toEqual([]);
    });

    test("what a branch's own code says of its preview is quoted: it cannot make a review of it", async () => {
        const repository = at("o/r");
        const git = (...args: string[]) => execFileSync("git", args, { cwd: repository, encoding: "utf8" }).trim();
        git("checkout", "--quiet", "--detach");
        const lies = `# Rights stay as they are\n\n${"`".repeat(9)}\n</pre> @everyone\n<!-- zot-hardening: review -->`;
        write(
            path.join(repository, ".github/scripts/preview.sh"),
            `#!/bin/sh\ncat >"$2" <<'END'\n${lies}\nEND\nexit "$(cat "$SITE/code")"\n`,
        );
        git("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "--all", "--message", "lies");
        const head = git("rev-parse", "HEAD");
        git("checkout", "--quiet", "main");
        const there = await forgeFor(forge);
        there.push(head);
        const { github } = start(there);
        (github.event as { pull_request: { head: { sha: string } } }).pull_request.head.sha = head;
        for (const code of [0, 1]) {
            says("", code);
            expect(isRed(await run(forge, "preview", there, { github }))).toBe(code === 1);
            expect(there.comments).toHaveLength(1);
            const [mark, heading, ...lines] = there.comments[0]!.body.split("\n");
            expect(mark).toBe("<!-- zot-hardening: preview prod -->");
            expect(heading).toBe(`### The preview of the stack prod${code === 0 ? "" : " failed"}`);
            expect(lines.filter((line) => line !== "" && !line.startsWith("    "))).toEqual([
                "By the code of the branch itself:",
                `This is about the commit ${head}.`,
            ]);
            expect(lines).toContain("    # Rights stay as they are");
        }
        await there.stop();
    });

    test("a comment says which commit it is about", async () => {
        const there = await forgeFor(forge);
        for (const name of ["review", "preview"]) await run(forge, name, there);
        await there.stop();
        expect(there.comments).toHaveLength(2);
        for (const { body } of there.comments)
            expect(body).toMatch(new RegExp(`about the commit ${commits.head}\\.\n$`));
    });

    test("a stack's name may have its organisation and project before it", async () => {
        const there = await forgeFor(forge);
        const jobs = await run(forge, "preview", there, { vars: { ZOT_STACK: "acme-1/zot_hardening/prod.eu" } });
        await there.stop();
        expect({ log: logsOf(jobs), red: isRed(jobs) }).toMatchObject({ red: false });
        expect(there.comments.map(({ body }) => body.split("\n")[0])).toEqual([
            "<!-- zot-hardening: preview acme-1/zot_hardening/prod.eu -->",
        ]);
    });

    test("of two runs at once, the older one that ends last does not write over the newer one's comment", async () => {
        const there = await forgeFor(forge);
        await run(forge, "preview", there);
        there.comments[0]!.body = "<!-- zot-hardening: preview prod -->\nof a newer commit";
        there.push("0123456789012345678901234567890123456789");
        says("of the older commit", 0);
        const jobs = await run(forge, "preview", there);
        await there.stop();
        expect(there.comments.map(({ body }) => body)).toEqual([
            "<!-- zot-hardening: preview prod -->\nof a newer commit",
        ]);
        expect(logsOf(jobs)).toContain("has another head");
    });

    test("a token of the run in a text, in any form, is not published", async () => {
        for (const leak of [
            TOKENS.ACTIONS_RUNTIME_TOKEN,
            Buffer.from(`x-access-token:${TOKENS.GITHUB_TOKEN}`).toString("base64"),
            Buffer.from(TOKENS.GITHUB_TOKEN).toString("hex").toUpperCase(),
        ]) {
            const there = await forgeFor(forge);
            says(`log: ${leak}`, 0);
            // GitHub's steps have no such token that they did not ask for.
            const jobs = await run(forge, "preview", there, { env: { ...start(there).env, ...TOKENS } });
            await there.stop();
            expect(isRed(jobs)).toBe(true);
            expect(there.written.join()).not.toContain(leak);
            expect(there.comments[0]!.body).toContain("The preview of the stack prod failed");
        }
    });

    test("drift is an issue, and no longer one; what cannot be found out is red and leaves it", async () => {
        const there = await forgeFor(forge);
        const issues = () => there.issues.filter(({ pull_request }) => !pull_request).map(({ state }) => state);
        says(DRIFTED, 0);
        expect(isRed(await run(forge, "drift", there))).toBe(false);
        expect(issues()).toEqual(["open"]);
        says("no state", 255);
        expect(isRed(await run(forge, "drift", there))).toBe(true);
        expect(issues()).toEqual(["open"]);
        says(JSON.stringify({ steps: [] }), 0);
        expect(isRed(await run(forge, "drift", there))).toBe(false);
        expect(issues()).toEqual(["closed"]);
        await there.stop();
    });
});

describe("without a bot on Forgejo", () => {
    const secrets = { PULUMI_CONFIG_PASSPHRASE: "canary-passphrase" };

    test("the review is in the log, and the run is as green as it is", async () => {
        const there = await forgeFor(".forgejo");
        const jobs = await run(".forgejo", "review", there, { secrets });
        await there.stop();
        expect(isRed(jobs)).toBe(false);
        expect(jobs.comment!.log).toMatch(
            /Nothing was published: there is no secret FORGE_BOT_TOKEN.*\ntext of the run/,
        );
        expect(there.written).toEqual([]);
    });

    test("drift makes the run red: nobody else would say it", async () => {
        const there = await forgeFor(".forgejo");
        says(DRIFTED, 0);
        expect(isRed(await run(".forgejo", "drift", there, { secrets }))).toBe(true);
        says(JSON.stringify({ steps: [] }), 0);
        expect(isRed(await run(".forgejo", "drift", there, { secrets }))).toBe(false);
        await there.stop();
    });

    test("the token of the run itself is refused as the bot's", async () => {
        const there = await strictForge(
            { [BOT]: ["issues", "pull-requests"] },
            { head: commits.head, logins: { [BOT]: "forgejo-actions" } },
        );
        const jobs = await run(".forgejo", "review", there);
        await there.stop();
        expect(isRed(jobs)).toBe(true);
        expect(jobs.comment!.log).toContain("as whom a fork's run can write too");
        expect(there.written).toEqual([]);
    });
});

test("a fork's pull request starts no preview", async () => {
    const there = await forgeFor(".forgejo");
    const { github } = start(there);
    const event = github.event as { pull_request: { head: object } };
    event.pull_request.head = { ...event.pull_request.head, repo: { full_name: "mallory/r" } };
    const jobs = await run(".forgejo", "preview", there, { github });
    await there.stop();
    expect(Object.values(jobs).map(({ result }) => result)).toEqual(["skipped", "skipped"]);
});
