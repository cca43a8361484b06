/** What settings may not say together. */
import { type Changes, refusals } from "../../support/refusals";

describe("what settings say together", () => {
    test.each<[title: string, changes: Changes, sentences: string[]]>([
        [
            "an issuer of another application",
            { identity: { issuer: "https://authentik.example.org/application/o/zott/" } },
            [
                'identity.issuer: "https://authentik.example.org/application/o/zott/" is not the issuer of the ' +
                    'application "zot"; give the URL of Authentik followed by /application/o/zot/, ' +
                    "slash included, or change identity.applicationSlug.",
            ],
        ],
        [
            "names that no store of CI's secrets takes",
            {
                ciSecrets: {
                    store: "forgejo",
                    names: { ciApiKey: "zot-key", ciUserName: "CI_USER", registryUrl: "GITHUB_URL", ciApiKy: "KEY" },
                },
            },
            [
                'ciSecrets.names: the name "zot-key" for ciApiKey is not one of capitals, digits and "_".',
                "ciSecrets.names: the name CI_USER begins with CI, which Forgejo accepts for a secret but not for a variable; " +
                    "give such a name to the key only.",
                "ciSecrets.names: the name GITHUB_URL for registryUrl is one that forges keep for themselves " +
                    "(CI, GITHUB_…, GITEA_…, FORGEJO_…).",
                'ciSecrets.names: "ciApiKy" is not an output that can be handed over; give ' +
                    "registryUrl, registryHost, ciUserName, ciApiKey, ciApiKeyExpires.",
            ],
        ],
        [
            "a key of CI without a life",
            { ci: { keyLifetime: "0h" } },
            ["ci.keyLifetime: a key that lives for 0h is of no use; give 1d, say."],
        ],
        [
            "a key of CI that ends before it has a successor",
            { ci: { keyLifetime: "30d", keyRotateAfter: "4w2d" } },
            [
                "ci.keyRotateAfter: a key that lives for 30d (ci.keyLifetime) has ended by 4w2d, so it could not be " +
                    "replaced in time; give less, or remove it: the default is two thirds of the lifetime.",
            ],
        ],
        [
            "CI's group is the admins'",
            { identity: { workloadsGroup: "admins" } },
            [
                'identity.workloadsGroup: "admins" is also the group of the admins, so CI could delete; ' +
                    "give two different groups.",
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
                'access.ciRepositories[1]: "docker.io/library/**" reaches into the pull-through cache under ' +
                    '"docker.io", where CI could put its own images in place of upstream\'s; ' +
                    "give a pattern outside it, or set access.ciMayPushToMirrors to true.",
            ],
        ],
        [
            "another CI identity in a cache, by a pattern that begins with a wildcard",
            {
                zot: { mirrors: [{ url: "https://a.example", prefix: "docker.io" }] },
                access: { rules: { "**/library/images": { groups: { "team-ci": ["read", "create"] } } } },
            },
            [
                'access.rules["**/library/images"]: "**/library/images" reaches into the pull-through cache ' +
                    'under "docker.io", where CI could put its own images in place of upstream\'s; ' +
                    "give a pattern outside it, or set access.ciMayPushToMirrors to true.",
            ],
        ],
        [
            "metrics for users without any",
            { zot: { metrics: "users" } },
            [
                "zot.metricsUsers: it is empty while zot.metrics is users, " +
                    "so nobody could read the metrics; name the users, or set zot.metrics to anonymous or off.",
            ],
        ],
        [
            "users for metrics that are off",
            { zot: { metricsUsers: ["grafana"] } },
            [
                "zot.metricsUsers: it names users while zot.metrics is off, so it has no effect; " +
                    "set zot.metrics to users, or leave the list empty.",
            ],
        ],
        [
            "the web interface without search",
            { zot: { search: false } },
            [
                "zot.userInterface: it is on while zot.search is off, and zot refuses such a config; " +
                    "set zot.userInterface to false or zot.search to true.",
            ],
        ],
        [
            "no command to restart by",
            { host: { serviceManager: "command" } },
            [
                "host.restartCommand: it is not set while host.serviceManager is command; set it with: " +
                    'pulumi config set --path host.restartCommand "rc-service zot restart"',
            ],
        ],
        [
            "a command beside a service manager",
            { host: { restartCommand: "restart zot" } },
            [
                "host.restartCommand: it is set, but host.serviceManager is systemd, so it would have no effect; " +
                    "set host.serviceManager to command, or remove it.",
            ],
        ],
        [
            "sudo for a service of the user's own",
            { host: { serviceManager: "systemd-user", sudo: "service" } },
            [
                "host.sudo: it is service while host.serviceManager is systemd-user, " +
                    "whose services belong to host.user; set host.sudo to off.",
            ],
        ],
        [
            "a deployment as root for an agent",
            { host: { serviceManager: "launchd-agent", sudo: "all" } },
            [
                "host.sudo: it is all while host.serviceManager is launchd-agent, " +
                    "whose services belong to host.user; set host.sudo to off.",
            ],
        ],
        [
            "a unit of the system that only root may write",
            { host: { manageService: true, sudo: "service" } },
            [
                "host.manageService: it is true, so the deployment writes in /etc/systemd/system as root, " +
                    'but host.sudo is service and host.user "zot"; ' +
                    "set host.sudo to all, or host.user to root, or host.manageService to false.",
            ],
        ],
        [
            "an addition to a unit that only root may write",
            { host: { startWithoutIssuer: true } },
            [
                "host.startWithoutIssuer: it is true, so the deployment writes in /etc/systemd/system as root, " +
                    'but host.sudo is off and host.user "zot"; ' +
                    "set host.sudo to all, or host.user to root, or host.startWithoutIssuer to false.",
            ],
        ],
        [
            "a daemon of launchd without any right",
            { host: { serviceManager: "launchd-daemon" } },
            [
                "host.sudo: it is off, but host.serviceManager is launchd-daemon, " +
                    'which accepts commands from root only, and host.user is "zot"; ' +
                    "set host.sudo to service or all, or host.user to root.",
            ],
        ],
        [
            "a service file for a command",
            { host: { serviceManager: "command", restartCommand: "rc-service zot restart", manageService: true } },
            [
                "host.manageService: it is true while host.serviceManager is command, " +
                    "for which there is no service file to write; " +
                    "set it to false, or host.serviceManager to what starts zot.",
            ],
        ],
        [
            "a user for zot other than the one who deploys without root's rights",
            { zot: { user: "registry" }, host: { sudo: "service" } },
            [
                'zot.user: it is "registry" while "zot" deploys with host.sudo service, ' +
                    "who cannot give the secret files to another user; " +
                    "set host.user to registry or root, or host.sudo to all.",
            ],
        ],
        [
            "a user's service of ours that would run as root",
            { host: { serviceManager: "systemd-user", manageService: true, user: "root" } },
            [
                "host.user: it is root, so zot would run as root by systemd-user; " +
                    "give a user for zot alone, or set zot.user to root if that is what you want.",
            ],
        ],
        [
            "two patterns of one length for one repository",
            { access: { rules: { "*/base": { ci: ["read"] }, "team/*": {} } } },
            [
                'access.rules: the patterns "*/base" and "team/*" are equally long and may match the same ' +
                    "repository, for which zot would pick one of the two rules by chance; " +
                    "make one of them longer or narrower.",
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
        "a start by launchd, of which the deployment writes nothing",
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
                'anonymous would get ["create"]; anyone may read and do nothing else, so give anonymous: ' +
                    "[read], or leave it out.",
            ],
        ],
        [
            "lets anyone push",
            { anonymous: ["read", "create"] },
            [
                'anonymous would get ["read","create"]; anyone may read and do nothing else, so give anonymous: ' +
                    "[read], or leave it out.",
            ],
        ],
        [
            "lets CI overwrite",
            { ci: ["read", "create", "update"] },
            [
                'ci would get ["read","create","update"]; ' +
                    "CI may only read and create, otherwise its tags could change.",
            ],
        ],
        [
            "lets CI delete",
            { ci: ["read", "delete"] },
            ['ci would get ["read","delete"]; CI may only read and create, otherwise its tags could change.'],
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
                "admins would be locked out of create, delete, since only the longest matching rule applies; " +
                    "leave admins out, or give read, create and delete.",
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
                'the group "developers" would get ["read","delete"]; ' +
                    "only admins change or delete, so give read and create at most.",
            ],
        ],
        [
            "lets a group overwrite",
            { groups: { developers: ["read", "update"] } },
            [
                'the group "developers" would get ["read","update"]; ' +
                    "only admins change or delete, so give read and create at most.",
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
            'access.rules["**"]: this matches every repository, ' +
                "which access.ciRepositories and the three tiers already describe; give a narrower pattern.",
        ]);
    });

    test("may let admins overwrite where admins may", () => {
        expect(
            ruled({ admins: ["read", "create", "update", "delete"] }, { access: { adminsMayUpdate: true } }),
        ).toEqual([]);
    });
});
