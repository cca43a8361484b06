/** What an operator does each day, beside what it would cost otherwise. */
import { join } from "node:path";
import { readMachine } from "../bootstrap/toolchain.cjs";
import type { Site } from "../site";
import type { ScratchStack } from "../site/scratchStack";
import { ansibleVersion, startAnsibleSite } from "./ansible";
import { type Comparison, compared, inTurn } from "./comparison";
import { startPlainScript } from "./plainScript";
import { finish, type MeasuredStack, operate } from "./preview";

export interface Measured {
    root: string;
    site: Site;
    scratch: ScratchStack;
    demo: MeasuredStack;
    runs: number;
    say: (text: string) => void;
}

/** Changes the rights of CI in the stack's file, to others than before each time. */
export function rightChanger({ scratch }: Pick<Measured, "scratch">): () => void {
    let right = 0;
    return () => scratch.changeSettings({ access: { ciRepositories: [`team-${++right}/**`] } });
}

/**
 * Updates that change nothing, that change a right, and first ones; beside the floor, beside a plain script over SSH,
 * and beside a playbook of Ansible's if there is one. What an update takes counts, without the preview that a person
 * sees before it.
 *
 * @returns also how many SSH connections each took
 */
export async function measureUpdates(
    measured: Measured & { floor: MeasuredStack },
): Promise<{ comparisons: Comparison[]; connections: Record<string, number>; ansible: string | undefined }> {
    const { root, site, scratch, demo, floor, runs, say } = measured;
    const { toolchain } = scratch;
    const connections: Record<string, number> = {};
    const counted = (name: string, work: () => Promise<number>) => async () => {
        const before = site.ssh.connections();
        const seconds = await work();
        connections[name] = site.ssh.connections() - before;
        return seconds;
    };
    const changeRight = rightChanger(measured);
    const up = () => operate(toolchain, root, demo, "up");
    const others = await startOthers(site);
    const otherWork = Object.entries(others.work).map(([name, work]) => [name, counted(name, work)]);
    try {
        const results = await inTurn(
            runs,
            {
                "up, no change": counted("up, no change", up),
                "floor, no change": () => operate(toolchain, root, floor, "up"),
                "up, a right": counted("up, a right", async () => {
                    changeRight();
                    return up();
                }),
                ...(Object.fromEntries(otherWork) as Work),
                "first up": async () => {
                    await operate(toolchain, root, demo, "destroy");
                    return counted("first up", up)();
                },
                "first up of the floor": async () => {
                    await operate(toolchain, root, floor, "destroy");
                    return operate(toolchain, root, floor, "up");
                },
            } as Work,
            say,
        );
        return { comparisons: updatesCompared(results), connections, ansible: others.ansible };
    } finally {
        others.stop();
    }
}

type Work = Record<string, () => Promise<number>>;

/** What keeps a config without the program: a plain script, and Ansible where it is. */
async function startOthers(site: Site): Promise<{ work: Work; ansible: string | undefined; stop(): void }> {
    const zot = readMachine().zot.path;
    const plain = await startPlainScript(site, zot);
    const version = ansibleVersion();
    const ansible = version === undefined ? undefined : await startAnsibleSite(site, zot, version);
    const play = (name: string, pipelining: boolean, changesRight = false): Work =>
        ansible === undefined ? {} : { [name]: () => ansible.play({ pipelining, changesRight }) };
    const first = (name: string, pipelining: boolean): Work => {
        if (ansible === undefined) return {};
        const wiped = () => {
            ansible.reset();
            return ansible.play({ pipelining, changesRight: false });
        };
        return { [name]: wiped };
    };
    return {
        work: {
            "script, no change": () => plain.apply({ changesRight: false }),
            "script, a right": () => plain.apply({ changesRight: true }),
            "script, first": () => {
                plain.reset();
                return plain.apply({ changesRight: false });
            },
            ...play("Ansible, no change", true),
            ...play("Ansible without pipelining, no change", false),
            ...play("Ansible, a right", true, true),
            ...play("Ansible without pipelining, a right", false, true),
            ...first("Ansible, first", true),
            ...first("Ansible without pipelining, first", false),
        },
        ansible: version,
        stop() {
            plain.stop();
            ansible?.stop();
        },
    };
}

function updatesCompared(results: Record<string, number[]>): Comparison[] {
    const beside = (name: string, theirs: string, other: string, aim?: number): Comparison[] =>
        results[theirs] === undefined
            ? []
            : [compared(name, other, { ours: results[name]!, other: results[theirs] }, { aim })];
    return [
        ...beside("up, no change", "floor, no change", "the floor's"),
        ...beside("up, no change", "script, no change", "a plain script"),
        ...beside("up, no change", "Ansible, no change", "Ansible, pipelined", 0.4),
        ...beside("up, no change", "Ansible without pipelining, no change", "Ansible"),
        ...beside("up, a right", "script, a right", "a plain script"),
        ...beside("up, a right", "Ansible, a right", "Ansible, pipelined", 0.5),
        ...beside("up, a right", "Ansible without pipelining, a right", "Ansible"),
        ...beside("first up", "first up of the floor", "the floor's"),
        ...beside("first up", "script, first", "a plain script"),
        ...beside("first up", "Ansible, first", "Ansible, pipelined"),
        ...beside("first up", "Ansible without pipelining, first", "Ansible"),
    ];
}

/** Commands that a person types, beside the start of Node and a command of git's. */
export async function measureCommands({ root, demo, scratch, runs, say }: Measured): Promise<Comparison[]> {
    const node = scratch.toolchain.node.path;
    const ours =
        (cwd: string, command: string, ...args: string[]) =>
        async () => {
            const ended = await finish(node, [join(root, "build", "run.cjs"), `cli/${command}.ts`, ...args], {
                cwd,
                env: demo.environment,
            });
            return ended.seconds;
        };
    const other = (file: string, ...args: string[]) => {
        return async () => (await finish(file, args, { cwd: root, env: demo.environment })).seconds;
    };
    const results = await inTurn(
        runs,
        {
            node: other(node, "-e", "0"),
            git: other("git", "status", "--short"),
            matrix: ours(root, "matrix", "--stack", "prod"),
            config: ours(root, "config", "--stack", "prod"),
            review: ours(root, "review", "--base", "HEAD"),
            "verify --read-only": ours(demo.folder, "verify", "--stack", demo.stack, "--read-only"),
            verify: ours(demo.folder, "verify", "--stack", demo.stack),
        },
        say,
    );
    const beside = (name: Exclude<keyof typeof results, "node" | "git">, aim?: number) => [
        compared(name, "node -e 0", { ours: results[name], other: results.node }, { aim }),
        compared(name, "git status", { ours: results[name], other: results.git }),
    ];
    return [
        ...beside("matrix", 3),
        ...beside("config", 3),
        ...beside("review"),
        ...beside("verify --read-only"),
        ...beside("verify"),
    ];
}
