/** Numbers on a command line. */
import { count, countToTenThousand } from "../../testbed/count";

test.each([
    ["1", 1],
    ["999", 999],
])("%s counts", (text, expected) => {
    expect(count(text)).toBe(expected);
});

test.each(["", "0", "-1", "1000", "1.5", "x"])("%p is refused, and it is said what is wanted", (text) => {
    expect(() => count(text)).toThrow("A number from 1 to 999 is wanted.");
});

test.each([
    ["1", 1],
    ["1000", 1000],
    ["10000", 10_000],
])("%s counts, where much may be counted", (text, expected) => {
    expect(countToTenThousand(text)).toBe(expected);
});

test.each(["0", "10001", "100000", "1e3"])("%p is refused there", (text) => {
    expect(() => countToTenThousand(text)).toThrow("A number from 1 to 10000 is wanted.");
});
