/**
 * The real zot for the contract cases, besides the stand-in: the one that ZOT names, else the first on the PATH.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** What a zot says of itself; undefined of a program that is none. */
export function whatZotSays(program: string): { isStandIn: boolean } | undefined {
    const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8", timeout: 10_000 });
    return /"commit":"[^"]*"/.test(stdout ?? "") ? { isStandIn: /"binary-type":"stand-in"/.test(stdout) } : undefined;
}

/** Path of the real zot, or undefined if there is none: the zot on the PATH may be the stand-in. */
export function realZot(env: NodeJS.ProcessEnv): string | undefined {
    const candidates = env.ZOT
        ? [env.ZOT]
        : (env.PATH ?? "")
              .split(delimiter)
              .filter(Boolean)
              .map((folder) => join(folder, "zot"));
    return candidates.find((candidate) => existsSync(candidate) && whatZotSays(candidate)?.isStandIn === false);
}
