/** The stacks that the program's is compared with: one that declares nothing, and one whose providers do nothing. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LocalWorkspace } from "@pulumi/pulumi/automation";
import type { Toolchain } from "../bootstrap/toolchain.cjs";
import type { ScratchStack } from "../site/scratchStack";
import { STACK } from "../site/scratchStack";
import type { MeasuredStack } from "./preview";
import { operate } from "./preview";

/** A stack that declares nothing, in the backend of the demo stack. */
export async function createEmptyStack(
    root: string,
    siteFolder: string,
    environment: NodeJS.ProcessEnv,
    toolchain: Toolchain,
): Promise<MeasuredStack> {
    return create("empty", root, siteFolder, environment, toolchain);
}

/**
 * A stack of the program's shape: the same packages, as many resources, components and look-ups, and providers that do
 * nothing. Those of random and command are the real ones, where they are.
 */
export async function createFloorStack(
    root: string,
    siteFolder: string,
    environment: NodeJS.ProcessEnv,
    toolchain: Toolchain,
): Promise<MeasuredStack> {
    const provider = (name: string) => ({ name, path: join(root, "testbed", "floorProvider", name) });
    const { random, command } = toolchain.plugins;
    return create("floor", root, siteFolder, environment, toolchain, [
        provider("authentik"),
        provider("zot"),
        { name: "random", path: random.folder },
        command.kind === "stand-in" ? provider("command") : { name: "command", path: command.folder },
    ]);
}

async function create(
    name: "empty" | "floor",
    root: string,
    siteFolder: string,
    environment: NodeJS.ProcessEnv,
    toolchain: Toolchain,
    providers: { name: string; path: string }[] = [],
): Promise<MeasuredStack> {
    const folder = join(siteFolder, name);
    const main = join(root, "dist", "testbed", `${name}Program`, "main.js");
    mkdirSync(folder);
    writeFileSync(
        join(folder, "Pulumi.yaml"),
        JSON.stringify({
            name,
            main,
            runtime: { name: "nodejs", options: { typescript: false } },
            plugins: { providers },
        }),
    );
    await LocalWorkspace.createStack(
        { stackName: STACK, projectName: name, program: async () => ({ stack: STACK }) },
        { workDir: folder, envVars: environment as Record<string, string> },
    );
    const stack = { folder, project: name, stack: STACK, program: main, environment };
    await operate(toolchain, root, stack, "up");
    return stack;
}

/** The demo's stack, to be measured. */
export async function demoStack(
    root: string,
    scratch: ScratchStack,
    environment: NodeJS.ProcessEnv,
): Promise<MeasuredStack> {
    return {
        folder: scratch.folder,
        project: (await scratch.stack.workspace.projectSettings()).name,
        stack: STACK,
        program: join(root, "build", "program.cjs"),
        environment,
    };
}
