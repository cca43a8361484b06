/** The workflows for GitHub and Forgejo: what they may do, and their steps as they are written. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { parse } from "yaml";
import { apiKeyToken } from "../../providers/zot/package";
import { workflowMistakes } from "./workflowYaml";

const root = path.resolve(__dirname, "../..");
const scripts = path.join(root, ".github/scripts");

interface Step {
    name?: string;
    uses?: string;
    with?: Record<string, unknown>;
    env?: Record<string, string>;
    run?: string;
}
interface Job {
    permissions?: Record<string, string>;
    if?: string;
    needs?: string;
    steps: Step[];
}
interface Workflow {
    on: Record<string, unknown>;
    permissions?: object;
    jobs: Record<string, Job>;
}
const workflow = (file: string) => parse(fs.readFileSync(path.join(root, file), "utf8")) as Workflow;
const FILES = [".github", ".forgejo"].flatMap((forge) =>
    fs.readdirSync(path.join(root, forge, "workflows")).map((name) => `${forge}/workflows/${name}`),
);
const secretsIn = (value: unknown) => [...JSON.stringify(value).matchAll(/secrets\.(\w+)/g)].map(([, name]) => name);
const writes = (job: Job) =>
    Object.entries(job.permissions ?? {}).flatMap(([name, access]) => (access === "write" ? [name] : []));

describe.each(FILES)("%s", (file) => {
    const text = fs.readFileSync(path.join(root, file), "utf8");
    const { on, permissions, jobs } = workflow(file);

    test("is taken as it is written by every forge", () => {
        expect(workflowMistakes(text)).toEqual([]);
    });

    test("starts with no permission, and gives each job its own", () => {
        expect(permissions).toEqual({});
        for (const job of Object.values(jobs)) expect(job.permissions).toMatchObject({ contents: "read" });
    });

    test("is never started with secrets by what a fork sends", () => {
        expect(
            Object.keys(on).filter(
                (event) => !["pull_request", "pull_request_target", "schedule", "workflow_dispatch"].includes(event),
            ),
        ).toEqual([]);
        for (const job of Object.values(jobs)) {
            if (!("pull_request" in on) || secretsIn(job).length === 0) continue;
            expect(job.if).toContain("github.event.pull_request.head.repo.full_name == github.repository");
        }
    });

    test(
        "where the base's workflow is run for what a fork sends, nothing of the head is checked out, " +
            "installed or run",
        () => {
            if (!("pull_request_target" in on)) return expect(text).not.toMatch(/pull_request_target|workflow_run/);
            expect(Object.keys(on)).toEqual(["pull_request_target"]);
            for (const job of Object.values(jobs)) {
                for (const step of job.steps) {
                    if (step.uses?.includes("checkout@"))
                        expect(step.with?.ref).toBe("${{ github.event.pull_request.base.sha }}");
                    if (step.name === "Check out")
                        expect(step.env?.COMMIT).toBe("${{ github.event.pull_request.base.sha }}");
                    // Fetched as objects, and named to what reads it; nothing else has to do with it.
                    if (/head/.test(JSON.stringify([step.with, step.env, step.run])))
                        expect(["Fetch the head", "What the change gives and takes", "Comment"]).toContain(step.name);
                    expect(step.run ?? "").not.toMatch(
                        /git (checkout|merge|switch|reset|restore|worktree|pull)(?! --quiet --detach "\$COMMIT")/,
                    );
                }
                expect(secretsIn(job).filter((name) => name !== "FORGE_BOT_TOKEN")).toEqual([]);
            }
            expect(fs.readFileSync(path.join(scripts, "review.sh"), "utf8")).toContain("--data-only");
        },
    );

    test("pins every action by its commit, and lets no checkout keep the token", () => {
        for (const step of Object.values(jobs).flatMap((job) => job.steps)) {
            if (step.uses) expect(step.uses).toMatch(/^[\w./-]+@[0-9a-f]{40}$/);
            if (step.uses?.includes("checkout@")) expect(step.with).toMatchObject({ "persist-credentials": false });
        }
    });

    test("has nothing of an event in a script, and scripts that are there", () => {
        for (const { run } of Object.values(jobs).flatMap((job) => job.steps)) {
            if (!run) continue;
            expect(run).not.toContain("${{");
            for (const [script] of run.matchAll(/\.(github\/scripts|ci)\/[\w.-]+/g)) {
                const mode = fs.statSync(path.join(root, script)).mode;
                if (!script.endsWith(".cjs")) expect(mode & 0o111).not.toBe(0);
            }
        }
    });

    test("only what fetches, publishes, or searches for them has the tokens of the run", () => {
        for (const step of Object.values(jobs).flatMap((job) => job.steps)) {
            if (
                !step.run ||
                /^(Check out|Fetch the (head|base)|Hand on the text|Comment|Publish)$/.test(step.name ?? "")
            )
                continue;
            expect(step.run).toMatch(/^exec \.github\/scripts\/without-tokens\.sh .*\n?$/);
        }
    });

    test(
        "a job that may write to the forge has no secret, and runs the base's code; " +
            "what looks for drift runs the default branch's",
        () => {
            for (const job of Object.values(jobs).filter((candidate) => writes(candidate).length > 0)) {
                if ("pull_request" in on || "pull_request_target" in on) {
                    expect(secretsIn(job).filter((name) => name !== "FORGE_BOT_TOKEN")).toEqual([]);
                    expect(JSON.stringify(job.steps)).toContain("pull_request.base.sha");
                    // Only to compare with the head that there is by now.
                    expect(JSON.stringify(job.steps.filter(({ name }) => name !== "Comment"))).not.toContain(
                        "pull_request.head.sha",
                    );
                } else {
                    expect(writes(job)).toEqual(["issues"]);
                }
            }
        },
    );
});

test.each([
    ["a condition that YAML reads as a tag", (text: string) => text.replace(/if: always\(\)/, "if: !cancelled()")],
    [
        "a key twice",
        (text: string) => text.replace("    runs-on: docker\n", "    runs-on: docker\n    runs-on: docker\n"),
    ],
    ["a tab", (text: string) => text.replace("    steps:", "\tsteps:")],
    ["a key that is misspelt", (text: string) => text.replace("runs-on", "run-on")],
    [
        "a key of a step at the job",
        (text: string) => text.replace("    runs-on: docker\n", "    runs-on: docker\n    run: true\n"),
    ],
    ["an expression without its end", (text: string) => text.replace("github.token }}", "github.token }")],
    ["quotes that are not an expression's", (text: string) => text.replace("'skipped'", '"skipped"')],
    [
        "an indentation that is off",
        (text: string) => text.replace("    permissions:\n      contents", "    permissions:\n   contents"),
    ],
    ["a colon in a plain text", (text: string) => text.replace("- name: Comment", "- name: Comment: it")],
    ["a job that is needed and not there", (text: string) => text.replace("needs: preview", "needs: previews")],
    ["a step that is spoken of and not there", (text: string) => text.replace("id: text", "id: texts")],
    ["an event that there is not", (text: string) => text.replace("  pull_request:", "  pull_requests:")],
    [
        "a step that does two things",
        (text: string) =>
            text.replace(
                "run: exec .github/scripts/without-tokens.sh npm ci",
                "run: npm ci\n        uses: actions/x@v1",
            ),
    ],
    ["an anchor", (text: string) => text.replace("permissions: {}", "permissions: &none {}")],
])("what a forge drops a workflow for is found: %s", (_what, change) => {
    const text = fs.readFileSync(path.join(root, ".forgejo/workflows/preview.yml"), "utf8");
    expect(change(text)).not.toBe(text);
    expect(workflowMistakes(change(text))).not.toEqual([]);
});

test("both forges have the same jobs with the same rights", () => {
    const shape = (forge: string) =>
        Object.fromEntries(
            fs
                .readdirSync(path.join(root, forge, "workflows"))
                .map((name) => [
                    name,
                    Object.entries(workflow(`${forge}/workflows/${name}`).jobs).map(
                        ([job, { permissions, needs }]) => ({ job, permissions, needs }),
                    ),
                ]),
        );
    expect(shape(".forgejo")).toEqual(shape(".github"));
});

test("every variable and secret is in the page on workflows, and nothing else is", () => {
    const used = new Set(
        FILES.flatMap((file) =>
            [...fs.readFileSync(path.join(root, file), "utf8").matchAll(/\b(?:secrets|vars)\.([A-Z_]+)/g)].map(
                ([, name]) => name!,
            ),
        ),
    );
    const page = fs.readFileSync(path.join(root, "docs/workflows.md"), "utf8");
    const documented = new Set(
        [...page.matchAll(/^\| (`[A-Z_`, ]+`) \|/gm)].flatMap(([, names]) => names!.replaceAll("`", "").split(", ")),
    );
    expect([...documented].sort()).toEqual([...used].sort());
});

test("only the deployment runs pulumi up, and only where a site turned it on", () => {
    const users = FILES.filter((file) => /deploy\.sh|pulumi up/.test(JSON.stringify(workflow(file).jobs)));
    expect(users.sort()).toEqual([".forgejo/workflows/deploy.yml", ".github/workflows/deploy.yml"]);
    for (const file of users) {
        expect(Object.keys(workflow(file).on)).toEqual(["workflow_dispatch"]);
        expect(workflow(file).jobs.deploy!.if).toContain("vars.ZOT_DEPLOY_BY_CI == 'yes'");
    }
});

// --- the steps, run as they are written

const folders: string[] = [];
const scratch = () => {
    folders.push(fs.mkdtempSync(path.join(os.tmpdir(), "workflows-test-")));
    return folders.at(-1)!;
};
const CANARY = "canary/passphrase+of=the run";
const TOOLS = path.dirname(process.execPath);

interface Ran {
    status: number | null;
    stdout: string;
    stderr: string;
}
/** Runs a program while the servers of this process go on answering. */
function ran(
    program: string,
    args: string[],
    options: { cwd: string; env?: Record<string, string>; input?: string },
): Promise<Ran> {
    return new Promise((resolve, reject) => {
        const child = spawn(program, args, {
            cwd: options.cwd,
            env: { PATH: `${TOOLS}:/usr/bin:/bin`, HOME: options.cwd, ...options.env },
            timeout: 60_000,
        });
        let [stdout, stderr] = ["", ""];
        child.stdout.on("data", (data) => (stdout += String(data)));
        child.stderr.on("data", (data) => (stderr += String(data)));
        child.on("error", reject);
        child.on("close", (status) => resolve({ status, stdout, stderr }));
        child.stdin.on("error", () => {});
        child.stdin.end(options.input ?? "");
    });
}
/** A step's script, as a runner runs it. */
const step = (file: string, job: string, name: string, options: Parameters<typeof ran>[2]) => {
    const found = workflow(file).jobs[job]!.steps.find((candidate) => candidate.name === name);
    if (!found?.run) throw new Error(`${file} has no step ${name}`);
    return ran("bash", ["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", found.run], options);
};

/** A checkout with the scripts, and stand-ins for the programs that they call. */
function checkout({ pulumi = "", npm = "", verify = "" }: { pulumi?: string; npm?: string; verify?: string }): {
    folder: string;
    env: Record<string, string>;
} {
    const folder = scratch();
    fs.cpSync(scripts, path.join(folder, ".github/scripts"), { recursive: true });
    const bin = path.join(folder, "bin");
    fs.mkdirSync(bin);
    for (const [name, body] of Object.entries({ pulumi, npm }))
        fs.writeFileSync(path.join(bin, name), `#!/bin/sh\necho "${name} $*" >>"${folder}/calls"\n${body}\n`, {
            mode: 0o755,
        });
    fs.mkdirSync(path.join(folder, "build"));
    fs.writeFileSync(path.join(folder, "build/run.cjs"), verify);
    return { folder, env: { PATH: `${bin}:${TOOLS}:/usr/bin:/bin` } };
}

jest.setTimeout(120_000);
afterAll(() => folders.forEach((folder) => fs.rmSync(folder, { recursive: true, force: true })));

test("Forgejo's checkout: the commit, and no token left in it", async () => {
    const origin = scratch();
    const git = (...args: string[]) =>
        execFileSync(
            "git",
            ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false", ...args],
            { cwd: path.join(origin, "o/r"), encoding: "utf8" },
        ).trim();
    fs.mkdirSync(path.join(origin, "o/r"), { recursive: true });
    git("init", "--quiet");
    fs.writeFileSync(path.join(origin, "o/r/file"), "base");
    git("add", "file");
    git("commit", "--quiet", "--message", "base");
    const base = git("rev-parse", "HEAD");
    git("commit", "--quiet", "--allow-empty", "--message", "head");
    git("update-ref", "refs/pull/7/head", "HEAD");

    const folder = scratch();
    const env = {
        GITHUB_SERVER_URL: `file://${origin}`,
        GITHUB_REPOSITORY: "o/r",
        GIT_TOKEN: CANARY,
        COMMIT: base,
        NUMBER: "7",
    };
    expect(await step(".forgejo/workflows/review.yml", "rights", "Check out", { cwd: folder, env })).toMatchObject({
        status: 0,
    });
    expect(await step(".forgejo/workflows/review.yml", "rights", "Fetch the head", { cwd: folder, env })).toMatchObject(
        { status: 0 },
    );
    expect(fs.readFileSync(path.join(folder, "file"), "utf8")).toBe("base");
    expect(
        spawnSync("git", ["cat-file", "-t", git("rev-parse", "refs/pull/7/head")], { cwd: folder, encoding: "utf8" })
            .stdout,
    ).toBe("commit\n");
    expect(fs.readFileSync(path.join(folder, ".git/config"), "utf8")).not.toMatch(/canary|Authorization/i);
});

test("review: of both sides as data; printed, and added to the run's summary", async () => {
    const { folder, env } = checkout({ npm: 'echo "# Rights widen"; exit 1' });
    const summary = path.join(folder, "summary");
    const answer = await step(".github/workflows/review.yml", "rights", "What the change gives and takes", {
        cwd: folder,
        env: { ...env, BASE: "b", HEAD: "h", GITHUB_STEP_SUMMARY: summary },
    });
    expect(answer).toMatchObject({ status: 1, stdout: "# Rights widen\n" });
    expect(fs.readFileSync(summary, "utf8")).toBe("# Rights widen\n");
    expect(fs.readFileSync(path.join(folder, "review.md"), "utf8")).toBe("# Rights widen\n");
    expect(fs.readFileSync(path.join(folder, "calls"), "utf8")).toBe(
        "npm run --silent review -- --base b --head h --data-only\n",
    );
});

describe("preview", () => {
    const preview = async (pulumi: string, more: Record<string, string> = {}) => {
        const { folder, env } = checkout({ pulumi });
        const answer = await step(".github/workflows/preview.yml", "preview", "Preview", {
            cwd: folder,
            env: { ...env, STACK: "prod", PULUMI_CONFIG_PASSPHRASE: CANARY, ...more },
        });
        return {
            ...answer,
            folder,
            env,
            text: fs.readFileSync(path.join(folder, "preview.md"), "utf8"),
            calls: fs.readFileSync(path.join(folder, "calls"), "utf8"),
        };
    };

    test("as Markdown that nothing breaks out of; no host is looked at", async () => {
        const { status, text, calls } = await preview(
            '[ "$ZOT_HARDENING_LOOK" = off ] && echo "~~~ look is off"; echo "[x](http://example.org)"',
            { ZOT_HOST_ADDRESS: "h.example.org" },
        );
        expect(status).toBe(0);
        expect(text).toContain("### Preview of the stack prod\n\n    ~~~ look is off\n    [x](http://example.org)\n");
        expect(calls).toBe(
            "pulumi config set --stack prod --path zot-hardening:host.address -- h.example.org\npulumi preview " +
                "--stack prod --non-interactive --diff\n",
        );
    });

    test("a failure is told as one", async () => {
        expect(await preview("echo wrong >&2; exit 255")).toMatchObject({
            status: 255,
            text: "### The preview of the stack prod failed\n\n    wrong\n",
        });
    });

    test.each([
        ["long lines", "head -c 70000 /dev/zero | tr '\\0' x", 1],
        ["many short ones", "yes | head -n 40000", 8000],
        ["characters of several bytes", "yes 'x\u{1f512}\u{1f512}\u{1f512}' | head -c 90001", 2000],
    ])(
        "%s are bounded as the forge and the environment want it; the log has all of them",
        async (_what, says, least) => {
            const { status, text, stdout } = await preview(`${says}; echo; echo the end`);
            expect(status).toBe(0);
            // A variable of a step's environment is at most 128 KiB long, and a comment 65,536 characters.
            expect(Buffer.byteLength(text)).toBeLessThan(52_000);
            expect(Buffer.byteLength(text)).toBeGreaterThan(45_000);
            expect(text.split("\n").length).toBeGreaterThan(least);
            expect(text).not.toContain("\ufffd");
            expect(text).toMatch(/\n\nThe rest is in the log of the run\.\n$/);
            expect(text).not.toContain("the end");
            expect(stdout).toContain("    the end\n");
        },
    );

    test("bytes that are no text, and what a terminal obeys, are not handed on: no runner takes them", async () => {
        const { folder } = await preview("printf 'a\\377b\\033[31mc\\r\\n'");
        const bytes = fs.readFileSync(path.join(folder, "preview.md"));
        expect(Buffer.from(bytes.toString("utf8"))).toEqual(bytes);
        expect(bytes.toString("utf8")).toBe("### Preview of the stack prod\n\n    a\ufffdb [31mc\n");
    });

    test.each([
        ["bytes that are no UTF-8, with which a job would never end", Buffer.from([0x61, 0xff]), "no UTF-8"],
        ["more than a variable can hold", Buffer.alloc(140_000, "x"), "has 140000 bytes"],
    ])("%s: not handed on to the job that publishes", async (_what, bytes, words) => {
        const { folder, env } = checkout({});
        fs.writeFileSync(path.join(folder, "review.md"), bytes);
        const output = path.join(folder, "output");
        const answer = await step(".forgejo/workflows/review.yml", "rights", "Hand on the text", {
            cwd: folder,
            env: { ...env, GITHUB_OUTPUT: output },
        });
        expect(answer).toMatchObject({ status: 1, stderr: expect.stringContaining(words) as string });
        expect(fs.existsSync(output)).toBe(false);
    });

    test("a secret where the text is cut is not published by half", async () => {
        const { status, text, stdout } = await preview(`head -c 49900 /dev/zero | tr '\\0' x; echo '${CANARY}'`);
        expect(status).toBe(1);
        expect(text + stdout).not.toContain(CANARY.slice(0, 8));
    });

    test.each([
        ["as it is", CANARY],
        ["in base64", Buffer.from(CANARY).toString("base64")],
        ["in hex", Buffer.from(CANARY).toString("hex")],
        ["in an address", encodeURIComponent(CANARY)],
    ])("a secret of the run %s is not published", async (_form, leak) => {
        const { status, text, stdout, folder, env } = await preview(`echo 'log: ${leak}'`);
        expect(status).toBe(1);
        expect(text).toContain("is not published");
        expect(text + stdout).not.toContain(leak);
        const output = path.join(folder, "output");
        await step(".github/workflows/preview.yml", "preview", "Hand on the text", {
            cwd: folder,
            env: { ...env, GITHUB_OUTPUT: output },
        });
        expect(fs.readFileSync(output, "utf8")).not.toContain(leak);
    });

    test("the password of a database that keeps the state, and a line of a private key", async () => {
        expect(
            (
                await preview("echo p@ssw0rd-canary", {
                    PULUMI_BACKEND_URL: "postgres://pulumi:p%40ssw0rd-canary@db/state",
                })
            ).status,
        ).toBe(1);
        expect(
            (
                await preview("echo b3BlbnNzaC1rZXktdjEAAAAA", {
                    ZOT_SSH_PRIVATE_KEY: "-----BEGIN K-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END K-----",
                })
            ).status,
        ).toBe(1);
        expect((await preview("echo file:///state", { PULUMI_BACKEND_URL: "file:///state" })).status).toBe(0);
    });
});

test.each([
    [401, "FORGE_TOKEN is no token"],
    [403, "the scopes of the bot's token"],
    [404, "Has the repository its issues turned on"],
    [410, "issues turned off"],
    [423, "archived, or the conversation is locked"],
    [500, '"it is so"'],
])("what a forge answers is told with its own words and what they mean: %i", async (code, words) => {
    const server = http.createServer((_request, response) => {
        response.writeHead(code, { "content-type": "application/json" });
        response.end(JSON.stringify({ message: "it is so" }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const answer = await ran(process.execPath, [path.join(scripts, "forge.cjs"), "issue", "Drift"], {
        cwd: scratch(),
        env: {
            FORGE_TOKEN: CANARY,
            FORGE_USER: "zot-bot",
            GITHUB_API_URL: `http://127.0.0.1:${port}`,
            GITHUB_REPOSITORY: "o/r",
        },
        input: "x",
    });
    server.close();
    expect(answer).toMatchObject({ status: 1, stdout: "" });
    expect(answer.stderr).toContain(`answered ${code} to GET issues`);
    expect(answer.stderr).toContain('"it is so"');
    expect(answer.stderr).toContain(words);
});

/** The part of a forge's interface that the scripts use. */
async function forge() {
    interface Item {
        id: number;
        number: number;
        title?: string;
        body: string;
        state: string;
        user: { login: string; type: string };
    }
    const items: { comments: Item[]; issues: Item[] } = { comments: [], issues: [] };
    const ours = { login: "zot-bot", type: "User" };
    const add = (list: Item[], given: Partial<Item>) => {
        const id = items.comments.length + items.issues.length + 1;
        list.push({ id, number: id, body: "", state: "open", user: ours, ...given });
        return list.at(-1)!;
    };
    const tokens = new Set<string | undefined>();
    const server = http.createServer((request, response) => {
        let text = "";
        request.on("data", (data) => (text += String(data)));
        request.on("end", () => {
            tokens.add(request.headers.authorization);
            const url = new URL(request.url!, "http://forge");
            const page = <T>(list: T[]) =>
                list.slice((Number(url.searchParams.get("page")) - 1) * 50, Number(url.searchParams.get("page")) * 50);
            const body = (text ? JSON.parse(text) : {}) as Partial<Item>;
            const [, kind, id] = /^\/repos\/o\/r\/issues(\/comments)?\/?(\d+)?/.exec(url.pathname) ?? [];
            const list = kind ? items.comments : items.issues;
            const answer =
                request.method === "PATCH"
                    ? Object.assign(list.find((item) => item.id === Number(id))!, body)
                    : url.pathname.endsWith("/7/comments")
                      ? request.method === "GET"
                          ? page(items.comments)
                          : add(items.comments, body)
                      : request.method === "GET"
                        ? page(items.issues.filter(({ state }) => state === "open"))
                        : url.pathname.endsWith("/comments")
                          ? add(items.comments, body)
                          : add(items.issues, body);
            response.setHeader("content-type", "application/json");
            response.end(JSON.stringify(answer));
        });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    server.unref();
    return {
        items,
        add,
        tokens,
        env: {
            GITHUB_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
            GITHUB_REPOSITORY: "o/r",
            FORGE_TOKEN: "forge-token",
        },
        stop: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
    };
}

test("one comment, updated and not repeated, whoever else writes one that looks like it", async () => {
    const there = await forge();
    const { folder, env } = checkout({});
    const comment = (text: string) =>
        step(".forgejo/workflows/preview.yml", "comment", "Comment", {
            cwd: folder,
            env: {
                ...env,
                ...there.env,
                FORGE_USER: "zot-bot",
                NUMBER: "7",
                STACK: "prod",
                RESULT: "success",
                OUTCOME: "success",
                TEXT: text,
            },
        });
    there.add(there.items.comments, {
        body: "<!-- zot-hardening: preview prod -->\nmine",
        user: { login: "mallory", type: "User" },
    });
    for (const login of ["forgejo-actions", "gitea-actions", "other[bot]"])
        there.add(there.items.comments, {
            body: "<!-- zot-hardening: preview prod -->\nmine",
            user: { login, type: "Bot" },
        });
    for (let index = 0; index < 60; index++)
        there.add(there.items.comments, { body: "chat", user: { login: "someone", type: "User" } });
    for (const text of ["first $(touch ran) `touch ran`", "second"])
        expect(await comment(text)).toMatchObject({ status: 0, stderr: "" });
    await there.stop();
    expect(there.items.comments.filter(({ user }) => user.login === "zot-bot").map(({ body }) => body)).toEqual([
        "<!-- zot-hardening: preview prod -->\nsecond\n",
    ]);
    expect(there.items.comments.slice(0, 4).map(({ body }) => body)).toEqual(
        Array(4).fill("<!-- zot-hardening: preview prod -->\nmine"),
    );
    expect(fs.existsSync(path.join(folder, "ran"))).toBe(false);
    expect([...there.tokens]).toEqual(["token forge-token"]);
});

describe("drift", () => {
    const urn = (type: string) =>
        `urn:pulumi:prod::zot-hardening::zot-hardening:index:HardenedRegistry$zot-hardening:index:RegistryIdentity$${type}::registry`;
    const steps = (...types: [string, string][]) =>
        `cat <<'JSON'\n${JSON.stringify({ steps: types.map(([op, type]) => ({ op, urn: urn(type) })) })}\nJSON`;
    const drift = async (pulumi: string, there: Awaited<ReturnType<typeof forge>>, verify = "process.exit(0)") => {
        const { folder, env } = checkout({ pulumi, verify });
        const looked = await step(".github/workflows/drift.yml", "drift", "Look for drift", {
            cwd: folder,
            env: { ...env, STACK: "prod", PULUMI_CONFIG_PASSPHRASE: CANARY },
        });
        const answer =
            looked.status === 0
                ? await step(".github/workflows/drift.yml", "drift", "Publish", {
                      cwd: folder,
                      env: { ...env, ...there.env, FORGE_USER: "zot-bot" },
                  })
                : looked;
        return { ...answer, calls: fs.readFileSync(path.join(folder, "calls"), "utf8") };
    };

    test("one issue: opened, updated, closed", async () => {
        const there = await forge();
        expect(
            await drift(steps(["update", "authentik:index/group:Group"], ["same", "pulumi:pulumi:Stack"]), there),
        ).toMatchObject({
            status: 0,
            stderr: "",
            calls: "pulumi preview --refresh --json --non-interactive --stack prod\n",
        });
        expect(there.items.issues).toMatchObject([
            {
                title: "The registry is not as declared",
                state: "open",
                body: expect.stringContaining("- update `authentik:index/group:Group registry`") as string,
            },
        ]);

        await drift(steps(), there, 'console.log("anonymous may push"); process.exit(1)');
        expect(there.items.issues).toHaveLength(1);
        expect(there.items.issues[0]!.body).toContain("    anonymous may push");

        // A rotation that is due is the plan.
        expect(await drift(steps(["update", apiKeyToken]), there)).toMatchObject({ status: 0 });
        expect(there.items.issues).toMatchObject([{ state: "closed" }]);
        expect(there.items.comments.at(-1)!.body).toContain("all is as declared");

        await drift(steps(["replace", apiKeyToken]), there);
        expect(there.items.issues).toHaveLength(1);
        await there.stop();
    });

    test("what cannot be found out is a failed run, and no issue", async () => {
        const there = await forge();
        expect((await drift("echo 'no state' >&2; exit 255", there)).status).toBe(1);
        expect((await drift(steps(), there, "process.exit(3)")).status).toBe(1);
        expect(
            (await drift(`echo '{"steps":[{"op":"update","urn":"urn:pulumi:prod::p::t::${CANARY}"}]}'`, there)).status,
        ).toBe(1);
        await there.stop();
        expect(there.items).toEqual({ comments: [], issues: [] });
    });
});

test("the shell scripts hold to POSIX, where a linter is there to say so", () => {
    const found = spawnSync("shellcheck", ["--version"]).status === 0;
    if (!found) return console.warn("shellcheck is not installed: the scripts were not looked at.");
    const { stdout } = spawnSync(
        "shellcheck",
        ["--severity", "style", ...fs.readdirSync(scripts).filter((name) => name.endsWith(".sh"))],
        { cwd: scripts, encoding: "utf8" },
    );
    expect(stdout).toBe("");
});
