/** What one value is refused for: the name, what was given, why not, what is allowed. */
import { allowed, change, refusals } from "../../support/refusals";
import { HOST_KEY } from "../../support/settings";

const OVER_HTTP = "over plain http, logins and keys could be read on the way";
const NO_SCHEME = "it does not begin with https:// or http://";
const CAPITALS = "it has capitals, which zot turns into small letters";

describe("one value", () => {
    test.each<[name: string, value: unknown, because?: string]>([
        ["registry.url", "http://registry.example.org", OVER_HTTP],
        ["registry.url", "registry.example.org", NO_SCHEME],
        ["registry.url", "https:registry.example.org", NO_SCHEME],
        ["registry.url", "https://", "it is not a URL"],
        ["registry.url", " https://registry.example.org", "it contains a blank or a line break"],
        ["registry.url", "ftp://registry.example.org", NO_SCHEME],
        ["registry.url", "https://registry.example.org/", "it ends in a slash"],
        ["registry.url", "https://registry.example.org/zot", "it has a path"],
        ["registry.url", "https://registry.example.org?a=b", "it has a query or a fragment"],
        ["registry.url", "https://registry.example.org#", "it has a query or a fragment"],
        ["registry.url", "https://Registry.example.org", "a browser would write it as https://registry.example.org"],
        [
            "registry.url",
            "https://registry.example.org:443",
            "a browser would write it as https://registry.example.org",
        ],
        ["identity.issuer", "http://authentik.example.org/application/o/zot/", OVER_HTTP],
        [
            "identity.issuer",
            "https://authentik.example.org/application/o/zot",
            "it does not end in a slash, and zot would exit at its start",
        ],
        ["identity.issuer", "authentik.example.org/application/o/zot/", NO_SCHEME],
        ["zot.binary", "zot", "it does not start with a slash"],
        ["zot.configFile", "/etc/zot/../config.json", 'it has an empty part, "." or ".."'],
        ["zot.configFile", "/etc//config.json", 'it has an empty part, "." or ".."'],
        ["zot.rootDirectory", "/var/lib/zot/", "it ends in a slash"],
        ["zot.rootDirectory", "/var/lib/zot\nserviceName=x"],
        ["zot.rootDirectory", "/var/lib/o'clock"],
        ["zot.address", "localhost"],
        ["zot.address", "999.0.0.1"],
        ["zot.address", ""],
        ["zot.port", 0],
        ["zot.port", 65536],
        ["zot.port", "http"],
        ["zot.port", 5000.5],
        ["zot.garbageCollection", "yes"],
        ["zot.garbageCollectionDelay", "1 hour"],
        ["zot.garbageCollectionInterval", "1d"],
        ["zot.metrics", "everyone"],
        ["zot.metricsPath", "metrics"],
        ["zot.metricsPath", "/"],
        ["zot.metricsPath", "/metrics/"],
        ["zot.metricsPath", "/v2/metrics", "zot already uses it"],
        ["zot.metricsPath", "/zot", "zot already uses it"],
        ["zot.vulnerabilityUpdateInterval", "1h"],
        ["zot.vulnerabilityUpdateInterval", "never"],
        ["zot.userInterface", 1],
        ["zot.logLevel", "verbose"],
        ["zot.extraConfig", ["text"]],
        ["zot.mirrors", "docker.io"],
        ["zot.metricsUsers", "bob"],
        ["access.ciRepositories", [], "it is empty"],
        ["access.ciRepositories", "team/**"],
        ["access.rules", ["team/**"]],
        ["access.adminsMayUpdate", "latest only"],
        ["identity.applicationSlug", "my app"],
        ["identity.applicationName", "", "it is empty"],
        ["identity.clientId", "zot client"],
        ["identity.clientId", ""],
        ["identity.workloadsGroup", "", "it is empty"],
        ["identity.workloadsGroup", " artifact-workloads"],
        ["identity.adminsGroup", "", "it is empty"],
        ["identity.adminsGroup", "admins\nroot"],
        ["identity.ciUser", "zot:ci", 'it has ":"'],
        ["host.address", "zot@registry-host.example.org", "it holds a user; set host.user instead"],
        ["host.address", "registry-host.example.org:22", "it holds a port; set host.port instead"],
        ["host.address", "-oProxyCommand=x"],
        ["host.user", "0day"],
        ["host.port", "ssh"],
        ["host.port", "0x16"],
        ["host.port", 0],
        ["host.port", 70000],
        [
            "host.hostKey",
            "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            "it is a fingerprint, not the key itself",
        ],
        ["host.hostKey", "MD5:d4:1d:8c:d9:8f:00", "it is a fingerprint, not the key itself"],
        ["host.hostKey", HOST_KEY.split(" ")[1], "it is not a line of known_hosts"],
        [
            "host.hostKey",
            "registry-host ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ",
            "it is an RSA key, which never matches a modern sshd",
        ],
        ["host.hostKey", `@revoked registry-host ${HOST_KEY}`, "it is not a line of known_hosts"],
        ["host.hostKey", HOST_KEY.slice(0, -8), "the key in it is incomplete or damaged"],
        [
            "host.hostKey",
            HOST_KEY.replace("ssh-ed25519", "ecdsa-sha2-nistp256"),
            "the key in it is incomplete or damaged",
        ],
        ["host.serviceManager", "upstart"],
        ["host.serviceName", "zot; reboot"],
        ["host.serviceName", "--help"],
        ["host.restartCommand", "stop\nstart"],
        ["host.readyTimeout", 0],
        ["host.readyTimeout", 3601],
    ])("%s: %j", (...[name, value, because]) => {
        // A setting at odds with another on top is another test's concern.
        expect(refusals(change(name, value))[0]).toBe(
            `${name}: ${JSON.stringify(value)} is not allowed${because ? ` because ${because}` : ""}; ` +
                `give ${allowed(name)}.`,
        );
    });

    test("zot.configFile by a name to which no folder beside it can be added", () => {
        const named = (name: string) => refusals(change("zot.configFile", `/etc/zot/${name}.json`));
        expect(named("ä".repeat(118))).toEqual([]);
        expect(named("ä".repeat(119))[0]).toContain("because its name has 243 bytes; at most 241 are possible;");
    });

    test.each(["zot.extraConfig", "access.rules"])(
        "a text that is not JSON for %s, which may hold anything",
        (name) => {
            expect(refusals(change(name, '{"secretkey":"canary"'))).toEqual([
                `${name}: a text that is not JSON is not allowed; give ${allowed(name)}.`,
            ]);
        },
    );

    test.each<[name: string, value: unknown, place: string, shown: string, because?: string, give?: string]>([
        ["access.ciRepositories", ["Team/**"], "[0]", '"Team/**"', CAPITALS],
        ["access.ciRepositories", ["team::a"], "[0]", '"team::a"', 'it has "::", which zot cannot read'],
        [
            "access.ciRepositories",
            ["ok/**", "/team"],
            "[1]",
            '"/team"',
            "it starts or ends with a slash, which no repository's name does",
        ],
        ["access.ciRepositories", ["team//a"], "[0]", '"team//a"', "it has an empty part between two slashes"],
        ["access.ciRepositories", ["team**"], "[0]", '"team**"', 'its "**" is not a whole part between slashes'],
        ["access.ciRepositories", ["team/***"], "[0]", '"team/***"', 'its "**" is not a whole part between slashes'],
        [
            "access.ciRepositories",
            ["{a,b}/**"],
            "[0]",
            '"{a,b}/**"',
            'it has "{", which a repository\'s name cannot hold',
        ],
        [
            "access.ciRepositories",
            ["[ab]/**"],
            "[0]",
            '"[ab]/**"',
            'it has "[", which a repository\'s name cannot hold',
        ],
        ["access.ciRepositories", ["!team"], "[0]", '"!team"', 'it has "!", which a repository\'s name cannot hold'],
        ["access.ciRepositories", ["__proto__"], "[0]", '"__proto__"', 'no repository\'s name has a part "__proto__"'],
        ["access.ciRepositories", ["./team"], "[0]", '"./team"', 'no repository\'s name has a part "."'],
        ["access.ciRepositories", ["a/**/**"], "[0]", '"a/**/**"', 'it has "**" twice in a row'],
        ["access.ciRepositories", [""], "[0]", '""', "it is empty"],
        ["access.ciRepositories", [5], "[0]", "5"],
        ["access.rules", { "Team/**": {} }, "", '"Team/**"', CAPITALS],
        ["access.rules", { "a::b": {} }, "", '"a::b"', 'it has "::", which zot cannot read'],
        ["access.rules", { "": {} }, "", '""', "it is empty"],
        ["access.rules", { "team/**": ["read"] }, '["team/**"]', '["read"]'],
        ["access.rules", { "team/**": { cli: ["read"] } }, '["team/**"]', 'the name "cli"'],
        [
            "access.rules",
            { "team/**": { ci: ["craete"] } },
            '["team/**"].ci[0]',
            '"craete"',
            undefined,
            'one of "read", "create", "update", "delete"',
        ],
        [
            "access.rules",
            { "team/**": { ci: ["Read"] } },
            '["team/**"].ci[0]',
            '"Read"',
            undefined,
            'one of "read", "create", "update", "delete"',
        ],
        [
            "access.rules",
            { "team/**": { ci: ["push"] } },
            '["team/**"].ci[0]',
            '"push"',
            undefined,
            'one of "read", "create", "update", "delete"',
        ],
        ["access.rules", { "team/**": { ci: [] } }, '["team/**"].ci', "[]", "it is empty"],
        ["access.rules", { "team/**": { ci: "read" } }, '["team/**"].ci', '"read"'],
        [
            "access.rules",
            { "team/**": { ci: ["read", "read"] } },
            '["team/**"].ci',
            '["read","read"]',
            "read is in it twice",
        ],
        ["access.rules", { "team/**": { groups: { "": ["read"] } } }, '["team/**"].groups', '""', "it is empty"],
        [
            "access.rules",
            { "team/**": { groups: { developers: [] } } },
            '["team/**"].groups.developers',
            "[]",
            "it is empty",
        ],
        ["zot.metricsUsers", [""], "[0]", '""', "it is empty"],
        ["zot.mirrors", [{ url: "http://a.example", prefix: "a" }], "[0].url", '"http://a.example"', OVER_HTTP],
        [
            "zot.mirrors",
            [{ url: "https://a.example/v2", prefix: "a" }],
            "[0].url",
            '"https://a.example/v2"',
            "it has a path",
        ],
        ["zot.mirrors", [{ url: "https://a.example", prefix: "A" }], "[0].prefix", '"A"'],
        ["zot.mirrors", [{ url: "https://a.example", prefix: "/a" }], "[0].prefix", '"/a"'],
        [
            "zot.mirrors",
            [{ url: "https://a.example", prefix: "a", content: "A/**" }],
            "[0].content",
            '"A/**"',
            CAPITALS,
        ],
        [
            "zot.mirrors",
            [{ url: "https://a.example", prefix: "a", tlsVerify: false }],
            "[0].tlsVerify",
            "false",
            undefined,
            "true",
        ],
        ["zot.mirrors", [{ url: "https://a.example", prefix: "a", onDemand: true }], "[0]", 'the name "onDemand"'],
    ])("in %s: %j", (...[name, value, place, shown, because, give]) => {
        expect(refusals(change(name, value))).toEqual([
            `${name}${place}: ${shown} is not allowed${because ? ` because ${because}` : ""}; ` +
                `give ${give ?? allowed(name)}.`,
        ]);
    });

    test("every mistake in a list, and what is missing in it", () => {
        expect(refusals(change("zot.mirrors", [{ url: "https://a.example" }, { prefix: "b" }]))).toEqual([
            `zot.mirrors[0].prefix is missing; give ${allowed("zot.mirrors")}.`,
            `zot.mirrors[1].url is missing; give ${allowed("zot.mirrors")}.`,
        ]);
    });
});
