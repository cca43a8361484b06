import { durationOf, durationText } from "../../clients/durations";

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
