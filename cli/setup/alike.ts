/** Names that look like the one that was meant. Pure. */
import { editDistance } from "../../components/settings/editDistance";
import type { Choice } from "./ask";

/** How near two names are: 0 for the same but for case and separators, 1 for one that holds the other, then by letters. */
function distance(one: string, other: string): number {
    const [left, right] = [plain(one), plain(other)];
    if (left === right) return 0;
    const stem = (name: string) => name.replace(/s$/, "");
    if (left !== "" && right !== "" && (stem(right).includes(stem(left)) || stem(left).includes(stem(right)))) return 1;
    return 1 + editDistance(left, right);
}

const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, "");

/** What there is, the likest first; of equals in the order of their names. */
export function alikeFirst(wanted: string, names: readonly string[]): string[] {
    return [...names].sort(
        (one, other) => distance(wanted, one) - distance(wanted, other) || one.localeCompare(other, "en"),
    );
}

/** Whether a name is near enough to be offered in another one's place. */
export const isAlike = (wanted: string, name: string): boolean =>
    distance(wanted, name) <= Math.max(2, wanted.length / 3);

/** The choices for a name that has to be there, and which of them is taken where nobody says. */
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
