/** Runs the contract cases: jest, once or twice, for its report. */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../clients/userError";
import { type BrokenFile, type JestReport, type Outcome, type Part, readReport } from "./compare";

/** It could not be carried out. */
export class NotCarriedOut extends UserError {}

export interface Ran {
    outcomes: Outcome[];
    broken: BrokenFile[];
}

/** Tests whose titles say on what they run. */
const MARKED = String.raw`\[(stand-in|real|both)\]`;

/** What no title holds. */
const NOTHING = "a^";

export class ContractRun {
    private child: ChildProcess | undefined;

    /**
     * @param root the checkout
     * @param env with ZOT, AUTHENTIK_URL and AUTHENTIK_TOKEN, PULUMI_COMMAND_PLUGIN if the real ones are given
     */
    constructor(
        private readonly root: string,
        private readonly env: NodeJS.ProcessEnv,
    ) {}

    /**
     * Every case of some parts on every subject there is, and those that failed once more: a machine that is short of
     * time is no difference.
     */
    async run(chosen: readonly Part[], say: (line: string) => void): Promise<Ran> {
        const first = await this.pass(chosen, MARKED);
        const failed = first.outcomes.filter(({ status }) => status === "failed");
        if (failed.length === 0 || failed.length > MOST_REPEATED) return first;
        say(`Asking again, on their own: ${failed.length} that failed.`);
        const again = await this.pass([...new Set(failed.map(({ part }) => part))], this.namesOf(failed));
        const isSame = (one: Outcome, other: Outcome) =>
            one.part === other.part && one.case === other.case && one.subject === other.subject;
        const outcomes = first.outcomes.map((outcome) => {
            const repeated =
                outcome.status === "failed"
                    ? again.outcomes.find((other) => isSame(other, outcome) && other.status !== "skipped")
                    : undefined;
            if (repeated?.status === "passed") say(`Passed when asked again: ${outcome.case} [${outcome.subject}]`);
            return repeated ?? outcome;
        });
        return { outcomes, broken: first.broken };
    }

    /** All cases, none of them run. */
    list(chosen: readonly Part[]): Promise<Ran> {
        return this.pass(chosen, NOTHING, true);
    }

    /** Ends the running cases and the servers that they have started: all are in jest's process group. */
    stop(): void {
        if (this.child?.pid === undefined) return;
        try {
            process.kill(-this.child.pid, "SIGTERM");
        } catch {
            // It has ended meanwhile.
        }
    }

    private async pass(chosen: readonly Part[], pattern: string, quiet = false): Promise<Ran> {
        const { AUTHENTIK_URL: url, AUTHENTIK_TOKEN: token, ...withoutAuthentik } = this.env;
        const runs = [await this.jest(chosen, pattern, withoutAuthentik, quiet)];
        // These cases run on one Authentik at a time.
        if (chosen.includes("authentik") && url && token)
            runs.push(await this.jest(["authentik"], pattern, this.env, quiet));
        return { outcomes: runs.flatMap(({ outcomes }) => outcomes), broken: runs.flatMap(({ broken }) => broken) };
    }

    private async jest(chosen: readonly Part[], pattern: string, env: NodeJS.ProcessEnv, quiet: boolean): Promise<Ran> {
        const jest = join(this.root, "node_modules", "jest", "bin", "jest.js");
        if (!existsSync(jest))
            throw new NotCarriedOut(`The cases are jest tests, and jest is not installed. In ${this.root} run: npm ci`);
        const folder = mkdtempSync(join(tmpdir(), "contract-"));
        try {
            const report = join(folder, "report.json");
            const files = chosen.map((part) => `tests/testbed/${part}/`);
            const reporter = join(this.root, "testbed", "contract", "progress.cjs");
            const args = [
                jest,
                ...files,
                "--testNamePattern",
                pattern,
                "--json",
                `--outputFile=${report}`,
                `--reporters=${reporter}`,
            ];
            const { errors, signal } = await this.start(args, env, quiet);
            if (signal) throw new NotCarriedOut(`jest was ended by ${signal}.`);
            if (!existsSync(report))
                throw new NotCarriedOut(`jest ended without a report.${errors ? `\n${errors}` : ""}`);
            // A token has no business in a report, whatever a test quotes.
            const text = readFileSync(report, "utf8");
            const token = env.AUTHENTIK_TOKEN;
            return readReport(JSON.parse(token ? text.replaceAll(token, "…") : text) as JestReport, this.root);
        } finally {
            rmSync(folder, { recursive: true, force: true });
        }
    }

    /** Its progress is passed to standard error. */
    private start(
        args: string[],
        env: NodeJS.ProcessEnv,
        quiet: boolean,
    ): Promise<{ errors: string; signal: NodeJS.Signals | null }> {
        return new Promise((resolve, reject) => {
            const child = spawn(process.execPath, args, {
                cwd: this.root,
                env,
                detached: true,
                stdio: ["ignore", "pipe", "pipe"],
            });
            this.child = child;
            let errors = "";
            child.stdout.on("data", (chunk: Buffer) => void (quiet || process.stderr.write(chunk)));
            child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
            child.once("error", reject);
            child.once("close", (_code, signal) => {
                this.child = undefined;
                resolve({ errors, signal });
            });
        });
    }

    private namesOf(outcomes: readonly Outcome[]): string {
        // Titles carry marks in between, which the names lack; the last title is enough to find them again.
        const last = (name: string) => name.slice(name.lastIndexOf(" › ") + 3);
        return outcomes.map((outcome) => last(outcome.case).replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
    }
}

/** More failures than this are no matter of time. */
const MOST_REPEATED = 20;
