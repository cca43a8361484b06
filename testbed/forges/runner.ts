/**
 * A real runner of Gitea's or Forgejo's (act_runner, gitea-runner, forgejo-runner), whose jobs run on this machine, as
 * this user: for workflows of ours alone. The three are called the same way.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface RunnerOptions {
    /** Path of the runner's binary. */
    program: string;
    /** The forge. */
    url: string;
    /** Of the forge, for one repository, organisation or all. */
    registrationToken: string;
    /** What jobs find in their environments, too: the runner hands on its own. HOME is a folder of the runner's. */
    env: Record<string, string>;
    /** Jobs at once. Default: 2. */
    capacity?: number;
}

export class Runner {
    private constructor(
        private readonly folder: string,
        private readonly process: ChildProcess,
    ) {}

    /** Throws with what the runner said, where the forge does not take it. */
    static start({ program, url, registrationToken, env, capacity = 2 }: RunnerOptions): Runner {
        const folder = mkdtempSync(join(tmpdir(), "zot-hardening-runner-"));
        const home = join(folder, "home");
        mkdirSync(home);
        const configuration = join(folder, "config.yaml");
        const own = { ...env, HOME: home };
        writeFileSync(configuration, JSON.stringify(settings(folder, capacity)), { mode: 0o600 });
        const registered = spawnSync(
            program,
            [
                ...["register", "--no-interactive", "--config", configuration, "--instance", url],
                ...["--token", registrationToken, "--name", "loopback", "--labels", "docker:host"],
            ],
            { cwd: folder, env: own, encoding: "utf8" },
        );
        if (registered.status !== 0) {
            rmSync(folder, { recursive: true, force: true });
            throw new Error(`The runner was not registered: ${registered.error ?? registered.stderr}`);
        }
        // A group of its own, so that what jobs left running ends with it.
        const daemon = spawn(program, ["daemon", "--config", configuration], {
            cwd: folder,
            env: own,
            stdio: "ignore",
            detached: true,
        });
        return new Runner(folder, daemon);
    }

    /** Ends with the jobs that it runs. */
    async stop(): Promise<void> {
        const { pid } = this.process;
        if (pid !== undefined && this.process.exitCode === null && this.process.signalCode === null) {
            const ended = new Promise((resolve) => this.process.once("exit", resolve));
            process.kill(-pid, "SIGINT");
            await Promise.race([ended, sleep(5_000, undefined, { ref: false })]);
            try {
                process.kill(-pid, "SIGKILL");
            } catch {
                // Gone already.
            }
        }
        rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
    }
}

/** JSON is YAML. */
const settings = (folder: string, capacity: number) => ({
    log: { level: "info" },
    runner: {
        file: join(folder, ".runner"),
        capacity,
        fetch_interval: "1s",
        report_interval: "1s",
        labels: ["docker:host"],
    },
    // It listens on all addresses otherwise.
    cache: { enabled: false },
    host: { workdir_parent: join(folder, "work") },
});

/** What the runner calls itself, and its version: for messages. */
export function runnerVersion(program: string): string {
    const { stdout, status } = spawnSync(program, ["--version"], { encoding: "utf8" });
    if (status !== 0) throw new Error(`${program} is no runner: --version ended with ${status}.`);
    return stdout.trim();
}
