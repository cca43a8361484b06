// npm test: the tests and the type check, side by side, and a closing line that counts both. With --coverage also what
// the tests reach, part by part, which has to be no less than the floors where all of them ran.
"use strict";
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { readJson } = require("./cache.cjs");
const { cancelAll, foreground, run } = require("./commands.cjs");
const coverage = require("./coverage.cjs");
const pins = require("./pins.cjs");
const { Cancelled } = require("./problem.cjs");

/**
 * The parts of jest's report that are read here.
 * @typedef {object} Report
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {number} numRuntimeErrorTestSuites
 * @property {{ name: string, assertionResults: { status: string, ancestorTitles: string[], title: string }[] }[]}
 * testResults
 */

/** The folders whose types are checked: the project, and the plain JavaScript here by its doc comments. */
const typeChecked = [".", "testbed/bootstrap"];

/** Of npm test: a test that is skipped for want of something fails the run. */
const noneSkipped = "--none-skipped";

/**
 * @param {import("./parts.cjs").Toolchain} toolchain @param {string[]} args for jest @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} the exit code
 */
async function test(toolchain, args, env) {
    const node = toolchain.node.path;
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "zot-hardening-test-"));
    process.once("exit", () => fs.rmSync(scratch, { recursive: true, force: true }));
    // The tests run programs and load SDKs as they are compiled: those with a newer source are compiled first.
    const compile = `const c = require("./build/compile.cjs"); for (const p of c.programs()) c.compiled(p.source);`;
    const compiled = await foreground(node, ["-e", compile], { cwd: pins.root, env });
    if (compiled !== 0) return compiled;

    const types = checkTypes(node, env, path.join(scratch, "types.log"));
    const report = path.join(scratch, "report.json");
    const jest = path.join(pins.root, "node_modules", "jest", "bin", "jest.js");
    const counted = path.join(scratch, "coverage");
    const asked = args.flatMap((arg) =>
        arg === "--coverage"
            ? [...coverage.countArguments, `--coverageDirectory=${counted}`]
            : arg === noneSkipped
              ? []
              : [arg],
    );
    const exitCode = await foreground(node, [jest, ...asked, "--json", `--outputFile=${report}`], {
        cwd: pins.root,
        env,
    });
    if (exitCode > 128) {
        cancelAll();
        await types;
        return exitCode;
    }
    const typeErrors = await types;
    const { text, failures, skipped } = closing(readJson(report), typeErrors);
    const below = args.includes("--coverage") ? showCoverage(path.join(counted, "coverage-summary.json")) : [];
    process.stdout.write(text);
    const { code, because } = verdict({ exitCode, failures, skipped, below: below.length }, args);
    process.stdout.write(because);
    return code;
}

/**
 * How a run ends, by what came of it and what was asked for.
 * @param {{ exitCode: number, failures: number, skipped: number, below: number }} run `exitCode`: jest's; `below`: parts
 * below their floor
 * @param {string[]} args @returns {{ code: number, because: string }}
 */
function verdict({ exitCode, failures, skipped, below }, args) {
    if (exitCode !== 0) return { code: exitCode, because: "" };
    if (args.includes(noneSkipped) && skipped > 0)
        return { code: 1, because: `${skipped} skipped, and with ${noneSkipped} none may be.\n` };
    // A part of the tests reaches a part of the code.
    return { code: failures > 0 || (args.length === 1 && below > 0) ? 1 : 0, because: "" };
}

/** Prints the table. @param {string} file @returns {string[]} the parts below their floor; all where none was counted */
function showCoverage(file) {
    const { text, below } = coverage.table(coverage.rowsOf(readJson(file) ?? {}));
    process.stdout.write(`\n${text}\n`);
    return below;
}

/**
 * @param {string} node @param {NodeJS.ProcessEnv} env @param {string} log
 * @returns {Promise<string[]>} what TypeScript objects to
 */
async function checkTypes(node, env, log) {
    const compiler = path.join(pins.root, "node_modules", "typescript", "bin", "tsc");
    /** @type {string[]} */
    const errors = [];
    for (const project of typeChecked) {
        try {
            /** @type {string[]} */
            const said = [];
            const onLine = (/** @type {string} */ line) => void said.push(line);
            const result = await run(node, [compiler, "--noEmit", "-p", project], { cwd: pins.root, env, log, onLine });
            if (!result.ok) errors.push(...said);
        } catch (error) {
            if (error instanceof Cancelled) return errors;
            throw error;
        }
    }
    return errors;
}

/** The reason that a skipped test, or a group it is in, has in its name. @param {string[]} titles */
function reasonIn(titles) {
    for (const title of titles) {
        const found = /\[skipped: (.+)\]$/.exec(title);
        if (found) return found[1];
    }
    return undefined;
}

/**
 * Names of skipped tests, by the reason.
 * @param {Report | undefined} report
 */
function skippedBy(report) {
    /** @type {Map<string, string[]>} */
    const skipped = new Map();
    for (const file of report?.testResults ?? []) {
        for (const result of file.assertionResults) {
            if (result.status !== "pending" && result.status !== "todo") continue;
            const titles = [...result.ancestorTitles, result.title];
            const reason = result.status === "todo" ? "not written yet" : (reasonIn(titles) ?? "");
            const shown = titles.map((title) => title.replace(/ \[skipped: .+\]$/, "")).join(" › ");
            const name = `${path.relative(pins.root, file.name)}: ${shown}`;
            skipped.set(reason, [...(skipped.get(reason) ?? []), name]);
        }
    }
    return skipped;
}

/**
 * What is printed after jest's own summary.
 * @param {Report | undefined} report @param {string[]} typeErrors
 * @returns {{ text: string, failures: number, skipped: number }}
 */
function closing(report, typeErrors) {
    const lines = [""];
    for (const [reason, names] of skippedBy(report)) {
        // Without a mark, the name tells the reason in its own way.
        lines.push(reason ? `Skipped, ${reason}:` : "Skipped:", ...names.map((name) => `    ${name}`));
    }
    if (typeErrors.length > 0) lines.push("Types:", ...typeErrors.map((line) => `    ${line}`));
    else lines.push("Types: no errors");
    // The type check counts as one test, and so does a file of tests that could not be loaded.
    const passed = (report?.numPassedTests ?? 0) + (typeErrors.length > 0 ? 0 : 1);
    const failures =
        (report?.numFailedTests ?? 0) +
        (report?.numRuntimeErrorTestSuites ?? 0) +
        (typeErrors.length > 0 ? 1 : 0) +
        (report ? 0 : 1);
    const pending = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
    lines.push(`${passed} passed, ${failures} failed, ${pending} skipped`, "");
    return { text: lines.join("\n"), failures, skipped: pending };
}

module.exports = { closing, reasonIn, test, verdict };
