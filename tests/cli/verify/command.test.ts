/** npm run verify as an operator runs it: its exit codes, its reports, and that it leaves nothing behind. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { stringify } from "yaml";
import type { Report } from "../../../cli/verify/report/report";
import { RegistryClient } from "../../../clients/zot/registry";
import { type Hardened, IMAGE, startHardened } from "./hardened";
import { demandSecondFactor } from "./secondFactor";
import { type Ran, root, startVerify } from "./verifyProcess";

jest.setTimeout(600_000);

let registry: Hardened;

beforeAll(async () => {
    registry = await startHardened();
});

afterAll(() => registry?.stop());

const run = (...given: Parameters<typeof startVerify>): Promise<Ran> => startVerify(...given).ended;
const full = (...more: string[]) => [...registry.commandLine.args, ...more];

test("a hardened registry: everything passes, a table, and a report of one page", async () => {
    const file = path.join(registry.folder, "report.html");
    const { code, stdout, stderr } = await run(full("--html", file), registry.commandLine.environment);
    expect({ code, stdout }).toEqual({
        code: 0,
        stdout: expect.stringMatching(/No weakness was found\. 34 passed, 8 skipped\.\n$/),
    });
    expect(stderr).toMatch(/^\[42\/42\] pass +keys-on-record: /m);
    expect(stdout).toMatch(/^PASS +tag-by-digest +CI cannot move a tag/m);

    const page = readFileSync(file, "utf8");
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain('<article id="tag-by-digest">');
    // Self-contained, and nothing in it that could be used.
    expect(page).not.toMatch(/<script|<link|<img|src=|@import|url\(/);
    for (const secret of [
        /zak_[0-9a-f]/,
        /Basic [A-Za-z0-9+/=]{8}/,
        new RegExp(registry.authentik.token),
        /code=[^…]/,
    ]) {
        expect(page + stdout + stderr).not.toMatch(secret);
    }
    expect(await registry.remains()).toEqual([]);
});

test("what a cache was made to store is gone again", async () => {
    const [repository] = IMAGE.split(":") as [string];
    const tags = await new RegistryClient(registry.registryUrl).request("GET", `/v2/${repository}/tags/list`);
    expect(JSON.parse(tags.text).tags ?? []).toEqual([]);
});

test("keys live at most fifteen minutes", async () => {
    const made: { expirationDate: string; at: number }[] = [];
    registry.registryGate.before = ({ method, path: requested, body }) => {
        if (method === "POST" && requested === "/zot/auth/apikey")
            made.push({
                expirationDate: (JSON.parse(body) as { expirationDate: string }).expirationDate,
                at: Date.now(),
            });
    };
    const { code } = await run(full("--only", "groups-mapped"), registry.commandLine.environment);
    registry.registryGate.reset();
    expect(code).toBe(0);
    expect(made).toHaveLength(2);
    for (const { expirationDate, at } of made) {
        expect(Date.parse(expirationDate) - at).toBeGreaterThan(5 * 60_000);
        expect(Date.parse(expirationDate) - at).toBeLessThanOrEqual(15 * 60_000);
    }
});

test("a site that demands a second factor: the users of a run pass by it, and nothing of that stays", async () => {
    const end = await demandSecondFactor(registry);
    try {
        const { code, stdout } = await run(
            full("--json", "--only", "login-ci,login-admin,login-unbound,logged-in-read,tag-other-content"),
            registry.commandLine.environment,
        );
        const report = JSON.parse(stdout) as Report;
        expect({ code, checks: report.checks.filter(({ verdict }) => verdict !== "pass") }).toEqual({
            code: 0,
            checks: [],
        });
        expect(report.checks[0]!.meaning).toMatch(
            /demands a second factor, so the login used a flow made for this run/,
        );
        expect(
            report.cleaning.removed.filter((what) => /^(flow|stage|policy) zot-hardening-verify-/.test(what)),
        ).toHaveLength(12);
    } finally {
        await end();
    }
    expect(await registry.loginFlows("zot-hardening-verify")).toEqual([]);
    expect(await registry.remains()).toEqual([]);
});

test.each(["SIGINT", "SIGTERM"] as const)(
    "%s in the middle: it ends soon, and leaves nothing behind",
    async (signal) => {
        let sent = false;
        const { code, stdout, stderr } = await run(full("--json"), registry.commandLine.environment, {
            during: (child, said) => {
                if (!sent && /tag-other-content: /.test(said)) {
                    sent = true;
                    child.kill(signal);
                }
            },
        });
        expect(code).toBe(signal === "SIGINT" ? 130 : 143);
        expect(stderr).toMatch(/Clearing up/);
        const report = JSON.parse(stdout) as Report;
        expect(report).toMatchObject({ interrupted: true, result: "incomplete", cleaning: { left: [] } });
        expect(report.checks.find(({ id }) => id === "keys-on-record")).toMatchObject({
            verdict: "skipped",
            meaning: `Interrupted (${signal}).`,
        });
        expect(await registry.remains()).toEqual([]);
    },
);

test("what an interrupted run left is removed by the next; a run that still goes on is left alone", async () => {
    const old = "20200101t000000-abcdef";
    const young = `${new Date().toISOString().slice(0, 19).replace(/[-:]/g, "").toLowerCase()}-abcdef`;
    const users = await Promise.all([old, young].map((run) => registry.makeAdmin(`zot-hardening-verify-${run}-admin`)));
    const username = users[1]!.username;
    const session = await registry.logIn(username);
    const { key, record } = await session.createApiKey("another run's", new Date(Date.now() + 600_000));
    const admin = new RegistryClient(registry.registryUrl, { username, key });
    for (const repository of [`zot-hardening-verify/${old}`, `zot-hardening-verify/${young}`])
        expect(await admin.push(repository, "v1", "left over")).toBe(201);

    const { code, stderr } = await run(full("--only", "health"), registry.commandLine.environment);
    expect(code).toBe(0);
    expect(stderr).toContain(
        `removed, left by an interrupted run: user zot-hardening-verify-${old}-admin in Authentik`,
    );
    expect(stderr).toContain(`removed, left by an interrupted run: zot-hardening-verify/${old}:v1`);
    expect((await registry.remains()).sort()).toEqual([username, `zot-hardening-verify/${young}:v1`]);

    expect(await admin.delete(`zot-hardening-verify/${young}`, "v1")).toBe(202);
    await session.revokeApiKey(record.uuid);
    await session.end();
    await registry.authentik.api("DELETE", `/core/users/${users[1]!.pk}/`);
    expect(await registry.remains()).toEqual([]);
});

test("--html where nothing can be written is refused before anything is asked", async () => {
    const before = registry.registryGate.requests.length;
    const file = path.join(registry.folder, "no-such-folder", "report.html");
    const { code, stdout, stderr } = await run(full("--html", file), registry.commandLine.environment);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(
        /^The report cannot be written to .*report\.html: the folder .*no-such-folder does not exist\.\n$/,
    );
    expect(registry.registryGate.requests).toHaveLength(before);
});

test("--html goes by the folder in which npm was called", async () => {
    const called = { INIT_CWD: registry.folder, npm_package_json: path.join(process.cwd(), "package.json") };
    const { code, stderr } = await run(full("--only", "health", "--html", "here.html"), called);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining("could not be written")]);
    expect(readFileSync(path.join(registry.folder, "here.html"), "utf8")).toMatch(/^<!doctype html>/);
});

describe("--read-only", () => {
    /** Requests that could store something, but for the probes that do not. */
    const writes = () =>
        registry.registryGate.requests.filter(
            ({ method, path: requested, headers }) =>
                !["GET", "HEAD"].includes(method) &&
                !(method === "PUT" && headers["content-type"] === "text/plain") &&
                !(method === "DELETE" && /\/manifests\/absent-[0-9a-f]+$/.test(requested)),
        );

    test("anonymous: nothing is made, nothing is stored", async () => {
        registry.registryGate.reset();
        const before = registry.authentikGate.requests.length;
        const { code, stdout } = await run(full("--read-only", "--json"), registry.commandLine.environment);
        const report = JSON.parse(stdout) as Report;
        expect(code).toBe(0);
        expect(report).toMatchObject({ readOnly: true, result: "pass", cleaning: { removed: [], left: [] } });
        expect(writes()).toEqual([]);
        // Of Authentik, only the discovery document.
        expect(
            registry.authentikGate.requests
                .slice(before)
                .filter(
                    ({ method, path: requested }) =>
                        method !== "GET" || !requested.endsWith("/.well-known/openid-configuration"),
                ),
        ).toEqual([]);
        expect(report.checks.find(({ id }) => id === "anonymous-push")).toMatchObject({ verdict: "pass" });
        expect(report.checks.find(({ id }) => id === "tag-other-content")).toMatchObject({
            verdict: "skipped",
            skipped: "read-only",
        });
        expect(await registry.remains()).toEqual([]);
    });

    test("with CI's own key: what it may do is asked without storing anything, and a weakness is found", async () => {
        const { key } = await registry.makeByHand("ci pulumi:registry/test/ciKey", new Date(Date.now() + 600_000));
        expect(
            await new RegistryClient(registry.registryUrl, { username: registry.ciUser, key }).push(
                "team/app",
                "v1",
                "an image",
            ),
        ).toBe(201);
        registry.registryGate.reset();
        const environment = { ZOT_CI_API_KEY: key };
        const hardened = await run(full("--read-only", "--json"), environment);
        const verdicts = (ran: Ran) =>
            Object.fromEntries((JSON.parse(ran.stdout) as Report).checks.map(({ id, verdict }) => [id, verdict]));
        expect(hardened.code).toBe(0);
        expect(verdicts(hardened)).toMatchObject({
            "anonymous-pull": "pass",
            "existing-tag-probe": "pass",
            "mirror-push": "pass",
            "access-matrix": "pass",
            "keys-on-record": "pass",
            "pull-through": "skipped",
        });

        await registry.start((config) => {
            config.http.accessControl.repositories["**"].policies[0].actions.push("update");
            delete config.http.accessControl.repositories["mirror.example/**"];
        });
        const weak = await run(full("--read-only", "--json"), environment);
        expect(weak.code).toBe(1);
        expect(verdicts(weak)).toMatchObject({
            "existing-tag-probe": "fail",
            "mirror-push": "fail",
            "access-matrix": "fail",
            "anonymous-push": "pass",
        });
        expect(writes()).toEqual([]);
        expect(hardened.stdout + weak.stdout + hardened.stderr + weak.stderr).not.toContain(key);
        await registry.start();
        await registry.revokeAllByHand();
    });
});

describe("a stack", () => {
    let folder: string;

    beforeAll(() => {
        folder = path.join(registry.folder, "project");
        mkdirSync(path.join(folder, "bin"), { recursive: true });
        copyFileSync(path.join(root, "Pulumi.yaml"), path.join(folder, "Pulumi.yaml"));
        const settings = {
            registry: { url: registry.registryUrl },
            zot: {
                binary: "/usr/bin/zot",
                configFile: "/etc/zot/config.json",
                rootDirectory: "/var/lib/zot",
                mirrors: [{ url: "http://127.0.0.1:9", prefix: "mirror.example" }],
            },
            identity: {
                issuer: registry.issuer,
                clientId: registry.clientId,
                applicationSlug: registry.clientId,
                adminsGroup: registry.adminsGroup,
                workloadsGroup: registry.workloadsGroup,
                ciUser: registry.ciUser,
            },
            host: { address: "127.0.0.1", user: "nobody" },
        };
        const config = Object.fromEntries(
            Object.entries(settings).map(([group, members]) => [`zot-hardening:${group}`, members]),
        );
        writeFileSync(path.join(folder, "Pulumi.test.yaml"), stringify({ config }));
    });

    const withOutputs = (outputs: object) => {
        const file = path.join(folder, "bin", "pulumi");
        writeFileSync(
            file,
            `#!/bin/sh\n[ "$1 $2" = "stack output" ] || exit 1\n[ -z "\${AUTHENTIK_TOKEN-}\${ZOT_CI_API_KEY-}" ` +
                `] || exit 1\ncat <<'END'\n${JSON.stringify(outputs)}\nEND\n`,
            { mode: 0o755 },
        );
        return {
            ...registry.commandLine.environment,
            AUTHENTIK_URL: registry.authentik.url,
            PATH: `${path.join(folder, "bin")}:/usr/bin:/bin`,
        };
    };

    test("its settings and outputs say what is declared", async () => {
        const ours = await registry.makeByHand("declared", new Date(Date.now() + 600_000));
        const environment = withOutputs({
            registryUrl: registry.registryUrl,
            ciApiKey: ours.key,
            ciApiKeyUuid: ours.record.uuid,
        });
        const only = "access-matrix,keys-on-record,metrics,login-start,mirror-push";
        const { code, stdout, stderr } = await run(["--stack", "test", "--only", only, "--json"], environment, {
            cwd: folder,
        });
        if (!stdout) throw new Error(stderr);
        expect({ code, result: (JSON.parse(stdout) as Report).result }).toEqual({ code: 0, result: "pass" });
        expect(JSON.parse(stdout)).toMatchObject({ subject: "the stack test", remarks: [] });

        await registry.revokeAllByHand();
        const gone = await run(["--stack", "test", "--only", "keys-on-record"], environment, { cwd: folder });
        expect(gone).toMatchObject({ code: 1, stdout: expect.stringMatching(/The stack's key \S+ is not on record/) });
        expect(await registry.remains()).toEqual([]);
    });

    test("without its outputs, its file alone does, and the report says so", async () => {
        const { code, stdout, stderr } = await run(
            ["--stack", "test", "--only", "health,login-start"],
            { PATH: "/usr/bin:/bin" },
            { cwd: folder },
        );
        expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringMatching(/defect/) });
        expect(stdout).toMatch(/Note: The stack's outputs are not known, so only its file says what is declared/);
    });

    test("that is not there is a mistake", async () => {
        expect(await run(["--stack", "nowhere"], {}, { cwd: folder })).toMatchObject({
            code: 2,
            stderr: expect.stringMatching(/There is no stack "nowhere"/),
        });
    });
});

describe("what cannot be carried out", () => {
    test.each([
        [["--only", "no-such-check", "--registry", "http://127.0.0.1:9"], 2, /There is no check no-such-check/],
        [[], 2, /Which registry\?/],
        [
            ["--registry", "registry.example.org"],
            2,
            /The registry's address "registry\.example\.org" cannot be used: it does not begin with https:/,
        ],
        [["--registry", "http://registry.example.org"], 2, /over plain http, the keys of this run could be read/],
        [
            ["--registry", "https://registry.example.org", "--authentik-url", "http://authentik.example.org"],
            2,
            /Authentik's address "http:\/\/authentik\.example\.org" cannot be used: over plain http/,
        ],
        [["--registry", "http://registry.example.org", "--read-only"], 2, /over plain http, .*without CI's key/],
        [["--registry", "http://127.0.0.1:9"], 3, /127\.0\.0\.1:9 cannot be reached/],
    ])("%j", async (args, code, said) => {
        expect(await run(args, { AUTHENTIK_TOKEN: "x", ZOT_CI_API_KEY: "zak_0" })).toEqual({
            code,
            stdout: "",
            stderr: expect.stringMatching(said),
        });
    });

    test.each([
        // What is no address is none with another option.
        ["registry.example.org", [], {}, "Give one such as https://registry.example.org.\n"],
        ["registry.example.org", ["--read-only"], {}, "Give one such as https://registry.example.org.\n"],
        ["http://r.example.org/x", [], {}, "Give one such as https://registry.example.org.\n"],
        ["http://r.example.org", [], {}, "Give one such as https://registry.example.org, or use --read-only."],
        [
            "http://r.example.org",
            [],
            { ZOT_CI_API_KEY: "zak_0" },
            "or use --read-only, without CI's key (ZOT_CI_API_KEY, --stack).",
        ],
        [
            "http://r.example.org",
            ["--read-only"],
            { ZOT_CI_API_KEY: "zak_0" },
            "or run it without CI's key (ZOT_CI_API_KEY, --stack).",
        ],
    ])("%s %j %j: what is advised helps", async (address, args, environment, advice) => {
        const { code, stderr } = await run(["--registry", address, ...args], environment);
        expect([code, stderr]).toEqual([2, expect.stringContaining(advice)]);
    });

    test("without a token for Authentik the rest is carried out, and it is told that it was not all", async () => {
        const { code, stdout } = await run(full("--json"));
        expect(code).toBe(3);
        const report = JSON.parse(stdout) as Report;
        expect(report.result).toBe("incomplete");
        expect(report.checks.find(({ id }) => id === "login-ci")).toMatchObject({
            verdict: "skipped",
            skipped: "not possible",
            meaning: expect.stringMatching(/set AUTHENTIK_TOKEN/),
        });
        expect(report.checks.find(({ id }) => id === "anonymous-push")).toMatchObject({ verdict: "pass" });
    });

    test("with a bad token, too", async () => {
        const { code, stdout } = await run(full("--json", "--only", "login-ci"), { AUTHENTIK_TOKEN: "no good" });
        expect({ code, checks: (JSON.parse(stdout) as Report).checks }).toMatchObject({
            code: 3,
            checks: [{ meaning: expect.stringMatching(/refused the API token/) }],
        });
    });
});
