/** Files and programs named on the command line. */
import { existsSync, realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { programOnPath } from "../../clients/chromium";

/**
 * A file relative to the folder where the person called the command. npm starts a script in the project's folder, and
 * passes the original folder as INIT_CWD.
 *
 * @param name as given; `-` for standard input stays
 */
export function givenFile(name: string): string {
    const { INIT_CWD: stoodIn, npm_package_json: manifest } = process.env;
    // Every program that a script starts inherits npm's variables, in other folders too.
    const isByNpm = manifest !== undefined && existsSync(manifest) && realpathSync(dirname(manifest)) === process.cwd();
    // If both paths are the same, the name is shown as it was typed.
    if (name === "-" || !isByNpm || stoodIn === undefined || resolve(stoodIn) === process.cwd()) return name;
    return resolve(stoodIn, name);
}

/** A program: by a bare name the one on the PATH, if there is one; otherwise a file, see {@link givenFile}. */
export const givenProgram = (name: string): string =>
    (name.includes("/") ? undefined : programOnPath(name)) ?? givenFile(name);
