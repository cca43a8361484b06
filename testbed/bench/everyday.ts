/** What an operator does each day, beside what it would cost otherwise. */
import { join } from "node:path";
import { readMachine } from "../bootstrap/toolchain.cjs";
import type { Site } from "../site";
import type { ScratchStack } from "../site/scratchStack";
import { ansibleVersion, startAnsibleSite } from "./ansible";
import { type Comparison, compared, inTurn } from "./comparison";
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
 * Updates that change nothing, that change a right, and first ones; beside the floor, and beside a playbook of Ansible's
 * where there is one. What an update takes counts, without the preview that a person sees before it.
 *
 * @returns also how many SSH connections each took
 */
export async function measureUpdates(
    measured: Measured & { floor: MeasuredStack },
): Promise<{ comparisons: Comparison[]; connections: Record<string, number>; ansible: string | undefined }> {
    const { root, site, scratch, demo, floor, runs, say } = measured;
    const { toolchain } = scratch;
    const version = ansibleVersion();
    const ansible = version === undefined ? undefined : await startAnsibleSite(site, readMachine().zot.path, version);
    const changeRight = rightChanger(measured);
    const connections: Record<string, number> = {};
    const counted = (name: string, work: () => Promise<number>) => async () => {
        const before = site.ssh.connections();
        const seconds = await work();
        connections[name] = site.ssh.connections() - before;
        return seconds;
    };
    const up = () => operate(toolchain, root, demo, "up");
    const play = (name: string, options: { pipelining: boolean; changesRight: boolean }): Work =>
        ansible === undefined ? {} : { [name]: counted(name, () => ansible.play(options)) };
    try {
        const results = await inTurn(
            runs,
            {
                "up, no change": counted("up, no change", up),
                "floor, no change": () => operate(toolchain, root, floor, "up"),
                ...play("Ansible, no change", { pipelining: true, changesRight: false }),
                ...play("Ansible without pipelining, no change", { pipelining: false, changesRight: false }),
                "up, a right": counted("up, a right", async () => {
                    changeRight();
                    return up();
                }),
                ...play("Ansible, a right", { pipelining: true, changesRight: true }),
                "first up": async () => {
                    await operate(toolchain, root, demo, "destroy");
                    return counted("first up", up)();
                },
                "first up of the floor": async () => {
                    await operate(toolchain, root, floor, "destroy");
                    return operate(toolchain, root, floor, "up");
                },
            } as Record<string, () => Promise<number>>,
            say,
        );
        const beside = (name: string, theirs: string, other: string, aim?: number): Comparison[] =>
            results[theirs] === undefined
                ? []
                : [
                      compared(
                          name,
                          other,
                          { ours: results[name]!, other: results[theirs] },
                          aim === undefined ? {} : { aim },
                      ),
                  ];
        return {
            comparisons: [
                ...beside("up, no change", "floor, no change", "the floor's"),
                ...beside("up, no change", "Ansible, no change", "Ansible, pipelined", 0.4),
                ...beside("up, no change", "Ansible without pipelining, no change", "Ansible"),
                ...beside("up, a right", "Ansible, a right", "Ansible, pipelined", 0.5),
                ...beside("first up", "first up of the floor", "the floor's"),
            ],
            connections,
            ansible: version,
        };
    } finally {
        ansible?.stop();
    }
}

type Work = Record<string, () => Promise<number>>;

/** Commands that a person types, beside the start of Node and a command of git's. */
export async function measureCommands({ root, demo, scratch, runs, say }: Measured): Promise<Comparison[]> {
    const node = scratch.toolchain.node.path;
    const options = { cwd: demo.folder, env: demo.environment };
    const ours =
        (command: string, ...args: string[]) =>
        async () =>
            (
                await finish(node, [join(root, "build", "run.cjs"), `cli/${command}.ts`, ...args], {
                    ...options,
                    cwd: root,
                })
            ).seconds;
    const results = await inTurn(
        runs,
        {
            node: async () => (await finish(node, ["-e", "0"], options)).seconds,
            git: async () => (await finish("git", ["status", "--short"], { ...options, cwd: root })).seconds,
            matrix: ours("matrix", "--stack", "prod"),
            config: ours("config", "--stack", "prod"),
            review: ours("review", "--base", "HEAD"),
        },
        say,
    );
    const beside = (name: "matrix" | "config" | "review", aim?: number) => [
        compared(name, "node -e 0", { ours: results[name], other: results.node }, aim === undefined ? {} : { aim }),
        compared(name, "git status", { ours: results[name], other: results.git }),
    ];
    return [...beside("matrix", 3), ...beside("config", 3), ...beside("review")];
}
