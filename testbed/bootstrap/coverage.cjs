// What the tests reach, a row for each part of the product, and the floor under each. Counted is what runs in the
// tests' own process: what they start as programs (the engine's side, providers over gRPC, whole commands) is not.
"use strict";
const path = require("node:path");
const pins = require("./pins.cjs");

/**
 * What jest's reporter `json-summary` says of a file.
 * @typedef {Record<string, { statements: { total: number, covered: number } }>} Summary by absolute path, and `total`
 */
/** @typedef {{ part: string, covered: number, total: number, percent: number, floor: number }} Row in statements */

/**
 * The least share of statements that the tests have to reach in a part, in percent. A part is a folder of the
 * product; what stands in a deeper one counts there alone. Floors only rise.
 * @type {Record<string, number>}
 */
const floors = {
    build: 54,
    clients: 89,
    components: 94,
    "providers/authentik": 90,
    // The rest is reached in the engine, by providers that run as programs.
    "providers/protocol": 24,
    "providers/zot": 89,
    // Each command is run as a program, too.
    cli: 69,
};

/** jest's arguments that have it count. */
const countArguments = [
    "--coverage",
    "--coverageProvider=babel",
    "--coverageReporters=json-summary",
    ...Object.keys(floors).map((part) => `--collectCoverageFrom=${part}/**/*.{ts,cjs}`),
];

/**
 * @param {Summary} summary
 * @param {string} [root] the project's folder
 * @param {Record<string, number>} [least] the floors, by part
 * @returns {Row[]} in the order of the floors
 */
function rowsOf(summary, root = pins.root, least = floors) {
    const rows = Object.entries(least).map(([part, floor]) => ({ part, covered: 0, total: 0, percent: 0, floor }));
    for (const [file, { statements }] of Object.entries(summary)) {
        const relative = path.relative(root, file).split(path.sep).join("/");
        const row = rows.find(({ part }) => relative.startsWith(`${part}/`));
        if (!row) continue;
        row.covered += statements.covered;
        row.total += statements.total;
    }
    // Rounded down: what is shown as the floor is the floor.
    for (const row of rows) row.percent = Math.floor((1000 * row.covered) / Math.max(row.total, 1)) / 10;
    return rows;
}

/**
 * @param {Row[]} rows
 * @returns {{ text: string, below: string[] }} a table, and the parts below their floor
 */
function table(rows) {
    const below = rows.filter(({ percent, floor }) => percent < floor).map(({ part }) => part);
    const cells = rows.map(({ part, percent, floor }) => [part, `${percent.toFixed(1)} %`, `${floor} %`]);
    const text = [["Coverage", "reached", "floor"], ...cells]
        .map(([part = "", reached = "", floor = ""]) => `${part.padEnd(22)}${reached.padStart(9)}${floor.padStart(8)}`)
        .map((line, index) => (below.includes(rows[index - 1]?.part ?? "") ? `${line}  below its floor` : line))
        .join("\n");
    return { text, below };
}

module.exports = { countArguments, floors, rowsOf, table };
