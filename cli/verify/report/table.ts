/** The report for a terminal. Pure. */
import type { Verdict } from "../outcome";
import { type Report, summaryOf } from "./report";

/** Wider lines are hard to read, and narrower ones leave no room for words. In columns. */
const WIDTHS = { least: 60, most: 130 };

/**
 * The most interesting results come last, where a person looks at the end: failures, with their names repeated below.
 *
 * @param columns of the terminal. Default: as many as are easy to read
 */
export function table(report: Report, columns = WIDTHS.most): string {
    const widest = Math.min(WIDTHS.most, Math.max(WIDTHS.least, columns));
    const wrapped = (text: string, indent: string) => wrappedAt(widest, text, indent);
    const width = Math.max(...report.checks.map(({ id }) => id.length), 0);
    const indent = " ".repeat(9 + width + 2);
    const order: Verdict[] = ["skipped", "pass", "warning", "fail"];
    const checks = order.flatMap((verdict) => report.checks.filter((check) => check.verdict === verdict));
    const lines = checks.flatMap(({ id, title, verdict, meaning, remedy, details, exchanges }) => [
        ...titled(`${verdict.toUpperCase().padEnd(7)}  ${id.padEnd(width)}  `, wrapped(title, indent)),
        ...wrapped(meaning, indent),
        ...(details ?? []).flatMap((detail) => wrapped(`- ${detail}`, indent)),
        ...(verdict === "fail" || verdict === "warning"
            ? [
                  ...(remedy ? wrapped(`-> ${remedy}`, indent) : []),
                  ...exchanges
                      .slice(-4)
                      .flatMap(({ as, sent, received }) => wrapped(`${as}: ${sent} => ${received}`, indent)),
              ]
            : []),
    ]);
    const { cleaning, remarks } = report;
    return [
        ...lines,
        "",
        ...remarks.map((remark) => `Note: ${remark}`),
        ...(cleaning.leftOvers.length > 0
            ? [`Removed, left by interrupted runs: ${cleaning.leftOvers.join(", ")}.`]
            : []),
        ...(cleaning.left.length > 0
            ? ["Left behind; remove it by hand:", ...cleaning.left.map((what) => `  ${what}`)]
            : []),
        `${report.registry} (${report.subject}), ${report.seconds} s. ${summaryOf(report)}`,
        ...named(report),
    ].join("\n");
}

const titled = (head: string, [first = "", ...rest]: readonly string[]) => [head + first.trimStart(), ...rest];

/** The failed checks, for whoever wants to run only those. */
function named({ checks }: Report): string[] {
    const failed = checks.filter(({ verdict }) => verdict === "fail").map(({ id }) => id);
    return failed.length === 0 ? [] : [`Failed: ${failed.join(", ")} (again: --only ${failed.join(",")})`];
}

function wrappedAt(width: number, text: string, indent: string): string[] {
    const lines: string[] = [];
    let line = "";
    for (const word of text.split(/\s+/)) {
        if (line && indent.length + line.length + 1 + word.length > width) {
            lines.push(indent + line);
            line = word;
        } else line = line ? `${line} ${word}` : word;
    }
    return line ? [...lines, indent + line] : lines;
}
