/** npm run bench: what previews, updates and commands cost, each compared with something that an operator knows. */

import { cpus, loadavg } from "node:os";
import { InvalidArgumentError, Option } from "commander";
import { checkoutOf } from "../checkout";

import program = require("../../index");

import { command, EXIT, exitCodes, interruptedCodes, run } from "../../cli/shared/command";
import { RegistryClient } from "../../clients/zot/registry";
import { type Comparison, comparisonTable } from "../bench/comparison";
import { measureCommands, measureUpdates } from "../bench/everyday";
import { measureGap } from "../bench/gap";
import { measureGrowth } from "../bench/growth";
import { PULLED, pushFirst } from "../bench/images";
import { aboveLimit } from "../bench/limits";
import { measureMachines, tableOf } from "../bench/machines";
import type { Parts } from "../bench/moments";
import { type Compared, compileAll, measureMistake, measurePreviews, providerStarts } from "../bench/previews";
import { CI, type Origin } from "../bench/registries";
import { measureRegistry } from "../bench/registry";
import { measureRotation } from "../bench/rotation";
import { identities, teamRules } from "../bench/shapes";
import { createEmptyStack, createFloorStack, demoStack } from "../bench/stacks";
import { readMachine, toolchainEnvironment } from "../bootstrap/toolchain.cjs";
import { count, countToTenThousand } from "../count";
import { type OnSite, onScratchSite } from "../site/scratchStack";

const GROUPS = ["previews", "mistakes", "updates", "commands", "registry", "rotation", "gap", "growth"] as const;

interface Options {
    json?: boolean;
    runs: number;
    only: readonly (typeof GROUPS)[number][];
    limit?: number;
    workloads: number;
    rules: number;
    machines?: number[];
}

interface Report {
    comparisons: Comparison[];
    /** How previews and updates were run. */
    by: "the CLI and its language host" | "inline programs of the Automation API";
    /** Medians by part of a preview, in seconds; inline, and without the selection of the stack. */
    parts?: Record<Compared, Parts>;
    /** Until each provider listens, started alone; in a preview they start side by side. */
    providers?: Record<string, number>;
    /** What could not be measured here, and why. */
    left: string[];
    /** SSH connections of one update, or of one run of a playbook. */
    connections?: Record<string, number>;
    machine: {
        processors: number;
        /** Over the last minute, when the first and when the last figure was taken. */
        load: [number, number];
        node: string;
        pulumi: string;
        pulumiKind: string;
        /** undefined if there is none. */
        ansible: string | undefined;
    };
}

async function bench({ json = false, runs, only, limit, workloads, rules, machines }: Options): Promise<void> {
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
    await onScratchSite(root, program, async (on) => {
        on.scratch.changeSettings({
            ci: { workloads: identities(workloads) },
            access: { rules: teamRules(rules) },
        });
        const report = await measure(root, on, runs, only, say);
        if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
        else show(report, say);
        const above = limit === undefined ? [] : aboveLimit(report.comparisons, limit);
        for (const sentence of above) process.stderr.write(`${sentence}\n`);
        if (above.length > 0) process.exitCode = EXIT.mistake;
    });
}

async function measure(root: string, on: OnSite, runs: number, only: Options["only"], say: Say): Promise<Report> {
    const { toolchain } = on.scratch;
    const environment = { ...toolchainEnvironment(toolchain), ...on.scratch.environment };
    const loadBefore = loadavg()[0]!;
    say("compiling, and pulumi up, so that there is nothing to change");
    await compileAll(root, toolchain.node.path, environment);
    await on.up();
    const figures = await measureGroups({ root, on, environment, runs, say }, only);
    return {
        comparisons: figures.comparisons,
        by: toolchain.pulumi.languageHost ? "the CLI and its language host" : "inline programs of the Automation API",
        ...(figures.parts && {
            parts: figures.parts,
            providers: await providerStarts(root, toolchain, environment, runs),
        }),
        ...(figures.connections && { connections: figures.connections }),
        left: figures.left,
        machine: {
            processors: cpus().length,
            load: [loadBefore, loadavg()[0]!],
            node: toolchain.node.version,
            pulumi: toolchain.pulumi.version,
            pulumiKind: toolchain.pulumi.kind,
            ansible: figures.ansible,
        },
    };
}

type Say = (text: string) => void;

type Figures = Pick<Report, "comparisons" | "parts" | "connections" | "left"> & { ansible: string | undefined };

interface Work {
    root: string;
    on: OnSite;
    environment: NodeJS.ProcessEnv;
    runs: number;
    say: Say;
}

/** The groups of figures that are wanted, one after the other. */
async function measureGroups(work: Work, only: Options["only"]): Promise<Figures> {
    const { root, on, environment, runs, say } = work;
    const { site, scratch } = on;
    const { toolchain } = scratch;
    const wants = (group: (typeof GROUPS)[number]) => only.includes(group);
    const demo = await demoStack(root, scratch, environment);
    const create = (made: typeof createEmptyStack) => made(root, site.folder, environment, toolchain);
    const empty = wants("previews") || wants("growth") ? await create(createEmptyStack) : undefined;
    const floor = wants("previews") || wants("updates") ? await create(createFloorStack) : undefined;
    const measured = { root, site, scratch, demo, runs, say };
    const figures: Figures = { comparisons: [], left: [], ansible: undefined };
    const ofZot = (["registry", "gap"] as const).filter(wants);
    const isReal = readMachine().zot.kind === "real";
    if (!isReal)
        figures.left.push(...ofZot.map((group) => `${group} is left out: there is no real zot in ZOT or on the PATH.`));
    else if (ofZot.length > 0) await pushPulled(on);
    const add = (comparisons: Comparison[]) => void figures.comparisons.push(...comparisons);
    if (wants("previews")) {
        const stacks = { demo, empty: empty!, floor: floor! };
        const previews = await measurePreviews(toolchain, root, stacks, runs, say);
        add(previews.comparisons);
        figures.parts = previews.parts;
    }
    if (wants("mistakes")) add(await measureMistake(toolchain, scratch, demo, root, runs, say));
    if (wants("updates")) {
        const updates = await measureUpdates({ ...measured, floor: floor! });
        add(updates.comparisons);
        Object.assign(figures, { connections: updates.connections, ansible: updates.ansible });
    }
    if (wants("commands")) add(await measureCommands(measured));
    if (wants("registry") && isReal) add(await measureRegistry(await originOf(on), runs, say));
    if (wants("rotation")) add(await measureRotation(measured));
    if (wants("gap") && isReal) add(await measureGap(measured));
    // The last: it leaves a stack with other settings.
    if (wants("growth"))
        if (toolchain.pulumi.languageHost)
            add(await measureGrowth(toolchain, root, on, { demo, empty: empty! }, runs, say));
        else figures.left.push("growth is left out: this Pulumi has no language host.");
    return figures;
}

/** So that there is something to pull, pushed while CI may push everywhere. */
async function pushPulled(on: OnSite): Promise<void> {
    const { key } = await originOf(on);
    await pushFirst(new RegistryClient(on.site.registryUrl, { username: CI, key }), PULLED);
}

/** What registries are made from: the site's storage and settings, and CI's key as the stack has it now. */
async function originOf({ site, scratch }: OnSite): Promise<Origin> {
    const { ciApiKey } = await scratch.stack.outputs();
    return { site, project: scratch.folder, key: ciApiKey!.value as string };
}

function show(report: Report, say: Say): void {
    const { machine, parts, providers, connections } = report;
    say(`\nBy ${report.by}; medians, measured in turn:\n`);
    for (const line of comparisonTable(report.comparisons)) say(`  ${line}`);
    if (parts) {
        say("\nWhere a preview's time goes, as inline programs; seconds:");
        say(`  ${"".padEnd(38)} ours   empty  floor`);
        const rows: [keyof Parts, string][] = [
            ["node", "Node and the SDK"],
            ["load", "the program's modules"],
            ["engine", "the CLI and its engine, until it calls"],
            ["program", "the program, with its look-ups"],
            ["rest", "its resources, and the end of it all"],
        ];
        const column = (name: Compared, key: keyof Parts) => parts[name][key].toFixed(2).padEnd(5);
        for (const [key, title] of rows)
            say(
                `  ${title.padEnd(38)} ${column("demo", key)}  ${column("empty", key)}  ${column("floor", key).trimEnd()}`,
            );
    }
    if (providers) {
        const starts = Object.entries(providers).map(([name, seconds]) => `${name} ${seconds.toFixed(2)}`);
        say(`\nProviders, started alone, until they listen; seconds:\n  ${starts.join(", ")}`);
    }
    if (connections) {
        say("\nSSH connections of one run:");
        for (const [name, number] of Object.entries(connections)) say(`  ${name.padEnd(38)} ${number}`);
    }
    const [before, after] = machine.load;
    say(
        `\nMachine: ${machine.processors} processors, load ${before.toFixed(2)} before and ${after.toFixed(2)} after; ` +
            `Node ${machine.node}, Pulumi ${machine.pulumi} (${machine.pulumiKind})` +
            `${machine.ansible === undefined ? "" : `, ansible-core ${machine.ansible}`}.`,
    );
    for (const sentence of report.left) say(sentence);
    if (report.connections && machine.ansible === undefined)
        say("There is no ansible-playbook on the PATH, so that nothing was compared with Ansible.");
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
    "Measures what previews, updates, commands and requests cost, each in turn with something to compare it with.",
    "npm run bench -- --only previews mistakes",
)
    .option("--json", "print one JSON object on standard output; all else goes to standard error")
    .option("--runs <number>", "how many of each to take the median of", count, 5)
    .addOption(
        new Option("--only <groups...>", "these groups of figures alone").choices([...GROUPS]).default(GROUPS, "all"),
    )
    .option("--workloads <number>", "with so many further identities of CI (ci.workloads)", count, 0)
    .option("--rules <number>", "with so many rules for repositories of teams (access.rules)", countToTenThousand, 0)
    .option(
        "--machines <numbers>",
        "in place of all that: updates of a registry on so many machines, for example 1,2,5,20",
        numbers,
    )
    .option(
        "--limit <ratio>",
        "end with exit code 1 where a preview costs more than so many of an empty program, or a mistake too much",
        ratio,
    )
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
