// Installs what is missing, in parallel where that helps.
"use strict";
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { oldest } = require("../../build/nodeVersion.cjs");
const { install, writeJson } = require("./cache.cjs");
const { cancelAll, firstLine, isExecutable, onPath, run } = require("./commands.cjs");
const dependencies = require("./dependencies.cjs");
const downloads = require("./downloads.cjs");
const { findNode, findPlugin, findPulumi, findZot, lastUnreachable, nodeBinary, places } = require("./find.cjs");
const pins = require("./pins.cjs");
const { Problem } = require("./problem.cjs");
const { estimate } = require("./progress.cjs");

/** @typedef {ReturnType<import("./progress.cjs").createProgress>} Progress */

/**
 * What a command still needs.
 * @typedef {{ dependencies: boolean, node: boolean, pulumi: boolean, random: boolean, command: boolean, zot: boolean
 * }} Missing
 */

/** @param {string} cache @param {NodeJS.ProcessEnv} env @returns {Missing} */
function missingParts(cache, env) {
    return {
        dependencies: !dependencies.areInstalled(pins.root),
        node: findNode(cache) === undefined,
        pulumi: findPulumi(cache, env) === undefined,
        random: findPlugin(cache, pins.random, env) === undefined,
        // There is a stand-in: it is enough to have tried lately, and it cannot be tried without its checksum.
        command:
            isPinned(pins.command) &&
            findPlugin(cache, pins.command, env) === undefined &&
            !downloadsAreOff(env) &&
            lastUnreachable(cache) === undefined,
        zot:
            isPinned(pins.zot(env)) &&
            findZot(cache, env) === undefined &&
            !downloadsAreOff(env) &&
            // What was asked for by its checksum is tried each time.
            (Boolean(env.ZOT_SHA256) || lastUnreachable(cache, "zotUnreachable") === undefined),
    };
}

/** @param {{ official: pins.Official }} pin */
const isPinned = ({ official }) => official.sha256 !== undefined;

/** @param {Missing} missing */
const isComplete = (missing) => !Object.values(missing).includes(true);

/** @param {NodeJS.ProcessEnv} env */
const downloadsAreOff = (env) => env.ZOT_HARDENING_DOWNLOADS === "off";

/** @param {boolean} afterPulumi whether the CLI is built before it */
const costOfRandom = (afterPulumi) => (afterPulumi ? pins.random.costAfterPulumi : pins.random.cost);

/** How long `npm ci` usually takes, and the npm package with Node. */
const npmSeconds = 25;
const nodeSeconds = 8;

/** Seconds for work that every core takes a part of. @param {number} processorSeconds */
const spread = (processorSeconds) => processorSeconds / Math.max(1, Math.min(8, os.cpus().length));

/**
 * Installs all that is missing; the first failure ends the rest.
 * @param {Missing} missing @param {string} cache @param {NodeJS.ProcessEnv} env @param {Progress} progress
 */
async function installMissing(missing, cache, env, progress) {
    const log = (/** @type {string} */ name) => path.join(cache, "logs", `${name}.log`);
    const builds =
        (missing.pulumi ? pins.pulumi.cost.processorSeconds : 0) +
        (missing.random ? costOfRandom(missing.pulumi).processorSeconds : 0);
    const seconds = Math.max(
        spread(builds) * 1.15,
        missing.dependencies ? npmSeconds : 0,
        missing.node ? nodeSeconds : 0,
    );
    const names = Object.entries({
        "npm packages": missing.dependencies,
        Node: missing.node,
        "Pulumi CLI": missing.pulumi,
        "plugin random": missing.random,
        "plugin command": missing.command,
        zot: missing.zot,
    }).flatMap(([name, isMissing]) => (isMissing ? [name] : []));
    progress.print(
        `Installing what is missing (${names.join(", ")}) into ${cache}` +
            (builds
                ? `: ${estimate(seconds)} where the official downloads cannot be reached, once.`
                : `: ${estimate(seconds)}, once.`),
    );
    const works = [
        missing.dependencies && installDependencies(env, progress, log("npm-packages")),
        missing.node && installNode(cache, env, progress, log("node")),
        (missing.pulumi || missing.random || missing.command) && installPulumi(missing, cache, env, progress, log),
        missing.zot && installZot(cache, env, progress, log("zot-download")),
    ];
    /** @type {unknown[]} */
    const failures = [];
    await Promise.all(
        works.map((work) =>
            Promise.resolve(work).catch((error) => {
                failures.push(error);
                cancelAll();
            }),
        ),
    );
    // Whatever was cancelled after it is only its consequence.
    if (failures.length > 0) throw failures[0];
}

/** @param {NodeJS.ProcessEnv} env @param {Progress} progress @param {string} log */
async function installDependencies(env, progress, log) {
    const task = progress.task("npm packages", "npm ci", npmSeconds);
    const npm = dependencies.npm(env);
    // No package needs its install script.
    const args = [
        ...npm.args,
        "ci",
        "--ignore-scripts",
        "--include=dev",
        "--include=optional",
        "--no-audit",
        "--no-fund",
    ];
    const result = await run(npm.file, args, { cwd: pins.root, env: npm.env, log });
    if (!result.ok) throw failed("npm ci", "the npm packages were not installed", result.tail, log);
    dependencies.markInstalled(pins.root);
    task.done("installed from package-lock.json");
}

/** @param {string} cache @param {NodeJS.ProcessEnv} env @param {Progress} progress @param {string} log */
async function installNode(cache, env, progress, log) {
    const name = pins.node.packages[pins.platform];
    const needs = `Node ${oldest} or newer is needed; this is ${process.versions.node}`;
    if (!name)
        throw new Problem(
            `${needs}, and there is no npm package with Node for ${pins.platform}. Install it from https://nodejs.org.`,
        );
    const task = progress.task("Node", `npm package ${name}`, nodeSeconds);
    const version = await install(places(cache).node, async (folder) => {
        for (const file of ["package.json", "package-lock.json"]) {
            fs.copyFileSync(path.join(pins.toolchainFolder, "node", file), path.join(folder, file));
        }
        const npm = dependencies.npm(env);
        const args = [...npm.args, "ci", "--ignore-scripts", "--include=optional", "--no-audit", "--no-fund"];
        const result = await run(npm.file, args, { cwd: folder, env: npm.env, log });
        if (!result.ok) throw failed(`npm ci of ${name}`, needs, result.tail, log);
        const binary = nodeBinary(folder);
        const found = firstLine(binary, ["--version"]);
        if (!found)
            throw new Problem(
                `${needs}, and the one in the npm package ${name} does not run here. ` +
                    "Install it from https://nodejs.org.",
            );
        return found;
    });
    task.done(`${version} from the npm package ${name}`);
}

/**
 * The CLI and the plugins: downloaded where that is possible, else built one after the other. (Side by side they would
 * compile the packages they share, four in five of the plugin's, twice.)
 * @param {Missing} missing @param {string} cache @param {NodeJS.ProcessEnv} env @param {Progress} progress
 * @param {(name: string) => string} log
 */
async function installPulumi(missing, cache, env, progress, log) {
    const place = places(cache);
    const { pulumi, random, command } = pins;
    const wanted = [missing.pulumi && pulumi, missing.random && random, missing.command && command];
    const reason = wanted.some((pin) => pin && isPinned(pin))
        ? await reachOfficial(place.unreachable, env, progress)
        : undefined;
    /**
     * @param {string} name @param {downloads.Source} source @param {string | undefined} folder @param {string} file
     * @returns {Promise<string | undefined>} why it is not there
     */
    const tried = async (name, source, folder, file, strip = 0) => {
        if (!folder) return downloads.withoutChecksum(source);
        return (
            reason ??
            (await downloadPart(
                name,
                source,
                folder,
                file,
                strip,
                progress,
                log(`${name.replace(/ /g, "-")}-download`),
            ))
        );
    };
    const [noPulumi, noRandom] = await Promise.all([
        missing.pulumi && tried("Pulumi CLI", downloads.pulumiSource(), place.pulumi.official, "pulumi", 1),
        missing.random &&
            tried("plugin random", downloads.pluginSource(random), place.random.official, "pulumi-resource-random"),
        missing.command &&
            tried(
                "plugin command",
                downloads.pluginSource(command),
                place.command.official,
                "pulumi-resource-command",
            ).then((why) => {
                if (why === undefined) return;
                writeJson(place.unreachable, { at: Date.now(), reason: why });
                progress.print(`The plugin command is a stand-in, ${path.relative(pins.root, command.standIn)}.`);
            }),
    ]);
    if (!noPulumi && !noRandom) return;

    const what = noPulumi ? `Pulumi CLI ${pulumi.version}` : `Pulumi plugin random ${random.version}`;
    const go = findGo(env, `The ${what} is not installed and cannot be downloaded (${noPulumi || noRandom})`);
    const cliSeconds = noPulumi ? spread(pulumi.cost.processorSeconds) : 0;
    const randomCost = costOfRandom(Boolean(noPulumi));
    const cli = noPulumi ? progress.task("Pulumi CLI", "building it from its Go module", cliSeconds) : undefined;
    const plugin = noRandom
        ? progress.task("plugin random", "waits for the CLI", cliSeconds + spread(randomCost.processorSeconds))
        : undefined;
    if (cli) {
        // The plugin's modules come over the network while the processors compile.
        const fetched = plugin ? fetchModules(go, pins.random, env, log("plugin-random-modules")) : undefined;
        await build(go, "Pulumi CLI", pins.pulumi, place.pulumi.built, "pulumi", env, cli, log("Pulumi-CLI"));
        await fetched;
        cli.done(`${pulumi.version}, built from its Go module`);
    }
    if (plugin) {
        await build(
            go,
            "plugin random",
            { ...pins.random, cost: randomCost },
            place.random.built,
            "pulumi-resource-random",
            env,
            plugin,
            log("plugin-random"),
        );
        plugin.done(`${random.version}, built from its Go module`);
    }
}

/**
 * zot's release; where it cannot be had, its stand-in does.
 * @param {string} cache @param {NodeJS.ProcessEnv} env @param {Progress} progress @param {string} log
 */
async function installZot(cache, env, progress, log) {
    const place = places(cache, env);
    const source = downloads.zotSource(env);
    const why = await downloadPart("zot", source, place.zot.official ?? cache, "zot", 0, progress, log);
    if (why === undefined) return;
    writeJson(place.zotUnreachable, { at: Date.now(), reason: why });
    progress.print("zot is a stand-in, testbed/zot.");
}

/**
 * Asks the official downloads for a sign of life. @param {string} memory @param {NodeJS.ProcessEnv} env @param
 * {Progress} progress
 * @returns {Promise<string | undefined>} why they cannot be used
 */
async function reachOfficial(memory, env, progress) {
    if (downloadsAreOff(env)) return "ZOT_HARDENING_DOWNLOADS is off";
    const reason = await downloads.whyUnreachable();
    if (reason === undefined) return undefined;
    writeJson(memory, { at: Date.now(), reason });
    progress.print(`No official downloads: ${reason}.`);
    return reason;
}

/**
 * @param {string} name @param {downloads.Source} source @param {string} folder where it goes @param {string} executable
 * @param {number} strip @param {Progress} progress @param {string} log
 * @returns {Promise<string | undefined>} why it was not to be had
 */
async function downloadPart(name, source, folder, executable, strip, progress, log) {
    const task = progress.task(name, "official download", 10);
    try {
        await install(folder, async (temporary) => {
            await downloads.download(source, temporary, {
                log,
                strip,
                onProgress: (fraction) => task.update("official download", fraction),
            });
            if (!isExecutable(path.join(temporary, executable)))
                throw new downloads.Unavailable(`the archive holds no ${executable}`);
        });
    } catch (error) {
        if (!(error instanceof downloads.Unavailable)) throw error;
        task.done(`not downloaded: ${error.message}`);
        return error.message;
    }
    task.done("official download");
    return undefined;
}

/** Where Go's installers put it, which is not always on PATH. */
const usualGo = ["/usr/local/go/bin/go", "/usr/lib/go/bin/go", "/opt/homebrew/bin/go"];

/**
 * Go's command. @param {NodeJS.ProcessEnv} env @param {string} why it is needed, for the message if there is none
 * @param {string[]} [usual] where to look besides PATH
 */
function findGo(env, why, usual = usualGo) {
    const go = onPath("go", env.PATH) ?? usual.find(isExecutable);
    const wanted =
        "Install Go (https://go.dev/dl) or Pulumi (https://www.pulumi.com/docs/install) and run the " +
        "command again.";
    if (!go) throw new Problem(`${why}. It can be built, but Go is not on PATH. ${wanted}`);
    const version = /go(\d+)\.(\d+)/.exec(firstLine(go, ["version"], env) ?? "");
    const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
    if (
        !version ||
        major < Number(pins.oldestGo[0]) ||
        (major === pins.oldestGo[0] && minor < Number(pins.oldestGo[1]))
    ) {
        throw new Problem(`${why}. It can be built, but ${go} is older than Go ${pins.oldestGo.join(".")}. ${wanted}`);
    }
    return go;
}

/**
 * @typedef {{ version: string, module: string, package: string, linkerFlags: string, cost: pins.BuildCost }} GoProgram
 */

/** @param {NodeJS.ProcessEnv} env */
function goEnvironment(env) {
    // For this machine, from the pinned modules, without a C compiler: as the official releases are built.
    /** @type {NodeJS.ProcessEnv} */
    const own = { ...env, CGO_ENABLED: "0", GOWORK: "off" };
    delete own.GOOS;
    delete own.GOARCH;
    return own;
}

/** @param {string} go @param {GoProgram} program @param {NodeJS.ProcessEnv} env @param {string} log */
async function fetchModules(go, program, env, log) {
    const args = ["list", "-mod=readonly", "-deps", program.package];
    // A failure shows itself, with its reason, in the build.
    await run(go, args, { cwd: program.module, env: goEnvironment(env), log }).catch(() => undefined);
}

/**
 * @param {string} go @param {string} name @param {GoProgram} program @param {string} folder where it goes @param
 * {string} executable
 * @param {NodeJS.ProcessEnv} env @param {import("./progress.cjs").Task} task @param {string} log
 */
async function build(go, name, program, folder, executable, env, task, log) {
    task.update("fetching modules", 0);
    let modules = 0;
    let packages = 0;
    await install(folder, async (temporary) => {
        const output = path.join(temporary, executable);
        const args = [
            "build",
            "-v",
            "-mod=readonly",
            "-trimpath",
            "-buildvcs=false",
            "-ldflags",
            program.linkerFlags,
            "-o",
            output,
            program.package,
        ];
        const result = await run(go, args, {
            cwd: program.module,
            env: goEnvironment(env),
            log,
            onLine: (line) => {
                if (line.startsWith("go: downloading ")) modules++;
                else if (/^[a-z][\w.-]*(\/|$)/.test(line)) packages++;
                const compiled = Math.min(1, packages / program.cost.packages);
                if (packages > 0) task.update("compiling", compiled * 0.97);
                else task.update(`fetching modules (${modules})`, 0);
            },
        });
        if (!result.ok) throw failed(`go build of the ${name}`, "it is neither downloaded nor built", result.tail, log);
    });
}

/** @param {string} action @param {string} consequence @param {string[]} tail @param {string} log */
function failed(action, consequence, tail, log) {
    const said = tail.filter((line) => !/^(npm (error|warn)|go: downloading .*)?\s*$/.test(line)).slice(-12);
    return new Problem(
        `${action} failed: ${consequence}. It said:\n${said.map((line) => `    ${line}`).join("\n")}\nAll ` +
            `of it: ${log}`,
    );
}

module.exports = { findGo, installMissing, isComplete, missingParts };
