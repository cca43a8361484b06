/** npm run ci-secrets as an operator runs it, against stand-ins of the forges that check what they receive. */
import { writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import { newSelfSignedCertificate } from "../../../testbed/authentik/selfSignedCertificate";
import { removeScratch, scratch } from "./command";
import {
    ALL_NAMES,
    closeAll,
    closing,
    forgejo,
    github,
    handOver,
    KEY,
    kept,
    named,
    TOKEN,
    to,
    written,
} from "./handOver";

jest.setTimeout(60_000);
afterEach(closeAll);
afterAll(removeScratch);

describe("Forgejo and Gitea", () => {
    test("a repository: the key as a secret, the rest as variables; a second run changes nothing", async () => {
        const forge = await forgejo();
        forge.has("ops/images");
        const args = to("forgejo", forge, "ops/images", ...ALL_NAMES);
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
        expect(second.stderr).toContain("it is not known whether it had another value");
    });

    test("an organisation, a variable that differs, and Gitea's own name of the token", async () => {
        const forge = await forgejo();
        forge.has("ops", {}, { ZOT_REGISTRY: { value: "old.example.org" } });
        const ran = await handOver(to("gitea", { url: `${forge.url}/api/v1` }, "ops", ...ALL_NAMES), {
            env: { GITEA_TOKEN: TOKEN },
        });
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
        const ran = await handOver(to("forgejo", forge, "ops/images", ...ALL_NAMES, "--dry-run"));
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
        const args = to("forgejo", forge, "ops/images");
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
        expect((await handOver(to("forgejo", { url: "http://127.0.0.1:2" }, "ops"))).stderr).toMatch(
            /cannot be reached/,
        );
        expect(kept(forge.secrets.get("ops/images"))).toEqual({});
    });

    test("a gateway that fails in passing is asked again; what was done before a failure is said", async () => {
        const forge = await forgejo();
        forge.has("ops/images");
        forge.instead.push({ status: 502 });
        const args = to("forgejo", forge, "ops/images", ...ALL_NAMES);
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
        const args = to("github", forge, "ops/images", ...ALL_NAMES);
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

    test("an organisation: what is new is private unless said, what exists stays visible where it was", async () => {
        const forge = await github({ pageSize: 2 });
        forge.has(
            "ops",
            { OLD: { value: "x", visibility: "selected", selected: [11, 12, 13] } },
            { V: { value: "x", visibility: "all" } },
        );
        const base = to("github", forge, "ops");
        expect((await handOver([...base, ...named("ciApiKey=OLD", "ciUserName=V", "registryHost=W")])).status).toBe(0);
        expect((await handOver([...base, ...named("ciApiKey=NEW"), "--visibility", "all"])).status).toBe(0);
        expect(forge.secrets.get("ops")!.get("OLD")).toEqual({
            value: KEY,
            visibility: "selected",
            selected: [11, 12, 13],
        });
        expect(forge.secrets.get("ops")!.get("NEW")).toEqual({ value: KEY, visibility: "all" });
        expect(forge.variables.get("ops")!.get("V")).toEqual({ value: "zot-ci", visibility: "all" });
        expect(forge.variables.get("ops")!.get("W")).toEqual({ value: "127.0.0.1:1", visibility: "private" });
    });

    test("a dry run writes nothing", async () => {
        const forge = await github();
        forge.has("ops/images");
        const ran = await handOver(to("github", forge, "ops/images", ...ALL_NAMES, "--dry-run"));
        expect(ran.stdout).toMatch(/ZOT_CI_API_KEY +secret +would be created/);
        expect(written(forge)).toEqual([]);
    });

    test("each refusal has its own words", async () => {
        const forge = await github();
        forge.has("ops/images");
        const args = to("github", forge, "ops/images");
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
        expect((await handOver(to("github", { url: "http://127.0.0.1:2" }, "ops"))).stderr).toMatch(
            /http:\/\/127.0.0.1:2 cannot be reached while/,
        );
    });
});

describe.each(["forgejo", "gitea", "github"])("%s: before anything is written", (store) => {
    const open = (options = {}) => (store === "github" ? github(options) : forgejo(options));
    const at = (forge: { url: string }, ...more: string[]) => to(store, forge, "ops/images", ...more);

    test.each([[["--dry-run"]], [[]]])(
        "a repository that is not there, also where variables alone are handed over %j",
        async (how) => {
            const forge = await open();
            for (const names of [ALL_NAMES, named("registryHost=ZOT_REGISTRY")]) {
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
        for (const names of [ALL_NAMES, named("registryHost=ZOT_REGISTRY")]) {
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
    const place = to("forgejo", forge, "ops/images");
    const names = named("ciApiKey=CI_KEY", "ciUserName=CI_USER", "registryHost=CICD_HOST");
    const refused = await handOver([...place, ...names]);
    expect(refused).toMatchObject({
        status: 2,
        stdout: "",
        stderr: expect.stringMatching(
            /the name CI_USER begins with CI[\s\S]*the name CICD_HOST begins with CI/,
        ) as string,
    });
    expect(forge.seen).toEqual([]);
    expect((await handOver([...place, ...named("ciApiKey=CI_KEY", "ciUserName=ZOT_USER")])).status).toBe(0);
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
    const args = to("forgejo", { url: "https://forge.example.org" }, "ops/images");
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
