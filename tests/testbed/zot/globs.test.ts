/** Patterns of repositories, as the Go library doublestar v4.10 matches them. */
import * as fc from "fast-check";
import { isValidPattern, matches, splitPattern } from "../../../testbed/zot/globs";

test.each([
    ["**", "a", true],
    ["**", "a/b/c", true],
    ["*", "a", true],
    ["*", "a/b", false],
    ["a/**", "a", true],
    ["a/**", "a/b", true],
    ["a/**", "a/b/c", true],
    ["a/**", "ab", false],
    ["a*/**", "a", false],
    ["a*/**", "ab", true],
    ["a*/**", "a/b", true],
    ["a/*", "a", false],
    ["a/*", "a/b", true],
    ["a/*", "a/b/c", false],
    ["**/app", "app", true],
    ["**/app", "a/b/app", true],
    ["**/app", "myapp", false],
    ["a/**/z", "a/z", true],
    ["a/**/z", "a/b/c/z", true],
    ["a**", "abc", true],
    ["a**", "a/b", false],
    ["{team,tools}/**", "tools/x", true],
    ["{team,tools}/**", "other/x", false],
    ["{a,{b,c}}/x", "c/x", true],
    ["v[0-9]", "v7", true],
    ["v[!0-9]", "v7", false],
    ["v[^0-9]", "vx", true],
    ["a.b", "axb", false],
    ["a+b", "aab", false],
    ["a\\*b", "a*b", true],
    ["a?c", "abc", true],
    ["a?c", "a/c", false],
    ["!a", "b", false],
    ["{1..3}", "2", false],
    [".*", ".hidden", true],
    ["*", ".hidden", true],
])("%s matches %s: %s", (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected);
});

test.each(["a[", "a[]", "{a", "a}", "a\\", "[!]", "{a,{b}"])("%s is no pattern, and matches nothing", (pattern) => {
    expect(isValidPattern(pattern)).toBe(false);
    expect(matches(pattern, pattern)).toBe(false);
});

test.each(["**", "a/[!x]*/{b,c}", "a\\[", "{}", "[a-z]"])("%s is a pattern", (pattern) => {
    expect(isValidPattern(pattern)).toBe(true);
});

const name = fc
    .array(fc.stringMatching(/^[a-z0-9]{1,3}([._-][a-z0-9]{1,3})?$/), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join("/"));

test("a name matches itself, ** and every folder above it", async () => {
    await fc.assert(
        fc.property(name, (repository) => {
            expect(matches(repository, repository)).toBe(true);
            expect(matches("**", repository)).toBe(true);
            const parts = repository.split("/");
            for (let depth = 1; depth <= parts.length; depth++) {
                expect(matches(`${parts.slice(0, depth).join("/")}/**`, repository)).toBe(true);
            }
        }),
    );
});

test("* stands for one part of a name, and only one", async () => {
    await fc.assert(
        fc.property(name, (repository) => {
            const pattern = repository.replace(/[^/]+/g, "*");
            expect(matches(pattern, repository)).toBe(true);
            expect(matches(pattern, `${repository}/more`)).toBe(false);
        }),
    );
});

test.each([
    ["a/b/*c", { base: "a/b", rest: "*c" }],
    ["**", { base: ".", rest: "**" }],
    ["repo/*", { base: "repo", rest: "*" }],
    ["a/b", { base: "a", rest: "b" }],
])("%s splits into a base and the rest", (pattern, expected) => {
    expect(splitPattern(pattern)).toEqual(expected);
});
