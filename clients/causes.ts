/** The causes of an error. Pure. */

type Cause = Partial<NodeJS.ErrnoException> & { errors?: unknown[] };

/**
 * An error and its causes, the outermost first. A host with several addresses fails with one error for each; only the
 * first of those is followed.
 */
export function causesOf(error: unknown): Cause[] {
    const causes: Cause[] = [];
    for (let cause = error as Cause; typeof cause === "object" && cause !== null; ) {
        // An error may be its own cause.
        if (causes.includes(cause)) break;
        causes.push(cause);
        cause = (cause.cause ?? cause.errors?.[0]) as Cause;
    }
    return causes;
}

/** The innermost cause; an empty object if the value is not an error. */
export const rootCause = (error: unknown): Partial<NodeJS.ErrnoException> => causesOf(error).at(-1) ?? {};
