/**
 * Durations: as people write lifetimes, `90d`, `1d12h`, and as Go and therefore zot's config write them, `1h30m`,
 * `1.5s`. Pure.
 */

/** In seconds. */
const UNITS: Readonly<Record<string, number>> = {
    ...{ ns: 1e-9, us: 1e-6, µs: 1e-6, μs: 1e-6, ms: 1e-3 },
    ...{ s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 },
};

interface Syntax {
    whole: RegExp;
    part: RegExp;
}

const syntax = (amount: string, units: string): Syntax => ({
    whole: new RegExp(`^(?:(?:${amount})(?:${units}))+$`),
    part: new RegExp(`(${amount})(${units})`, "g"),
});
const LIFETIME = syntax("\\d+", "[smhdw]");
const GO = syntax("\\d+\\.?\\d*|\\.\\d+", "ns|us|µs|μs|ms|s|m|h");

function secondsIn(text: string, { whole, part }: Syntax): number | undefined {
    if (!whole.test(text)) return undefined;
    return [...text.matchAll(part)].reduce((sum, [, amount, unit]) => sum + Number(amount) * UNITS[unit!]!, 0);
}

/** Milliseconds of a lifetime; undefined for anything else. A number, or a text of digits alone, means seconds. */
export function durationOf(value: unknown): number | undefined {
    const text = typeof value === "number" ? String(value) : typeof value === "string" ? value.trim() : "";
    const seconds = /^\d+$/.test(text) ? Number(text) : secondsIn(text, LIFETIME);
    return seconds === undefined ? undefined : within(seconds * 1000);
}

/** Whether a text is a lifetime with its units, of at most a century. */
export const isLifetime = (text: string): boolean => LIFETIME.whole.test(text) && durationOf(text) !== undefined;

/** Seconds of a duration in Go's syntax without a sign; undefined for anything else. */
export const goDurationSeconds = (text: string): number | undefined => secondsIn(text, GO);

/** A century is longer than any key should live, and dates after the year 9999 have another form. */
const LONGEST = 100 * 365 * UNITS.d! * 1000;
const within = (milliseconds: number) =>
    Number.isSafeInteger(milliseconds) && milliseconds <= LONGEST ? milliseconds : undefined;

/** A duration for people: its two largest units that are not zero. */
export function durationText(milliseconds: number): string {
    let rest = Math.round(Math.abs(milliseconds) / 1000);
    const parts: string[] = [];
    for (const [unit, name] of [
        ["d", "day"],
        ["h", "hour"],
        ["m", "minute"],
        ["s", "second"],
    ] as const) {
        const amount = Math.floor(rest / UNITS[unit]!);
        rest -= amount * UNITS[unit]!;
        if (amount > 0) parts.push(`${amount} ${name}${amount === 1 ? "" : "s"}`);
        else if (parts.length > 0) break;
    }
    return parts.slice(0, 2).join(" and ") || "0 seconds";
}

/** A moment for people, to the second, in UTC. */
export function momentText(moment: Date | string): string {
    return new Date(moment)
        .toISOString()
        .replace("T", " ")
        .replace(/\.\d+Z$/, " UTC");
}
