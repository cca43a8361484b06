/** What the review needs of git: commits, their files in a folder of their own, and which files differ. */
import { execFileSync, type ExecFileSyncOptions, spawnSync, type SpawnSyncOptionsWithStringEncoding } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../shared/command";
import { heedSignalOf } from "../shared/interrupt";

const answerOf = (args: string[], options: Omit<SpawnSyncOptionsWithStringEncoding, "encoding"> & { encoding: "utf8" }) => {
    const answer = spawnSync("git", args, options);
    heedSignalOf(answer);
    return answer;
};

const outputOf = (args: string[], options: ExecFileSyncOptions): string => {
    try {
        return execFileSync("git", args, { ...options, encoding: "utf8" });
    } catch (error) {
        heedSignalOf(error);
        throw error;
    }
};

/** A checkout, and where the project is in it. */
export interface Repository {
    root: string;
    /** Path of the project below the root, with a slash at its end; empty for the root itself. */
    prefix: string;
}

/** @throws UserError where the folder is in no checkout, or there is no git. */
export function repositoryOf(folder: string): Repository {
    const answer = answerOf(["rev-parse", "--show-toplevel", "--show-prefix"], { cwd: folder, encoding: "utf8" });
    if (answer.error) throw new UserError(`git cannot be started (${(answer.error as NodeJS.ErrnoException).code}); the review compares two of its commits. Install git.`);
    if (answer.status !== 0) throw new UserError(`${folder} is not in a git checkout; the review compares two commits: ${answer.stderr.trim()}`);
    const [root = "", prefix = ""] = answer.stdout.split("\n");
    return { root, prefix };
}

/** The commit that a name stands for. @throws UserError where there is none. */
export function commitOf({ root }: Repository, ref: string): string {
    const answer = answerOf(["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`], { cwd: root, encoding: "utf8" });
    if (answer.status === 0) return answer.stdout.trim();
    throw new UserError(`There is no commit ${JSON.stringify(ref)} here. A branch of the forge has to be fetched first: git fetch origin ${/^[\w./-]+$/.test(ref) ? ref.replace(/^origin\//, "") : "BRANCH"}`);
}

/** Where two lines of development parted; undefined where that is not known, as in a shallow clone. */
export function mergeBase({ root }: Repository, one: string, other: string): string | undefined {
    const answer = answerOf(["merge-base", one, other], { cwd: root, encoding: "utf8" });
    return answer.status === 0 ? answer.stdout.trim() : undefined;
}

/** How many commits `ahead` has that `behind` has not. */
export function commitsMissing({ root }: Repository, behind: string, ahead: string): number {
    return Number(outputOf(["rev-list", "--count", `${behind}..${ahead}`], { cwd: root }));
}

/** Writes a commit's files below `into`; neither the checkout nor its index are touched, and no hook runs. */
export function writeCommit({ root }: Repository, commit: string, into: string): void {
    mkdirSync(into, { recursive: true });
    const env = { ...process.env, GIT_INDEX_FILE: join(into, "..", `index-${commit}`) };
    outputOf(["read-tree", commit], { cwd: root, env });
    outputOf(["checkout-index", "--all", "--force", `--prefix=${into}/`], { cwd: root, env, stdio: ["ignore", "ignore", "pipe"] });
}

/** Files of the project that differ, relative to it; without a head, of the working tree with what is not yet added. */
export function changedFiles({ root, prefix }: Repository, base: string, head: string | undefined): string[] {
    const list = (args: string[]) => outputOf(args, { cwd: root, maxBuffer: 1 << 28 }).split("\0").filter(Boolean);
    const below = prefix === "" ? "." : prefix;
    const found = list(["diff", "--name-only", "--no-renames", "-z", base, ...(head ? [head] : []), "--", below]);
    if (!head) found.push(...list(["ls-files", "--others", "--exclude-standard", "-z", "--", below]));
    return [...new Set(found)].map((file) => file.slice(prefix.length)).sort();
}

/** The difference of two texts, as `git diff` shows it, without its heading; empty where there is none. */
export function textDifference(folder: string, before: string, after: string): string {
    // 0 and 1 are answers, all else is a failure.
    const answer = answerOf(["diff", "--no-index", "--no-color", "--no-ext-diff", "--no-textconv", "--unified=3", before, after], { cwd: folder, encoding: "utf8", maxBuffer: 1 << 28 });
    if (answer.status !== 0 && answer.status !== 1) throw new Error(`git diff failed: ${answer.stderr}`);
    const start = answer.stdout.indexOf("\n@@");
    return start < 0 ? "" : answer.stdout.slice(start + 1);
}
