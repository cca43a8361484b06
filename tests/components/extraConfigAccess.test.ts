/** What zot.extraConfig is refused for: rights that the tiers do not have, by access control or by caches. */
import { refusals } from "../support/extraConfig";

describe("zot.extraConfig is refused", () => {
    const elsewhere = "change the setting that decides it, and leave it out here.";
    const readable = { anonymousPolicy: ["read"], defaultPolicy: ["read"] };
    const admins = { groups: ["admins"], actions: ["read", "create", "delete"] };
    const team = (rule: unknown) => ({ http: { accessControl: { repositories: { "team/**": rule } } } });
    const where = 'http.accessControl.repositories["team/**"]';
    const lockedOut = [
        'anonymous readers are locked out on "team/**".',
        'the group admins is locked out of read, create, delete on "team/**".',
    ];
    const only = "; only the group admins may delete, and update only with access.adminsMayUpdate.";

    test.each<[title: string, extraConfig: object, sentences: string[]]>([
        [
            "a misspelt action",
            team({ ...readable, policies: [admins, { groups: ["a"], actions: ["craete"] }] }),
            [
                `${where}.policies[1].actions[0] is "craete", which zot would ignore; ` +
                    "give one of read, create, update, delete.",
            ],
        ],
        [
            "a docker verb",
            team({ ...readable, policies: [admins, { groups: ["a"], actions: ["read", "push"] }] }),
            [
                `${where}.policies[1].actions[1] is "push", which zot would ignore; ` +
                    "give one of read, create, update, delete.",
            ],
        ],
        [
            "an action with a capital",
            team({ ...readable, anonymousPolicy: ["read", "Create"], policies: [admins] }),
            [
                `${where}.anonymousPolicy[1] is "Create", which zot would ignore; ` +
                    "give one of read, create, update, delete.",
            ],
        ],
        [
            "an empty list of actions",
            team({ ...readable, policies: [admins, { groups: ["a"], actions: [] }] }),
            [`${where}.policies[1] has no actions, so it has no effect.`],
        ],
        [
            "an empty list of groups",
            team({ ...readable, policies: [admins, { groups: [], actions: ["read"] }] }),
            [`${where}.policies[1] names no user and no group, so it has no effect.`],
        ],
        [
            "no subject",
            team({ ...readable, policies: [admins, { actions: ["read"] }] }),
            [`${where}.policies[1] names no user and no group, so it has no effect.`],
        ],
        [
            "an empty group",
            team({ ...readable, policies: [admins, { groups: [""], actions: ["read"] }] }),
            [
                `${where}.policies[1].groups[0] is "", which is not a name; zot treats an empty one as anonymous.`,
                `${where}.policies[1] names no user and no group, so it has no effect.`,
            ],
        ],
        [
            "an empty user, which is anonymous",
            team({ ...readable, policies: [admins, { users: ["bob", ""], actions: ["create"] }] }),
            [`${where}.policies[1].users[1] is "", which is not a name; zot treats an empty one as anonymous.`],
        ],
        [
            "a number for a name",
            team({ ...readable, policies: [admins, { users: ["bob", 5], actions: ["create"] }] }),
            [`${where}.policies[1].users[1] is 5, which is not a name; zot treats an empty one as anonymous.`],
        ],
        [
            "one value for a list",
            team({ anonymousPolicy: "read", defaultPolicy: ["read"], policies: [admins] }),
            [
                `${where}.anonymousPolicy is "read" and must be a list.`,
                'anonymous readers are locked out on "team/**".',
            ],
        ],
        [
            "a map for a list",
            team({ ...readable, policies: { users: ["bob"], actions: ["delete"] } }),
            [
                `${where}.policies is {"users":["bob"],"actions":["delete"]} and must be a list.`,
                'the group admins is locked out of create, delete on "team/**".',
            ],
        ],
        [
            "an unknown key",
            team({ ...readable, policies: [admins], defaultPolcy: ["read"] }),
            [`${where}.defaultPolcy is not a key of zot there; the keys are anonymousPolicy, defaultPolicy, policies.`],
        ],
        [
            "an empty rule",
            team({}),
            [`${where} is an empty map, which zot accepts under any name; remove it, or fill it.`, ...lockedOut],
        ],
        [
            "a rule that is a list",
            team([readable]),
            [`${where} is [{"anonymousPolicy":["read"],"defaultPolicy":["read"]}] and must be a map.`, ...lockedOut],
        ],
        [
            "a rule without anonymous readers and admins",
            team({ policies: [{ groups: ["a"], actions: ["read"] }] }),
            lockedOut,
        ],
        [
            "a rule that takes reading from who logs in",
            team({ anonymousPolicy: ["read"], policies: [admins] }),
            ['a login takes away read on "team/**", which anonymous readers have.'],
        ],
        [
            "admins only under a condition",
            team({
                ...readable,
                policies: [{ ...admins, conditions: [{ expression: "req.tls.enabled", message: "TLS only" }] }],
            }),
            ['the group admins is locked out of create, delete on "team/**".'],
        ],
        [
            "a user who deletes",
            team({ ...readable, policies: [admins, { users: ["bob"], actions: ["delete"] }] }),
            [`the user bob may delete on "team/**"${only}`],
        ],
        [
            "CI that overwrites latest",
            {
                http: {
                    accessControl: {
                        repositories: {
                            "**": {
                                policies: [
                                    {
                                        groups: ["artifact-workloads"],
                                        actions: ["update"],
                                        conditions: [{ expression: 'req.tag == "latest"', message: "no" }],
                                    },
                                ],
                            },
                        },
                    },
                },
            },
            [`the group artifact-workloads may update on "**"${only}`],
        ],
        [
            "anyone who pushes",
            { http: { AccessControl: { Repositories: { "**": { AnonymousPolicy: ["create"] } } } } },
            [
                'anyone without a login may create on "**".',
                'a login takes away create on "**", which anonymous readers have.',
            ],
        ],
        [
            "everyone logged in who deletes",
            { http: { accessControl: { repositories: { "**": { defaultPolicy: ["delete"] } } } } },
            ['everyone who is logged in may delete on "**".'],
        ],
        [
            "an admin policy for a user",
            { http: { accessControl: { ADMINPOLICY: { users: ["bob"], actions: ["delete"] } } } },
            [
                `the user bob may delete everywhere, by adminPolicy${only}`,
                "the user bob would be zot's administrator by adminPolicy, whatever its actions; " +
                    "only the group admins may be, so give the rights by a rule for the repositories.",
            ],
        ],
        [
            "an admin policy in a list",
            { http: { accessControl: { adminPolicy: [{ users: ["bob"], actions: ["delete"] }] } } },
            [
                'http.accessControl.adminPolicy is [{"users":["bob"],"actions":["delete"]}] and must be a map.',
                "http.accessControl.adminPolicy has no actions, so it has no effect.",
                "http.accessControl.adminPolicy names no user and no group, so it has no effect.",
            ],
        ],
        [
            "a pattern with capitals",
            { http: { accessControl: { repositories: { "Team/**": { ...readable, policies: [admins] } } } } },
            ['the pattern "Team/**" is not allowed because it has capitals, which zot turns into small letters.'],
        ],
        [
            "a pattern with braces",
            { http: { accessControl: { repositories: { "{a,b}/**": { ...readable, policies: [admins] } } } } },
            ['the pattern "{a,b}/**" is not allowed because it has "{", which a repository\'s name cannot hold.'],
        ],
        [
            "repositories that are a list",
            { http: { accessControl: { repositories: [{ "**": readable }] } } },
            [`http.accessControl.repositories is a list there and a map by the other settings; ${elsewhere}`],
        ],
        [
            "access control that is null",
            { http: { accessControl: null } },
            ["http.accessControl is null, which zot takes for absent; remove it, or give it a value."],
        ],
    ])("as access control with %s", (_title, extraConfig, sentences) => {
        expect(refusals(extraConfig)).toEqual(sentences);
    });

    const cache =
        "in place of upstream's images; declare the cache in zot.mirrors, or set access.ciMayPushToMirrors to true.";

    test.each<[title: string, registries: unknown, sentences: string[]]>([
        [
            "under a prefix",
            [{ urls: ["https://a.example"], content: [{ prefix: "**", destination: "/mirror/" }] }],
            [`by the rule for "**" CI could push into the pull-through cache "mirror/**", ${cache}`],
        ],
        [
            "at the root",
            [{ urls: ["https://a.example"], onDemand: true }],
            [`by the rule for "**" CI could push into the pull-through cache "**", ${cache}`],
        ],
        [
            "by its own names",
            [{ urls: ["https://a.example"], content: [{ prefix: "/library/**" }] }],
            [`by the rule for "**" CI could push into the pull-through cache "library/**", ${cache}`],
        ],
        [
            "without its prefix",
            [{ urls: ["https://a.example"], content: [{ prefix: "library/**", stripPrefix: true }] }],
            [`by the rule for "**" CI could push into the pull-through cache "**", ${cache}`],
        ],
        [
            "whose names take more than a pattern",
            [{ urls: ["https://a.example"], content: [{ prefix: "{library,team}/**" }] }],
            [`by the rule for "**" CI could push into the pull-through cache "**", ${cache}`],
        ],
        ["that is no list", { urls: ["https://a.example"] }, ["extensions.sync.registries must be a list."]],
        [
            "whose content is no list",
            [{ urls: ["https://a.example"], content: { prefix: "**" } }],
            [
                "extensions.sync.registries[0].content must be a list.",
                `by the rule for "**" CI could push into the pull-through cache "**", ${cache}`,
            ],
        ],
    ])("as a cache %s", (_title, registries, sentences) => {
        expect(refusals({ Extensions: { SYNC: { Registries: registries } } })).toEqual(sentences);
    });

    test("not as a cache where CI does not push", () => {
        const registries = [{ urls: ["https://a.example"], content: [{ prefix: "**", destination: "/mirror" }] }];
        expect(refusals({ extensions: { sync: { registries } } }, { access: { ciRepositories: ["team/**"] } })).toEqual(
            [],
        );
        expect(refusals({ extensions: { sync: { registries } } }, { access: { ciMayPushToMirrors: true } })).toEqual(
            [],
        );
        const ownRule = {
            http: { accessControl: { repositories: { "mirror/**": { ...readable, policies: [admins] } } } },
        };
        expect(refusals({ extensions: { sync: { registries } }, ...ownRule })).toEqual([]);
    });

    test("as an admin policy that lets CI into a cache", () => {
        const extraConfig = {
            http: { accessControl: { adminPolicy: { groups: ["artifact-workloads"], actions: ["create"] } } },
        };
        expect(refusals(extraConfig, { zot: { mirrors: [{ url: "https://ghcr.io", prefix: "ghcr.io" }] } })).toEqual([
            "the group artifact-workloads would be zot's administrator by adminPolicy, whatever its actions; " +
                "only the group admins may be, so give the rights by a rule for the repositories.",
            `by adminPolicy CI could push into the pull-through cache "ghcr.io/**", ${cache}`,
        ]);
    });
});
