/** Patterns match as zot's do, and comparisons of two of them err only on their safe side. */
import fc from "fast-check";
import {
    covers,
    literalPrefix,
    matchesPattern,
    mayOverlap,
    mayPrevail,
    patternMistake,
} from "../../../components/settings";
import { matches as doublestar } from "../../../testbed/zot/globs";

const names = [
    "a",
    "b",
    "ab",
    "aa",
    "aab",
    "a-b",
    "a/a",
    "a/b",
    "b/a",
    "ab/a",
    "a/ab",
    "aa/b",
    "a/a/a",
    "a/b/a",
    "ab/ab/ab",
    "a/a/a/a",
    "a/bb/b",
];
const pattern = fc
    .array(fc.constantFrom("a", "b", "ab", "aa", "*", "?", "**", "a*", "*a", "a?", "*b*", "a*b", "?*", "**"), {
        minLength: 1,
        maxLength: 4,
    })
    .map((parts) => parts.join("/"))
    .filter((text) => patternMistake(text) === undefined);
const matched = (text: string) => names.filter((name) => matchesPattern(text, name));

test.each([
    // What doublestar 4.10, which zot 2.1.20 uses, was seen to answer.
    ["**", ["a", "a/b/c"], []],
    ["*", ["a", "a.b-c"], ["a/b"]],
    ["team/**", ["team", "team/a", "team/a/b"], ["teams", "teams/a", "a/team"]],
    ["team/*", ["team/a"], ["team", "team/a/b"]],
    ["team*/**", ["teams", "team-x", "teams/a", "team/a", "team/a/b"], ["team", "a/teams"]],
    ["*/**", ["a", "a/b"], []],
    ["**/base", ["base", "a/base", "a/b/base"], ["base/a", "abase"]],
    ["team/**/base", ["team/base", "team/a/base", "team/a/b/base"], ["base", "team/abase"]],
    ["te?m", ["team", "te-m"], ["tem", "te/m"]],
    ["a.b", ["a.b"], ["axb"]],
    ["docker.io/**", ["docker.io", "docker.io/library/alpine"], ["dockerxio/a"]],
])("%s", (text, among, passedOver) => {
    expect(among.filter((name) => !matchesPattern(text, name))).toEqual([]);
    expect(passedOver.filter((name) => matchesPattern(text, name))).toEqual([]);
});

test("agrees with the stand-in's doublestar, which is compared with zot's on its own", () => {
    fc.assert(
        fc.property(pattern, (text) => {
            expect(matched(text)).toEqual(names.filter((name) => doublestar(text, name)));
        }),
        { numRuns: 500 },
    );
});

test("what two patterns share is never missed", () => {
    fc.assert(
        fc.property(pattern, pattern, (left, right) => {
            const shared = matched(left).filter((name) => matchesPattern(right, name));
            if (shared.length > 0) expect([mayOverlap(left, right), mayOverlap(right, left)]).toEqual([true, true]);
            expect(mayOverlap(left, right)).toBe(mayOverlap(right, left));
        }),
        { numRuns: 1000 },
    );
});

test.each([
    ["team-a/**", "team/**"],
    ["docker/**", "docker.io/**"],
    ["a/b", "a/c"],
    ["*/a", "*/b"],
    ["a?", "a"],
    ["a/*", "a/*/*"],
    ["**/a", "**/b"],
])("%s and %s share nothing", (left, right) => {
    expect([mayOverlap(left, right), mayOverlap(right, left)]).toEqual([false, false]);
});

test("what a pattern is said to cover, it matches", () => {
    fc.assert(
        fc.property(pattern, pattern, (outer, inner) => {
            if (covers(outer, inner)) expect(matched(outer)).toEqual(expect.arrayContaining(matched(inner)));
        }),
        { numRuns: 1000 },
    );
});

test.each([
    ["**", "team/**", true],
    ["team/**", "team/**", true],
    ["team/**", "team", true],
    ["team/**", "team/base/**", true],
    ["team/**", "team/*", true],
    ["team*/**", "team-a/base/**", true],
    ["*/**", "team/**", true],
    ["team/**", "teams/**", false],
    ["team/base/**", "team/**", false],
    ["team/*", "team/a/b", false],
    ["team*/**", "team", false],
    ["team/**", "*/a", false],
])("%s covers %s: %s", (outer, inner, expected) => {
    expect(covers(outer, inner)).toBe(expected);
});

test("of two patterns the longer one prevails, and one of the same length may", () => {
    expect(mayPrevail("team/base/**", "team/**")).toBe(true);
    expect(mayPrevail("team/**", "team/base/**")).toBe(false);
    expect(mayPrevail("*/a", "a/*")).toBe(true);
    expect(mayPrevail("other/base/**", "team/**")).toBe(false);
});

test("the literal beginning of a pattern", () => {
    expect(["**", "team/**", "te?m", "team"].map(literalPrefix)).toEqual(["", "team/", "te", "team"]);
});

test("a repository's name is a pattern that matches itself alone", () => {
    for (const name of names) expect([patternMistake(name), matched(name)]).toEqual([undefined, [name]]);
});
