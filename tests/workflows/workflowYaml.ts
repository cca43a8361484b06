/**
 * For what the forges drop a workflow, or start it with less than is written: none of them says so to whoever pushed
 * it.
 */
import { parseDocument } from "yaml";

const KEYS = {
    workflow: ["name", "on", "permissions", "concurrency", "env", "jobs"],
    job: ["if", "needs", "runs-on", "environment", "permissions", "outputs", "steps", "timeout-minutes", "env"],
    step: ["id", "name", "if", "uses", "with", "env", "run", "shell", "continue-on-error", "timeout-minutes"],
};
const EVENTS = ["pull_request", "pull_request_target", "schedule", "workflow_dispatch", "push"];
const CONTEXTS = /^(github|vars|secrets|needs|steps|always\(\)|format\()/;

type Map = Record<string, unknown>;
const isMap = (value: unknown): value is Map => value !== null && typeof value === "object" && !Array.isArray(value);

/** @returns what is wrong with it, in words; nothing where a forge takes it as it is written */
export function workflowMistakes(text: string): string[] {
    // YAML 1.2 without tags, anchors or merges: what the forges' readers (go-yaml and its forks) do with those differs.
    const document = parseDocument(text, { strict: true, uniqueKeys: true, version: "1.2" });
    const found = [...document.errors, ...document.warnings].map(({ message }) => message.split("\n")[0]!);
    if (/\t/.test(text)) found.push("a tab");
    if (/^\s*(- )?[\w-]+: *[&*]\w|<<:/m.test(text)) found.push("an anchor, an alias or a merge key");
    if (found.length > 0) return found;
    const workflow = document.toJS() as unknown;
    if (!isMap(workflow)) return ["no map"];
    const unknown = (place: string, value: Map, known: string[]) =>
        found.push(
            ...Object.keys(value)
                .filter((key) => !known.includes(key))
                .map((key) => `${place}: the key ${key} is none of a workflow's`),
        );
    unknown("the workflow", workflow, KEYS.workflow);
    if (!isMap(workflow.on)) return [...found, "on is no map"];
    for (const [event, value] of Object.entries(workflow.on)) {
        if (!EVENTS.includes(event)) found.push(`the event ${event}`);
        if (
            event === "schedule" &&
            !(
                Array.isArray(value) &&
                value.every((item) => isMap(item) && /^([\d*/,-]+ ){4}[\d*/,-]+$/.test(String(item.cron)))
            )
        )
            found.push("a schedule that is no cron");
    }
    if (!isMap(workflow.jobs) || Object.keys(workflow.jobs).length === 0) return [...found, "there are no jobs"];
    const jobs = workflow.jobs;
    for (const [name, job] of Object.entries(jobs)) {
        if (!isMap(job)) {
            found.push(`the job ${name} is no map`);
            continue;
        }
        unknown(`the job ${name}`, job, KEYS.job);
        if (typeof job["runs-on"] !== "string") found.push(`the job ${name} has no runs-on`);
        if (job.needs !== undefined && (typeof job.needs !== "string" || !(job.needs in jobs)))
            found.push(`the job ${name} needs ${String(job.needs)}, which there is not`);
        for (const [permission, access] of Object.entries(isMap(job.permissions) ? job.permissions : {}))
            if (!["read", "write", "none"].includes(String(access))) found.push(`${permission}: ${String(access)}`);
        const steps = Array.isArray(job.steps) ? (job.steps as unknown[]) : [];
        if (steps.length === 0) found.push(`the job ${name} has no steps`);
        const ids: unknown[] = [];
        for (const step of steps) {
            if (!isMap(step)) {
                found.push(`the job ${name} has a step that is no map`);
                continue;
            }
            unknown(`a step of ${name}`, step, KEYS.step);
            if ((typeof step.run === "string") === (typeof step.uses === "string"))
                found.push(`a step of ${name} has not either run or uses`);
            for (const [variable, value] of Object.entries(isMap(step.env) ? step.env : {}))
                if (typeof value !== "string") found.push(`${variable} of ${name} is no text`);
            if (step.id !== undefined) ids.push(step.id);
        }
        if (new Set(ids).size !== ids.length) found.push(`two steps of ${name} have one id`);
        const known = JSON.stringify(job);
        for (const [, id] of known.matchAll(/steps\.(\w+)\./g))
            if (!ids.includes(id)) found.push(`${name} speaks of the step ${id}, which there is not`);
        for (const [, other] of known.matchAll(/needs\.(\w+)\./g))
            if (job.needs !== other) found.push(`${name} speaks of the job ${other}, which it does not need`);
    }
    return [...found, ...expressionMistakes(text)];
}

function expressionMistakes(text: string): string[] {
    const opened = text.split("${{").length - 1;
    const whole = [...text.matchAll(/\$\{\{([^{}]*)\}\}/g)].map(([, expression]) => expression!.trim());
    const found = opened === whole.length ? [] : ["an expression that does not end"];
    const conditions = [...text.matchAll(/^ +(?:- )?if: (.*)$/gm)].map(([, condition]) => condition!);
    for (const expression of [...whole, ...conditions]) {
        if (!CONTEXTS.test(expression)) found.push(`the expression ${expression}`);
        if ((expression.split("'").length - 1) % 2 !== 0 || expression.includes('"'))
            found.push(`the quotes of ${expression}`);
        if (expression.split("(").length !== expression.split(")").length) found.push(`the brackets of ${expression}`);
    }
    return found;
}
