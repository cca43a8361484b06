/** Names, and what a run comes to: pure. */

import { checks } from "../../../cli/verify/checks";
import { redacted } from "../../../cli/verify/exchanges";
import { newRunId, repositoryUnder, timeInName, timeInRepository, userNameOf } from "../../../cli/verify/names";
import type { Result, Verdict } from "../../../cli/verify/outcome";
import { html } from "../../../cli/verify/report/html";
import { byInterest, exitCodeOf, reportOf } from "../../../cli/verify/report/report";
import { table } from "../../../cli/verify/report/table";
import { matchesPattern } from "../../../components/settings";

const began = new Date("2026-11-23T08:58:13Z");
const run = newRunId(began);

describe("names", () => {
    test("tell when a run began, and are nobody else's", () => {
        expect(run).toMatch(/^20261123t085813-[0-9a-f]{6}$/);
        expect(timeInName(userNameOf(run, "ci"))).toEqual(began);
        expect(timeInRepository(`zot-hardening-verify/${run}`)).toEqual(began);
        for (const other of [
            "zot-hardening-verify",
            "zot-hardening-verify-bob",
            `x-${userNameOf(run, "ci")}`,
            `zot-hardening-verify-99999999t999999-abcdef-ci`,
        ])
            expect(timeInName(other)).toBeUndefined();
        for (const other of ["zot-hardening-verify/app", `my-zot-hardening-verify/${run}`, "team/app"])
            expect(timeInRepository(other)).toBeUndefined();
    });

    test.each(["**", "images/**", "team/*", "team/app-*", "*/app", "a/**/b", "**/b/*", "x?/*", "team*/**"])(
        "a repository of this run below %s",
        (pattern) => {
            const repository = repositoryUnder(pattern, run)!;
            expect(repository).toMatch(/^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/);
            expect(matchesPattern(pattern, repository)).toBe(true);
            expect(repository).toContain(run);
        },
    );

    test.each(["team/app", "team/app?"])("%s has repositories of somebody's only", (pattern) => {
        expect(repositoryUnder(pattern, run)).toBeUndefined();
    });
});

test("every check has an id of its own, and a title that is a statement", () => {
    expect(new Set(checks.map(({ id }) => id)).size).toBe(checks.length);
    for (const { id, title } of checks) {
        expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
        expect(title).not.toMatch(/[.?]$/);
    }
});

const result = (verdict: Verdict, more: Partial<Result> = {}): Result => ({
    id: verdict,
    title: `it ${verdict}s`,
    verdict,
    meaning: "because",
    exchanges: [],
    seconds: 0.1,
    ...more,
});
const about = {
    subject: "the stack test",
    registry: "https://registry.example.org",
    readOnly: false,
    started: began.toISOString(),
    seconds: 1,
    remarks: [],
};
const report = (results: Result[], left: string[] = [], interrupted = false) =>
    reportOf(about, { results, cleaning: { leftOvers: [], removed: [], left }, interrupted });

test.each<[string, number, ReturnType<typeof report>]>([
    ["all pass", 0, report([result("pass")])],
    ["a warning", 0, report([result("pass"), result("warning")])],
    [
        "what does not apply",
        0,
        report([
            result("pass"),
            result("skipped", { skipped: "not applicable" }),
            result("skipped", { skipped: "read-only" }),
        ]),
    ],
    ["a weakness", 1, report([result("pass"), result("fail")])],
    [
        "a weakness, and something that was not possible",
        1,
        report([result("fail"), result("skipped", { skipped: "not possible" })], ["a user"]),
    ],
    ["something that was not possible", 3, report([result("pass"), result("skipped", { skipped: "not possible" })])],
    ["something left behind", 3, report([result("pass")], ["user x"])],
    ["interrupted", 3, report([result("pass")], [], true)],
])("exit code of %s: %d", (_name, code, of) => {
    expect(exitCodeOf(of)).toBe(code);
});

test("failures come first in the page", () => {
    expect(
        byInterest([result("pass"), result("skipped"), result("warning"), result("fail")]).map(
            ({ verdict }) => verdict,
        ),
    ).toEqual(["fail", "warning", "pass", "skipped"]);
});

test("what a registry answers is text in the page, whatever it is", () => {
    const nasty = `<script>alert("x")</script>&'`;
    const page = html(
        report(
            [
                result("fail", {
                    meaning: nasty,
                    remedy: nasty,
                    exchanges: [{ as: nasty, sent: nasty, received: nasty }],
                }),
            ],
            [nasty],
        ),
    );
    expect(page).not.toContain("<script");
    expect(page.match(/&lt;script&gt;alert\(&quot;x&quot;\)&lt;\/script&gt;&amp;&#39;/g)).toHaveLength(6);
});

test("the table says what to do, and what was left", () => {
    const text = table(
        report(
            [result("fail", { remedy: "mend it", exchanges: [{ as: "CI", sent: "PUT /v2/a", received: "201" }] })],
            ["user x in Authentik: 500"],
        ),
    );
    for (const line of [
        /^FAIL {5}fail {2}it fails$/m,
        /-> mend it$/m,
        /CI: PUT \/v2\/a => 201$/m,
        /^Left behind; remove it by hand:\n {2}user x in Authentik: 500$/m,
        /A weakness was found\. 1 failed\.\nFailed: fail \(again: --only fail\)$/,
    ])
        expect(text).toMatch(line);
});

test.each([40, 80, 200, undefined])(
    "the table fits a terminal of %s columns, with what failed at its end",
    (columns) => {
        const words = "some words of a sentence that goes on and on ".repeat(6).trim();
        const text = table(
            report([
                result("fail", { id: "first", title: words, remedy: words, meaning: words }),
                result("pass", { id: "second", meaning: words }),
                result("warning", { id: "third", meaning: words }),
                result("skipped", { id: "fourth", meaning: words }),
            ]),
            columns,
        );
        const rows = text.split("\n").slice(0, -3);
        const widest = Math.max(...rows.map((row) => row.length));
        expect(widest).toBeLessThanOrEqual(Math.min(130, Math.max(60, columns ?? 130)));
        expect(rows.flatMap((row) => /^[A-Z]+ +(first|second|third|fourth) /.exec(row)?.[1] ?? [])).toEqual([
            "fourth",
            "second",
            "third",
            "first",
        ]);
    },
);

test("keys and codes of a login are not in a report", () => {
    expect(redacted("key zak_0123456789abcdef, /callback?code=abc&state=def")).toBe(
        "key zak_…, /callback?code=…&state=…",
    );
});
