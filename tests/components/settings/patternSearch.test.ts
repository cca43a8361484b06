/** Names that some patterns match and others do not. */
import fc from "fast-check";
import { coveredByAll, someRepository } from "../../../components/settings/patternSearch";
import { isRepositoryName, matchesPattern, patternMistake } from "../../../components/settings/patterns";

test.each<[inner: string, outer: string[], covered: boolean]>([
    ["images/*/**", ["images/*", "images/*/**"], true],
    ["images/**", ["images/*", "images/*/**"], false], // `images` itself
    ["team/*/cache", ["**/cache"], true],
    ["team/c*", ["team/*"], true],
    ["team/*", ["team/c*", "team/d*"], false],
    ["a/?", ["a/b", "a/c"], false],
    ["**/app", ["*/**"], true],
    ["**", ["*", "*/**"], true],
])("whether %j lies within %j: %s", (inner, outer, covered) => {
    expect(coveredByAll(inner, outer)).toBe(covered);
});

test("a name that is found by trying is found by the search", () => {
    const part = fc.constantFrom("*", "a", "b", "a*", "?", "**", "a-b");
    const pattern = fc
        .array(part, { minLength: 1, maxLength: 3 })
        .map((parts) => parts.join("/"))
        .filter((text) => patternMistake(text) === undefined);
    const words = ["a", "b", "ab", "a-b", "c"];
    const names = words
        .flatMap((one) => [
            one,
            ...words.flatMap((two) => [`${one}/${two}`, ...words.map((three) => `${one}/${two}/${three}`)]),
        ])
        .filter(isRepositoryName);
    fc.assert(
        fc.property(fc.uniqueArray(pattern, { minLength: 2, maxLength: 4 }), ([first, ...others]) => {
            const isFound = (matches: (one: string) => boolean) => matches(first!) && !others.some(matches);
            const tried = names.some((name) => isFound((one) => matchesPattern(one, name)));
            // What the search finds may be longer than these names.
            if (tried) expect(someRepository([first!, ...others], isFound)).toBe(true);
            if (someRepository([first!, ...others], isFound) === false) expect(tried).toBe(false);
        }),
        { numRuns: 300 },
    );
});
