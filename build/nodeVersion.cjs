// Which Node this project needs: package.json says it (`engines`), as its packages do, and this checks it.
// As a program, node build/nodeVersion.cjs, it ends with 1 where this Node is older.
"use strict";
const { engines } = require("../package.json");

/** The oldest Node that will do, as "22.9". */
const oldest = engines.node.replace(/^>=/, "");

/** @param {string} version @returns {[number, number]} major and minor */
function parts(version) {
    const [major = 0, minor = 0] = version.split(".").map(Number);
    return [major, minor];
}

/**
 * @param {string} [version] as process.versions.node has it, for example "20.19.0"
 * @returns {string | undefined} what is wrong with it, in a sentence; undefined for one that will do
 */
function tooOld(version = process.versions.node) {
    const [major, minor] = parts(version);
    const [oldestMajor, oldestMinor] = parts(oldest);
    if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined;
    return `This is Node ${version}; ${oldest} or newer is needed.`;
}

/** Says on standard error that this Node is older than what is tested. The work goes on: an older one may do. */
function warnWhereTooOld() {
    const problem = tooOld();
    if (problem) process.stderr.write(`${problem} Install it; with this one, what follows is not tested.\n`);
}

module.exports = { oldest, tooOld, warnWhereTooOld };

if (require.main === module) {
    const problem = tooOld();
    if (problem) process.stderr.write(`${problem}\n`);
    process.exitCode = problem ? 1 : 0;
}
