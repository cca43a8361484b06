/** The shell blocks of the operator's manual, by heading, as a person copies them. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const ROOT = resolve(__dirname, "../..");

/** Every `sh` block below each heading of a page, in order; an indented one without its indentation. */
export function shellBlocks(page: string): Map<string, string[]> {
    const found = new Map<string, string[]>();
    let heading = "";
    let open: { indentation: number; lines: string[] } | undefined;
    for (const line of readFileSync(join(ROOT, page), "utf8").split("\n")) {
        const [, indentation, language] = /^( *)```(\w*)$/.exec(line) ?? [];
        if (open) {
            if (language !== "") {
                open.lines.push(line.slice(open.indentation));
                continue;
            }
            found.set(heading, [...(found.get(heading) ?? []), open.lines.join("\n")]);
            open = undefined;
        } else if (language === "sh") {
            open = { indentation: indentation!.length, lines: [] };
        } else {
            heading = /^#{1,6} (.+)$/.exec(line)?.[1] ?? heading;
        }
    }
    return found;
}

const MANUAL = shellBlocks("docs/operations.md");
export const README = shellBlocks("README.md");

/** The blocks below a heading of the manual; there have to be so many. */
export function blocks(heading: string, count: number): string[] {
    const found = MANUAL.get(heading) ?? [];
    if (found.length !== count)
        throw new Error(`"${heading}" of the manual has ${found.length} shell blocks instead of ${count}.`);
    return found;
}
