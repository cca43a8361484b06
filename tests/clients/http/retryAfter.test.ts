/** How long a server asks its clients to wait. */
import { retryAfter } from "../../../clients/http/request";

const NOW = Date.parse("Mon, 30 Nov 2026 12:00:00 GMT");
const asked = (headers: Record<string, string>) => retryAfter({ headers: new Headers(headers) }, NOW);

test("a number of seconds", () => {
    expect(["5", " 12 ", "0"].map((value) => asked({ "retry-after": value }))).toEqual([5000, 12_000, undefined]);
});

test("a date, by the clock of the server that sends it", () => {
    const value = "Mon, 30 Nov 2026 12:00:30 GMT";
    expect(asked({ "retry-after": value })).toBe(30_000);
    expect(asked({ "retry-after": value, date: "Mon, 30 Nov 2026 12:00:10 GMT" })).toBe(20_000);
    expect(asked({ "retry-after": "Mon, 30 Nov 2026 11:59:59 GMT" })).toBeUndefined();
});

test("nothing where the header names no time", () => {
    for (const value of ["", "soon", "-5", "1.5e400"]) expect(asked({ "retry-after": value })).toBeUndefined();
    expect(asked({})).toBeUndefined();
});

test("never longer than a person would wait", () => {
    for (const value of ["86400", "9".repeat(400), "Tue, 01 Dec 2026 12:00:00 GMT"])
        expect(asked({ "retry-after": value })).toBe(30_000);
});
