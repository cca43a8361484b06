/** What `zot verify` lets through and what it catches. */
import { loadConfig } from "../../../testbed/zot/config";
import { ConfigError } from "../../../testbed/zot/configFile";
import { configFolder } from "./configs";
import { cleanUp, run, type Zot, zots } from "./zots";

afterAll(cleanUp);

const { file, provider, auth, storage } = configFolder();
const policies = (...given: object[]) => ({ repositories: { "**": { policies: given, anonymousPolicy: ["read"] } } });

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

    describe("of several instances", () => {
        test(
            "lets bearer beside openid pass [fact: `http.auth.bearer.oidc` replaces the whole auth middleware, " +
                "though `verify` passes]",
            () => {
                const both = {
                    ...auth(),
                    apikey: true,
                    bearer: { oidc: [{ issuer: "https://issuer.example.org", audiences: ["zot"] }] },
                };
                expect(verify(zot, { storage, http: { auth: both } })).toMatchObject({ exitCode: 0, errors: "" });
            },
        );

        test("lets a config for several instances pass [fact: More than one instance]", () => {
            const config = {
                storage: {
                    rootDirectory: "/x",
                    dedupe: false,
                    remoteCache: true,
                    cacheDriver: { name: "redis", url: "redis://h:6379", keyprefix: "zot" },
                    storageDriver: {
                        name: "s3",
                        rootdirectory: "/zot",
                        region: "us-east-1",
                        regionendpoint: "http://h:5500",
                        bucket: "zot",
                        forcepathstyle: true,
                        secure: false,
                        skipverify: false,
                        accesskey: "x",
                        secretkey: "y",
                    },
                },
                http: { auth: { sessionDriver: { name: "redis", url: "redis://h:6379", keyprefix: "zotsession" } } },
                cluster: { members: ["h1:5401", "h2:5402"], hashKey: "loremipsumdolors" },
            };
            expect(verify(zot, config)).toMatchObject({ exitCode: 0, errors: "" });
        });
    });
});
