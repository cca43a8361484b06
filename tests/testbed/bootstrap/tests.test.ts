import * as path from "node:path";
import { skippable } from "../../../testbed/bootstrap/toolchain.cjs";

const { closing } = require("../../../testbed/bootstrap/tests.cjs") as {
    closing(report: unknown, typeErrors: string[]): { text: string; failures: number };
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
    const { text } = closing(
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
});

test("a name says why it is skipped only where it is", () => {
    expect(skippable("sshd", undefined)).toBe("sshd");
    expect(skippable("sshd", "sshd is not installed")).toBe("sshd [skipped: sshd is not installed]");
});
