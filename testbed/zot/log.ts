/** zot's log: one JSON object a line, on standard output or in `log.output`. */
import * as fs from "node:fs";

const levels = { debug: 0, trace: 0, info: 1, warn: 2, warning: 2, error: 3, fatal: 3, panic: 3 } as const;

export type Fields = Record<string, unknown>;

export interface Log {
    debug(message: string, fields?: Fields): void;
    info(message: string, fields?: Fields): void;
    warn(message: string, fields?: Fields): void;
    error(message: string, fields?: Fields): void;
}

export const isLevel = (level: string): boolean => Object.hasOwn(levels, level.toLowerCase());

/**
 * @param level the least level that is written; an unknown one is `info`
 * @param output a file to append to; standard output when empty
 */
export function openLog(level: string, output: string): Log {
    const least = levels[level.toLowerCase() as keyof typeof levels] ?? levels.info;
    const file = output === "" ? 1 : fs.openSync(output, "a", 0o600);
    const write = (name: "debug" | "info" | "warn" | "error") => (message: string, fields?: Fields) => {
        if (levels[name] < least) return;
        const line = `${JSON.stringify({ time: new Date().toISOString(), level: name, message, ...fields })}\n`;
        try {
            fs.writeSync(file, line);
        } catch {
            // Nobody reads the log any more, or its disk is full: the registry goes on, as zot does.
        }
    };
    return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}
