// node testbed/bootstrap/run.cjs demo|test|… [arguments]: what npm run demo, npm test and their like call. Plain
// JavaScript without dependencies, for Node 18 and newer: on a fresh checkout there is nothing else. It installs what
// is missing into a cache that all commands share, and runs the command.
"use strict";
const path = require("node:path");
const { cacheFolder, lock, ownCache, removeUnfinished } = require("./cache.cjs");
const { cancelAll, endingSignals, exitCodeOf, foreground } = require("./commands.cjs");
const { discover, variable, writeToolchain } = require("./discover.cjs");
const { findZot } = require("./find.cjs");
const { installMissing, isComplete, missingParts } = require("./install.cjs");
const pins = require("./pins.cjs");
const { Cancelled, Problem } = require("./problem.cjs");
const { createProgress } = require("./progress.cjs");
const { toolchainEnvironment } = require("./toolchain.cjs");

/** @typedef {import("./parts.cjs").Toolchain} Toolchain */

/** Exit code of a command that was called wrongly. */
const misuse = 2;

/** @param {string} source */
const program =
    (source) =>
    (/** @type {Toolchain} */ toolchain, /** @type {string[]} */ args, /** @type {NodeJS.ProcessEnv} */ env) =>
        foreground(toolchain.node.path, [path.join(pins.root, "build", "run.cjs"), source, ...args], {
            cwd: pins.root,
            env,
        });

const commands = {
    demo: program("testbed/commands/demo.ts"),
    bench: program("testbed/commands/bench.ts"),
    clients: program("testbed/commands/clients.ts"),
    contract: program("testbed/commands/contract.ts"),
    faults: program("testbed/commands/faults.ts"),
    forges: program("testbed/commands/forges.ts"),
    pictures: program("testbed/commands/pictures.ts"),
    race: program("testbed/commands/race.ts"),
    /** @type {ReturnType<typeof program>} */
    test: (toolchain, args, env) => require("./tests.cjs").test(toolchain, args, env),
    /** @type {ReturnType<typeof program>} */
    lint: (toolchain, args, env) => require("./lint.cjs").lint(toolchain, args, env),
};

/** @param {string[]} args */
async function main([name = "", ...args]) {
    if (!Object.hasOwn(commands, name)) {
        process.stderr.write(`Usage: node testbed/bootstrap/run.cjs ${Object.keys(commands).join("|")} [arguments]\n`);
        return misuse;
    }
    if (!["linux", "darwin"].includes(process.platform)) {
        throw new Problem(`The test bed runs on Linux and macOS; this is ${process.platform}. On Windows use WSL.`);
    }
    const cache = cacheFolder();
    ownCache(cache);
    if (!isComplete(missingParts(cache, process.env))) await installAll(cache);

    const toolchain = discover(process.env);
    if (typeof toolchain === "string") throw new Problem(`${toolchain} was installed into ${cache} and is gone again.`);
    const own = realParts(toolchain, cache, process.env);
    refuseStandIns(own);
    const env = { ...toolchainEnvironment(toolchain), [variable]: writeToolchain(toolchain), ...own };
    return commands[/** @type {keyof typeof commands} */ (name)](toolchain, args, env);
}

/**
 * The real parts that the bootstrap has, for commands that take them from the environment.
 * @param {Toolchain} toolchain @param {string} cache @param {NodeJS.ProcessEnv} env
 * @returns {{ ZOT?: string, PULUMI_COMMAND_PLUGIN?: string }}
 */
function realParts({ plugins: { command } }, cache, env) {
    const zot = findZot(cache, env);
    const plugin =
        env.PULUMI_COMMAND_PLUGIN ??
        (command.kind === "stand-in" ? undefined : path.join(command.folder, "pulumi-resource-command"));
    return { ...(zot && { ZOT: zot }), ...(plugin && { PULUMI_COMMAND_PLUGIN: plugin }) };
}

/**
 * With ZOT_HARDENING_PARTS=real, no stand-in takes the place of what should be there.
 * @param {ReturnType<typeof realParts>} real @throws Problem with each part that is missing
 */
function refuseStandIns(real) {
    if (process.env.ZOT_HARDENING_PARTS !== "real") return;
    const { AUTHENTIK_URL, AUTHENTIK_TOKEN } = process.env;
    const missing = [
        ...(real.ZOT ? [] : ["zot: name it by ZOT, or its release's checksum by ZOT_SHA256"]),
        ...(AUTHENTIK_URL && AUTHENTIK_TOKEN ? [] : ["Authentik: give AUTHENTIK_URL and AUTHENTIK_TOKEN"]),
        ...(real.PULUMI_COMMAND_PLUGIN ? [] : ["the plugin command: name it by PULUMI_COMMAND_PLUGIN"]),
    ];
    if (missing.length === 0) return;
    throw new Problem(
        `ZOT_HARDENING_PARTS is real, and these are stand-ins:\n${missing.map((one) => `  - ${one}`).join("\n")}`,
    );
}

/** @param {string} cache */
async function installAll(cache) {
    const progress = createProgress();
    /** @type {NodeJS.Signals | undefined} */
    let ending;
    const end = (/** @type {NodeJS.Signals} */ signal) => {
        ending = signal;
        cancelAll();
    };
    for (const signal of endingSignals) process.on(signal, end);
    /** @type {(() => void) | undefined} */
    let release;
    try {
        release = await Promise.race([
            lock(cache, {
                onWait: (pid) =>
                    progress.print(`Another command (process ${pid}) is installing what is missing; waiting for it.`),
            }),
            // Nothing is under way while it waits: a signal ends it at once.
            new Promise((_, reject) =>
                endingSignals.forEach((signal) => process.once(signal, () => release ?? reject(new Cancelled()))),
            ),
        ]);
        removeUnfinished(cache);
        // The other command may have installed it all meanwhile.
        const missing = missingParts(cache, process.env);
        if (!isComplete(missing)) await installMissing(missing, cache, process.env, progress);
    } catch (error) {
        // After a signal a part may fail in its own words: its command has got the signal too.
        if (!ending) throw error;
        progress.stop();
        process.stderr.write("Stopped. What was complete is kept; the next run goes on from there.\n");
        process.exit(exitCodeOf(ending));
    } finally {
        release?.();
        progress.stop();
        for (const signal of endingSignals) process.removeListener(signal, end);
    }
}

main(process.argv.slice(2)).then(
    (exitCode) => {
        process.exitCode = exitCode;
    },
    (error) => {
        process.stderr.write(`${error instanceof Problem ? error.message : (error?.stack ?? error)}\n`);
        process.exit(1);
    },
);
