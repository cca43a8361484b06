/** Go's durations. */

/** Milliseconds of a duration in Go's notation, or undefined if it is not one. */
export function parseDuration(duration: string): number | undefined {
    const match = /^([-+]?)((?:[\d.]+(?:ns|us|µs|ms|s|m|h))+|0)$/.exec(duration);
    if (!match) return undefined;
    const units: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
    let milliseconds = 0;
    for (const [, amount, unit] of (match[2] ?? "").matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)) {
        milliseconds += Number(amount) * (units[unit ?? ""] ?? 0);
    }
    return match[1] === "-" ? -milliseconds : milliseconds;
}
