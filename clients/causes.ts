/** What an error came from. Pure. */

type Cause = Partial<NodeJS.ErrnoException> & { errors?: unknown[] };

/**
 * An error and its causes, the outermost first. A host with several addresses fails with one error for each: of those
 * the first is followed.
 */
export function causesOf(error: unknown): Cause[] {
    const causes: Cause[] = [];
    for (let cause = error as Cause; typeof cause === "object" && cause !== null; ) {
        // A cause that is its own ends here.
        if (causes.includes(cause)) break;
        causes.push(cause);
        cause = (cause.cause ?? cause.errors?.[0]) as Cause;
    }
    return causes;
}

/** The error at the bottom; an empty one for what is no error. */
export const rootCause = (error: unknown): Partial<NodeJS.ErrnoException> => causesOf(error).at(-1) ?? {};
