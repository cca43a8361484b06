/** What each function of the host script reads, sets and calls, found in its text; and what its header says of that. */

export interface ShellFunction {
    name: string;
    file: string;
    /** A body in `( )`: what it sets is gone when it returns. */
    isSubshell: boolean;
    /** Variables that it or a subshell of it reads. */
    reads: Set<string>;
    /** Variables that it sets, and that stay set; what is set in a subshell or a pipeline does not. */
    assigns: Set<string>;
    /** Variables that it sets in a subshell. */
    inner: Set<string>;
    /** Words in the place of a command. */
    calls: Set<string>;
    /** The comment above it. */
    header: string;
}

interface Found {
    reads: Set<string>;
    assigns: Set<string>;
    inner: Set<string>;
    calls: Set<string>;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
/** Words after which a command begins. */
const KEYWORDS = new Set(["if", "then", "else", "elif", "do", "while", "until", "!", "{", "exec", "run", "as_zot"]);

/** Walks through shell text, and skips what is in single quotes, such as an awk program, and comments. */
class Walk {
    private at = 0;
    readonly found: Found = { reads: new Set(), assigns: new Set(), inner: new Set(), calls: new Set() };
    /** Assignments that a command may still follow, for which alone they are then. */
    private pending: string[] = [];

    constructor(private readonly text: string) {}

    all(): Found {
        this.commands(0, "");
        return this.found;
    }

    private get rest(): string {
        return this.text.slice(this.at);
    }

    /** Commands up to an end that is not part of them; `depth` counts the subshells around. */
    private commands(depth: number, end: string): void {
        let isStart = true;
        while (this.at < this.text.length) {
            const character = this.text[this.at] ?? "";
            if (end !== "" && character === end) {
                this.keepPending();
                this.at++;
                return;
            }
            if (character === "#" && /[\s;({]/.test(this.text[this.at - 1] ?? "\n")) {
                this.at += /^[^\n]*/.exec(this.rest)?.[0].length ?? 1;
            } else if (character === "\n" || character === ";" || character === "&" || character === "|") {
                this.keepPending();
                this.at++;
                isStart = true;
            } else if (character === "(") {
                this.at++;
                this.commands(depth + 1, ")");
                isStart = false;
            } else if (character === " " || character === "\t") {
                this.at++;
            } else {
                isStart = this.word(depth, isStart);
            }
        }
    }

    /** At the end of a command: what stands alone stays set. */
    private keepPending(): void {
        for (const name of this.pending.splice(0)) this.found.assigns.add(name);
    }

    /** One word; answers whether the next one is in the place of a command. */
    private word(depth: number, isStart: boolean): boolean {
        const assignment = /^([A-Za-z_][A-Za-z0-9_]*)=/.exec(this.rest);
        if (isStart && assignment) {
            this.at += assignment[0].length;
            this.value(depth);
            if (depth === 0) this.pending.push(assignment[1] ?? "");
            else this.found.inner.add(assignment[1] ?? "");
            return true;
        }
        this.pending = isStart ? [] : this.pending;
        const loop = /^(?:for ([A-Za-z_]\w*)|(?:IFS= )?read -r ([A-Za-z_]\w*))/.exec(this.rest);
        if (isStart && loop) {
            this.found[depth === 0 ? "assigns" : "inner"].add(loop[1] ?? loop[2] ?? "");
            this.at += loop[0].length;
            return false;
        }
        // A pattern of `case`, whose end is a bracket without a beginning.
        const pattern = /^\(?[^\s()'"$;]*(?: \| [^\s()'"$;]+)*\)/.exec(this.rest);
        if (isStart && pattern && depth === 0) {
            this.at += pattern[0].length;
            return true;
        }
        const name = NAME.exec(this.rest)?.[0];
        const begin = this.at;
        this.value(depth);
        if (this.at === begin) this.at++;
        const whole = this.text.slice(begin, this.at);
        if (isStart && name === whole) this.found.calls.add(whole);
        return (
            (isStart && KEYWORDS.has(whole)) || whole === "do" || whole === "then" || whole === "{" || whole === "in"
        );
    }

    /** A word with its quotes and expansions. */
    private value(depth: number): void {
        while (this.at < this.text.length && !/[\s;&|()]/.test(this.text[this.at] ?? "")) this.piece(depth);
    }

    private piece(depth: number): void {
        const character = this.text[this.at];
        if (character === "\\") this.at += 2;
        else if (character === "'") this.at = this.text.indexOf("'", this.at + 1) + 1 || this.text.length;
        else if (character === '"') {
            this.at++;
            while (this.at < this.text.length && this.text[this.at] !== '"') this.inside(depth);
            this.at++;
        } else this.inside(depth);
    }

    /** A character or an expansion, in double quotes or outside of them. */
    private inside(depth: number): void {
        if (this.text[this.at] === "\\") {
            this.at += 2;
        } else if (this.rest.startsWith("$((")) {
            this.at += 3;
            let open = 2;
            while (open > 0 && this.at < this.text.length) {
                const character = this.text[this.at];
                if (character === "$" || /[A-Za-z_]/.test(character ?? "")) {
                    this.arithmetic(depth);
                    continue;
                }
                open += character === "(" ? 1 : character === ")" ? -1 : 0;
                this.at++;
            }
        } else if (this.rest.startsWith("$(")) {
            this.at += 2;
            this.commands(depth + 1, ")");
        } else if (this.rest.startsWith("${")) {
            this.at += 2;
            if (this.text[this.at] === "#" && NAME.test(this.text.slice(this.at + 1))) this.at++;
            const name = NAME.exec(this.rest)?.[0];
            if (name) this.found.reads.add(name);
            this.at += name?.length ?? 1;
            while (this.at < this.text.length && this.text[this.at] !== "}") this.piece(depth);
            this.at++;
        } else if (this.text[this.at] === "$") {
            this.at++;
            const name = NAME.exec(this.rest)?.[0];
            if (name) this.found.reads.add(name);
            this.at += name?.length ?? 1;
        } else this.at++;
    }

    private arithmetic(depth: number): void {
        if (this.text[this.at] === "$") return this.inside(depth);
        const name = NAME.exec(this.rest)?.[0] ?? "x";
        this.found.reads.add(name);
        this.at += name.length;
    }
}

/** The functions of a file, and what it does outside of them. */
export function functionsOf(file: string, text: string): { functions: ShellFunction[]; outside: Found } {
    const functions: ShellFunction[] = [];
    let outside = text;
    for (const match of text.matchAll(
        /((?:^#.*\n)*)^([a-z_0-9]+)\(\) ([{(])(?:\n([\s\S]*?)\n[})](?: 2>\/dev\/null)?$|(.*)$)/gm,
    )) {
        const [whole, header, name, kind, lines, line] = match;
        functions.push({
            name: name ?? "",
            file,
            isSubshell: kind === "(",
            header: header ?? "",
            ...new Walk(`${lines ?? line?.replace(/[})](?: 2>\/dev\/null)?\s*$/, "")}\n`).all(),
        });
        outside = outside.replace(whole ?? "", "");
    }
    return { functions, outside: new Walk(outside).all() };
}
