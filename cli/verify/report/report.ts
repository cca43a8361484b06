/** The result of a run, for programs and for people. Pure. */

import { EXIT } from "../../shared/command";
import type { Result, Verdict } from "../outcome";
import type { Run } from "../runner";

export interface Report {
    /**
     * `weakness`: a check failed. `incomplete`: none failed, but not everything that was asked for could be carried
     * out.
     */
    result: "pass" | "weakness" | "incomplete";
    subject: string;
    registry: string;
    readOnly: boolean;
    /** RFC 3339. */
    started: string;
    seconds: number;
    interrupted: boolean;
    counts: Record<Verdict, number>;
    checks: Result[];
    remarks: string[];
    cleaning: Run["cleaning"];
}

export function reportOf(
    about: Pick<Report, "subject" | "registry" | "readOnly" | "started" | "seconds" | "remarks">,
    { results, cleaning, interrupted }: Run,
): Report {
    const count = (verdict: Verdict) => results.filter((result) => result.verdict === verdict).length;
    const counts = { pass: count("pass"), fail: count("fail"), warning: count("warning"), skipped: count("skipped") };
    const isIncomplete =
        interrupted || cleaning.left.length > 0 || results.some(({ skipped }) => skipped === "not possible");
    return {
        result: counts.fail > 0 ? "weakness" : isIncomplete ? "incomplete" : "pass",
        ...about,
        interrupted,
        counts,
        checks: results,
        cleaning,
    };
}

/**
 * 0: nothing was found. 1: a weakness. 3: not everything could be carried out. (2 is a mistake on the command line.)
 */
export const exitCodeOf = ({ result }: Pick<Report, "result">) =>
    ({ pass: EXIT.done, weakness: EXIT.found, incomplete: EXIT.notCarriedOut })[result];

const COUNTED: [Verdict, string][] = [
    ["pass", "passed"],
    ["fail", "failed"],
    ["warning", "warned of"],
    ["skipped", "skipped"],
];

export function summaryOf({ counts, result, interrupted }: Report): string {
    const numbers = COUNTED.filter(([verdict]) => counts[verdict] > 0).map(
        ([verdict, word]) => `${counts[verdict]} ${word}`,
    );
    const meaning = {
        pass: "No weakness was found.",
        weakness: "A weakness was found.",
        incomplete: interrupted
            ? "It was interrupted."
            : "No weakness was found, but not everything could be carried out.",
    };
    return `${meaning[result]} ${numbers.join(", ")}.`;
}

/** The most interesting results first; among equals, the order of the checks. */
export function byInterest(results: readonly Result[]): Result[] {
    const order: Verdict[] = ["fail", "warning", "pass", "skipped"];
    return order.flatMap((verdict) => results.filter((result) => result.verdict === verdict));
}
