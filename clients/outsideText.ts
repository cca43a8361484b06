/** Text that comes from outside: from a registry, an identity provider, a forge, a host. Pure. */

/**
 * Characters that a terminal or a browser obeys instead of showing: controls (including ESC and CR), marks of
 * direction, other line ends. Also invisible ones: characters without a form, such as tags, which can hide a text, and
 * combining marks that pile up on one letter and cover other lines.
 */
const OBEYED =
    /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufff9-\ufffb]|\p{Default_Ignorable_Code_Point}|(?<=\p{M}{4})\p{M}/gu;

/** Lone halves of a surrogate pair, which have no form in UTF-8. */
const HALVES = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** How many characters of an outside text a message repeats by default. */
const LENGTH = 300;

/**
 * A text from outside, made safe for a sentence: on one line, without anything that a terminal obeys, and limited.
 *
 * @param length how many characters are kept. Default: 300
 */
export function outsideText(text: unknown, length: number = LENGTH): string {
    // Cut first: a text from outside may be large.
    const beginning = String(text).slice(0, length * 4);
    const line = beginning.replace(OBEYED, " ").replace(HALVES, " ").replace(/\s+/g, " ").trim();
    return line.length > length || beginning.length < String(text).length
        ? `${line.slice(0, length).replace(HALVES, "")} …`
        : line;
}

/** A text of several lines, made safe to print: it keeps its lines, and loses what a terminal obeys. */
export function printable(text: string): string {
    return text.replace(/\r\n/g, "\n").replace(OBEYED, " ").replace(HALVES, " ");
}

/** A value as JSON that is safe to print: what a terminal would obey is escaped, so the value stays the same. */
export function printableJson(value: unknown): string {
    return JSON.stringify(value, null, 2).replace(
        OBEYED,
        // One or two UTF-16 code units.
        (character) => character.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
    );
}

/** A text from outside as code in Markdown, whatever it contains. In a table cell, `|` must also be escaped. */
export function markdownCode(text: unknown, length: number = LENGTH): string {
    const line = outsideText(text, length);
    const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
    const fence = "`".repeat(longest + 1);
    const pad = line === "" || line.startsWith("`") || line.endsWith("`") ? " " : "";
    return `${fence}${pad}${line}${pad}${fence}`;
}
