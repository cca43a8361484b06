/**
 * Forms of tags, as a site writes them: `vX.Y.Z-<7 hex>`. Which forms are allowed, the regular expression for a form,
 * and example tags. Pure.
 */

/** A placeholder in a form, with the regular expression for it (for RE2 and JavaScript). */
interface Placeholder {
    written: RegExp;
    /** The expression; `count` is what `written` captured. No expression contains `|`. */
    source: (count: string) => string;
    /** Recognizes the expression, to get the form back. */
    read: RegExp;
    form: (count: string) => string;
    /** The nth example, short if that is allowed. */
    sample: (n: number, count: number) => string;
}
const PLACEHOLDERS: Placeholder[] = [
    {
        written: /^[XYZ]/,
        source: () => "[0-9]+",
        read: /^\[0-9\]\+/,
        form: () => "X",
        sample: (n) => String(n),
    },
    {
        written: /^<([1-9][0-9]?) hex>/,
        source: (count) => `[0-9a-f]{${count}}`,
        read: /^\[0-9a-f\]\{([1-9][0-9]?)\}/,
        form: (count) => `<${count} hex>`,
        // The last digits count up; the first are those of a commit.
        sample: (n, count) => ("0f3c9a1b2d4e5f607182".repeat(5).slice(0, count) + n.toString(16)).slice(-count),
    },
    {
        written: /^<date>/,
        source: () => "[0-9]{8}",
        read: /^\[0-9\]\{8\}/,
        form: () => "<date>",
        sample: (n) => String(20260100 + n),
    },
    {
        written: /^<name>/,
        source: () => "[a-z0-9][a-z0-9._-]*",
        read: /^\[a-z0-9\]\[a-z0-9\._-\]\*/,
        form: () => "<name>",
        sample: (n) => (n === 1 ? "main" : `main-${n}`),
    },
];
const LITERAL = /^[A-Za-z0-9._-]/;
const NUMBERS = ["X", "Y", "Z"] as const;

/** What a form may contain: the end of "give …". */
export const TAG_FORM_ALLOWED =
    'a list of forms such as "vX.Y.Z" or "vX.Y.Z-<7 hex>": X, Y and Z are numbers, "<7 hex>" as many digits of a ' +
    'commit, "<date>" a date as 20260131, "<name>" small letters, digits, ".", "_" and "-"; all else stands for itself';

/** One piece of a form: a literal, or a placeholder with its count. */
type Piece = string | { placeholder: Placeholder; count: string };

/** The pieces of a form; undefined if the text is not a form. */
function piecesOf(form: string): Piece[] | undefined {
    const pieces: Piece[] = [];
    let rest = form;
    while (rest !== "") {
        const found = PLACEHOLDERS.map((placeholder) => ({ placeholder, match: placeholder.written.exec(rest) })).find(
            ({ match }) => match,
        );
        const literal = LITERAL.exec(rest)?.[0];
        if (found?.match) pieces.push({ placeholder: found.placeholder, count: found.match[1] ?? "" });
        else if (literal !== undefined) pieces.push(literal);
        else return undefined;
        rest = rest.slice(found?.match?.[0].length ?? 1);
    }
    return pieces;
}

/** Why a form is refused; undefined if it is fine. */
export function tagFormMistake(form: string): string | undefined {
    if (form === "") return "it is empty";
    const pieces = piecesOf(form);
    if (pieces === undefined) {
        const odd = /<[^>]*>?|[^A-Za-z0-9._<>-]/.exec(form.replace(/<([1-9][0-9]? hex|date|name)>/g, ""))?.[0] ?? form;
        return odd.startsWith("<")
            ? `${JSON.stringify(odd)} has no meaning in a form`
            : `it has ${JSON.stringify(odd)}, which a tag cannot hold`;
    }
    if (/^[.-]/.test(form)) return 'it begins with "." or "-", which no tag does';
    if (form === "<name>") return "nearly every tag matches it";
    if (exampleOf(form).length > 128) return "such a tag has more than 128 characters";
    return undefined;
}

/** The regular expression for a form, without anchors. */
const sourceOf = (form: string): string =>
    piecesOf(form)!
        .map((piece) =>
            typeof piece !== "string" ? piece.placeholder.source(piece.count) : piece === "." ? "[.]" : piece,
        )
        .join("");

/** The regular expression for tags that match one of the forms as a whole. */
export const tagFormsSource = (forms: readonly string[]): string => `^(?:${forms.map(sourceOf).join("|")})$`;

/** The forms behind such an expression; undefined if this program did not make it. */
export function formsOfSource(source: string): string[] | undefined {
    const inner = /^\^\(\?:(.+)\)\$$/.exec(source)?.[1];
    if (inner === undefined) return undefined;
    const forms = inner.split("|").map(formOfSource);
    if (forms.some((form) => form === undefined || tagFormMistake(form) !== undefined)) return undefined;
    return tagFormsSource(forms as string[]) === source ? (forms as string[]) : undefined;
}

function formOfSource(source: string): string | undefined {
    let [form, rest, numbers] = ["", source, 0];
    while (rest !== "") {
        const found = PLACEHOLDERS.map((placeholder) => ({ placeholder, match: placeholder.read.exec(rest) })).find(
            ({ match }) => match,
        );
        const text = found?.match?.[0] ?? /^(\[\.\]|[A-Za-z0-9_-])/.exec(rest)?.[0];
        if (text === undefined) return undefined;
        const written = found?.placeholder.form(found.match![1] ?? "");
        form += written === "X" ? NUMBERS[Math.min(numbers++, 2)] : (written ?? (text === "[.]" ? "." : text));
        rest = rest.slice(text.length);
    }
    return form;
}

/** A character of a tag, in small letters, that occurs once or any number of times. */
interface Step {
    characters: string;
    many: boolean;
}
const DIGITS = "0123456789";
const NAME = `abcdefghijklmnopqrstuvwxyz${DIGITS}`;

/** The steps that make up a tag of a form; capitals as small letters. */
function stepsOf(form: string): Step[] {
    const one = (characters: string): Step => ({ characters, many: false });
    const any = (characters: string): Step => ({ characters, many: true });
    return piecesOf(form)!.flatMap((piece) => {
        if (typeof piece === "string") return [one(piece.toLowerCase())];
        const count = Number(piece.count || 0);
        switch (piece.placeholder.form(piece.count)) {
            case "X":
                return [one(DIGITS), any(DIGITS)];
            case "<name>":
                return [one(NAME), any(`${NAME}._-`)];
            case "<date>":
                return Array.from({ length: 8 }, () => one(DIGITS));
            default:
                return Array.from({ length: count }, () => one(`${DIGITS}abcdef`));
        }
    });
}

/** Whether some tag matches both forms, regardless of capitals. */
export function formsMayMeet(left: string, right: string): boolean {
    const [a, b] = [stepsOf(left), stepsOf(right)];
    const seen = new Set<string>();
    const ahead: [number, number][] = [[0, 0]];
    for (let at = ahead.pop(); at !== undefined; at = ahead.pop()) {
        const [i, j] = at;
        if (seen.has(String(at))) continue;
        seen.add(String(at));
        const [x, y] = [a[i], b[j]];
        if (!x && !y) return true;
        if (x?.many) ahead.push([i + 1, j]);
        if (y?.many) ahead.push([i, j + 1]);
        const meet = x && y && [...x.characters].some((character) => y.characters.includes(character));
        if (meet) ahead.push([x.many ? i : i + 1, y.many ? j : j + 1]);
    }
    return false;
}

const expressions = new Map<string, RegExp>();

/** Whether a tag matches one of the forms. */
export function hasTagForm(forms: readonly string[], tag: string): boolean {
    const source = tagFormsSource(forms);
    const expression = expressions.get(source) ?? new RegExp(source);
    expressions.set(source, expression);
    return expression.test(tag);
}

/** An example of a tag of that form, for messages: `v1.4.2-f3c9a11`. */
export function exampleOf(form: string): string {
    const numbers = [1, 4, 2];
    return tagWith(form, ({ form: written }) => (written("") === "X" ? (numbers.shift() ?? 2) : 1));
}

/** The nth tag of that form (n from 1 to 99); undefined if the form has no placeholder, and so only one tag. */
export function nthTag(form: string, n: number): string | undefined {
    return (piecesOf(form) ?? []).every((piece) => typeof piece === "string") ? undefined : tagWith(form, () => n);
}

const tagWith = (form: string, nOf: (placeholder: Placeholder) => number): string =>
    piecesOf(form)!
        .map((piece) =>
            typeof piece === "string"
                ? piece
                : piece.placeholder.sample(nOf(piece.placeholder), Number(piece.count || 0)),
        )
        .join("");
