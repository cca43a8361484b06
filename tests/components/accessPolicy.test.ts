/** The tiers as data, and what they come to. */
import { ambiguousPatterns, policyBreaches, pushableInCache } from "../../components/accessBreaches";
import {
    type AccessPolicy,
    type Action,
    ANONYMOUS,
    type Grant,
    type RepositoryRule,
    ruleFor,
    type Who,
} from "../../components/accessPolicy";
import { tieredPolicy } from "../../components/accessTiers";
import { mirrors, policyFor, rights } from "../support/policies";
import { siteSettings } from "../support/settings";

const member = (...groups: string[]): Who => ({ kind: "user", name: "someone", groups });
const EXCEPTIONS = {
    adminsGroup: "admins",
    adminsMayUpdate: false,
    workloads: [{ group: "artifact-workloads", channels: [], movableTags: {} }],
};
const NOBODY = member();
const CI = member("artifact-workloads");
const ADMIN = member("admins");

describe("the three tiers", () => {
    test("anyone reads, CI adds, admins also delete", () => {
        const policy = policyFor();
        expect([ANONYMOUS, NOBODY, CI, ADMIN].map((who) => rights(policy, who, "team/app"))).toEqual([
            ["read"],
            ["read"],
            ["read", "create"],
            ["read", "create", "delete"],
        ]);
    });

    test("admins overwrite tags by a setting only", () => {
        const policy = policyFor({ adminsMayUpdate: true });
        expect(rights(policy, ADMIN, "team/app")).toEqual(["read", "create", "update", "delete"]);
        expect(rights(policy, CI, "team/app")).toEqual(["read", "create"]);
    });

    test("the groups are the settings'", () => {
        const { settings } = siteSettings({ identity: { adminsGroup: "root", workloadsGroup: "builders" } });
        const policy = tieredPolicy(settings);
        expect(rights(policy, member("root"), "a")).toEqual(["read", "create", "delete"]);
        expect(rights(policy, member("builders"), "a")).toEqual(["read", "create"]);
        expect(rights(policy, member("admins", "artifact-workloads"), "a")).toEqual(["read"]);
    });

    test("CI stays out of the caches, unless a setting lets it in", () => {
        const repositories = ["docker.io", "docker.io/library/alpine", "docker.io-images/app"];
        expect(repositories.map((repository) => rights(policyFor({}, { mirrors }), CI, repository))).toEqual([
            ["read"],
            ["read"],
            ["read", "create"],
        ]);
        expect(
            repositories.map((repository) =>
                rights(policyFor({ ciMayPushToMirrors: true }, { mirrors }), CI, repository),
            ),
        ).toEqual([
            ["read", "create"],
            ["read", "create"],
            ["read", "create"],
        ]);
        expect(rights(policyFor({}, { mirrors }), ADMIN, "docker.io/library/alpine")).toEqual([
            "read",
            "create",
            "delete",
        ]);
    });

    test("CI may be kept to some repositories", () => {
        const policy = policyFor({ ciRepositories: ["team/**", "base"] }, { mirrors });
        expect(
            ["team/app", "team", "base", "base/x", "other"].map((repository) => rights(policy, CI, repository)),
        ).toEqual([["read", "create"], ["read", "create"], ["read", "create"], ["read"], ["read"]]);
        expect(rights(policy, ADMIN, "other")).toEqual(["read", "create", "delete"]);
    });

    test("a pattern that begins with a wildcard may be CI's where a cache has the longer one", () => {
        const policy = policyFor({ ciRepositories: ["*/app"] }, { mirrors });
        expect(rights(policy, CI, "team/app")).toEqual(["read", "create"]);
        expect(rights(policy, CI, "docker.io/app")).toEqual(["read"]);
    });
});

describe("rules for some repositories", () => {
    test("what is left out is as everywhere else", () => {
        const policy = policyFor({ rules: { "team/**": { groups: { "team-ci": ["read", "create"] } } } });
        expect([ANONYMOUS, NOBODY, CI, ADMIN, member("team-ci")].map((who) => rights(policy, who, "team/app"))).toEqual(
            [["read"], ["read"], ["read", "create"], ["read", "create", "delete"], ["read", "create"]],
        );
        expect(rights(policy, member("team-ci"), "other")).toEqual(["read"]);
    });

    test("one more CI identity, alone in its own repositories", () => {
        const policy = policyFor({ rules: { "team/**": { ci: ["read"], groups: { "team-ci": ["read", "create"] } } } });
        expect([rights(policy, CI, "team/app"), rights(policy, member("team-ci"), "team/app")]).toEqual([
            ["read"],
            ["read", "create"],
        ]);
    });

    test("a rule does not give CI what access.ciRepositories does not", () => {
        const policy = policyFor(
            { ciRepositories: ["team/**"], rules: { "other/**": {}, "team/base/**": {}, "docker.io/library/**": {} } },
            { mirrors },
        );
        expect(
            ["other/app", "team/base/app", "docker.io/library/app"].map((repository) => rights(policy, CI, repository)),
        ).toEqual([["read"], ["read", "create"], ["read"]]);
    });

    test("the same pattern as CI's or a cache's takes its place", () => {
        const policy = policyFor(
            {
                ciRepositories: ["team/**"],
                rules: { "team/**": { ci: ["read"] }, "docker.io/**": { groups: { mirrors: ["read"] } } },
            },
            { mirrors },
        );
        expect(policy.rules.map((rule) => rule.pattern)).toEqual(["**", "team/**", "docker.io/**"]);
        expect(rights(policy, CI, "team/app")).toEqual(["read"]);
        expect(rights(policy, CI, "docker.io/x")).toEqual(["read"]);
    });
});

describe("evaluation", () => {
    const rule = (pattern: string, more: Partial<RepositoryRule> = {}): RepositoryRule => ({
        pattern,
        anonymous: ["read"],
        loggedIn: ["read"],
        grants: [],
        ...more,
    });
    const grant = (more: Partial<Grant>): Grant => ({ users: [], groups: [], actions: [], ...more });

    test("only the longest pattern applies, and nothing is inherited", () => {
        const policy: AccessPolicy = {
            rules: [
                rule("**", { grants: [grant({ groups: ["admins"], actions: ["delete"] })] }),
                rule("team/**", { anonymous: [], loggedIn: [] }),
            ],
            everywhere: [],
        };
        expect(ruleFor(policy, "team/app")?.pattern).toBe("team/**");
        expect(rights(policy, ADMIN, "team/app")).toEqual([]);
        expect(rights(policy, ANONYMOUS, "team/app")).toEqual([]);
        expect(rights(policy, ADMIN, "other")).toEqual(["read", "delete"]);
    });

    test("without a rule nobody has a right, but for adminPolicy", () => {
        const policy: AccessPolicy = {
            rules: [rule("team/**")],
            everywhere: [grant({ users: ["root"], groups: ["admins"], actions: ["read", "delete"] })],
        };
        expect(ruleFor(policy, "other")).toBeUndefined();
        expect(
            [ANONYMOUS, NOBODY, ADMIN, { kind: "user", name: "root", groups: [] } as Who].map((who) =>
                rights(policy, who, "other"),
            ),
        ).toEqual([[], [], ["read", "delete"], ["read", "delete"]]);
    });

    test("a logged-in user does not have what only anonymous is given, nor the other way round", () => {
        const policy: AccessPolicy = {
            rules: [rule("**", { anonymous: ["read"], loggedIn: ["create"] })],
            everywhere: [],
        };
        expect([rights(policy, ANONYMOUS, "a"), rights(policy, NOBODY, "a")]).toEqual([["read"], ["create"]]);
    });

    test("a policy for an empty name is for anonymous, as it is to zot", () => {
        const policy: AccessPolicy = {
            rules: [rule("**", { grants: [grant({ users: [""], actions: ["delete"] })] })],
            everywhere: [],
        };
        expect(rights(policy, ANONYMOUS, "a")).toEqual(["read", "delete"]);
    });
});

describe("breaches", () => {
    const sound = policyFor().rules[0]!;
    const breachesOf = (change: Partial<RepositoryRule>, everywhere: Grant[] = [], adminsMayUpdate = false) =>
        policyBreaches({ rules: [{ ...sound, ...change }], everywhere }, { ...EXCEPTIONS, adminsMayUpdate });
    const grant = (more: Partial<Grant>): Grant => ({ users: [], groups: [], actions: ["read"], ...more });
    const admins = grant({ groups: ["admins"], actions: ["read", "create", "delete"] });
    const administrator =
        "would be zot's administrator by adminPolicy, whatever its actions; " +
        "only the group admins may be, so give the rights by a rule for the repositories";
    const only = "; only the group admins may delete, and update only with access.adminsMayUpdate";

    test.each<[title: string, found: string[], expected: string[]]>([
        ["none in the tiers", breachesOf({}), []],
        [
            "no rule",
            policyBreaches({ rules: [], everywhere: [] }, EXCEPTIONS),
            ["there is no rule for any repository, and zot would then let any logged-in user do everything"],
        ],
        [
            "anonymous writes",
            breachesOf({ anonymous: ["read", "create"], loggedIn: ["read", "create"] }),
            ['anyone without a login may create on "**"', 'everyone who is logged in may create on "**"'],
        ],
        [
            "anonymous by an empty name",
            breachesOf({ grants: [admins, grant({ users: [""], actions: ["create"] })] }),
            ['anyone without a login may create on "**"'],
        ],
        ["anonymous locked out", breachesOf({ anonymous: [] }), ['anonymous readers are locked out on "**"']],
        [
            "a login loses reading",
            breachesOf({ loggedIn: [] }),
            ['a login takes away read on "**", which anonymous readers have'],
        ],
        ["admins locked out", breachesOf({ grants: [] }), ['the group admins is locked out of create, delete on "**"']],
        [
            "admins under a condition",
            breachesOf({ grants: [{ ...admins, conditions: [{ expression: "req.tls.enabled" }] }] }),
            ['the group admins is locked out of create, delete on "**"'],
        ],
        ["admins by adminPolicy", breachesOf({ grants: [] }, [admins]), []],
        [
            "CI deletes",
            breachesOf({ grants: [admins, grant({ groups: ["artifact-workloads"], actions: ["delete"] })] }),
            [`the group artifact-workloads may delete on "**"${only}`],
        ],
        [
            "CI overwrites under a condition",
            breachesOf({
                grants: [
                    admins,
                    grant({
                        groups: ["artifact-workloads"],
                        actions: ["update"],
                        conditions: [{ expression: "req.tls.enabled" }],
                    }),
                ],
            }),
            [`the group artifact-workloads may update on "**"${only}`],
        ],
        [
            "a user deletes",
            breachesOf({ grants: [admins, grant({ users: ["zot-ci"], groups: ["admins"], actions: ["delete"] })] }),
            [`the group admins and the user zot-ci may delete on "**"${only}`],
        ],
        [
            "admins overwrite",
            breachesOf({ grants: [admins, grant({ groups: ["admins"], actions: ["update"] })] }),
            [`the group admins may update on "**"${only}`],
        ],
        [
            "admins overwrite, as set",
            breachesOf({ grants: [admins, grant({ groups: ["admins"], actions: ["update"] })] }, [], true),
            [],
        ],
        [
            "everywhere",
            breachesOf({}, [grant({ groups: ["developers"], actions: ["delete"] })]),
            [
                `the group developers may delete everywhere, by adminPolicy${only}`,
                `the group developers ${administrator}`,
            ],
        ],
        [
            "zot's administrator, by reading alone",
            breachesOf({}, [
                grant({
                    groups: ["admins", "developers"],
                    users: ["bob"],
                    conditions: [{ expression: "req.tls.enabled" }],
                }),
            ]),
            [`the group developers and the user bob ${administrator}`],
        ],
    ])("%s", (_title, found, expected) => {
        expect(found).toEqual(expected);
    });
});

describe("pushing into a cache", () => {
    const rule = (pattern: string, groups: string[], actions: Action[]): RepositoryRule => ({
        pattern,
        anonymous: ["read"],
        loggedIn: ["read"],
        grants: [{ users: [], groups, actions }],
    });
    const openings = (rules: RepositoryRule[], everywhere: Grant[] = []) =>
        pushableInCache({ rules, everywhere }, "docker.io/**", "admins");

    test.each<[title: string, found: string[], expected: string[]]>([
        ["by a rule for everything", openings([rule("**", ["ci"], ["create"])]), ['the rule for "**"']],
        [
            "not where the cache has its own rule",
            openings([rule("**", ["ci"], ["create"]), rule("docker.io/**", ["ci"], ["read"])]),
            [],
        ],
        [
            "by a longer rule inside it",
            openings([rule("docker.io/**", ["ci"], ["read"]), rule("docker.io/library/**", ["ci"], ["create"])]),
            ['the rule for "docker.io/library/**"'],
        ],
        [
            "by a longer rule that may reach it",
            openings([rule("docker.io/**", ["ci"], ["read"]), rule("**/library/alpine", ["team"], ["create"])]),
            ['the rule for "**/library/alpine"'],
        ],
        ["not by a rule beside it", openings([rule("docker.io-images/**", ["ci"], ["create"])]), []],
        ["not by admins", openings([rule("**", ["admins"], ["create"])]), []],
        [
            "by adminPolicy, over any rule",
            openings(
                [rule("docker.io/**", ["ci"], ["read"])],
                [{ users: ["zot-ci"], groups: [], actions: ["create"] }],
            ),
            ["adminPolicy"],
        ],
        [
            "by being logged in",
            openings([{ ...rule("docker.io/**", [], []), loggedIn: ["read", "create"] }]),
            ['the rule for "docker.io/**"'],
        ],
    ])("%s", (_title, found, expected) => {
        expect(found).toEqual(expected);
    });
});

test("patterns of one length are ambiguous only where they meet and differ", () => {
    const rule = (pattern: string, loggedIn: Action[] = ["read"]): RepositoryRule => ({
        pattern,
        anonymous: ["read"],
        loggedIn,
        grants: [],
    });
    const found = (...rules: RepositoryRule[]) => ambiguousPatterns({ rules, everywhere: [] });
    expect(found(rule("*/aa"), rule("aa/*", ["create"]))).toEqual([["*/aa", "aa/*"]]);
    expect(found(rule("*/aa"), rule("aa/*"))).toEqual([]);
    expect(found(rule("aa/*"), rule("bb/*", ["create"]))).toEqual([]);
    expect(found(rule("*/aaa"), rule("aa/*", ["create"]))).toEqual([]);
});
