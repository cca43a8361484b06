/** Files that are there, as a search for leaks reads them. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { SeenFile } from "./processWatch";

/** What is larger is an image, or another's. In bytes. */
const LARGEST = 1 << 20;

/** What is looked at of a folder. */
export interface Search {
    /** Files that were written since; in milliseconds of the epoch. Default: all. */
    since?: number;
    /** Paths of folders that are not looked into. Default: all are. */
    passedOver?: RegExp;
    /** How many folders deep. Default: all. */
    depth?: number;
}

/** The files below a folder; no link is followed. */
export function filesBelow(folder: string, search: Search = {}): SeenFile[] {
    const { since = 0, passedOver = /^$/, depth = Number.POSITIVE_INFINITY } = search;
    let entries: ReturnType<typeof list>;
    try {
        entries = list(folder);
    } catch {
        return [];
    }
    return entries.flatMap((entry) => {
        const file = join(folder, entry.name);
        if (entry.isDirectory())
            return depth === 0 || passedOver.test(file) ? [] : filesBelow(file, { ...search, depth: depth - 1 });
        if (!entry.isFile()) return [];
        try {
            const { size, mode, ctimeMs } = statSync(file);
            if (size > LARGEST || ctimeMs < since) return [];
            return [{ file, content: readFileSync(file, "latin1"), mode: mode & 0o777 }];
        } catch {
            // Another's, or gone.
            return [];
        }
    });
}

const list = (folder: string) => readdirSync(folder, { withFileTypes: true });
