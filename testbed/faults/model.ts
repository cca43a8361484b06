/**
 * Which histories of a deployment are allowed. Pure.
 *
 * The files on the disk are complete at every moment. Either the old config serves or the new one; after a deployment
 * has reported success, the old one never serves again. The read-only config serves only if the issuer does not answer.
 */
import { DOWN, type History, READ_ONLY } from "./watch";

export interface Expected {
    /** What served, and was on the disk, before. */
    old: string;
    /** What is deployed, in order: more than one if deployments overlap. */
    deployed: string[];
    /** Whether the read-only config may serve. */
    readOnly?: boolean;
    /** How long pulls may fail at a stretch, in milliseconds. */
    longestGapMs?: number;
}

/** What is wrong in the history, each as a sentence. */
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
    // Forward, and at most once back: no config serves a third time.
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
