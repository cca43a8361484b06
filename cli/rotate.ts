/** npm run rotate: replaces a secret now, with everything that depends on it, and hands it over. */
import { readFileSync } from "node:fs";
import { Option } from "commander";
import { UserError } from "../clients/userError";
import { stackFile } from "../components/settings/fromStackFile";
import { keyRotation, leakedKey, ROTATIONS, type Rotatable, type Rotation } from "./rotate/secrets";
import { command, EXIT, run, remark as say } from "./shared/command";
import { updateVariables } from "./shared/environment";
import { onInterrupt, Steps } from "./shared/interrupt";
import { pulumi } from "./shared/pulumi";
import { projectFolder, stackByOption, withStackOption } from "./shared/stack";
import { runOnTerminal } from "./shared/started";
import { writeWhole } from "./shared/wholeFile";
import { entryOf, secretsOf, stackWorkloads } from "./shared/workloads";

interface Options {
    secret: Rotatable;
    leaked?: boolean;
    yes?: boolean;
    handOver: boolean;
    workload?: string;
}

class Rotating {
    /** The stack's file before, and during an update. */
    private changed: { before: string; meanwhile: string } | undefined;

    constructor(
        private readonly folder: string,
        private readonly stack: string,
        private readonly steps: Steps,
        /** One of `ci.workloads`, which owns the key. */
        private readonly workload: string | undefined,
    ) {}

    /** Sets settings in the stack's file with the CLI, which keeps its comments. */
    async set(settings: Readonly<Record<string, string>>): Promise<void> {
        for (const [place, value] of Object.entries(settings)) {
            await this.steps.run(() =>
                pulumi(["config", "set", "--stack", this.stack, "--path", place, value], `set ${place}`, {
                    folder: this.folder,
                }),
            );
        }
    }

    /** Sets them until {@link restore}. */
    async setForAWhile(settings: Readonly<Record<string, string>>): Promise<void> {
        const before = this.text();
        this.changed = { before, meanwhile: before };
        await this.set(settings);
        this.changed.meanwhile = this.text();
    }

    /** Restores the stack's file exactly, unless somebody else has changed it meanwhile. */
    restore(): void {
        if (!this.changed) return;
        const { before, meanwhile } = this.changed;
        this.changed = undefined;
        const file = stackFile(this.folder, this.stack);
        const now = this.text();
        if (now === before) return;
        if (now !== meanwhile)
            throw new UserError(
                `${file} was changed while the update ran, and is left as it is: ` +
                    `remove ${this.workload ? `ci.workloads.${this.workload}` : "ci"}.keyRotateAfter from it, ` +
                    "or set it to what it was.",
            );
        writeWhole(file, before);
    }

    private text(): string {
        return readFileSync(stackFile(this.folder, this.stack), "utf8");
    }

    /** `pulumi up`, as if typed here. @throws UserError if it ends with another code than 0 */
    async update(args: readonly string[]): Promise<void> {
        const all = ["up", "--stack", this.stack, ...args];
        say(`\n== pulumi ${all.map((arg) => (arg.includes("*") ? `'${arg}'` : arg)).join(" ")}`);
        const code = await this.steps.run(() =>
            runOnTerminal("pulumi", all, {
                folder: this.folder,
                // Looks at several machines in parallel.
                env: { PULUMI_PARALLEL_DIFF: "true", ...updateVariables(), PULUMI_SKIP_UPDATE_CHECK: "true" },
                asks: true,
            }),
        );
        if (code !== 0) throw new UserError(`pulumi up ended with ${code}; its output above says why.`);
    }

    /** `npm run ci-secrets`, as if typed here. */
    async handOver(dryRun: boolean): Promise<void> {
        const which = ["--stack", this.stack, ...(this.workload ? ["--workload", this.workload] : [])];
        const args = [...which, ...(dryRun ? ["--dry-run"] : [])];
        say(`\n== npm run ci-secrets -- ${args.join(" ")}`);
        const code = await this.steps.run(() =>
            runOnTerminal("npm", ["run", "--silent", "ci-secrets", "--", ...args], {
                folder: this.folder,
                env: process.env,
                asks: true,
            }),
        );
        if (code === 0) return;
        throw new UserError(
            dryRun
                ? "The new key could not be handed over afterwards, so nothing was rotated. " +
                      "Correct what is reported above, or hand the key over yourself (--no-hand-over)."
                : "The new key is in the stack's outputs, but not in CI's store of secrets: " +
                      `npm run ci-secrets -- ${which.join(" ")}`,
        );
    }
}

async function rotate(stack: string, options: Options): Promise<void> {
    const folder = projectFolder();
    const workloads = stackWorkloads(folder, stack);
    const entry = entryOf(workloads, options.workload);
    const workload = entry && options.workload;
    const leaked = options.leaked ? leakedKey((entry ?? workloads.ci).keyGeneration, workload) : undefined;
    const isKey = options.secret === "ci-key";
    const rotation: Rotation = leaked ?? (isKey ? keyRotation(workload) : ROTATIONS[options.secret]);
    const handsOver = isKey && options.handOver && Boolean(secretsOf(workloads, workload).store);
    const steps = new Steps();
    const rotating = new Rotating(folder, stack, steps, workload);
    const interruption = onInterrupt(async () => {
        // Pulumi has received the signal too, and ends the update in an orderly way.
        await steps.interrupt();
        rotating.restore();
    });
    try {
        const which = rotation.which === undefined ? "" : `, ${rotation.which}`;
        say(`Rotating ${rotation.what} of the stack ${stack}${which}: ${rotation.effect}.`);
        // Finds obstacles to handing the key over before a key has ended.
        if (handsOver) await rotating.handOver(true);
        if (leaked) await rotating.set(leaked.kept);
        const [first = [], ...others] = rotation.updates.map((args) => [
            ...args,
            ...(options.yes || rotation.isAlone ? ["--yes"] : []),
        ]);
        try {
            if (Object.keys(rotation.during).length > 0) await rotating.setForAWhile(rotation.during);
            await rotating.update(first);
        } finally {
            rotating.restore();
        }
        for (const update of others) await rotating.update(update);
        if (handsOver) await rotating.handOver(false);
    } finally {
        interruption.forget();
    }
    say(`\nRotated: ${rotation.what}.`);
    if (leaked)
        say(
            `Commit Pulumi.${stack.split("/").at(-1)}.yaml, which has the new keyGeneration. ` +
                "Then look for tags that nobody built.",
        );
    if (isKey && !handsOver)
        say(
            `CI has it from: pulumi stack output ${workload ? "workloadApiKeys" : "ciApiKey"} --show-secrets ` +
                `--stack ${stack}`,
        );
}

const program = withStackOption(
    command(
        "npm run rotate --",
        "Replaces a secret now: CI's key (which rotates by itself in time), the client's secret, or the keys of browser " +
            "sessions. ci-secrets hands over CI's key if the stack has settings for it (ciSecrets).",
        "npm run rotate -- --stack prod",
    ),
)
    .addOption(
        new Option("--secret <which>", "what to replace")
            .choices(Object.keys(ROTATIONS))
            .default("ci-key" as Rotatable),
    )
    .option("--workload <name>", "replace the key of one of CI's further identities (ci.workloads)")
    .option("--leaked", "CI's key has leaked: every other key of CI's user ends at once (raises ci.keyGeneration)")
    .option("--no-hand-over", "do not hand CI's key over")
    .option("-y, --yes", "apply everything that is pending in the stack without asking, if the whole stack is updated")
    .action(async (options: Options) => {
        if (options.workload && options.secret !== "ci-key")
            program.error("--workload only applies to a key of CI.", { exitCode: EXIT.usage });
        if (options.leaked && options.secret !== "ci-key")
            program.error(
                "--leaked only applies to CI's key. For another leaked secret, rotating it is enough: " +
                    `npm run rotate -- --secret ${options.secret}`,
                { exitCode: EXIT.usage },
            );
        await rotate(stackByOption(program), options);
    });

void run(program);
