/** What a check is, and what it comes to. The next one is one more object in a list of checks/. */
import { failureIn } from "../../clients/authentik/failures";
import type { Context } from "./context";
import type { Exchange } from "./exchanges";

export type Verdict = "pass" | "fail" | "warning" | "skipped";

/** What a check cannot do without; where it is missing the check is skipped, with the reason. */
export type Need =
    /** The right to log in as users made for this run: an API token of Authentik, and not --read-only. */
    | "identities"
    /** Somebody with CI's rights: a user made for this run, or CI's own API key. */
    | "ci"
    /** A user made for this run in the group of the admins. */
    | "admin"
    /** A user made for this run in no group. */
    | "groupless"
    /** A repository to push to, and an admin who can remove from it again what was pushed. */
    | "scratch";

export interface Check {
    /** Small letters and dashes; by it a check is chosen on the command line, and found in the JSON. */
    id: string;
    /** What has to hold, as a statement. */
    title: string;
    needs: readonly Need[];
    /**
     * Sends what has to be sent, which is recorded, and judges what came back.
     *
     * @throws Skipped where it does not apply or cannot be carried out; a lost connection counts as the latter.
     */
    run(context: Context): Promise<Outcome>;
}

export interface Outcome {
    verdict: Exclude<Verdict, "skipped">;
    /** What came back means, in one or two sentences. */
    meaning: string;
    /** What to do about it. */
    remedy?: string;
}

/** Why a check was skipped: it has nothing to look at here; it was not asked for; or it could not be carried out. */
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

/** A check that has been carried out, or not. */
export interface Result {
    id: string;
    title: string;
    verdict: Verdict;
    meaning: string;
    remedy?: string;
    /** Only where it was skipped. */
    skipped?: SkipCause;
    exchanges: Exchange[];
    seconds: number;
}
