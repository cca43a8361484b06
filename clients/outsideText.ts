/** Text that comes from outside: from a registry, an identity provider, a forge, a host. Pure. */

/**
 * What a terminal or a browser obeys instead of showing: controls (ESC and CR among them), marks of direction, other
 * line ends. And what nobody sees: characters without a form, such as tags, in which a text can be hidden, and marks
 * piled upon one letter, which cover other lines.
 */
const OBEYED =
    /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufff9-\ufffb]|\p{Default_Ignorable_Code_Point}|(?<=\p{M}{4})\p{M}/gu;

/** Halves of a character, which have no form in UTF-8. */
const HALVES = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Characters of a text from outside that a message repeats, where nothing else is said. */
const LENGTH = 300;

/**
 * A text from outside as it may stand in a sentence: on one line, without what a terminal obeys, and bounded.
 *
 * @param length the most characters that are kept. Default: 300.
 */
export function outsideText(text: unknown, length: number = LENGTH): string {
    // Cut before the work: a text from outside may be large.
    const beginning = String(text).slice(0, length * 4);
    const line = beginning.replace(OBEYED, " ").replace(HALVES, " ").replace(/\s+/g, " ").trim();
    return line.length > length || beginning.length < String(text).length
        ? `${line.slice(0, length).replace(HALVES, "")} …`
        : line;
}

/** A text of several lines as it may be printed: its lines stay, what a terminal obeys does not. */
export function printable(text: string): string {
    return text.replace(/\r\n/g, "\n").replace(OBEYED, " ").replace(HALVES, " ");
}

/** A value as JSON of which a terminal obeys nothing: what it would is escaped, so that the value stays the same. */
export function printableJson(value: unknown): string {
    return JSON.stringify(value, null, 2).replace(
        OBEYED,
        // One or two units of UTF-16.
        (character) => character.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
    );
}

/** A text from outside as code in Markdown, whatever it holds. In a table's cell, `|` has to be escaped besides. */
export function markdownCode(text: unknown, length: number = LENGTH): string {
    const line = outsideText(text, length);
    const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
    const fence = "`".repeat(longest + 1);
    const pad = line === "" || line.startsWith("`") || line.endsWith("`") ? " " : "";
    return `${fence}${pad}${line}${pad}${fence}`;
}
