/** Compares the spelling of two texts. Pure. */

/** How many letters have to be added, removed or changed to turn one text into the other (Levenshtein). */
export function editDistance(left: string, right: string): number {
    let row = Array.from({ length: right.length + 1 }, (_, index) => index);
    for (let i = 1; i <= left.length; i++) {
        const next = [i];
        for (let j = 1; j <= right.length; j++) {
            next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1));
        }
        row = next;
    }
    return row[right.length]!;
}
