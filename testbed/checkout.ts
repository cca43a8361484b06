/** Where the project's files are. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * The checkout that a program lies in, compiled or not: the nearest folder above with the project's index.ts. @throws
 * Error
 */
export function checkoutOf(folder: string): string {
    for (let candidate = folder; candidate !== dirname(candidate); candidate = dirname(candidate)) {
        if (existsSync(join(candidate, "index.ts")) && existsSync(join(candidate, "jest.config.cjs"))) return candidate;
    }
    throw new Error(`no checkout of zot-hardening above ${folder}`);
}
