/** Patterns of repositories, as the Go library doublestar v4.10 matches them. */
import { isValidPattern, matches } from "../../../testbed/zot/globs";

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
    ["a.b", "axb", false],
    ["a+b", "aab", false],
    ["a?c", "abc", true],
    ["a?c", "a/c", false],
])("%s matches %s: %s", (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected);
});

test.each(["a[", "{a", "a\\"])("%s is no pattern, and matches nothing", (pattern) => {
    expect(isValidPattern(pattern)).toBe(false);
    expect(matches(pattern, pattern)).toBe(false);
});
