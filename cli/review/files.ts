/** Which changed files decide who may do what, or may. Pure. */
import type { FileChange } from "./git";
import { isStackFile } from "./sides";

export interface DecidingFile {
    file: string;
    /** What is unusual of it: a link, a submodule, another mode. */
    kind?: string;
}

/** Text for people, and pictures; wherever they are. */
const DOCUMENT = /^(LICENSE|(.*\/)?[^/]+\.md|docs\/.*\.(svg|png|jpe?g|gif|webp))$/;
const TEST = /^tests\//;
const PLAIN = "100644";

/**
 * Everything decides but documents, tests and the stacks' own files, which are weighed by what they say. Of those too
 * what is no plain file, or was none.
 * Outside of the project's folder: what stands above it, and the folders that begin with a dot, which workflows are in.
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

/** Whether a file of the checkout stands directly in a folder above the project's. */
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
