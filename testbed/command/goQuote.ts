/** A text in quotes as Go's `%q` writes it: the official plugin shows a failed command this way. */
export function goQuote(text: string): string {
    let quoted = "";
    for (const character of text)
        quoted += escapes[character] ?? (isPrintable(character) ? character : escaped(character));
    return `"${quoted}"`;
}

const escapes: Record<string, string> = {
    "\x07": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
};

/** Letters, marks, numbers, punctuation and symbols; of the spaces only the ordinary one. */
const isPrintable = (character: string) => character === " " || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(character);

function escaped(character: string): string {
    const code = character.codePointAt(0) as number;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
    return code <= 0xffff ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
}
