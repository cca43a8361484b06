/** Trying again what failed in passing. */
import { setTimeout as sleep } from "node:timers/promises";

/** How long it is worth trying again after a failure. */
export interface Worth {
    /** Attempts in all. Default: as many as time allows. */
    attempts?: number;
    /** Milliseconds since the first attempt began. Default: without end. */
    within?: number;
    /** Milliseconds until the next attempt, where the server said. Default: a pause that doubles. */
    pause?: number;
}

export interface Retrying {
    /** What trying again after this failure is worth; undefined where it would end in the same way. */
    worth(error: unknown): Worth | undefined;
    /** Milliseconds before the second attempt; each next pause is twice as long. */
    firstPause: number;
    /** Milliseconds. Default: no limit. */
    longestPause?: number;
    /** Called before each pause. */
    beforePause?(error: unknown): Promise<void> | void;
    /** Ends the attempts, and what it is aborted with is thrown. */
    cancelled?: AbortSignal;
}

/** Does the work until it succeeds, or fails in a way that another attempt is not worth: then with the last failure. */
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
