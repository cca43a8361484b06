/** The access matrix for people. */
import { matrixMarkdown, matrixTable } from "../../cli/shared/matrixText";

const matrix = {
    "**": { anonymous: ["read" as const], "group a|b": ["read" as const, "update" as const] },
    "a-long-pattern/of/repositories/**": { anonymous: [], "group a|b": [] },
};

test("a table of fixed width, each pattern written once", () => {
    expect(matrixTable(matrix)).toBe(
        [
            "repositories                       who        read    create  update  delete",
            "**                                 anonymous  yes     -       -       -",
            "                                   group a|b  yes     -       yes     -",
            "a-long-pattern/of/repositories/**  anonymous  -       -       -       -",
            "                                   group a|b  -       -       -       -",
        ].join("\n"),
    );
});

test("a table in Markdown, in which a group's name does no harm", () => {
    expect(matrixMarkdown(matrix).split("\n").slice(2)).toEqual([
        "| `**` | anonymous | yes | – | – | – |",
        "| `**` | group a\\|b | yes | – | yes | – |",
        "| `a-long-pattern/of/repositories/**` | anonymous | – | – | – | – |",
        "| `a-long-pattern/of/repositories/**` | group a\\|b | – | – | – | – |",
    ]);
});

test("says what holds for a group that has no row under a pattern", () => {
    const uneven = { "**": { anonymous: [] }, "team/**": { anonymous: [], "group team": ["create" as const] } };
    const sentence = "whoever is not listed under a pattern has the rights there of anyone logged in";
    for (const text of [matrixTable, matrixMarkdown]) {
        expect(text(uneven).split("\n\n")[1]).toBe(sentence);
        expect(text(matrix)).not.toContain(sentence);
    }
});

describe("what some stands for", () => {
    const [nightly, latest] = ["update of tags like nightly", "update of tags like latest"] as const;
    const legend = (text: string) => text.split("\n\n")[1]!.split("\n");

    test("is said for the rows that it holds for: a tag that moves in one place stays in another", () => {
        const apart = {
            "**": { anonymous: ["read" as const], "group ci": ["read" as const, nightly] },
            "** & team/{a|b}": { "group ci": ["read" as const, nightly, latest] },
        };
        expect(legend(matrixTable(apart))).toEqual([
            "some: blobs and digests, and of tags",
            "  - update of tags like nightly: **, ** & team/{a|b}",
            "  - update of tags like latest: ** & team/{a|b}",
        ]);
        expect(legend(matrixMarkdown(apart))).toEqual([
            "some: blobs and digests, and of tags",
            "  - update of tags like nightly: `**`, `** & team/{a|b}`",
            "  - update of tags like latest: `** & team/{a|b}`",
        ]);
    });

    test("names who as well, where those of one pattern differ", () => {
        const apart = {
            "**": { "group ci": [nightly], "group a*b": [nightly, latest], "group admins": ["update" as const] },
            "team/**": { "group ci": [nightly], "group a*b": [nightly] },
        };
        expect(legend(matrixTable(apart)).slice(1)).toEqual([
            "  - update of tags like nightly: ** (group ci), ** (group a*b), team/**",
            "  - update of tags like latest: ** (group a*b)",
        ]);
        expect(legend(matrixMarkdown(apart)).slice(1)).toEqual([
            "  - update of tags like nightly: `**` (group ci), `**` (group a\\*b), `team/**`",
            "  - update of tags like latest: `**` (group a\\*b)",
        ]);
    });

    test("is said once, where it is the same everywhere", () => {
        const alike = {
            "**": { anonymous: ["read" as const], "group ci": [nightly, latest] },
            "team/**": { "group ci": [latest, nightly] },
        };
        expect(legend(matrixTable(alike)).slice(1)).toEqual([`  - ${nightly}`, `  - ${latest}`]);
        expect(legend(matrixMarkdown(alike)).slice(1)).toEqual([`  - ${nightly}`, `  - ${latest}`]);
    });
});
