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

/** The content of a cell: all of an action, some of it, or nothing. */
const cellOf = ({ actions }: Row, action: Action, nothing: string): string =>
    actions.includes(action) ? "yes" : actions.some((right) => right.startsWith(`${action} `)) ? "some" : nothing;

const limitsOf = ({ actions }: Row): Right[] => actions.filter((right) => right.includes(" "));

/** The meaning of "some", of keys with two patterns, and of a group without a row under a pattern. */
function legendOf(rows: readonly Row[], patternOf: (row: Row) => string, whoOf: (row: Row) => string): string[] {
    const limited = rows.filter((row) => limitsOf(row).length > 0);
    return [
        ...(limited.length > 0
            ? ["", "some: blobs and digests, and of tags", ...limitsInWords(limited, patternOf, whoOf)]
            : []),
        ...(rows.some(({ pattern }) => pattern.includes(" & "))
            ? [
                  "",
                  "a & b: repositories of a's rule that match b; one that several of a's rows match has what each gives",
              ]
            : []),
        ...(isUneven(rows)
            ? ["", "whoever is not listed under a pattern has the rights there of anyone logged in"]
            : []),
    ];
}

/** Whether someone has a row under one pattern and none under another. */
function isUneven(rows: readonly Row[]): boolean {
    const patterns = new Set(rows.map(({ pattern }) => pattern));
    return new Set(rows.map(({ who }) => who)).size * patterns.size > rows.length;
}

/** Each limit, with the rows that it holds for unless all have the same: what is true of one is nothing for another. */
function limitsInWords(
    limited: readonly Row[],
    patternOf: (row: Row) => string,
    whoOf: (row: Row) => string,
): string[] {
    const areAlike = (some: readonly Row[]) => new Set(some.map((row) => limitsOf(row).sort().join("\n"))).size < 2;
    const placeOf = (row: Row) =>
        areAlike(limited.filter(({ pattern }) => pattern === row.pattern))
            ? patternOf(row)
            : `${patternOf(row)} (${whoOf(row)})`;
    return [...new Set(limited.flatMap(limitsOf))].map((right) => {
        const places = new Set(limited.filter((row) => limitsOf(row).includes(right)).map(placeOf));
        return `  - ${right}${areAlike(limited) ? "" : `: ${[...places].join(", ")}`}`;
    });
}

/** A table of fixed width; a pattern appears once, above its rows. */
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
    return [
        line("repositories", "who", COLUMNS),
        ...lines,
        ...legendOf(
            rows,
            ({ pattern }) => pattern,
            ({ who }) => who,
        ),
    ].join("\n");
}

/** The same in Markdown, with complete rows, so the difference of two tables can be read alone. */
export function matrixMarkdown(matrix: AccessMatrix): string {
    const rows = rowsOf(matrix);
    const patternOf = ({ pattern }: Row) => `\`${pattern.replace(/[`\r\n]/g, "'")}\``;
    const whoOf = ({ who }: Row) => who.replace(/[\r\n]/g, " ").replace(/[\\|`*_<[\]@&~!]/g, "\\$&");
    const lines = rows.map((row) => {
        // Code in Markdown has no escapes, except for this one in a table cell.
        const pattern = patternOf(row).replaceAll("|", "\\|");
        return `| ${pattern} | ${whoOf(row)} | ${COLUMNS.map((action) => cellOf(row, action, "–")).join(" | ")} |`;
    });
    return [
        `| repositories | who | ${COLUMNS.join(" | ")} |`,
        `|---|---|${COLUMNS.map(() => "---").join("|")}|`,
        ...lines,
        ...legendOf(rows, patternOf, whoOf),
    ].join("\n");
}
