/**
 * The repositories that two matrices have in common: where one key decides before a change, and one decides after it.
 * Pure.
 */
import { patternsOfKey } from "./accessPolicy";
import { covers, mayOverlap } from "./settings/patterns";

/** Repositories for which one rule decided before and one decides after. Without a rule nobody has a right. */
export interface Region {
    /** The key of the matrix that decides. */
    before: string | undefined;
    after: string | undefined;
    /** One pattern, or several of which none covers another. */
    name: string[];
}

/** A key of the matrix, taken apart once: comparisons of many rules ask for its patterns again and again. */
interface Key {
    key: string;
    patterns: string[];
    /** The rule's pattern, and the patterns of the part that the key is limited to. */
    rule: string;
    part: string[];
}

function keyOf(key: string): Key {
    const patterns = patternsOfKey(key);
    const [rule, ...part] = patterns;
    return { key, patterns, rule, part };
}

/** Every pair of rules that may decide for one repository, before and after. */
export function regionsOf(before: string[], after: string[]): Region[] {
    const [keysBefore, keysAfter] = [before.map(keyOf), after.map(keyOf)];
    const regions: Region[] = [];
    for (const first of [...keysBefore, undefined]) {
        for (const second of [...keysAfter, undefined]) {
            if (first === undefined && second === undefined) continue;
            if (isPossible(first, second, keysBefore, keysAfter))
                regions.push({ before: first?.key, after: second?.key, name: nameOf(first, second) });
        }
    }
    return regions;
}

function isPossible(first: Key | undefined, second: Key | undefined, before: Key[], after: Key[]): boolean {
    const all = patternsOfBoth(first, second);
    if (all.some((one, index) => all.slice(0, index).some((other) => !mayOverlap(one, other)))) return false;
    return !isHidden(first, second, before) && !isHidden(second, first, after);
}

/** The patterns that a repository must match for these keys to decide for it. */
export const patternsOf = (...keys: string[]): string[] => keys.flatMap(patternsOfKey);

const patternsOfBoth = (first: Key | undefined, second: Key | undefined): string[] => [
    ...(first?.patterns ?? []),
    ...(second?.patterns ?? []),
];

/** Whether another key of the same matrix decides wherever this key meets the key of the other matrix. */
function isHidden(chosen: Key | undefined, other: Key | undefined, keys: readonly Key[]): boolean {
    const narrower = patternsOfBoth(chosen, other);
    const holdsAll = (pattern: string) => narrower.some((inner) => covers(pattern, inner));
    const { rule, part = [] } = chosen ?? {};
    const { rule: otherRule, part: otherPart = [] } = other ?? {};
    return keys.some(({ rule: pattern, part: ownPart }) => {
        if (pattern === rule) {
            // A part covers neither the whole rule nor a wider part. If two parts meet and neither covers the other,
            // each is compared with itself.
            if (ownPart.length === 0 || isSame(ownPart, part) || isWithin(part, ownPart)) return false;
            return isSame(ownPart, otherPart) || (isWithin(ownPart, part) && ownPart.every(holdsAll));
        }
        // zot picks the longest pattern. It picks one of two of equal length by chance, so each is compared with
        // itself.
        const wins =
            rule === undefined ||
            pattern.length > rule.length ||
            (pattern === otherRule && pattern.length === rule.length);
        return wins && holdsAll(pattern);
    });
}

const isSame = (part: string[], other: string[]): boolean => part.join() === other.join();

/**
 * Whether everything that matches all patterns of one part also matches the other; the whole rule covers every part.
 */
const isWithin = (inner: string[], outer: string[]): boolean =>
    outer.every((wider) => inner.some((pattern) => covers(wider, pattern)));

/** The name of the repositories that match both keys: their patterns, without any that covers another one. */
function nameOf(first: Key | undefined, second: Key | undefined): string[] {
    const all = [...new Set(patternsOfBoth(first, second))];
    const isWider = (pattern: string, index: number) =>
        all.some(
            (other, position) =>
                other !== pattern && covers(pattern, other) && (!covers(other, pattern) || position > index),
        );
    return all.filter((pattern, index) => !isWider(pattern, index)).sort();
}
