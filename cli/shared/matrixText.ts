/** The access matrix for people: a table for a terminal, and one in Markdown. Pure. */
import type { AccessMatrix, Action, Right } from "../../components/accessPolicy";

/** One row per pattern and who, with the actions as columns. */
interface Row {
    pattern: string;
    who: string;
    actions: readonly Right[];
}

const COLUMNS = ["read", "create", "update", "delete"] as const;

const rowsOf = (matrix: AccessMatrix): Row[] =>
    Object.entries(matrix).flatMap(([pattern, rights]) =>
        Object.entries(rights).map(([who, actions]) => ({ pattern, who, actions })),
    );

/** What a cell says: all of an action, some of it, or nothing. */
const cellOf = ({ actions }: Row, action: Action, nothing: string): string =>
    actions.includes(action) ? "yes" : actions.some((right) => right.startsWith(`${action} `)) ? "some" : nothing;

/** What "some" stands for, and keys of two patterns. */
function legendOf(rows: readonly Row[]): string[] {
    const some = [...new Set(rows.flatMap(({ actions }) => actions.filter((right) => right.includes(" "))))];
    return [
        ...(some.length > 0
            ? ["", "some: blobs and digests, and of tags", ...some.map((right) => `  - ${right}`)]
            : []),
        ...(rows.some(({ pattern }) => pattern.includes(" & "))
            ? [
                  "",
                  "a & b: repositories of a's rule that match b; one that several of a's rows match has what each gives",
              ]
            : []),
    ];
}

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
            COLUMNS.map((action) => cellOf(row, action, "-")),
        );
    });
    return [line("repositories", "who", COLUMNS), ...lines, ...legendOf(rows)].join("\n");
}

/** The same in Markdown, every row complete, so that a difference of two tables reads by itself. */
export function matrixMarkdown(matrix: AccessMatrix): string {
    const rows = rowsOf(matrix);
    const lines = rows.map((row) => {
        const pattern = row.pattern.replace(/[`\r\n]/g, "'").replaceAll("|", "\\|");
        const who = row.who.replace(/[\r\n]/g, " ").replace(/[\\|`*_<[\]@&~!]/g, "\\$&");
        return `| \`${pattern}\` | ${who} | ${COLUMNS.map((action) => cellOf(row, action, "–")).join(" | ")} |`;
    });
    return [
        `| repositories | who | ${COLUMNS.join(" | ")} |`,
        `|---|---|${COLUMNS.map(() => "---").join("|")}|`,
        ...lines,
        ...legendOf(rows),
    ].join("\n");
}
