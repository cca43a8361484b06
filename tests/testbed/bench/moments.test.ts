import fc from "fast-check";
import { type Moments, median, medianParts, partNames, partsOf } from "../../../testbed/bench/moments";

const moments: Moments = {
    sdkImported: 400,
    programLoaded: 450,
    stackSelected: 1450,
    programCalled: 2050,
    programReturned: 2350,
    previewEnded: 2850,
};

test("the parts of a preview add up to its total, which leaves out the selection of the stack", () => {
    const parts = partsOf(moments);
    expect(parts).toEqual({ node: 0.4, load: 0.05, engine: 0.6, program: 0.3, rest: 0.5, total: 1.85 });
    const { total, ...others } = parts;
    expect(Object.values(others).reduce((sum, part) => sum + part, 0)).toBeCloseTo(total);
});

describe("median", () => {
    test.each([
        [[3, 1, 2], 2],
        [[4, 1, 3, 2], 2.5],
        [[7], 7],
    ])("of %p is %p", (numbers, expected) => {
        expect(median(numbers)).toBe(expected);
    });
    test("has as many numbers above it as below, and does not change what it is given", () => {
        fc.assert(
            fc.property(fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1 }), (numbers) => {
                const before = [...numbers];
                const middle = median(numbers);
                expect(numbers).toEqual(before);
                const above = numbers.filter((number) => number > middle).length;
                const below = numbers.filter((number) => number < middle).length;
                expect(Math.max(above, below)).toBeLessThanOrEqual(numbers.length / 2);
            }),
        );
    });
    test("of no numbers is a mistake", () => {
        expect(() => median([])).toThrow("no numbers");
    });
});

test("the median of each part is its own", () => {
    const run = (node: number, rest: number) => ({ node, load: 0, engine: 0, program: 0, rest, total: node + rest });
    const middle = medianParts([run(1, 9), run(2, 5), run(3, 7)]);
    expect(middle).toEqual({ node: 2, load: 0, engine: 0, program: 0, rest: 7, total: 10 });
    expect(Object.keys(middle)).toEqual([...partNames]);
});
