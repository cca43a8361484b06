/** Channels, a scheme of tags, and refusals that say why: what is rendered of them, and that it is what is declared. */
import fc from "fast-check";
import { accessChanges, changeInWords } from "../../components/accessChanges";
import { ACTIONS, type Action, accessMatrix, evaluate, type Who } from "../../components/accessPolicy";
import { accessWarnings } from "../../components/accessWarnings";
import { covers } from "../../components/settings/patterns";
import { hasTagForm } from "../../components/settings/tagForms";
import { repositoriesOf } from "../../components/zotConfig/accessControl";
import { matches } from "../../testbed/zot/globs";
import { ruleByHand } from "../support/extraConfig";
import { someAccess, someMirrors } from "../support/randomSettings";
import { refusals } from "../support/refusals";
import { siteSettings } from "../support/settings";

const CI: Who = { kind: "user", name: "zot-ci", groups: ["artifact-workloads"] };
const ADMIN: Who = { kind: "user", name: "boss", groups: ["admins"] };
const mirrors = [{ url: "https://registry-1.docker.io", prefix: "docker.io" }];
const policiesOf = (access: Record<string, unknown>, pattern = "**", zot: Record<string, unknown> = {}) =>
    (repositoriesOf(siteSettings({ access, zot }).policy)[pattern] as { policies: unknown }).policies;

describe("what is rendered", () => {
    test("without any of these settings: what it was before there were any", () => {
        expect(policiesOf({})).toEqual([
            { groups: ["artifact-workloads"], actions: ["read", "create"] },
            { groups: ["admins"], actions: ["read", "create", "delete"] },
        ]);
    });

    test("channels are said under every rule by which CI may push, and under no other", () => {
        const access = { channels: ["**/cache", "channels/**"], rules: { "team/**": {}, "channels/**": {}, base: {} } };
        const { policy } = siteSettings({ access, zot: { mirrors } });
        const updates = policy.rules.map(({ pattern, grants }) => [
            pattern,
            grants
                .filter(({ actions }) => actions.includes("update"))
                .map(({ conditions = [] }) => conditions.map(({ expression }) => expression)),
        ]);
        const cache = 'req.repository.matches("^(?:[^/]+/)*cache$")';
        expect(Object.fromEntries(updates as [string, unknown][])).toEqual({
            "**": [[`${cache} || req.repository.matches("^channels(?:/.*)?$")`]],
            "docker.io/**": [],
            "team/**": [[cache]],
            // All of it is one.
            "channels/**": [[]],
            base: [],
        });
    });

    test("a scheme is a condition on create alone, which lets blobs, digests and channels pass", () => {
        expect(policiesOf({ tagScheme: ["vX.Y.Z-<7 hex>"], channels: ["**/cache"] })).toEqual([
            { groups: ["artifact-workloads"], actions: ["read"] },
            {
                groups: ["artifact-workloads"],
                actions: ["create"],
                conditions: [
                    {
                        expression:
                            'req.referenceType != "tag" || ' +
                            'req.tag.matches("^(?:v[0-9]+[.][0-9]+[.][0-9]+-[0-9a-f]{7})$") || ' +
                            'req.repository.matches("^(?:[^/]+/)*cache$")',
                        message:
                            "a new tag has to look like v1.4.2-f3c9a11: push such a tag; " +
                            "any tag may be pushed to repositories like **/cache",
                    },
                ],
            },
            {
                groups: ["artifact-workloads"],
                actions: ["update"],
                conditions: [
                    {
                        expression: 'req.repository.matches("^(?:[^/]+/)*cache$")',
                        message:
                            "this tag exists, and tags here cannot be changed: push another tag; " +
                            "tags can be moved in repositories like **/cache",
                    },
                ],
            },
            { groups: ["admins"], actions: ["read", "create", "delete"] },
        ]);
    });

    test("refusals that say why", () => {
        const access = {
            explainRefusals: true,
            ciRepositories: ["images/**"],
            rules: { "team/**": { groups: { developers: ["read", "create"] } } },
        };
        const reasons = (pattern: string) =>
            (policiesOf(access, pattern, { mirrors }) as { groups: string[]; actions: string[]; conditions?: any[] }[])
                .filter(({ conditions }) => conditions?.every(({ expression }) => expression === "false"))
                .map(({ groups, actions, conditions }) => `${groups} ${actions}: ${conditions![0].message}`);
        const delete_ =
            "artifact-workloads delete: CI may not delete: ask an admin of the registry, or push another tag";
        const admins =
            "admins update: this tag exists, and tags cannot be changed: push another tag, or delete this one first";
        const elsewhere =
            "artifact-workloads create,update: this group may not push to this repository: push to repositories like images/**";
        expect(reasons("images/**")).toEqual([
            "artifact-workloads update: this tag exists, and tags here cannot be changed: push another tag",
            delete_,
            admins,
        ]);
        expect(reasons("**")).toEqual([elsewhere, delete_, admins]);
        expect(reasons("docker.io/**")).toEqual([
            "artifact-workloads create,update: this repository is a copy of https://registry-1.docker.io, " +
                "which nobody pushes to: push to a repository of your own",
            delete_,
            admins,
        ]);
        expect(reasons("team/**")).toEqual([
            elsewhere,
            delete_,
            admins,
            "developers update: this tag exists, and tags here cannot be changed: push another tag",
            "developers delete: only the registry's admins may delete: ask one of them",
        ]);
    });
});

/** The declared rights of CI in a repository, worked out from the settings' words alone. */
function declared(settings: ReturnType<typeof siteSettings>["settings"], repository: string) {
    const { access, zot } = settings;
    const caches = access.ciMayPushToMirrors ? [] : zot.mirrors.map(({ prefix }) => `${prefix}/**`);
    const all = ["**", ...access.ciRepositories, ...caches, ...Object.keys(access.rules)];
    const longest = Math.max(...all.filter((one) => matches(one, repository)).map((one) => one.length));
    const pattern = all.find((one) => one.length === longest && matches(one, repository))!;
    const own = access.rules[pattern];
    const isOwn = access.ciRepositories.some((one) => covers(one, pattern));
    const isCache = caches.some((cache) => cache === pattern || covers(cache, pattern));
    return {
        isUnclear: own !== undefined && own.ci === undefined && !isCache && caches.length > 0,
        mayPush: own?.ci ? own.ci.includes("create") : isOwn && !isCache,
        isChannel: access.channels.some((channel) => matches(channel, repository)),
        movable: Object.entries(access.movableTags).flatMap(([one, forms]) => (matches(one, repository) ? forms : [])),
    };
}

test("CI's rights are those that are declared: moved tags where and as declared alone, new tags by the scheme, no deletion", () => {
    const repositories = ["team", "team/app", "team/base/x", "teams/app", "app", "app/x", "x/y/app", "docker.io/app"];
    const references = ["v1.4.2", "v1.4.2-0f3c9a1", "latest", "0".repeat(64), `sha256:${"0f".repeat(32)}`, ""];
    let [accepted, moved, kept] = [0, 0, 0];
    fc.assert(
        fc.property(someAccess, someMirrors, (access, zotMirrors) => {
            let site: ReturnType<typeof siteSettings>;
            try {
                site = siteSettings({ access: access as Record<string, unknown>, zot: { mirrors: zotMirrors } });
            } catch {
                return;
            }
            accepted++;
            const { settings, policy } = site;
            for (const repository of repositories) {
                const { isUnclear, mayPush, isChannel, movable } = declared(settings, repository);
                if (isUnclear) continue;
                for (const reference of references) {
                    const may = (action: Action) => evaluate(policy, CI, action, repository, reference);
                    const isTag = reference !== "" && !reference.includes(":");
                    const { tagScheme } = settings.access;
                    const isOfScheme = tagScheme.length === 0 || !isTag || hasTagForm(tagScheme, reference);
                    // A digest alone is asked for after the tags of a push with ?tag=.
                    const moves = isChannel || (movable.length > 0 && (!isTag || hasTagForm(movable, reference)));
                    expect([repository, reference, ...ACTIONS.map(may)]).toEqual([
                        ...[repository, reference, true],
                        mayPush && (isOfScheme || moves),
                        mayPush && moves,
                        false,
                    ]);
                    if (may("update")) moved++;
                    else kept++;
                    expect(evaluate(policy, ADMIN, "delete", repository, reference)).toBe(true);
                    if (evaluate(policy, ADMIN, "update", repository, reference))
                        expect(settings.access.adminsMayUpdate).toBe(true);
                }
            }
        }),
        { numRuns: 400 },
    );
    expect(accepted).toBeGreaterThan(40);
    expect(moved).toBeGreaterThan(100);
    expect(kept).toBeGreaterThan(1000);
});

describe("in the matrix and in a change of rights", () => {
    const matrixOf = (access: Record<string, unknown>) => accessMatrix(siteSettings({ access }).policy);
    const changed = (before: Record<string, unknown>, after: Record<string, unknown>) =>
        accessChanges(matrixOf(before), matrixOf(after)).map((change) => changeInWords(change));
    const who = "the group `artifact-workloads`";

    test("the matrix has a row for the channels of a rule, and names the scheme", () => {
        const matrix = matrixOf({
            channels: ["**/cache"],
            tagScheme: ["vX.Y.Z"],
            rules: { "team/**": { ci: ["read"] } },
        });
        expect(
            Object.entries(matrix).map(([pattern, rows]) => [pattern, rows["group artifact-workloads"]?.join(", ")]),
        ).toEqual([
            ["**", "read, create of tags like v1.4.2"],
            ["** & **/cache", "read, create, update"],
            ["team/**", "read"],
        ]);
    });

    test("a channel is a gain in its repositories, and refusals that say why are none", () => {
        expect(changed({}, { channels: ["**/cache"] })).toEqual([`${who} gains update on \`**/cache\``]);
        expect(changed({ channels: ["**/cache"] }, {})).toEqual([`${who} loses update on \`**/cache\``]);
        expect(changed({}, { explainRefusals: true })).toEqual([]);
        expect(changed({ channels: ["**/cache"] }, { channels: ["**/cache"], rules: { "team/**": {} } })).toEqual([]);
        expect(changed({ channels: ["a/cache"] }, { channels: ["**/cache"] })).toEqual([
            `${who} gains update on \`**/cache\``,
        ]);
    });

    test("a rule takes a channel away only where it takes CI's pushes away", () => {
        const rules = { "team/**": { ci: ["read"] } };
        expect(changed({ channels: ["**/cache"] }, { channels: ["**/cache"], rules })).toEqual([
            `${who} loses create on \`team/**\``,
            `${who} loses update on \`**/cache\` where it is also \`team/**\``,
        ]);
    });

    test("a scheme takes other tags", () => {
        expect(changed({}, { tagScheme: ["vX.Y.Z"] })).toEqual([
            `${who} loses create of tags that are not like v1.4.2 on \`**\``,
        ]);
        expect(changed({ tagScheme: ["vX.Y.Z"] }, { tagScheme: ["vX.Y.Z", "<date>"] })).toEqual([
            `${who} gains create of tags like 20260101 on \`**\``,
        ]);
    });
});

describe("refused, with the reason", () => {
    test.each<[string, Record<string, unknown>, RegExp]>([
        ["every repository", { channels: ["**"] }, /access\.channels\[0\]: .*it has wildcards only/],
        ["nothing but wildcards", { channels: ["*/?"] }, /it has wildcards only/],
        [
            "all that CI may push to",
            { ciRepositories: ["images/**"], channels: ["images/**"] },
            /access\.channels: they cover all repositories to which CI may push/,
        ],
        [
            "what CI may not push to",
            { ciRepositories: ["images/**"], channels: ["channels/**"] },
            /access\.channels: "channels\/\*\*" is outside of the repositories to which CI may push, so it has no effect/,
        ],
        [
            "a form that stands for nothing",
            { tagScheme: ["v<x>"] },
            /access\.tagScheme\[0\]: .*"<x>" has no meaning in a form/,
        ],
    ])("%s", (_title, access, message) => {
        expect(refusals({ access }).join("\n")).toMatch(message);
    });

    test("a rule of the site's own that takes a channel away, with the entry that gives it back", () => {
        const refused = refusals({ access: { channels: ["**/cache"] }, zot: { extraConfig: ruleByHand() } });
        expect(refused).toHaveLength(1);
        expect(refused[0]).toMatch(/by the rule for "team\/\*\*" CI may push to .* but not move tags there/);
        const entry = JSON.parse(/add to its policies (.*)\.$/.exec(refused[0]!)![1]!) as object;
        expect(refusals({ access: { channels: ["**/cache"] }, zot: { extraConfig: ruleByHand(entry) } })).toEqual([]);
        // The same entry without the setting, and one that reaches further.
        expect(refusals({ zot: { extraConfig: ruleByHand(entry) } }).join()).toMatch(/may update on "team\/\*\*"/);
        const wide = {
            groups: ["artifact-workloads"],
            actions: ["update"],
            conditions: [{ expression: 'req.repository != "a"' }],
        };
        expect(
            refusals({ access: { channels: ["**/cache"] }, zot: { extraConfig: ruleByHand(entry, wide) } }).join(),
        ).toMatch(/may update on "team\/\*\*"/);
    });
});

test("a preview says what a channel costs", () => {
    const warningsOf = (access: Record<string, unknown>, zot = {}) =>
        accessWarnings(siteSettings({ access, zot }).settings);
    expect(warningsOf({})).toEqual([]);
    expect(warningsOf({ channels: ["**/cache"] })).toEqual([
        expect.stringMatching(
            /^access\.channels: in the repositories of "\*\*\/cache" CI may move tags, and zot immediately forgets/,
        ),
    ]);
    expect(warningsOf({ channels: ["**/cache"], ciMayPushToMirrors: true }, { mirrors })).toHaveLength(2);
});
