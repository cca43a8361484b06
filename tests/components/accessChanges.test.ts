/** What a change of policy gives and takes. */
import fc from "fast-check";
import {
    type AccessChange,
    accessChanges,
    changeInWords,
    isWidening,
    policyChanges,
} from "../../components/accessChanges";
import {
    ACTIONS,
    type AccessMatrix,
    type AccessPolicy,
    type Action,
    ANONYMOUS,
    accessMatrix,
    evaluate,
    LOGGED_IN_ROW,
    ruleFor,
    type Who,
} from "../../components/accessPolicy";
import { limitExpression } from "../../components/conditions/limits";
import { matchesPattern, mayOverlap } from "../../components/settings/patterns";
import { REPOSITORIES } from "../support/repositories";
import { siteSettings } from "../support/settings";

const TLS = { expression: "req.tls.enabled" };
const TIERS = { workloadsGroup: "artifact-workloads", adminsGroup: "admins" };
const matrixOf = (access: Record<string, unknown> = {}, more: Record<string, Record<string, unknown>> = {}) =>
    siteSettings({ access, ...more }).matrix;
const words = (before: AccessMatrix, after: AccessMatrix) =>
    accessChanges(before, after).map((change) => changeInWords(change, TIERS));

describe("in words", () => {
    test("CI gains a namespace", () => {
        expect(
            words(matrixOf({ ciRepositories: ["team/**"] }), matrixOf({ ciRepositories: ["team/**", "tools/**"] })),
        ).toEqual(["CI (group `artifact-workloads`) gains create on `tools/**`"]);
    });

    test("a rule of its own is compared with the one that applied before", () => {
        expect(words(matrixOf(), matrixOf({ rules: { "base/**": { ci: ["read"] } } }))).toEqual([
            "CI (group `artifact-workloads`) loses create on `base/**`",
        ]);
        expect(words(matrixOf(), matrixOf({ rules: { "base/**": {} } }))).toEqual([]);
    });

    test("what is not part of a change is said", () => {
        const mirrors = { zot: { mirrors: [{ url: "https://ghcr.io", prefix: "ghcr.io" }] } };
        expect(
            words(matrixOf({ ciRepositories: ["team/**"] }, mirrors), matrixOf({ ciRepositories: ["**"] }, mirrors)),
        ).toEqual([
            // CI has team/** already: nothing to say of it.
            "CI (group `artifact-workloads`) gains create on `**`, except `ghcr.io/**`",
        ]);
    });

    test("widening comes first", () => {
        const found = accessChanges(
            matrixOf({ ciRepositories: ["team/**"] }),
            matrixOf({ ciRepositories: ["tools/**"], adminsMayUpdate: true }),
        );
        expect(found.map((change) => `${isWidening(change) ? "+" : "-"} ${changeInWords(change, TIERS)}`)).toEqual([
            "+ CI (group `artifact-workloads`) gains create on `tools/**`",
            "+ admins (group `admins`) gain update on `**`",
            "- CI (group `artifact-workloads`) loses create on `team/**`",
        ]);
    });

    test("another group in a tier is one that loses and one that gains", () => {
        expect(words(matrixOf(), matrixOf({}, { identity: { workloadsGroup: "builders" } }))).toEqual([
            "the group `builders` gains create on `**`",
            "CI (group `artifact-workloads`) loses create on `**`",
        ]);
    });

    test("what anyone gains is said once", () => {
        const before: AccessMatrix = {
            "**": {
                anonymous: ["read"],
                [LOGGED_IN_ROW]: ["read"],
                "group a": ["read"],
                "group b": ["read", "create"],
            },
        };
        const after: AccessMatrix = {
            "**": {
                anonymous: ["read", "delete"],
                [LOGGED_IN_ROW]: ["read", "create"],
                "group a": ["read", "create", "update"],
                "group b": ["read", "create"],
            },
        };
        expect(words(before, after)).toEqual([
            "anyone without a login gains delete on `**`",
            "anyone who is logged in gains create on `**`",
            "the group `a` gains update on `**`",
        ]);
    });

    test("repositories of two patterns", () => {
        const rights = (anonymous: Action[]) => ({ anonymous, [LOGGED_IN_ROW]: [] });
        const before = { "**": rights(["read", "create"]), "team/**": rights(["read"]) };
        expect(words(before, { ...before, "te?m/app/x": rights(["read", "create"]) })).toEqual([
            "anyone without a login gains create on `te?m/app/x` where it is also `team/**`",
        ]);
    });

    test("a group's name cannot write Markdown", () => {
        const change: AccessChange = {
            who: "group a`b\nc",
            kind: "gains",
            actions: ["read"],
            repositories: [["**"]],
            except: [],
        };
        expect(changeInWords(change)).toBe("the group `a'b'c` gains read on `**`");
    });

    test("a condition that goes", () => {
        const policy = (conditional: boolean): AccessPolicy => ({
            rules: [
                {
                    pattern: "**",
                    anonymous: [],
                    loggedIn: [],
                    grants: [
                        { users: [], groups: ["a"], actions: ["read"], ...(conditional ? { conditions: [TLS] } : {}) },
                    ],
                },
            ],
            everywhere: [],
        });
        const said = (before: boolean, after: boolean) =>
            policyChanges(policy(before), policy(after)).map((change) => changeInWords(change));
        expect(said(true, false)).toEqual([
            "the group `a` gains read on `**`, which depended on a condition of the request before",
        ]);
        expect(said(false, true)).toEqual([
            "the group `a` loses read on `**`, which depends on a condition of the request from now on",
        ]);
        expect(said(true, true)).toEqual([]);
    });
});

// --- whatever the policies

const somePattern = fc.constantFrom(
    "**",
    "team/**",
    "team",
    "team/base/**",
    "team*/**",
    "team/*",
    "*/app",
    "app/*",
    "**/app",
    "te?m/app",
    "base",
);
const someActions = fc.subarray([...ACTIONS]);
const someLimit = fc
    .record({
        repositories: fc.subarray(["**/app", "team/base/**", "team/**", "app"]),
        tags: fc.subarray(["vX.Y.Z", "<7 hex>"]),
    })
    .map((limit) => ({ expression: limitExpression(limit) }));
const someConditions = fc.option(
    fc.oneof({ weight: 1, arbitrary: fc.constant(TLS) }, { weight: 4, arbitrary: someLimit }),
    {
        nil: undefined,
    },
);
const someGrant = fc
    .tuple(
        fc.record({
            users: fc.subarray(["zot-ci"]),
            groups: fc.subarray(["admins", "artifact-workloads", "developers"]),
            actions: someActions,
        }),
        someConditions,
    )
    .map(([grant, condition]) => (condition ? { ...grant, conditions: [condition] } : grant));
const someRule = fc.record({
    anonymous: someActions,
    loggedIn: someActions,
    grants: fc.array(someGrant, { maxLength: 3 }),
});
const somePolicy: fc.Arbitrary<AccessPolicy> = fc
    .tuple(fc.uniqueArray(somePattern, { maxLength: 4 }), fc.infiniteStream(someRule))
    .map(([patterns, rules]) => ({
        rules: patterns.map((pattern) => ({ pattern, ...rules.next().value! })),
        everywhere: [],
    }));

const repositories = [...REPOSITORIES, "base", "base/app", "a"];
const asked = ACTIONS.flatMap((action) =>
    ["v1.2.3", "0f3c9a1", "latest", ""].map((tag): [Action, string] => [action, tag]),
);
const people: [string, Who][] = [
    ["anonymous", ANONYMOUS],
    [LOGGED_IN_ROW, { kind: "user", name: "", groups: [] }],
    ...["admins", "artifact-workloads", "developers"].map((group): [string, Who] => [
        `group ${group}`,
        { kind: "user", name: "", groups: [group] },
    ]),
    ["user zot-ci", { kind: "user", name: "zot-ci", groups: [] }],
];
/** zot takes either of two patterns of one length; such policies are refused elsewhere. */
const isCertain = (policy: AccessPolicy, repository: string) => {
    const length = ruleFor(policy, repository)?.pattern.length;
    return policy.rules.every(
        (rule) =>
            rule.pattern.length !== length ||
            rule.pattern === ruleFor(policy, repository)?.pattern ||
            !ruleFor({ rules: [rule], everywhere: [] }, repository),
    );
};
const matchesName = (name: string[], repository: string) =>
    name.every((pattern) =>
        ruleFor({ rules: [{ pattern, anonymous: [], loggedIn: [], grants: [] }], everywhere: [] }, repository),
    );
const tells = (change: AccessChange, repository: string) =>
    change.repositories.some((name) => matchesName(name, repository));

test("the same policy: nothing changes", () => {
    fc.assert(fc.property(somePolicy, (policy) => expect(policyChanges(policy, structuredClone(policy))).toEqual([])));
});

test("the way back is the reverse", () => {
    const plain = (changes: AccessChange[], turned: boolean) =>
        changes
            .map(({ who, kind, actions, repositories: where }) =>
                JSON.stringify([who, (kind === "gains") !== turned, actions, where]),
            )
            .sort();
    fc.assert(
        fc.property(somePolicy, somePolicy, (one, other) => {
            expect(plain(policyChanges(other, one), true)).toEqual(plain(policyChanges(one, other), false));
        }),
    );
});

test("every right gained or lost is told, by the person or as one that anyone has", () => {
    fc.assert(
        fc.property(somePolicy, somePolicy, (before, after) => {
            const changes = accessChanges(accessMatrix(before), accessMatrix(after));
            for (const repository of repositories.filter((name) => isCertain(before, name) && isCertain(after, name))) {
                for (const [row, who] of people) {
                    for (const [action, reference] of asked) {
                        const [had, has] = [before, after].map((policy) =>
                            evaluate(policy, who, action, repository, reference),
                        );
                        if (had === has) continue;
                        const kind = has ? "gains" : "loses";
                        const told = changes.filter(
                            (change) =>
                                change.kind === kind &&
                                change.actions.some((right) => right.split(" ")[0] === action) &&
                                tells(change, repository) &&
                                (change.who === row || (row !== "anonymous" && change.who === LOGGED_IN_ROW)),
                        );
                        if (told.length === 0)
                            throw new Error(
                                `${row} ${kind} ${action} on ${repository}, and it is not told: ` +
                                    `${JSON.stringify(changes)}`,
                            );
                    }
                }
            }
        }),
        { numRuns: 300 },
    );
});

test("nothing is told of what nobody gains or loses anywhere", () => {
    fc.assert(
        fc.property(somePolicy, somePolicy, (before, after) => {
            const rights = (policy: AccessPolicy, row: string) =>
                new Set(
                    Object.values(accessMatrix(policy)).flatMap((rights) => rights[row] ?? rights[LOGGED_IN_ROW] ?? []),
                );
            for (const change of accessChanges(accessMatrix(before), accessMatrix(after))) {
                const holder = change.kind === "gains" ? after : before;
                const named = change.actions.map((right) => right.replace(/ of tags that are not like .*/, ""));
                expect([...rights(holder, change.who)]).toEqual(expect.arrayContaining(named));
            }
        }),
    );
});

/** A further identity that may push to some repositories and move tags in some of them. */
const identityOf = (repositories: string[], channels: string[]) =>
    siteSettings({ ci: { workloads: { web: { user: "zot-web", group: "web", repositories, channels } } } }).policy;

test.each<[what: string, before: string[], added: string, channel: string, told: string[]]>([
    ["a pattern within another one", ["team/*"], "team/c*", "**/cache", []],
    ["one that meets another one just in a channel", ["*/cache", "team/app"], "*/cache", "team/cache/**", []],
    [
        "one that brings a part of a channel",
        ["team/**"],
        "*/app/**",
        "**/cache",
        [
            "the group `web` gains create on `*/app/**`",
            "the group `web` gains update on `**/cache` where it is also `*/app/**`",
        ],
    ],
    [
        "one of whose channel another pattern has all",
        ["*/cache", "lib/**"],
        "team/*",
        "**/cache",
        ["the group `web` gains create on `team/*`"],
    ],
])("what an identity's patterns give together: %s", (_what, before, added, channel, told) => {
    const changes = policyChanges(identityOf(before, [channel]), identityOf([...before, added], [channel]));
    expect(changes.map((change) => changeInWords(change))).toEqual(told);
});

test("nothing is told of a further identity that it does not gain, and all that it gains", () => {
    const patterns = ["team/**", "*/app/**", "**/app", "team/*", "*/cache", "team/c*"];
    const parts = ["team", "app", "cache", "c1"];
    const names = parts.flatMap((one) => [
        one,
        ...parts.flatMap((two) => [`${one}/${two}`, `${one}/${two}/cache`, `${one}/${two}/app`]),
    ]);
    const web: Who = { kind: "user", name: "zot-web", groups: ["web"] };
    const some = fc.uniqueArray(fc.constantFrom(...patterns), { minLength: 1, maxLength: 3 });
    const channel = fc.constantFrom("**/cache", "team/cache/**", "*/cache/**");
    fc.assert(
        fc.property(some, fc.constantFrom(...patterns), channel, (before, added, one) => {
            fc.pre(before.some((own) => mayOverlap(own, one)));
            // Not all of what it may push to is a channel.
            const own = ["lib/**", ...before];
            const [from, to] = [identityOf(own, [one]), identityOf([...own, added], [one])];
            const changes = policyChanges(from, to);
            const gained = (action: Action) =>
                names.filter(
                    (name) => !evaluate(from, web, action, name, "main") && evaluate(to, web, action, name, "main"),
                );
            for (const action of ["create", "update"] as const) {
                const places = changes.filter(({ actions }) => actions.includes(action)).flatMap(placesOfChange);
                const isIn = (place: string[], name: string) => place.every((part) => matchesPattern(part, name));
                for (const name of gained(action)) expect(places.some((place) => isIn(place, name))).toBe(true);
                for (const place of places) expect(gained(action).some((name) => isIn(place, name))).toBe(true);
            }
        }),
        { numRuns: 40 },
    );
});

const placesOfChange = ({ repositories }: AccessChange): string[][] => repositories;
