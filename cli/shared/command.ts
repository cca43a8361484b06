/** What all commands share: messages without a stack trace, and exit codes. */
import { Command } from "commander";
import { printable, printableJson } from "../../clients/outsideText";
import { UserError } from "../../clients/userError";
import { SettingsError } from "../../components/settings";
import { EXIT_BY_SIGNAL, Interrupted } from "./interrupt";

/**
 * 0: done. 1: a mistake of the caller, explained on standard error. 2: a mistake on the command line. 3: a defect of
 * the program. For a command in which 1 is a finding (`found`), 3 is everything that kept it from looking
 * (`notCarriedOut`).
 */
export const EXIT = { done: 0, mistake: 1, found: 1, usage: 2, defect: 3, notCarriedOut: 3 } as const;

/** Prints text that may come from outside: a terminal shows it, but obeys nothing in it. */
export const print = (text: string): void => void process.stdout.write(printable(text));

/** The same for another program to read. */
export const printJson = (value: unknown): void => void process.stdout.write(`${printableJson(value)}\n`);

/** Prints bytes for another program, which a terminal could not show. */
export function printBytes(bytes: Buffer): void {
    if (process.stdout.isTTY)
        throw new UserError("What this prints is for another program, and standard output is a terminal; see --help.");
    process.stdout.write(bytes);
}

/** Prints a line on standard error, beside the result. */
export const remark = (text: string): void => void process.stderr.write(`${printable(text)}\n`);

/** The meanings of a command's exit codes, for its help and docs/commands.md. */
export const exitCodes = (done: string, mistake: string, usage = "a mistake on the command line", more = "") =>
    `Exit code: 0 ${done}, 1 ${mistake}, 2 ${usage}, 3 a defect${more}.`;

/** More for {@link exitCodes}, for a command that cleans up when a signal ends it. */
export const interruptedCodes = (then = "") => `, ${Object.values(EXIT_BY_SIGNAL).join(", ")} interrupted${then}`;

/** A command with the options and habits that all commands share. */
export function command(name: string, description: string, example: string): Command {
    return new Command(name)
        .description(description)
        .addHelpText("after", `\nExample:\n  ${example}\n`)
        .showHelpAfterError("(add --help for more)")
        .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.done : EXIT.usage));
}

/** After how many milliseconds a waiting person, or a log, is told what is going on. */
const PATIENCE = { terminal: 2000, elsewhere: 10_000 };
let silence: NodeJS.Timeout | undefined;

/**
 * Says what the command is doing, once it has taken two seconds on a terminal, or ten elsewhere, so that CI's log tells
 * what is waited for. It applies until the next call, {@link noLongerBusy}, or the command's end.
 *
 * @param what the beginning of a sentence, for example "Asking Authentik at …"
 */
export function busy(what: string, terminal: { isTTY?: boolean; write(text: string): unknown } = process.stderr): void {
    clearTimeout(silence);
    const patience = terminal.isTTY ? PATIENCE.terminal : PATIENCE.elsewhere;
    silence = setTimeout(() => terminal.write(`${what} …\n`), patience);
    silence.unref();
}

/** The announced work has ended; nothing more is said about it. */
export const noLongerBusy = (): void => clearTimeout(silence);

/** The output of a command cannot be written. */
class OutputError extends UserError {
    constructor(code: string | undefined) {
        super(`Standard output cannot be written (${code}), so the output of this command is lost or incomplete.`);
    }
}

/**
 * Lets a command that cannot print run to its end, which cleans up, and then reports the problem in a sentence. Without
 * a listener, Node would end the process at once with a stack trace. A reader that has closed the pipe (`| head`) has
 * what it wanted.
 */
function endWithLostOutput(exitCode: (error: unknown) => number): void {
    let lost: NodeJS.ErrnoException | undefined;
    process.stdout.on("error", (error) => (lost ??= error));
    // Nobody would see a message about this one, and the work itself is not affected.
    process.stderr.on("error", () => undefined);
    process.once("exit", () => {
        // If the process ends right after it has printed, the event has not arrived yet.
        const error = lost ?? (process.stdout.errored as NodeJS.ErrnoException | null);
        if (!error || error.code === "EPIPE") return;
        const said = new OutputError(error.code);
        remark(said.message);
        // A failure or a signal with its own exit code keeps it.
        if (Number(process.exitCode ?? EXIT.done) <= EXIT.found) process.exitCode = exitCode(said);
    });
}

/** How a command ends if it does not succeed. */
export interface Ending {
    /** Default: {@link usualExitCode}. */
    exitCode?(error: unknown): number;
    /** A filter for the message. Default: none. */
    words?(text: string): string;
}

/**
 * Runs a command's action, and turns an exception into a message and an exit code. Every command ends this way.
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
        // For a caller that asked for JSON, in addition to the words for people.
        if (error instanceof SettingsError && program.opts().json) printJson({ mistakes: error.mistakes });
        process.exitCode = exitCode(error);
    } finally {
        clearTimeout(silence);
    }
}

/** 1 for what a person can correct, 3 for everything else. */
export const usualExitCode = (error: unknown) => (error instanceof UserError ? EXIT.mistake : EXIT.defect);
