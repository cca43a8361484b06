/** What previews cost with more identities of CI and more rules: time and memory, beside an empty program. */
import type { Toolchain } from "../bootstrap/toolchain.cjs";
import type { OnSite } from "../site/scratchStack";
import { type Comparison, compared, inTurn } from "./comparison";
import { type MeasuredStack, memoryOfPreview, operate, previewByCli } from "./preview";
import { identities, teamRules } from "./shapes";

/** How many there are of each; with one rule and one identity a site is as small as it can be. */
const SHAPES: Record<string, { workloads: number; rules: number }> = {
    "one identity, no rule": { workloads: 0, rules: 0 },
    "10 identities": { workloads: 10, rules: 0 },
    "50 identities": { workloads: 50, rules: 0 },
    "100 rules": { workloads: 0, rules: 100 },
    "1000 rules": { workloads: 0, rules: 1000 },
};

/**
 * Previews that change nothing, of one stack that grows, in turn with an empty program's: by the CLI and its language
 * host.
 */
export async function measureGrowth(
    toolchain: Toolchain,
    root: string,
    { scratch }: Pick<OnSite, "scratch">,
    stacks: Record<"demo" | "empty", MeasuredStack>,
    runs: number,
    say: (text: string) => void,
): Promise<Comparison[]> {
    const pulumi = toolchain.pulumi.path;
    const comparisons: Comparison[] = [];
    for (const [name, { workloads, rules }] of Object.entries(SHAPES)) {
        say(`growth: ${name}`);
        scratch.changeSettings({ ci: { workloads: identities(workloads) }, access: { rules: teamRules(rules) } });
        await operate(toolchain, root, stacks.demo, "up");
        const work = {
            ours: () => previewByCli(pulumi, stacks.demo),
            other: () => previewByCli(pulumi, stacks.empty),
        };
        comparisons.push(compared(`preview, ${name}`, "an empty program", await inTurn(runs, work, say)));
        const memory = async (stack: MeasuredStack) => [(await memoryOfPreview(pulumi, stack)).all];
        const megabytes = { ours: await memory(stacks.demo), other: await memory(stacks.empty) };
        comparisons.push(compared(`memory, ${name}`, "an empty program", megabytes, { unit: "MB" }));
    }
    return comparisons;
}
