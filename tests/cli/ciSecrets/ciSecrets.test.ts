/** npm run ci-secrets as an operator runs it, against stand-ins of the forges that check what they receive. */
import {
    chmodSync,
    existsSync,
    lstatSync,
    mkdirSync,
    readdirSync,
    readFileSync,
    statSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import { newSelfSignedCertificate } from "../../../testbed/authentik/selfSignedCertificate";
import { Browser, IdentityProvider, type NewKey, person } from "../../testbed/zot/logins";
import { cleanUp, jsonOf, RunningZot, zots } from "../../testbed/zot/zots";
import { fakePulumi, type Ran, removeScratch, runCommand, scratch } from "./command";
import { ForgejoStandIn, GitHubStandIn } from "./forge";

const TOKEN = "forge-token-that-nobody-may-see";
const KEY = "zak_0123456789abcdef0123456789abcdef";
const outputs = {
    registryUrl: "http://127.0.0.1:1",
    registryHost: "127.0.0.1:1",
    ciUserName: "zot-ci",
    ciApiKey: KEY,
    ciApiKeyExpires: "2999-01-01T00:00:00Z",
};
const ALL_NAMES = [
    "--name",
    "ciApiKey=ZOT_CI_API_KEY",
    "--name",
    "registryHost=ZOT_REGISTRY",
    "--name",
    "ciApiKeyExpires=ZOT_CI_API_KEY_EXPIRES",
];

jest.setTimeout(60_000);
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
    for (const close of closing.splice(0)) await close();
});
afterAll(async () => {
    await cleanUp();
    removeScratch();
});

const forgejo = async (options = {}) => {
    const forge = await new ForgejoStandIn({ token: TOKEN, ...options }).listen();
    closing.push(() => forge.close());
    return forge;
};
const github = async (options = {}) => {
    const forge = await GitHubStandIn.open({ token: TOKEN, ...options });
    closing.push(() => forge.close());
    return forge;
};

/** Runs it with the outputs on standard input; no secret may be in what it prints. */
async function handOver(
    args: string[],
    {
        env = { FORGE_TOKEN: TOKEN },
        input = JSON.stringify(outputs),
    }: { env?: Record<string, string>; input?: string } = {},
): Promise<Ran> {
    const ran = await runCommand("cli/ci-secrets.ts", ["--from", "-", ...args], { env, input });
    expect(`${ran.stdout}${ran.stderr}`).not.toContain(KEY);
    expect(`${ran.stdout}${ran.stderr}`).not.toContain(TOKEN);
    return ran;
}

/** What was asked of it beside reading, and beside the removal of what is not there. */
const written = ({ seen }: { seen: string[] }) =>
    seen.filter((request) => !/^GET |^DELETE .*\/IS_NOT_THERE_[0-9A-F]{16}$/.test(request));
const kept = (entries: Map<string, { value: string }> | undefined) =>
    Object.fromEntries([...(entries ?? [])].map(([name, { value }]) => [name, value]));

describe("Forgejo and Gitea", () => {
    test("a repository: the key as a secret, the rest as variables; a second run changes nothing", async () => {
        const forge = await forgejo();
        forge.has("ops/images");
        const args = [
            "--store",
            "forgejo",
            "--api-url",
            forge.url,
            "--owner",
            "ops",
            "--repository",
            "images",
            ...ALL_NAMES,
        ];
        const first = await handOver(args);
        expect(first).toMatchObject({ status: 0, stderr: "" });
        expect(first.stdout).toMatch(
            /To the repository ops\/images at http.*\n {2}ZOT_CI_API_KEY +secret +created +\(ciApiKey\)\n {2}ZOT_REGISTRY +variable +created/,
        );
        expect(kept(forge.secrets.get("ops/images"))).toEqual({ ZOT_CI_API_KEY: KEY });
        expect(kept(forge.variables.get("ops/images"))).toEqual({
            ZOT_REGISTRY: "127.0.0.1:1",
            ZOT_CI_API_KEY_EXPIRES: "2999-01-01T00:00:00Z",
        });
        expect(forge.seen.find((request) => request.startsWith("P"))).toBe(
            "PUT /api/v1/repos/ops/images/actions/secrets/ZOT_CI_API_KEY",
        );

        forge.seen.length = 0;
        const second = await handOver([...args, "--json"]);
        expect(second.status).toBe(0);
        expect(
            (JSON.parse(second.stdout) as { items: { change: string }[] }).items.map(({ change }) => change),
        ).toEqual(["written", "unchanged", "unchanged"]);
        expect(written(forge)).toEqual(["PUT /api/v1/repos/ops/images/actions/secrets/ZOT_CI_API_KEY"]);
        expect(second.stderr).toContain("whether it held another value cannot be told");
    });

    test("an organisation, a variable that differs, and Gitea's own name of the token", async () => {
        const forge = await forgejo();
        forge.has("ops", {}, { ZOT_REGISTRY: { value: "old.example.org" } });
        const ran = await handOver(
            ["--store", "gitea", "--api-url", `${forge.url}/api/v1`, "--owner", "ops", ...ALL_NAMES],
            { env: { GITEA_TOKEN: TOKEN } },
        );
        expect(ran.status).toBe(0);
        expect(ran.stdout).toMatch(/ZOT_REGISTRY +variable +changed/);
        expect(kept(forge.variables.get("ops"))).toMatchObject({ ZOT_REGISTRY: "127.0.0.1:1" });
        expect(forge.seen).toContain("PUT /api/v1/orgs/ops/actions/variables/ZOT_REGISTRY");
    });

    test("a dry run writes nothing, and finds a secret on the second page", async () => {
        const forge = await forgejo({ pageSize: 2 });
        forge.has("ops/images", {
            A: { value: "a" },
            B: { value: "b" },
            C: { value: "c" },
            ZOT_CI_API_KEY: { value: "before" },
        });
        const ran = await handOver([
            "--store",
            "forgejo",
            "--api-url",
            forge.url,
            "--owner",
            "ops",
            "--repository",
            "images",
            ...ALL_NAMES,
            "--dry-run",
        ]);
        expect(ran.status).toBe(0);
        expect(ran.stdout).toMatch(
            /^Nothing is written\.[\s\S]*ZOT_CI_API_KEY +secret +would be written again[\s\S]*ZOT_REGISTRY +variable +would be created/,
        );
        expect(written(forge)).toEqual([]);
        expect(kept(forge.secrets.get("ops/images"))).toMatchObject({ ZOT_CI_API_KEY: "before" });
    });

    test("each refusal has its own words", async () => {
        const forge = await forgejo();
        forge.has("ops/images");
        const args = ["--store", "forgejo", "--api-url", forge.url, "--owner", "ops", "--repository", "images"];
        expect(await handOver(args, { env: {} })).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(
                /no token for .*: put it into the environment as FORGE_TOKEN or FORGEJO_TOKEN/,
            ),
        });
        expect(await handOver(args, { env: { FORGE_TOKEN: "another" } })).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(/refused the token, "invalid username, password or token"/),
        });
        expect(await handOver([...args, "--repository", "nonesuch"])).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(/the repository ops\/nonesuch at .* was not found/),
        });
        forge.instead.push({ status: 403, json: { message: "token does not have at least one of required scope(s)" } });
        expect(await handOver(args)).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(
                /The token may not do this: listing the secrets .*It needs the scope write:repository/,
            ),
        });
        forge.instead.push({ status: 301, headers: { location: "https://elsewhere.example.org/" } });
        expect(await handOver(args)).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(/redirects to https:\/\/elsewhere.example.org/),
        });
        expect(
            (await handOver(["--store", "forgejo", "--api-url", "http://127.0.0.1:2", "--owner", "ops"])).stderr,
        ).toMatch(/cannot be reached/);
        expect(kept(forge.secrets.get("ops/images"))).toEqual({});
    });

    test("a gateway that fails in passing is asked again; what was done before a failure is said", async () => {
        const forge = await forgejo();
        forge.has("ops/images");
        forge.instead.push({ status: 502 });
        const args = [
            "--store",
            "forgejo",
            "--api-url",
            forge.url,
            "--owner",
            "ops",
            "--repository",
            "images",
            ...ALL_NAMES,
        ];
        expect((await handOver(args)).status).toBe(0);
        expect(kept(forge.secrets.get("ops/images"))).toEqual({ ZOT_CI_API_KEY: KEY });
        forge.failAt("PUT /api/v1/repos/ops/images/actions/variables/ZOT_REGISTRY", {
            status: 404,
            json: { message: "gone" },
        });
        forge.variables.get("ops/images")!.set("ZOT_REGISTRY", { value: "another" });
        const failed = await handOver(args);
        expect(failed.status).toBe(1);
        expect(failed.stdout).toMatch(/ZOT_CI_API_KEY +secret +written again/);
        expect(failed.stderr).toMatch(/was not found while writing the variable ZOT_REGISTRY/);
    });
});

describe("GitHub", () => {
    test("a repository: a sealed box that the private key opens; a second run changes nothing", async () => {
        const forge = await github();
        forge.has("ops/images");
        const args = [
            "--store",
            "github",
            "--api-url",
            forge.url,
            "--owner",
            "ops",
            "--repository",
            "images",
            ...ALL_NAMES,
        ];
        const first = await handOver(args, { env: { GITHUB_TOKEN: TOKEN } });
        expect(first).toMatchObject({ status: 0, stderr: "" });
        expect(first.stdout).toMatch(/ZOT_CI_API_KEY +secret +created[\s\S]*ZOT_REGISTRY +variable +created/);
        expect(kept(forge.secrets.get("ops/images"))).toEqual({ ZOT_CI_API_KEY: KEY });
        expect(kept(forge.variables.get("ops/images"))).toEqual({
            ZOT_REGISTRY: "127.0.0.1:1",
            ZOT_CI_API_KEY_EXPIRES: "2999-01-01T00:00:00Z",
        });
        forge.seen.length = 0;
        const second = await handOver(args, { env: { GH_TOKEN: TOKEN } });
        expect(second.stdout).toMatch(/ZOT_CI_API_KEY +secret +written again[\s\S]*ZOT_REGISTRY +variable +unchanged/);
        expect(written(forge)).toEqual(["PUT /repos/ops/images/actions/secrets/ZOT_CI_API_KEY"]);
    });

    test(
        "an organisation: what is new is private unless said, " + "what exists keeps the repositories that see it",
        async () => {
            const forge = await github({ pageSize: 2 });
            forge.has(
                "ops",
                { OLD: { value: "x", visibility: "selected", selected: [11, 12, 13] } },
                { V: { value: "x", visibility: "all" } },
            );
            const base = ["--store", "github", "--api-url", forge.url, "--owner", "ops"];
            expect(
                (
                    await handOver([
                        ...base,
                        "--name",
                        "ciApiKey=OLD",
                        "--name",
                        "ciUserName=V",
                        "--name",
                        "registryHost=W",
                    ])
                ).status,
            ).toBe(0);
            expect((await handOver([...base, "--name", "ciApiKey=NEW", "--visibility", "all"])).status).toBe(0);
            expect(forge.secrets.get("ops")!.get("OLD")).toEqual({
                value: KEY,
                visibility: "selected",
                selected: [11, 12, 13],
            });
            expect(forge.secrets.get("ops")!.get("NEW")).toEqual({ value: KEY, visibility: "all" });
            expect(forge.variables.get("ops")!.get("V")).toEqual({ value: "zot-ci", visibility: "all" });
            expect(forge.variables.get("ops")!.get("W")).toEqual({ value: "127.0.0.1:1", visibility: "private" });
        },
    );

    test("a dry run writes nothing", async () => {
        const forge = await github();
        forge.has("ops/images");
        const ran = await handOver([
            "--store",
            "github",
            "--api-url",
            forge.url,
            "--owner",
            "ops",
            "--repository",
            "images",
            ...ALL_NAMES,
            "--dry-run",
        ]);
        expect(ran.stdout).toMatch(/ZOT_CI_API_KEY +secret +would be created/);
        expect(written(forge)).toEqual([]);
    });

    test("each refusal has its own words", async () => {
        const forge = await github();
        forge.has("ops/images");
        const args = ["--store", "github", "--api-url", forge.url, "--owner", "ops", "--repository", "images"];
        expect((await handOver(args, { env: { GITHUB_TOKEN: "another" } })).stderr).toMatch(/refused the token \(401/);
        forge.instead.push({ status: 403, json: { message: "Resource not accessible by integration" } });
        expect((await handOver(args)).stderr).toMatch(
            /Resource not accessible by integration.*Secrets and Variables: write.*the token of a workflow run/,
        );
        forge.instead.push({
            status: 301,
            json: { message: "Moved Permanently" },
            headers: { location: `${forge.url}/repositories/1/actions/secrets/ZOT_CI_API_KEY` },
        });
        expect((await handOver(args)).stderr).toMatch(/was renamed or moved; give its present owner and name/);
        expect((await handOver([...args, "--repository", "nonesuch"])).stderr).toMatch(
            /was not found while reading the public key/,
        );
        expect(
            (await handOver(["--store", "github", "--api-url", "http://127.0.0.1:2", "--owner", "ops"])).stderr,
        ).toMatch(/http:\/\/127.0.0.1:2 cannot be reached while/);
    });
});

describe.each(["forgejo", "gitea", "github"])("%s: before anything is written", (store) => {
    const open = (options = {}) => (store === "github" ? github(options) : forgejo(options));
    const at = ({ url }: { url: string }, ...more: string[]) => [
        "--store",
        store,
        "--api-url",
        url,
        "--owner",
        "ops",
        "--repository",
        "images",
        ...more,
    ];

    test.each([[["--dry-run"]], [[]]])(
        "a repository that is not there, also where variables alone are handed over %j",
        async (how) => {
            const forge = await open();
            for (const names of [ALL_NAMES, ["--name", "registryHost=ZOT_REGISTRY"]]) {
                expect(await handOver(at(forge, ...names, ...how))).toMatchObject({
                    status: 1,
                    stdout: "",
                    stderr: expect.stringMatching(/the repository ops\/images at .* was not found/) as string,
                });
            }
            expect(written(forge)).toEqual([]);
        },
    );

    test.each([[["--dry-run"]], [[]]])("a token that may only read %j", async (how) => {
        const forge = await open({ readOnly: true });
        forge.has("ops/images");
        for (const names of [ALL_NAMES, ["--name", "registryHost=ZOT_REGISTRY"]]) {
            expect(await handOver(at(forge, ...names, ...how))).toMatchObject({
                status: 1,
                stdout: "",
                stderr: expect.stringMatching(/finding out whether a (secret|variable) may be written/) as string,
            });
        }
        expect(written(forge)).toEqual([]);
    });

    test("what a forge repeats of the request is masked, whole and cut off, as it is and encoded", async () => {
        const forge = await open({ repeats: true });
        forge.has("ops/images");
        const encoded = (secret: string) => [
            secret,
            secret.slice(0, 20),
            Buffer.from(secret).toString("base64").slice(4, 30),
            encodeURIComponent(secret),
        ];
        for (const path of ["/secrets/ZOT_CI_API_KEY", store === "github" ? "/variables" : "/variables/ZOT_REGISTRY"]) {
            forge.failAt(path, { status: 500, json: {} });
            const ran = await handOver(at(forge, ...ALL_NAMES));
            expect(ran.status).toBe(1);
            for (const form of [KEY, TOKEN].flatMap(encoded)) expect(ran.stdout + ran.stderr).not.toContain(form);
        }
    });
});

test("names that begin with CI are refused for Forgejo's variables before anything is asked", async () => {
    const forge = await forgejo();
    forge.has("ops/images");
    const at = (store: string, ...names: string[]) => [
        "--store",
        store,
        "--api-url",
        forge.url,
        "--owner",
        "ops",
        "--repository",
        "images",
        ...names.flatMap((name) => ["--name", name]),
    ];
    const refused = await handOver(at("forgejo", "ciApiKey=CI_KEY", "ciUserName=CI_USER", "registryHost=CICD_HOST"));
    expect(refused).toMatchObject({
        status: 1,
        stdout: "",
        stderr: expect.stringMatching(
            /the name CI_USER begins with CI[\s\S]*the name CICD_HOST begins with CI/,
        ) as string,
    });
    expect(forge.seen).toEqual([]);
    expect((await handOver(at("forgejo", "ciApiKey=CI_KEY", "ciUserName=ZOT_USER"))).status).toBe(0);
});

test("what is in the way of revoking is found before anything is handed over", async () => {
    const forge = await forgejo();
    forge.has("ops/images");
    const ran = await handOver([
        "--store",
        "forgejo",
        "--api-url",
        forge.url,
        "--owner",
        "ops",
        "--repository",
        "images",
        "--revoke-previous",
    ]);
    expect(ran).toMatchObject({
        status: 1,
        stdout: "",
        stderr: expect.stringMatching(/127.0.0.1:1 cannot be reached/) as string,
    });
    expect(written(forge)).toEqual([]);
});

describe("files", () => {
    test("a dotenv file, mode 0600, in place of what others could read; a second run leaves it alone", async () => {
        const folder = scratch();
        const file = join(folder, "ci.env");
        writeFileSync(file, "OTHER=1\n", { mode: 0o644 });
        chmodSync(file, 0o644);
        const first = await handOver(["--store", "dotenv", "--file", file], { env: {} });
        expect(first).toMatchObject({
            status: 0,
            stderr: expect.stringMatching(/could be read by others \(mode 0644\) and is now 0600/),
        });
        expect(readFileSync(file, "utf8")).toBe(`OTHER=1\nZOT_CI_API_KEY=${KEY}\n`);
        expect(statSync(file).mode & 0o777).toBe(0o600);
        const before = statSync(file, { bigint: true });
        const second = await handOver(["--store", "dotenv", "--file", file], { env: {} });
        expect(second.stdout).toMatch(/ZOT_CI_API_KEY +line +unchanged/);
        const after = statSync(file, { bigint: true });
        expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
        expect(readdirSync(folder)).toEqual(["ci.env"]);
    });

    test("a JSON file behind a link, which stays a link", async () => {
        const folder = scratch();
        mkdirSync(join(folder, "kept"));
        symlinkSync(join(folder, "kept", "ci.json"), join(folder, "link.json"));
        writeFileSync(join(folder, "kept", "ci.json"), '{"list":[1]}', { mode: 0o600 });
        expect(
            (await handOver(["--store", "json", "--file", join(folder, "link.json"), ...ALL_NAMES], { env: {} }))
                .status,
        ).toBe(0);
        expect(lstatSync(join(folder, "link.json")).isSymbolicLink()).toBe(true);
        expect(JSON.parse(readFileSync(join(folder, "kept", "ci.json"), "utf8"))).toEqual({
            list: [1],
            ZOT_CI_API_KEY: KEY,
            ZOT_REGISTRY: "127.0.0.1:1",
            ZOT_CI_API_KEY_EXPIRES: "2999-01-01T00:00:00Z",
        });
    });

    test("a dry run, a folder that is missing, and a file of another kind", async () => {
        const file = join(scratch(), "ci.env");
        expect((await handOver(["--store", "dotenv", "--file", file, "--dry-run"], { env: {} })).stdout).toMatch(
            /would be created/,
        );
        expect(existsSync(file)).toBe(false);
        for (const how of [[], ["--dry-run"]])
            expect(await handOver(["--store", "dotenv", "--file", join(file, "x"), ...how], { env: {} })).toMatchObject(
                { status: 1, stderr: expect.stringMatching(/cannot be written: ENOENT/) },
            );
        writeFileSync(file, `KEY=${KEY}`);
        expect(await handOver(["--store", "json", "--file", file], { env: {} })).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(/cannot be used: it is not JSON/),
        });
    });
});

describe("the stack", () => {
    test("its settings say where to; Pulumi sees no token of the forge, and no secret is an argument", async () => {
        const forge = await forgejo();
        forge.has("ops/images");
        const folder = scratch();
        writeFileSync(join(folder, "Pulumi.yaml"), "name: zot-hardening\nruntime: nodejs\n");
        writeFileSync(
            join(folder, "Pulumi.site.yaml"),
            `config:\n  zot-hardening:ciSecrets:\n    store: forgejo\n    apiUrl: ${forge.url}\n    owner: ` +
                `ops\n    repository: images\n    names: {ciApiKey: REGISTRY_KEY}\n`,
        );
        const pulumi = fakePulumi(folder, JSON.stringify(outputs));
        const ran = await runCommand("cli/ci-secrets.ts", ["--stack", "site"], {
            cwd: folder,
            env: { ...pulumi.env, FORGE_TOKEN: TOKEN, GITHUB_TOKEN: TOKEN, PULUMI_CONFIG_PASSPHRASE: "kept" },
        });
        expect(ran).toMatchObject({ status: 0, stderr: "" });
        expect(kept(forge.secrets.get("ops/images"))).toEqual({ REGISTRY_KEY: KEY });
        const calls = readFileSync(pulumi.calls, "utf8");
        expect(calls).toMatch(/^<stack><output><--json><--show-secrets><--stack><site><--non-interactive>\n/);
        expect(calls).toContain("PULUMI_CONFIG_PASSPHRASE=kept");
        expect(calls).not.toContain(TOKEN);
    });

    test("which one, a Pulumi that is missing, one that fails, and outputs that cannot be used", async () => {
        const folder = scratch();
        writeFileSync(join(folder, "Pulumi.yaml"), "name: zot-hardening\nruntime: nodejs\n");
        writeFileSync(join(folder, "Pulumi.site.yaml"), "config: {}\n");
        const options = ["--store", "json", "--file", join(folder, "out.json")];
        expect(await runCommand("cli/ci-secrets.ts", options, { cwd: folder })).toMatchObject({
            status: 2,
            stderr: expect.stringMatching(/Which stack\?.*site/),
        });
        const missing = await runCommand("cli/ci-secrets.ts", ["--stack", "site", ...options], {
            cwd: folder,
            env: { PATH: "/nonexistent" },
        });
        expect(missing).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(/The Pulumi CLI is not on the PATH/),
        });
        writeFileSync(join(folder, "pulumi"), "#!/bin/sh\necho 'error: no stack named site found' >&2\nexit 255\n", {
            mode: 0o755,
        });
        const failed = await runCommand("cli/ci-secrets.ts", ["--stack", "site", ...options], {
            cwd: folder,
            env: { PATH: `${folder}:/usr/bin:/bin` },
        });
        expect(failed).toMatchObject({
            status: 1,
            stderr:
                "Pulumi could not read the outputs of the stack site (exit code 255): error: " +
                "no stack named site found\n",
        });
        expect(
            await handOver(["--store", "json", "--file", join(folder, "out.json")], {
                input: JSON.stringify({ ...outputs, ciApiKeyExpires: "2020-01-01T00:00:00Z" }),
            }),
        ).toMatchObject({ status: 1, stderr: expect.stringMatching(/expired at 2020/) });
        expect(existsSync(join(folder, "out.json"))).toBe(false);
    });
});

test("a forge behind a proxy, with a certificate of a private authority", async () => {
    const certificate = await newSelfSignedCertificate("forge.example.org");
    const cert = `-----BEGIN CERTIFICATE-----\n${String(certificate.certificate).replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
    const forge = await forgejo({ tls: { key: String(certificate.private_key), cert } });
    forge.has("ops/images");
    const file = join(scratch(), "authority.pem");
    writeFileSync(file, cert);
    const asked: string[] = [];
    const sockets = new Set<Socket>();
    const proxy = createHttpServer().on("connect", (request, client: Socket) => {
        asked.push(request.url ?? "");
        const server = connect(forge.port, "127.0.0.1", () => client.write("HTTP/1.1 200 OK\r\n\r\n"));
        for (const socket of [client, server]) sockets.add(socket.on("error", () => undefined));
        server.pipe(client).pipe(server);
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    closing.push(async () => {
        sockets.forEach((socket) => socket.destroy());
        await new Promise((resolve) => proxy.close(resolve));
    });
    const env = { FORGE_TOKEN: TOKEN, HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
    const args = [
        "--store",
        "forgejo",
        "--api-url",
        "https://forge.example.org",
        "--owner",
        "ops",
        "--repository",
        "images",
    ];
    expect(await handOver(args, { env })).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/authority that is not trusted here/),
    });
    expect(await handOver(args, { env: { ...env, NODE_EXTRA_CA_CERTS: file } })).toMatchObject({
        status: 0,
        stderr: "",
    });
    expect(asked).toContain("forge.example.org:443");
    expect(kept(forge.secrets.get("ops/images"))).toEqual({ ZOT_CI_API_KEY: KEY });
});

describe.each(zots)("--revoke-previous, on $name", (zot) => {
    let provider: IdentityProvider;
    beforeAll(async () => {
        provider = await IdentityProvider.start();
    });
    afterAll(() => provider.stop());

    test("hands over, then ends every earlier key and no other; a dry run ends none", async () => {
        const folder = scratch();
        const accessControl = {
            repositories: {
                "**": {
                    policies: [{ groups: ["artifact-workloads"], actions: ["read", "create"] }],
                    anonymousPolicy: ["read"],
                    defaultPolicy: ["read"],
                },
            },
        };
        const registry = await RunningZot.start(
            zot,
            (externalUrl) => ({ http: { externalUrl, auth: provider.auth(folder), accessControl } }),
            folder,
        );
        await provider.allows(registry.url);
        await provider.becomes(person("zot-ci", "artifact-workloads"));
        const browser = new Browser();
        await browser.login(registry);
        const make = async (label: string, expirationDate?: string) =>
            jsonOf<NewKey>(
                await browser.page(registry, "POST", "/zot/auth/apikey", {
                    label,
                    scopes: [],
                    ...(expirationDate ? { expirationDate } : {}),
                }),
            );
        const byHand = await make("by hand");
        const before = await make("ci pulumi:p/site/registry", "2998-01-01T00:00:00Z");
        const live = await make("ci pulumi:p/site/registry", "2999-01-01T00:00:00Z");
        const elsewhere = await make("ci pulumi:p/other/registry", "2998-06-01T00:00:00Z");
        const accepted = async ({ apiKey }: NewKey) =>
            (await registry.request("GET", "/v2/_catalog", { as: ["zot-ci", apiKey] })).status;

        const input = JSON.stringify({ ...outputs, registryUrl: registry.url, ciApiKey: live.apiKey });
        const args = ["--from", "-", "--store", "json", "--file", join(folder, "ci.json"), "--revoke-previous"];
        const dry = await runCommand("cli/ci-secrets.ts", [...args, "--dry-run"], { input });
        expect(dry.stdout).toMatch(/would be revoked: "by hand" \(.*, never expires\)/);
        expect(await Promise.all([byHand, before, live, elsewhere].map(accepted))).toEqual([200, 200, 200, 200]);

        const ran = await runCommand("cli/ci-secrets.ts", [...args, "--json"], { input });
        expect(ran.status).toBe(0);
        const report = JSON.parse(ran.stdout) as { revoked: { uuid: string }[]; warnings: string[] };
        expect(report.revoked.map(({ uuid }) => uuid).sort()).toEqual([byHand.uuid, before.uuid].sort());
        expect(report.warnings).toEqual([expect.stringMatching(/another stack's, and stays/)]);
        expect(await Promise.all([byHand, before, live, elsewhere].map(accepted))).toEqual([401, 401, 200, 200]);
        expect(JSON.parse(readFileSync(join(folder, "ci.json"), "utf8"))).toEqual({ ZOT_CI_API_KEY: live.apiKey });
        for (const { apiKey } of [byHand, before, live, elsewhere])
            expect(`${dry.stdout}${dry.stderr}${ran.stdout}${ran.stderr}`).not.toContain(apiKey);

        expect(await runCommand("cli/ci-secrets.ts", args, { input })).toMatchObject({
            status: 0,
            stdout: expect.stringMatching(/zot-ci has no earlier key/),
        });
        const dead = await runCommand("cli/ci-secrets.ts", args, { input: input.replace(live.apiKey, before.apiKey) });
        expect(dead).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(
                /does not accept the key in the stack's outputs \(401\), so nothing was revoked/,
            ),
        });
    });
});

test("a registry over plain http is refused before anything is handed over", async () => {
    const file = join(scratch(), "ci.json");
    const ran = await handOver(["--store", "json", "--file", file, "--revoke-previous"], {
        input: JSON.stringify({ ...outputs, registryUrl: "http://registry.example.org" }),
    });
    expect(ran).toMatchObject({ status: 1, stderr: expect.stringMatching(/plain http.*nothing was done/) });
    expect(existsSync(file)).toBe(false);
});
