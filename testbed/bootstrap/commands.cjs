// Child processes: started, watched, and never left behind.
"use strict";
const { spawn, spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { Cancelled } = require("./problem.cjs");

/** Background commands, each in a process group of its own so that their children end with them. @type {Set<number>} */
const groups = new Set();
let cancelled = false;

/** @param {number} group @param {NodeJS.Signals} signal */
function signalGroup(group, signal) {
    try {
        process.kill(-group, signal);
    } catch {
        // It has ended meanwhile.
    }
}

/** Ends every background command with its children, and lets none start any more. */
function cancelAll() {
    cancelled = true;
    for (const group of groups) signalGroup(group, "SIGTERM");
}

// Whatever ends this process (an uncaught error, say), no command stays behind.
process.on("exit", () => {
    for (const group of groups) signalGroup(group, "SIGKILL");
});

/** Where npm's explanation of an error ends and its help begins. */
const npmHelp = /^npm error (Clean install a project|Usage:|A complete log of this run)/;

/**
 * Runs a command in the background, its output going line by line to a log file and to `onLine`.
 * @param {string} file the executable
 * @param {string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, log: string, onLine?: (line: string) => void }} options
 * @returns {Promise<{ ok: boolean, tail: string[] }>} whether it ended with exit code 0, and its last lines; rejects
 * with Cancelled after `cancelAll`, and with the error of the operating system where the file cannot be run
 */
function run(file, args, options) {
    return new Promise((resolve, reject) => {
        if (cancelled) return reject(new Cancelled());
        fs.mkdirSync(path.dirname(options.log), { recursive: true });
        const log = fs.createWriteStream(options.log);
        const child = spawn(file, args, {
            cwd: options.cwd,
            env: options.env,
            detached: true,
            stdio: ["ignore", "pipe", "pipe"],
        });
        const group = child.pid;
        if (group !== undefined) groups.add(group);
        /** @type {string[]} */
        const tail = [];
        let helping = false;
        for (const stream of [child.stdout, child.stderr]) {
            let rest = "";
            stream.setEncoding("utf8");
            const line = (/** @type {string} */ text) => {
                helping ||= npmHelp.test(text);
                if (!helping) tail.push(text);
                if (tail.length > 25) tail.shift();
                options.onLine?.(text);
            };
            stream.on("data", (/** @type {string} */ text) => {
                log.write(text);
                const lines = (rest + text).split(/\r?\n/);
                rest = lines.pop() ?? "";
                lines.forEach(line);
            });
            stream.on("end", () => {
                if (rest) line(rest);
            });
        }
        const ended = () => {
            if (group !== undefined) {
                // The leader is gone; a child of its that ignored the signal would stay.
                if (cancelled) signalGroup(group, "SIGKILL");
                groups.delete(group);
            }
            log.end();
        };
        child.on("error", (error) => {
            ended();
            reject(error);
        });
        child.on("close", (code) => {
            ended();
            if (cancelled) reject(new Cancelled());
            else resolve({ ok: code === 0, tail });
        });
    });
}

/**
 * The first line a command prints, or undefined if it cannot be run, fails or takes longer than 10 s.
 * @param {string} file @param {string[]} args @param {NodeJS.ProcessEnv} [env]
 */
function firstLine(file, args, env = process.env) {
    const result = spawnSync(file, args, {
        env,
        encoding: "utf8",
        timeout: 10_000,
        stdio: ["ignore", "pipe", "ignore"],
    });
    return result.status === 0 ? (result.stdout.split(/\r?\n/)[0] ?? "").trim() : undefined;
}

/**
 * Where a command is on the search path, or undefined.
 * @param {string} name @param {string} [searchPath] as PATH
 */
function onPath(name, searchPath = process.env.PATH ?? "") {
    return searchPath
        .split(path.delimiter)
        .filter((folder) => path.isAbsolute(folder))
        .map((folder) => path.join(folder, name))
        .find(isExecutable);
}

/** @param {string} file */
function isExecutable(file) {
    try {
        fs.accessSync(file, fs.constants.X_OK);
        return fs.statSync(file).isFile();
    } catch {
        return false;
    }
}

/** How long a command may take to end after a signal to end. */
const patienceMilliseconds = 30_000;

/**
 * Runs the command that this one was started for, on the same terminal, and passes on signals and the exit code.
 * @param {string} file @param {string[]} args @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<number>} its exit code, or 128 and the signal's number
 */
function foreground(file, args, options) {
    return new Promise((resolve, reject) => {
        const child = spawn(file, args, { ...options, stdio: "inherit" });
        /** @type {NodeJS.Timeout | undefined} */
        let patience;
        const pass = (/** @type {NodeJS.Signals} */ signal) => {
            // Ctrl-C on a terminal reaches the child by itself; a second one would make it drop its cleaning up.
            if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
            patience ??= setTimeout(() => child.kill("SIGKILL"), patienceMilliseconds);
        };
        for (const signal of endingSignals) process.on(signal, pass);
        const ended = () => {
            clearTimeout(patience);
            for (const signal of endingSignals) process.removeListener(signal, pass);
        };
        child.on("error", (error) => {
            ended();
            reject(error);
        });
        child.on("close", (code, signal) => {
            ended();
            resolve(code ?? exitCodeOf(signal));
        });
    });
}

/** Signals that ask a program to end. */
const endingSignals = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);

/** The exit code that a shell reports for a command ended by a signal. @param {NodeJS.Signals | null} signal */
function exitCodeOf(signal) {
    return 128 + (signal ? (require("node:os").constants.signals[signal] ?? 0) : 0);
}

module.exports = { cancelAll, endingSignals, exitCodeOf, firstLine, foreground, isExecutable, onPath, run };
