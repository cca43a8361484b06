/** Whether to go on: a person who interrupts, or the time limit, ends the checks, and never the cleaning up. */

import type { EndingSignal } from "../shared/interrupt";

/**
 * No run is longer than this, in milliseconds: its keys live a little longer, and what is older than both is left over
 * from another run.
 */
export const LONGEST_RUN = 12 * 60_000;
/** How long a key of a run lives, in milliseconds. */
export const KEY_LIFETIME = 14 * 60_000;
/** From this age on, in milliseconds, what a run made is left over. */
export const LEFT_OVER_AGE = 20 * 60_000;

/** The run is to end now, by a signal or its time limit; nothing more is sent. */
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

    /** Aborted by a signal: for what need not be waited for, since it makes nothing. */
    get interrupted(): AbortSignal {
        return this.interruption.signal;
    }

    /** From now on everything is sent. */
    startCleaning(): void {
        this.cleaning = true;
    }

    /**
     * To be called before anything is sent. What has been sent already is waited for, so that what it made is known.
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
