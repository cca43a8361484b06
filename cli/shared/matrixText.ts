/** The access matrix for people: a table for a terminal, and one in Markdown. Pure. */
import type { AccessMatrix, Action } from "../../components/accessPolicy";

/** One row per pattern and who, with the actions as columns. */
interface Row {
    pattern: string;
    who: string;
    actions: readonly Action[];
}

const COLUMNS = ["read", "create", "update", "delete"] as const;

const rowsOf = (matrix: AccessMatrix): Row[] =>
    Object.entries(matrix).flatMap(([pattern, rights]) =>
        Object.entries(rights).map(([who, actions]) => ({ pattern, who, actions })),
    );

/** A table of fixed width; a pattern is written once, above its rows. */
export function matrixTable(matrix: AccessMatrix): string {
    const rows = rowsOf(matrix);
    const patternWidth = Math.max("repositories".length, ...rows.map((row) => row.pattern.length));
    const whoWidth = Math.max("who".length, ...rows.map((row) => row.who.length));
    const line = (pattern: string, who: string, cells: readonly string[]) =>
        `${pattern.padEnd(patternWidth)}  ${who.padEnd(whoWidth)}  ${cells.map((cell) => cell.padEnd("create".length)).join("  ")}`.trimEnd();
    let last = "";
    const lines = rows.map((row) => {
        const pattern = row.pattern === last ? "" : row.pattern;
        last = row.pattern;
        return line(
            pattern,
            row.who,
            COLUMNS.map((action) => (row.actions.includes(action) ? "yes" : "-")),
        );
    });
    return [line("repositories", "who", COLUMNS), ...lines].join("\n");
}

/** The same in Markdown, every row complete, so that a difference of two tables reads by itself. */
export function matrixMarkdown(matrix: AccessMatrix): string {
    const lines = rowsOf(matrix).map(
        ({ pattern, who, actions }) =>
            `| \`${pattern.replace(/[`\r\n]/g, "'").replaceAll("|", "\\|")}\` | ${who.replace(/[\r\n]/g, " ").replace(/[\\|`*_<[\]@&~!]/g, "\\$&")} | ${COLUMNS.map((action) => (actions.includes(action) ? "yes" : "–")).join(" | ")} |`,
    );
    return [
        `| repositories | who | ${COLUMNS.join(" | ")} |`,
        `|---|---|${COLUMNS.map(() => "---").join("|")}|`,
        ...lines,
    ].join("\n");
}
