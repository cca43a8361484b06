/** Carries the checks out, one after another, and clears up whatever happens. */
import { type Check, messageOf, notPossible, type Result, Skipped } from "./check";
import type { Context } from "./context";
import { Interrupted } from "./control";
import { redacted } from "./exchanges";

export interface Progress {
    /** A line for people. */
    say(line: string): void;
}

export interface CarriedOut {
    results: Result[];
    /** What was removed: of interrupted runs before, and of this one. */
    cleaning: { leftOvers: string[]; removed: string[]; left: string[] };
    interrupted: boolean;
}

export async function carryOut(checks: readonly Check[], context: Context, { say }: Progress): Promise<CarriedOut> {
    const results: Result[] = [];
    const cleaning: CarriedOut["cleaning"] = { leftOvers: [], removed: [], left: [] };
    let interrupted: string | undefined;
    try {
        try {
            cleaning.leftOvers = await context.removeLeftOvers();
            for (const what of cleaning.leftOvers) say(`removed, left by an interrupted run: ${what}`);
        } catch (error) {
            if (error instanceof Interrupted) throw error;
            say(`What interrupted runs may have left was not looked for: ${messageOf(error)}`);
        }
        context.recorder.take();
        for (const [index, check] of checks.entries()) {
            const result = await carriedOut(check, context);
            results.push(result);
            say(`[${index + 1}/${checks.length}] ${result.verdict.padEnd(7)} ${check.id}: ${check.title}`);
        }
    } catch (error) {
        if (!(error instanceof Interrupted)) throw error;
        interrupted = error.message;
        say(`${error.message} Clearing up.`);
        for (const { id, title } of checks.slice(results.length))
            results.push({
                id,
                title,
                verdict: "skipped",
                skipped: "not possible",
                meaning: error.message,
                exchanges: [],
                seconds: 0,
            });
    } finally {
        const { removed, left } = await context.cleanUp();
        cleaning.removed = removed;
        cleaning.left = left.map(redacted);
        for (const what of left) say(`LEFT BEHIND: ${what}`);
    }
    return { results, cleaning, interrupted: interrupted !== undefined };
}

async function carriedOut(check: Check, context: Context): Promise<Result> {
    const { id, title } = check;
    const began = performance.now();
    const result = (rest: Pick<Result, "verdict" | "meaning" | "remedy" | "skipped">): Result => ({
        id,
        title,
        ...rest,
        meaning: redacted(rest.meaning),
        exchanges: context.recorder.take(),
        seconds: Math.round((performance.now() - began) / 10) / 100,
    });
    try {
        await context.meet(check.needs);
        return result(await check.run(context));
    } catch (error) {
        if (error instanceof Interrupted) throw error;
        const skip = error instanceof Skipped ? error : asSkip(error);
        return result({ verdict: "skipped", skipped: skip.why, meaning: skip.message });
    }
}

/** A service that does not answer is no weakness; what only a defect of ours can throw is not taken for one. */
function asSkip(error: unknown): Skipped {
    if (error instanceof TypeError || error instanceof ReferenceError || !(error instanceof Error)) throw error;
    return notPossible(messageOf(error));
}
