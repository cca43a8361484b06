/** The workflows for GitHub and Forgejo: their steps, as they are written. */
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { apiKeyToken } from "../../providers/zot/package";
import { CANARY, checkout, forge, ran, removeFolders, scratch, scripts, step } from "./steps";

jest.setTimeout(120_000);
afterAll(removeFolders);

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

    test("as text; no host is looked at", async () => {
        const { status, text, calls } = await preview(
            '[ "$ZOT_HARDENING_LOOK" = off ] && echo "~~~ look is off"; echo "[x](http://example.org)"',
            { ZOT_HOST_ADDRESS: "h.example.org" },
        );
        expect(status).toBe(0);
        expect(text).toBe("~~~ look is off\n[x](http://example.org)\n");
        expect(calls).toBe(
            "pulumi config set --stack prod --path zot-hardening:host.address -- h.example.org\npulumi preview " +
                "--stack prod --non-interactive --diff\n",
        );
    });

    test("a failure is told as one", async () => {
        expect(await preview("echo wrong >&2; exit 255")).toMatchObject({
            status: 255,
            text: "wrong\n",
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
            expect(stdout).toContain("\nthe end\n");
        },
    );

    test("bytes that are no text, and what a terminal obeys, are not handed on: no runner takes them", async () => {
        const { folder } = await preview("printf 'a\\377b\\033[31mc\\r\\n'");
        const bytes = fs.readFileSync(path.join(folder, "preview.md"));
        expect(Buffer.from(bytes.toString("utf8"))).toEqual(bytes);
        expect(bytes.toString("utf8")).toBe("a\ufffdb [31mc\n");
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
        "<!-- zot-hardening: preview prod -->\n### The preview of the stack prod\n\n" +
            "By the code of the branch itself:\n\n    second\n",
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
