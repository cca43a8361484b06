// Checks the version of Node against `engines` in package.json.
// As a program, node build/nodeVersion.cjs, it exits with 1 if this Node is too old.
"use strict";
const { engines } = require("../package.json");

/** The oldest supported Node, such as "22.9". */
const oldest = engines.node.replace(/^>=/, "");

/** @param {string} version @returns {[number, number]} major and minor */
function parts(version) {
    const [major = 0, minor = 0] = version.split(".").map(Number);
    return [major, minor];
}

/**
 * @param {string} [version] as in process.versions.node, for example "20.19.0"
 * @returns {string | undefined} the problem in a sentence; undefined if the version is supported
 */
function tooOld(version = process.versions.node) {
    const [major, minor] = parts(version);
    const [oldestMajor, oldestMinor] = parts(oldest);
    if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined;
    return `This is Node ${version}; ${oldest} or newer is needed.`;
}

/** Warns on standard error if this Node is older than the tested ones. Does not stop: an older one may work. */
function warnWhereTooOld() {
    const problem = tooOld();
    if (problem) process.stderr.write(`${problem} Install it; with this version, what follows is not tested.\n`);
}

module.exports = { oldest, tooOld, warnWhereTooOld };

if (require.main === module) {
    const problem = tooOld();
    if (problem) process.stderr.write(`${problem}\n`);
    process.exitCode = problem ? 1 : 0;
}
