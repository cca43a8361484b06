/** Repeats what failed only for a moment. */
import { setTimeout as sleep } from "node:timers/promises";

/** How long trying again is worthwhile after a failure. */
export interface Worth {
    /** Attempts in total. Default: as many as time allows. */
    attempts?: number;
    /** Milliseconds since the start of the first attempt. Default: no limit. */
    within?: number;
    /** Milliseconds until the next attempt, if the server said so. Default: a pause that doubles. */
    pause?: number;
}

export interface Retrying {
    /** How long trying again is worthwhile after this failure; undefined if it would fail in the same way. */
    worth(error: unknown): Worth | undefined;
    /** Milliseconds before the second attempt; each next pause is twice as long. */
    firstPause: number;
    /** Milliseconds. Default: no limit. */
    longestPause?: number;
    /** Called before each pause. */
    beforePause?(error: unknown): Promise<void> | void;
    /** Ends the attempts; the abort reason is thrown. */
    cancelled?: AbortSignal;
}

/** Repeats the work until it succeeds or another attempt is not worthwhile; then it throws the last failure. */
export async function retrying<Result>(
    work: (attempt: number) => Promise<Result>,
    { worth, firstPause, longestPause = Number.POSITIVE_INFINITY, beforePause, cancelled }: Retrying,
): Promise<Result> {
    const began = Date.now();
    for (let attempt = 1; ; attempt++) {
        cancelled?.throwIfAborted();
        try {
            return await work(attempt);
        } catch (error) {
            const again = worth(error);
            if (!again || attempt >= (again.attempts ?? Number.POSITIVE_INFINITY)) throw error;
            const pause = again.pause ?? Math.min(firstPause * 2 ** (attempt - 1), longestPause);
            if (Date.now() - began + pause > (again.within ?? Number.POSITIVE_INFINITY)) throw error;
            await beforePause?.(error);
            await sleep(pause, undefined, cancelled ? { signal: cancelled } : {});
        }
    }
}
