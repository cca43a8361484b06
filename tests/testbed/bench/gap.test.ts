/** How long a client goes without an answer, from when it had some. */
import { gapsOf } from "../../../testbed/bench/gap";

test("the times between two answers: the longest, and what 99 and 50 of a hundred are not above", () => {
    // 200 of them: 197 of 5 ms, two of 40 and one of 900, which stand in the middle.
    const between = [...Array(100).fill(5), 40, 900, 40, ...Array(97).fill(5)] as number[];
    let now = 1000;
    const moments = [now, ...between.map((gap) => (now += gap))];
    expect(gapsOf(moments)).toEqual({ longest: 900, "99th": 40, "50th": 5 });
});

test("of two answers all are the same", () => {
    expect(gapsOf([10, 17])).toEqual({ longest: 7, "99th": 7, "50th": 7 });
});

test.each([[[]], [[3]]])("of %j there is none", (moments: number[]) => {
    expect(() => gapsOf(moments)).toThrow("no two answers, no time between them");
});
