/** Durations in Go's syntax, which zot's config uses: `90s`, `24h`, `1h30m`. Pure. */

const UNITS: Readonly<Record<string, number>> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

/** The whole of such a duration. */
export const DURATION = /^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/;

/** Seconds in a duration of Go's syntax. */
export function goDurationSeconds(value: string): number {
    let seconds = 0;
    for (const [, amount, unit] of value.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g))
        seconds += Number(amount) * UNITS[unit!]!;
    return seconds;
}
