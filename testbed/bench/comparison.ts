/** The results of a bench: our figures beside figures of something else, measured in turn. Pure. */
import { median } from "./moments";

/** One figure of a bench. */
export interface Comparison {
    /** `preview, no change` */
    name: string;
    /** What it is compared with: `an empty program`. */
    with: string;
    /** Medians of `runs`. */
    ours: number;
    other: number;
    /** `ours` over `other`. */
    ratio: number;
    /** The ratio that it should not exceed; undefined if none is aimed at. */
    aim?: number;
    /** `/s`: so many in a second, of which more are better. */
    unit: "s" | "ms" | "/s" | "MB";
    runs: { ours: number[]; other: number[] };
}

/** Two series that were measured in turn, compared. */
export function compared(
    name: string,
    other: string,
    runs: Comparison["runs"],
    { unit = "s", aim }: { unit?: Comparison["unit"]; aim?: number | undefined } = {},
): Comparison {
    const [oursMedian, otherMedian] = [median(runs.ours), median(runs.other)];
    return {
        name,
        with: other,
        ours: oursMedian,
        other: otherMedian,
        ratio: oursMedian / otherMedian,
        ...(aim === undefined ? {} : { aim }),
        unit,
        runs,
    };
}

/** The figures as lines of a table, at most 80 columns wide. */
export function comparisonTable(comparisons: readonly Comparison[]): string[] {
    const cells = comparisons.map(({ name, with: other, ours, other: theirs, ratio, aim, unit }) => [
        name,
        other,
        figure(ours, unit),
        figure(theirs, unit),
        ratio.toFixed(2),
        aim === undefined ? "" : String(aim),
    ]);
    const rows = [["", "compared with", "ours", "other", "ratio", "aim"], ...cells];
    const widths = rows[0]!.map((_cell, column) => Math.max(...rows.map((row) => row[column]!.length)));
    return rows.map((row) =>
        row
            .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
            .join("  ")
            .trimEnd(),
    );
}

const figure = (value: number, unit: Comparison["unit"]) =>
    `${value.toFixed(unit === "s" || unit === "ms" ? 2 : 0)}${unit === "/s" ? "" : " "}${unit}`;

/**
 * Runs each of some pieces of work once in a round, one after the other, so that whatever else the machine does meets
 * all of them; the first round only warms up.
 *
 * @returns what each gave, in the order of the rounds
 */
export async function inTurn<Name extends string, Result>(
    rounds: number,
    work: Record<Name, () => Promise<Result>>,
    say: (text: string) => void,
): Promise<Record<Name, Result[]>> {
    const names = Object.keys(work) as Name[];
    const results = Object.fromEntries(names.map((name) => [name, [] as Result[]])) as Record<Name, Result[]>;
    for (let round = 0; round <= rounds; round++) {
        say(round === 0 ? "warming up" : `round ${round} of ${rounds}`);
        for (const name of names) {
            const result = await work[name]();
            if (round > 0) results[name].push(result);
        }
    }
    return results;
}
