// The folder that both commands, and every checkout of a user, share: what is in it is complete, since it comes there
// by rename, and is installed by one process at a time.
"use strict";
const crypto = require("node:crypto");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { Problem } = require("./problem.cjs");

/** ZOT_HARDENING_CACHE, else zot-hardening in the user's cache folder. @param {NodeJS.ProcessEnv} [env] */
function cacheFolder(env = process.env) {
    if (env.ZOT_HARDENING_CACHE) return path.resolve(env.ZOT_HARDENING_CACHE);
    const base =
        env.XDG_CACHE_HOME && path.isAbsolute(env.XDG_CACHE_HOME)
            ? env.XDG_CACHE_HOME
            : path.join(os.homedir(), ".cache");
    return path.join(base, "zot-hardening");
}

/**
 * Makes the cache if there is none. What is run from it must have been put there by us.
 * @param {string} cache @throws Problem if somebody else could have
 */
function ownCache(cache) {
    fs.mkdirSync(cache, { recursive: true, mode: 0o700 });
    const { uid, mode } = fs.statSync(cache);
    const user = process.getuid?.();
    const isForeign = user !== undefined && uid !== user;
    const isOpen = (mode & 0o022) !== 0;
    const why = isForeign
        ? `it belongs to the user with the number ${uid}`
        : isOpen
          ? "others than its owner may write to it"
          : undefined;
    if (why === undefined) return;
    throw new Problem(
        `Programs are run from ${cache}, and ${why}. Remove it and run the command again, which makes it anew, ` +
            `or name a folder of your own in ZOT_HARDENING_CACHE.`,
    );
}

/** Reads a JSON file; undefined if it is missing or no JSON. @param {string} file @returns {any} */
function readJson(file) {
    try {
        return JSON.parse(fs.readFileSync(file, "utf8"));
    } catch {
        return undefined;
    }
}

/**
 * Writes a file beside its place and renames it: another process may be reading it. @param {string} file @param
 * {unknown} value
 */
function writeJson(file, value) {
    const text = `${JSON.stringify(value, null, 2)}\n`;
    try {
        if (fs.readFileSync(file, "utf8") === text) return;
    } catch {
        // It is not there yet.
    }
    fs.mkdirSync(path.dirname(file), { recursive: true });
    const temporary = `${file}.${process.pid}.tmp`;
    fs.writeFileSync(temporary, text);
    fs.renameSync(temporary, file);
}

const temporaryPrefix = ".installing-";

/**
 * Makes a folder of the cache: `fill` is given an empty one beside it, which takes its name only once complete.
 * @template Result
 * @param {string} folder @param {(temporary: string) => Promise<Result>} fill
 * @returns {Promise<Result>} what `fill` returned
 */
async function install(folder, fill) {
    fs.mkdirSync(path.dirname(folder), { recursive: true });
    const temporary = path.join(path.dirname(folder), `${temporaryPrefix}${process.pid}-${path.basename(folder)}`);
    fs.rmSync(temporary, { recursive: true, force: true });
    fs.mkdirSync(temporary);
    try {
        const result = await fill(temporary);
        // A damaged folder may be in the way: what is complete is never installed again.
        fs.rmSync(folder, { recursive: true, force: true });
        fs.renameSync(temporary, folder);
        return result;
    } finally {
        fs.rmSync(temporary, { recursive: true, force: true });
    }
}

/** Removes what a process that was killed had not completed. Only for the holder of the lock. @param {string} cache */
function removeUnfinished(cache) {
    for (const name of fs.readdirSync(cache)) {
        if (name.startsWith(temporaryPrefix)) fs.rmSync(path.join(cache, name), { recursive: true, force: true });
    }
}

/**
 * When a process started, in a form that only has to differ between two processes of one number; undefined if it is
 * unknown.
 * @param {number} pid
 */
function startOf(pid) {
    try {
        // The 22nd field, counted behind the name, which may hold blanks and brackets: clock ticks since the system
        // started.
        const status = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
        return status.slice(status.lastIndexOf(")") + 2).split(" ")[19];
    } catch {
        return undefined;
    }
}

/** @typedef {{ pid: number, start?: string, host: string, token: string }} Holder */

/** @param {Holder | undefined} holder */
function isAlive(holder) {
    // Whoever holds a lock on another host (a shared home folder) cannot be seen from here.
    if (!holder || holder.host !== os.hostname()) return holder !== undefined;
    try {
        process.kill(holder.pid, 0);
    } catch (error) {
        return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
    }
    const start = startOf(holder.pid);
    return start === undefined || holder.start === undefined || start === holder.start;
}

/**
 * Creates the lock file with our name in it, in one step: a link never shows a file that is half written.
 * @param {string} file @param {Holder} holder
 * @returns {boolean} false where somebody has it
 */
function claim(file, holder) {
    const own = `${file}.${holder.token}`;
    fs.writeFileSync(own, JSON.stringify(holder));
    try {
        fs.linkSync(own, file);
        return true;
    } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
        throw error;
    } finally {
        fs.rmSync(own, { force: true });
    }
}

const sleep = (/** @type {number} */ milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Waits for the lock of a cache and takes it; the lock of a process that is gone is taken over.
 * @param {string} cache
 * @param {{ onWait?: (pid: number) => void, pollMilliseconds?: number, limitMilliseconds?: number }} [options] `onWait`
 * is called once, with the process that has it; after the limit (an hour unless told) the wait ends in a Problem
 * @returns {Promise<() => void>} gives the lock back
 */
async function lock(cache, options = {}) {
    fs.mkdirSync(cache, { recursive: true });
    const file = path.join(cache, "lock");
    const start = startOf(process.pid);
    /** @type {Holder} */
    const self = {
        pid: process.pid,
        ...(start && { start }),
        host: os.hostname(),
        token: crypto.randomBytes(6).toString("hex"),
    };
    const until = Date.now() + (options.limitMilliseconds ?? 3_600_000);
    let told = false;
    while (!claim(file, self)) {
        /** @type {Holder | undefined} */
        const holder = readJson(file);
        if (holder && !isAlive(holder)) {
            takeOver(file, holder, self);
            continue;
        }
        if (holder && !told) {
            options.onWait?.(holder.pid);
            told = true;
        }
        if (Date.now() > until) {
            throw new Problem(
                "Waited for another command to install what is missing: " +
                    `process ${holder?.pid} on ${holder?.host} holds ${file}. ` +
                    `If no such process is at work, remove that file and run the command again.`,
            );
        }
        await sleep(options.pollMilliseconds ?? 200);
    }
    const release = () => {
        process.removeListener("exit", release);
        if (readJson(file)?.token === self.token) fs.rmSync(file, { force: true });
    };
    process.on("exit", release);
    return release;
}

/**
 * Removes the lock of a process that is gone. Two may see that at once: a second lock decides who removes it, and the
 * winner looks again, so that nobody removes the lock of the one who came first.
 * @param {string} file @param {Holder} dead @param {Holder} self
 */
function takeOver(file, dead, self) {
    const guard = `${file}.takeover`;
    if (!claim(guard, self)) {
        const other = readJson(guard);
        if (other && !isAlive(other)) fs.rmSync(guard, { force: true });
        return;
    }
    try {
        if (readJson(file)?.token === dead.token) fs.rmSync(file, { force: true });
    } finally {
        fs.rmSync(guard, { force: true });
    }
}

module.exports = { cacheFolder, install, isAlive, lock, ownCache, readJson, removeUnfinished, writeJson };
