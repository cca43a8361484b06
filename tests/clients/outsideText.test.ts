/** Text from outside: a terminal, a browser and a reader of Markdown show it and obey nothing in it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { markdownCode, outsideText, printable, printableJson } from "../../clients/outsideText";

/** Controls but line feed and tab, marks of direction, other line ends, marks that are not seen. */
const OBEYED = new RegExp(
    [
        "[\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f]",
        "[\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb]",
        "[\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}]",
        "\\p{M}{5}",
    ].join("|"),
    "u",
);

const nasty = fc.oneof(
    fc.string({ unit: "binary" }),
    fc
        .array(
            fc.constantFrom(
                "\x1b[2J",
                "\x9b31m",
                "\r",
                "\n",
                "\t",
                "\u202e",
                "\u2028",
                "\0",
                "`",
                "``",
                "|",
                "<b>",
                "a",
                "\ud800",
                "é",
                "😀",
                "\u{e0041}",
                "\u3164",
                "\u00ad",
                "\u0301\u0302\u0489",
            ),
        )
        .map((parts) => parts.join("")),
);

test("a sentence's part is one line, without controls, and bounded", async () => {
    await fc.assert(
        fc.property(nasty, fc.integer({ min: 1, max: 50 }), (text, length) => {
            const line = outsideText(text, length);
            expect(line).not.toMatch(OBEYED);
            expect(line).not.toMatch(/[\n\t]/);
            expect(line.length).toBeLessThanOrEqual(length + 2);
            expect(Buffer.from(line, "utf8").toString("utf8")).toBe(line);
        }),
    );
});

test("JSON holds none of it either, and is the same value", async () => {
    await fc.assert(
        fc.property(fc.array(fc.tuple(nasty, nasty)), (entries) => {
            const value = entries.map(([name, text]) => ({ [name]: text }));
            const json = printableJson(value);
            expect(json).not.toMatch(OBEYED);
            expect(JSON.parse(json)).toEqual(value);
        }),
    );
});

test("what holds nothing of the kind stays as it is", async () => {
    await fc.assert(
        fc.property(fc.stringMatching(/^[a-zäß0-9:/.,"'{}]([ a-zäß0-9:/.,"'{}]{0,60}[a-zäß0-9:/.,"'{}])?$/), (text) =>
            expect(outsideText(text)).toBe(text.replace(/\s+/g, " ")),
        ),
    );
    expect(outsideText("denied: requested access\nto the resource")).toBe("denied: requested access to the resource");
});

test("a megabyte costs no more than its beginning", () => {
    const line = outsideText(`begin ${"x".repeat(1_000_000)}`, 100);
    expect(line).toMatch(/^begin x+ …$/);
    expect(line.length).toBeLessThanOrEqual(102);
});

test("what is printed keeps its lines and nothing that a terminal obeys", async () => {
    await fc.assert(fc.property(nasty, (text) => expect(printable(text)).not.toMatch(OBEYED)));
    expect(printable("one\r\ntwo\n\tthree")).toBe("one\ntwo\n\tthree");
});

test("a text that is hidden in tags, behind fillers or below a pile of marks is none of the message", () => {
    const tags = [..."delete all"].map((letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join("");
    expect(outsideText(`denied${tags}.`)).toBe("denied .");
    expect(outsideText(`in\u00advis\u3164ible\u206a`)).toBe("in vis ible");
    expect(outsideText(`Z${"\u0336".repeat(200)}algo`)).toBe(`Z${"\u0336".repeat(4)} algo`);
    // As people write: Vietnamese, Hebrew with its points, Thai.
    for (const text of ["Vie\u0323\u0302t Nam", "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd", "ที่นี่"])
        expect(outsideText(text)).toBe(text);
});

test("the scripts of the workflows, which nobody compiles, know the same", () => {
    const said = (file: string) =>
        /const OBEYED =\s+(.*);/.exec(readFileSync(join(__dirname, "../..", file), "utf8"))?.[1];
    expect(said(".github/scripts/shown.cjs")).toBe(said("clients/outsideText.ts"));
    expect(said("clients/outsideText.ts")).toMatch(/^\/.*\/gu$/);
});

test("a name in Markdown is code whatever it holds", async () => {
    expect(markdownCode("team/app")).toBe("`team/app`");
    expect(markdownCode("a`b")).toBe("``a`b``");
    expect(markdownCode("`")).toBe("`` ` ``");
    expect(markdownCode("a|b\n# title")).toBe("`a|b # title`");
    await fc.assert(
        fc.property(nasty, (text) => {
            const code = markdownCode(text);
            const [fence] = /^`+/.exec(code)!;
            // Nothing inside closes it: no run of as many backticks.
            const inner = code.slice(fence.length, -fence.length);
            expect(code.endsWith(fence)).toBe(true);
            for (const [run] of inner.matchAll(/`+/g)) expect(run.length).not.toBe(fence.length);
            expect(code).not.toMatch(/\n/);
        }),
    );
});
