// Which Node this project needs: package.json says it (`engines`), as its packages do, and this checks it.
// As a program, node build/nodeVersion.cjs, it ends with 1 where this Node is older.
"use strict";
const { engines } = require("../package.json");

/** The oldest major version of Node, for example 22. */
const oldestMajor = Number.parseInt(engines.node.replace(/^>=/, ""), 10);

/**
 * @param {string} [version] as process.versions.node has it, for example "20.19.0"
 * @returns {string | undefined} what is wrong with it, in a sentence; undefined for one that will do
 */
function tooOld(version = process.versions.node) {
    if (Number.parseInt(version, 10) >= oldestMajor) return undefined;
    return `This is Node ${version}; ${oldestMajor} or newer is needed.`;
}

/** Says on standard error that this Node is older than what is tested. The work goes on: an older one may do. */
function warnWhereTooOld() {
    const problem = tooOld();
    if (problem) process.stderr.write(`${problem} Install it; with this one, what follows is not tested.\n`);
}

module.exports = { oldestMajor, tooOld, warnWhereTooOld };

if (require.main === module) {
    const problem = tooOld();
    if (problem) process.stderr.write(`${problem}\n`);
    process.exitCode = problem ? 1 : 0;
}
