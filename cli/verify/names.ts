/** Names of what a run makes; they identify what an interrupted run left behind. Pure. */
import { randomBytes } from "node:crypto";
import { LEFT_OVER_AGE } from "./control";

/** Every name of ours starts with it, or contains it. */
export const PREFIX = "zot-hardening-verify";

const RUN = "(\\d{8}t\\d{6})-[0-9a-f]{6}";

/** For example `20261123t085813-3fa2c1`: the time in UTC, and a random part. Valid as part of a repository's name. */
export function newRunId(now: Date): string {
    const stamp = now.toISOString().slice(0, 19).replace(/[-:]/g, "").toLowerCase();
    return `${stamp}-${randomBytes(3).toString("hex")}`;
}

export const userNameOf = (run: string, tier: string) => `${PREFIX}-${run}-${tier}`;

/** When the run of a user or a token began; undefined if it is none of ours. */
export function timeInName(name: string): Date | undefined {
    return timeOf(new RegExp(`^${PREFIX}-${RUN}(-|$)`).exec(name)?.[1]);
}

/** When the run of a scratch repository began; undefined if it is not a scratch repository. */
export function timeInRepository(repository: string): Date | undefined {
    return timeOf(new RegExp(`(?:^|/)${PREFIX}[/-]${RUN}(?:/|$)`).exec(repository)?.[1]);
}

function timeOf(stamp: string | undefined): Date | undefined {
    if (stamp === undefined) return undefined;
    const time = new Date(stamp.replace(/^(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)$/, "$1-$2-$3T$4:$5:$6Z"));
    return Number.isNaN(time.getTime()) ? undefined : time;
}

/** Whether a run that began then must have ended. */
export const isLeftOver = (began: Date | undefined, now: Date) =>
    began !== undefined && now.getTime() - began.getTime() > LEFT_OVER_AGE;

/**
 * A repository for this run that matches a pattern. Undefined for a pattern without a `*`: its repositories belong to
 * somebody.
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
