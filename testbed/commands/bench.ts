/** npm run bench: what a preview that changes nothing costs, against that of an empty program on the same CLI. */

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { LocalWorkspace } from "@pulumi/pulumi/automation";
import { InvalidArgumentError } from "commander";
import { checkoutOf } from "../checkout";

import program = require("../../index");

import { command, EXIT, exitCodes, interruptedCodes, run } from "../../cli/shared/command";
import { aboveLimit } from "../bench/limits";
import { measureMachines, tableOf } from "../bench/machines";
import { type Moments, median, medianParts, type Parts, partsOf } from "../bench/moments";
import {
    type Cost,
    costOfPreview,
    finish,
    type MeasuredStack,
    previewByCli,
    previewInline,
    startOfProvider,
} from "../bench/preview";
import { type Toolchain, toolchainEnvironment } from "../bootstrap/toolchain.cjs";
import { count } from "../count";
import { onScratchSite, type ScratchStack, STACK } from "../site/scratchStack";

interface Options {
    json?: boolean;
    runs: number;
    limit?: number;
    workloads: number;
    machines?: number[];
}

/** One of the two that are compared. */
interface Figures {
    /** Median of `runs`, in seconds. */
    median: number;
    runs: number[];
}

interface Report {
    /** Median of the demo stack's previews over that of the empty program's. */
    ratio: number;
    aim: number;
    seconds: { demo: Figures; empty: Figures };
    /** A preview that a mistaken setting ends, beside one that succeeds; medians. */
    mistake: { refused: Cost; succeeded: Cost; ratio: number; aim: number };
    /** How the previews were run. */
    by: "the CLI and its language host" | "inline programs of the Automation API";
    /** Medians by part, from inline programs; without the start of the CLI for the selection of the stack. */
    parts: { demo: Parts; empty: Parts };
    /** Until each provider listens, started alone; in a preview they start side by side. */
    providers: Record<string, number>;
    machine: { processors: number; node: string; pulumi: string; pulumiKind: string };
}

/** The ratio that a change should not bring us above. */
const AIM = 1.6;
/** The same of a preview that a mistake ends, in time and in memory, over one that succeeds. */
const MISTAKE_AIM = 2;

async function bench({ json = false, runs, limit, workloads, machines }: Options): Promise<void> {
    const say = (text: string) => void (json ? process.stderr : process.stdout).write(`${text}\n`);
    const root = checkoutOf(__dirname);
    if (machines) {
        await compileAll(root, process.execPath, process.env);
        const figures = await measureMachines(root, program, machines, runs, say);
        if (json) process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
        else
            say(
                `\nBy the number of machines: time (of it on a processor here), memory, SSH connections; medians:\n${tableOf(figures).join("\n")}`,
            );
        return;
    }
    await onScratchSite(root, program, async ({ site, scratch, up }) => {
        scratch.changeSettings({ ci: { workloads: identities(workloads) } });
        say("pulumi up, so that there is nothing to change");
        await up();
        const report = await measure(root, site.folder, scratch, runs, say);
        if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
        else show(report, say);
        const above = limit === undefined ? [] : aboveLimit(report, limit);
        for (const sentence of above) process.stderr.write(`${sentence}\n`);
        if (above.length > 0) process.exitCode = EXIT.mistake;
    });
}

/** So many further identities of CI, of which each overlaps with the next one. */
const identities = (number: number): Record<string, object> =>
    Object.fromEntries(
        Array.from({ length: number }, (_, index) => [
            `w${index}`,
            {
                user: `zot-w${index}`,
                group: `workloads-${index}`,
                repositories: [`team-${index}/**`, `*/shared-${index % 5}/**`],
                channels: ["**/cache"],
            },
        ]),
    );

async function measure(
    root: string,
    folder: string,
    scratch: ScratchStack,
    runs: number,
    say: (text: string) => void,
): Promise<Report> {
    const { toolchain } = scratch;
    const environment = { ...toolchainEnvironment(toolchain), ...scratch.environment };
    await compileAll(root, toolchain.node.path, environment);
    const demo: MeasuredStack = {
        folder: scratch.folder,
        project: (await scratch.stack.workspace.projectSettings()).name,
        stack: STACK,
        program: join(root, "dist", "index.js"),
        environment,
    };
    const empty = await createEmptyStack(root, folder, environment);
    const runner = join(root, "dist", "testbed", "bench", "main.js");

    // One after the other in turn, so that whatever else the machine does meets both; the first of each only warms up.
    const inline = { demo: [] as Moments[], empty: [] as Moments[] };
    const byCli = { demo: [] as number[], empty: [] as number[] };
    const pairs = [["demo", demo] as const, ["empty", empty] as const];
    for (let index = 0; index <= runs; index++) {
        say(index === 0 ? "warming up" : `previews ${index} of ${runs}`);
        for (const [name, measured] of pairs) {
            const moments = await previewInline(toolchain.node.path, runner, measured);
            const seconds = toolchain.pulumi.languageHost
                ? await previewByCli(toolchain.pulumi.path, measured)
                : undefined;
            if (index === 0) continue;
            inline[name].push(moments);
            if (seconds !== undefined) byCli[name].push(seconds);
        }
    }
    const partsByRun = { demo: inline.demo.map(partsOf), empty: inline.empty.map(partsOf) };
    const figures = (name: "demo" | "empty"): Figures => {
        const seconds = toolchain.pulumi.languageHost ? byCli[name] : partsByRun[name].map((parts) => parts.total);
        return { median: median(seconds), runs: seconds };
    };
    const seconds = { demo: figures("demo"), empty: figures("empty") };
    return {
        ratio: seconds.demo.median / seconds.empty.median,
        aim: AIM,
        seconds,
        mistake: await measureMistake(toolchain, scratch, demo, root, runs, say),
        by: toolchain.pulumi.languageHost ? "the CLI and its language host" : "inline programs of the Automation API",
        parts: { demo: medianParts(partsByRun.demo), empty: medianParts(partsByRun.empty) },
        providers: await providerStarts(root, toolchain, environment, runs),
        machine: {
            processors: cpus().length,
            node: toolchain.node.version,
            pulumi: toolchain.pulumi.version,
            pulumiKind: toolchain.pulumi.kind,
        },
    };
}

/** So that no compiling is measured. */
async function compileAll(root: string, node: string, env: NodeJS.ProcessEnv): Promise<void> {
    const compile =
        `const { compiled, programs } = require("./build/compile.cjs"); ` +
        "for (const { source } of programs()) compiled(source);";
    await finish(node, ["-e", compile], { cwd: root, env });
}

/** Previews with a mistaken setting, in turn with ones without. */
async function measureMistake(
    toolchain: Toolchain,
    scratch: ScratchStack,
    demo: MeasuredStack,
    root: string,
    runs: number,
    say: (text: string) => void,
): Promise<Report["mistake"]> {
    const refused: Cost[] = [];
    const succeeded: Cost[] = [];
    for (let index = 1; index <= runs; index++) {
        say(`mistakes ${index} of ${runs}`);
        succeeded.push(await costOfPreview(toolchain, demo, undefined, root));
        scratch.changeSettings({ access: { adminsMayUpdate: "perhaps" } });
        try {
            refused.push(await costOfPreview(toolchain, demo, 'access.adminsMayUpdate: "perhaps"', root));
        } finally {
            scratch.changeSettings({ access: { adminsMayUpdate: false } });
        }
    }
    const medians = { refused: medianCost(refused), succeeded: medianCost(succeeded) };
    const ratio = Math.max(
        medians.refused.seconds / medians.succeeded.seconds,
        medians.refused.megabytes / medians.succeeded.megabytes,
    );
    return { ...medians, ratio, aim: MISTAKE_AIM };
}

const medianCost = (runs: readonly Cost[]): Cost => ({
    seconds: median(runs.map(({ seconds }) => seconds)),
    megabytes: median(runs.map(({ megabytes }) => megabytes)),
    processorSeconds: median(runs.map(({ processorSeconds }) => processorSeconds)),
});

/** A stack that declares nothing, in the backend of the demo stack. */
async function createEmptyStack(
    root: string,
    siteFolder: string,
    environment: NodeJS.ProcessEnv,
): Promise<MeasuredStack> {
    const folder = join(siteFolder, "empty");
    const main = join(root, "dist", "testbed", "emptyProgram", "main.js");
    mkdirSync(folder);
    writeFileSync(
        join(folder, "Pulumi.yaml"),
        JSON.stringify({ name: "empty", main, runtime: { name: "nodejs", options: { typescript: false } } }),
    );
    const stack = await LocalWorkspace.createStack(
        { stackName: STACK, projectName: "empty", program: async () => ({ stack: STACK }) },
        { workDir: folder, envVars: environment as Record<string, string> },
    );
    await stack.up({ color: "never" });
    return { folder, project: "empty", stack: STACK, program: main, environment };
}

async function providerStarts(
    root: string,
    toolchain: Toolchain,
    env: NodeJS.ProcessEnv,
    runs: number,
): Promise<Record<string, number>> {
    const executables = {
        authentik: join(root, "providers", "authentik", "pulumi-resource-authentik"),
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

function show(report: Report, say: (text: string) => void): void {
    const { demo, empty } = report.seconds;
    const list = ({ runs }: Figures) => runs.map((seconds) => seconds.toFixed(2)).join(" ");
    say(`\nA preview that changes nothing, by ${report.by}; seconds, median of ${demo.runs.length}:`);
    say(`  demo stack     ${demo.median.toFixed(2)}   (${list(demo)})`);
    say(`  empty program  ${empty.median.toFixed(2)}   (${list(empty)})`);
    say(`  ratio          ${report.ratio.toFixed(2)}   (aim: ${report.aim} or less)`);
    const { mistake } = report;
    const cost = ({ seconds, processorSeconds, megabytes }: Cost) =>
        `${seconds.toFixed(2)} s, ${processorSeconds.toFixed(2)} s of processor in Node, ${megabytes.toFixed(0)} MB in one`;
    say("\nA preview that a mistaken setting ends; medians:");
    say(`  refused        ${cost(mistake.refused)}`);
    say(`  succeeded      ${cost(mistake.succeeded)}`);
    say(`  ratio          ${mistake.ratio.toFixed(2)}   (of time or memory, the larger; aim: ${mistake.aim} or less)`);
    say("\nWhere the time goes, as inline programs;  demo   empty");
    const rows: [keyof Parts, string][] = [
        ["node", "Node and the SDK"],
        ["load", "the program's modules"],
        ["engine", "the CLI and its engine, until it calls"],
        ["program", "the program, with its look-ups"],
        ["rest", "its resources, and the end of it all"],
    ];
    for (const [name, title] of rows)
        say(`  ${title.padEnd(38)} ${report.parts.demo[name].toFixed(2)}    ${report.parts.empty[name].toFixed(2)}`);
    say("\nProviders, started alone, until they listen:");
    for (const [name, seconds] of Object.entries(report.providers)) say(`  ${name.padEnd(14)} ${seconds.toFixed(2)}`);
}

/** @throws InvalidArgumentError */
function ratio(text: string): number {
    if (!/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError("A number is wanted, for example 1.6.");
    return Number(text);
}

/** @throws InvalidArgumentError */
const numbers = (text: string): number[] => text.split(",").map(count);

const benchCommand = command(
    "npm run bench --",
    "Measures a preview that changes nothing against that of an empty program.",
    "npm run bench -- --json",
)
    .option("--json", "print one JSON object on standard output; all else goes to standard error")
    .option("--runs <number>", "how many previews of each to take the median of", count, 5)
    .option("--workloads <number>", "with so many further identities of CI (ci.workloads)", count, 0)
    .option(
        "--machines <numbers>",
        "in place of all that: updates of a registry on so many machines, for example 1,2,5,20",
        numbers,
    )
    .option("--limit <ratio>", "end with exit code 1 where the ratio is above this, or a mistake costs too much", ratio)
    .addHelpText(
        "after",
        exitCodes(
            "done",
            "with --limit: a ratio is above what it may be",
            undefined,
            interruptedCodes(", and cleared up"),
        ),
    )
    .action(bench);
void run(benchCommand);
