/** The access matrix for people. */
import { matrixMarkdown, matrixTable } from "../../cli/shared/matrixText";

const matrix = {
    "**": { anonymous: ["read" as const], "group a|b": ["read" as const, "update" as const] },
    "a-long-pattern/of/repositories/**": { anonymous: [] },
};

test("a table of fixed width, each pattern written once", () => {
    expect(matrixTable(matrix)).toBe(
        [
            "repositories                       who        read    create  update  delete",
            "**                                 anonymous  yes     -       -       -",
            "                                   group a|b  yes     -       yes     -",
            "a-long-pattern/of/repositories/**  anonymous  -       -       -       -",
        ].join("\n"),
    );
});

test("a table in Markdown, in which a group's name does no harm", () => {
    expect(matrixMarkdown(matrix).split("\n").slice(2)).toEqual([
        "| `**` | anonymous | yes | – | – | – |",
        "| `**` | group a\\|b | yes | – | yes | – |",
        "| `a-long-pattern/of/repositories/**` | anonymous | – | – | – | – |",
    ]);
});
