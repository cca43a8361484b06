import { type ByMachines, processorSecondsIn, tableOf } from "../../../testbed/bench/machines";

test("the processor time is that of what the shell has waited for, which it prints last", () => {
    expect(processorSecondsIn("Duration: 3s\n0m0.00s 0m0.01s\n1m2.50s 0m4.25s\n")).toBe(66.75);
});

test("a row for each operation, and a column for each number of machines", () => {
    const operation = { seconds: 5.12, megabytes: 600.4, connections: 1, processorSeconds: 3 };
    const operations = {
        "first up": operation,
        "preview, no change": operation,
        "up, no change": operation,
        "preview, a right": operation,
        "up, a right": { ...operation, seconds: 88 },
    };
    const figures: ByMachines = [1, 20].map((machines) => ({ machines, operations }));
    const rows = tableOf(figures);
    expect(rows).toHaveLength(6);
    expect(rows[0]!.trim().split(/\s+/)).toEqual(["1", "20"]);
    expect(rows[5]).toMatch(/^up, a right +88\.0 s \(3\.0\), 600 MB, 1 +88\.0 s \(3\.0\), 600 MB, 1$/);
});
