/** Writes files so that they are complete or not there at all. */
import { randomBytes } from "node:crypto";
import {
    accessSync,
    closeSync,
    constants,
    fchmodSync,
    fsyncSync,
    openSync,
    realpathSync,
    renameSync,
    rmSync,
    statSync,
    writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../../clients/userError";

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
 * Checks before long work that its result can be written where it is wanted.
 *
 * @throws UserError if the file's folder is missing or not writable, or the file is a folder
 */
export function checkWritable(file: string, what: string): void {
    const folder = dirname(targetOf(file));
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
        throw new UserError(`${what} cannot be written to ${file}: the folder ${folder} does not exist.`);
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
        throw new UserError(`${what} cannot be written to ${file}: that is a folder.`);
    try {
        accessSync(folder, constants.W_OK);
    } catch {
        throw new UserError(`${what} cannot be written to ${file}: nothing may be written in the folder ${folder}.`);
    }
}

function targetOf(file: string): string {
    try {
        return realpathSync(file);
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return file;
        throw error;
    }
}
