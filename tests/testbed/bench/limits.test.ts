/** When a bench fails. */
import { aboveLimit } from "../../../testbed/bench/limits";

test.each<[title: string, ratio: number, mistake: number, sentences: string[]]>([
    ["both within", 1.5, 1.2, []],
    ["at the limits", 1.6, 2, []],
    ["a slow preview", 1.61, 1.2, ["The ratio is 1.61, above the limit of 1.6."]],
    ["a dear mistake", 1.2, 3.5, ["preview, a mistake costs 3.50 times one without, above 2."]],
    [
        "both above",
        2,
        2.5,
        ["The ratio is 2.00, above the limit of 1.6.", "preview, a mistake costs 2.50 times one without, above 2."],
    ],
])("%s", (_title, ratio, mistake, sentences) => {
    const comparisons = [
        { name: "preview, no change", with: "an empty program", ratio, aim: 1.6 },
        { name: "preview, no change", with: "the floor's", ratio: 9, aim: 1.25 },
        { name: "preview, a mistake", with: "one without", ratio: mistake, aim: 2 },
    ];
    expect(aboveLimit(comparisons, 1.6)).toEqual(sentences);
});
