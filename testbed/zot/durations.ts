/** Go's durations and zot's windows of time. */

/** Milliseconds of a duration in Go's notation, or undefined if it is not one. */
export function parseDuration(duration: string): number | undefined {
    const match = /^([-+]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(duration);
    if (!match) return undefined;
    const units: Record<string, number> = {
        ns: 1e-6,
        us: 1e-3,
        µs: 1e-3,
        μs: 1e-3,
        ms: 1,
        s: 1000,
        m: 60_000,
        h: 3_600_000,
    };
    let milliseconds = 0;
    for (const [, amount, unit] of (match[2] ?? "").matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h)/g)) {
        milliseconds += Number(amount) * (units[unit ?? ""] ?? 0);
    }
    return match[1] === "-" ? -milliseconds : milliseconds;
}

export function isTimeWindow(window: string): boolean {
    if (window === "") return true;
    const match = /^\s*(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})\s*$/.exec(window);
    const valid = (time: string | undefined) => /^([01]?\d|2[0-3]):[0-5]\d$/.test(time ?? "");
    return match !== null && valid(match[1]) && valid(match[2]) && match[1] !== match[2];
}
