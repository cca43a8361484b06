/** What the commands have in common: mistakes without a stack trace, and the exit codes. */
import { Command } from "commander";
import { printable, printableJson } from "../../clients/outsideText";
import { UserError } from "../../clients/userError";
import { SettingsError } from "../../components/settings";
import { EXIT_BY_SIGNAL, Interrupted } from "./interrupt";

/**
 * 0: done. 1: a mistake of the person who called, said on standard error. 2: the command line is off. 3: a defect of
 * the program. Where 1 says what a command found (`found`), 3 is all that kept it from looking (`notCarriedOut`).
 */
export const EXIT = { done: 0, mistake: 1, found: 1, usage: 2, defect: 3, notCarriedOut: 3 } as const;

/** Prints what may hold text from outside: a terminal shows it, and obeys nothing in it. */
export const print = (text: string): void => void process.stdout.write(printable(text));

/** The same for another program to read. */
export const printJson = (value: unknown): void => void process.stdout.write(`${printableJson(value)}\n`);

/** Bytes for another program, which a terminal would not show as they are. */
export function printBytes(bytes: Buffer): void {
    if (process.stdout.isTTY)
        throw new UserError("What this prints is for another program, and standard output is a terminal; see --help.");
    process.stdout.write(bytes);
}

/** The same of what is said beside the result: a line on standard error. */
export const remark = (text: string): void => void process.stderr.write(`${printable(text)}\n`);

/** What each exit code of a command means, as its help and docs/commands.md tell it. */
export const exitCodes = (done: string, mistake: string, usage = "a mistake on the command line", more = "") =>
    `Exit code: 0 ${done}, 1 ${mistake}, 2 ${usage}, 3 a defect${more}.`;

/** More for {@link exitCodes}, of a command that removes what it made when a signal ends it. */
export const interruptedCodes = (then = "") => `, ${Object.values(EXIT_BY_SIGNAL).join(", ")} interrupted${then}`;

/** A command with the manners of all of them. */
export function command(name: string, description: string, example: string): Command {
    return new Command(name)
        .description(description)
        .addHelpText("after", `\nExample:\n  ${example}\n`)
        .showHelpAfterError("(add --help for more)")
        .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.done : EXIT.usage));
}

/** How long a person looks at nothing before they are told what is under way; and a log. In milliseconds. */
const PATIENCE = { terminal: 2000, elsewhere: 10_000 };
let silence: NodeJS.Timeout | undefined;

/**
 * Says what the command is doing, once it has taken two seconds on a terminal, or ten elsewhere: a log of CI is to tell
 * what is waited for. It lasts until the next call, {@link noLongerBusy}, or the command's end.
 *
 * @param what as a beginning, for example "Asking Authentik at …"
 */
export function busy(what: string, terminal: { isTTY?: boolean; write(text: string): unknown } = process.stderr): void {
    clearTimeout(silence);
    const patience = terminal.isTTY ? PATIENCE.terminal : PATIENCE.elsewhere;
    silence = setTimeout(() => terminal.write(`${what} …\n`), patience);
    silence.unref();
}

/** What was under way has come to its end: nothing is said of it any more. */
export const noLongerBusy = (): void => clearTimeout(silence);

/** What a command prints cannot be written. */
class OutputError extends UserError {
    constructor(code: string | undefined) {
        super(`Standard output cannot be written (${code}), so that what this command prints is lost or incomplete.`);
    }
}

/**
 * Lets a command that cannot print go on to its own end, which removes what it made, and then says so in a sentence:
 * without a listener, Node ends the process in its midst with a stack trace. A reader that went away (`| head`) has
 * what it wanted.
 */
function endWithLostOutput(exitCode: (error: unknown) => number): void {
    let lost: NodeJS.ErrnoException | undefined;
    process.stdout.on("error", (error) => (lost ??= error));
    // Nobody is left to be told of this one, and what was to be done is not less done.
    process.stderr.on("error", () => undefined);
    process.once("exit", () => {
        // Where the process ends right after it has printed, the event has not come yet.
        const error = lost ?? (process.stdout.errored as NodeJS.ErrnoException | null);
        if (!error || error.code === "EPIPE") return;
        const said = new OutputError(error.code);
        remark(said.message);
        // A failure or a signal that has a code of its own keeps it.
        if (Number(process.exitCode ?? EXIT.done) <= EXIT.found) process.exitCode = exitCode(said);
    });
}

/** What is particular about a command that does not come to its end. */
export interface Ending {
    /** Default: {@link usualExitCode}. */
    exitCode?(error: unknown): number;
    /** What the words pass before they are printed. Default: nothing. */
    words?(text: string): string;
}

/**
 * Runs a command's action and turns what it throws into a message and an exit code: the one way that a command ends.
 */
export async function run(program: Command, { exitCode = usualExitCode, words = String }: Ending = {}): Promise<void> {
    endWithLostOutput(exitCode);
    try {
        await program.parseAsync();
    } catch (error) {
        if (error instanceof Interrupted) {
            process.exitCode = EXIT_BY_SIGNAL[error.signal];
            return;
        }
        const said =
            error instanceof UserError
                ? error.message
                : `${(error as Error).stack ?? error}\nThis is a defect of the program; please report it.`;
        remark(words(said));
        // For a program that asked for JSON, beside the words for people.
        if (error instanceof SettingsError && program.opts().json) printJson({ mistakes: error.mistakes });
        process.exitCode = exitCode(error);
    } finally {
        clearTimeout(silence);
    }
}

/** 1 for what a person can correct, 3 for all else. */
export const usualExitCode = (error: unknown) => (error instanceof UserError ? EXIT.mistake : EXIT.defect);
