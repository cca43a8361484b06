/** The table of docs/clients.md, and what is said where a client does otherwise. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import {
    differencesOf,
    documented,
    documentedVersions,
    type Row,
    type Seen,
    withRows,
} from "../../../testbed/clients/outcomes";

const root = resolve(__dirname, "../../..");
const page = readFileSync(resolve(root, "docs/clients.md"), "utf8");
const { clients, versionOf } = require("../../../testbed/clients/install.cjs") as {
    clients: { name: string; module?: string }[];
    versionOf(module: string): string;
};

const document = `Before.

| client | workflow | outcome | run again | what it says |
|---|---|---|---|---|
| a | push | done | safe | – |
| a | \`tag\` | done | **exit 1** | the reason |
| b | push | done | safe | – |

After.
`;
const row = (client: string, workflow: string, outcome = "done", again = "safe", says = "–"): Row => ({
    client,
    workflow,
    outcome,
    again,
    says,
});
const seen = (of: Row, zot: Seen["zot"] = "real"): Seen => ({ ...of, zot, transport: "TLS" });
const tag = row("a", "`tag`", "done", "**exit 1**", "the reason");

test("a document's table is read, and written as it was", () => {
    expect(documented(document)).toEqual([row("a", "push"), tag, row("b", "push")]);
    expect(
        withRows(
            document,
            documented(document).map((one) => seen(one)),
        ),
    ).toBe(document);
});

test("what was seen takes the place of a client's rows; those of clients that were not run stay", () => {
    const written = withRows(document, [
        seen(row("a", "pull")),
        seen(row("a", "pull"), "stand-in"),
        seen(row("c", "push")),
    ]);
    expect(documented(written)).toEqual([row("a", "pull"), row("b", "push"), row("c", "push")]);
    expect(written).toMatch(/^Before\.\n\n\|[\s\S]*\|\n\nAfter\.\n$/);
});

test("a difference is named: another cell, a workflow that is not there, and one that no longer is", () => {
    const other = row("a", "push", "**exit 1**", "–", "the reason");
    expect(differencesOf(documented(document), [seen(other, "stand-in"), seen(row("a", "pull"))])).toEqual([
        {
            client: "a",
            workflow: "push",
            where: "stand-in, TLS",
            documented: "done | safe | –",
            seen: "**exit 1** | – | the reason",
        },
        { client: "a", workflow: "pull", where: "real, TLS", documented: undefined, seen: "done | safe | –" },
        {
            client: "a",
            workflow: "`tag`",
            where: "nowhere",
            documented: "done | **exit 1** | the reason",
            seen: "no such workflow",
        },
    ]);
    expect(differencesOf(documented(document), [seen(row("a", "push")), seen(tag), seen(tag, "stand-in")])).toEqual([]);
});

test("the page gives the versions that are built", () => {
    const built = clients.flatMap(({ module }) => (module === undefined ? [] : [[module, versionOf(module).slice(1)]]));
    expect(documentedVersions(page)).toEqual(Object.fromEntries(built));
});

test("no row of the page is there twice, or holds what is of one run", () => {
    const rows = documented(page);
    expect(new Set(rows.map(({ client, workflow }) => `${client} ${workflow}`)).size).toBe(rows.length);
    for (const one of rows) expect(Object.values(one).join(" ")).not.toMatch(/\/tmp|127\.0\.0\.1|[0-9a-f]{32}/);
});
