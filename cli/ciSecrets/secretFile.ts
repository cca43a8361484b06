/** Files that hold secrets: mode 0600 from their first byte on, and in place whole or not at all. */
import { randomBytes } from "node:crypto";
import { closeSync, fchmodSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Writes a file by renaming a finished one into its place. A symbolic link stays one: the file that it points to is replaced.
 *
 * @throws Error of the system, where the folder is missing or may not be written
 */
export function writeSecretFile(file: string, content: string): void {
    const place = targetOf(file);
    const temporary = join(dirname(place), `.${randomBytes(8).toString("hex")}.tmp`);
    const descriptor = openSync(temporary, "wx", 0o600);
    try {
        try {
            // Whatever the umask is, and on a file system that adds to it.
            fchmodSync(descriptor, 0o600);
            writeSync(descriptor, content);
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

function targetOf(file: string): string {
    try {
        return realpathSync(file);
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return file;
        throw error;
    }
}
