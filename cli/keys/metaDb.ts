/** Reads a copy of zot's `meta.db`, as it is given to a command. */
import { readFileSync } from "node:fs";
import { UserError } from "../../clients/userError";
import { BoltError } from "./bolt";

/** Larger than any real one; the whole file is read into memory. */
const LARGEST = 1 << 30;

/**
 * Passes the file to `read`, and returns the result.
 *
 * @param from its path; `-` for standard input
 * @throws UserError, which names it, if it cannot be read or does not belong to zot
 */
export function readMetaDb<Result>(from: string, read: (bytes: Buffer) => Result): Result {
    const bytes = bytesOf(from);
    try {
        return read(bytes);
    } catch (error) {
        if (!(error instanceof BoltError)) throw error;
        throw new UserError(
            `${from === "-" ? "What came on standard input" : from} cannot be read as zot's meta.db: ${error.message}.`,
        );
    }
}

function bytesOf(from: string): Buffer {
    const what = from === "-" ? "standard input" : from;
    try {
        const bytes = readFileSync(from === "-" ? 0 : from);
        if (bytes.length > LARGEST)
            throw new UserError(`What was read from ${what} is larger than ${LARGEST} bytes, and cannot be a meta.db.`);
        return bytes;
    } catch (error) {
        if (error instanceof UserError) throw error;
        throw new UserError(
            `${what} cannot be read: ${(error as NodeJS.ErrnoException).code}. ` +
                "Name a copy of the meta.db in zot's rootDirectory.",
        );
    }
}
