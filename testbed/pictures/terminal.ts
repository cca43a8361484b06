/** The text of a terminal, with its colours, as an SVG that any forge shows. Pure. */

/** Colours that can be read on the picture's dark ground. */
const COLOURS: Record<number, string> = {
    30: "#6e7681",
    31: "#ff7b72",
    32: "#7ee787",
    33: "#e3b341",
    34: "#79c0ff",
    35: "#d2a8ff",
    36: "#76e3ea",
    37: "#e6edf3",
};
const GROUND = "#0d1117";
const INK = "#e6edf3";
const FONT = { size: 13, width: 7.83, line: 19 };
const MARGIN = 16;

interface Style {
    colour?: string;
    bold?: boolean;
}

/** `colour.ANSI 256`: the first sixteen are the eight, plain and bright. */
function styleAfter(style: Style, codes: number[]): Style {
    let after = style;
    for (let index = 0; index < codes.length; index++) {
        const code = codes[index]!;
        if (code === 0) after = {};
        else if (code === 1) after = { ...after, bold: true };
        else if (code === 22) after = { ...after, bold: false };
        else if (code === 39) after = { ...after, colour: undefined };
        else if (code >= 30 && code <= 37) after = { ...after, colour: COLOURS[code] };
        else if (code >= 90 && code <= 97) after = { ...after, colour: COLOURS[code - 60] };
        else if (code === 38 && codes[index + 1] === 5) {
            after = { ...after, colour: COLOURS[30 + (codes[index + 2]! % 8)] };
            index += 2;
        }
    }
    return after;
}

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Text without its escape sequences. */
export const plain = (text: string): string => text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, "");

/** The parts of a line that have a style of their own. */
function spansOf(line: string): string[] {
    let style: Style = {};
    let column = 0;
    const spans: string[] = [];
    for (const part of line.split(/(\u001b\[[0-9;]*[A-Za-z])/)) {
        const codes = /^\u001b\[([0-9;]*)m$/.exec(part)?.[1];
        if (codes !== undefined) style = styleAfter(style, codes === "" ? [0] : codes.split(";").map(Number));
        if (part.startsWith("\u001b")) continue;
        if (part.trim() !== "") spans.push(span(part, column, style));
        column += part.length;
    }
    return spans;
}

/** Text at its place, whatever the width of the font is; its spaces are kept everywhere. */
function span(text: string, column: number, { colour, bold }: Style): string {
    const attributes = `${colour ? ` fill="${colour}"` : ""}${bold ? ' font-weight="bold"' : ""}`;
    const place = (MARGIN + column * FONT.width).toFixed(1);
    return `<tspan x="${place}"${attributes}>${escaped(text).replaceAll(" ", "\u00a0")}</tspan>`;
}

/**
 * @param lines text with the escape sequences for colours; others are left out
 * @param title what the picture shows, for those who do not see it
 */
export function terminalPicture(lines: readonly string[], title: string): string {
    const columns = Math.max(...lines.map((line) => plain(line).length));
    const [width, height] = [
        Math.ceil(columns * FONT.width + 2 * MARGIN),
        Math.ceil(lines.length * FONT.line + 2 * MARGIN),
    ];
    const rows = lines.map((line, row) => {
        const spans = spansOf(line);
        return spans.length === 0 ? "" : `<text y="${MARGIN + (row + 0.75) * FONT.line}">${spans.join("")}</text>`;
    });
    return [
        `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ` +
            `${height}" role="img">`,
        `<title>${escaped(title)}</title>`,
        `<rect width="100%" height="100%" rx="8" fill="${GROUND}"/>`,
        `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', ` +
            `monospace" font-size="${FONT.size}" fill="${INK}">`,
        ...rows.filter(Boolean),
        "</g>",
        "</svg>",
        "",
    ].join("\n");
}
