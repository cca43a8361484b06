/** A copy of zot's `meta.db`, as a command is given it. */
import { readFileSync } from "node:fs";
import { UserError } from "../../clients/userError";
import { BoltError } from "./bolt";

/** Larger than any: what is read is in memory as a whole. */
const LARGEST = 1 << 30;

/**
 * What `read` makes of the file.
 *
 * @param from its path; `-` is standard input
 * @throws UserError that names it, where it cannot be read or is none of zot's
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
            throw new UserError(`What was read from ${what} is larger than ${LARGEST} bytes, and no meta.db.`);
        return bytes;
    } catch (error) {
        if (error instanceof UserError) throw error;
        throw new UserError(
            `${what} cannot be read: ${(error as NodeJS.ErrnoException).code}. ` +
                "Name a copy of the meta.db in zot's rootDirectory.",
        );
    }
}
