/** What settings refuse, sentence by sentence: the name, what was given, why not, what is allowed. */
import { declaredState } from "../../../components/declaredState";
import { allSettings, SecretText, SettingsError } from "../../../components/settings";
import { HOST_KEY, rawSettings } from "../../support/settings";

type Changes = Record<string, Record<string, unknown>>;

/** The sentences that a site with these changes is refused with; none where it is accepted. */
function refusals(changes: Changes): string[] {
    try {
        declaredState(rawSettings(changes));
        return [];
    } catch (error) {
        if (!(error instanceof SettingsError)) throw error;
        return error.mistakes.map((mistake) => mistake.message);
    }
}

const change = (name: string, value: unknown): Changes => {
    const [group, key] = name.split(".") as [string, string];
    return { [group]: { [key]: value } };
};
const allowed = (name: string) => allSettings().find((setting) => setting.name === name)!.setting.allowed;

const OVER_HTTP = "over plain http, logins and keys could be read on the way";
const CAPITALS = "it has capitals, which zot turns into small letters";

describe("one value", () => {
    test.each<[name: string, value: unknown, because?: string]>([
        ["registry.url", "http://registry.example.org", OVER_HTTP],
        ["registry.url", "registry.example.org", "it is not a URL"],
        ["registry.url", "https:registry.example.org", "it is not a URL"],
        ["registry.url", "https://", "it is not a URL"],
        ["registry.url", "ftp://registry.example.org", "it is not a URL"],
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
            "it does not end in a slash, and zot would stop at its start",
        ],
        ["identity.issuer", "authentik.example.org/application/o/zot/", "it is not a URL"],
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
        ["zot.metricsPath", "/v2/metrics", "zot answers there already"],
        ["zot.metricsPath", "/zot", "zot answers there already"],
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
        ["identity.ciUser", "zot:ci"],
        ["host.address", "zot@registry-host.example.org", "it holds a user, which host.user is for"],
        ["host.address", "registry-host.example.org:22", "it holds a port, which host.port is for"],
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
            `${name}: ${JSON.stringify(value)} is not allowed${because ? ` because ${because}` : ""}; give ${allowed(name)}.`,
        );
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
            `${name}${place}: ${shown} is not allowed${because ? ` because ${because}` : ""}; give ${give ?? allowed(name)}.`,
        ]);
    });

    test("every mistake in a list, and what is missing in it", () => {
        expect(refusals(change("zot.mirrors", [{ url: "https://a.example" }, { prefix: "b" }]))).toEqual([
            `zot.mirrors[0].prefix is missing; give ${allowed("zot.mirrors")}.`,
            `zot.mirrors[1].url is missing; give ${allowed("zot.mirrors")}.`,
        ]);
    });
});

describe("what settings say together", () => {
    test.each<[title: string, changes: Changes, sentences: string[]]>([
        [
            "an issuer of another application",
            { identity: { issuer: "https://authentik.example.org/application/o/zott/" } },
            [
                'identity.issuer: "https://authentik.example.org/application/o/zott/" is not the issuer of the application "zot"; give the URL of Authentik followed by /application/o/zot/, slash included, or change identity.applicationSlug.',
            ],
        ],
        [
            "CI's group is the admins'",
            { identity: { workloadsGroup: "admins" } },
            [
                'identity.workloadsGroup: "admins" is the group of the admins too, so that CI could delete; give two different groups.',
            ],
        ],
        [
            "caches in one another",
            {
                zot: {
                    mirrors: [
                        { url: "https://a.example", prefix: "a" },
                        { url: "https://b.example", prefix: "a/b" },
                    ],
                },
            },
            ['zot.mirrors: the prefixes "a" and "a/b" overlap; give every cache a prefix of its own.'],
        ],
        [
            "CI in a cache",
            {
                zot: { mirrors: [{ url: "https://a.example", prefix: "docker.io" }] },
                access: { ciRepositories: ["team/**", "docker.io/library/**"] },
            },
            [
                'access.ciRepositories[1]: "docker.io/library/**" reaches into the pull-through cache under "docker.io", where CI could put its own images in place of upstream\'s; give a pattern outside it, or set access.ciMayPushToMirrors to true.',
            ],
        ],
        [
            "another CI identity in a cache, by a pattern that begins with a wildcard",
            {
                zot: { mirrors: [{ url: "https://a.example", prefix: "docker.io" }] },
                access: { rules: { "**/library/images": { groups: { "team-ci": ["read", "create"] } } } },
            },
            [
                'access.rules["**/library/images"]: "**/library/images" reaches into the pull-through cache under "docker.io", where CI could put its own images in place of upstream\'s; give a pattern outside it, or set access.ciMayPushToMirrors to true.',
            ],
        ],
        [
            "metrics for users without any",
            { zot: { metrics: "users" } },
            [
                "zot.metricsUsers: it is empty while zot.metrics is users, so that nobody could read the metrics; name the users, or set zot.metrics to anonymous or off.",
            ],
        ],
        [
            "users for metrics that are off",
            { zot: { metricsUsers: ["grafana"] } },
            [
                "zot.metricsUsers: it names users while zot.metrics is off, and would have no effect; set zot.metrics to users, or leave the list empty.",
            ],
        ],
        [
            "the web interface without search",
            { zot: { search: false } },
            [
                "zot.userInterface: it is on while zot.search is off, which zot refuses; set zot.userInterface to false or zot.search to true.",
            ],
        ],
        [
            "no command to restart by",
            { host: { serviceManager: "command" } },
            [
                'host.restartCommand: it is not set while host.serviceManager is command; set it with: pulumi config set --path host.restartCommand "rc-service zot restart"',
            ],
        ],
        [
            "a command beside a service manager",
            { host: { restartCommand: "restart zot" } },
            [
                "host.restartCommand: it is set while host.serviceManager is systemd, and would have no effect; set host.serviceManager to command, or remove it.",
            ],
        ],
        [
            "sudo for a service of the user's own",
            { host: { serviceManager: "systemd-user", sudo: "service" } },
            [
                "host.sudo: it is service while host.serviceManager is systemd-user, whose services belong to host.user; set host.sudo to off.",
            ],
        ],
        [
            "a push as root for an agent",
            { host: { serviceManager: "launchd-agent", sudo: "all" } },
            [
                "host.sudo: it is all while host.serviceManager is launchd-agent, whose services belong to host.user; set host.sudo to off.",
            ],
        ],
        [
            "a unit of the system that only root may write",
            { host: { manageService: true, sudo: "service" } },
            [
                'host.manageService: it is true, for which the push writes in /etc/systemd/system as root, while host.sudo is service and host.user "zot"; set host.sudo to all, or host.user to root, or host.manageService to false.',
            ],
        ],
        [
            "an addition to a unit that only root may write",
            { host: { startWithoutIssuer: true } },
            [
                'host.startWithoutIssuer: it is true, for which the push writes in /etc/systemd/system as root, while host.sudo is off and host.user "zot"; set host.sudo to all, or host.user to root, or host.startWithoutIssuer to false.',
            ],
        ],
        [
            "a daemon of launchd without any right",
            { host: { serviceManager: "launchd-daemon" } },
            [
                'host.sudo: it is off while host.serviceManager is launchd-daemon, which takes orders of root alone, and host.user is "zot"; set host.sudo to service or all, or host.user to root.',
            ],
        ],
        [
            "a service file for a command",
            { host: { serviceManager: "command", restartCommand: "rc-service zot restart", manageService: true } },
            [
                "host.manageService: it is true while host.serviceManager is command, for which there is no service file to write; set it to false, or host.serviceManager to what starts zot.",
            ],
        ],
        [
            "a user for zot other than the one who pushes without root's rights",
            { zot: { user: "registry" }, host: { sudo: "service" } },
            [
                'zot.user: it is "registry" while "zot" pushes with host.sudo service, who cannot give the secret files to another user; set host.user to registry or root, or host.sudo to all.',
            ],
        ],
        [
            "a user's service of ours that would run as root",
            { host: { serviceManager: "systemd-user", manageService: true, user: "root" } },
            [
                "host.user: it is root, so that zot would run as root by systemd-user; give a user of zot's own, or, if it is to run as root, set zot.user to root.",
            ],
        ],
        [
            "two patterns of one length for one repository",
            { access: { rules: { "*/base": { ci: ["read"] }, "team/*": {} } } },
            [
                'access.rules: the patterns "*/base" and "team/*" are of one length and may match the same repository, for which zot would pick one of the two rules by chance; make one of them longer or narrower.',
            ],
        ],
    ])("%s", (_title, changes, sentences) => {
        expect(refusals(changes)).toEqual(sentences);
    });
});

test.each<[title: string, changes: Changes]>([
    ["root, who writes units", { host: { user: "root", manageService: true } }],
    [
        "root by sudo, with a user for zot",
        { zot: { user: "registry" }, host: { sudo: "all", startWithoutIssuer: true } },
    ],
    ["a user's service of ours", { host: { serviceManager: "systemd-user", manageService: true } }],
    [
        "a user's service of root's, since somebody says so",
        { zot: { user: "root" }, host: { serviceManager: "systemd-user", manageService: true, user: "root" } },
    ],
    ["a daemon of launchd by sudo", { host: { serviceManager: "launchd-daemon", sudo: "service" } }],
    [
        "a start by launchd, of which the push writes nothing",
        { host: { serviceManager: "launchd-daemon", sudo: "service", startWithoutIssuer: true } },
    ],
])("rights that are enough are accepted: %s", (_title, changes) => {
    expect(refusals(changes)).toEqual([]);
});

describe("a rule for some repositories", () => {
    const ruled = (rule: object, more: Changes = {}) =>
        refusals({ ...more, access: { rules: { "team/**": rule }, ...more.access } });
    const sentence = (text: string) => `access.rules["team/**"]: ${text}`;

    test.each<[title: string, rule: object, sentences: string[]]>([
        [
            "locks anonymous readers out",
            { anonymous: ["create"] },
            [
                "anonymous readers would be locked out; give anonymous: [read], or leave it out.",
                'anonymous would get ["create"]; anyone may read and nothing else, so give anonymous: [read], or leave it out.',
            ],
        ],
        [
            "lets anyone push",
            { anonymous: ["read", "create"] },
            [
                'anonymous would get ["read","create"]; anyone may read and nothing else, so give anonymous: [read], or leave it out.',
            ],
        ],
        [
            "lets CI overwrite",
            { ci: ["read", "create", "update"] },
            [
                'ci would get ["read","create","update"]; CI may only read and create, or its tags would not be immutable.',
            ],
        ],
        [
            "lets CI delete",
            { ci: ["read", "delete"] },
            ['ci would get ["read","delete"]; CI may only read and create, or its tags would not be immutable.'],
        ],
        [
            "takes reading from CI",
            { ci: ["create"] },
            ['ci would get ["create"] and lose what anonymous has; add read.'],
        ],
        [
            "locks admins out",
            { admins: ["read"] },
            [
                "admins would be locked out of create, delete, since only the longest matching rule applies; leave admins out, or give read, create and delete.",
            ],
        ],
        [
            "lets admins overwrite",
            { admins: ["read", "create", "update", "delete"] },
            ["admins would get update; set access.adminsMayUpdate to true, or leave update out."],
        ],
        [
            "lets a group delete",
            { groups: { developers: ["read", "delete"] } },
            [
                'the group "developers" would get ["read","delete"]; only admins change or delete, so give read and create at most.',
            ],
        ],
        [
            "lets a group overwrite",
            { groups: { developers: ["read", "update"] } },
            [
                'the group "developers" would get ["read","update"]; only admins change or delete, so give read and create at most.',
            ],
        ],
        [
            "takes reading from a group",
            { groups: { developers: ["create"] } },
            ['the group "developers" would get ["create"] and lose what anonymous has; add read.'],
        ],
        [
            "names the admins as a group",
            { groups: { admins: ["read"] } },
            ['the group "admins" is the admins\'; use admins.'],
        ],
        [
            "names CI's group as a group",
            { groups: { "artifact-workloads": ["read"] } },
            ['the group "artifact-workloads" is CI\'s; use ci.'],
        ],
    ])("%s", (_title, rule, sentences) => {
        expect(ruled(rule)).toEqual(sentences.map(sentence));
    });

    test("is not for every repository", () => {
        expect(refusals({ access: { rules: { "**": { ci: ["read"] } } } })).toEqual([
            'access.rules["**"]: this is every repository, which access.ciRepositories and the three tiers describe already; give a narrower pattern.',
        ]);
    });

    test("may let admins overwrite where admins may", () => {
        expect(
            ruled({ admins: ["read", "create", "update", "delete"] }, { access: { adminsMayUpdate: true } }),
        ).toEqual([]);
    });
});

describe("secrets", () => {
    const encryptedKey = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    const openSshKey = (cipher: string) => {
        const length = Buffer.alloc(4);
        length.writeUInt32BE(cipher.length);
        const body = Buffer.concat([Buffer.from("openssh-key-v1\0"), length, Buffer.from(cipher)]).toString("base64");
        return `-----BEGIN OPENSSH PRIVATE KEY-----\n${body}\n-----END OPENSSH PRIVATE KEY-----\n`;
    };
    const setKey = "set it with: pulumi config set --path host.privateKey --secret < ~/.ssh/id_ed25519";
    const setPassphrase =
        "host.privateKeyPassphrase: it is not set, and host.privateKey is protected by one; set it with: pulumi config set --path host.privateKeyPassphrase --secret";

    test.each<[title: string, host: Record<string, unknown>, sentences: string[]]>([
        [
            "a plain key",
            { privateKey: "canary" },
            [
                `host.privateKey is a secret but is not encrypted in the stack's file: change it where it came from, and ${setKey}`,
            ],
        ],
        [
            "a plain password",
            { password: "canary" },
            [
                "host.password is a secret but is not encrypted in the stack's file: change it where it came from, and set it with: pulumi config set --path host.password --secret",
            ],
        ],
        [
            "a plain password of digits",
            { password: 12345 },
            [
                "host.password is a secret but is not encrypted in the stack's file: change it where it came from, and set it with: pulumi config set --path host.password --secret",
            ],
        ],
        [
            "no key",
            { privateKey: new SecretText("canary") },
            [`host.privateKey: the value given is not a private key in PEM or OpenSSH form; ${setKey}`],
        ],
        [
            "a public key",
            { privateKey: new SecretText(`${HOST_KEY} canary`) },
            [`host.privateKey: the value given is not a private key in PEM or OpenSSH form; ${setKey}`],
        ],
        ["an encrypted key without its passphrase", { privateKey: new SecretText(encryptedKey) }, [setPassphrase]],
        [
            "an OpenSSH key without its passphrase",
            { privateKey: new SecretText(openSshKey("aes256-ctr")) },
            [setPassphrase],
        ],
        [
            "an old encrypted key without its passphrase",
            {
                privateKey: new SecretText(
                    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: x\n\nAAAA\n-----END RSA PRIVATE KEY-----",
                ),
            },
            [setPassphrase],
        ],
        [
            "a passphrase without a key",
            {
                privateKey: undefined,
                password: new SecretText("canary"),
                privateKeyPassphrase: new SecretText("canary"),
            },
            [
                "host.privateKeyPassphrase: it is set without host.privateKey; set the key too, or remove the passphrase.",
            ],
        ],
        [
            "an empty passphrase",
            { privateKeyPassphrase: new SecretText("") },
            ["host.privateKeyPassphrase: the value given is not allowed; give a passphrase."],
        ],
        [
            "no way to log in",
            { privateKey: undefined },
            [`host.privateKey: it is not set, and neither is host.password, and no SSH agent is running; ${setKey}`],
        ],
    ])("%s", (_title, host, sentences) => {
        expect(refusals({ host })).toEqual(sentences);
    });

    test.each([
        ["an OpenSSH key", { privateKey: new SecretText(openSshKey("none")) }],
        [
            "an encrypted key with its passphrase",
            { privateKey: new SecretText(encryptedKey), privateKeyPassphrase: new SecretText("secret") },
        ],
        ["a password instead of a key", { privateKey: undefined, password: new SecretText("secret") }],
    ])("%s is accepted", (_title, host) => {
        expect(refusals({ host })).toEqual([]);
    });

    test("never show, whatever is wrong with them", () => {
        const message = refusals({
            registry: { url: "https://user:canary/canary@registry.example.org" },
            zot: {
                mirrors: [{ url: "https://user:canary@a.example", prefix: "a" }],
                extraConfig: {
                    storage: { storageDriver: { secretkey: "canary" }, cacheDriver: { url: "redis://:canary@h:6379" } },
                },
            },
            host: { privateKey: "canary", password: ["canary"], privateKeyPassphrase: { canary: "canary" } },
        }).join("\n");
        expect(message.split("\n")).toHaveLength(7);
        expect(message).not.toContain("canary");
        expect(message).toContain('"https://[hidden]@registry.example.org" is not allowed because it is not a URL');
    });

    test("show in no form of a SecretText", () => {
        const secret = new SecretText("canary");
        expect(
            `${secret} ${String(secret)} ${JSON.stringify({ secret })} ${require("node:util").inspect(secret, { depth: 5, showHidden: true })}`,
        ).not.toContain("canary");
        expect(secret.reveal()).toBe("canary");
        expect(() => new SecretText(undefined).reveal()).toThrow("This secret is encrypted and cannot be read here.");
    });
});

describe("what is not set", () => {
    test.each([
        ["registry.url", "https://registry.example.org"],
        ["zot.binary", "/usr/local/bin/zot"],
        ["zot.configFile", "/etc/zot/config.json"],
        ["zot.rootDirectory", "/var/lib/zot"],
        ["identity.issuer", "https://authentik.example.org/application/o/zot/"],
        ["host.address", "registry-host.example.org"],
        ["host.user", "zot"],
        ["host.hostKey", '"$(ssh-keyscan -t ed25519 registry-host.example.org)"'],
    ])("%s: the message holds the command", (name, example) => {
        const { description, hint } = allSettings().find((setting) => setting.name === name)!.setting;
        for (const nothing of [undefined, null, ""]) {
            expect(refusals(change(name, nothing))).toEqual([
                `${name} is not set: ${description} Set it with: pulumi config set --path ${name} ${example}${hint ? `. ${hint}` : ""}`,
            ]);
        }
    });

    test("what only the site knows may be missing where the stack is only rendered", () => {
        const { groups } = rawSettings({
            host: { address: undefined, user: undefined, hostKey: undefined, privateKey: undefined },
        });
        expect(() => declaredState({ groups })).not.toThrow();
        expect(() => declaredState({ groups: { ...groups, registry: {} } })).toThrow(/registry\.url is not set/);
    });

    test("Authentik's URL and token", () => {
        const site = { hasAuthentikUrl: false, hasAuthentikToken: false, sshAgentSocket: undefined };
        expect(() => declaredState({ ...rawSettings(), site })).toThrow(
            [
                "There are 2 mistakes in the settings:",
                "  - authentik:url is not set: the URL of Authentik's API. Set it with: pulumi config set authentik:url https://authentik.example.org (or AUTHENTIK_URL in the environment)",
                "  - authentik:token is not set: an API token of Authentik. Set it with: pulumi config set --secret authentik:token (or AUTHENTIK_TOKEN in the environment)",
            ].join("\n"),
        );
    });

    test("an SSH agent will do for a key", () => {
        const raw = rawSettings({ host: { privateKey: undefined } });
        expect(() => declaredState({ ...raw, site: { ...raw.site!, sshAgentSocket: "/run/agent" } })).not.toThrow();
    });
});

describe("names that are no settings", () => {
    test.each<[title: string, groups: Record<string, unknown>, sentences: string[]]>([
        [
            "a typing error",
            { zot: { prot: 5000 } },
            ["zot.prot is not a setting; did you mean zot.port? All settings are declared in Pulumi.yaml."],
        ],
        [
            "another case",
            { zot: { Port: 5000 } },
            ["zot.Port is not a setting; did you mean zot.port? All settings are declared in Pulumi.yaml."],
        ],
        [
            "the wrong group",
            { zot: { hostKey: "x" } },
            ["zot.hostKey is not a setting; did you mean host.hostKey? All settings are declared in Pulumi.yaml."],
        ],
        [
            "nothing near",
            { zot: { colourOfTheLogo: "red" } },
            ["zot.colourOfTheLogo is not a setting. All settings are declared in Pulumi.yaml."],
        ],
        [
            "an unknown group",
            { acces: { adminsMayUpdate: true } },
            ["acces is not a setting; did you mean access? All settings are declared in Pulumi.yaml."],
        ],
        [
            "a setting without its group",
            { hostKey: "canary" },
            ["hostKey is not a setting; did you mean host.hostKey? All settings are declared in Pulumi.yaml."],
        ],
        [
            "a setting with its group as namespace",
            { "zot:port": "5050" },
            ["zot:port is not a setting; did you mean zot.port? All settings are declared in Pulumi.yaml."],
        ],
        [
            "a literal dot, without --path",
            { "zot.port": "5050" },
            [
                'zot.port was set without --path and so has no effect: remove it with "pulumi config rm zot.port" and set it with: pulumi config set --path zot.port VALUE',
            ],
        ],
        [
            "a secret with a literal dot",
            { "host.password": new SecretText("canary") },
            [
                'host.password was set without --path and so has no effect: remove it with "pulumi config rm host.password" and set it with: pulumi config set --path host.password --secret',
            ],
        ],
        [
            "a group that is a value",
            { access: "open" },
            [
                'access: "open" is not allowed; access is a group of settings: access.ciRepositories, access.ciMayPushToMirrors, access.adminsMayUpdate, access.rules.',
            ],
        ],
        [
            "a group that is encrypted",
            { access: new SecretText("canary") },
            [
                "access holds an encrypted value, but is no secret; set it again without --secret: access.ciRepositories, access.ciMayPushToMirrors, access.adminsMayUpdate, access.rules.",
            ],
        ],
    ])("%s", (_title, groups, sentences) => {
        const raw = rawSettings();
        const laid = Object.fromEntries(
            Object.entries(groups).map(([group, members]) => [
                group,
                typeof members === "object" && !(members instanceof SecretText)
                    ? { ...(raw.groups[group] as object), ...members }
                    : members,
            ]),
        );
        expect(() => declaredState({ ...raw, groups: { ...raw.groups, ...laid } })).toThrow(
            `${sentences.length === 1 ? "There is a mistake" : ""} in the settings:\n${sentences.map((sentence) => `  - ${sentence}`).join("\n")}`,
        );
    });
});

test("all mistakes are told at once, whatever their kind, without a stack trace", () => {
    const changes = {
        registry: { url: "http://registry.example.org" },
        zot: {
            port: "none",
            prot: 1,
            mirrors: [
                { url: "https://a.example", prefix: "a" },
                { url: "https://b.example", prefix: "a/b" },
            ],
        },
        access: { rules: { "team/**": { ci: ["craete"], admins: ["reed"] } } },
        identity: { workloadsGroup: "admins" },
        host: { hostKey: "SHA256:x", password: "canary", serviceManager: "command" },
    };
    let message = "";
    try {
        declaredState(rawSettings(changes), "Pulumi.prod.yaml");
    } catch (error) {
        message = (error as Error).message;
    }
    const lines = message.split("\n");
    expect(lines[0]).toBe("There are 10 mistakes in the settings of Pulumi.prod.yaml:");
    expect(lines.slice(1).map((line) => /^ {2}- ([\w.[\]"/*]+?):? /.exec(line)?.[1])).toEqual([
        "zot.prot",
        "registry.url",
        "zot.port",
        'access.rules["team/**"].ci[0]',
        'access.rules["team/**"].admins[0]',
        "host.hostKey",
        "host.password",
        "identity.workloadsGroup",
        "zot.mirrors",
        "host.restartCommand",
    ]);
    expect(message).not.toMatch(/^\s+at /m);
});

test("mistakes in zot.extraConfig and in what settings say together are told beside each other", () => {
    expect(
        refusals({
            zot: { search: false, extraConfig: { http: { auth: { apikey: false } }, log: { output: null } } },
            access: { rules: { "team/**": { ci: ["read", "delete"] } } },
        }),
    ).toEqual([
        'access.rules["team/**"]: ci would get ["read","delete"]; CI may only read and create, or its tags would not be immutable.',
        "zot.userInterface: it is on while zot.search is off, which zot refuses; set zot.userInterface to false or zot.search to true.",
        "zot.extraConfig: log.output is null, which zot takes for absent; remove it, or give it a value.",
        "zot.extraConfig: http.auth.apikey is false there and true by the other settings; change the setting that decides it, and leave it out here.",
    ]);
});
