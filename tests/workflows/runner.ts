/**
 * Runs a workflow as a runner does, its steps as they are written: expressions, conditions, outputs,
 * `continue-on-error`. What the forges differ in, it differs in too: of a job that failed, Forgejo's and Gitea's hands
 * on no outputs; and every step there has tokens that it did not ask for.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";

interface Step {
    id?: string;
    name?: string;
    uses?: string;
    with?: Record<string, unknown>;
    env?: Record<string, string>;
    if?: string;
    run?: string;
    "continue-on-error"?: boolean;
}
interface Job {
    if?: string;
    needs?: string;
    outputs?: Record<string, string>;
    steps: Step[];
}

/** What a run is started with. */
export interface Start {
    /** `github` of expressions, without the token. */
    github: Record<string, unknown>;
    vars?: Record<string, string>;
    secrets?: Record<string, string>;
    /** Of every process: PATH, GITHUB_API_URL, … */
    env: Record<string, string>;
    /** Repositories by their name below it; the one of the run is `o/r`. */
    origin: string;
    /** A step that fails instead of being run: `job/step`. */
    failing?: string;
}

export interface JobResult {
    result: "success" | "failure" | "skipped";
    /** Names of the steps that were run, in their order. */
    steps: string[];
    outputs: Record<string, string>;
    log: string;
    summary: string;
}

/** What each step of a Forgejo's job finds in its environment. */
export const TOKENS = {
    GITHUB_TOKEN: "canary-run-token-1f3b",
    FORGEJO_TOKEN: "canary-run-token-1f3b",
    GITEA_TOKEN: "canary-run-token-1f3b",
    ACTIONS_RUNTIME_TOKEN: "canary-runtime-token-9a7c",
};
export const nameOf = (step: Step): string => step.name ?? step.uses!.replace(/@.*/, "");
export const jobsOf = (file: string): Record<string, Job> =>
    (parse(readFileSync(file, "utf8")) as { jobs: Record<string, Job> }).jobs;

/** @returns what became of each job; the folders are removed */
export async function runWorkflow(file: string, start: Start): Promise<Record<string, JobResult>> {
    const isForgejo = file.includes(".forgejo/");
    const done: Record<string, JobResult> = {};
    for (const [name, job] of Object.entries(jobsOf(file))) {
        const needed = job.needs === undefined ? undefined : done[job.needs];
        if (job.needs !== undefined && needed === undefined)
            throw new Error(`${name} needs ${job.needs}, which is not before it`);
        const needs = job.needs === undefined ? {} : { [job.needs]: needed };
        const context = {
            github: { ...start.github, token: TOKENS.GITHUB_TOKEN },
            vars: start.vars ?? {},
            secrets: start.secrets ?? {},
            needs,
        };
        const goesOn =
            job.if === undefined
                ? (needed?.result ?? "success") === "success"
                : (needed === undefined || needed.result === "success" || job.if.includes("always()")) &&
                  truth(job.if, context);
        done[name] = goesOn
            ? await runJob(name, job, context, start, isForgejo)
            : { result: "skipped", steps: [], outputs: {}, log: "", summary: "" };
    }
    return done;
}

async function runJob(
    jobName: string,
    job: Job,
    context: object,
    start: Start,
    isForgejo: boolean,
): Promise<JobResult> {
    const home = mkdtempSync(join(tmpdir(), "runner-"));
    const folder = join(home, "workspace");
    mkdirSync(folder);
    const files = {
        GITHUB_OUTPUT: join(home, "output"),
        GITHUB_PATH: join(home, "path"),
        GITHUB_STEP_SUMMARY: join(home, "summary"),
    };
    for (const place of Object.values(files)) writeFileSync(place, "");
    const steps: Record<string, { outcome: string; outputs: Record<string, string> }> = {};
    const ran: string[] = [];
    let [log, failed] = ["", false];
    try {
        for (const step of job.steps) {
            const all = { ...context, steps };
            if (step.if === undefined ? failed : !(step.if.includes("always()") || !failed) || !truth(step.if, all))
                continue;
            ran.push(nameOf(step));
            writeFileSync(files.GITHUB_OUTPUT, "");
            const env: Record<string, string> = {
                HOME: home,
                CI: "true",
                GITHUB_ACTIONS: "true",
                GITHUB_SERVER_URL: `file://${start.origin}`,
                GITHUB_REPOSITORY: "o/r",
                ...(isForgejo ? TOKENS : {}),
                ...start.env,
                ...files,
                ...Object.fromEntries(
                    Object.entries(step.env ?? {}).map(([name, value]) => [name, filled(value, all)]),
                ),
            };
            env.PATH = [
                ...readFileSync(files.GITHUB_PATH, "utf8").split("\n").filter(Boolean).reverse(),
                start.env.PATH,
            ].join(":");
            const isFailing = start.failing === `${jobName}/${nameOf(step)}`;
            const { code, text } = isFailing
                ? { code: 1, text: "the step was made to fail\n" }
                : step.uses
                  ? used(step, all, folder, start)
                  : await shell(step.run!, folder, env);
            log += text;
            if (step.id)
                steps[step.id] = {
                    outcome: code === 0 ? "success" : "failure",
                    outputs: outputsIn(readFileSync(files.GITHUB_OUTPUT, "utf8")),
                };
            if (code !== 0 && !step["continue-on-error"]) failed = true;
        }
        const outputs =
            failed && isForgejo
                ? {}
                : Object.fromEntries(
                      Object.entries(job.outputs ?? {}).map(([name, value]) => [
                          name,
                          filled(value, { ...context, steps }),
                      ]),
                  );
        return {
            result: failed ? "failure" : "success",
            steps: ran,
            outputs,
            log,
            summary: readFileSync(files.GITHUB_STEP_SUMMARY, "utf8"),
        };
    } finally {
        rmSync(home, { recursive: true, force: true });
    }
}

/** The actions that are used, as far as they are. */
function used(step: Step, context: object, folder: string, { origin }: Start): { code: number; text: string } {
    const [action] = step.uses!.split("@");
    if (action === "actions/setup-node") return { code: 0, text: "" };
    if (action !== "actions/checkout") throw new Error(`The runner does not know ${action}`);
    const git = (...args: string[]) => execFileSync("git", args, { cwd: folder, stdio: "ignore" });
    git("clone", "--quiet", `${origin}/o/r`, ".");
    const ref = step.with?.ref === undefined ? lookedUp("github.sha", context) : filled(String(step.with.ref), context);
    git("fetch", "--quiet", "origin", String(ref));
    git("checkout", "--quiet", "--detach", String(ref));
    return { code: 0, text: "" };
}

function shell(script: string, cwd: string, env: Record<string, string>): Promise<{ code: number; text: string }> {
    return new Promise((resolve, reject) => {
        const child = spawn("bash", ["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script], {
            cwd,
            env,
            stdio: ["ignore", "pipe", "pipe"],
        });
        let text = "";
        for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += String(chunk)));
        child.on("error", reject);
        child.on("close", (code) => resolve({ code: code ?? 128, text }));
    });
}

/** `NAME=value`, and `NAME<<END` with lines up to END. */
function outputsIn(text: string): Record<string, string> {
    const found: Record<string, string> = {};
    const lines = text.split("\n");
    for (let index = 0; index < lines.length; index++) {
        const [, name, end] = /^([\w-]+)<<(.+)$/.exec(lines[index]!) ?? [];
        if (name !== undefined) {
            const last = lines.indexOf(end!, index + 1);
            found[name] = lines.slice(index + 1, last).join("\n");
            index = last;
        } else if (lines[index]!.includes("="))
            found[lines[index]!.split("=")[0]!] = lines[index]!.replace(/^[^=]*=/, "");
    }
    return found;
}

// --- expressions

const filled = (text: string, context: object) =>
    text.replace(/\$\{\{(.*?)\}\}/g, (_all, expression: string) => String(evaluated(expression, context)));
const truth = (condition: string, context: object) =>
    Boolean(evaluated(condition.replace(/^\$\{\{|\}\}$/g, ""), context));

function lookedUp(path: string, context: object): unknown {
    return (
        path
            .split(".")
            .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], context) ?? ""
    );
}

/** An expression of the workflows' kind; one of another kind is an error. */
function evaluated(expression: string, context: object): unknown {
    const pattern =
        /'[^']*'|\b(?:github|vars|secrets|needs|steps)(?:\.\w+)+|\balways\(\)|\bformat(?=\()|[!=]=|&&|\|\||[(),]|\d+|\s+/g;
    if (expression.replace(pattern, "") !== "") throw new Error(`The runner does not understand: ${expression}`);
    const code = expression.replace(pattern, (part) =>
        /^(github|vars|secrets|needs|steps)\./.test(part)
            ? `get(${JSON.stringify(part)})`
            : part === "always()"
              ? "true"
              : part,
    );
    const format = (text: string, ...values: unknown[]) =>
        text.replace(/\{(\d)\}/g, (_all, index: string) => String(values[Number(index)]));
    return (
        new Function("get", "format", `return ${code};`) as (
            get: (path: string) => unknown,
            form: typeof format,
        ) => unknown
    )((path) => lookedUp(path, context), format);
}
