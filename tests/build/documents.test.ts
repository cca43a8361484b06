/** The pages: long ones begin with what is in them, and what they link to is there. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const root = resolve(__dirname, "../..");
const pages = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "tests/README.md",
    ...readdirSync(join(root, "docs"))
        .filter((name) => name.endsWith(".md"))
        .map((name) => `docs/${name}`),
];
/** From how many lines on a page has a list of its contents. */
const LONG = 150;

const read = (page: string) => readFileSync(join(root, page), "utf8");
const withoutCode = (text: string) => text.replace(/^ *```[\s\S]*?^ *```$/gm, "");

/** As the forges make it of a heading. */
const anchorOf = (heading: string) =>
    heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_\- ]/gu, "")
        .replaceAll(" ", "-");

const headings = (page: string) =>
    [...withoutCode(read(page)).matchAll(/^(#{1,6}) (.+)$/gm)].map(([, level, text]) => ({
        level: level!.length,
        text: text!,
    }));

test.each(pages.filter((page) => page.startsWith("docs/") && read(page).split("\n").length > LONG))(
    "%s begins with a list of its contents",
    (page) => {
        // The codes of messages are looked for by themselves.
        const listed = headings(page)
            .filter(({ level, text }) => (level === 2 || level === 3) && text !== "Contents" && !text.startsWith("ZH-"))
            .map(({ level, text }) => `${level === 3 ? "    " : ""}- [${text}](#${anchorOf(text)})\n`);
        expect(read(page)).toContain(`\n## Contents\n\n${listed.join("")}\n`);
        expect(headings(page)[1]?.text).toBe("Contents");
    },
);

test("the README lists its parts", () => {
    const [line] = read("README.md").match(/^\*\*Contents\*\*: [\s\S]*?\n\n/m)!;
    const parts = headings("README.md").filter(({ level }) => level === 2);
    expect(line.replaceAll("\n", " ").trim()).toBe(
        `**Contents**: ${parts.map(({ text }) => `[${text}](#${anchorOf(text)})`).join(" · ")}`,
    );
});

test.each(pages)("what %s links to is there", (page) => {
    const missing = [...withoutCode(read(page)).matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].filter(
        ([, file, anchor]) => {
            const target = file === "" ? page : join(dirname(page), file!);
            if (!existsSync(join(root, target))) return true;
            return anchor !== undefined && !headings(target).some(({ text }) => anchorOf(text) === anchor);
        },
    );
    expect(missing.map(([link]) => link)).toEqual([]);
});
