/** `zot verify`, `zot serve` that cannot start, `zot --version`, `zot schema`; and what signals and probes find. */

import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { loadConfig } from "../../../testbed/zot/config";
import { ConfigError } from "../../../testbed/zot/configFile";
import { cleanUp, RunningZot, run, scratch, serveToItsEnd, textOf, type Zot, zots } from "./zots";

jest.setTimeout(60_000);
afterAll(cleanUp);

const folder = scratch();
const credentialsFile = file("oidc.json", { clientid: "zot", clientsecret: "a secret for tests" });

function file(name: string, content: unknown): string {
    const place = path.join(folder, name);
    fs.writeFileSync(place, typeof content === "string" ? content : JSON.stringify(content));
    return place;
}

const provider = {
    credentialsFile,
    issuer: "https://authentik.example.org/application/o/zot/",
    scopes: ["openid", "profile", "email"],
    claimMapping: { username: "preferred_username" },
};
const auth = (changes: object = {}) => ({ openid: { providers: { oidc: { ...provider, ...changes } } } });
const policies = (...given: object[]) => ({ repositories: { "**": { policies: given, anonymousPolicy: ["read"] } } });
const storage = { rootDirectory: path.join(folder, "root") };

/** What `zot verify` comes to. The stand-in's is called without its process, to be quick over many cases. */
function verify(zot: Zot, config: unknown): { exitCode: number | null; errors: string } {
    const place = file("config.json", config);
    if (!zot.isStandIn) return run(zot, "verify", place);
    try {
        loadConfig(place);
        return { exitCode: 0, errors: "" };
    } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        return { exitCode: 1, errors: `Error: ${error.message}` };
    }
}

const letsThrough =
    "Lets through: misspelt actions (`craete`, `push`, `Read`), empty groups, `groups: " +
    '[""]`, empty action lists, a policy with no subject, an empty `repositories` map, ' +
    "unknown keys whose value is `{}` or null, " +
    "duplicate JSON keys, an `http://` or malformed `externalUrl`, an empty client secret, " +
    "an unreachable or misspelt issuer, scopes without `profile`, a missing claim mapping";
const catches =
    "Catches: unknown keys, bad globs, a missing or unparsable or incomplete OIDC credentials file (it " +
    "must exist at the path the config names), a missing issuer or scope, " +
    "a provider key other than google, gitlab, github, oidc; " +
    "`accessControl` without auth, bad CEL conditions, bad durations, log level, port; `ui` without `search`";

describe.each(zots)("$name", (zot) => {
    test.each<[string, unknown]>([
        ["the smallest config", { storage }],
        [
            "OpenID Connect and access control",
            { storage, http: { auth: auth(), accessControl: policies({ groups: ["ci"], actions: ["create"] }) } },
        ],
        ["a port as a number", { storage, http: { port: 5050 } }],
        ["a port as a string", { storage, http: { port: "5050" } }],
        ["keys in any case", { STORAGE: { RootDirectory: storage.rootDirectory }, Http: { PORT: 5050 } }],
        [
            "one value for a list",
            { storage, http: { accessControl: { repositories: { "**": { anonymousPolicy: "read" } } } } },
        ],
        ["ui beside search, both empty", { storage, extensions: { ui: {}, search: {} } }],
        [
            "misspelt actions",
            {
                storage,
                http: {
                    auth: auth(),
                    accessControl: policies({ groups: ["ci"], actions: ["craete", "push", "Read"] }),
                },
            },
        ],
        [
            "empty groups",
            { storage, http: { auth: auth(), accessControl: policies({ groups: [], actions: ["create"] }) } },
        ],
        [
            "an empty group name",
            { storage, http: { auth: auth(), accessControl: policies({ groups: [""], actions: ["create"] }) } },
        ],
        [
            "an empty list of actions",
            { storage, http: { auth: auth(), accessControl: policies({ groups: ["ci"], actions: [] }) } },
        ],
        [
            "a policy with no subject",
            { storage, http: { auth: auth(), accessControl: policies({ actions: ["create"] }) } },
        ],
        ["an empty map of repositories", { storage, http: { auth: auth(), accessControl: { repositories: {} } } }],
        ["an unknown key whose value is {}", { storage, nobodyKnows: {} }],
        ["an unknown key whose value is null", { storage, http: { nobodyKnows: null } }],
        ["duplicate keys", '{"storage":{"rootDirectory":"/a"},"log":{"level":"info"},"log":{"level":"debug"}}'],
        ["an http:// external URL", { storage, http: { externalUrl: "http://registry.example.org", auth: auth() } }],
        ["a malformed external URL", { storage, http: { externalUrl: "not a URL", auth: auth() } }],
        ["an empty client secret", { storage, http: { auth: auth({ credentialsFile: "EMPTY" }) } }],
        ["an unreachable issuer", { storage, http: { auth: auth({ issuer: "http://127.0.0.1:1/" }) } }],
        ["a misspelt issuer", { storage, http: { auth: auth({ issuer: "htps:/authentik" }) } }],
        ["scopes without profile", { storage, http: { auth: auth({ scopes: ["openid"] }) } }],
        ["a missing claim mapping", { storage, http: { auth: auth({ claimMapping: undefined }) } }],
        ["no root directory", { http: { port: 5050 } }],
    ])(`verify lets %s through [fact: ${letsThrough}]`, (_, config) => {
        const empty = file("empty.json", { clientid: "zot", clientsecret: "" });
        const ran = verify(
            zot,
            typeof config === "string"
                ? config
                : JSON.parse(JSON.stringify(config).replaceAll('"EMPTY"', JSON.stringify(empty))),
        );
        expect(ran.errors).toBe("");
        expect(ran.exitCode).toBe(0);
    });

    test.each<[string, unknown, string]>([
        ["an unknown key", { storage, nobodyKnows: 1 }, "has invalid keys: nobodyknows"],
        [
            "a bad glob",
            {
                storage,
                http: { auth: auth(), accessControl: { repositories: { "a[": { anonymousPolicy: ["read"] } } } },
            },
            "failed to compile authorization pattern",
        ],
        [
            "a pattern with :: [fact: `::` in one breaks parsing]",
            {
                storage,
                http: { auth: auth(), accessControl: { repositories: { "a::b": { anonymousPolicy: ["read"] } } } },
            },
            "has invalid keys: b",
        ],
        [
            "a missing credentials file",
            { storage, http: { auth: auth({ credentialsFile: "/nowhere/oidc.json" }) } },
            "open /nowhere/oidc.json: no such file or directory",
        ],
        [
            "an unparsable credentials file",
            { storage, http: { auth: auth({ credentialsFile: "BROKEN" }) } },
            "While parsing config",
        ],
        [
            "an incomplete credentials file",
            { storage, http: { auth: auth({ credentialsFile: "INCOMPLETE" }) } },
            "unset keys",
        ],
        [
            "a credentials file with unknown keys",
            { storage, http: { auth: auth({ credentialsFile: "UNKNOWN" }) } },
            "unknown keys",
        ],
        [
            "a missing issuer",
            { storage, http: { auth: auth({ issuer: undefined }) } },
            "requires clientid, issuer and scopes",
        ],
        ["missing scopes", { storage, http: { auth: auth({ scopes: [] }) } }, "requires clientid, issuer and scopes"],
        [
            "another provider",
            { storage, http: { auth: { openid: { providers: { authentik: provider } } } } },
            "unsupported openid/oauth2 provider",
        ],
        [
            "access control without authentication",
            { storage, http: { accessControl: policies({ users: ["a"], actions: ["read"] }) } },
            "access control config requires one of",
        ],
        ["a bad duration", { storage: { ...storage, gcDelay: "1 hour" } }, "time: "],
        ["a bad log level", { storage, log: { level: "loud" } }, "invalid log level 'loud'"],
        ["a port out of range", { storage, http: { port: 70_000 } }, "invalid port 70000"],
        ["a port that is none", { storage, http: { port: "five" } }, "invalid port five"],
        ["ui without search", { storage, extensions: { ui: { enable: true } } }, "search extension must be enabled"],
        ["a string for an object", { storage: "here" }, "Storage"],
        ["nothing", {}, "absence of any key:value pair"],
        ["no JSON", "{", "While parsing config"],
    ])(`verify catches %s [fact: ${catches}]`, (_, config, message) => {
        const files: Record<string, string> = {
            BROKEN: file("broken.json", "{"),
            INCOMPLETE: file("incomplete.json", { clientid: "zot" }),
            UNKNOWN: file("unknown.json", { clientid: "zot", clientsecret: "x", more: 1 }),
        };
        const replaced =
            typeof config === "string"
                ? config
                : JSON.stringify(config).replace(/"(BROKEN|INCOMPLETE|UNKNOWN)"/g, (_match, name: string) =>
                      JSON.stringify(files[name]),
                  );
        const ran = verify(zot, replaced);
        expect(ran.exitCode).toBe(1);
        expect(ran.errors).toMatch(/^Error: /);
        expect(ran.errors.toLowerCase()).toContain(message.toLowerCase());
    });

    test(`verify catches a bad condition [fact: ${catches}]`, () => {
        const condition = { expression: "this is no (CEL", message: "no" };
        const ran = verify(zot, {
            storage,
            http: {
                auth: auth(),
                accessControl: policies({ groups: ["ci"], actions: ["create"], conditions: [condition] }),
            },
        });
        expect(ran.exitCode).toBe(1);
        expect(ran.errors).toMatch(/^Error: /);
    });

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
                expect(verify(zot, config).exitCode).toBe(0);
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

    test("a missing root directory is made, with what is above it", async () => {
        const deep = path.join(scratch(), "a", "b");
        await RunningZot.start(zot, () => ({ storage: { rootDirectory: deep } }));
        expect(fs.statSync(deep).isDirectory()).toBe(true);
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
