/** `zot verify`, `zot serve` that cannot start, `zot --version`, `zot schema`; and what signals and probes find. */

import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { configFolder } from "./configs";
import { cleanUp, freePort, RunningZot, request, run, scratch, serveToItsEnd, textOf, type Zot, zots } from "./zots";

jest.setTimeout(60_000);
afterAll(cleanUp);

const { file, auth, storage } = configFolder();

describe.each(zots)("$name", (zot) => {
    test(
        "verify tells by its exit code, its log and standard error [fact: exit 0 valid, 1 invalid, `Error: " +
            "…` on stderr]",
        () => {
            const valid = run(zot, "verify", file("valid.json", { storage }));
            expect([valid.exitCode, valid.errors]).toEqual([0, ""]);
            expect(valid.output).toContain("config file is valid");
            const invalid = run(zot, "verify", file("invalid.json", { storage, log: { level: "loud" } }));
            expect(invalid.exitCode).toBe(1);
            expect(invalid.errors).toMatch(/^Error: invalid server config: invalid log level 'loud'/);
            expect(invalid.output).toContain("invalid config file");
        },
    );

    test(
        "--version is one line of JSON with the commit [fact: " +
            "`zot --version` prints one JSON log line whose `commit` is `v2.1.20-0-g3b5796d` (tag, " +
            "commits since, hash; from `git describe`), with `binary-type` listing the extensions]",
        () => {
            const ran = run(zot, "--version");
            expect(ran.exitCode).toBe(0);
            const lines = ran.output.trim().split("\n");
            expect(lines).toHaveLength(1);
            const version = JSON.parse(lines[0] ?? "") as Record<string, string>;
            expect(version["commit"]).toMatch(/^v2\.1\.\d+-\d+-g[0-9a-f]+/);
            expect(version["message"]).toBe("version");
            expect(version["binary-type"] === "stand-in").toBe(zot.isStandIn);
        },
    );

    test("schema is a JSON Schema of the config [fact: `zot schema` prints a JSON Schema of the config]", () => {
        const ran = run(zot, "schema");
        expect(ran.exitCode).toBe(0);
        const schema = JSON.parse(ran.output) as { $schema: string; title: string };
        expect(schema).toMatchObject({
            $schema: "http://json-schema.org/draft-07/schema#",
            title: "zot config schema",
        });
    });

    describe("serve fails [fact: Passes `verify` but fails at `serve`]", () => {
        const storage = { rootDirectory: path.join(scratch(), "root") };
        const serve = (config: object) => serveToItsEnd(zot, file("serve.json", config));

        test(
            "with exit code 2 and a panic when the issuer cannot be reached [fact: " +
                "Passes `verify` but fails at `serve`: unreachable issuer (panic, exit 2)]",
            async () => {
                const ran = await serve({
                    storage,
                    http: { port: 0, auth: auth({ issuer: "http://127.0.0.1:1/application/o/zot/" }) },
                });
                expect(ran.exitCode).toBe(2);
                expect(ran.errors).toMatch(/^panic: failed to initialize new relying party oidc/);
                expect(ran.output).toContain("OpenID Provider Configuration Discovery has failed");
            },
        );

        test(
            "with exit code 0 when an address of IPv6 has no brackets, which `verify` lets through " +
                "[fact: Passes `verify` but fails at `serve`]",
            async () => {
                const config = { storage, http: { address: "::1", port: "18998" } };
                expect(run(zot, "verify", file("serve.json", config)).exitCode).toBe(0);
                const ran = await serve(config);
                expect(ran.exitCode).toBe(0);
                expect(ran.output).toContain("listen tcp: address ::1:18998: too many colons in address");
            },
        );

        test(
            "with exit code 2 when the issuer differs by a trailing slash [fact: " +
                "issuer that differs by a trailing slash (panic, exit 2)]",
            async () => {
                const server = http.createServer((_request, response) => {
                    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/application/o/zot/`;
                    response.end(
                        JSON.stringify({
                            issuer,
                            authorization_endpoint: issuer,
                            token_endpoint: issuer,
                            jwks_uri: issuer,
                        }),
                    );
                });
                await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
                const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/application/o/zot`;
                const ran = await serve({ storage, http: { port: 0, auth: auth({ issuer }) } });
                await new Promise((resolve) => server.close(resolve));
                expect(ran.exitCode).toBe(2);
                expect(ran.output).toContain("issuer does not match");
            },
        );

        test("with exit code 1 without a root directory [fact: missing root directory (exit 1)]", async () => {
            const ran = await serve({ http: { port: 0 } });
            expect(ran.exitCode).toBe(1);
            expect(ran.errors).toContain("image store not found");
        });

        test(
            "with exit code 0 when the port is in use, and says so in the log [fact: " +
                "port in use (**exit 0**, only logged)]",
            async () => {
                const server = http.createServer();
                await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
                const ran = await serve({ storage, http: { port: (server.address() as AddressInfo).port } });
                await new Promise((resolve) => server.close(resolve));
                expect(ran.exitCode).toBe(0);
                expect(ran.output).toContain("failed to start controller, exiting");
                expect(ran.output).toContain("address already in use");
            },
        );
    });

    test.each<[NodeJS.Signals, string]>([
        ["SIGTERM", "stops in 0.05 s on SIGTERM"],
        ["SIGHUP", "SIGHUP shuts it down"],
    ])("%s ends it at once [fact: %s]", async (signal) => {
        const server = await RunningZot.start(zot, () => ({}));
        const before = Date.now();
        expect(await server.stop(signal)).toBe(0);
        expect(Date.now() - before).toBeLessThan(2000);
    });

    test(
        "health is there without a login, at three paths [fact: " +
            "`/livez`, `/readyz`, `/startupz` answer 200 `ok` without login; `/healthz` is 404]",
        async () => {
            const server = await RunningZot.start(zot, () => ({
                http: { auth: { apikey: true } },
                extensions: { search: { enable: true }, ui: { enable: true } },
            }));
            for (const probe of ["/livez", "/readyz", "/startupz"]) {
                const answer = await server.request("GET", probe);
                expect(answer.status).toBe(200);
                expect(textOf(answer)).toBe("ok");
            }
            expect((await server.request("GET", "/healthz")).status).toBe(404);
            expect((await server.request("GET", "/")).status).toBe(200);
            expect((await server.request("GET", "/login")).status).toBe(200);
            expect((await server.request("GET", "/v2/_catalog")).status).toBe(401);
            expect((await server.request("GET", "/v2/_zot/ext/mgmt")).status).toBe(200);
        },
    );

    test(
        "nobody can connect before the identity provider has answered [fact: " + "The listener opens after init]",
        async () => {
            let answer = () => {};
            const slow = http.createServer((_request, response) => {
                const issuer = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/`;
                answer = () =>
                    response.end(
                        JSON.stringify({
                            issuer,
                            authorization_endpoint: issuer,
                            token_endpoint: issuer,
                            userinfo_endpoint: issuer,
                            jwks_uri: issuer,
                        }),
                    );
            });
            await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
            const port = await freePort();
            const folder = scratch();
            const credentialsFile = path.join(folder, "oidc.json");
            fs.writeFileSync(credentialsFile, JSON.stringify({ clientid: "zot", clientsecret: "x" }));
            const issuer = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/`;
            const asked = new Promise((resolve) => slow.once("request", resolve));
            const starting = RunningZot.start(
                zot,
                () => ({
                    http: {
                        address: "127.0.0.1",
                        port: String(port),
                        auth: { openid: { providers: { oidc: { credentialsFile, issuer, scopes: ["openid"] } } } },
                    },
                }),
                folder,
                port,
            );
            await asked;
            await expect(request("GET", `http://127.0.0.1:${port}/readyz`)).rejects.toThrow("ECONNREFUSED");
            answer();
            const server = await starting;
            expect((await server.request("GET", "/readyz")).status).toBe(200);
            slow.closeAllConnections();
            await new Promise((resolve) => slow.close(resolve));
        },
    );

    test(
        "a second registry on the same folder gives up [fact: " +
            "Two instances on one local directory without redis: the second exits]",
        async () => {
            const server = await RunningZot.start(zot, () => ({}));
            const second = path.join(scratch(), "second.json");
            const config = JSON.parse(fs.readFileSync(server.configFile, "utf8")) as { http: object };
            fs.writeFileSync(
                second,
                JSON.stringify({ ...config, http: { ...config.http, port: String(await freePort()) } }),
            );
            const ran = await serveToItsEnd(zot, second);
            expect(ran.exitCode).toBe(1);
            expect(ran.errors).toContain("boltdb file is already in use");
            expect((await server.request("GET", "/v2/")).status).toBe(200);
        },
    );
});

describe("the stand-in alone", () => {
    const standIn = zots[0] as Zot;

    test("says in its log what it is, and what it does not carry out", async () => {
        const server = await RunningZot.start(standIn, () => ({ extensions: { scrub: { interval: "24h" } } }));
        const first = JSON.parse(server.log.split("\n")[0] ?? "") as { message: string };
        expect(first.message).toContain("stand-in");
        expect(server.log).toContain("extensions.scrub");
    });

    test.each([
        ["storage.storageDriver", { storage: { ...storage, remoteCache: false, storageDriver: { name: "s3" } } }],
        ["http.auth.htpasswd", { storage, http: { auth: { htpasswd: { path: "/etc/htpasswd" } } } }],
        ["cluster", { storage, cluster: { members: ["127.0.0.1:1"], hashKey: "loremipsumdolors" } }],
    ])("refuses to serve without %s what was meant to have it", async (setting, config) => {
        const ran = await serveToItsEnd(standIn, file("refused.json", config));
        expect(ran.exitCode).toBe(1);
        expect(ran.errors).toContain(`cannot serve a config with ${setting}`);
    });

    test("leaves the database of a real zot alone", async () => {
        const rootDirectory = scratch();
        fs.writeFileSync(path.join(rootDirectory, "meta.db"), Buffer.from([0, 1, 2, 3]));
        const ran = await serveToItsEnd(
            standIn,
            file("real.json", { storage: { rootDirectory }, http: { port: 0, auth: { apikey: true } } }),
        );
        expect(ran.exitCode).toBe(1);
        expect(ran.errors).toContain("a real zot has used this root directory");
    });

    test("stands for the command zot, also through a link", () => {
        const link = path.join(scratch(), "zot");
        fs.symlinkSync(path.resolve(__dirname, "../../../testbed/zot/zot"), link);
        const { status, stdout } = spawnSync(link, ["--version"], { encoding: "utf8" });
        expect(status).toBe(0);
        expect(JSON.parse(stdout)).toMatchObject({ "binary-type": "stand-in" });
    });
});
