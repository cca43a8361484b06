/** Finds the changed files that decide, or may decide, who may do what. Pure. */
import type { FileChange } from "./git";
import { isStackFile } from "./sides";

export interface DecidingFile {
    file: string;
    /** What is unusual about it: a link, a submodule, another mode. */
    kind?: string;
}

/** Text for people, and pictures, in any folder. */
const DOCUMENT = /^(LICENSE|(.*\/)?[^/]+\.md|docs\/.*\.(svg|png|jpe?g|gif|webp))$/;
const TEST = /^tests\//;
const PLAIN = "100644";

/**
 * Every file decides except documents, tests, and the stacks' own files, which are judged by their content. Even one of
 * those decides if it is no plain file, or was none.
 * Outside of the project's folder only these count: files in folders above it, and folders that begin with a dot, which
 * hold workflows.
 *
 * @param prefix of the project's folder in the checkout
 */
export function decidingFiles(changes: readonly FileChange[], prefix: string): DecidingFile[] {
    return changes
        .filter((change) => isOurs(change.file, prefix) && decides(change))
        .map((change) => ({ file: change.file, ...kindOf(change) }));
}

function decides({ file, before, after }: FileChange): boolean {
    const isWeighedOtherwise = DOCUMENT.test(file) || TEST.test(file) || isStackFile(file);
    return (
        !isWeighedOtherwise ||
        [before, after].some((mode) => mode !== undefined && mode !== PLAIN && !(TEST.test(file) && mode === "100755"))
    );
}

function isOurs(file: string, prefix: string): boolean {
    const [, up = "", below = ""] = /^((?:\.\.\/)*)(.*)$/s.exec(file)!;
    if (up === "") return true;
    return below.startsWith(".") || isAbove(below, prefix);
}

/** Whether a file of the checkout is directly in a folder above the project's. */
const isAbove = (file: string, prefix: string) => prefix.startsWith(file.slice(0, file.lastIndexOf("/") + 1));

function kindOf({ before, after }: FileChange): { kind?: string } {
    if (after === "120000") return { kind: "a symbolic link" };
    if (after === "160000") return { kind: "a submodule" };
    if (before === "120000" || before === "160000")
        return { kind: `was ${before === "120000" ? "a symbolic link" : "a submodule"}` };
    if (before !== undefined && after !== undefined && before !== after)
        return { kind: after === "100755" ? "may be run now" : "may no longer be run" };
    return {};
}
