/** The review's access to git: commits, their files in a separate folder, and which files differ. */
import {
    type ExecFileSyncOptions,
    execFileSync,
    type SpawnSyncOptionsWithStringEncoding,
    spawnSync,
} from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { outsideText } from "../../clients/outsideText";
import { UserError } from "../../clients/userError";
import { withoutSecretVariables } from "../shared/environment";
import { throwIfInterrupted } from "../shared/interrupt";

const answerOf = (
    args: string[],
    options: Omit<SpawnSyncOptionsWithStringEncoding, "encoding"> & { encoding: "utf8" },
) => {
    const answer = spawnSync("git", args, { env: withoutSecretVariables(), ...options });
    throwIfInterrupted(answer);
    return answer;
};

const outputOf = (args: string[], options: ExecFileSyncOptions): string => {
    try {
        return execFileSync("git", args, { env: withoutSecretVariables(), ...options, encoding: "utf8" });
    } catch (error) {
        throwIfInterrupted(error);
        throw error;
    }
};

/** A checkout, and the project's place in it. */
export interface Repository {
    root: string;
    /** Path of the project below the root, with a slash at its end; empty for the root itself. */
    prefix: string;
}

/** @throws UserError if the folder is in no checkout, or git is missing */
export function repositoryOf(folder: string): Repository {
    const answer = answerOf(["rev-parse", "--show-toplevel", "--show-prefix"], { cwd: folder, encoding: "utf8" });
    if (answer.error)
        throw new UserError(
            `git cannot be started (${(answer.error as NodeJS.ErrnoException).code}); ` +
                "the review compares two of its commits. Install git.",
        );
    if (answer.status !== 0)
        throw new UserError(
            `${folder} is not in a git checkout; the review compares two commits: ${answer.stderr.trim()}`,
        );
    const [root = "", prefix = ""] = answer.stdout.split("\n");
    return { root, prefix };
}

/** The commit that a name stands for. @throws UserError if there is none */
export function commitOf({ root }: Repository, ref: string): string {
    const answer = answerOf(["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`], {
        cwd: root,
        encoding: "utf8",
    });
    if (answer.status === 0) return answer.stdout.trim();
    throw new UserError(
        `There is no commit ${JSON.stringify(ref)} here. ` +
            "A branch of the forge has to be fetched first: " +
            `git fetch origin ${/^[\w./-]+$/.test(ref) ? ref.replace(/^origin\//, "") : "BRANCH"}`,
    );
}

/** Names that no checkout accepts; a file's path must be literal. */
const NO_NAME = /(^|\/)(\.{0,2}|\.git|git~1)(\/|$)/i;

/**
 * Refuses a commit that git itself would not have made. If two of its files had one path, the review would read one of
 * them, and a checkout would contain the other.
 *
 * @throws UserError
 */
export function requireOrdinary({ root }: Repository, commit: string): void {
    const paths = outputOf(["ls-tree", "-r", "-z", "--name-only", "--full-tree", commit], {
        cwd: root,
        maxBuffer: 1 << 28,
    })
        .split("\0")
        .filter(Boolean);
    const folders = new Set(paths.flatMap(foldersOf));
    const seen = new Set<string>();
    for (const path of paths) {
        const why = NO_NAME.test(path)
            ? "is no path that git checks out"
            : seen.has(path) || folders.has(path)
              ? "stands in it twice"
              : undefined;
        if (why !== undefined)
            throw new UserError(
                `git does not make commits like ${commit.slice(0, 12)}: ${quotedPath(path)} ${why}. ` +
                    "It is not reviewed; let its author make it again, from a checkout.",
            );
        seen.add(path);
    }
}

/** `a/b/c` is in `a` and in `a/b`. */
const foldersOf = (path: string) => [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index));
const quotedPath = (path: string) => JSON.stringify(outsideText(path, 200));

/**
 * Where two branches parted; undefined if that is not known, as in a shallow clone, or if there is more than one such
 * commit.
 */
export function mergeBase({ root }: Repository, one: string, other: string): string | undefined {
    const answer = answerOf(["merge-base", "--all", one, other], { cwd: root, encoding: "utf8" });
    const found = answer.stdout.split("\n").filter(Boolean);
    return answer.status === 0 && found.length === 1 ? found[0] : undefined;
}

/** How many commits `ahead` has and `behind` lacks. */
export function commitsMissing({ root }: Repository, behind: string, ahead: string): number {
    return Number(outputOf(["rev-list", "--count", `${behind}..${ahead}`], { cwd: root }));
}

/** Writes a commit's files below `into`. It touches neither the checkout nor its index, and runs no hook. */
export function writeCommit({ root }: Repository, commit: string, into: string): void {
    mkdirSync(into, { recursive: true });
    const env = { ...withoutSecretVariables(), GIT_INDEX_FILE: join(into, "..", `index-${commit}`) };
    outputOf(["read-tree", commit], { cwd: root, env });
    outputOf(["checkout-index", "--all", "--force", `--prefix=${into}/`], {
        cwd: root,
        env,
        stdio: ["ignore", "ignore", "pipe"],
    });
}

/**
 * A file that differs. A mode is git's: 100644 and 100755 for files, 120000 for a symbolic link, 160000 for a
 * submodule; undefined if there is none.
 */
export interface FileChange {
    /** Relative to the project's folder; in other folders of the checkout with `../`. */
    file: string;
    before?: string;
    after?: string;
}

/**
 * What differs in the checkout; without a head, the working tree including files that are not added yet. Ignores git's
 * configuration.
 */
export function changedFiles({ root, prefix }: Repository, base: string, head: string | undefined): FileChange[] {
    const list = (args: string[]) =>
        outputOf(args, { cwd: root, maxBuffer: 1 << 28 })
            .split("\0")
            .filter(Boolean);
    const relative = (file: string) =>
        file.startsWith(prefix) ? file.slice(prefix.length) : `${"../".repeat(prefix.split("/").length - 1)}${file}`;
    const exactly = [
        "--raw",
        "--no-renames",
        "--no-relative",
        "--ignore-submodules=none",
        "--no-ext-diff",
        "--no-textconv",
        "-z",
        "--abbrev=40",
    ];
    const found = new Map<string, FileChange>();
    const differences = list(["diff", ...exactly, base, ...(head ? [head] : []), "--"]);
    for (let index = 0; index + 1 < differences.length; index += 2) {
        const [, before, after] = /^:(\d+) (\d+) /.exec(differences[index]!)!;
        const mode = (text: string | undefined) => (text === "000000" ? undefined : text);
        found.set(differences[index + 1]!, {
            file: relative(differences[index + 1]!),
            before: mode(before),
            after: mode(after),
        });
    }
    if (!head) {
        // git reports the kind of a file only after it was added.
        for (const file of list(["ls-files", "--others", "--exclude-standard", "-z"]))
            found.set(file, { file: relative(file), after: found.get(file)?.after ?? "100644" });
    }
    return [...found.values()].sort((left, right) => (left.file < right.file ? -1 : 1));
}

/** An entry of a folder in a commit. */
export interface Entry {
    name: string;
    mode: string;
    object: string;
    /** In bytes; undefined for anything but a file. */
    size?: number;
}

/** The content of the project's folder in a commit; empty if it is not a folder. */
export function entriesOf({ root, prefix }: Repository, commit: string): Entry[] {
    return outputOf(["ls-tree", "-z", "--long", "--full-tree", commit, ...(prefix === "" ? [] : ["--", prefix])], {
        cwd: root,
        maxBuffer: 1 << 28,
    })
        .split("\0")
        .flatMap((line) => {
            const [, mode, object, size, path] = /^(\d+) \w+ (\w+) +(\S+)\t([\s\S]*)$/.exec(line) ?? [];
            return path?.startsWith(prefix)
                ? [
                      {
                          name: path.slice(prefix.length),
                          mode: mode!,
                          object: object!,
                          ...(size === "-" ? {} : { size: Number(size) }),
                      },
                  ]
                : [];
        });
}

/** A file's content as it is stored, without any attribute, filter or line ending that a commit may ask for. */
export function contentOf({ root }: Repository, object: string): Buffer {
    return execFileSync("git", ["cat-file", "blob", object], {
        cwd: root,
        env: withoutSecretVariables(),
        maxBuffer: 1 << 28,
    });
}

/** The difference of two texts as `git diff` shows it, without its heading; empty if there is none. */
export function textDifference(scratch: string, before: string, after: string): string {
    if (before === after) return "";
    // A random name, at which nobody can have planted a link.
    const folder = mkdtempSync(join(scratch, "texts-"));
    try {
        writeFileSync(join(folder, "before"), before);
        writeFileSync(join(folder, "after"), after);
        // Ignores everybody's configuration. Exit codes 0 and 1 are answers; any other is a failure.
        const env = {
            ...withoutSecretVariables(),
            GIT_CONFIG_GLOBAL: "/dev/null",
            GIT_CONFIG_NOSYSTEM: "1",
            GIT_CEILING_DIRECTORIES: scratch,
        };
        const answer = answerOf(
            [
                "diff",
                "--no-index",
                "--no-color",
                "--no-ext-diff",
                "--no-textconv",
                "--text",
                "--unified=3",
                "before",
                "after",
            ],
            { cwd: folder, env, encoding: "utf8", maxBuffer: 1 << 28 },
        );
        if (answer.status !== 0 && answer.status !== 1) throw new Error(`git diff failed: ${answer.stderr}`);
        const start = answer.stdout.indexOf("\n@@");
        return start < 0 ? "" : answer.stdout.slice(start + 1);
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
}
