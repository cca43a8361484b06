/** What the conditions that are written say: to this program, to a library for CEL, and as zot matches patterns. */
import fc from "fast-check";
import { evaluated, parseCel } from "../../../components/conditions/cel";
import { type Limit, limitExpression, limitOf, meets } from "../../../components/conditions/limits";
import { truthOf } from "../../../components/conditions/truth";
import { patternMistake } from "../../../components/settings/patterns";
import { exampleOf, hasTagForm, nthTag, tagFormMistake, tagFormsSource } from "../../../components/settings/tagForms";
import { matches } from "../../../testbed/zot/globs";

const PARTS = ["a", "ab", "a.b", "a-b", "a__b", "*", "?", "a*", "*b", "a?b", "**", "cache", "*.*"];
const somePattern = fc
    .array(fc.constantFrom(...PARTS), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join("/"))
    .filter((pattern) => patternMistake(pattern) === undefined);
const someRepository = fc
    .array(fc.constantFrom("a", "ab", "a.b", "a-b", "a__b", "acb", "cache", "xb", "axb"), {
        minLength: 1,
        maxLength: 4,
    })
    .map((parts) => parts.join("/"));
const someForm = fc
    .array(
        fc.oneof(
            fc.constantFrom("X", "Y", "Z", "<date>", "<name>", "<1 hex>", "<7 hex>", "<40 hex>", "v", ".", "-", "_nix"),
        ),
        { minLength: 1, maxLength: 5 },
    )
    .map((pieces) => pieces.join(""))
    .filter((form) => tagFormMistake(form) === undefined);
const someTag = fc.oneof(
    someForm.map((form) => exampleOf(form)),
    fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,12}$/),
    fc.constantFrom("latest", "v1.2.3", "v1.2.3-0f3c9a1", "0".repeat(64), "sha256-abc.sig"),
);
const digest = `sha256:${"0f".repeat(32)}`;
const someLimit: fc.Arbitrary<Limit> = fc.record({
    repositories: fc.uniqueArray(somePattern, { maxLength: 3 }),
    tags: fc.uniqueArray(someForm, { maxLength: 3 }),
    movable: fc.array(
        fc.record({ pattern: somePattern, tags: fc.uniqueArray(someForm, { minLength: 1, maxLength: 2 }) }),
        { maxLength: 2 },
    ),
});

/** The request as zot puts it before a condition. */
const requestOf = (repository: string, reference: string) => ({
    repository,
    reference,
    referenceType: reference === "" ? "" : reference.includes(":") ? "digest" : "tag",
    tag: reference.includes(":") ? "" : reference,
    digest: reference.includes(":") ? reference : "",
});

test("a limit means to CEL what it means here, and patterns what they mean to zot", () => {
    fc.assert(
        fc.property(
            someLimit,
            someRepository,
            fc.oneof(someTag, fc.constantFrom("", digest)),
            (limit, repository, reference) => {
                const expression = limitExpression(limit);
                const tree = parseCel(expression);
                if (typeof tree === "string") throw new Error(`${expression}: ${tree}`);
                const isMet = meets(limit, { repository, reference });
                expect(evaluated(tree, requestOf(repository, reference))).toBe(isMet);
                const isNamed = limit.repositories.some((pattern) => matches(pattern, repository));
                const isForm = (forms: string[]) =>
                    forms.length > 0 && (reference === "" || reference === digest || hasTagForm(forms, reference));
                const moves = limit.movable!.some(({ pattern, tags }) => matches(pattern, repository) && isForm(tags));
                expect(isMet).toBe(isNamed || isForm(limit.tags) || moves);
            },
        ),
        { numRuns: 600 },
    );
});

test("a limit is known again by its expression, and nothing is taken for another one", () => {
    fc.assert(
        fc.property(someLimit, (limit) => {
            const expression = limitExpression(limit);
            const again = limitOf(expression);
            expect(again && limitExpression(again)).toBe(expression);
            expect(again?.repositories).toEqual(limit.repositories);
            expect(again?.movable ?? []).toHaveLength(limit.movable!.length);
        }),
        { numRuns: 500 },
    );
    for (const other of [
        "",
        "true",
        'req.tag == "latest"',
        'req.repository.matches("team/.*")',
        'req.repository.matches("^team/.*$") && req.tls.enabled',
        'req.repository == "team" || true',
        'req.repository == "Team"',
        'req.repository.matches("^a|b$")',
        'req.tag.matches("^(?:v[0-9]+)$")',
        'req.referenceType != "tag" || req.tag.matches("^(?:.*)$")',
        '!(req.repository == "team")',
        "false || true",
    ])
        expect([other, limitOf(other)]).toEqual([other, undefined]);
    expect(limitOf("false")).toEqual({ repositories: [], tags: [] });
});

test("blobs and digests go on whatever the scheme; several ?tag= are asked for one by one", () => {
    const scheme = { repositories: [], tags: ["vX.Y.Z-<7 hex>", "vX.Y.Z-<7 hex>-nix"] };
    const asked = [
        "",
        digest,
        "v1.2.3-0f3c9a1",
        "v1.2.3-0f3c9a1-nix",
        "latest",
        "v1.2.3",
        "v1.2.3-0f3c9a12",
        "0".repeat(64),
    ];
    expect(asked.map((reference) => meets(scheme, { repository: "a", reference }))).toEqual([
        ...[true, true, true, true],
        ...[false, false, false, false],
    ]);
    expect(truthOf(limitExpression(scheme), { tag: "latest", referenceType: "tag" }).yes).toBe(false);
});

describe("forms of tags", () => {
    test("every example has its form, and is a tag", () => {
        fc.assert(
            fc.property(someForm, fc.integer({ min: 1, max: 99 }), (form, n) => {
                for (const tag of [exampleOf(form), nthTag(form, n) ?? exampleOf(form)]) {
                    expect(hasTagForm([form], tag)).toBe(true);
                    expect(tag).toMatch(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/);
                }
                if (nthTag(form, n) !== undefined) expect(nthTag(form, n)).not.toBe(nthTag(form, n === 99 ? 1 : n + 1));
            }),
        );
    });

    test("what they become, to the letter", () => {
        expect(tagFormsSource(["vX.Y.Z-<7 hex>"])).toBe("^(?:v[0-9]+[.][0-9]+[.][0-9]+-[0-9a-f]{7})$");
        expect(exampleOf("vX.Y.Z-<7 hex>")).toBe("v1.4.2-f3c9a11");
        expect(exampleOf("<date>-<name>")).toBe("20260101-main");
    });

    test.each([
        ["", "it is empty"],
        ["v<8 bits>", '"<8 bits>" has no meaning in a form'],
        ["v<", '"<" has no meaning in a form'],
        ["a b", 'it has " ", which a tag cannot hold'],
        ["a/b", 'it has "/", which a tag cannot hold'],
        ["^v.*$", 'it has "^", which a tag cannot hold'],
        ["-X", 'it begins with "." or "-", which no tag does'],
        ["<name>", "nearly every tag matches it"],
        [`${"<64 hex>".repeat(3)}`, "such a tag has more than 128 characters"],
    ])("%s is refused", (form, why) => {
        expect(tagFormMistake(form)).toBe(why);
    });
});
