/**
 * Programs under Pulumi's real engine: inline, with a local state of their own, and the plugin found as in Pulumi.yaml.
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { LocalWorkspace, type ProjectSettings, type PulumiFn, type Stack } from "@pulumi/pulumi/automation";

const root = path.resolve(__dirname, "../../..");

/** Why programs cannot be run here; undefined where they can. */
export function whyNoEngine(): string | undefined {
    try {
        execFileSync("pulumi", ["version"], {
            stdio: "pipe",
            env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
        });
        return undefined;
    } catch {
        return "no pulumi CLI on PATH";
    }
}

export interface TestStack {
    stack: Stack;
    /** The state as it lies on the disk, all of it. */
    stateText(): string;
    /** The folder that the CLI runs in. */
    folder: string;
    environment: Record<string, string>;
    remove(): Promise<void>;
}

/** `program` may be changed between operations by `stack.workspace.program`. */
export async function testStack(program: PulumiFn, environment: Record<string, string>): Promise<TestStack> {
    // The SDK is compiled where it is loaded from.
    (require("../../../build/compile.cjs") as { compiled(source: string): string }).compiled("sdks/authentik/index.ts");
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "authentik-provider-"));
    const envVars = {
        PULUMI_BACKEND_URL: `file://${folder}`,
        PULUMI_CONFIG_PASSPHRASE: "test",
        PULUMI_HOME: path.join(folder, "home"),
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        ...environment,
    };
    const stack = await LocalWorkspace.createOrSelectStack(
        { stackName: "test", projectName: "authentik-provider-test", program },
        {
            workDir: folder,
            envVars,
            // The Automation API's types do not know `plugins`; the CLI does.
            projectSettings: {
                name: "authentik-provider-test",
                runtime: "nodejs",
                plugins: { providers: [{ name: "authentik", path: path.join(root, "providers/authentik") }] },
            } as ProjectSettings,
        },
    );
    return {
        stack,
        folder,
        environment: envVars,
        stateText: () =>
            filesIn(path.join(folder, ".pulumi"))
                .map((file) => fs.readFileSync(file, "utf8"))
                .join("\n"),
        remove: async () => {
            await stack.destroy().catch(() => {});
            fs.rmSync(folder, { recursive: true, force: true });
        },
    };
}

function filesIn(folder: string): string[] {
    return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const file = path.join(folder, entry.name);
        return entry.isDirectory() ? filesIn(file) : [file];
    });
}
