/** What updates of a registry cost that runs on several machines, by their number. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type { PulumiFn } from "@pulumi/pulumi/automation";
import { UserError } from "../../clients/userError";
import { readMachine, toolchainEnvironment } from "../bootstrap/toolchain.cjs";
import { type Machine, settingsOnMachines, startMachine } from "../site/machines";
import { type OnSite, onScratchSite, type ScratchStack, STACK } from "../site/scratchStack";
import { noSharedState, startSharedState } from "../site/sharedState";
import { memoryBelow } from "../sshHost/processes";
import { median } from "./moments";

/** What one operation took. */
export interface Operation {
    seconds: number;
    /** The most memory that the program, the CLI, the engine and the providers had at once (resident, added up). */
    megabytes: number;
    /** SSH connections, over all machines. */
    connections: number;
    /** Time on a processor of the same; what the machines took themselves is not in it. */
    processorSeconds: number;
}

const OPERATIONS = ["first up", "preview, no change", "up, no change", "preview, a right", "up, a right"] as const;
type Name = (typeof OPERATIONS)[number];

/** The figures of each operation, by the number of machines. */
export type ByMachines = { machines: number; operations: Record<Name, Operation> }[];

/** How often memory is looked at, in milliseconds. */
const LOOK = 200;

/**
 * Measures a first update, one and a preview that change nothing, and an update that changes a right: for each number
 * of machines on a site of its own, with a real zot on each.
 *
 * @throws UserError if there is no real zot, redis or bucket
 */
export async function measureMachines(
    root: string,
    program: PulumiFn,
    numbers: readonly number[],
    runs: number,
    say: (text: string) => void,
): Promise<ByMachines> {
    const missing =
        noSharedState() ??
        (readMachine().zot.kind === "real"
            ? undefined
            : "there is no real zot in ZOT or on the PATH, and the stand-in has no bucket");
    if (missing) throw new UserError(`Several machines cannot be measured here: ${missing}.`);
    // Each host, and each server, ends with this process.
    process.setMaxListeners(0);
    const figures: ByMachines = [];
    for (const number of numbers) {
        const shared = await startSharedState();
        const machines: Machine[] = [];
        try {
            await onScratchSite(root, program, async ({ site, scratch, step }) => {
                say(`${number} ${number === 1 ? "machine" : "machines"}: starting`);
                try {
                    await step(async () => {
                        while (machines.length < number)
                            machines.push(await startMachine(site, shared, `machine-${machines.length + 1}`));
                    });
                    scratch.changeSettings(settingsOnMachines(shared, machines[0]!.url));
                    scratch.changeSettings({ host: { members: machines.map(({ member }) => member) } });
                    figures.push({
                        machines: number,
                        operations: await measure(step, root, scratch, machines, runs, say),
                    });
                } finally {
                    await Promise.all(machines.map((machine) => machine.stop()));
                }
            });
        } finally {
            shared.stop();
        }
    }
    return figures;
}

async function measure(
    step: OnSite["step"],
    root: string,
    scratch: ScratchStack,
    machines: readonly Machine[],
    runs: number,
    say: (text: string) => void,
): Promise<Record<Name, Operation>> {
    const taken = new Map<Name, Operation[]>();
    const measureOnce = async (name: Name) => {
        say(`${machines.length}: ${name}`);
        const operation = await step(() =>
            operate(root, scratch, machines, name.startsWith("preview") ? "preview" : "up"),
        );
        taken.set(name, [...(taken.get(name) ?? []), operation]);
    };
    await measureOnce("first up");
    for (let index = 1; index <= runs; index++) {
        await measureOnce("preview, no change");
        await measureOnce("up, no change");
        scratch.changeSettings({ access: { ciRepositories: [`team-${index}/**`] } });
        await measureOnce("preview, a right");
        await measureOnce("up, a right");
    }
    const of = (name: Name, figure: keyof Operation) => median(taken.get(name)!.map((operation) => operation[figure]));
    return Object.fromEntries(
        OPERATIONS.map((name) => [
            name,
            {
                seconds: of(name, "seconds"),
                megabytes: of(name, "megabytes"),
                connections: of(name, "connections"),
                processorSeconds: of(name, "processorSeconds"),
            },
        ]),
    ) as Record<Name, Operation>;
}

async function operate(
    root: string,
    scratch: ScratchStack,
    machines: readonly Machine[],
    operation: "preview" | "up",
): Promise<Operation> {
    const { toolchain, folder, environment, stack } = scratch;
    const connections = () => machines.reduce((sum, { ssh }) => sum + ssh.connections(), 0);
    const before = connections();
    const project = (await stack.workspace.projectSettings()).name;
    const [runner, program] = [["testbed", "operation", "main.js"], ["index.js"]].map((path) =>
        join(root, "dist", ...path),
    );
    const started = performance.now();
    // The shell prints the processor time of itself, and then of all that it has waited for.
    const whole = [toolchain.node.path, runner!, program!, folder, project, STACK, operation];
    const child = spawn("/bin/sh", ["-c", '"$@"; code=$?; times; exit $code', "sh", ...whole], {
        cwd: folder,
        // As docs/scale.md advises: looks go on side by side.
        env: { ...toolchainEnvironment(toolchain), ...environment, PULUMI_PARALLEL_DIFF: "true" },
        stdio: ["ignore", "pipe", "pipe"],
    });
    let megabytes = 0;
    const looking = setInterval(() => (megabytes = Math.max(megabytes, memoryBelow(child.pid!))), LOOK);
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (said += String(text)));
    const code = await new Promise((resolve) => child.once("close", resolve));
    clearInterval(looking);
    if (code !== 0) throw new Error(`pulumi ${operation} ended with ${String(code)}:\n${said}`);
    return {
        seconds: (performance.now() - started) / 1000,
        megabytes,
        connections: connections() - before,
        processorSeconds: processorSecondsIn(said),
    };
}

/** Of what `times` of a shell has printed last: `0m1.23s 0m0.45s`. */
export function processorSecondsIn(said: string): number {
    const [, ...times] = /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/.exec(said) ?? [];
    const [minutes, seconds, systemMinutes, systemSeconds] = times.map(Number) as [number, number, number, number];
    return (minutes + systemMinutes) * 60 + seconds + systemSeconds;
}

/** A row for each operation, a column for each number of machines. */
export function tableOf(figures: ByMachines): string[] {
    const cell = (text: string) => text.padStart(36);
    return [
        `${"".padEnd(20)}${figures.map(({ machines }) => cell(`${machines}`)).join("")}`,
        ...OPERATIONS.map(
            (name) =>
                name.padEnd(20) +
                figures
                    .map(({ operations }) => {
                        const { seconds, megabytes, connections, processorSeconds } = operations[name];
                        return cell(
                            `${seconds.toFixed(1)} s (${processorSeconds.toFixed(1)}), ${megabytes.toFixed(0)} MB, ${connections}`,
                        );
                    })
                    .join(""),
        ),
    ];
}
