/** The report for a terminal. Pure. */
import { type Report, summaryOf } from "./report";

export function table(report: Report): string {
    const width = Math.max(...report.checks.map(({ id }) => id.length), 0);
    const indent = " ".repeat(9 + width + 2);
    const lines = report.checks.flatMap(({ id, title, verdict, meaning, remedy, exchanges }) => [
        `${verdict.toUpperCase().padEnd(7)}  ${id.padEnd(width)}  ${title}`,
        ...wrapped(meaning, indent),
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
    ].join("\n");
}

const WIDTH = 130;

function wrapped(text: string, indent: string): string[] {
    const lines: string[] = [];
    let line = "";
    for (const word of text.split(/\s+/)) {
        if (line && indent.length + line.length + 1 + word.length > WIDTH) {
            lines.push(indent + line);
            line = word;
        } else line = line ? `${line} ${word}` : word;
    }
    return line ? [...lines, indent + line] : lines;
}
