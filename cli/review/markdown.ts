/** A review as Markdown. Pure. */
import { printable } from "../../clients/outsideText";
import type { Effect } from "../../components/settings";
import { matrixMarkdown } from "../shared/matrixText";
import type { Review, StackReview } from "./report";
import { cut, inline } from "./words";

/** How many lines of a config's difference are shown. */
const CONFIG_LINES = 200;
/** How many changes of rights, and how many files of code, are listed. */
const MOST_CHANGES = 60;
const MOST_FILES = 40;
/**
 * The longest line, in characters. A forge accepts a comment of 65,536 characters, and a job can pass on less than
 * 128 KiB.
 */
const LONGEST_LINE = 500;
const LONGEST = 60_000;
const PROBLEM_LINES = 40;
const MATRIX_LINES = 100;
const MOST_SETTINGS = 100;
const MARKS: Record<Effect, string> = { wider: "**WIDER**", unclear: "**READ THIS**", narrower: "narrower" };

/**
 * The review as Markdown, with wider rights in the first lines. It is never longer than a forge accepts, whatever a
 * side contains.
 */
export function reviewMarkdown(review: Review): string {
    const { stacks, code, notes } = review;
    const all = stacks.flatMap(({ stack, rights }) => rights.map((change) => ({ stack, ...change })));
    const told = (effect: Effect) =>
        all
            .filter((change) => change.effect === effect)
            .map((change) => `- ${MARKS[effect]} ${inline(change.stack)}: ${cut(change.words, LONGEST_LINE)}`);
    const codeChanges =
        code.length > 0
            ? [
                  `- ${MARKS.unclear} the code changes in ${code.length} file${code.length === 1 ? "" : "s"}, ` +
                      "and may do more than is visible here",
              ]
            : [];
    const changes = [...told("wider"), ...codeChanges, ...told("unclear"), ...told("narrower")];
    const shownChanges = withinBytes(changes.slice(0, MOST_CHANGES), LONGEST / 2);
    const lines = [`# ${verdict(review)}`, ...shownChanges];
    if (changes.length > shownChanges.length)
        lines.push(
            `- and ${changes.length - shownChanges.length} more changes, which are not listed: ` +
                `split the change, or read it with \`npm run review -- --json\``,
        );
    lines.push("", `Compared: base ${inline(review.base)}, head ${inline(review.head)}.`);
    for (const note of notes) lines.push("", note);
    if (code.length > 0) lines.push("", "The code that changes:", "", ...codeMarkdown(review));
    let text = printable(lines.join("\n"));
    const left: string[] = [];
    for (const stack of stacks) {
        const section = printable(stackMarkdown(stack).join("\n"));
        if (Buffer.byteLength(text) + Buffer.byteLength(section) < LONGEST) text += `\n${section}`;
        else left.push(stack.stack);
    }
    if (left.length > 0)
        text += `\n\nToo long to show: the details of ${left.length} stack${left.length === 1 ? "" : "s"} (${left.slice(0, 10).map(inline).join(", ")}${left.length > 10 ? ", …" : ""}). Each one alone: \`npm run review -- --stack NAME\``;
    return `${text}\n`;
}

/** The most decisive files first: a long list must not hide them. */
function codeMarkdown({ code, kinds = {} }: Review): string[] {
    const kindOf = (file: string) => (Object.hasOwn(kinds, file) ? kinds[file] : undefined);
    const rank = (file: string) => (kindOf(file) ? 0 : /^(\.\.\/)*(\.|[^/]+$)/.test(file) ? 1 : 2);
    const inOrderOfRank = [...code].sort((left, right) => rank(left) - rank(right));
    const lines = withinBytes(
        inOrderOfRank
            .slice(0, MOST_FILES)
            .map((file) => `- ${inline(file)}${kindOf(file) ? ` (${kindOf(file)})` : ""}`),
        LONGEST / 6,
    );
    const rest = inOrderOfRank.slice(lines.length);
    if (rest.length === 0) return lines;
    const folders = new Map<string, number>();
    for (const file of rest) folders.set(file.split("/")[0]!, (folders.get(file.split("/")[0]!) ?? 0) + 1);
    const shownFolders = [...folders].slice(0, 20).map(([folder, count]) => `${inline(folder)} (${count})`);
    return [...lines, `- and ${rest.length} more, in ${shownFolders.join(", ")}${folders.size > 20 ? ", …" : ""}`];
}

function verdict({ stacks, code }: Review): string {
    const rights = stacks.flatMap((stack) => stack.rights);
    const wider = rights.filter(({ effect }) => effect === "wider");
    if (wider.length > 0)
        return `Rights widen: ${cut([...new Set(wider.map(({ who, words }) => who ?? words))].join(", "), LONGEST_LINE)}`;
    if (rights.some(({ effect }) => effect === "unclear")) return "Rights may widen: to be read";
    if (code.length > 0) return "Rights may widen: code changes";
    if (rights.length > 0) return "Rights narrow";
    if (stacks.some(({ status }) => status !== "unchanged"))
        return "Rights stay as they are; settings or config change";
    return "Rights, settings and config stay as they are";
}

function stackMarkdown({ stack, status, problems, settings, config, matrix, rights }: StackReview): string[] {
    if (status === "unchanged") return ["", `## Stack ${inline(stack)}`, "", "No change."];
    const lines = [
        "",
        `## Stack ${inline(stack)}${status === "new" ? " (new)" : status === "removed" ? " (removed)" : ""}`,
    ];
    for (const { side, text } of problems)
        lines.push("", `The ${side} has no config:`, "", ...block(shortened(text, PROBLEM_LINES)));
    if (settings.length > 0) {
        const cell = (value: string | undefined) =>
            value === undefined ? "not set" : inline(value).replaceAll("|", "\\|");
        lines.push("", "### Settings", "", "| setting | before | after |", "|---|---|---|");
        lines.push(
            ...settings
                .slice(0, MOST_SETTINGS)
                .map(({ name, before, after }) => `| ${cell(name)} | ${cell(before)} | ${cell(after)} |`),
        );
        if (settings.length > MOST_SETTINGS) lines.push("", `And ${settings.length - MOST_SETTINGS} more settings.`);
    }
    if (matrix && rights.length > 0) {
        const table = matrixMarkdown(matrix).split("\n");
        lines.push("", "### Who may do what, after the change", "", ...table.slice(0, MATRIX_LINES));
        if (table.length > MATRIX_LINES)
            lines.push("", `${table.length - MATRIX_LINES} more lines: npm run --silent matrix -- --stack ${stack}`);
    }
    if (config !== "") {
        const length = config.trimEnd().split("\n").length;
        lines.push("", "### zot's config", "", ...block(shortened(config.trimEnd(), CONFIG_LINES), "diff"));
        if (length > CONFIG_LINES)
            lines.push("", `${length - CONFIG_LINES} more lines: npm run --silent config -- --stack ${stack}`);
    }
    return lines;
}

/** As many of the first lines as fit. */
function withinBytes(lines: string[], room: number): string[] {
    let used = 0;
    const end = lines.findIndex((line) => (used += Buffer.byteLength(line) + 1) > room);
    return end < 0 ? lines : lines.slice(0, end);
}

const shortened = (text: string, lines: number) =>
    text
        .split("\n")
        .slice(0, lines)
        .map((line) => cut(line, LONGEST_LINE))
        .join("\n");

/** Text unchanged, whatever it contains: the fence is longer than any in it. */
function block(text: string, language = ""): string[] {
    const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
    const fence = "`".repeat(longest + 1);
    return [`${fence}${language}`, ...text.split("\n"), fence];
}
