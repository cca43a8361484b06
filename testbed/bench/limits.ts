/** What the figures of a bench may not be above. Pure. */
import type { Comparison } from "./comparison";

/**
 * What of a report is more than it may be, each in a sentence.
 *
 * @param limit of a preview that changes nothing, over an empty program's
 */
export function aboveLimit(
    comparisons: readonly Pick<Comparison, "name" | "with" | "ratio" | "aim">[],
    limit: number,
): string[] {
    const sentences = comparisons.map(({ name, with: other, ratio, aim }) => {
        if (name === "preview, no change" && other === "an empty program" && ratio > limit)
            return `The ratio is ${ratio.toFixed(2)}, above the limit of ${limit}.`;
        if (other === "one without" && aim !== undefined && ratio > aim)
            return `${name} costs ${ratio.toFixed(2)} times ${other}, above ${aim}.`;
        return undefined;
    });
    return sentences.filter((sentence) => sentence !== undefined);
}
