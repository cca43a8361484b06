/** Tags that move beside versions: which may be declared, what a policy says of them, and in what words. */
import fc from "fast-check";
import { accessChanges, changeInWords } from "../../components/accessChanges";
import { accessMatrix, evaluate, type Who } from "../../components/accessPolicy";
import { accessWarnings } from "../../components/accessWarnings";
import { movableTagMistake } from "../../components/settings/movableTags";
import { exampleOf, formsMayMeet, hasTagForm, nthTag, tagFormMistake } from "../../components/settings/tagForms";
import { policyOf } from "../../components/zotConfig";
import { ruleByHand } from "../support/extraConfig";
import { refusals } from "../support/refusals";
import { siteSettings } from "../support/settings";

const ACCEPTED = { acceptLossOfManifests: true };
const CI: Who = { kind: "user", name: "zot-ci", groups: ["artifact-workloads"] };

describe("which tags may be declared to move", () => {
    test.each(["latest", "main", "stable", "edge", "nightly", "pr-X", "branch-<name>", "main-X", "Latest"])(
        "%s may",
        (form) => expect(movableTagMistake(form)).toBeUndefined(),
    );
    test.each([
        ["v1.2.3", /the numbers of a version/],
        ["1.2", /the numbers of a version/],
        ["X", /a version such as/],
        ["vX", /a version such as/],
        ["v1", /a version such as/],
        ["V2", /a version such as/],
        ["vX.Y.Z", /the numbers of a version/],
        ["v<name>", /a version such as/],
        ["release-X.Y", /the numbers of a version/],
        ["release-<name>", /a version such as release-1\.4\.2 may have such a tag/],
        ["v1.4.2-0f3c9a1", /the numbers of a version/],
        ["main-<7 hex>", /a commit/],
        ["20260131", /a version such as/],
        ["2026-01-31", /a version such as/],
        ["nightly-<date>", /a date/],
        ["<7 hex>", /a commit/],
        ["0f3c9a1", /a version such as/],
        ["f0f3c9a", /a commit such as/],
        ["DEADBEEF", /a commit such as/],
        ["0f".repeat(32), /a version such as/],
        ["fa".repeat(32), /a commit such as/],
        [`sha256-${"0f".repeat(32)}.att`, /a signature of a version/],
        ["sha256-<64 hex>.sig", /a commit/],
        ["s<name>", /a signature of a version/],
        ["<name>", /nearly every tag/],
        ["dev-*", /which a tag cannot hold/],
    ])("%s may not", (form, why) => expect(movableTagMistake(form)).toMatch(why));

    test("two forms meet where some tag has both, and only there", () => {
        const someForm = fc
            .array(fc.constantFrom("X", "<date>", "<name>", "<1 hex>", "<3 hex>", "v", "a", "1", ".", "-"), {
                minLength: 1,
                maxLength: 4,
            })
            .map((pieces) => pieces.join(""))
            .filter((form) => tagFormMistake(form) === undefined);
        fc.assert(
            fc.property(someForm, someForm, fc.integer({ min: 1, max: 99 }), (left, right, n) => {
                expect(formsMayMeet(left, left)).toBe(true);
                expect(formsMayMeet(left, right)).toBe(formsMayMeet(right, left));
                for (const tag of [exampleOf(left), nthTag(left, n) ?? left])
                    if (hasTagForm([right], tag)) expect(formsMayMeet(left, right)).toBe(true);
            }),
            { numRuns: 1000 },
        );
        expect(formsMayMeet("pr-X", "pr-<date>")).toBe(true);
        expect(formsMayMeet("pr-X", "pr-<name>x")).toBe(false);
        expect(formsMayMeet("X.Y", "<date>")).toBe(false);
        expect(formsMayMeet("Main", "main")).toBe(true);
    });
});

describe("refused, with the reason", () => {
    test.each<[string, Record<string, unknown>, RegExp]>([
        [
            "the price is not accepted",
            { movableTags: { "team/**": ["latest"] } },
            /access\.movableTags: it has a price: zot forgets .* access\.acceptLossOfManifests: true/,
        ],
        ["a version", { ...ACCEPTED, movableTags: { "team/**": ["v1"] } }, /of "v1": a version such as v1\.4\.2/],
        ["no tag", { ...ACCEPTED, movableTags: { "team/**": [] } }, /"team\/\*\*" has no tag; leave it out/],
        ["a wrong pattern", { ...ACCEPTED, movableTags: { "Team/**": ["latest"] } }, /it has capitals/],
        [
            "what the scheme calls a version",
            { ...ACCEPTED, tagScheme: ["rc-X"], movableTags: { "**": ["rc-<name>"] } },
            /a tag of the form "rc-<name>" may also be a version by access\.tagScheme \("rc-X"\)/,
        ],
        [
            "where CI may not push",
            { ...ACCEPTED, ciRepositories: ["images/**"], movableTags: { "team/**": ["latest"] } },
            /access\.movableTags: "team\/\*\*" is outside of the repositories to which CI may push/,
        ],
        [
            "a channel",
            { ...ACCEPTED, channels: ["team/cache/**"], movableTags: { "team/cache/a": ["latest"] } },
            /every tag moves there already, by access\.channels/,
        ],
    ])("%s", (_title, access, message) => {
        expect(refusals({ access }).join("\n")).toMatch(message);
    });

    test("a form is taken however its numbers are written", () => {
        for (const form of ["app-X-X-X", "app-Z-Y-X", "pr-Y"])
            expect(refusals({ access: { ...ACCEPTED, movableTags: { "team/**": [form] } } })).toEqual([]);
    });

    test("a rule by hand that takes them away, with the entry that gives them back", () => {
        const access = { ...ACCEPTED, movableTags: { "**": ["latest", "pr-X"] } };
        const refused = refusals({ access, zot: { extraConfig: ruleByHand() } });
        expect(refused).toHaveLength(1);
        expect(refused[0]).toMatch(
            /by the rule for "team\/\*\*" CI may push to .* not move tags like latest and pr-1 there/,
        );
        const entry = JSON.parse(/add to its policies (.*)\.$/.exec(refused[0]!)![1]!) as object;
        expect(refusals({ access, zot: { extraConfig: ruleByHand(entry) } })).toEqual([]);
    });

    test("an entry by hand that lets more move than is declared", () => {
        const rule = (expression: string) =>
            ruleByHand({ groups: ["artifact-workloads"], actions: ["update"], conditions: [{ expression }] });
        const access = { ...ACCEPTED, movableTags: { "team/**": ["latest"] } };
        const written = (tags: string) =>
            `req.repository.matches("^team(?:/.*)?$") && req.tag.matches("^(?:${tags})?$")`;
        expect(refusals({ access, zot: { extraConfig: rule(written("latest")) } })).toEqual([]);
        expect(refusals({ access, zot: { extraConfig: rule(written("latest|main")) } }).join()).toMatch(/may update/);
        expect(refusals({ zot: { extraConfig: rule(written("latest")) } }).join()).toMatch(/may update/);
    });
});

test("rules say it for the repositories and tags alone; a digest goes on, as a push with ?tag= needs", () => {
    const access = {
        ...ACCEPTED,
        movableTags: { "team/**": ["latest", "pr-X"] },
        rules: { "team/base/**": {}, app: {} },
    };
    const { zotConfig } = siteSettings({ access });
    const policy = policyOf(zotConfig());
    const expression = 'req.repository.matches("^team(?:/.*)?$") && req.tag.matches("^(?:latest|pr-[0-9]+)?$")';
    expect(
        policy.rules.map(({ pattern, grants }) => [
            pattern,
            grants
                .filter(({ actions }) => actions.includes("update"))
                .flatMap(({ conditions = [] }) => conditions.map((one) => one.expression)),
        ]),
    ).toEqual([
        ["**", [expression]],
        ["team/base/**", [expression]],
        ["app", []],
    ]);
    const may = (action: "create" | "update" | "delete", repository: string, reference: string) =>
        evaluate(policy, CI, action, repository, reference);
    for (const repository of ["team", "team/app", "team/base/x"]) {
        for (const tag of ["latest", "pr-12", `sha256:${"0".repeat(64)}`])
            expect(may("update", repository, tag)).toBe(true);
        for (const tag of ["v1.2.3", "latest2", "pr-x", "0".repeat(64)])
            expect(may("update", repository, tag)).toBe(false);
        expect(may("delete", repository, "latest")).toBe(false);
    }
    for (const repository of ["app", "teams/app"]) expect(may("update", repository, "latest")).toBe(false);
});

test("with a scheme, such a tag may be made, too", () => {
    const access = { ...ACCEPTED, tagScheme: ["vX.Y.Z"], movableTags: { "team/**": ["latest"] } };
    const policy = policyOf(siteSettings({ access }).zotConfig());
    expect(evaluate(policy, CI, "create", "team/app", "latest")).toBe(true);
    expect(evaluate(policy, CI, "create", "other", "latest")).toBe(false);
    expect(evaluate(policy, CI, "create", "team/app", "")).toBe(true);
});

test("matrix, changes and a preview say it in words; without the setting nothing is another", () => {
    const matrixOf = (access: Record<string, unknown>) => accessMatrix(policyOf(siteSettings({ access }).zotConfig()));
    const access = { ...ACCEPTED, movableTags: { "team/**": ["latest"] } };
    expect(matrixOf(access)["** & team/**"]!["group artifact-workloads"]).toEqual([
        "read",
        "create",
        "update of tags like latest",
    ]);
    expect(accessChanges(matrixOf({}), matrixOf(access)).map((change) => changeInWords(change))).toEqual([
        "the group `artifact-workloads` gains update of tags like latest on `team/**`",
    ]);
    expect(accessWarnings(siteSettings({ access }).settings)).toEqual([
        expect.stringMatching(
            /^access\.movableTags: in the repositories of "team\/\*\*" CI may move tags like "latest"\. It cannot change a version that way/,
        ),
    ]);
    expect(siteSettings({ access: ACCEPTED }).zotConfig()).toEqual(siteSettings().zotConfig());
});
