import { type JestReport, type Outcome, oneSided, readReport, reportOf } from "../../../testbed/contract/compare";

const failure = { expected: "403", found: "401", at: "tests/testbed/zot/a.test.ts:7" };
const outcome = (changes: Partial<Outcome>): Outcome => ({
    part: "zot",
    case: "a: tags",
    fact: "a statement",
    subject: "stand-in",
    status: "passed",
    ...changes,
});
const [standIn, real] = [outcome({}), outcome({ subject: "real" })];
const failed = (one: Outcome): Outcome => ({ ...one, status: "failed", failure });

describe("the report", () => {
    test("counts a case once, and knows what it ran on", () => {
        const alone = outcome({ part: "command", case: "b" });
        expect(reportOf([standIn, real, alone])).toEqual({
            cases: 2,
            ranOn: { zot: "real", authentik: "not run", command: "stand-in" },
            differences: [],
        });
    });

    test.each<[string, Outcome[], object]>([
        [
            "the stand-in alone fails",
            [failed(standIn), real],
            { wrong: "the stand-in", standIn: "401", real: "as expected" },
        ],
        [
            "the real one alone fails",
            [standIn, failed(real)],
            { wrong: "the fact and the stand-in", standIn: "as expected", real: "401" },
        ],
        ["both fail", [failed(standIn), failed(real)], { wrong: "the fact", standIn: "401", real: "401" }],
        ["there is no real one", [failed(standIn)], { wrong: "the stand-in or the fact", standIn: "401", real: null }],
        [
            "the test compares",
            [real, failed(outcome({ case: "c", subject: "both" }))],
            { wrong: "the stand-in", standIn: "401", real: "403" },
        ],
    ])("says what is wrong when %s", (_, outcomes, expected) => {
        expect(reportOf(outcomes).differences).toEqual([
            expect.objectContaining({ part: "zot", fact: "a statement", expected: "403", at: failure.at, ...expected }),
        ]);
    });

    test("a skipped case is none", () => {
        expect(reportOf([{ ...standIn, status: "skipped" }])).toEqual({
            cases: 0,
            ranOn: { zot: "not run", authentik: "not run", command: "not run" },
            differences: [],
        });
    });

    test("cases that ran on one only are told, where there was another", () => {
        const skipped = outcome({ case: "b", subject: "real", status: "skipped", reason: "needs root" });
        expect(oneSided([standIn, real, outcome({ case: "b" }), skipped])).toEqual([
            { part: "zot", case: "b", on: "stand-in", reason: "needs root" },
        ]);
        expect(oneSided([standIn])).toEqual([]);
    });
});

describe("jest's report", () => {
    const root = "/home/us/checkout";
    const result = (changes: Partial<JestReport["testResults"][number]["assertionResults"][number]>) => ({
        ancestorTitles: ["zot [stand-in]"],
        title: "tags [fact]",
        status: "passed",
        ...changes,
    });
    const read = (
        assertionResults: JestReport["testResults"][number]["assertionResults"],
        name = "tests/testbed/zot/a.test.ts",
        message = "",
    ) =>
        readReport(
            { numRuntimeErrorTestSuites: 0, testResults: [{ name: `${root}/${name}`, message, assertionResults }] },
            root,
        );
    const where =
        `\n    at Object.toBe (${root}/tests/testbed/zot/a.test.ts:7:29)\n    at Promise ` +
        `(${root}/node_modules/jest/x.js:1:1)`;

    test("is read by the marks of the titles", () => {
        const { outcomes } = read([
            result({}),
            result({ ancestorTitles: ["the stand-in alone"] }),
            result({ status: "pending", title: "more [skipped: for a reason]" }),
        ]);
        expect(outcomes).toMatchObject([
            { part: "zot", case: "a: zot › tags", fact: "tags", subject: "stand-in", status: "passed" },
            { case: "a: zot › more", status: "skipped", reason: "for a reason" },
        ]);
    });

    test("of other folders is left out", () => {
        expect(read([result({})], "tests/testbed/sshHost/a.test.ts")).toEqual({ outcomes: [], broken: [] });
    });

    test("of a file that does not load is told", () => {
        expect(read([], undefined, "\u001b[1mSyntaxError\u001b[0m: x").broken).toEqual([
            { file: "tests/testbed/zot/a.test.ts", message: "SyntaxError: x" },
        ]);
    });

    test.each<[string, { failureMessages: string[]; failureDetails: unknown[] }, object]>([
        [
            "a matcher that keeps the values",
            {
                failureMessages: [`Error: expect(received).toBe(expected)${where}`],
                failureDetails: [{ matcherResult: { actual: [1], expected: { a: "b" } } }],
            },
            { expected: '{"a":"b"}', found: "[1]" },
        ],
        [
            "a matcher that only tells",
            {
                failureMessages: [
                    `Error: expect(received).toMatch(expected)\n\nExpected pattern: ` +
                        `\u001b[32m/x/\u001b[39m\nReceived string:  "abc"${where}`,
                ],
                failureDetails: [{ matcherResult: {} }],
            },
            { expected: "/x/", found: '"abc"' },
        ],
        [
            "an error of another kind",
            { failureMessages: [`Error: zot did not start${where}`], failureDetails: [{}] },
            { expected: "", found: "Error: zot did not start" },
        ],
    ])("has a failure's values: %s", (_, failure, expected) => {
        expect(read([result({ status: "failed", ...failure })]).outcomes[0]?.failure).toEqual({
            ...expected,
            at: "tests/testbed/zot/a.test.ts:7",
        });
    });
});
