/** Asks a person: at a terminal, in a pipe, or nobody at all. */
import { createInterface } from "node:readline";
import { printable } from "../../clients/outsideText";
import { UserError } from "../../clients/userError";
import { Interrupted } from "../shared/interrupt";

export interface Choice {
    value: string;
    /** Default: the value. */
    label?: string;
    /** What the choice means. */
    hint?: string;
}

export interface Ask {
    message: string;
    help?: string;
    /** The default answer. */
    fallback?: string;
    /** Without choices any text may be given. */
    choices?: readonly Choice[];
    isSecret?: boolean;
    /** The option that would have answered it, for a message; for a secret, the environment variable. */
    option: string;
    /** Why an answer is refused, as the end of a sentence. */
    check(answer: string): string | undefined;
}

export interface Asker {
    /** @throws Interrupted at Ctrl-C; UserError if nobody answers */
    ask(ask: Ask): Promise<string>;
    /** Prints something between two questions. */
    say(text: string): void;
    /** Whether a refused answer can be given again. */
    canRepeat: boolean;
    close(): void;
}

const say = (text: string) => void process.stderr.write(`${printable(text)}\n`);

/** Asks with arrow keys, and hides secrets. */
export async function terminalAsker(): Promise<Asker> {
    const clack = await import("@clack/prompts");
    const output = process.stderr;
    // A terminal without a width, as of a script that types, would put each letter on its own line.
    if (!output.columns) Object.assign(output, { columns: 80, rows: 24 });
    return {
        async ask({ message, help, fallback, choices, isSecret, check }) {
            // In a list of choices, the library itself puts the bar before every line.
            const asked = printable(help ? `${message}\n${choices ? "" : "│  "}${help}` : message);
            const validate = (value: string | undefined) => {
                const answer = value || fallback || "";
                const because = check(answer);
                return because === undefined ? undefined : printable(because);
            };
            const answer = isSecret
                ? await clack.password({ message: asked, validate, output })
                : choices
                  ? await clack.select({
                        message: asked,
                        options: choices.map(({ value, label, hint }) => ({
                            value,
                            label: printable(label ?? value),
                            ...(hint ? { hint: printable(hint) } : {}),
                        })),
                        initialValue: fallback,
                        maxItems: 12,
                        output,
                    })
                  : await clack.text({
                        message: asked,
                        placeholder: fallback,
                        defaultValue: fallback,
                        validate,
                        output,
                    });
            // During a question, Ctrl-C is an ordinary key.
            if (clack.isCancel(answer)) throw new Interrupted("SIGINT");
            return answer;
        },
        say: (text) => clack.log.message(printable(text), { output }),
        canRepeat: true,
        close: () => undefined,
    };
}

/** Reads one answer per line; an empty line chooses the default. Secrets are read the same way. */
export function pipeAsker(input: NodeJS.ReadableStream = process.stdin): Asker {
    const lines = createInterface({ input, terminal: false });
    const waiting: string[] = [];
    let next: ((line: string | undefined) => void) | undefined;
    let isOver = false;
    lines.on("line", (line) => {
        if (!next) return void waiting.push(line);
        next(line);
        next = undefined;
    });
    lines.on("close", () => {
        isOver = true;
        next?.(undefined);
    });
    const read = () =>
        new Promise<string | undefined>((resolve) => {
            if (waiting.length > 0) resolve(waiting.shift());
            else if (isOver) resolve(undefined);
            else next = resolve;
        });
    return {
        async ask({ message, help, fallback, choices, check, option }) {
            const list = (choices ?? []).map(
                ({ value, label, hint }, index) =>
                    `  ${index + 1}) ${label ?? value}${hint ? ` (${hint})` : ""}${value === fallback ? " [default]" : ""}`,
            );
            say([message, ...(help ? [`  ${help}`] : []), ...list].join("\n"));
            process.stderr.write(fallback !== undefined && !choices ? `[${printable(fallback)}] ` : "> ");
            const line = await read();
            process.stderr.write("\n");
            if (line === undefined)
                throw new UserError(
                    `Standard input ended at the question "${message}". Answer it there, or by ${option}.`,
                );
            const typed = line.trim();
            const chosen = choices?.[Number(typed) - 1]?.value;
            const answer = typed === "" ? (fallback ?? "") : (chosen ?? typed);
            const isChoice = !choices || choices.some(({ value }) => value === answer);
            const because = isChoice ? check(answer) : `give one of 1 to ${choices.length}`;
            if (because !== undefined) throw new UserError(`The answer to "${message}" is not valid: ${because}.`);
            return answer;
        },
        say,
        canRepeat: false,
        close: () => lines.close(),
    };
}

/** Asks nobody: uses the defaults. */
export function unattended(): Asker {
    return {
        async ask({ message, fallback, option, isSecret, check }) {
            const because = fallback === undefined || isSecret ? "there is no default" : check(fallback);
            if (because === undefined) return fallback!;
            throw new UserError(`Nobody can answer "${message}" here (${because}). Give ${option}.`);
        },
        say,
        canRepeat: false,
        close: () => undefined,
    };
}
