/** Writes files so that they are complete or not there at all. */
import { randomBytes } from "node:crypto";
import {
    accessSync,
    closeSync,
    constants,
    fchmodSync,
    fsyncSync,
    lstatSync,
    openSync,
    readlinkSync,
    realpathSync,
    renameSync,
    rmSync,
    statSync,
    writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";

/**
 * Writes a temporary file and renames it into place. A symbolic link stays a link: the file that it points to is
 * replaced.
 *
 * @param mode the file's mode from its first byte on. Default: unchanged; for a new file, what the umask leaves.
 * @throws Error of the system, if the folder is missing or not writable
 */
export function writeWhole(file: string, content: string, mode?: number): void {
    const place = targetOf(file);
    const temporary = join(dirname(place), `.${randomBytes(8).toString("hex")}.tmp`);
    const before = statSync(place, { throwIfNoEntry: false })?.mode;
    const wanted = mode ?? (before === undefined ? undefined : before & 0o777);
    const descriptor = openSync(temporary, "wx", wanted ?? 0o666);
    try {
        try {
            // Whatever the umask is, and on a file system that adds rights.
            if (wanted !== undefined) fchmodSync(descriptor, wanted);
            writeFileSync(descriptor, content);
            fsyncSync(descriptor);
        } finally {
            closeSync(descriptor);
        }
        renameSync(temporary, place);
    } catch (error) {
        rmSync(temporary, { force: true });
        throw error;
    }
}

/**
 * Why a file cannot be written, to be asked before long work whose result it is to hold.
 *
 * @returns the system's code: `ENOENT` if its folder is missing, `EACCES`, `EISDIR` if it is a folder; undefined if it
 *     can be written
 */
export function whyNotWritable(file: string): string | undefined {
    try {
        const place = targetOf(file);
        accessSync(dirname(place), constants.W_OK | constants.X_OK);
        return statSync(place, { throwIfNoEntry: false })?.isDirectory() ? "EISDIR" : undefined;
    } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    }
}

/** The file that is written: for a link, what it points to, which may not exist yet. */
function targetOf(file: string): string {
    try {
        return realpathSync(file);
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        const isLink = lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
        return isLink ? resolve(dirname(file), readlinkSync(file)) : file;
    }
}
