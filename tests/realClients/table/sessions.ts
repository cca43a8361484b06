/** Who runs a client: each with a home of their own, and the login that is theirs. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findExecutable } from "../../../testbed/bootstrap/toolchain.cjs";
import { home } from "../clients";
import { type Ran, runProgram } from "../program";
import type { Place, Who } from "./workflow";

/** @param at a folder below the person's, and what else its environment has */
export type Run = (
    args: string[],
    input?: string,
    at?: { folder: string; env: Record<string, string> },
) => Promise<Ran>;

/** Why a program that is built from its Go module is not there. */
export const notBuilt = (...programs: string[]): string | undefined => {
    const missing = programs.filter((program) => !findExecutable(program));
    return missing.length > 0
        ? `there is no ${missing.join(" and no ")} on the PATH; npm run clients builds it`
        : undefined;
};

/** Where docker's clients, and many others, keep a login: that of a key which has ended is there still. */
export function writeLogin(folder: string, host: string, [user, key]: [string, string]): void {
    const config = JSON.stringify({ auths: { [host]: { auth: Buffer.from(`${user}:${key}`).toString("base64") } } });
    mkdirSync(join(folder, ".docker"), { recursive: true });
    for (const file of ["auth.json", join(".docker", "config.json")])
        writeFileSync(join(folder, file), config, { mode: 0o600 });
}

/**
 * @param more the program's own environment, by its folder
 * @returns the program as somebody runs it, in a folder of theirs
 */
export function runsOf(
    place: Place,
    program: string,
    more: (folder: string) => Record<string, string> = () => ({}),
): Record<Who, Run> & { folder(who: Who): string } {
    const folder = (who: Who) => join(place.folder, who.replace(" ", "-"));
    const as = (who: Who): Run => {
        const { env, place: cwd } = home(place.folder, who.replace(" ", "-"), place.ca);
        if (who === "dead key") writeLogin(cwd, place.host, place.logins[who]);
        return (args, input, at) =>
            runProgram(program, args, {
                env: { ...env, DOCKER_CONFIG: join(cwd, ".docker"), ...more(cwd), ...at?.env },
                input,
                cwd: join(cwd, at?.folder ?? ""),
            });
    };
    return { ci: as("ci"), admin: as("admin"), anyone: as("anyone"), "dead key": as("dead key"), folder };
}

/** Logs CI and an admin in, each by a command that reads the key from standard input. */
export async function logIn(
    runs: Record<Who, Run>,
    { logins }: Place,
    args: (user: string) => string[],
): Promise<void> {
    for (const who of ["ci", "admin"] as const) {
        const [user, key] = logins[who];
        const { status, said } = await runs[who](args(user), key);
        if (status !== 0) throw new Error(`The login as ${who} ended with ${status}:\n${said}`);
    }
}

export const plainHttp = ({ ca }: Place, ...options: string[]): string[] => (ca === undefined ? options : []);
