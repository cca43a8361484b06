/** The outcome of a check, and why one is skipped. */
import { failureIn } from "../../clients/authentik/failures";
import type { Exchange } from "./exchanges";

export type Verdict = "pass" | "fail" | "warning" | "skipped";

export interface Outcome {
    verdict: Exclude<Verdict, "skipped">;
    /** The meaning of the answers, in one or two sentences. */
    meaning: string;
    /** What to do about it. */
    remedy?: string;
    /** The findings one by one, if there are many. */
    details?: string[];
}

export const pass = (meaning: string): Outcome => ({ verdict: "pass", meaning });
export const fail = (meaning: string, remedy?: string): Outcome => ({
    verdict: "fail",
    meaning,
    ...(remedy ? { remedy } : {}),
});
export const warning = (meaning: string, remedy?: string): Outcome => ({
    verdict: "warning",
    meaning,
    ...(remedy ? { remedy } : {}),
});

/** The remedy if the registry does not serve what was deployed last. */
export const DEPLOY_AGAIN = "Deploy the declared config again (pulumi up), and make sure that zot was restarted.";

/** Why a check was skipped: nothing to check here; not asked for; or not possible. */
export type SkipCause = "not applicable" | "read-only" | "not possible";

export class Skipped extends Error {
    constructor(
        readonly why: SkipCause,
        message: string,
    ) {
        super(message);
    }
}

export const notApplicable = (reason: string) => new Skipped("not applicable", reason);
export const notPossible = (reason: string) => new Skipped("not possible", reason);

/** The words for a person; Authentik's client wraps its own errors. */
export function messageOf(error: unknown): string {
    const failure = failureIn(error);
    if (failure?.kind === "forbidden")
        return `Authentik's token lacks a permission that this needs (${failure.message}).`;
    return failure?.message ?? (error instanceof Error ? error.message : String(error));
}

/** One check in the report, whether it was run or skipped. */
export interface Result {
    id: string;
    title: string;
    verdict: Verdict;
    meaning: string;
    remedy?: string;
    details?: string[];
    /** Only if it was skipped. */
    skipped?: SkipCause;
    exchanges: Exchange[];
    seconds: number;
}
