/**
 * Which histories a deployment may have. Pure.
 *
 * What is on the disk is complete at every moment. The old config serves, or the new one does; once a deployment has
 * said that it succeeded, the old one never again. The read-only config only where the issuer is away.
 */
import { DOWN, type History, READ_ONLY } from "./watch";

export interface Expected {
    /** What served, and was on the disk, before. */
    old: string;
    /** What is deployed, in turn: more than one where deployments come together. */
    deployed: string[];
    /** Whether the read-only config may serve. */
    readOnly?: boolean;
    /** How long pulls may fail at a stretch, in milliseconds. */
    longestGapMs?: number;
}

/** What the history holds that it must not; each as a sentence. */
export function breaches(history: History, expected: Expected): string[] {
    const found = [...history.broken];
    const order = [expected.old, ...expected.deployed];
    for (const { at, what } of history.disk) {
        if (!order.includes(what) && !(what === READ_ONLY && expected.readOnly))
            found.push(`after ${at} ms the config on the disk was ${what}`);
    }
    for (const { at, what } of history.served) {
        if (what === DOWN || order.includes(what) || (what === READ_ONLY && expected.readOnly)) continue;
        found.push(`after ${at} ms ${what} served`);
    }
    // Forth, and at most once back: nothing serves a third time.
    const turns = history.served
        .map(({ what }) => what)
        .filter(
            (what, index, all) =>
                what !== DOWN &&
                what !==
                    all
                        .slice(0, index)
                        .filter((other) => other !== DOWN)
                        .at(-1),
        );
    if (turns.length > 2 * order.length - 1 + (expected.readOnly ? 4 : 0))
        found.push(`what served changed too often: ${turns.join(", ")}`);
    if (expected.longestGapMs !== undefined && history.pulls.longestGapMs > expected.longestGapMs) {
        found.push(
            `pulls failed for ${Math.round(history.pulls.longestGapMs)} ms, and may for ${expected.longestGapMs}`,
        );
    }
    return found;
}
