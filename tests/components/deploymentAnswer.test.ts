/** What counts as the answer of a deployment. */
import { answerProblem } from "../../components/deploymentAnswer";

const stdin = "#!/bin/sh\n== settings 2\nmark=0123456789abcdef\nbinary=/usr/local/bin/zot\n== end\n";
const of = (stdout: string, stderr = "") => answerProblem({ stdin, stdout, stderr }, "192.0.2.10");

// `mended` is what a state of 0.1.0 has for `repaired`.
test.each(["deployed", "unchanged", "repaired", "mended"])("%s, with the mark of what was sent", (word) => {
    expect(of(`${word} 0123456789abcdef`)).toBeUndefined();
    expect(of(`Welcome to the registry's host\n${word} 0123456789abcdef\n`, "a warning")).toBeUndefined();
    // As of `echo -n` in a start-up file.
    expect(of(`registry-host: ${word} 0123456789abcdef\n`)).toBeUndefined();
});

test.each([
    "",
    "deployed",
    "deployed fedcba9876543210",
    "0123456789abcdef",
    "read-only 0123456789abcdef",
    "deployed 0123456789abcdef0",
])("%p is none", (stdout) => {
    expect(of(stdout)).toContain(
        "The registry's host 192.0.2.10 ended the deployment without an error, " +
            "but the script did not confirm that it ran. It is not known whether it did. " +
            `[ZH-ANSWER-MISSING] Its output was ${stdout === "" ? "empty" : JSON.stringify(stdout)}. `,
    );
});

test("what came is shown on one line, and not without end", () => {
    const problem = of("first\nsecond\u001b[2J", "x".repeat(10_000))!;
    expect(problem).toContain('Its output was "first second [2J xxx');
    expect(problem.length).toBeLessThan(1_200);
    expect(problem).not.toMatch(/[\n\u001b]/);
});

test("a payload of a program that knew no mark asks for none", () => {
    expect(
        answerProblem({ stdin: "== settings 1\nbinary=/usr/local/bin/zot\n", stdout: "deployed", stderr: "" }, "host"),
    ).toBeUndefined();
});
