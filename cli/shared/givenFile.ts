/** Files and programs that are named on the command line. */
import { existsSync, realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { programOnPath } from "../../clients/chromium";

/**
 * A file as the person means it who named it: from where they stand. npm starts a script in the project's folder
 * whatever folder it is called in, which it hands on as INIT_CWD.
 *
 * @param name as it was given; `-` is standard input, and stays so
 */
export function givenFile(name: string): string {
    const { INIT_CWD: stoodIn, npm_package_json: manifest } = process.env;
    // What npm says is inherited by all that a script starts, also in other folders.
    const isByNpm = manifest !== undefined && existsSync(manifest) && realpathSync(dirname(manifest)) === process.cwd();
    // A name is shown as it was typed, where it is the same.
    if (name === "-" || !isByNpm || stoodIn === undefined || resolve(stoodIn) === process.cwd()) return name;
    return resolve(stoodIn, name);
}

/** A program: by its name alone the one on the PATH, where there is one; else a file, see {@link givenFile}. */
export const givenProgram = (name: string): string =>
    (name.includes("/") ? undefined : programOnPath(name)) ?? givenFile(name);
