// The clients of `npm run clients` that a machine lacks: built from their Go modules, or Debian's packages.
"use strict";
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { cacheFolder, install, lock, ownCache } = require("../bootstrap/cache.cjs");
const { isExecutable, onPath } = require("../bootstrap/commands.cjs");
const { buildIn, sourceOf } = require("../bootstrap/goModule.cjs");
const { findGo } = require("../bootstrap/install.cjs");
const pins = require("../bootstrap/pins.cjs");
const { Problem } = require("../bootstrap/problem.cjs");
const { createProgress } = require("../bootstrap/progress.cjs");

/** Names the modules with their checksums; each pins its own dependencies. */
const pin = path.join(pins.toolchainFolder, "clients");

/**
 * A client as docs/clients.md has it.
 * @typedef {object} Client
 * @property {string} name
 * @property {Record<string, string>} [programs] to be built: the package of each, in its module
 * @property {string} [module]
 * @property {string[]} [onPath] to be on the PATH
 * @property {string} [debian] Debian's packages that bring these
 * @property {number} [seconds] of processor time that it takes to build, with nothing cached
 */

/** @type {Client[]} */
const clients = [
    { name: "skopeo", onPath: ["skopeo"], debian: "skopeo" },
    { name: "buildah", onPath: ["buildah"], debian: "buildah" },
    { name: "podman", onPath: ["podman"], debian: "podman" },
    { name: "docker, with its daemon", onPath: ["docker", "dockerd"], debian: "docker.io" },
    { name: "containerd, by ctr", onPath: ["ctr", "containerd"], debian: "containerd" },
    {
        name: "crane",
        module: "github.com/google/go-containerregistry",
        programs: { crane: "./cmd/crane" },
        seconds: 60,
    },
    { name: "regctl", module: "github.com/regclient/regclient", programs: { regctl: "./cmd/regctl" }, seconds: 60 },
    { name: "oras", module: "oras.land/oras", programs: { oras: "./cmd/oras" }, seconds: 60 },
    { name: "helm", module: "helm.sh/helm/v4", programs: { helm: "./cmd/helm" }, seconds: 240 },
    { name: "cosign", module: "github.com/sigstore/cosign/v3", programs: { cosign: "./cmd/cosign" }, seconds: 300 },
    { name: "ko", module: "github.com/google/ko", programs: { ko: "." }, seconds: 240 },
    {
        name: "buildkit",
        module: "github.com/moby/buildkit",
        programs: { buildctl: "./cmd/buildctl", buildkitd: "./cmd/buildkitd" },
        onPath: ["runc"],
        debian: "runc",
        seconds: 300,
    },
];

/** @param {string} module @returns {string} the version that is pinned */
function versionOf(module) {
    const required = fs.readFileSync(path.join(pin, "go.mod"), "utf8");
    const line = required.split("\n").find((text) => text.trim().startsWith(`${module} `));
    if (line === undefined) throw new Error(`testbed/toolchain/clients/go.mod has no ${module}`);
    return line.trim().split(" ")[1] ?? "";
}

/** Where a client's programs are put. @param {Client} client @param {string} cache */
const folderOf = ({ name, module }, cache) =>
    module && path.join(cache, "clients", `${name}-${versionOf(module)}-${pins.platform}-${pins.fingerprint(pin)}`);

/** @param {Client} client @param {string} folder */
const isBuilt = ({ programs = {} }, folder) =>
    Object.keys(programs).every((program) => isExecutable(path.join(folder, program)));

/**
 * The folders with the programs of some clients, built if need be, and why each other one is not there.
 * @param {Client[]} wanted @param {{ env: NodeJS.ProcessEnv, debian: boolean }} options `debian`: its packages are
 * installed if they are missing
 * @returns {Promise<{ folders: string[], missing: Record<string, string> }>}
 */
async function installClients(wanted, { env, debian }) {
    const cache = cacheFolder(env);
    ownCache(cache);
    const progress = createProgress();
    /** @type {Record<string, string>} */
    const missing = {};
    const release = await lock(cache, {
        onWait: (pid) => progress.print(`Another command (process ${pid}) is installing; waiting for it.`),
    });
    try {
        if (debian) installPackages(wanted, env, progress);
        for (const client of wanted) {
            const lacks = (client.onPath ?? []).filter((program) => !onSomePath(program, env));
            if (lacks.length > 0)
                missing[client.name] =
                    `there is no ${lacks.join(" and no ")} on the PATH; ` +
                    `with --debian it is Debian's package ${client.debian}`;
            const folder = folderOf(client, cache);
            if (folder === undefined || lacks.length > 0 || isBuilt(client, folder)) continue;
            try {
                await build(client, folder, cache, env, progress);
            } catch (error) {
                if (!(error instanceof Problem)) throw error;
                missing[client.name] = error.message;
            }
        }
    } finally {
        release();
        progress.stop();
    }
    const folders = wanted.flatMap((client) => {
        const folder = folderOf(client, cache);
        return folder !== undefined && missing[client.name] === undefined ? [folder] : [];
    });
    return { folders, missing };
}

/** What only root has on its PATH counts too. @param {string} program @param {NodeJS.ProcessEnv} env */
const onSomePath = (program, env) => onPath(program, `${env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`);

/** @param {Client[]} wanted @param {NodeJS.ProcessEnv} env @param {ReturnType<typeof createProgress>} progress */
function installPackages(wanted, env, progress) {
    const packages = wanted
        .filter((client) => client.onPath?.some((program) => !onSomePath(program, env)))
        .flatMap(({ debian }) => debian ?? []);
    if (packages.length === 0) return;
    if (process.getuid?.() !== 0 || !onPath("apt-get", env.PATH))
        throw new Problem(`--debian installs ${packages.join(", ")} by apt-get, as root: one of both is missing.`);
    progress.print(`Debian's packages: ${packages.join(", ")}`);
    const args = ["install", "--yes", "--no-install-recommends", ...packages];
    const ran = spawnSync("apt-get", args, {
        env: { ...env, DEBIAN_FRONTEND: "noninteractive" },
        encoding: "utf8",
    });
    if (ran.status !== 0)
        throw new Problem(`apt-get ${args.join(" ")} failed:\n${ran.stderr.trim().split("\n").slice(-5).join("\n")}`);
}

/**
 * @param {Client} client @param {string} folder @param {string} cache @param {NodeJS.ProcessEnv} env
 * @param {ReturnType<typeof createProgress>} progress
 */
async function build(client, folder, cache, env, progress) {
    const { name, module = "", programs = {}, seconds = 0 } = client;
    const go = findGo(env, `${name} is not installed`);
    const task = progress.task(name, `building ${module} ${versionOf(module)}`, seconds);
    const own = { ...env, CGO_ENABLED: "0" };
    const source = sourceOf(go, pin, module, own);
    await install(folder, async (temporary) => {
        for (const [program, at] of Object.entries(programs)) {
            const log = path.join(cache, "logs", `${program}.log`);
            const output = path.join(temporary, program);
            const said = await buildIn(go, source, { package: at, output }, { env: own, log });
            if (said !== undefined) throw new Problem(`${program} was not built; it said:\n${said}`);
        }
    });
    task.done(`${versionOf(module)}, built from its Go module`);
}

module.exports = { clients, installClients, versionOf };
