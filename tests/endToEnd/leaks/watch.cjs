// node watch.cjs FOLDER…: notes the arguments and the environment of every process of this machine, and what is in the
// files of the folders, until standard input ends; then prints all of it as JSON. It is given no secret: what it has
// noted is searched by whoever started it (processWatch.ts). A line "pass" on standard input is answered by "passed"
// once all was looked at that is there now. Linux alone: it reads /proc.
"use strict";
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { createInterface } = require("node:readline");

const folders = process.argv.slice(2);
/** Between two looks. In milliseconds. */
const INTERVAL = 20;
/** A process that has shown the same for a while is looked at anew in every so many looks only. */
const SELDOM = 20;
const A_WHILE = 15;
/** Files are looked at in every so many looks. */
const FILES = 4;
/** Of a file, in bytes: what is larger is no place for a secret to be written through. */
const LARGEST = 1 << 20;

/** By hash. */
const texts = new Map();
const keep = (text) => {
    const hash = createHash("sha1").update(text).digest("hex");
    if (!texts.has(hash)) texts.set(hash, text);
    return hash;
};

/** By all that a process shows. */
const processes = new Map();
/** The last that was seen of each process, and in how many looks. */
const last = new Map();
const commands = new Map();
let unreadable = 0;

function read(file) {
    try {
        return fs.readFileSync(file, "latin1");
    } catch {
        return undefined;
    }
}

function parentOf(pid) {
    // The name may hold spaces and parentheses.
    const [, parent] = /^.*\) \S+ (\d+) /s.exec(read(`/proc/${pid}/stat`) ?? "") ?? [];
    return parent;
}

function lookAtProcess(pid) {
    const command = read(`/proc/${pid}/cmdline`);
    // A kernel's thread, one that has ended, or one that is just about to become another program.
    if (!command) {
        const before = last.get(pid);
        return before?.shown === "" ? void before.looks++ : void last.set(pid, { shown: "", looks: 0 });
    }
    commands.set(pid, command);
    const environment = read(`/proc/${pid}/environ`);
    if (environment === undefined) unreadable += fs.existsSync(`/proc/${pid}`) ? 1 : 0;
    // It became another program meanwhile: the next look sees it whole.
    if (read(`/proc/${pid}/cmdline`) !== command) return;
    const shown = `${command}\0${environment ?? ""}`;
    const before = last.get(pid);
    if (before?.shown === shown) return void before.looks++;
    last.set(pid, { shown, looks: 0 });
    const key = createHash("sha1").update(shown).digest("hex");
    if (processes.has(key)) return;
    const ancestors = [];
    for (let parent = parentOf(pid); parent && parent !== "0" && ancestors.length < 6; parent = parentOf(parent))
        ancestors.push(commands.get(parent) ?? read(`/proc/${parent}/cmdline`) ?? "");
    processes.set(key, { pid: Number(pid), command, environment: keep(environment ?? ""), ancestors });
}

/** By path and content. */
const files = new Map();
const seenFiles = new Map();

function lookAtFolder(folder, depth) {
    let entries;
    try {
        entries = fs.readdirSync(folder, { withFileTypes: true });
    } catch {
        return;
    }
    for (const entry of entries) {
        const file = path.join(folder, entry.name);
        if (entry.isDirectory() && depth > 0) lookAtFolder(file, depth - 1);
        if (entry.isFile()) lookAtFile(file);
    }
}

function lookAtFile(file) {
    try {
        const { ino, size, mtimeMs, mode } = fs.statSync(file);
        const state = `${ino} ${size} ${mtimeMs} ${mode}`;
        if (seenFiles.get(file) === state || size > LARGEST) return;
        seenFiles.set(file, state);
        const content = keep(fs.readFileSync(file, "latin1"));
        files.set(`${file}\0${content}\0${mode}`, { file, content, mode: mode & 0o777 });
    } catch {
        // Gone.
    }
}

/** A whole look, where it is a multiple of all of them. */
let looks = 0;
function look() {
    const here = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    for (const pid of here) {
        if (Number(pid) === process.pid) continue;
        if (looks % SELDOM === 0 || !(last.get(pid)?.looks > A_WHILE)) lookAtProcess(pid);
    }
    // The number of one that has ended may come again.
    const there = new Set(here);
    for (const pid of last.keys()) if (!there.has(pid)) last.delete(pid);
    if (looks % FILES === 0) for (const folder of folders) lookAtFolder(folder, 4);
    looks++;
}

look();
const timer = setInterval(look, INTERVAL);
process.stdout.write("watching\n");
const input = createInterface({ input: process.stdin });
input.on("line", () => {
    looks = 0;
    look();
    process.stdout.write("passed\n");
});
input.on("close", () => {
    clearInterval(timer);
    looks = 0;
    look();
    const seen = { unreadable, texts: Object.fromEntries(texts), files: [...files.values()] };
    process.stdout.write(`${JSON.stringify({ ...seen, processes: [...processes.values()] })}\n`);
});
