/** How figures are put side by side. */
import { compared, comparisonTable, inTurn } from "../../../testbed/bench/comparison";

test("a comparison is one of medians, and keeps what they are of", () => {
    expect(compared("up", "Ansible", { ours: [3, 1, 2], other: [5, 4, 30] }, { aim: 0.5 })).toEqual({
        name: "up",
        with: "Ansible",
        ours: 2,
        other: 5,
        ratio: 0.4,
        aim: 0.5,
        unit: "s",
        runs: { ours: [3, 1, 2], other: [5, 4, 30] },
    });
});

test("a table has a line for each, with aim and unit, and fits a terminal", () => {
    const table = comparisonTable([
        compared("up, no change", "Ansible without pipelining", { ours: [2], other: [9.5] }),
        compared("its largest process", "one without", { ours: [229], other: [361] }, { unit: "MB", aim: 2 }),
    ]);
    expect(table).toEqual([
        "                     compared with                 ours   other  ratio  aim",
        "up, no change        Ansible without pipelining  2.00 s  9.50 s   0.21",
        "its largest process  one without                 229 MB  361 MB   0.63    2",
    ]);
    for (const line of table) expect(line.length).toBeLessThanOrEqual(78);
});

test("work is done in turn, and the first round does not count", async () => {
    const done: string[] = [];
    const said: string[] = [];
    const work = (name: string) => async () => done.push(name);
    const results = await inTurn(2, { a: work("a"), b: work("b") }, (text) => said.push(text));
    expect(done).toEqual(["a", "b", "a", "b", "a", "b"]);
    expect(results).toEqual({ a: [3, 5], b: [4, 6] });
    expect(said).toEqual(["warming up", "round 1 of 2", "round 2 of 2"]);
});
