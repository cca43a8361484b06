/**
 * Injects faults, one at a time, into a deployment over SSH on a host of its own, and checks what must be true then.
 */
import { RegistryClient } from "../../clients/zot/registry";
import { afterwards, filesOf, leftOver } from "./aftermath";
import { type Deployed, FaultHost, type FaultHostOptions } from "./host";
import type { Fault, Injection } from "./injection";
import { breaches } from "./model";
import type { Ran } from "./overSsh";
import type { Waiting } from "./steps";
import { type History, type Known, NONE, OPEN, READ_ONLY, Watch } from "./watch";

export type { Fault, Injection } from "./injection";

export interface Outcome {
    injection: Injection;
    /**
     * Whether the fault has happened; it has not if the deployment took fewer steps than the one that counted them.
     */
    injected: boolean;
    /** The step's name, if one was reached. */
    step?: string;
    survived: boolean;
    problems: string[];
    ran?: Ran;
    longestGapMs: number;
    seconds: number;
}

const REPOSITORY = "faults/image";
const NOBODY = 65534;
/** Within this time of a start that fails, in milliseconds, the former config serves again. */
const AGAIN_WITHIN_MS = 1500;

/** Runs injections on one host, one after the other. */
export class Injector {
    /** The config that is in force between injections. */
    private current: Deployed;
    private others: Deployed[];

    private constructor(
        readonly host: FaultHost,
        private readonly deployed: Deployed[],
        private readonly open: string,
    ) {
        this.current = deployed[0]!;
        this.others = deployed.slice(1);
    }

    /** If root runs this, zot runs as another user, as on most hosts. */
    static async start(options: FaultHostOptions = {}): Promise<Injector> {
        const host = await FaultHost.start({ steps: true, diskKilobytes: 8192, zotUser: NOBODY, ...options });
        try {
            const deployed = [
                host.declare("a"),
                host.declare("b", { zot: { garbageCollectionDelay: "2h", metrics: "anonymous" } }),
                host.declare("c", { zot: { garbageCollectionDelay: "3h" } }),
            ];
            const injector = new Injector(host, deployed, host.openConfig());
            await injector.begin("open");
            const status = await new RegistryClient(host.url).push(REPOSITORY, "v1", "an image");
            if (status !== 201) throw new Error(`The image that is pulled could not be pushed: ${status}.`);
            const first = await host.deploy(injector.current);
            if (first.exitCode !== 0) throw new Error(`The first deployment failed: ${first.errors}`);
            return injector;
        } catch (error) {
            await host.stop();
            throw error;
        }
    }

    stop(): Promise<void> {
        return this.host.stop();
    }

    /** The names of the steps of a deployment without a fault. */
    async steps(
        from: NonNullable<Injection["from"]> = "hardened",
        verb: "deploy" | "withdraw" = "deploy",
    ): Promise<string[]> {
        await this.begin(from);
        const next = this.others[0]!;
        this.host.steps!.begin();
        const ran = await this.host.deploy(next, verb);
        this.host.steps!.end();
        if (ran.exitCode !== 0) throw new Error(`A deployment without a fault failed: ${ran.errors}`);
        this.hasCome(next);
        if (verb === "withdraw") await this.host.deploy(next);
        return this.host.steps!.names();
    }

    /** One deployment without a fault, and the longest gap between two pulls. */
    async goodDeployment(): Promise<{ longestGapMs: number; ran: Ran }> {
        const next = this.others[0]!;
        const watch = new Watch(this.host, this.known(), this.imagePath(), { look: false });
        await pause(100);
        const ran = await this.host.deploy(next);
        await pause(100);
        const history = await watch.end();
        if (ran.exitCode === 0) this.hasCome(next);
        return { longestGapMs: history.pulls.longestGapMs, ran };
    }

    /**
     * The longest gap of a good deployment on this machine, the measure for a rollback; without it, none is measured.
     */
    goodGapMs: number | undefined;

    async run(injection: Injection): Promise<Outcome> {
        const began = performance.now();
        const problems: string[] = [];
        const { host } = this;
        const from = injection.from ?? "hardened";
        const verb = injection.verb ?? "deploy";
        const number = await this.numberOf(injection, from, verb);
        await this.begin(from);
        const old = from === "hardened" ? this.current.name : from === "open" ? OPEN : NONE;
        const next = this.others[0]!;
        const third = this.others[1]!;
        const fault = injection.fault;
        const target = verb === "deploy" ? next.name : READ_ONLY;
        const former = from === "hardened" ? filesOf(host, this.current) : [];
        const watch = new Watch(host, this.known(), this.imagePath());
        let step: string | undefined;
        let ran: Ran | undefined;
        let second: Promise<Ran> | undefined;
        let history: History | undefined;
        try {
            const push = await this.prepared(injection, number, next);
            if (number !== undefined) ({ step, second } = await this.inject(fault, push, third));
            ran = await push.ended;
            await second;
            await host.scriptsEnded();
            // A failed first deployment leaves nothing.
            await watch.settled(from === "nothing" ? 500 : 10_000);
        } finally {
            await this.repair();
            history = await watch.end();
        }

        const settled = await this.inspect(from === "nothing" ? 500 : 10_000);
        const readOnly = fault.kind === "issuer";
        problems.push(
            ...breaches(history, {
                old,
                deployed: fault.kind === "second deployment" ? [target, third.name] : [target],
                readOnly,
            }),
        );
        const happened =
            number !== undefined && step === undefined ? { ...injection, fault: { kind: "none" } as const } : injection;
        problems.push(...afterwards(happened, ran, await second, settled, { old, target, third: third.name }));
        if (settled.disk === old && from === "hardened") problems.push(...this.changed(former));
        if (fault.kind === "serve" && fault.fault === "dies") problems.push(...this.slowRollback(history, from));

        // Whatever was left behind, the next deployment succeeds: the same one, or another.
        const recovery = injection.step !== undefined && injection.step % 2 === 1 ? third : next;
        problems.push(...(await this.recovers(recovery)));
        return {
            injection,
            injected: number === undefined || step !== undefined,
            step,
            survived: problems.length === 0,
            problems,
            ran,
            longestGapMs: Math.round(history.pulls.longestGapMs),
            seconds: Math.round((performance.now() - began) / 100) / 10,
        };
    }

    // --- an injection ---------------------------------------------------------------------------------------------

    /** The number of the step of an injection; undefined if it has none. */
    private async numberOf(
        { step, fault }: Injection,
        from: NonNullable<Injection["from"]>,
        verb: "deploy" | "withdraw",
    ): Promise<number | undefined> {
        return step ?? (fault.kind === "tool fails" ? this.stepOf(fault.step, from, verb) : undefined);
    }

    /** Which files of the former config have changed. */
    private changed(former: readonly string[]): string[] {
        const now = filesOf(this.host, this.current);
        return former
            .filter((file, index) => file !== now[index])
            .map((file) => `a file of the former config is not as it was: ${file}`);
    }

    /** The number of the first step with this name, found by a separate deployment. */
    private async stepOf(
        name: RegExp,
        from: NonNullable<Injection["from"]>,
        verb: "deploy" | "withdraw",
    ): Promise<number> {
        const number = (await this.steps(from, verb)).findIndex((step) => name.test(step)) + 1;
        if (number === 0) throw new Error(`No step is ${name}.`);
        return number;
    }

    private async begin(from: NonNullable<Injection["from"]>): Promise<void> {
        if (from === "hardened") return;
        this.host.reset(from === "open" ? this.open : undefined);
        if (from === "open") await this.host.ready();
    }

    /** Begins the deployment, with all faults that are there from the beginning. */
    private async prepared(
        { fault, verb }: Injection,
        step: number | undefined,
        next: Deployed,
    ): Promise<{ ended: Promise<Ran> }> {
        const { host } = this;
        if (step === undefined) {
            if (fault.kind === "issuer") await host.issuer.become(fault.becomes);
            if (fault.kind === "restart") await host.service.restartFault(fault.fault);
            if (fault.kind === "serve") {
                // Without a login the read-only config of a destroy names no file of secrets.
                const where =
                    verb === "withdraw" ? { lacks: this.current.files[0]!.path } : { holds: next.files[0]!.path };
                host.service.serveFault({ how: fault.fault, where });
            }
            if (fault.kind === "disk full") this.fill();
            if (fault.kind === "disk read-only") host.setReadOnly(true);
        }
        host.steps!.begin(step);
        const ended = host.deploy(next, verb);
        if (fault.kind === "restart" && fault.fault === "port taken") void host.service.takePort(ended);
        return { ended };
    }

    /** Waits for the step, and injects the fault there. */
    private async inject(
        fault: Fault,
        push: { ended: Promise<Ran> },
        third: Deployed,
    ): Promise<{ step?: string; second?: Promise<Ran> }> {
        const { host } = this;
        const steps = host.steps!;
        const waiting = await steps.reached(push.ended);
        // One step less than counted: the deployment has ended without it.
        if (!waiting) return {};
        const { step } = waiting;
        switch (fault.kind) {
            case "connection cut":
                host.ssh.dropConnections();
                steps.answer("go on");
                break;
            case "script killed":
                this.kill(waiting);
                break;
            case "script stopped":
                for (const pid of host.scripts()) signal(pid, "SIGTERM");
                steps.answer("go on");
                break;
            case "disk full":
                if (host.hasDisk) {
                    this.fill();
                    steps.answer("go on");
                } else {
                    steps.answer({ fail: "No space left on device" });
                }
                break;
            case "disk read-only":
                if (host.hasDisk) {
                    host.setReadOnly(true);
                    steps.answer("go on");
                } else {
                    steps.answer({ fail: "Read-only file system" });
                }
                break;
            case "machine stops":
                this.kill(waiting);
                host.service.stop("kill");
                host.ssh.dropConnections();
                await push.ended;
                host.service.start();
                break;
            case "issuer":
                await host.issuer.become(fault.becomes);
                steps.answer("go on");
                break;
            case "second deployment": {
                const second = host.deploy(third);
                await pause(300);
                steps.answer("go on");
                return { step, second };
            }
            case "tool fails":
                steps.answer({ fail: fault.message });
                break;
            default:
                steps.answer("go on");
        }
        return { step };
    }

    /** Kills the script and the tool that waits, so that the step is never taken. */
    private kill(waiting: Waiting): void {
        this.host.steps!.end();
        for (const pid of this.host.scripts()) signal(pid, "SIGKILL");
        signal(waiting.tool, "SIGKILL");
    }

    private fill(): void {
        if (this.host.hasDisk) this.host.fillDisk();
    }

    /** The fault is over. */
    private async repair(): Promise<void> {
        const { host } = this;
        host.steps!.end();
        await host.issuer.become("ours");
        await host.service.restartFault(undefined);
        host.service.serveFault(undefined);
        if (host.hasDisk) {
            host.setReadOnly(false);
            host.emptyDisk();
        }
    }

    // --- afterwards -----------------------------------------------------------------------------------------------

    private async inspect(milliseconds = 10_000): Promise<{ served: string; disk: string }> {
        const watch = new Watch(this.host, this.known(), this.imagePath());
        try {
            return { served: await watch.settled(milliseconds), disk: watch.onDisk() };
        } finally {
            await watch.end();
        }
    }

    /**
     * How long after a failed start the former config served again; a slow machine is judged by its own measure.
     */
    private slowRollback(history: History, from: string): string[] {
        const died = this.host.service.diedAt();
        if (died === undefined) return ["no zot has died, so that nothing was tried"];
        if (from === "nothing" || this.goodGapMs === undefined) return [];
        const again = history.goodPulls.find((at) => at > died);
        const limit = Math.max(AGAIN_WITHIN_MS, 5 * this.goodGapMs);
        if (again !== undefined && again - died <= limit) return [];
        return [
            "the former config served again " +
                `${again === undefined ? "never" : `${Math.round(again - died)} ms after`} the start that ` +
                `failed, and should within ${limit} ms`,
        ];
    }

    /** A deployment without a fault succeeds, twice, and leaves nothing of the earlier state. */
    private async recovers(next: Deployed): Promise<string[]> {
        const { host } = this;
        const problems: string[] = [];
        const ran = await host.deploy(next);
        if (ran.exitCode !== 0) problems.push(`the next deployment failed: ${ran.errors.trim()}`);
        const { served, disk } = await this.inspect();
        if (served !== next.name || disk !== next.name)
            problems.push(`after the next deployment ${served} served and ${disk} was on the disk`);
        problems.push(...leftOver(host, next));
        this.hasCome(next);
        return problems;
    }

    private hasCome(deployed: Deployed): void {
        this.current = deployed;
        const index = this.deployed.indexOf(deployed);
        this.others = [this.deployed[(index + 1) % 3]!, this.deployed[(index + 2) % 3]!];
    }

    private known(): Known[] {
        return [
            ...this.deployed,
            { name: READ_ONLY, config: this.deployed[0]!.readOnly },
            ...this.deployed.map((deployed) => ({ name: READ_ONLY, config: deployed.readOnly })),
            { name: OPEN, config: this.open },
        ];
    }

    private imagePath(): string {
        return `/v2/${REPOSITORY}/manifests/v1`;
    }
}

function signal(pid: number, name: NodeJS.Signals): void {
    try {
        process.kill(pid, name);
    } catch {
        // It has ended.
    }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
