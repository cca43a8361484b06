/**
 * YAML as the Pulumi CLI reads it (3.259, with gopkg.in/yaml.v3): a stack's file means the same here as to `pulumi up`.
 * Anything that the two parsers below would read in different ways is refused. Pure.
 */
import {
    isAlias,
    isCollection,
    isMap,
    isPair,
    isScalar,
    type Node,
    type Pair,
    parseDocument,
    Scalar,
    visit,
} from "yaml";

/** Something that Pulumi would not read, or would read differently from how it looks. */
export class YamlMistake extends Error {
    /** @param line from 1; undefined if it belongs to no single line */
    constructor(
        message: string,
        readonly line?: number,
    ) {
        super(message);
    }
}

/** Characters that only one of the parsers takes for an end of line, and invisible ones: they could hide a setting. */
const UNSEEN = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff]|\r(?!\n)/;

/** @throws YamlMistake */
export const yamlAsPulumi = (text: string): unknown => yamlAsGo(text, "Pulumi");

/**
 * YAML as a Go program reads it into maps (gopkg.in/yaml.v3, which zot 2.1.20 also uses).
 *
 * @param reader the program's name for messages
 * @throws YamlMistake
 */
export function yamlAsGo(text: string, reader: string): unknown {
    const content = text.replace(/^\ufeff/, "");
    const lineAt = (offset: number) => content.slice(0, offset).split("\n").length;
    const unseen = UNSEEN.exec(content);
    if (unseen)
        throw new YamlMistake(
            `it holds the character U+${unseen[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}, ` +
                "which some programs take for the end of a line; remove it",
            lineAt(unseen.index),
        );

    // Every plain value is read as text; its meaning is decided here. Without pretty errors a message does not quote
    // the file.
    const document = parseDocument(content, {
        schema: "failsafe",
        merge: true,
        prettyErrors: false,
        logLevel: "error",
    });
    const [error] = document.errors;
    if (error) throw new YamlMistake(error.message, lineAt(error.pos[0]));
    const refuse = (node: { range?: readonly number[] | null }, message: string): never => {
        throw new YamlMistake(message, node.range ? lineAt(node.range[0]!) : undefined);
    };
    visit(document, {
        Node(_key, node, path) {
            const why = readInTwoWays(node, path, content);
            if (why !== undefined) refuse(node, why);
        },
    });
    visit(document, {
        Scalar(key, node, path) {
            if (node.tag !== undefined) refuse(node, "a value with a tag (!…) is not read here; write it without");
            if (node.type !== Scalar.PLAIN) return;
            const place = path.at(-1);
            if (key === "key" && node.source === "<<") return checkMerge(place as Pair, refuse);
            const meaning = plainValue(node.source ?? "");
            if (typeof meaning === "number" && !Number.isFinite(meaning)) refuse(node, "a setting is no such number");
            if (meaning === undefined)
                refuse(node, `${reader} takes a value of this form for a date; put it in quotes`);
            if (key === "key" && typeof meaning !== "string")
                refuse(node, `${reader} takes a key only as a text; put it in quotes`);
            node.value = meaning;
        },
        Collection(_key, node) {
            if (node.tag !== undefined && node.tag !== "tag:yaml.org,2002:map" && node.tag !== "tag:yaml.org,2002:seq")
                refuse(node, "a value with a tag (!…) is not read here; write it without");
            if (!isMap(node)) return;
            const keys = node.items.map(({ key }) => key);
            for (const one of keys)
                if (isCollection(one) || isAlias(one))
                    refuse(one as { range?: readonly number[] }, `${reader} takes a key only as a text`);
            if (keys.filter((one) => isScalar(one) && one.type === Scalar.PLAIN && one.source === "<<").length > 1)
                refuse(node, 'a map has "<<" twice; give one, with a list');
        },
        Alias(_key, node, path) {
            const anchored = node.resolve(document);
            if (anchored && path.includes(anchored))
                refuse(node, `the anchor "${node.source}" contains itself, which ${reader} does not read`);
        },
    });
    try {
        return document.toJS({ maxAliasCount: 1000 }) as unknown;
    } catch (failure) {
        throw new YamlMistake((failure as Error).message.split("\n")[0]!);
    }
}

/**
 * Why yaml.v3 reads part of a document differently from the parser here; undefined if it does not. The cases were found
 * by comparing random documents with what yaml.v3 3.0.1 made of them.
 */
function readInTwoWays(node: Node, path: readonly unknown[], content: string): string | undefined {
    const name = isAlias(node) ? node.source : (node as Scalar).anchor;
    if (name !== undefined && !/^[\w-]+$/.test(name)) return "the name of an anchor is of letters, digits, - and _";
    if (!isScalar(node) || !node.range) return undefined;
    const [start, end] = node.range;
    if (node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED) {
        // Up to the first line that no longer belongs to it.
        const [text] = /^\s*.*/.exec(content.slice(end))!;
        const [, ...lines] = (content.slice(start, end) + text).split("\n");
        if (lines.some((line) => /^[ \t]+\r?$/.test(line)))
            return "a text of several lines has a line of spaces in it, or behind it; remove the spaces";
        if (!content.endsWith("\n") && end >= content.length)
            return "a text of several lines ends without a line break; add one";
    }
    if (node.type === Scalar.QUOTE_DOUBLE && /\\\r?\n[ \t]*\r?\n/.test(content.slice(start, end)))
        return "a line that ends with \\ is followed by an empty one; remove that";
    const around = path.findLast(isCollection);
    if (node.type !== Scalar.PLAIN || !around?.flow) return undefined;
    if (node.source?.startsWith("?")) return "in brackets, a value that begins with ? is written in quotes";
    if (/^[ \t]*:[,[\]{}]/.test(content.slice(end, end + 100))) return "in brackets, a colon is followed by a space";
    return undefined;
}

function checkMerge(pair: Pair, refuse: (node: { range?: readonly number[] | null }, message: string) => never): void {
    const parts = isCollection(pair.value) && !isMap(pair.value) ? pair.value.items : [pair.value];
    for (const part of parts)
        if (!isAlias(part) && !isMap(part))
            refuse(
                isPair(part) || part === null ? (pair.key as Scalar) : (part as Scalar),
                '"<<" takes a map, or a list of maps',
            );
}

const CONSTANTS = new Map<string, unknown>([
    ...["", "~", "null", "Null", "NULL"].map((text) => [text, null] as const),
    ...["true", "True", "TRUE"].map((text) => [text, true] as const),
    ...["false", "False", "FALSE"].map((text) => [text, false] as const),
    ...[".nan", ".NaN", ".NAN"].map((text) => [text, Number.NaN] as const),
    ...[".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"].map((text) => [text, Number.POSITIVE_INFINITY] as const),
    ...["-.inf", "-.Inf", "-.INF"].map((text) => [text, Number.NEGATIVE_INFINITY] as const),
]);
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const DATE = /^\d{4}-\d{1,2}-\d{1,2}([Tt\s].*)?$/;

/** The meaning of a value without quotes to yaml.v3; undefined for a date. */
export function plainValue(text: string): unknown {
    if (CONSTANTS.has(text)) return CONSTANTS.get(text);
    if (text.startsWith(".")) return FLOAT.test(text) ? Number(text) : text;
    if (!/^[-+0-9]/.test(text)) return text;
    if (DATE.test(text)) return undefined;
    const digits = text.replaceAll("_", "");
    const [, sign, number] = /^([-+]?)(.*)$/s.exec(digits)!;
    const integer = integerIn(number!);
    if (integer !== undefined) return Number(sign === "-" ? -integer : integer);
    return FLOAT.test(digits) ? Number(digits) : text;
}

/** An integer in any base, as Go reads it: a leading zero means octal. */
function integerIn(number: string): bigint | undefined {
    if (/^(0|[1-9]\d*)$/.test(number) || /^0([xX][0-9a-fA-F]+|[bB][01]+|[oO][0-7]+)$/.test(number))
        return BigInt(number.toLowerCase());
    return /^0[0-7]+$/.test(number) ? BigInt(`0o${number.slice(1)}`) : undefined;
}
