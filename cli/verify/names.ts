/** Names of what a run makes: by them an interrupted run's are found. Pure. */
import { randomBytes } from "node:crypto";
import { LEFT_OVER_AGE } from "./control";

/** Every name of ours starts with it, or has it as a part. */
export const PREFIX = "zot-hardening-verify";

const RUN = "(\\d{8}t\\d{6})-[0-9a-f]{6}";

/** For example `20261123t085813-3fa2c1`: the time in UTC, and chance. A part of a repository's name may look so. */
export function newRunId(now: Date): string {
    const stamp = now.toISOString().slice(0, 19).replace(/[-:]/g, "").toLowerCase();
    return `${stamp}-${randomBytes(3).toString("hex")}`;
}

export const userNameOf = (run: string, tier: string) => `${PREFIX}-${run}-${tier}`;

/** When the run began that a user or a token is of; undefined where it is none of ours. */
export function timeInName(name: string): Date | undefined {
    return timeOf(new RegExp(`^${PREFIX}-${RUN}(-|$)`).exec(name)?.[1]);
}

/** When the run began whose scratch repository this is; undefined where it is none. */
export function timeInRepository(repository: string): Date | undefined {
    return timeOf(new RegExp(`(?:^|/)${PREFIX}[/-]${RUN}(?:/|$)`).exec(repository)?.[1]);
}

function timeOf(stamp: string | undefined): Date | undefined {
    if (stamp === undefined) return undefined;
    const time = new Date(stamp.replace(/^(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)$/, "$1-$2-$3T$4:$5:$6Z"));
    return Number.isNaN(time.getTime()) ? undefined : time;
}

/** Whether a run that began then has ended, one way or another. */
export const isLeftOver = (began: Date | undefined, now: Date) =>
    began !== undefined && now.getTime() - began.getTime() > LEFT_OVER_AGE;

/**
 * A repository of this run among those that a pattern matches, or undefined for a pattern without a `*`: its
 * repositories are somebody's.
 */
export function repositoryUnder(pattern: string, run: string): string | undefined {
    const parts = pattern.split("/");
    const last = parts.findLastIndex((part) => part.includes("*"));
    if (last < 0) return undefined;
    const ours = parts[last] === "**" ? `${PREFIX}/${run}` : parts[last]!.replace("*", `${PREFIX}-${run}`);
    return parts
        .map((part, index) => (index === last ? ours : part).replace("**", "x").replace(/[*?]/g, "x"))
        .join("/");
}
