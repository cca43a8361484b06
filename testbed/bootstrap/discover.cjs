// Puts together what the commands run with, and hands it on.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { oldest } = require("../../build/nodeVersion.cjs");
const { cacheFolder, ownCache, writeJson } = require("./cache.cjs");
const { stateFolder } = require("./dependencies.cjs");
const { commandStandIn, findNode, findPlugin, findPulumi } = require("./find.cjs");
const pins = require("./pins.cjs");

/** @typedef {import("./parts.cjs").Toolchain} Toolchain */

/** Names the file that holds the toolchain, for the commands that run.cjs starts. */
const variable = "ZOT_HARDENING_TOOLCHAIN";

/**
 * @param {string} cache @param {NodeJS.ProcessEnv} env @returns {Omit<Toolchain, "bin"> | string} what is missing, else
 * all of it
 */
function find(cache, env) {
    const node = findNode(cache);
    const pulumi = findPulumi(cache, env);
    const random = findPlugin(cache, pins.random, env);
    const command = findPlugin(cache, pins.command, env) ?? commandStandIn();
    if (!node) return `Node ${oldest} or newer`;
    if (!pulumi) return `the Pulumi CLI ${pins.pulumi.version}`;
    if (!random) return `the Pulumi plugin random ${pins.random.version}`;
    return { node, pulumi, plugins: { command, random } };
}

/**
 * Finds the toolchain and makes the folder with `node` and `pulumi` for PATH.
 * @param {NodeJS.ProcessEnv} env @returns {Toolchain | string} what is missing
 */
function discover(env) {
    const cache = cacheFolder(env);
    ownCache(cache);
    const found = find(cache, env);
    if (typeof found === "string") return found;
    const bin = path.join(stateFolder(pins.root), "bin");
    fs.mkdirSync(bin, { recursive: true });
    pointTo(path.join(bin, "node"), found.node.path);
    pointTo(path.join(bin, "pulumi"), found.pulumi.path);
    return { ...found, bin };
}

/**
 * A symbolic link, changed in one step: another command may be using it. @param {string} link @param {string} target
 */
function pointTo(link, target) {
    try {
        if (fs.readlinkSync(link) === target) return;
    } catch {
        // There is none yet.
    }
    const temporary = `${link}.${process.pid}.tmp`;
    fs.rmSync(temporary, { force: true });
    fs.symlinkSync(target, temporary);
    fs.renameSync(temporary, link);
}

/**
 * Writes a toolchain where the commands that are started find it. @param {Toolchain} toolchain @returns {string} the
 * file
 */
function writeToolchain(toolchain) {
    const file = path.join(stateFolder(pins.root), "toolchain.json");
    writeJson(file, toolchain);
    return file;
}

module.exports = { discover, variable, writeToolchain };
