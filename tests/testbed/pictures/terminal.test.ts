/** Pictures of a terminal. */
import { plain, terminalPicture } from "../../../testbed/pictures/terminal";

const ESCAPE = "\u001b[";

test("colours, weight and spaces are kept, and nothing else of what a terminal is told", () => {
    const picture = terminalPicture(
        [`${ESCAPE}38;5;3m${ESCAPE}1m~ ${ESCAPE}0m  a <b> & "c"${ESCAPE}K`, "", `${ESCAPE}32mgreen`],
        "A <title>",
    );
    expect(picture).toContain("<title>A &lt;title&gt;</title>");
    expect(picture).toContain('<tspan x="16.0" fill="#e3b341" font-weight="bold">~\u00a0</tspan>');
    expect(picture).toContain('<tspan x="31.7">\u00a0\u00a0a\u00a0&lt;b&gt;\u00a0&amp;\u00a0"c"</tspan>');
    expect(picture).toContain('fill="#7ee787">green</tspan>');
    expect(picture).not.toContain("\u001b");
    expect(picture.match(/<text /g)).toHaveLength(2);
});

test("text without its escape sequences", () => {
    expect(plain(`${ESCAPE}1mbold${ESCAPE}0m ${ESCAPE}38;5;13mcolour${ESCAPE}0m`)).toBe("bold colour");
});
