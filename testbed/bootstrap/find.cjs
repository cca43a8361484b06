// What is on this machine already. Nothing here installs, and all of it together takes milliseconds: it runs before
// every command.
"use strict";
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { readJson, writeJson } = require("./cache.cjs");
const { tooOld } = require("../../build/nodeVersion.cjs");
const { firstLine, isExecutable, onPath } = require("./commands.cjs");
const pins = require("./pins.cjs");

/** @typedef {import("./parts.cjs").Executable} Executable */
/** @typedef {import("./parts.cjs").Plugin} Plugin */
/** @typedef {import("./parts.cjs").PulumiCli} PulumiCli */

/** Where parts are put in the cache. @param {string} cache @param {NodeJS.ProcessEnv} [env] */
function places(cache, env = process.env) {
    const under = (/** @type {string} */ name) => path.join(cache, `${name}-${pins.platform}`);
    const nodePin = path.join(pins.toolchainFolder, "node");
    // By its checksum, so that what was downloaded with another one, or none, is not used.
    const official = (/** @type {string} */ name, /** @type {pins.Official} */ { sha256 }) =>
        sha256 && `${under(name)}-official-${sha256.slice(0, 8)}`;
    return {
        node: `${under("node")}-${pins.fingerprint(nodePin)}`,
        pulumi: {
            official: official(`pulumi-${pins.pulumi.version}`, pins.pulumi.official),
            built: `${under(`pulumi-${pins.pulumi.version}`)}-${pins.fingerprint(pins.pulumi.module)}`,
        },
        random: {
            official: official(`resource-random-${pins.random.version}`, pins.random.official),
            built: `${under(`resource-random-${pins.random.version}`)}-${pins.fingerprint(pins.random.module)}`,
        },
        command: { official: official(`resource-command-${pins.command.version}`, pins.command.official) },
        zot: { official: official(`zot-${pins.zot(env).version}`, pins.zot(env).official) },
        /** When and why the official downloads could not be reached. */
        unreachable: path.join(cache, "unreachable.json"),
        /** The same of zot's, which are elsewhere. */
        zotUnreachable: path.join(cache, "zot-unreachable.json"),
        /** Versions of CLIs found on PATH: asking one takes longer than all the rest. */
        versions: path.join(cache, "versions.json"),
    };
}

/** The binary of the npm package with Node, in the folder it was installed to. @param {string} folder */
function nodeBinary(folder) {
    return path.join(folder, "node_modules", pins.node.packages[pins.platform] ?? "", "bin", "node");
}

/**
 * The running Node if it is new enough, else the one in the cache. @param {string} cache @returns {Executable |
 * undefined}
 */
function findNode(cache) {
    if (!tooOld()) {
        return { path: process.execPath, version: process.versions.node, source: "installed" };
    }
    const binary = nodeBinary(places(cache).node);
    const described = readJson(path.join(binary, "..", "..", "package.json"));
    return described && isExecutable(binary)
        ? { path: binary, version: described.version, source: "npm package" }
        : undefined;
}

/**
 * Whether a version of the CLI does: the pinned one or a newer one of the same major version. @param {string} version
 * as "3.259.0"
 */
function suits(version) {
    const found = /^(\d+)\.(\d+)\.(\d+)$/.exec(version);
    if (!found) return false;
    const [major, minor, patch] = pins.pulumi.version.split(".").map(Number);
    const [, foundMajor, foundMinor, foundPatch] = found.map(Number);
    if (foundMajor !== major) return false;
    return Number(foundMinor) > Number(minor) || (foundMinor === minor && Number(foundPatch) >= Number(patch));
}

/**
 * The version of a CLI, remembered for as long as the file is the same.
 * @param {string} file @param {string} memory the file to remember it in
 */
function versionOf(file, memory) {
    const real = fs.realpathSync(file);
    const status = fs.statSync(real);
    const key = `${real} ${status.size} ${status.mtimeMs}`;
    const known = readJson(memory) ?? {};
    if (typeof known[real]?.version === "string" && known[real].key === key) return known[real].version;
    const version = firstLine(file, ["version"], { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" })?.replace(
        /^v/,
        "",
    );
    if (version !== undefined) writeJson(memory, { ...known, [real]: { key, version } });
    return version;
}

/** @param {string} pulumi @param {NodeJS.ProcessEnv} env */
function hasLanguageHost(pulumi, env) {
    const beside = path.join(path.dirname(fs.realpathSync(pulumi)), "pulumi-language-nodejs");
    return isExecutable(beside) || onPath("pulumi-language-nodejs", env.PATH) !== undefined;
}

/**
 * The CLI: on PATH in a version that suits, else in the cache. @param {string} cache @param {NodeJS.ProcessEnv} env
 * @returns {PulumiCli | undefined}
 */
function findPulumi(cache, env) {
    const { pulumi, versions } = places(cache);
    const there = onPath("pulumi", env.PATH);
    // A command started by one of ours finds the cache's CLI on PATH.
    if (there && !isBelow(cache, there)) {
        const version = versionOf(there, versions);
        if (version && suits(version)) {
            return {
                path: there,
                version,
                kind: "official",
                source: "on PATH",
                languageHost: hasLanguageHost(there, env),
            };
        }
    }
    /** @type {[string | undefined, PulumiCli["kind"], string][]} */
    const cached = [
        [pulumi.official, "official", "official download"],
        [pulumi.built, "built from its Go module", "built here"],
    ];
    for (const [folder, kind, source] of cached) {
        if (!folder) continue;
        const file = path.join(folder, "pulumi");
        if (isExecutable(file)) {
            return { path: file, version: pins.pulumi.version, kind, source, languageHost: hasLanguageHost(file, env) };
        }
    }
    return undefined;
}

/** @param {string} folder @param {string} file */
function isBelow(folder, file) {
    try {
        return fs.realpathSync(file).startsWith(fs.realpathSync(folder) + path.sep);
    } catch {
        return false;
    }
}

/**
 * A plugin that is the project's own: installed for Pulumi, on PATH, or in the cache.
 * @param {string} cache @param {pins.PluginPin} pin @param {NodeJS.ProcessEnv} env @returns {Plugin | undefined}
 */
function findPlugin(cache, pin, env) {
    const executable = `pulumi-resource-${pin.name}`;
    const home = env.PULUMI_HOME ?? path.join(os.homedir(), ".pulumi");
    const plugin = { name: pin.name, version: pin.version };
    const installed = path.join(home, "plugins", `resource-${pin.name}-v${pin.version}`);
    if (isExecutable(path.join(installed, executable)))
        return { ...plugin, kind: "official", source: "installed", folder: installed };
    const there = onPath(executable, env.PATH);
    if (there)
        return { ...plugin, kind: "official", source: "on PATH, version not checked", folder: path.dirname(there) };

    const { command, random } = places(cache);
    const official = (pin.name === "random" ? random : command).official;
    if (official && isExecutable(path.join(official, executable)))
        return { ...plugin, kind: "official", source: "official download", folder: official };
    if (pin.name === "random" && isExecutable(path.join(random.built, executable))) {
        return { ...plugin, kind: "built from its Go module", source: "built here", folder: random.built };
    }
    return undefined;
}

/**
 * A real zot: the one of ZOT, on PATH, or the release in the cache. Path, or undefined.
 * @param {string} cache @param {NodeJS.ProcessEnv} env
 */
function findZot(cache, env) {
    if (env.ZOT) return path.resolve(env.ZOT);
    const folder = places(cache, env).zot.official;
    const cached = folder && path.join(folder, "zot");
    return onPath("zot", env.PATH) ?? (cached && isExecutable(cached) ? cached : undefined);
}

/** The stand-in for the plugin `command`. @returns {Plugin} */
function commandStandIn() {
    const { name, standIn, version } = pins.command;
    return { name, version, kind: "stand-in", source: path.relative(pins.root, standIn), folder: standIn };
}

/**
 * For how long it is not tried again whether the official downloads can be reached, where there is something to go on
 * with.
 */
const unreachableForMilliseconds = 24 * 3_600_000;

/**
 * Why the official downloads could not be reached lately; undefined if that was not tried or is long ago. @param
 * {string} cache @param {"unreachable" | "zotUnreachable"} [which]
 */
function lastUnreachable(cache, which = "unreachable") {
    const last = readJson(places(cache)[which]);
    const age = Date.now() - Number(last?.at);
    return age >= 0 && age < unreachableForMilliseconds ? String(last.reason) : undefined;
}

module.exports = {
    commandStandIn,
    findNode,
    findPlugin,
    findPulumi,
    findZot,
    lastUnreachable,
    nodeBinary,
    places,
    suits,
};
