/** Whether to continue: an interruption, or the time limit, ends the checks, but never the clean-up. */

import type { EndingSignal } from "../shared/interrupt";

/**
 * The time limit of a run, in milliseconds. Its keys live a little longer. Anything older than both was left behind by
 * another run.
 */
export const LONGEST_RUN = 12 * 60_000;
/** How long a key of a run lives, in milliseconds. */
export const KEY_LIFETIME = 14 * 60_000;
/** The age, in milliseconds, from which on something that a run made counts as left behind. */
export const LEFT_OVER_AGE = 20 * 60_000;

/** A signal or the time limit ends the run; nothing more is sent. */
export class RunEnded extends Error {}

export class Control {
    signal: EndingSignal | undefined;
    private cleaning = false;
    private readonly interruption = new AbortController();
    private readonly began = Date.now();

    /** @param longest milliseconds after which nothing more is sent; a run that makes nothing may take its time */
    constructor(private readonly longest = LONGEST_RUN) {}

    interrupt(signal: EndingSignal): void {
        this.signal ??= signal;
        this.interruption.abort(new RunEnded(`Interrupted (${this.signal}).`));
    }

    /** Aborted by a signal; for work that need not be waited for, because it makes nothing. */
    get interrupted(): AbortSignal {
        return this.interruption.signal;
    }

    /** From now on everything is sent. */
    startCleaning(): void {
        this.cleaning = true;
    }

    /**
     * Call this before anything is sent. Requests that were already sent are waited for, so it is known what they made.
     *
     * @throws RunEnded
     */
    check(): void {
        if (this.cleaning) return;
        if (this.signal) throw new RunEnded(`Interrupted (${this.signal}).`);
        if (Date.now() - this.began > this.longest)
            throw new RunEnded(`After ${this.longest / 60_000} minutes the rest was not carried out.`);
    }
}
