import * as path from "node:path";
import { skippable } from "../../../testbed/bootstrap/toolchain.cjs";

const { closing, verdict } = require("../../../testbed/bootstrap/tests.cjs") as {
    closing(report: unknown, typeErrors: string[]): { text: string; failures: number; skipped: number };
    verdict(
        run: { exitCode: number; failures: number; skipped: number; below: number },
        args: string[],
    ): { code: number; because: string };
};
const { root } = require("../../../testbed/bootstrap/pins.cjs") as { root: string };

const report = (
    counts: Partial<Record<"passed" | "failed" | "pending" | "broken", number>>,
    assertionResults: unknown[] = [],
) => ({
    numPassedTests: counts.passed ?? 0,
    numFailedTests: counts.failed ?? 0,
    numPendingTests: counts.pending ?? 0,
    numTodoTests: 0,
    numRuntimeErrorTestSuites: counts.broken ?? 0,
    testResults: [{ name: path.join(root, "tests", "some.test.ts"), assertionResults }],
});

test("the last line counts the tests, and the type check as one of them", () => {
    const { text, failures } = closing(report({ passed: 12 }), []);
    expect(text).toBe("\nTypes: no errors\n13 passed, 0 failed, 0 skipped\n");
    expect(failures).toBe(0);
});

test("a type error fails the run and is shown", () => {
    const { text, failures } = closing(report({ passed: 12 }), ["index.ts(1,1): error TS2304: Cannot find name 'x'."]);
    expect(text).toContain("    index.ts(1,1): error TS2304");
    expect(text).toMatch(/\n12 passed, 1 failed, 0 skipped\n$/);
    expect(failures).toBe(1);
});

test("a file of tests that cannot be loaded is a failure, and so is a run without a report", () => {
    expect(closing(report({ passed: 3, broken: 1 }), []).failures).toBe(1);
    expect(closing(undefined, []).text).toMatch(/\n1 passed, 1 failed, 0 skipped\n$/);
});

test("skipped tests are listed by name under the reason that their name, or their group's, gives", () => {
    const skipped = (ancestorTitles: string[], title: string) => ({ status: "pending", ancestorTitles, title });
    const { text, skipped: count } = closing(
        report({ passed: 1, pending: 3 }, [
            { status: "passed", ancestorTitles: [], title: "runs" },
            skipped([skippable("sshd", "sshd is not installed")], "refuses an unknown key"),
            skipped([], skippable("skopeo pushes", "skopeo is not installed")),
            skipped([], "the real one (needs zot on PATH)"),
        ]),
        [],
    );
    expect(text).toContain("Skipped, sshd is not installed:\n    tests/some.test.ts: sshd › refuses an unknown key\n");
    expect(text).toContain("Skipped, skopeo is not installed:\n    tests/some.test.ts: skopeo pushes\n");
    expect(text).toContain("Skipped:\n    tests/some.test.ts: the real one (needs zot on PATH)\n");
    expect(text).toMatch(/\n2 passed, 0 failed, 3 skipped\n$/);
    expect(count).toBe(3);
});

test.each<[title: string, run: Partial<Parameters<typeof verdict>[0]>, args: string[], code: number]>([
    ["all is well", {}, [], 0],
    ["jest's own code comes first", { exitCode: 130, skipped: 1 }, ["--none-skipped"], 130],
    ["a type error", { failures: 1 }, [], 1],
    ["what is skipped passes", { skipped: 2 }, [], 0],
    ["with --none-skipped it does not", { skipped: 2 }, ["tests/host", "--none-skipped"], 1],
    ["--none-skipped, and nothing is", {}, ["--none-skipped"], 0],
    ["a part below its floor, of the whole run", { below: 1 }, ["--coverage"], 1],
    ["a part below its floor, of some tests", { below: 1 }, ["--coverage", "tests/host"], 0],
])("how a run ends: %s", (_title, run, args, code) => {
    const ended = verdict({ exitCode: 0, failures: 0, skipped: 0, below: 0, ...run }, args);
    expect(ended.code).toBe(code);
    expect(ended.because).toBe(run.skipped && code === 1 ? "2 skipped, and with --none-skipped none may be.\n" : "");
});

test("a name says why it is skipped only where it is", () => {
    expect(skippable("sshd", undefined)).toBe("sshd");
    expect(skippable("sshd", "sshd is not installed")).toBe("sshd [skipped: sshd is not installed]");
});
