import * as fs from "node:fs";
import * as path from "node:path";

type Row = { part: string; covered: number; total: number; percent: number; floor: number };
const { floors, rowsOf, table } = require("../../../testbed/bootstrap/coverage.cjs") as {
    floors: Record<string, number>;
    rowsOf(summary: unknown, root?: string, least?: Record<string, number>): Row[];
    table(rows: Row[]): { text: string; below: string[] };
};
const { root } = require("../../../testbed/bootstrap/pins.cjs") as { root: string };

const file = (total: number, covered: number) => ({ statements: { total, covered } });

test("a part's share is that of all its files, rounded down, and files of no part do not count", () => {
    const summary = {
        total: file(1100, 900),
        "/project/cli/matrix.ts": file(100, 100),
        "/project/cli/verify/check.ts": file(900, 799),
        "/project/client.ts": file(100, 1),
    };
    expect(rowsOf(summary, "/project", { cli: 90, clients: 10 })).toEqual([
        { part: "cli", covered: 899, total: 1000, percent: 89.9, floor: 90 },
        { part: "clients", covered: 0, total: 0, percent: 0, floor: 10 },
    ]);
});

test("a part below its floor is named, and one on it is not", () => {
    const rows = [
        { part: "cli", covered: 899, total: 1000, percent: 89.9, floor: 90 },
        { part: "components", covered: 9, total: 10, percent: 90, floor: 90 },
    ];
    const { text, below } = table(rows);
    expect(below).toEqual(["cli"]);
    expect(text.split("\n")).toEqual([
        "Coverage                reached   floor",
        "cli                      89.9 %    90 %  below its floor",
        "components               90.0 %    90 %",
    ]);
});

test("every part with a floor is a folder of the product, and every folder of its TypeScript has a floor", () => {
    for (const part of Object.keys(floors)) expect(fs.existsSync(path.join(root, part))).toBe(true);
    const parts = Object.keys(floors).map((part) => part.split("/")[0]);
    const outside = ["sdks", "testbed", "tests", "node_modules", "dist", "docs", "findings", "host", "coverage"];
    const folders = fs
        .readdirSync(root, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && !outside.includes(entry.name))
        .map(({ name }) => name);
    expect([...new Set(parts)].sort()).toEqual(folders.sort());
    const providers = fs.readdirSync(path.join(root, "providers"), { withFileTypes: true });
    for (const { name } of providers.filter((entry) => entry.isDirectory())) {
        expect(floors).toHaveProperty([`providers/${name}`]);
    }
});
