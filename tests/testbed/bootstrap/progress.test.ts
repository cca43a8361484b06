interface Task {
    update(detail: string, fraction?: number): void;
    done(result: string): void;
}
interface Progress {
    print(text: string): void;
    tick(): void;
    task(name: string, detail: string, expected: number): Task;
    stop(): void;
}
const { createProgress, duration, estimate } = require("../../../testbed/bootstrap/progress.cjs") as {
    createProgress(options: {
        stream: { write(text: string): void; isTTY?: boolean; columns?: number };
        env: NodeJS.ProcessEnv;
        now: () => number;
    }): Progress;
    duration(seconds: number): string;
    estimate(seconds: number): string;
};

/** Progress on a stream that is remembered, at a time that is set by hand. */
function recorded(
    isTTY: boolean,
    env: NodeJS.ProcessEnv = {},
): { progress: Progress; written: () => string; pass(seconds: number): void } {
    let text = "";
    let time = 0;
    const stream = { write: (more: string) => void (text += more), isTTY, columns: 100 };
    const progress = createProgress({ stream, env, now: () => time });
    return { progress, written: () => text, pass: (seconds) => void (time += seconds * 1000) };
}

test.each([
    [0, "0 s"],
    [59.4, "59 s"],
    [60, "1 min 00 s"],
    [125, "2 min 05 s"],
])("%p seconds are %p", (seconds, expected) => {
    expect(duration(seconds)).toBe(expected);
});

test.each([
    [2, "about 5 s"],
    [28, "about 30 s"],
    [88, "about 1.5 min"],
    [290, "about 5 min"],
])("an estimate of %p seconds is %p", (seconds, expected) => {
    expect(estimate(seconds)).toBe(expected);
});

describe("where there is no terminal", () => {
    test("says what begins and ends, and every 30 s how far it is", () => {
        const { progress, written, pass } = recorded(false);
        const task = progress.task("Pulumi CLI", "building", 240);
        pass(29);
        progress.tick();
        task.update("compiling", 0.25);
        pass(31);
        progress.tick();
        progress.tick();
        pass(180);
        task.done("built");
        progress.stop();
        expect(written().split("\n")).toEqual([
            "Pulumi CLI: building (about 4 min)",
            "1 min 00 s  Pulumi CLI: compiling 25 % (about 3 min left)",
            "done: Pulumi CLI: built (4 min 00 s)",
            "",
        ]);
    });

    test("a CI that gives a terminal gets plain lines too", () => {
        const { progress, written } = recorded(true, { CI: "true" });
        progress.task("Node", "npm package", 8).done("v24");
        progress.stop();
        expect(written()).toBe("Node: npm package\ndone: Node: v24 (0 s)\n");
    });
});

describe("on a terminal", () => {
    test("rewrites one line that fits, and removes it at the end", () => {
        const { progress, written, pass } = recorded(true);
        const task = progress.task("Pulumi CLI", "building ".repeat(30), 240);
        pass(1);
        progress.tick();
        const line = written().split("\r\u001b[K").at(-1) ?? "";
        expect(line.replace(/\u001b\[\d+m/g, "").length).toBeLessThanOrEqual(100);
        task.done("built");
        progress.stop();
        expect(written().endsWith("✓\u001b[0m Pulumi CLI: built (1 s)\n")).toBe(true);
    });

    test("without colours where NO_COLOR says so", () => {
        const { progress, written } = recorded(true, { NO_COLOR: "1" });
        progress.task("Node", "npm package", 8).done("v24");
        progress.stop();
        expect(written()).toContain("✓ Node: v24 (0 s)");
        expect(written()).not.toMatch(/\u001b\[\d+m/);
    });
});
