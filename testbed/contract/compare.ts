/** What one suite of cases, run on the stand-ins and on the real ones, says of both. Pure. */
import { readTitles } from "./titles";

export const parts = ["zot", "authentik", "command"] as const;
export type Part = (typeof parts)[number];

/** How one case ended on one subject. */
export interface Outcome {
    part: Part;
    /** The file of the tests and the titles: by these the results of the two subjects are paired. */
    case: string;
    fact: string | undefined;
    subject: "stand-in" | "real" | "both";
    status: "passed" | "failed" | "skipped";
    /** Why it was skipped, if its title says so. */
    reason?: string | undefined;
    /** The expectation that was not met first. */
    failure?: Failure;
}

export interface Failure {
    expected: string;
    found: string;
    /** File and line of the expectation. */
    at: string;
}

export interface Difference {
    part: Part;
    case: string;
    /** The statement of facts that the case checks; null if it checks none. */
    fact: string | null;
    expected: string;
    /** What was found there, or "as expected"; null if the case did not run on it. */
    standIn: string | null;
    real: string | null;
    /**
     * Whose the defect is: a fact is wrong where the real one does not behave so, and a stand-in that does is wrong
     * with it.
     */
    wrong: "the stand-in" | "the fact" | "the fact and the stand-in" | "the stand-in or the fact";
    /** File and line of the expectation. */
    at: string;
}

export type RanOn = Record<Part, "stand-in" | "real" | "not run">;

export interface Report {
    cases: number;
    ranOn: RanOn;
    differences: Difference[];
}

/** The differences that some outcomes come to; a case counts once, however many subjects it ran on. */
export function reportOf(outcomes: readonly Outcome[]): Report {
    const ran = outcomes.filter(({ status }) => status !== "skipped");
    const subjects = (part: Part) => ran.filter((outcome) => outcome.part === part).map(({ subject }) => subject);
    const ranOn = Object.fromEntries(
        parts.map((part) => [
            part,
            subjects(part).includes("real") ? "real" : subjects(part).includes("stand-in") ? "stand-in" : "not run",
        ]),
    ) as RanOn;
    const differences: Difference[] = [];
    const cases = grouped(ran);
    for (const together of cases.values()) {
        const difference = differenceOf(together, ranOn);
        if (difference) differences.push(difference);
    }
    return { cases: cases.size, ranOn, differences };
}

/** Cases that ran on one subject only although both were there, with the reason of their title. */
export function oneSided(
    outcomes: readonly Outcome[],
): { case: string; part: Part; on: "stand-in" | "real"; reason: string | undefined }[] {
    const { ranOn } = reportOf(outcomes);
    return [...grouped(outcomes).values()].flatMap((together) => {
        const [first] = together;
        const ran = together.filter(({ status }) => status !== "skipped").map(({ subject }) => subject);
        if (!first || ranOn[first.part] !== "real" || ran.length !== 1 || ran[0] === "both") return [];
        const reason = together.find(({ status }) => status === "skipped")?.reason;
        return [{ case: first.case, part: first.part, on: ran[0] as "stand-in" | "real", reason }];
    });
}

function grouped(outcomes: readonly Outcome[]): Map<string, Outcome[]> {
    const cases = new Map<string, Outcome[]>();
    for (const outcome of outcomes) {
        const key = `${outcome.part} ${outcome.case}`;
        cases.set(key, [...(cases.get(key) ?? []), outcome]);
    }
    return cases;
}

const AS_EXPECTED = "as expected";

function differenceOf(together: readonly Outcome[], ranOn: RanOn): Difference | undefined {
    const failed = together.find(({ status }) => status === "failed");
    if (!failed) return undefined;
    const { part, fact = null, failure = { expected: "", found: "", at: "" } } = failed;
    const about = { part, case: failed.case, fact };
    const both = together.find(({ subject }) => subject === "both");
    if (both) {
        // Such a test expects the stand-in to answer like the real one.
        return {
            ...about,
            expected: failure.expected,
            standIn: failure.found,
            real: failure.expected,
            wrong: "the stand-in",
            at: failure.at,
        };
    }
    const on = (subject: Outcome["subject"]) => together.find((outcome) => outcome.subject === subject);
    const found = (outcome: Outcome | undefined) => outcome && (outcome.failure?.found ?? AS_EXPECTED);
    const [standIn, real] = [on("stand-in"), on("real")];
    const wrong =
        ranOn[part] !== "real" || !real
            ? "the stand-in or the fact"
            : real.status === "passed"
              ? "the stand-in"
              : standIn?.status === "passed"
                ? "the fact and the stand-in"
                : "the fact";
    return {
        ...about,
        expected: failure.expected,
        standIn: found(standIn) ?? null,
        real: found(real) ?? null,
        wrong,
        at: failure.at,
    };
}

/** The parts of jest's report that are read here. */
export interface JestReport {
    numRuntimeErrorTestSuites: number;
    testResults: {
        name: string;
        message: string;
        assertionResults: {
            ancestorTitles: string[];
            title: string;
            status: string;
            failureMessages?: string[] | null;
            failureDetails?: unknown[] | null;
        }[];
    }[];
}

/** A file of tests that could not be run at all. */
export interface BrokenFile {
    file: string;
    message: string;
}

/**
 * Reads jest's report; tests whose titles do not say on what they run are no contract cases and are left out.
 * @param root the checkout, which the paths are relative to
 */
export function readReport(report: JestReport, root: string): { outcomes: Outcome[]; broken: BrokenFile[] } {
    const outcomes: Outcome[] = [];
    const broken: BrokenFile[] = [];
    for (const { name, message, assertionResults } of report.testResults) {
        const file = name.startsWith(`${root}/`) ? name.slice(root.length + 1) : name;
        const part = parts.find((candidate) => file.startsWith(`tests/testbed/${candidate}/`));
        if (!part) continue;
        if (assertionResults.length === 0 && message) broken.push({ file, message: plain(message) });
        for (const { ancestorTitles, title, status, failureMessages, failureDetails } of assertionResults) {
            const read = readTitles([...ancestorTitles, title]);
            if (!read) continue;
            const failed = status === "failed";
            outcomes.push({
                part,
                case: `${file.slice(`tests/testbed/${part}/`.length).replace(/\.test\.ts$/, "")}: ${read.name}`,
                fact: read.fact,
                subject: read.subject,
                status: failed || status === "passed" ? (status as "failed" | "passed") : "skipped",
                reason: read.skipped,
                ...(failed && { failure: failureOf(failureMessages?.[0] ?? "", failureDetails?.[0], root) }),
            });
        }
    }
    return { outcomes, broken };
}

/** What was expected and what was found, as the matcher has them, or else as its message says. */
function failureOf(message: string, details: unknown, root: string): Failure {
    const text = plain(message);
    const at =
        new RegExp(`${root.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}/(tests/[^\\s:)]+:\\d+)`).exec(text)?.[1] ?? "";
    const matcher = (details as { matcherResult?: { actual?: unknown; expected?: unknown } } | undefined)
        ?.matcherResult;
    if (matcher && "expected" in matcher && "actual" in matcher)
        return { expected: shown(matcher.expected), found: shown(matcher.actual), at };
    const line = (name: string) => new RegExp(`^${name}[^\\n:]*: +(.*)$`, "m").exec(text)?.[1];
    const words = text.split(/\n\s+at /)[0] ?? "";
    return { expected: cut(line("Expected") ?? ""), found: cut(line("Received") ?? words.trim()), at };
}

const LONGEST = 4000;
const cut = (text: string) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

function shown(value: unknown): string {
    return cut(typeof value === "string" ? value : (JSON.stringify(value) ?? String(value)));
}

/** Without the colours of a terminal. */
const plain = (text: string) => text.replace(/\u001b\[[0-9;]*m/g, "");
