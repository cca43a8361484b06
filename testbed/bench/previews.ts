/** What previews cost: one that changes nothing, where its time goes, and one that a mistake ends. */
import { join } from "node:path";
import type { Toolchain } from "../bootstrap/toolchain.cjs";
import type { ScratchStack } from "../site/scratchStack";
import { type Comparison, compared } from "./comparison";
import { type Moments, median, medianParts, type Parts, partsOf } from "./moments";
import {
    costOfPreview,
    finish,
    type MeasuredStack,
    type Memory,
    memoryOfPreview,
    previewByCli,
    previewInline,
    startOfProvider,
} from "./preview";

export type Compared = "demo" | "empty" | "floor";

export interface Previews {
    comparisons: Comparison[];
    /** Medians by part, from inline programs; without the start of the CLI for the selection of the stack. */
    parts: Record<Compared, Parts>;
}

/**
 * Previews that change nothing, of the three stacks in turn: by the CLI and its language host if there is one, and
 * as inline programs, which say where the time goes.
 */
export async function measurePreviews(
    { node, pulumi }: Toolchain,
    root: string,
    stacks: Record<Compared, MeasuredStack>,
    runs: number,
    say: (text: string) => void,
): Promise<Previews> {
    const runner = join(root, "dist", "testbed", "bench", "main.js");
    const names = Object.keys(stacks) as Compared[];
    const series = <T>() => ({ demo: [] as T[], empty: [] as T[], floor: [] as T[] });
    const inline = series<Moments>();
    const seconds = series<number>();
    for (let round = 0; round <= runs; round++) {
        say(round === 0 ? "previews: warming up" : `previews: round ${round} of ${runs}`);
        for (const name of names) {
            const moments = await previewInline(node.path, runner, stacks[name]);
            const took = pulumi.languageHost ? await previewByCli(pulumi.path, stacks[name]) : partsOf(moments).total;
            if (round === 0) continue;
            inline[name].push(moments);
            seconds[name].push(took);
        }
    }
    const parts = (name: Compared) => medianParts(inline[name].map(partsOf));
    return {
        comparisons: [
            compared(
                "preview, no change",
                "an empty program",
                { ours: seconds.demo, other: seconds.empty },
                { aim: 1.6 },
            ),
            compared("preview, no change", "the floor's", { ours: seconds.demo, other: seconds.floor }, { aim: 1.25 }),
            ...(pulumi.languageHost ? await compareMemory(pulumi.path, stacks) : []),
        ],
        parts: { demo: parts("demo"), empty: parts("empty"), floor: parts("floor") },
    };
}

async function compareMemory(pulumi: string, { demo, empty }: Record<Compared, MeasuredStack>): Promise<Comparison[]> {
    const [ours, other] = [await memoryOfPreview(pulumi, demo), await memoryOfPreview(pulumi, empty)];
    const of = (what: keyof Memory) => ({ ours: [ours[what]], other: [other[what]] });
    return [
        compared("its memory, of all processes", "an empty program", of("all"), { unit: "MB" }),
        compared("of the program and our providers", "an empty program", of("node"), { unit: "MB" }),
    ];
}

/** Previews with a mistaken setting, in turn with ones without. */
export async function measureMistake(
    toolchain: Toolchain,
    scratch: ScratchStack,
    demo: MeasuredStack,
    root: string,
    runs: number,
    say: (text: string) => void,
): Promise<Comparison[]> {
    const costs = { ours: [], other: [] } as Record<"ours" | "other", Awaited<ReturnType<typeof costOfPreview>>[]>;
    for (let index = 1; index <= runs; index++) {
        say(`mistakes: round ${index} of ${runs}`);
        costs.other.push(await costOfPreview(toolchain, demo, undefined, root));
        scratch.changeSettings({ access: { adminsMayUpdate: "perhaps" } });
        try {
            costs.ours.push(await costOfPreview(toolchain, demo, 'access.adminsMayUpdate: "perhaps"', root));
        } finally {
            scratch.changeSettings({ access: { adminsMayUpdate: false } });
        }
    }
    const of = (what: "seconds" | "megabytes") => ({
        ours: costs.ours.map((cost) => cost[what]),
        other: costs.other.map((cost) => cost[what]),
    });
    return [
        compared("preview, a mistake", "one without", of("seconds"), { aim: 2 }),
        compared("its largest process", "one without", of("megabytes"), { aim: 2, unit: "MB" }),
    ];
}

/** How long each provider takes until it listens, started alone; in a preview they start side by side. */
export async function providerStarts(
    root: string,
    toolchain: Toolchain,
    env: NodeJS.ProcessEnv,
    runs: number,
): Promise<Record<string, number>> {
    const executables = {
        authentik: join(root, "providers", "authentik", "pulumi-resource-authentik"),
        zot: join(root, "providers", "zot", "pulumi-resource-zot"),
        command: join(toolchain.plugins.command.folder, "pulumi-resource-command"),
        random: join(toolchain.plugins.random.folder, "pulumi-resource-random"),
    };
    const starts: Record<string, number> = {};
    for (const [name, executable] of Object.entries(executables)) {
        const seconds: number[] = [];
        for (let index = 0; index < runs; index++) seconds.push(await startOfProvider(executable, env));
        starts[name] = median(seconds);
    }
    return starts;
}

/** So that no compiling is measured. */
export async function compileAll(root: string, node: string, env: NodeJS.ProcessEnv): Promise<void> {
    const compile =
        `const { compiled, programs } = require("./build/compile.cjs"); ` +
        "for (const { source } of programs()) compiled(source);";
    await finish(node, ["-e", compile], { cwd: root, env });
}
