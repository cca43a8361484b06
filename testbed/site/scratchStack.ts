/**
 * The demo stack of a site, in a scratch copy with a local file backend, so that the checkout stays clean. The program
 * runs inline through the Automation API, which needs no language host.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LocalWorkspace, type PulumiFn, type Stack } from "@pulumi/pulumi/automation";
import { parse, stringify } from "yaml";
import { onInterrupt, Steps } from "../../cli/shared/interrupt";
import { readToolchain, type Toolchain, toolchainEnvironment } from "../bootstrap/toolchain.cjs";
import { type Site, startSite } from "./index";

export const STACK = "demo";

export interface ScratchStack {
    stack: Stack;
    /** Holds Pulumi.yaml and Pulumi.demo.yaml. */
    folder: string;
    /** The state, in which tests look for what must not be there. */
    stateFolder: string;
    toolchain: Toolchain;
    /** For commands run by hand in `folder`. */
    environment: Record<string, string>;
    /** Writes settings over those of the stack: groups, as in the stack's file. */
    changeSettings(groups: Record<string, Record<string, unknown>>): void;
    /** Runs the CLI in the scratch copy. */
    pulumi(args: string[], input?: string): Promise<{ stdout: string; stderr: string; code: number }>;
    remove(): void;
}

/** Makes the scratch copy for a site and sets its secrets, which travel on standard input only. */
export async function createScratchStack(
    site: Pick<Site, "folder" | "settings" | "secrets"> & { authentik: { url: string } },
    projectRoot: string,
    program: PulumiFn,
): Promise<ScratchStack> {
    const toolchain = readToolchain();
    const folder = join(site.folder, "project");
    const stateFolder = join(site.folder, "state");
    for (const needed of [folder, stateFolder, join(site.folder, "pulumi-home")])
        mkdirSync(needed, { recursive: true });

    const project = parse(readFileSync(join(projectRoot, "Pulumi.yaml"), "utf8")) as Record<string, unknown> & {
        plugins: { providers: { name: string; path: string }[] };
    };
    project.main = join(projectRoot, project.main as string);
    project.plugins.providers = [
        ...project.plugins.providers.map(({ name, path }) => ({ name, path: join(projectRoot, path) })),
        ...Object.values(toolchain.plugins).map((plugin) => ({ name: plugin.name, path: plugin.folder })),
    ];
    writeFileSync(join(folder, "Pulumi.yaml"), stringify(project));
    const stackFile = join(folder, `Pulumi.${STACK}.yaml`);
    const declared = parse(readFileSync(join(projectRoot, `Pulumi.${STACK}.yaml`), "utf8")) as {
        config: Record<string, unknown>;
    };
    declared.config["authentik:url"] = site.authentik.url;
    writeFileSync(stackFile, stringify(declared));

    const environment: Record<string, string> = {
        PULUMI_CONFIG_PASSPHRASE: randomBytes(20).toString("hex"),
        PULUMI_BACKEND_URL: `file://${stateFolder}`,
        PULUMI_HOME: join(site.folder, "pulumi-home"),
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        NO_COLOR: "1",
    };
    const changeSettings = (groups: Record<string, Record<string, unknown>>) => {
        const current = parse(readFileSync(stackFile, "utf8")) as { config: Record<string, Record<string, unknown>> };
        for (const [group, members] of Object.entries(groups)) {
            const key = `${String(project.name)}:${group}`;
            current.config[key] = { ...current.config[key], ...members };
        }
        writeFileSync(stackFile, stringify(current));
    };
    changeSettings(site.settings);

    const pulumi = (args: string[], input?: string) =>
        new Promise<{ stdout: string; stderr: string; code: number }>((resolve) => {
            const child = execFile(
                toolchain.pulumi.path,
                args,
                {
                    cwd: folder,
                    env: { ...toolchainEnvironment(toolchain), ...environment },
                    maxBuffer: 64 * 1024 * 1024,
                },
                (error, stdout, stderr) => resolve({ stdout, stderr, code: error ? Number(error.code ?? 1) : 0 }),
            );
            child.stdin?.end(input ?? "");
        });

    const stack = await LocalWorkspace.createOrSelectStack(
        { stackName: STACK, projectName: String(project.name), program },
        { workDir: folder, envVars: environment },
    );
    for (const [name, value] of Object.entries(site.secrets)) {
        const set = await pulumi(
            ["config", "set", "--stack", STACK, "--secret", ...(name.includes(":") ? [] : ["--path"]), name],
            value,
        );
        if (set.code !== 0) throw new Error(`The secret ${name} could not be set: ${set.stderr}`);
    }
    return {
        stack,
        folder,
        stateFolder,
        toolchain,
        environment,
        changeSettings,
        pulumi,
        remove: () => rmSync(folder, { recursive: true, force: true }),
    };
}

/** What a command does with a site and a stack that it made for itself. */
export interface OnSite {
    site: Site;
    scratch: ScratchStack;
    /** Runs a step, which an interruption waits for. */
    step<T>(work: () => Promise<T>): Promise<T>;
    /** `pulumi up`; what it declared is removed together with the site. */
    up(): Promise<void>;
}

/** Starts a site, makes a stack for it, and takes both down when the work has ended, failed, or was interrupted. */
export async function onScratchSite(
    checkout: string,
    program: PulumiFn,
    work: (on: OnSite) => Promise<void>,
): Promise<void> {
    const steps = new Steps();
    const step: OnSite["step"] = (what) => steps.run(what);
    const made = takenDown(steps);
    try {
        const started = await step(async () => (made.site = await startSite()));
        const scratch = await step(() => createScratchStack(started, checkout, program));
        const up = async () => {
            made.stack = scratch.stack;
            await step(() => scratch.stack.up({ color: "never" }));
        };
        await work({ site: started, scratch, step, up });
    } finally {
        await made.end();
    }
}

/** What is taken down at the end, or by an interruption once the step that is under way has ended. */
export interface Made {
    site?: Site | undefined;
    /** Where something of it is declared. */
    stack?: Stack | undefined;
    end(): Promise<void>;
}

export function takenDown(steps: Steps): Made {
    const stop = async () => {
        const { site, stack } = made;
        Object.assign(made, { site: undefined, stack: undefined });
        await takeDown(site, stack);
    };
    const interrupts = onInterrupt(async () => {
        process.stderr.write("\nStopping, once what is under way has ended …\n");
        await steps.interrupt();
        await stop();
    });
    const made: Made = {
        async end() {
            await stop();
            interrupts.forget();
        },
    };
    return made;
}

/** Stops a site, even a half-started one. First removes what was declared in a real Authentik, even if that fails. */
export async function takeDown(site: Site | undefined, stack: Stack | undefined): Promise<void> {
    if (site?.parts.some((part) => part.name === "Authentik" && part.kind === "real"))
        await stack?.destroy({ color: "never" }).catch(() => undefined);
    await site?.stop();
}
