/**
 * The project on a real Gitea with a real runner: its workflows as they stand, a hardened site on loopback that they
 * are about, and programs in the runner's PATH that can be made to fail.
 */
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Gitea } from "../../testbed/forges/gitea";
import { Runner } from "../../testbed/forges/runner";
import { type Operator, STACK, startOperator } from "../runbooks/operator";
import { ask, branchIsKnown, tokenOfNewUser } from "./forgeApi";

const ROOT = path.resolve(__dirname, "../..");
/** How long runs may take to end. In milliseconds. */
const PATIENCE = 600_000;

export interface Job {
    id: number;
    name: string;
    status: string;
    conclusion: string | null;
}
export interface Run {
    id: number;
    /** Name of the workflow's file, without its end. */
    workflow: string;
    conclusion: string;
    jobs: Job[];
    /** Of all jobs. */
    log: string;
}
export interface Comment {
    id: number;
    body: string;
    user: { login: string };
}
export interface Issue {
    number: number;
    title: string;
    body: string;
    state: string;
    user: { login: string };
    pull_request?: object;
}
interface ListedRun {
    id: number;
    path: string;
    status: string;
    conclusion: string | null;
}

export class Project {
    readonly owner = "acme";
    readonly name = "registry";
    readonly where = `/repos/${this.owner}/${this.name}`;
    readonly bot = "zot-bot";
    /** Text that no log, comment or issue may hold. */
    canaries: string[] = [];
    /** Everything of every run that was waited for. */
    logs = "";
    private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "zot-hardening-project-"));
    private readonly undo: (() => unknown)[] = [() => fs.rmSync(this.folder, { recursive: true, force: true })];

    private constructor(
        readonly gitea: Gitea,
        readonly operator: Operator,
    ) {
        this.undo.push(
            () => gitea.stop(),
            () => operator.stop(),
        );
    }

    /** @param runnerProgram a real runner */
    static async start(giteaFolder: string, runnerProgram: string): Promise<Project> {
        const operator = await startOperator();
        const gitea = await Gitea.start(giteaFolder).catch(async (error: unknown) => {
            await operator.stop();
            throw error;
        });
        const project = new Project(gitea, operator);
        try {
            await operator.harden();
            await operator.type(`pulumi config rm --path host.privateKey --stack ${STACK}`);
            await project.publish();
            await project.configure();
            await project.startRunner(runnerProgram);
        } catch (error) {
            await project.stop();
            throw error;
        }
        return project;
    }

    async stop(): Promise<void> {
        for (const step of this.undo.splice(0).reverse()) await step();
    }

    api<T>(method: string, where: string, body?: unknown, token = this.gitea.token): Promise<T> {
        return ask<T>({ url: this.gitea.url, token }, method, where, body);
    }

    // --- the repository

    /** git in the clone that is pushed from, as the given owner of a token. */
    git(...args: string[]): string {
        const authorization = Buffer.from(`x:${this.gitea.token}`).toString("base64");
        return execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
            cwd: this.at("clone"),
            encoding: "utf8",
            stdio: ["ignore", "pipe", "pipe"],
            env: {
                PATH: process.env.PATH,
                HOME: this.folder,
                GIT_CONFIG_COUNT: "1",
                GIT_CONFIG_KEY_0: "http.extraHeader",
                GIT_CONFIG_VALUE_0: `Authorization: Basic ${authorization}`,
            },
        }).trim();
    }

    /** A commit on a branch, which is made from main where it is not there; pushed. Returns its hash. */
    push(branch: string, change: (folder: string) => void = () => undefined, repository = this.where): string {
        const there = this.git("branch", "--list", branch) !== "";
        this.git("checkout", "--quiet", ...(there ? [branch] : ["-b", branch, "main"]));
        change(this.at("clone"));
        this.git("add", "--all");
        this.git("commit", "--quiet", "--allow-empty", "--message", `change ${randomBytes(4).toString("hex")}`);
        this.git(
            "push",
            "--quiet",
            `${this.gitea.url}${repository.replace("/repos", "")}.git`,
            `HEAD:refs/heads/${branch}`,
        );
        return this.git("rev-parse", "HEAD");
    }

    async pull(branch: string, head = branch, token = this.gitea.token): Promise<number> {
        const [owner] = head.includes(":") ? head.split(":") : [this.owner];
        await branchIsKnown({ url: this.gitea.url, token }, `/repos/${owner}/${this.name}`, branch);
        const wanted = { head, base: "main", title: `From ${branch}` };
        return (await this.api<{ number: number }>("POST", `${this.where}/pulls`, wanted, token)).number;
    }

    comments(pull: number): Promise<Comment[]> {
        return this.api<Comment[]>("GET", `${this.where}/issues/${pull}/comments`);
    }

    /** The bot's comment that begins so, without its mark. */
    async comment(pull: number, key: string): Promise<string | undefined> {
        const mark = `<!-- zot-hardening: ${key} -->\n`;
        const found = (await this.comments(pull)).filter(
            ({ user, body }) => user.login === this.bot && body.startsWith(mark),
        );
        if (found.length > 1) throw new Error(`There are ${found.length} comments ${key}.`);
        return found[0]?.body.slice(mark.length);
    }

    async issues(): Promise<Issue[]> {
        const all = await this.api<Issue[]>("GET", `${this.where}/issues?state=all&type=issues&limit=50`);
        return all.filter((issue) => !issue.pull_request);
    }

    // --- runs

    /** The next step of this kind fails: `job` of `workflow`, and a shell pattern of a command. */
    fail(...steps: { workflow: string; job: string; command: string }[]): void {
        const lines = steps.map(({ workflow, job, command }) => `${workflow} ${job} ${command}\n`);
        fs.writeFileSync(this.at("fail"), lines.join(""));
    }

    /** Commands, as shell patterns, that are not run: they print a text and succeed. */
    pretend(...commands: string[]): void {
        fs.writeFileSync(this.at("pretended"), commands.map((command) => `${command}\n`).join(""));
    }

    /** Starts something, and waits for the runs of these workflows that it starts. In the order of `workflows`. */
    async runs(workflows: string[], start: () => unknown): Promise<Run[]> {
        const list = async () =>
            (await this.api<{ workflow_runs: ListedRun[] | null }>("GET", `${this.where}/actions/runs?limit=50`))
                .workflow_runs ?? [];
        const before = Math.max(0, ...(await list()).map(({ id }) => id));
        await start();
        const nameOf = (run: ListedRun) => path.basename(run.path.split("@")[0]!, ".yml");
        for (const end = Date.now() + PATIENCE; ; await sleep(500)) {
            const found = (await list()).filter(({ id }) => id > before).reverse();
            const chosen = workflows.map((name, index) => {
                const earlier = workflows.slice(0, index).filter((other) => other === name).length;
                return found.filter((run) => nameOf(run) === name)[earlier];
            });
            if (chosen.every((run) => run?.status === "completed")) {
                // Gitea calls a run completed when a job has failed, while one that runs always is still to come.
                const jobs = (await Promise.all(chosen.map((run) => this.jobsOf(run!)))).flat();
                if (jobs.every(({ status }) => status === "completed"))
                    return Promise.all(chosen.map((run) => this.ended(run!, nameOf(run!))));
            }
            if (Date.now() > end)
                throw new Error(
                    `Not ended within ${PATIENCE / 1000} s: ` +
                        found.map((run) => `${nameOf(run)} is ${run.status}`).join(", "),
                );
        }
    }

    dispatch(workflow: string): Promise<void> {
        return this.api("POST", `${this.where}/actions/workflows/${workflow}.yml/dispatches`, { ref: "main" });
    }

    /** Environments of programs that jobs have run since the last call, by program and first argument. */
    environments(): { command: string; env: string }[] {
        const folder = this.at("environments");
        return fs.readdirSync(folder).map((name) => {
            const file = path.join(folder, name);
            const [command, ...env] = fs.readFileSync(file, "utf8").split("\0");
            fs.rmSync(file);
            return { command: command!, env: env.join("\n") };
        });
    }

    private async jobsOf(run: ListedRun): Promise<Job[]> {
        return (await this.api<{ jobs: Job[] }>("GET", `${this.where}/actions/runs/${run.id}/jobs`)).jobs;
    }

    private async ended(run: ListedRun, workflow: string): Promise<Run> {
        const jobs = await this.jobsOf(run);
        let log = "";
        for (const { id, conclusion } of jobs)
            if (conclusion !== "skipped")
                log += await this.api<string>("GET", `${this.where}/actions/jobs/${id}/logs`).catch(() => "");
        this.logs += log;
        return { id: run.id, workflow, conclusion: run.conclusion!, jobs, log };
    }

    // --- how it is made

    private at(...parts: string[]): string {
        return path.join(this.folder, ...parts);
    }

    /** The operator's clone, with what a fresh one has, becomes main. */
    private async publish(): Promise<void> {
        const clone = this.at("clone");
        fs.cpSync(this.operator.folder, clone, {
            recursive: true,
            filter: (source) => !/\/(node_modules|dist|\.git)$/.test(source),
        });
        // GitHub's would be started, where there is no folder of Gitea's own: docs/workflows.md.
        fs.cpSync(path.join(ROOT, ".forgejo/workflows"), path.join(clone, ".gitea/workflows"), { recursive: true });
        fs.copyFileSync(path.join(ROOT, "package-lock.json"), path.join(clone, "package-lock.json"));
        // What Test runs is the head's own: here it says what it is given.
        fs.mkdirSync(path.join(clone, ".ci"));
        fs.writeFileSync(path.join(clone, ".ci/run"), "#!/bin/sh\nenv\n", { mode: 0o755 });
        this.pinArchive(clone);
        this.git("init", "--quiet", "--initial-branch=main");
        await this.api("POST", "/orgs", { username: this.owner });
        await this.api("POST", `/orgs/${this.owner}/repos`, { name: this.name, default_branch: "main" });
        this.git("add", "--all");
        this.git("commit", "--quiet", "--message", "main");
        this.git("push", "--quiet", `${this.gitea.url}/${this.owner}/${this.name}.git`, "main");
    }

    /** In place of Pulumi's download: an archive with the CLI of this machine, whose sum is pinned. */
    private pinArchive(clone: string): void {
        const archive = `pulumi-v3.259.0-linux-${process.arch}.tar.gz`;
        fs.mkdirSync(this.at("archive/pulumi"), { recursive: true });
        const real = execFileSync("sh", ["-c", "command -v pulumi"], { env: { PATH: this.path() }, encoding: "utf8" });
        this.tool(this.at("archive/pulumi/pulumi"), `exec '${real.trim()}' "$@"`);
        execFileSync("tar", ["-czf", this.at(archive), "-C", this.at("archive"), "pulumi"]);
        const sum = createHash("sha256")
            .update(fs.readFileSync(this.at(archive)))
            .digest("hex");
        fs.writeFileSync(path.join(clone, "testbed/toolchain/archives.sha256"), `${sum}  ${archive}\n`);
    }

    private async configure(): Promise<void> {
        const { operator } = this;
        const token = async (purpose: "preview" | "refresh") => {
            const file = path.join(operator.home, `token-${purpose}`);
            await operator.type(
                `npm run --silent authentik-token -- --stack ${STACK} --for ${purpose} --output '${file}'`,
                { env: { AUTHENTIK_ADMIN_TOKEN: operator.site.authentik.token } },
            );
            return fs.readFileSync(file, "utf8").trim();
        };
        const botToken = await tokenOfNewUser(this.gitea, this.bot, ["read:repository", "write:issue", "read:user"]);
        await this.api("PUT", `${this.where}/collaborators/${this.bot}`, { permission: "read" });
        const secrets = {
            PULUMI_CONFIG_PASSPHRASE: operator.passphrase,
            AUTHENTIK_PREVIEW_TOKEN: await token("preview"),
            AUTHENTIK_REFRESH_TOKEN: await token("refresh"),
            AUTHENTIK_UP_TOKEN: operator.site.authentik.token,
            FORGE_BOT_TOKEN: botToken,
            ZOT_SSH_PRIVATE_KEY: operator.site.ssh.privateKeyPem,
        };
        for (const [name, data] of Object.entries(secrets))
            await this.api("PUT", `${this.where}/actions/secrets/${name}`, { data });
        const variables = {
            ZOT_STACK: STACK,
            PULUMI_BACKEND_URL: `file://${path.join(operator.home, ".pulumi-state")}`,
            ZOT_DEPLOY_BY_CI: "yes",
        };
        for (const [name, value] of Object.entries(variables))
            await this.api("POST", `${this.where}/actions/variables/${name}`, { value });
        this.canaries = Object.values(secrets)
            .flatMap((value) => value.split("\n"))
            .filter((line) => line.length > 15 && !line.startsWith("-----"));
    }

    private path(): string {
        return execFileSync("sh", ["-c", "echo $PATH"], {
            env: { PATH: this.operator.environment.PATH! },
            encoding: "utf8",
        }).trim();
    }

    private async startRunner(program: string): Promise<void> {
        const bin = this.at("bin");
        fs.mkdirSync(bin);
        fs.mkdirSync(this.at("environments"));
        const real = (name: string) =>
            execFileSync("sh", ["-c", `command -v ${name}`], { env: { PATH: this.path() }, encoding: "utf8" }).trim();
        for (const name of ["git", "node", "tar"]) this.tool(path.join(bin, name), `exec '${real(name)}' "$@"`);
        // The registry's packages are there already.
        this.tool(
            path.join(bin, "npm"),
            `if [ "$1" = ci ]; then ln -s '${ROOT}/node_modules' node_modules && exec node build/compile.cjs; fi\n` +
                `exec '${real("npm")}' "$@"`,
        );
        this.tool(
            path.join(bin, "curl"),
            `while [ "$1" != --output ]; do shift; done\ncp '${this.folder}'/pulumi-v3.259.0-linux-*.tar.gz "$2"`,
        );
        const { token } = await this.api<{ token: string }>("GET", `${this.where}/actions/runners/registration-token`);
        const { PULUMI_HOME } = this.operator.environment;
        const runner = Runner.start({
            program,
            url: this.gitea.url,
            registrationToken: token,
            env: {
                PATH: `${bin}:${this.path()}`,
                PULUMI_HOME: PULUMI_HOME!,
                PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
                GIT_CONFIG_NOSYSTEM: "1",
            },
        });
        this.undo.push(() => runner.stop());
    }

    /** A program that leaves its environment, and fails where it was said to. */
    private tool(file: string, body: string): void {
        fs.writeFileSync(
            file,
            `#!/bin/sh
called="\${0##*/} $*"
environment=$(mktemp '${this.folder}/environments/XXXXXXXX')
{ printf '%s\\0' "$called"; cat /proc/$$/environ; } >"$environment"
if [ -s '${this.folder}/fail' ]; then
    while read -r workflow job pattern; do
        if [ "$workflow" = "$GITHUB_WORKFLOW" ] && [ "$job" = "$GITHUB_JOB" ]; then
            # shellcheck disable=SC2254 # a pattern
            case $called in $pattern) echo "\${0##*/} was made to fail" >&2 && exit 1 ;; esac
        fi
    done <'${this.folder}/fail'
fi
if [ -s '${this.folder}/pretended' ]; then
    while read -r pattern; do
        # shellcheck disable=SC2254 # a pattern
        case $called in $pattern) echo "text of the run" && exit 0 ;; esac
    done <'${this.folder}/pretended'
fi
${body}
`,
            { mode: 0o755 },
        );
    }
}
