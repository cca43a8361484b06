/** What the figures of a bench may not be above. Pure. */

/** The ratios of a report. */
interface Ratios {
    /** Of the demo stack's preview over an empty program's. */
    ratio: number;
    /** Of a refused preview over one that succeeds, and what it may be. */
    mistake: { ratio: number; aim: number };
}

/** What of a report is more than it may be, each in a sentence. */
export function aboveLimit({ ratio, mistake }: Ratios, limit: number): string[] {
    return [
        ...(ratio > limit ? [`The ratio is ${ratio.toFixed(2)}, above the limit of ${limit}.`] : []),
        ...(mistake.ratio > mistake.aim
            ? [`A mistaken setting costs ${mistake.ratio.toFixed(2)} times a preview, above ${mistake.aim}.`]
            : []),
    ];
}
