/** Runs the checks one after another, and removes what they made, whatever happens. */
import type { Check } from "./check";
import type { Context } from "./context";
import { RunEnded } from "./control";
import { redacted } from "./exchanges";
import { messageOf, notPossible, type Result, Skipped } from "./outcome";

export interface Progress {
    /** Prints a line for people. */
    say(line: string): void;
}

export interface Run {
    results: Result[];
    /** What was removed: of former interrupted runs, and of this one. */
    cleaning: { leftOvers: string[]; removed: string[]; left: string[] };
    interrupted: boolean;
}

/** Runs all checks, or as many as time allows; the rest counts as skipped. */
export async function runChecks(checks: readonly Check[], context: Context, { say }: Progress): Promise<Run> {
    const run: Run = { results: [], cleaning: { leftOvers: [], removed: [], left: [] }, interrupted: false };
    try {
        run.cleaning.leftOvers = await removeLeftOvers(context, say);
        context.recorder.take();
        for (const [index, check] of checks.entries()) {
            const result = await runCheck(check, context);
            run.results.push(result);
            say(`[${index + 1}/${checks.length}] ${result.verdict.padEnd(7)} ${check.id}: ${check.title}`);
        }
    } catch (error) {
        if (!(error instanceof RunEnded)) throw error;
        run.interrupted = true;
        say(`${error.message} Clearing up.`);
        run.results.push(...checks.slice(run.results.length).map((check) => notRun(check, error.message)));
    } finally {
        const { removed, left } = await context.cleanUp();
        run.cleaning.removed = removed;
        run.cleaning.left = left.map(redacted);
        for (const what of left) say(`LEFT BEHIND: ${what}`);
    }
    return run;
}

/** Left-overs of interrupted runs are no reason not to check; only an interruption ends the run here. */
async function removeLeftOvers(context: Context, say: Progress["say"]): Promise<string[]> {
    try {
        const removed = await context.removeLeftOvers();
        for (const what of removed) say(`removed, left by an interrupted run: ${what}`);
        return removed;
    } catch (error) {
        if (error instanceof RunEnded) throw error;
        say(`What interrupted runs may have left was not looked for: ${messageOf(error)}`);
        return [];
    }
}

async function runCheck(check: Check, context: Context): Promise<Result> {
    const { id, title } = check;
    const began = performance.now();
    const result = (rest: Pick<Result, "verdict" | "meaning" | "remedy" | "details" | "skipped">): Result => ({
        id,
        title,
        ...rest,
        meaning: redacted(rest.meaning),
        ...(rest.details ? { details: rest.details.map(redacted) } : {}),
        exchanges: context.recorder.take(),
        seconds: Math.round((performance.now() - began) / 10) / 100,
    });
    try {
        await context.meet(check.needs);
        return result(await check.run(context));
    } catch (error) {
        if (error instanceof RunEnded) throw error;
        const skip = error instanceof Skipped ? error : asSkip(error);
        return result({ verdict: "skipped", skipped: skip.why, meaning: skip.message });
    }
}

function notRun({ id, title }: Check, reason: string): Result {
    return { id, title, verdict: "skipped", skipped: "not possible", meaning: reason, exchanges: [], seconds: 0 };
}

/**
 * A service that does not answer is not a weakness; an exception that only a defect of ours can cause is not hidden.
 */
function asSkip(error: unknown): Skipped {
    if (error instanceof TypeError || error instanceof ReferenceError || !(error instanceof Error)) throw error;
    return notPossible(messageOf(error));
}
