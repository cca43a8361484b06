/** Text from outside: a terminal, a browser and a reader of Markdown show it and obey nothing in it. */
import * as fc from "fast-check";
import { markdownCode, outsideText, printable, printableJson } from "../../clients/outsideText";

/** Controls but line feed and tab, marks of direction, other line ends, marks that are not seen. */
const OBEYED = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

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
