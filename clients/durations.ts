/** Durations as people write them: `90d`, `36h`, `1d12h`, `45s`. Pure. */

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Milliseconds; undefined for what is no duration. A number, or a text of digits alone, is seconds. */
export function durationOf(value: unknown): number | undefined {
    const text = typeof value === "number" ? String(value) : typeof value === "string" ? value.trim() : "";
    if (/^\d+$/.test(text)) return within(Number(text) * 1000);
    if (!/^(\d+[smhdw])+$/.test(text)) return undefined;
    let seconds = 0;
    for (const [, amount, unit] of text.matchAll(/(\d+)([smhdw])/g)) seconds += Number(amount) * UNITS[unit!]!;
    return within(seconds * 1000);
}

/** A century is more than any key should live, and dates beyond the year 9999 have another form. */
const LONGEST = 100 * 365 * UNITS.d! * 1000;
const within = (milliseconds: number) =>
    Number.isSafeInteger(milliseconds) && milliseconds <= LONGEST ? milliseconds : undefined;

/** A duration for a person: the two largest units that say something. */
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

/** A moment for a person, to the second, in UTC. */
export function momentText(moment: Date | string): string {
    return new Date(moment)
        .toISOString()
        .replace("T", " ")
        .replace(/\.\d+Z$/, " UTC");
}
