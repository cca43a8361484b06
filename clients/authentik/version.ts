/** Versions of Authentik. Pure. */

/** Whether `version` is `least` or newer; both as `2026.5.0-rc1`. */
export function isAtLeast(version: string, least: string): boolean {
    const numbers = (text: string) =>
        text
            .split(/[.-]/)
            .slice(0, 3)
            .map((part) => Number.parseInt(part, 10) || 0);
    const [have, want] = [numbers(version), numbers(least)];
    for (let index = 0; index < 3; index++) {
        const difference = (have[index] ?? 0) - (want[index] ?? 0);
        if (difference !== 0) return difference > 0;
    }
    return true;
}
