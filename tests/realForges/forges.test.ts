/**
 * ci-secrets, and what the workflows publish, on a real Gitea and a real Forgejo: `npm run forges` starts the one and
 * names the other.
 */
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { Gitea, type GivenForge } from "../../testbed/forges/gitea";
import { removeScratch, runCommand } from "../cli/ciSecrets/command";
import { ask, branchIsKnown, tokenOfNewUser } from "./forgeApi";

const root = path.resolve(__dirname, "../..");
const KEY = `zak_${randomBytes(16).toString("hex")}`;
const outputs = {
    registryUrl: "https://registry.example.org",
    registryHost: "registry.example.org",
    ciUserName: "zot-ci",
    ciApiKey: KEY,
    ciApiKeyExpires: "2999-01-01T00:00:00Z",
};
const NAMES = ["--name", "ciApiKey=ZOT_CI_API_KEY", "--name", "registryHost=ZOT_REGISTRY"];

const { GITEA_FOLDER, FORGEJO_URL, FORGEJO_ADMIN_TOKEN } = process.env;
const forges: {
    name: "gitea" | "forgejo";
    reason: string | undefined;
    start: () => Promise<GivenForge & { stop?: () => Promise<void> }>;
}[] = [
    {
        name: "gitea",
        reason: GITEA_FOLDER ? undefined : "npm run forges builds one",
        start: () => Gitea.start(GITEA_FOLDER!),
    },
    {
        name: "forgejo",
        reason:
            FORGEJO_URL && FORGEJO_ADMIN_TOKEN
                ? undefined
                : "FORGEJO_URL and FORGEJO_ADMIN_TOKEN name one, for npm run forges",
        start: () =>
            Promise.resolve({ name: "forgejo", url: FORGEJO_URL!.replace(/\/+$/, ""), token: FORGEJO_ADMIN_TOKEN! }),
    },
];

jest.setTimeout(300_000);
afterAll(() => removeScratch());

describe.each(forges)("$name", ({ name, reason, start }) => {
    (reason ? describe.skip : describe)(skippable("as it is", reason), () => {
        let forge: GivenForge & { stop?: () => Promise<void> };
        let bot: { login: string; token: string };
        const owner = `zh-${randomBytes(4).toString("hex")}`;

        /** A request as the administrator, or as another; anything but an answer of the 200s is an error. */
        const api = <T>(method: string, where: string, body?: unknown, token = forge.token) =>
            ask<T>({ url: forge.url, token }, method, where, body);
        const userWith = (login: string, scopes: string[]) => tokenOfNewUser(forge, login, scopes);

        beforeAll(async () => {
            forge = await start();
            await api("POST", "/orgs", { username: owner, visibility: "private" });
            await api("POST", `/orgs/${owner}/repos`, {
                name: "images",
                auto_init: true,
                private: true,
                default_branch: "main",
            });
            bot = {
                login: `${owner}-bot`,
                token: await userWith(`${owner}-bot`, ["read:repository", "write:issue", "read:user"]),
            };
            await api("PUT", `/repos/${owner}/images/collaborators/${bot.login}`, { permission: "read" });
        });
        afterAll(async () => {
            if (!forge) return;
            await api("DELETE", `/repos/${owner}/images`).catch(() => undefined);
            await api("DELETE", `/orgs/${owner}`).catch(() => undefined);
            for (const login of [bot?.login, `${owner}-reader`])
                await api("DELETE", `/admin/users/${login}?purge=true`).catch(() => undefined);
            await forge.stop?.();
        });

        describe("ci-secrets", () => {
            const handOver = async (args: string[], token = forge.token) => {
                const ran = await runCommand(
                    "cli/ci-secrets.ts",
                    ["--from", "-", "--store", name, "--api-url", forge.url, ...args],
                    { env: { FORGE_TOKEN: token }, input: JSON.stringify(outputs) },
                );
                for (const secret of [KEY, token]) expect(ran.stdout + ran.stderr).not.toContain(secret);
                return ran;
            };
            const secretsOf = async (where: string) =>
                ((await api<{ name: string }[] | null>("GET", `${where}/actions/secrets`)) ?? []).map(
                    (secret) => secret.name,
                );
            const PLACES: [string, () => string[], () => string][] = [
                ["a repository", () => ["--owner", owner, "--repository", "images"], () => `/repos/${owner}/images`],
                ["an organisation", () => ["--owner", owner], () => `/orgs/${owner}`],
            ];

            test.each(PLACES)(
                "%s: a dry run writes nothing; then the key is a secret, the rest variables; again changes nothing",
                async (_what, options, where) => {
                    const dry = await handOver([...options(), ...NAMES, "--dry-run"]);
                    expect(dry).toMatchObject({
                        status: 0,
                        stdout: expect.stringMatching(
                            /ZOT_CI_API_KEY +secret +would be created[\s\S]*ZOT_REGISTRY +variable +would be created/,
                        ) as string,
                    });
                    expect(await secretsOf(where())).toEqual([]);
                    expect(await handOver([...options(), ...NAMES])).toMatchObject({
                        status: 0,
                        stderr: "",
                        stdout: expect.stringMatching(
                            /ZOT_CI_API_KEY +secret +created[\s\S]*ZOT_REGISTRY +variable +created/,
                        ) as string,
                    });
                    expect(await secretsOf(where())).toEqual(["ZOT_CI_API_KEY"]);
                    expect((await api<{ data: string }>("GET", `${where()}/actions/variables/ZOT_REGISTRY`)).data).toBe(
                        "registry.example.org",
                    );
                    expect(await handOver([...options(), ...NAMES])).toMatchObject({
                        status: 0,
                        stdout: expect.stringMatching(/written again[\s\S]*unchanged/) as string,
                    });
                    await api("PUT", `${where()}/actions/variables/ZOT_REGISTRY`, { value: "other.example.org" });
                    expect(await handOver([...options(), ...NAMES, "--dry-run"])).toMatchObject({
                        status: 0,
                        stdout: expect.stringMatching(/would be written again[\s\S]*would change/) as string,
                    });
                    expect(await handOver([...options(), ...NAMES])).toMatchObject({
                        status: 0,
                        stdout: expect.stringMatching(/written again[\s\S]*changed/) as string,
                    });
                },
            );

            test.each([[["--dry-run"]], [[]]])(
                "what is not there, and a token that may only read, are told before anything is written %j",
                async (how) => {
                    for (const names of [NAMES, ["--name", "registryHost=ZOT_REGISTRY"]]) {
                        expect(
                            await handOver(["--owner", owner, "--repository", "nonesuch", ...names, ...how]),
                        ).toMatchObject({
                            status: 1,
                            stdout: "",
                            stderr: expect.stringContaining("was not found") as string,
                        });
                        expect(await handOver(["--owner", `${owner}-none`, ...names, ...how])).toMatchObject({
                            status: 1,
                            stdout: "",
                            stderr: expect.stringContaining("was not found") as string,
                        });
                    }
                    const reader =
                        readers[0] ?? (await userWith(`${owner}-reader`, ["read:repository", "read:organization"]));
                    readers[0] = reader;
                    await api("PUT", `/repos/${owner}/images/collaborators/${owner}-reader`, { permission: "admin" });
                    for (const names of [NAMES, ["--name", "registryHost=NEW_VARIABLE"]]) {
                        const ran = await handOver(
                            ["--owner", owner, "--repository", "images", ...names, ...how],
                            reader,
                        );
                        expect(ran).toMatchObject({
                            status: 1,
                            stdout: "",
                            stderr: expect.stringContaining("The token may not do this") as string,
                        });
                    }
                    await expect(api("GET", `/repos/${owner}/images/actions/variables/NEW_VARIABLE`)).rejects.toThrow(
                        "404",
                    );
                },
            );
            const readers: string[] = [];

            test(
                "names that the forge does not take for a variable are refused before anything is written, " +
                    "and those that it takes are not",
                async () => {
                    const names = ["--name", "ciApiKey=ANOTHER_KEY", "--name", "ciUserName=CI_USER"];
                    const ran = await handOver(["--owner", owner, "--repository", "images", ...names]);
                    if (name === "forgejo")
                        expect(ran).toMatchObject({
                            status: 1,
                            stderr: expect.stringContaining("begins with CI") as string,
                        });
                    else expect(ran).toMatchObject({ status: 0 });
                    expect((await secretsOf(`/repos/${owner}/images`)).includes("ANOTHER_KEY")).toBe(
                        name !== "forgejo",
                    );
                },
            );
        });

        describe("what the workflows publish", () => {
            const forgeScript = (args: string[], text: string, env: Record<string, string> = {}) =>
                new Promise<{ status: number | null; output: string }>((resolve, reject) => {
                    const child = spawn(process.execPath, [path.join(root, ".github/scripts/forge.cjs"), ...args], {
                        env: {
                            PATH: process.env.PATH,
                            FORGE_TOKEN: bot.token,
                            GITHUB_API_URL: `${forge.url}/api/v1`,
                            GITHUB_REPOSITORY: `${owner}/images`,
                            ...env,
                        },
                    });
                    let output = "";
                    for (const stream of [child.stdout, child.stderr])
                        stream.on("data", (chunk) => (output += String(chunk)));
                    child.on("error", reject);
                    child.on("close", (status) => resolve({ status, output }));
                    child.stdin.end(text);
                });
            interface Item {
                number: number;
                body: string;
                title: string;
                state: string;
                user: { login: string };
            }
            let pull: { number: number; head: { sha: string } };
            beforeAll(async () => {
                await api("POST", `/repos/${owner}/images/contents/change`, {
                    content: "eA==",
                    branch: "main",
                    new_branch: "change",
                    message: "change",
                });
                pull = await api("POST", `/repos/${owner}/images/pulls`, {
                    head: "change",
                    base: "main",
                    title: "A change",
                });
            });
            const comments = () => api<Item[]>("GET", `/repos/${owner}/images/issues/${pull.number}/comments`);

            test(
                "one comment of the bot's, updated; another's that looks like it stays; " +
                    "an older run writes nothing",
                async () => {
                    await api("POST", `/repos/${owner}/images/issues/${pull.number}/comments`, {
                        body: "<!-- zot-hardening: review -->\nnot ours",
                    });
                    const number = String(pull.number);
                    for (const text of ["first", "second"])
                        expect(
                            await forgeScript(["comment", number, "review"], text, { COMMIT: pull.head.sha }),
                        ).toEqual({
                            status: 0,
                            output: "",
                        });
                    const older = await forgeScript(["comment", number, "review"], "older", { COMMIT: "0".repeat(40) });
                    expect(older).toMatchObject({
                        status: 0,
                        output: expect.stringContaining("has another head") as string,
                    });
                    expect((await comments()).map(({ body, user }) => [user.login === bot.login, body])).toEqual([
                        [false, "<!-- zot-hardening: review -->\nnot ours"],
                        [true, "<!-- zot-hardening: review -->\nsecond"],
                    ]);
                },
            );

            test("one issue of the bot's, opened, updated, closed", async () => {
                const issues = async () =>
                    (await api<Item[]>("GET", `/repos/${owner}/images/issues?state=all&type=issues`)).map(
                        ({ title, body, state, user }) => ({ title, body, state, ours: user.login === bot.login }),
                    );
                await api("POST", `/repos/${owner}/images/issues`, { title: "Drift", body: "not ours" });
                for (const [work, text] of [
                    ["issue", "one"],
                    ["issue", "two"],
                    ["close", "all is well"],
                    ["close", "all is well"],
                ] as const)
                    expect(await forgeScript([work, "Drift"], text)).toEqual({ status: 0, output: "" });
                expect((await issues()).sort((left, right) => Number(left.ours) - Number(right.ours))).toEqual([
                    { title: "Drift", body: "not ours", state: "open", ours: false },
                    { title: "Drift", body: "two", state: "closed", ours: true },
                ]);
            });

            test("a token without its scopes is told", async () => {
                const token = await userWith(`${owner}-poor`, ["read:repository"]);
                await api("PUT", `/repos/${owner}/images/collaborators/${owner}-poor`, { permission: "read" });
                const { status, output } = await forgeScript(["issue", "Drift"], "x", { FORGE_TOKEN: token });
                await api("DELETE", `/admin/users/${owner}-poor?purge=true`);
                expect(status).toBe(1);
                expect(output).toMatch(/answered 403 to GET/);
            });
        });

        test("takes every workflow: none is dropped for its YAML", async () => {
            const place = name === "gitea" ? ".gitea/workflows" : ".forgejo/workflows";
            await api("POST", `/orgs/${owner}/repos`, { name: "flows", private: true });
            const folder = fs.mkdtempSync(path.join(os.tmpdir(), "real-forge-"));
            const git = (...args: string[]) =>
                execFileSync(
                    "git",
                    ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false", ...args],
                    {
                        cwd: folder,
                        encoding: "utf8",
                        stdio: ["ignore", "pipe", "pipe"],
                        env: {
                            PATH: process.env.PATH,
                            HOME: folder,
                            GIT_CONFIG_COUNT: "1",
                            GIT_CONFIG_KEY_0: "http.extraHeader",
                            GIT_CONFIG_VALUE_0: `Authorization: Basic ${Buffer.from(`x:${forge.token}`).toString("base64")}`,
                        },
                    },
                ).trim();
            try {
                fs.cpSync(path.join(root, ".forgejo/workflows"), path.join(folder, place), { recursive: true });
                git("init", "--quiet", "--initial-branch=main");
                git("add", "--all");
                git("commit", "--quiet", "--message", "workflows");
                git("remote", "add", "origin", `${forge.url}/${owner}/flows.git`);
                git("push", "--quiet", "origin", "main");
                await api("POST", `/repos/${owner}/flows/actions/variables/ZOT_STACK`, { value: "prod" });
                git("checkout", "--quiet", "-b", "change");
                fs.writeFileSync(path.join(folder, "x"), "x");
                git("add", "x");
                git("commit", "--quiet", "--message", "change");
                git("push", "--quiet", "origin", "change");
                await branchIsKnown(forge, `/repos/${owner}/flows`, "change");
                await api("POST", `/repos/${owner}/flows/pulls`, { head: "change", base: "main", title: "A change" });
                for (const workflow of ["drift", "deploy"])
                    await api("POST", `/repos/${owner}/flows/actions/workflows/${workflow}.yml/dispatches`, {
                        ref: "main",
                    });
                const wanted = ["deploy.yml", "drift.yml", "preview.yml", "review.yml", "test.yml"];
                let found: string[] = [];
                for (let attempt = 0; attempt < 50 && found.length < wanted.length; attempt++) {
                    await new Promise((resolve) => setTimeout(resolve, 200));
                    const { workflow_runs: runs } = await api<{
                        workflow_runs: { path?: string; workflow_id?: string }[] | null;
                    }>("GET", `/repos/${owner}/flows/actions/tasks?limit=50`).then((tasks) =>
                        tasks.workflow_runs?.length
                            ? tasks
                            : api<{ workflow_runs: { path?: string; workflow_id?: string }[] | null }>(
                                  "GET",
                                  `/repos/${owner}/flows/actions/runs?limit=50`,
                              ),
                    );
                    found = [
                        ...new Set(
                            (runs ?? []).map(
                                (run) => (run.workflow_id ?? run.path ?? "").split("@")[0]!.split("/").at(-1)!,
                            ),
                        ),
                    ].sort();
                }
                expect(found).toEqual(wanted);
            } finally {
                fs.rmSync(folder, { recursive: true, force: true });
                await api("DELETE", `/repos/${owner}/flows`).catch(() => undefined);
            }
        });
    });
});
