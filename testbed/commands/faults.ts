/**
 * npm run faults: one fault at a time into the deployment to a host, at every step, and whether the registry came
 * through.
 */
import { cpus, loadavg } from "node:os";
import { command, EXIT, exitCodes, interruptedCodes, run } from "../../cli/shared/command";
import { onInterrupt } from "../../cli/shared/interrupt";
import { UserError } from "../../clients/userError";
import { readMachine } from "../bootstrap/toolchain.cjs";
import { count } from "../count";
import { type Injection, Injector, type Outcome } from "../faults/injections";
import { faultPlan, type PlannedFaults } from "../faults/plan";

interface Options {
    json?: boolean;
    every: number;
    workers: number;
    only?: string;
}

interface Report {
    injected: number;
    survived: number;
    /** The longest gap in anonymous pulls during a deployment without a fault, in milliseconds. */
    longestGapMs: number;
    /**
     * What the machine had to do meanwhile, without which a gap says little: the load of the last minute, and its
     * processors.
     */
    machine: { load: number; processors: number };
    /** Whether the parts are the real ones. */
    real: { zot: boolean; sshd: boolean };
}

/** Deployments without a fault, of which the longest gap is taken. */
const GOOD_DEPLOYMENTS = 5;

async function faults({ json = false, every, workers, only }: Options): Promise<void> {
    const say = (text: string) => void (json ? process.stderr : process.stdout).write(`${text}\n`);
    const injectors: Injector[] = [];
    const stop = () => Promise.all(injectors.splice(0).map((injector) => injector.stop()));
    const interrupts = onInterrupt(async () => void (await stop()));
    try {
        const first = await Injector.start();
        injectors.push(first);
        const real = { zot: readMachine().zot.kind === "real", sshd: first.host.ssh.kind === "openssh" };
        say(
            `zot runs as ${
                first.host.zotUser === undefined
                    ? "the user who deploys"
                    : `the user ${first.host.zotUser}, and root pushes`
            }`,
        );
        say(
            `zot: ${real.zot ? "real" : "stand-in"}   sshd: ` +
                `${real.sshd ? "real" : "stand-in"}   disk of its own: ` +
                `${first.host.hasDisk ? "yes" : "no, so its faults are those of its tools"}`,
        );
        const gaps = await goodDeployments();
        const longestGapMs = Math.round(Math.max(...gaps));
        const machine = { load: Math.round(loadavg()[0]! * 10) / 10, processors: cpus().length };
        const loaded = `at a load of ${machine.load} on ${machine.processors} processors`;
        say(
            `longest gap in anonymous pulls during ${GOOD_DEPLOYMENTS} good deployments: ` +
                `${gaps.map((gap) => Math.round(gap)).join(", ")} ms, ${loaded}`,
        );

        const plan = await faultPlan(first, { every, only });
        if (plan.length === 0)
            throw new UserError(
                `No fault's name holds ${JSON.stringify(only)}, such as "zot dies" or "script killed".`,
            );
        for (const { title, injections } of plan) say(`  ${String(injections.length).padStart(4)}  ${title}`);
        while (injectors.length < workers) injectors.push(await Injector.start());
        for (const injector of injectors) injector.goodGapMs = longestGapMs;
        const outcomes = await injectAll(plan, injectors, say);

        // A deployment that had ended before its fault counts only where something is wrong all the same.
        const injected = outcomes.filter((outcome) => outcome.injected || !outcome.survived);
        const report: Report = {
            injected: injected.length,
            survived: injected.filter((outcome) => outcome.survived).length,
            longestGapMs,
            machine,
            real,
        };
        if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
        else
            say(
                `\n${report.survived} of ${report.injected} faults survived; ` +
                    `longest gap in a good deployment ${report.longestGapMs} ms, ${loaded}.`,
            );
        process.exitCode = report.survived === report.injected ? EXIT.done : EXIT.mistake;
    } finally {
        interrupts.forget();
        await stop();
    }
}

/** On a host of their own, where nothing takes note of the script's steps. */
async function goodDeployments(): Promise<number[]> {
    const injector = await Injector.start({ steps: false });
    try {
        const gaps: number[] = [];
        for (let index = 0; index < GOOD_DEPLOYMENTS; index++) {
            const { longestGapMs, ran } = await injector.goodDeployment();
            if (ran.exitCode !== 0) throw new Error(`A deployment without a fault failed: ${ran.errors}`);
            gaps.push(longestGapMs);
        }
        return gaps;
    } finally {
        await injector.stop();
    }
}

async function injectAll(
    plan: PlannedFaults[],
    injectors: Injector[],
    say: (text: string) => void,
): Promise<Outcome[]> {
    const waiting: Injection[] = plan.flatMap(({ injections }) => injections);
    const total = waiting.length;
    const outcomes: Outcome[] = [];
    await Promise.all(
        injectors.map(async (injector) => {
            for (let injection = waiting.shift(); injection; injection = waiting.shift()) {
                const outcome = await injector.run(injection);
                outcomes.push(outcome);
                say(line(outcome, outcomes.length, total));
            }
        }),
    );
    return outcomes;
}

function line({ injection, step, survived, problems, ran, seconds }: Outcome, index: number, total: number): string {
    const where =
        injection.step === undefined
            ? ""
            : ` at step ${injection.step}${step ? ` (${step.slice(0, 70)})` : " (the deployment had ended)"}`;
    const text =
        `${String(index).padStart(4)}/${total}  ${survived ? "ok  " : "FAIL"}  ` +
        `${injection.name}${where}  ${seconds} s`;
    if (survived) return text;
    return [
        text,
        ...problems.map((problem) => `            ${problem}`),
        `            the push: ${JSON.stringify(ran)}`,
    ].join("\n");
}

const faultsCommand = command(
    "npm run faults --",
    "Injects faults into the deployment to a registry's host, at every step, and says whether the registry came through.",
    "npm run faults -- --json",
)
    .option("--json", "print one JSON object on standard output; all else goes to standard error")
    .option("--every <number>", "only every <number>th step, for a quick look", count, 1)
    .option(
        "--workers <number>",
        "hosts that faults are injected on side by side",
        count,
        Math.max(1, Math.min(4, cpus().length)),
    )
    .option("--only <text>", "only faults whose name holds this")
    .addHelpText(
        "after",
        exitCodes("every fault survived", "a fault was not survived", undefined, interruptedCodes(", and cleared up")),
    )
    .action(faults);
void run(faultsCommand);
