/**
 * When each part of one preview was over, in milliseconds since its process started; and from those, what each part
 * took.
 */

export interface Moments {
    sdkImported: number;
    programLoaded: number;
    /** The Automation API has run the CLI to select the stack: work that `pulumi preview` does not have. */
    stackSelected: number;
    /** The CLI and its engine were up, and called the program. */
    programCalled: number;
    programReturned: number;
    previewEnded: number;
}

/** What a preview took, in seconds, by part. They add up to `total`. */
export interface Parts {
    /** Node's start and the import of the SDK. */
    node: number;
    /** The program's own modules. */
    load: number;
    /** The CLI and its engine, from their start until they call the program. */
    engine: number;
    /** The program's function: with its look-ups, and with the start of the providers that answer them. */
    program: number;
    /**
     * From the program's return until the CLI has ended: what the resources registered still needed, and the closing of
     * it all.
     */
    rest: number;
    /** All of it, without the selection of the stack. */
    total: number;
}

export const partNames = [
    "node",
    "load",
    "engine",
    "program",
    "rest",
    "total",
] as const satisfies readonly (keyof Parts)[];

export function partsOf(moments: Moments): Parts {
    const seconds = (milliseconds: number) => milliseconds / 1000;
    return {
        node: seconds(moments.sdkImported),
        load: seconds(moments.programLoaded - moments.sdkImported),
        engine: seconds(moments.programCalled - moments.stackSelected),
        program: seconds(moments.programReturned - moments.programCalled),
        rest: seconds(moments.previewEnded - moments.programReturned),
        total: seconds(moments.previewEnded - (moments.stackSelected - moments.programLoaded)),
    };
}

/** The middle of some numbers; of an even number of them, the mean of the two in the middle. */
export function median(numbers: readonly number[]): number {
    const sorted = [...numbers].sort((a, b) => a - b);
    const middle = sorted.length / 2;
    const lower = sorted[Math.ceil(middle) - 1];
    const upper = sorted[Math.floor(middle)];
    if (lower === undefined || upper === undefined) throw new Error("no numbers, no median");
    return (lower + upper) / 2;
}

/** The median of each part by itself: they need not add up to that of the total. */
export function medianParts(runs: readonly Parts[]): Parts {
    return Object.fromEntries(partNames.map((name) => [name, median(runs.map((run) => run[name]))])) as Record<
        keyof Parts,
        number
    >;
}
