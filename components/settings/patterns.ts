/** Patterns of repositories: which ones zot accepts, how it reads them, and how two of them compare. Pure. */

const COMPONENT = "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*";
/** The name of a repository: the OCI distribution specification's grammar for <name>. */
const REPOSITORY_NAME = new RegExp(`^${COMPONENT}(/${COMPONENT})*$`);
const WILDCARD = /[*?]/;

/** Whether a repository can have this name. */
export function isRepositoryName(name: string): boolean {
    return REPOSITORY_NAME.test(name);
}

/**
 * Why a pattern is refused; undefined if it is fine.
 *
 * zot converts patterns to small letters and splits them at `::` when it reads its config, so such a pattern would
 * silently become another one (zot 2.1.20). Braces and classes are refused because they add nothing here and make
 * patterns hard to compare.
 */
export function patternMistake(pattern: string): string | undefined {
    if (pattern === "") return "it is empty";
    if (/[A-Z]/.test(pattern)) return "it has capitals, which zot turns into small letters";
    if (pattern.includes("::")) return 'it has "::", which zot cannot read';
    if (pattern.startsWith("/") || pattern.endsWith("/"))
        return "it starts or ends with a slash, which no repository's name does";
    if (pattern.includes("//")) return "it has an empty part between two slashes";
    const odd = /[^a-z0-9._\-/*?]/.exec(pattern);
    if (odd) return `it has ${JSON.stringify(odd[0])}, which a repository's name cannot hold`;
    const parts = pattern.split("/");
    if (parts.some((part) => part !== "**" && part.includes("**")))
        return 'its "**" is not a whole part between slashes';
    if (pattern.includes("**/**")) return 'it has "**" twice in a row';
    const impossible = parts.find((part) => !WILDCARD.test(part) && !isRepositoryName(part));
    if (impossible !== undefined) return `no repository's name has a part ${JSON.stringify(impossible)}`;
    return undefined;
}

/** Why a pattern cannot be used for repositories in which tags move; undefined if it can. */
export function channelMistake(pattern: string): string | undefined {
    if (/[a-z0-9]/.test(pattern)) return patternMistake(pattern);
    return patternMistake(pattern) ?? "it has wildcards only, so it would match the repositories of all versions";
}

/**
 * The regular expression for each piece of a pattern. zot 2.1.20 matches with doublestar 4.10. A final slash and `**`
 * may be absent: `team/**` matches `team`. If the part before them ends in `*`, they may be absent only if that `*`
 * matches something: `team*` with a final `**` matches `teams` and `team/a`, but not `team`.
 */
const PIECES: [RegExp, string][] = [
    [/(?<=[^/*])\*\/\*\*$/, "(?:[^/]+|[^/]*/.*)"],
    [/\/\*\*$/, "(?:/.*)?"],
    [/(?<=^|\/)\*\*\//, "(?:[^/]+/)*"],
    [/^\*\*$/, ".*"],
    [/\*/, "[^/]*"],
    [/\?/, "[^/]"],
    [/[^*?]/, ""],
];
const PIECE = new RegExp(PIECES.map(([piece]) => `(${piece.source})`).join("|"), "g");

/** A pattern's pieces: each as it is written, with its regular expression (empty for a character that means itself). */
export const piecesOf = (pattern: string): [text: string, meaning: string][] =>
    [...pattern.matchAll(PIECE)].map(([text, ...groups]) => [
        text,
        PIECES[groups.findIndex((group) => group !== undefined)]![1],
    ]);

const expressions = new Map<string, RegExp>();

/** Whether a repository matches a pattern by zot's rules, for patterns without a {@link patternMistake}. */
export function matchesPattern(pattern: string, repository: string): boolean {
    let expression = expressions.get(pattern);
    if (!expression) {
        expression = new RegExp(patternSource(pattern));
        expressions.set(pattern, expression);
    }
    return expression.test(repository);
}

const sources = new Map<string, string>();

/**
 * A pattern as a regular expression for the repositories that match it, for RE2 and for JavaScript. The expression of a
 * pattern without a {@link patternMistake} holds no backslash and no quotes.
 */
export function patternSource(pattern: string): string {
    // Cached: a rule needs it for each identity of CI, and a preview renders each rule several times.
    let source = sources.get(pattern);
    if (source === undefined) {
        const pieces = piecesOf(pattern).map(
            ([text, meaning]) => meaning || (text === "." ? "[.]" : text.replace(/[^\w/-]/g, "\\$&")),
        );
        source = `^${pieces.join("")}$`;
        sources.set(pattern, source);
    }
    return source;
}

/** The spelling of pieces in a pattern: longer ones first. */
const WRITTEN: [meaning: string, piece: string][] = [
    ["(?:[^/]+|[^/]*/.*)", "*/**"],
    ["(?:/.*)?", "/**"],
    ["(?:[^/]+/)*", "**/"],
    [".*", "**"],
    ["[^/]*", "*"],
    ["[^/]", "?"],
    ["[.]", "."],
];

/** The pattern from which {@link patternSource} made an expression; undefined for any other expression. */
export function patternOfSource(source: string): string | undefined {
    if (!source.startsWith("^") || !source.endsWith("$")) return undefined;
    let [pattern, rest] = ["", source.slice(1, -1)];
    while (rest !== "") {
        const [meaning, piece] = WRITTEN.find(([text]) => rest.startsWith(text)) ?? [rest[0]!, rest[0]!];
        pattern += piece;
        rest = rest.slice(meaning.length);
    }
    return patternMistake(pattern) === undefined && patternSource(pattern) === source ? pattern : undefined;
}

/** The beginning that every name has which the pattern matches. */
export function literalPrefix(pattern: string): string {
    const meta = pattern.search(WILDCARD);
    return meta < 0 ? pattern : pattern.slice(0, meta);
}

const beginnings = new Map<string, string>();

/** The text before the first wildcard, without a final slash: the wildcard after it may make the slash optional. */
function beginningOf(pattern: string): string {
    let beginning = beginnings.get(pattern);
    if (beginning === undefined) {
        beginning = literalPrefix(pattern).replace(/\/$/, "");
        beginnings.set(pattern, beginning);
    }
    return beginning;
}

/** Whether some repository can match both patterns. In doubt yes. */
export function mayOverlap(left: string, right: string): boolean {
    // A cheap check first: with a thousand rules, each is compared with every other.
    const [one, other] = [beginningOf(left), beginningOf(right)];
    if (!one.startsWith(other) && !other.startsWith(one)) return false;
    const partsMeet = (a: string, b: string) =>
        canMeet([...a], [...b], "*", (x, y) => x === y || x === "?" || y === "?");
    return canMeet(left.split("/"), right.split("/"), "**", partsMeet);
}

/** Whether zot may use `pattern` for a repository that also matches `other`: it uses the longer of two. */
export function mayPrevail(pattern: string, other: string): boolean {
    return pattern.length >= other.length && mayOverlap(pattern, other);
}

/** Whether two sequences with wildcards can mean the same; `many` stands for any number of items. */
function canMeet(
    left: string[],
    right: string[],
    many: string,
    itemsMeet: (left: string, right: string) => boolean,
): boolean {
    // meets[i][j]: whether the rest of the one from i on can equal the rest of the other from j on.
    const meets = Array.from({ length: left.length + 1 }, () => new Array<boolean>(right.length + 1).fill(false));
    for (let i = left.length; i >= 0; i--) {
        for (let j = right.length; j >= 0; j--) {
            const [a, b] = [left[i], right[j]];
            const row = meets[i]!;
            if (a === undefined && b === undefined) row[j] = true;
            else if (a === many) row[j] = meets[i + 1]![j]! || (b !== undefined && row[j + 1]!);
            else if (b === many) row[j] = row[j + 1]! || (a !== undefined && meets[i + 1]![j]!);
            else row[j] = a !== undefined && b !== undefined && itemsMeet(a, b) && meets[i + 1]![j + 1]!;
        }
    }
    return meets[0]![0]!;
}

/** Whether every repository that matches `inner` also matches `outer`. In doubt no. */
export function covers(outer: string, inner: string): boolean {
    if (outer === inner || outer === "**") return true;
    if (!beginningOf(inner).startsWith(beginningOf(outer))) return false;
    if (!WILDCARD.test(inner)) return matchesPattern(outer, inner);
    if (!outer.endsWith("/**")) return false;
    // If a name matches with a final `**`, so does everything below it.
    const parts = inner.split("/");
    const literal = parts.slice(
        0,
        parts.findIndex((part) => WILDCARD.test(part)),
    );
    return literal.some((_, index) => matchesPattern(outer, literal.slice(0, index + 1).join("/")));
}
