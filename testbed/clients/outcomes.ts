/**
 * The observed behaviour of clients, one row for each workflow; and the table of docs/clients.md, which documents it.
 */

/** A workflow of a client, and its outcome. */
export interface Row {
    client: string;
    workflow: string;
    /** `done`, `done, sends nothing`, or the exit code. */
    outcome: string;
    /** The outcome of a second run with the same input; `–` if there was none. */
    again: string;
    /** What the client showed if it was refused, or else what can be observed. */
    says: string;
}

/** A row, and where it was observed. */
export interface Seen extends Row {
    zot: "stand-in" | "real";
    transport: "http" | "TLS";
}

/** Where a client is not as the document has it. */
export interface Difference {
    client: string;
    workflow: string;
    /** On which registry, and over which protocol. */
    where: string;
    /** The cells of the document; undefined if it has no such row. */
    documented: string | undefined;
    seen: string;
}

const HEADER = "| client | workflow | outcome | run again | what it says |";
const RULE = "|---|---|---|---|---|";

/** The version that a document gives of a client that is a Go module. */
const VERSION = /^\| ([^|]+) \| ([^|]+) \| Go module `([^`]+)` \|$/gm;

/** The table of a document. */
export function documented(document: string): Row[] {
    const [, after] = document.split(`${HEADER}\n${RULE}\n`);
    if (after === undefined) throw new Error(`docs/clients.md has no table with the header ${HEADER}`);
    return after
        .split(/\n(?!\|)/)[0]!
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => {
            const [client = "", workflow = "", outcome = "", again = "", says = ""] = line.slice(2, -2).split(" | ");
            return { client, workflow, outcome, again, says };
        });
}

/** The version that a document gives of each client, by its Go module. */
export const documentedVersions = (document: string): Record<string, string> =>
    Object.fromEntries([...document.matchAll(VERSION)].map(([, , version, module]) => [module!, version!]));

const cellsOf = ({ outcome, again, says }: Row): string => [outcome, again, says].join(" | ");
const isOf =
    ({ client, workflow }: Row) =>
    (row: Row): boolean =>
        row.client === client && row.workflow === workflow;

/** Every observed row that differs from the document, and every row of these clients that the document has too many. */
export function differencesOf(rows: readonly Row[], seen: readonly Seen[]): Difference[] {
    const found = seen.flatMap((row) => {
        const there = rows.find(isOf(row));
        if (there && cellsOf(there) === cellsOf(row)) return [];
        const { client, workflow, zot, transport } = row;
        return [
            {
                client,
                workflow,
                where: `${zot}, ${transport}`,
                documented: there && cellsOf(there),
                seen: cellsOf(row),
            },
        ];
    });
    const ran = new Set(seen.map(({ client }) => client));
    const unseen = rows
        .filter((row) => ran.has(row.client) && !seen.some(isOf(row)))
        .map((row) => ({
            client: row.client,
            workflow: row.workflow,
            where: "nowhere",
            documented: cellsOf(row),
            seen: "no such workflow",
        }));
    return [...found, ...unseen];
}

/** The document, with the observed rows instead of its own rows for these clients; rows for other clients stay. */
export function withRows(document: string, seen: readonly Seen[]): string {
    const rows = documented(document);
    const clients = [...new Set([...rows, ...seen].map(({ client }) => client))];
    const lines = clients.flatMap((client) => {
        const ofClient = seen.filter((row) => row.client === client);
        const first = ofClient.filter((row, index) => ofClient.findIndex(isOf(row)) === index);
        return (first.length > 0 ? first : rows.filter((row) => row.client === client)).map(lineOf);
    });
    const before = document.split(`${HEADER}\n${RULE}\n`)[0]!;
    const after = document.slice(before.length).split(/\n(?!\|)/);
    return `${before}${[HEADER, RULE, ...lines].join("\n")}\n${after.slice(1).join("\n")}`;
}

export const lineOf = ({ client, workflow, outcome, again, says }: Row): string =>
    `| ${[client, workflow, outcome, again, says].join(" | ")} |`;
