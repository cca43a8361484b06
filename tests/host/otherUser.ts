/** Deployments as root to a zot of another user: who these users are, and whether a test can be them. */
import { spawnSync } from "node:child_process";

/** The user that zot runs as: nobody. */
export const ZOT = 65534;
/** A user who is neither root nor zot's. */
export const OTHER = 4711;

/** Why it cannot be tried; undefined where it can. */
export const notAsOthers =
    process.getuid?.() !== 0
        ? "only root can be another user"
        : spawnSync("setpriv", ["--version"]).status !== 0
          ? "no setpriv here (Debian's package util-linux)"
          : undefined;
