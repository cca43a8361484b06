import fc from "fast-check";
import { durationOf, durationText, goDurationSeconds, isLifetime } from "../../clients/durations";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe("durations", () => {
    test.each([
        ["90d", 90 * DAY],
        ["1d12h", 36 * HOUR],
        ["45s", 45_000],
        ["2w", 14 * DAY],
        ["30", 30_000],
        [30, 30_000],
        ["0s", 0],
    ])("%s", (text, milliseconds) => expect(durationOf(text)).toBe(milliseconds));

    test.each(["", "soon", "1.5h", "-1d", "1y", "1 d", "9999999w", null, {}, -5, 1.5])("%p is none", (value) =>
        expect(durationOf(value)).toBeUndefined(),
    );

    test.each([
        ["90d", true],
        ["1d12h", true],
        ["90", false],
        ["1h ", false],
        ["9999999w", false],
    ])("a lifetime with its units: %j is %s", (text, is) => expect(isLifetime(text)).toBe(is));

    test.each([
        ["90s", 90],
        ["1h30m", 5400],
        ["1.5s", 1.5],
        [".5m", 30],
        ["2.h", 7200],
        ["250ms", 0.25],
        ["1m1ms", 60.001],
        ["3us", 3e-6],
        ["0s", 0],
    ])("%s in Go", (text, seconds) => expect(goDurationSeconds(text)).toBeCloseTo(seconds, 9));

    test.each(["", "0", "90", "1d", "-1s", "+1s", ".s", "1 s", " 1s", "1h-1m", "s"])("%j is none of Go", (text) =>
        expect(goDurationSeconds(text)).toBeUndefined(),
    );

    test("parts add up, in both syntaxes, in any order", () => {
        const parts = (...units: string[]) =>
            fc.array(fc.tuple(fc.nat(1000), fc.constantFrom(...units)), { minLength: 1, maxLength: 5 });
        const size: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
        const sum = (given: [number, string][]) => given.reduce((all, [amount, unit]) => all + amount * size[unit]!, 0);
        const text = (given: [number, string][]) => given.map((part) => part.join("")).join("");
        fc.assert(
            fc.property(parts("s", "m", "h"), (given) => expect(goDurationSeconds(text(given))).toBe(sum(given))),
        );
        fc.assert(
            fc.property(parts("s", "m", "h", "d"), (given) => expect(durationOf(text(given))).toBe(sum(given) * 1000)),
        );
    });

    test("for a person", () => {
        expect([
            durationText(90 * DAY),
            durationText(HOUR + 60_000),
            durationText(1_000),
            durationText(0),
            durationText(DAY + 1_000),
        ]).toEqual(["90 days", "1 hour and 1 minute", "1 second", "0 seconds", "1 day"]);
    });
});
