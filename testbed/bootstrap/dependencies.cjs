// The npm packages of package-lock.json in node_modules.
"use strict";
const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { oldest } = require("../../build/nodeVersion.cjs");
const { readJson, writeJson } = require("./cache.cjs");
const { onPath } = require("./commands.cjs");
const { Problem } = require("./problem.cjs");

/** In node_modules, so that it goes when they go. @param {string} root */
const stateFolder = (root) => path.join(root, "node_modules", ".cache", "zot-hardening");

/** @param {string} root */
const stampFile = (root) => path.join(stateFolder(root), "dependencies.json");

/** @param {string} root */
function lockHash(root) {
    return crypto
        .createHash("sha256")
        .update(fs.readFileSync(path.join(root, "package-lock.json")))
        .digest("hex");
}

/**
 * Whether node_modules holds what package-lock.json asks for: by our stamp, or where somebody else installed them, by
 * npm's own record.
 * @param {string} root
 */
function areInstalled(root) {
    const hash = lockHash(root);
    if (readJson(stampFile(root))?.lock === hash) return true;
    const wanted = readJson(path.join(root, "package-lock.json"))?.packages ?? {};
    const present = readJson(path.join(root, "node_modules", ".package-lock.json"))?.packages;
    if (!present) return false;
    for (const [place, described] of Object.entries(wanted)) {
        if (!place.startsWith("node_modules/") || described.optional) continue;
        const found = present[place];
        if (!found || found.version !== described.version || found.integrity !== described.integrity) return false;
    }
    markInstalled(root);
    return true;
}

/** @param {string} root */
function markInstalled(root) {
    writeJson(stampFile(root), { lock: lockHash(root) });
}

/**
 * How to run npm: as it was started where this is one of its scripts, else from PATH.
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ file: string, args: string[], env: NodeJS.ProcessEnv }}
 */
function npm(env) {
    /** @type {NodeJS.ProcessEnv} */
    const clean = {};
    for (const [name, value] of Object.entries(env)) {
        // What npm tells a script of the package it belongs to and of the arguments it was started with is not for
        // another npm.
        if (!/^npm_(package|lifecycle)_|^npm_config_(local_prefix|json|dry_run|ignore_scripts)$/i.test(name))
            clean[name] = value;
    }
    const running = env.npm_execpath;
    if (running && path.basename(running) === "npm-cli.js" && fs.existsSync(running)) {
        return { file: process.execPath, args: [running], env: clean };
    }
    const found = onPath("npm", env.PATH);
    if (!found)
        throw new Problem(
            `npm is not on PATH. It comes with Node: install Node ${oldest} or newer with npm and run the command again.`,
        );
    return { file: found, args: [], env: clean };
}

module.exports = { areInstalled, lockHash, markInstalled, npm, stateFolder };
