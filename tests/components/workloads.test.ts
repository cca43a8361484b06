/** Several identities of CI: each has the rights that were declared for it, whoever else is declared beside it. */
import fc from "fast-check";
import { accessChanges, policyChanges } from "../../components/accessChanges";
import {
    ACTIONS,
    ANONYMOUS,
    accessMatrix,
    actionOf,
    evaluate,
    patternsOfKey,
    ruleFor,
    type Who,
} from "../../components/accessPolicy";
import { accessWarnings } from "../../components/accessWarnings";
import type { DeclaredState } from "../../components/declaredState";
import { SettingsError, type Workload, workloadsOf } from "../../components/settings";
import { rightsMessage } from "../../components/shownRights";
import { policyOf } from "../../components/zotConfig";
import { matches } from "../../testbed/zot/globs";
import { someAccess, someMirrors, someWorkloads } from "../support/randomSettings";
import { siteSettings } from "../support/settings";

type Changes = Record<string, Record<string, unknown>>;

const REPOSITORIES = [
    ...["team", "team/app", "team/base", "team/base/x", "teams/app", "app", "app/app", "app/x", "x/app", "a"],
    ...["docker.io/app", "docker.io/library/app", "docker.io-images/app", "ghcr.io/a", "x/y/app"],
];
const REFERENCES = ["v1.2.3", "v1.2.3-0f3c9a1", "20260131.4", "latest", `sha256:${"0f".repeat(32)}`, ""];

const member = (group: string, name = "somebody"): Who => ({ kind: "user", name, groups: [group] });

function acceptedOf(changes: Changes): DeclaredState | undefined {
    try {
        return siteSettings(changes);
    } catch (error) {
        if (!(error instanceof SettingsError)) throw error;
        return undefined;
    }
}

/** Every answer to one who asks, as one text. */
const rightsOf = ({ policy }: DeclaredState, who: Who): string =>
    REPOSITORIES.flatMap((repository) =>
        ACTIONS.flatMap((action) =>
            REFERENCES.filter((reference) => evaluate(policy, who, action, repository, reference)).map((reference) =>
                [repository, action, reference].join(" "),
            ),
        ),
    ).join("\n");

const someSite = fc.record({
    access: someAccess,
    ci: fc.record({ workloads: someWorkloads }),
    zot: fc.record({ mirrors: someMirrors }),
});

/** Runs a property on settings that are accepted and have further identities. */
function forSites(numRuns: number, check: (changes: Changes, state: DeclaredState) => void): void {
    let accepted = 0;
    fc.assert(
        fc.property(someSite, (changes) => {
            const state = acceptedOf(changes as Changes);
            // Drawn again until there are enough: by chance alone there were too few of them now and then.
            fc.pre(state !== undefined && workloadsOf(state.settings).length > 1);
            accepted++;
            check(changes as Changes, state!);
        }),
        { numRuns: numRuns / 5 },
    );
    expect(accepted).toBeGreaterThan(numRuns / 15);
}

test("further identities take and give nobody else a right: readers, the first one, admins, groups of the site's", () => {
    forSites(200, (changes, state) => {
        const alone = siteSettings({ ...changes, ci: { workloads: {} } });
        const everybody = [
            ANONYMOUS,
            ...["", "artifact-workloads", "admins", "developers", "testers"].map((group) => member(group)),
        ];
        for (const who of everybody) expect([who, rightsOf(state, who)]).toEqual([who, rightsOf(alone, who)]);
    });
});

/** The forms that random settings have, by hand. */
const FORMS: Record<string, string> = {
    "vX.Y.Z": "^v\\d+\\.\\d+\\.\\d+$",
    "vX.Y.Z-<7 hex>": "^v\\d+\\.\\d+\\.\\d+-[0-9a-f]{7}$",
    "<date>.X": "^\\d{8}\\.\\d+$",
};

/** What an entry says of a request, reckoned beside the code; undefined where a site's rule leaves it to chance. */
function declaredFor(
    { access, zot }: DeclaredState["settings"],
    { repositories, channels, tagScheme }: Workload,
    { pattern, repository, reference }: { pattern: string; repository: string; reference: string },
): string[] | undefined {
    const isAmong = (patterns: readonly string[]) => patterns.some((one) => matches(one, repository));
    const caches = access.ciMayPushToMirrors ? [] : zot.mirrors.map(({ prefix }) => `${prefix}/**`);
    const own = Object.hasOwn(access.rules, pattern) ? access.rules[pattern] : undefined;
    // A rule of the site's that may decide for a cache is closed as a whole.
    if (own && caches.some((cache) => pattern.length >= cache.length)) return undefined;
    // What is closed to CI by a rule of the site's, or as a cache.
    const isClosed = caches.includes(pattern) || own?.ci?.includes("create") === false;
    if (isClosed || !isAmong(repositories)) return ["read"];
    if (isAmong(channels)) return ["read", "create", "update"];
    const isTag = reference !== "" && !reference.includes(":");
    const isFree = !isTag || tagScheme.length === 0;
    const isOfScheme = isFree || tagScheme.some((form) => new RegExp(FORMS[form]!).test(reference));
    return isOfScheme ? ["read", "create"] : ["read"];
}

test("an identity has exactly what its entry says, whatever overlaps: by a reckoning beside the code", () => {
    forSites(200, (_changes, { settings, policy }) => {
        const cases = workloadsOf(settings)
            .slice(1)
            .flatMap((workload) => REPOSITORIES.map((repository) => ({ workload, repository })))
            .flatMap((one) => REFERENCES.map((reference) => ({ ...one, reference })));
        for (const { workload, repository, reference } of cases) {
            const { pattern } = ruleFor(policy, repository)!;
            const declared = declaredFor(settings, workload, { pattern, repository, reference });
            if (!declared) continue;
            const who = member(workload.group);
            const may = ACTIONS.filter((action) => evaluate(policy, who, action, repository, reference));
            expect([workload, repository, reference, ...may]).toEqual([workload, repository, reference, ...declared]);
        }
    });
});

test("the matrix says of every identity in every repository what evaluate() does, where several keys meet too", () => {
    forSites(150, (_changes, { settings, policy }) => {
        const matrix = accessMatrix(policy);
        for (const { group } of workloadsOf(settings))
            for (const repository of REPOSITORIES) {
                const { pattern } = ruleFor(policy, repository)!;
                const keys = Object.keys(matrix).filter((key) => {
                    const [rule, ...parts] = patternsOfKey(key);
                    return rule === pattern && parts.every((part) => matches(part, repository));
                });
                const said = ACTIONS.filter((action) =>
                    keys.some((key) => matrix[key]![`group ${group}`]!.some((right) => actionOf(right) === action)),
                );
                const may = ACTIONS.filter((action) => evaluate(policy, member(group), action, repository));
                expect([group, repository, ...said]).toEqual([group, repository, ...may]);
            }
    });
});

test("the config that is rendered means the policy that was declared", () => {
    forSites(60, (_changes, state) => {
        expect(policyOf(JSON.parse(JSON.stringify(state.zotConfig())))).toEqual(state.policy);
    });
});

test("a change of one entry is told of its group alone, and none where nothing changes", () => {
    forSites(150, (changes, state) => {
        expect(policyChanges(state.policy, state.policy)).toEqual([]);
        const workloads = (changes.ci as { workloads: Record<string, object> }).workloads;
        const [name, ...others] = Object.keys(workloads);
        const less = siteSettings({
            ...changes,
            ci: { workloads: Object.fromEntries(others.map((other) => [other, workloads[other]])) },
        });
        const { group } = workloads[name!] as { group: string };
        const told = accessChanges(accessMatrix(less.policy), accessMatrix(state.policy));
        expect(told.filter(({ who }) => who !== `group ${group}`)).toEqual([]);
        const gains = rightsOf(state, member(group)) !== rightsOf(less, member(group));
        if (gains) expect(told.some(({ kind }) => kind === "gains")).toBe(true);
    });
});

const CHARTS = { user: "zot-charts", group: "charts-ci", repositories: ["charts/**"] };
const policyWith = (workloads: object, more: Changes = {}) => siteSettings({ ...more, ci: { workloads } }).policy;

test("without further identities the config is byte for byte what it was", () => {
    const text = (changes: Changes) => JSON.stringify(siteSettings(changes).zotConfig());
    expect(text({ ci: { workloads: {} } })).toBe(text({}));
});

test("an identity's rule says its repositories, and a refusal why", () => {
    const { policies } = (
        siteSettings({
            access: { explainRefusals: true, ciRepositories: ["images/**"] },
            ci: { workloads: { charts: { ...CHARTS, channels: ["**/cache"], tagScheme: ["X.Y.Z"] } } },
        }).zotConfig() as any
    ).http.accessControl.repositories["**"];
    expect(policies.filter(({ groups }: any) => groups.includes("charts-ci"))).toMatchSnapshot();
});

test("a preview says what an identity gains and loses, in words", () => {
    const before = policyWith({});
    const after = policyWith({ charts: { ...CHARTS, channels: ["**/cache"] } });
    const tiers = { workloadsGroup: "artifact-workloads", adminsGroup: "admins", workloads: { "charts-ci": "charts" } };
    expect(rightsMessage(policyChanges(before, after), tiers)).toBe(
        [
            "Rights on the registry widen:",
            "  WIDER     CI identity charts (group `charts-ci`) gains create on `charts/**`",
            "  WIDER     CI identity charts (group `charts-ci`) gains update on `**/cache` where it is also `charts/**`",
        ].join("\n"),
    );
});

test("a preview warns of channels that are another identity's versions", () => {
    const warningsOf = (workloads: object, access: object = { ciRepositories: ["images/**"] }) =>
        accessWarnings(siteSettings({ access: access as Record<string, unknown>, ci: { workloads } }).settings);
    expect(warningsOf({ charts: CHARTS })).toEqual([]);
    const moving = { ...CHARTS, channels: ["charts/cache/**"] };
    expect(warningsOf({ charts: moving })).toEqual([
        expect.stringMatching(
            /^ci\.workloads\.charts\.channels: in the repositories of "charts\/cache\/\*\*" charts may move tags/,
        ),
    ]);
    expect(warningsOf({ charts: moving }, { ciRepositories: ["**"] })[1]).toMatch(
        /may match repositories to which ci may push but not move tags/,
    );
    const same = { user: "b", group: "b", repositories: ["charts/**"], channels: moving.channels };
    expect(warningsOf({ charts: moving, b: same })).toEqual([
        expect.stringMatching(
            /^ci\.workloads\.charts\.channels, ci\.workloads\.b\.channels: .* charts, b may move tags/,
        ),
    ]);
});

describe("refused, all at once:", () => {
    const mistakesOf = (workloads: unknown, changes: Changes = {}) => {
        try {
            siteSettings({ ...changes, ci: { ...changes.ci, workloads } });
            return [];
        } catch (error) {
            return (error as SettingsError).mistakes.map(({ message }) => message);
        }
    };

    test("names that another identity, or the admins, have", () => {
        const found = mistakesOf({
            a: { user: "zot-ci", group: "admins", repositories: ["a/**"] },
            b: { user: "zot-b", group: "artifact-workloads", repositories: ["b/**"] },
            c: { user: "ZOT-B", group: "c", repositories: ["c/**"] },
        });
        expect(found).toEqual([
            expect.stringMatching(/^ci\.workloads\.a\.user: "zot-ci" is also the account of the first identity of CI/),
            expect.stringMatching(/^ci\.workloads\.a\.group: "admins" is the group of the admins, so CI could delete/),
            expect.stringMatching(
                /^ci\.workloads\.b\.group: "artifact-workloads" is also the group of the first identity/,
            ),
            expect.stringMatching(/^ci\.workloads\.c\.user: "ZOT-B" is also the account of ci\.workloads\.b;/),
        ]);
    });

    test("what is no entry: names, keys, patterns, forms", () => {
        const found = mistakesOf({
            ci: CHARTS,
            Charts: CHARTS,
            charts: { ...CHARTS, repository: "x", repositories: ["Charts/**"], tagScheme: ["-X"], keyLifetime: "soon" },
            x: { user: "x y" },
        });
        for (const part of [
            '"ci" is not allowed because it is the name of the identity that identity.ciUser',
            '"Charts" is not allowed because it is not small letters, digits and dashes',
            'ci.workloads.charts: the name "repository" is not allowed',
            'ci.workloads.charts.repositories[0]: "Charts/**" is not allowed because it has capitals',
            'ci.workloads.charts.tagScheme[0]: "-X" is not allowed because it begins with',
            'ci.workloads.charts.keyLifetime: "soon" is not allowed',
            'ci.workloads.x.user: "x y" is not allowed',
            "ci.workloads.x.group is missing",
            "ci.workloads.x.repositories is missing",
        ])
            expect(found.filter((message) => message.includes(part))).toHaveLength(1);
        expect(found).toHaveLength(9);
    });

    test("each place says what is right there, and not what an entry is", () => {
        expect(
            mistakesOf({
                "of-web": { user: "x y", group: "", repositories: [], secrets: { store: "x" }, keyGeneration: -1 },
            }),
        ).toEqual([
            'ci.workloads.of-web.user: "x y" is not allowed because it has " "; ' +
                "give a user name of letters, digits, '.', '-', '_' and '@'.",
            'ci.workloads.of-web.group: "" is not allowed because it is empty; ' +
                "give the name of a group, without spaces at its ends.",
            expect.stringMatching(/^ci\.workloads\.of-web\.repositories: \[\] .* because it is empty; give a list of/),
            "ci.workloads.of-web.keyGeneration: -1 is not allowed; give a whole number from 0.",
            'ci.workloads.of-web.secrets.store: "x" is not allowed; ' +
                'give one of "forgejo", "gitea", "github", "dotenv", "json".',
        ]);
    });

    test("who administers Authentik, of any identity", () => {
        const found = mistakesOf(
            { a: { user: "AKadmin", group: "authentik Admins", repositories: ["a/**"] } },
            { identity: { ciUser: "akadmin", workloadsGroup: "Authentik admins" } },
        );
        for (const setting of ["identity.ciUser", "ci.workloads.a.user"])
            expect(found).toContainEqual(
                expect.stringMatching(new RegExp(`^${setting}: "(ak|AK)admin" administers Authentik, and CI would`)),
            );
        for (const setting of ["identity.workloadsGroup", "ci.workloads.a.group"])
            expect(found).toContainEqual(
                expect.stringMatching(new RegExp(`^${setting}: .* is the group of Authentik's administrators`)),
            );
    });

    test.each<[channels: string[], refused: boolean]>([
        [["images/**"], true],
        [["images/*", "images/*/**"], true],
        [["images/*"], false],
        [["images/*/**/cache", "images/cache"], false],
    ])("channels that are together all of an identity's repositories: %j", (channels, refused) => {
        const found = mistakesOf({ a: { user: "a", group: "a", repositories: ["images/**"], channels } });
        expect(found).toEqual(refused ? [expect.stringMatching(/^ci\.workloads\.a\.channels: they cover all/)] : []);
    });

    test("repositories and channels that would have no effect", () => {
        const mirrors = [{ url: "https://docker.io", prefix: "docker.io" }];
        const found = mistakesOf(
            {
                a: { ...CHARTS, repositories: ["docker.io/library/**", "a/**"], channels: ["b/**"] },
                b: { user: "b", group: "b", repositories: ["b/**"], channels: ["**/b/**", "b/**"] },
            },
            { zot: { mirrors } },
        );
        expect(found).toEqual([
            expect.stringMatching(
                /^ci\.workloads\.a\.repositories\[0\]: .* is in the pull-through cache under "docker\.io"/,
            ),
            expect.stringMatching(
                /^ci\.workloads\.a\.channels\[0\]: "b\/\*\*" is outside of the repositories to which this identity/,
            ),
            expect.stringMatching(/^ci\.workloads\.b\.channels: they cover all repositories/),
        ]);
    });

    test("keys that would take the place of another one's", () => {
        const ciSecrets = { store: "forgejo", apiUrl: "https://forge.example.org", owner: "ops", repository: "app" };
        const found = mistakesOf(
            {
                same: { ...CHARTS, secrets: {} },
                elsewhere: { user: "b", group: "b", repositories: ["b/**"], secrets: { repository: "charts" } },
                named: {
                    ...{ user: "c", group: "c", repositories: ["c/**"] },
                    secrets: { names: { ciApiKey: "ZOT_C_API_KEY", registryHost: "ZOT_REGISTRY" } },
                },
                wrong: { user: "d", group: "d", repositories: ["d/**"], secrets: { names: { key: "CI" } } },
            },
            { ciSecrets },
        );
        expect(found).toEqual([
            expect.stringMatching(/^ci\.workloads\.same\.secrets: its values would overwrite those of the first/),
            expect.stringMatching(/^ci\.workloads\.wrong\.secrets\.names: "key" is not an output/),
        ]);
        expect(mistakesOf({ a: { ...CHARTS, secrets: {} } })).toEqual([
            expect.stringMatching(/^ci\.workloads\.a\.secrets: there is no store/),
        ]);
    });

    test("a key that ends before it has a successor, by its own times and by those it inherits", () => {
        const b = { user: "b", group: "b", repositories: ["b/**"] };
        const workloads = { a: { ...CHARTS, keyLifetime: "30d" }, b: { ...b, keyLifetime: "0h" } };
        expect(mistakesOf(workloads, { ci: { keyRotateAfter: "60d" } })).toEqual([
            expect.stringMatching(
                /^ci\.workloads\.a\.keyRotateAfter: a key that lives for 30d \(ci\.workloads\.a\.keyLifetime\) has ended by 60d/,
            ),
            expect.stringMatching(/^ci\.workloads\.b\.keyLifetime: a key that lives for 0h is of no use/),
        ]);
        expect(mistakesOf({ a: { ...CHARTS, keyLifetime: "120d" }, b }, { ci: { keyRotateAfter: "60d" } })).toEqual([]);
    });

    test("an identity of a name that no object can have: it would be left out without a word", () => {
        expect(mistakesOf(JSON.parse(`{"__proto__": ${JSON.stringify(CHARTS)}}`))).toEqual([
            "ci.workloads.__proto__ cannot be read; give it another name.",
        ]);
    });

    test("rights by a rule of the site's, and login flows of one name", () => {
        const access = { rules: { "x/**": { groups: { "charts-ci": ["read", "create"] } } } };
        const workloads = {
            a: CHARTS,
            b: { ...CHARTS, user: "zot_charts.x", group: "b" },
            c: { ...CHARTS, user: "zot_charts@x", group: "c" },
        };
        expect(mistakesOf(workloads, { access, identity: { ciLoginFlow: "dedicated" } })).toEqual([
            expect.stringMatching(/^ci\.workloads\.c\.user: the login flow of "zot_charts@x" would have the same name/),
            expect.stringMatching(
                /^access\.rules\["x\/\*\*"\]: the group "charts-ci" belongs to ci\.workloads\.a; use/,
            ),
        ]);
    });
});
