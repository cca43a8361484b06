// What the demo, the tests and the bench stand on, as run.cjs found or installed it. Types: toolchain.d.cts,
// parts.d.cts.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { cacheFolder, readJson } = require("./cache.cjs");
const { isExecutable, onPath } = require("./commands.cjs");
const { discover, variable } = require("./discover.cjs");
const { findZot } = require("./find.cjs");
const pins = require("./pins.cjs");
const { Problem } = require("./problem.cjs");

/** @typedef {import("./toolchain.cjs").Machine} Machine */
/** @typedef {import("./parts.cjs").Toolchain} Toolchain */

/** @param {NodeJS.ProcessEnv} [env] */
function findToolchain(env = process.env) {
    const file = env[variable];
    /** @type {Toolchain | undefined} */
    const written = file ? readJson(file) : undefined;
    const found = written && fs.existsSync(written.pulumi.path) ? written : discover(env);
    return typeof found === "string"
        ? { toolchain: undefined, reason: `${found} is not installed; npm test installs it` }
        : { toolchain: found, reason: undefined };
}

/** @param {NodeJS.ProcessEnv} [env] @returns {Toolchain} */
function readToolchain(env = process.env) {
    const { toolchain, reason } = findToolchain(env);
    if (!toolchain) throw new Problem(`${reason}, and so do npm run demo and npm run bench.`);
    return toolchain;
}

/** @param {string} name @param {NodeJS.ProcessEnv} [env] */
function findExecutable(name, env = process.env) {
    return onPath(
        name,
        `${env.PATH ?? ""}${path.delimiter}/usr/local/sbin${path.delimiter}/usr/sbin${path.delimiter}/sbin`,
    );
}

/** @param {NodeJS.ProcessEnv} [env] @returns {Machine} */
function readMachine(env = process.env) {
    if (env.ZOT && !isExecutable(env.ZOT))
        throw new Problem(`ZOT is ${env.ZOT}, which is no executable file. Name the zot binary, or unset it.`);
    const zot = findZot(cacheFolder(env), env);
    return {
        zot: zot
            ? { path: zot, kind: "real" }
            : { path: path.join(pins.root, "testbed", "zot", "zot"), kind: "stand-in" },
        sshd: findExecutable("sshd", env),
        authentik: env.AUTHENTIK_URL && env.AUTHENTIK_TOKEN ? "real" : "stand-in",
    };
}

/** @param {Toolchain} toolchain @param {NodeJS.ProcessEnv} [env] @returns {NodeJS.ProcessEnv} */
function toolchainEnvironment(toolchain, env = process.env) {
    const before = (env.PATH ?? "").split(path.delimiter).filter((folder) => folder !== toolchain.bin);
    return {
        ...env,
        PATH: [toolchain.bin, ...before].join(path.delimiter),
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    };
}

/** @param {string} name @param {string | undefined} reason */
function skippable(name, reason) {
    return reason ? `${name} [skipped: ${reason}]` : name;
}

module.exports = { findExecutable, findToolchain, readMachine, readToolchain, skippable, toolchainEnvironment };
