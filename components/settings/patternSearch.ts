/**
 * Decides whether a repository exists that some patterns match and others do not, by a search over all names. Pure.
 */
import { piecesOf } from "./patterns";

/** The search gives up after this many different states. */
const MOST_STATES = 3_000;

/** A position in a pattern after some characters: a piece, and how far into it. */
type Position = [piece: number, within: number];

/** The positions after a piece reads a character. All characters except `/` are treated alike. */
const STEPS: Record<string, (within: number, isSlash: boolean, piece: number) => Position[]> = {
    "[^/]": (_, isSlash, piece) => (isSlash ? [] : [[piece + 1, 0]]),
    "[^/]*": (_, isSlash, piece) => (isSlash ? [] : [[piece, 0]]),
    ".*": (_, _isSlash, piece) => [[piece, 0]],
    "(?:[^/]+/)*": (within, isSlash, piece) => (isSlash ? (within === 1 ? [[piece, 0]] : []) : [[piece, 1]]),
    "(?:/.*)?": (within, isSlash, piece) => (within === 1 || isSlash ? [[piece, 1]] : []),
    "(?:[^/]+|[^/]*/.*)": (within, isSlash, piece) => [[piece, within === 2 || isSlash ? 2 : 1]],
};
/** Whether a piece may end at a position. */
const ENDS: Record<string, (within: number) => boolean> = {
    "[^/]*": () => true,
    ".*": () => true,
    "(?:[^/]+/)*": (within) => within === 0,
    "(?:/.*)?": () => true,
    "(?:[^/]+|[^/]*/.*)": (within) => within > 0,
};

/** All positions in a pattern that some characters lead to. */
interface Place {
    positions: Position[];
    /** Whether the pattern matches the characters so far. */
    isEnd: boolean;
    /** The characters that lead to other positions than the rest. */
    own: string[];
    next: Map<string, Place>;
}

/** Walks a pattern character by character, and remembers every step. */
class Walk {
    private readonly pieces: [text: string, meaning: string][];
    private readonly places = new Map<string, Place>();
    readonly start: Place;

    constructor(pattern: string) {
        this.pieces = piecesOf(pattern);
        this.start = this.placeOf([[0, 0]]);
    }

    after(place: Place, character: string): Place {
        const step = character === "/" || place.own.includes(character) ? character : "";
        let next = place.next.get(step);
        if (next === undefined) {
            next = this.placeOf(
                place.positions.flatMap(([piece, within]): Position[] => {
                    const [text, meaning] = this.pieces[piece] ?? ["", ""];
                    if (meaning !== "") return STEPS[meaning]!(within, step === "/", piece);
                    return text !== "" && text === step ? [[piece + 1, 0]] : [];
                }),
            );
            place.next.set(step, next);
        }
        return next;
    }

    /** Adds the positions after pieces that may end without a further character. */
    private placeOf(reached: Position[]): Place {
        const all = new Map<string, Position>();
        for (const ahead = [...reached]; ahead.length > 0; ) {
            const [piece, within] = ahead.pop()!;
            if (all.has(`${piece}.${within}`)) continue;
            all.set(`${piece}.${within}`, [piece, within]);
            if (ENDS[this.pieces[piece]?.[1] ?? ""]?.(within)) ahead.push([piece + 1, 0]);
        }
        const name = [...all.keys()].sort().join();
        const known = this.places.get(name);
        if (known) return known;
        const positions = [...all.values()];
        const literals = positions.flatMap(([piece]) => {
            const [text, meaning] = this.pieces[piece] ?? ["", ""];
            return meaning === "" && text !== "" && text !== "/" ? [text] : [];
        });
        const isEnd = positions.some(([piece]) => piece === this.pieces.length);
        const place = { positions, isEnd, own: [...new Set(literals)], next: new Map<string, Place>() };
        this.places.set(name, place);
        return place;
    }
}

const walks = new Map<string, Walk>();

/** Walks are kept for reuse; no site has more patterns than this. */
const MOST_WALKS = 2_000;

function walkOf(pattern: string): Walk {
    const known = walks.get(pattern);
    if (known) return known;
    if (walks.size >= MOST_WALKS) walks.clear();
    const walk = new Walk(pattern);
    walks.set(pattern, walk);
    return walk;
}

/**
 * Searches the names that a repository can have. Names that match the same patterns are tried once.
 *
 * @param isFound called with the patterns' answers for each kind of name
 * @returns whether `isFound` returned true for some name; undefined if there are too many kinds of names to try
 */
export function someRepository(
    patterns: readonly string[],
    isFound: (matches: (pattern: string) => boolean) => boolean,
): boolean | undefined {
    const walked = patterns.map(walkOf);
    const numbers = new Map<Place, number>();
    const numberOf = (place: Place) => {
        if (!numbers.has(place)) numbers.set(place, numbers.size);
        return numbers.get(place)!;
    };
    const seen = new Set<string>();
    const ahead = [{ places: walked.map(({ start }) => start), last: "slash" }];
    for (let at = ahead.pop(); at !== undefined; at = ahead.pop()) {
        const { places, last } = at;
        const key = `${places.map(numberOf).join()} ${last}`;
        if (seen.has(key)) continue;
        if (seen.size >= MOST_STATES) return undefined;
        seen.add(key);
        const matches = (pattern: string) => places[patterns.indexOf(pattern)]!.isEnd;
        if (last === "letter" && isFound(matches)) return true;
        const own = new Set(places.flatMap((place) => place.own));
        const other = [...LETTERS].find((character) => !own.has(character));
        for (const character of [...own, ...(other === undefined ? [] : [other]), "/"]) {
            const kind = kindOf(character);
            // Every part of a name begins and ends with a letter or a digit.
            if (last !== "letter" && kind !== "letter" && (last !== kind || kind === "slash")) continue;
            ahead.push({ places: places.map((place, index) => walked[index]!.after(place, character)), last: kind });
        }
    }
    return false;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

const kindOf = (character: string): string =>
    character === "/" ? "slash" : LETTERS.includes(character) ? "letter" : character;

/** Whether every repository that matches `inner` also matches one of the others. In doubt no. */
export const coveredByAll = (inner: string, outer: readonly string[]): boolean =>
    someRepository(
        [...new Set([inner, ...outer])],
        (matches) => matches(inner) && !outer.some((pattern) => matches(pattern)),
    ) === false;
