/** Chooses the versions to check if not all are checked: the same ones for the same seed. Pure. */
import { createHash } from "node:crypto";

/** A tag of a repository. */
export interface Version {
    repository: string;
    tag: string;
}

/** The rank of a name among others, random but determined by the seed. */
const rank = (seed: string, ...name: string[]): string =>
    createHash("sha256")
        .update(JSON.stringify([seed, ...name]))
        .digest("hex");

/** Items in the order of their ranks. */
function ranked<Item>(items: readonly Item[], rankOf: (item: Item) => string): Item[] {
    return items
        .map((item) => ({ item, place: rankOf(item) }))
        .sort((left, right) => (left.place < right.place ? -1 : 1))
        .map(({ item }) => item);
}

/** At most this many of the repositories; all of them, in the same order, if `most` is left out. */
export const someRepositories = (all: readonly string[], seed: string, most = all.length): string[] =>
    ranked(all, (repository) => rank(seed, repository)).slice(0, most);

/**
 * At most this many versions: one of each repository before a second one of any.
 *
 * @param tags the tags of each repository
 * @param most default: all
 */
export function someVersions(tags: ReadonlyMap<string, readonly string[]>, seed: string, most?: number): Version[] {
    const rounds: Version[][] = [];
    for (const repository of someRepositories([...tags.keys()], seed))
        for (const [round, tag] of ranked(tags.get(repository)!, (name) => rank(seed, repository, name)).entries()) {
            rounds[round] ??= [];
            rounds[round].push({ repository, tag });
        }
    return rounds.flat().slice(0, most);
}
