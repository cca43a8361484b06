/** Asks a person: at a terminal, in a pipe, or nobody at all. */
import { createInterface } from "node:readline";
import { printable } from "../../clients/outsideText";
import { UserError } from "../../clients/userError";
import { Interrupted } from "../shared/interrupt";

export interface Choice {
    value: string;
    /** Default: the value. */
    label?: string;
    /** What choosing it means. */
    hint?: string;
}

export interface Ask {
    message: string;
    help?: string;
    /** The answer of whoever says nothing. */
    fallback?: string;
    /** Without them any text may be given. */
    choices?: readonly Choice[];
    isSecret?: boolean;
    /** The option that would have answered it, for a message; of a secret the variable of the environment. */
    option: string;
    /** Why an answer is refused, as the end of a sentence. */
    check(answer: string): string | undefined;
}

export interface Asker {
    /** @throws Interrupted at Ctrl-C; UserError where nobody answers */
    ask(ask: Ask): Promise<string>;
    /** Says something between two questions. */
    say(text: string): void;
    /** Whether a refused answer can be given again. */
    canRepeat: boolean;
    close(): void;
}

const say = (text: string) => void process.stderr.write(`${printable(text)}\n`);

/** Arrow keys, and secrets that are not shown. */
export async function terminalAsker(): Promise<Asker> {
    const clack = await import("@clack/prompts");
    const output = process.stderr;
    // A terminal of no width, as of a script that types, would have a line for each letter.
    if (!output.columns) Object.assign(output, { columns: 80, rows: 24 });
    return {
        async ask({ message, help, fallback, choices, isSecret, check }) {
            // A list of choices puts the bar before every line by itself.
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
            // Ctrl-C is a key like others while a question stands.
            if (clack.isCancel(answer)) throw new Interrupted("SIGINT");
            return answer;
        },
        say: (text) => clack.log.message(printable(text), { output }),
        canRepeat: true,
        close: () => undefined,
    };
}

/** One answer on each line; an empty one stands for what is given in brackets. Secrets come the same way. */
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
            if (because !== undefined) throw new UserError(`The answer to "${message}" is no good: ${because}.`);
            return answer;
        },
        say,
        canRepeat: false,
        close: () => lines.close(),
    };
}

/** Nobody is asked: what has a default takes it. */
export function unattended(): Asker {
    return {
        async ask({ message, fallback, option, isSecret, check }) {
            const because = fallback === undefined || isSecret ? "there is no default" : check(fallback);
            if (because === undefined) return fallback!;
            throw new UserError(`Nobody is there to answer "${message}" (${because}). Give ${option}.`);
        },
        say,
        canRepeat: false,
        close: () => undefined,
    };
}
