/** Finds names that resemble the intended one. Pure. */
import { editDistance } from "../../components/settings/editDistance";
import type { Choice } from "./ask";

/**
 * How close two names are: 0 if they differ only in case and separators, 1 if one contains the other, then by letters.
 */
function distance(one: string, other: string): number {
    const [left, right] = [plain(one), plain(other)];
    if (left === right) return 0;
    const stem = (name: string) => name.replace(/s$/, "");
    if (left !== "" && right !== "" && (stem(right).includes(stem(left)) || stem(left).includes(stem(right)))) return 1;
    return 1 + editDistance(left, right);
}

const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, "");

/** The names, most similar first; equally similar ones in alphabetical order. */
export function alikeFirst(wanted: string, names: readonly string[]): string[] {
    return [...names].sort(
        (one, other) => distance(wanted, one) - distance(wanted, other) || one.localeCompare(other, "en"),
    );
}

/** Whether a name is similar enough to be offered instead of another. */
export const isAlike = (wanted: string, name: string): boolean =>
    distance(wanted, name) <= Math.max(2, wanted.length / 3);

/** The choices for a name that has to exist, and the default choice. */
export function choicesFor(
    wanted: string,
    names: readonly string[],
): { choices: Choice[]; fallback: string | undefined } {
    const ordered = alikeFirst(wanted, names);
    const [first] = ordered;
    return {
        choices: ordered.map((value) => ({ value })),
        fallback: names.includes(wanted) ? wanted : first !== undefined && isAlike(wanted, first) ? first : undefined,
    };
}
