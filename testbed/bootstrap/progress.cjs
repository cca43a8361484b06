// Tells what is being installed, how far it is and how long it will take: one line that is rewritten on a terminal, and
// plain lines, few of them, everywhere else. It all goes to standard error, so that standard output stays the command's
// own.
"use strict";

/**
 * @typedef {object} Task
 * @property {(detail: string, fraction?: number) => void} update what is going on, and how much of the work is done (0
 * to 1)
 * @property {(result: string) => void} done how it ended, for example "built from its Go module"
 */

/** Seconds for people: "8 s", "1 min 20 s". @param {number} seconds */
function duration(seconds) {
    const whole = Math.max(0, Math.round(seconds));
    return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** Seconds of an estimate, as precise as it is: "about 10 s", "about 3 min". @param {number} seconds */
function estimate(seconds) {
    if (seconds < 55) return `about ${Math.max(5, Math.round(seconds / 5) * 5)} s`;
    const minutes = seconds / 60;
    return `about ${minutes < 3 ? Math.round(minutes * 2) / 2 : Math.round(minutes)} min`;
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/** How often a plain line says that the work goes on. */
const heartbeatSeconds = 30;

/** @typedef {{ started: number, detail: string, fraction: number | undefined, expected: number }} Known of a task */

/** @param {Map<string, Known>} tasks by name @param {number} now in milliseconds */
function summaryOf(tasks, now) {
    const parts = [...tasks].map(([name, task]) => {
        const percent = task.fraction === undefined ? "" : ` ${Math.min(99, Math.floor(task.fraction * 100))} %`;
        return `${name}: ${task.detail}${percent}`;
    });
    const left = Math.max(0, ...[...tasks.values()].map((task) => secondsLeft(task, now)));
    return `${parts.join(" · ")}${left > 3 ? ` (${estimate(left)} left)` : ""}`;
}

/**
 * By the share that is done where enough of it is, else by what is known of such work.
 * @param {Known} task @param {number} now in milliseconds
 */
function secondsLeft({ started, fraction, expected }, now) {
    const elapsed = (now - started) / 1000;
    return fraction && fraction > 0.15 ? (elapsed / fraction) * (1 - fraction) : expected - elapsed;
}

/**
 * @param {{ stream?: NodeJS.WriteStream | { write(text: string): unknown, isTTY?: boolean, columns?: number },
 *     env?: NodeJS.ProcessEnv, now?: () => number }} [options]
 */
function createProgress(options = {}) {
    const stream = options.stream ?? process.stderr;
    const env = options.env ?? process.env;
    const now = options.now ?? (() => Date.now());
    const terminal = stream.isTTY === true && env.TERM !== "dumb" && !env.CI;
    const colour = terminal && !env.NO_COLOR;
    const paint = (/** @type {number} */ code, /** @type {string} */ text) =>
        colour ? `\u001b[${code}m${text}\u001b[0m` : text;
    const started = now();
    let frame = 0;
    let lastLine = now();
    let drawn = false;

    /** @type {Map<string, Known>} */
    const tasks = new Map();

    const erase = () => {
        if (drawn) stream.write("\r\u001b[K");
        drawn = false;
    };
    const print = (/** @type {string} */ text) => {
        erase();
        stream.write(`${text}\n`);
        lastLine = now();
        draw();
    };

    const summary = () => `${duration((now() - started) / 1000)}  ${summaryOf(tasks, now())}`;
    const draw = () => {
        if (!terminal || tasks.size === 0) return;
        const width = (stream.columns ?? 80) - 3;
        const text = summary();
        stream.write(
            `\r\u001b[K${paint(36, frames[frame++ % frames.length] ?? "")} ` +
                `${text.length > width ? `${text.slice(0, width - 1)}…` : text}`,
        );
        drawn = true;
    };
    const tick = () => {
        if (tasks.size === 0) return;
        if (terminal) draw();
        else if (now() - lastLine >= heartbeatSeconds * 1000) print(summary());
    };
    const timer = setInterval(tick, terminal ? 120 : 1000);
    timer.unref();

    return {
        print,
        tick,
        /**
         * @param {string} name @param {string} detail @param {number} expected seconds it usually takes @returns {Task}
         */
        task(name, detail, expected) {
            const task = { started: now(), detail, fraction: /** @type {number | undefined} */ (undefined), expected };
            tasks.set(name, task);
            if (terminal) draw();
            else print(`${name}: ${detail}${expected >= 15 ? ` (${estimate(expected)})` : ""}`);
            return {
                update(detail, fraction) {
                    task.detail = detail;
                    task.fraction = fraction;
                },
                done(result) {
                    tasks.delete(name);
                    print(
                        `${paint(32, terminal ? "✓" : "done:")} ${name}: ` +
                            `${result} (${duration((now() - task.started) / 1000)})`,
                    );
                },
            };
        },
        /** Ends the line on the terminal. */
        stop() {
            clearInterval(timer);
            tasks.clear();
            erase();
        },
    };
}

module.exports = { createProgress, duration, estimate };
