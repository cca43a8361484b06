/** The workflows for GitHub and Forgejo: what they may do, and that every forge takes them as they are written. */
import * as fs from "node:fs";
import * as path from "node:path";
import { type Job, root, scripts, workflow } from "./steps";
import { workflowMistakes } from "./workflowYaml";

const FILES = [".github", ".forgejo"].flatMap((forge) =>
    fs.readdirSync(path.join(root, forge, "workflows")).map((name) => `${forge}/workflows/${name}`),
);
const secretsIn = (value: unknown) => [...JSON.stringify(value).matchAll(/secrets\.(\w+)/g)].map(([, name]) => name);
const writes = (job: Job) =>
    Object.entries(job.permissions ?? {}).flatMap(([name, access]) => (access === "write" ? [name] : []));

describe.each(FILES)("%s", (file) => {
    const text = fs.readFileSync(path.join(root, file), "utf8");
    const { on, permissions, jobs } = workflow(file);

    test("is taken as it is written by every forge", () => {
        expect(workflowMistakes(text)).toEqual([]);
    });

    test("starts with no permission, and gives each job its own", () => {
        expect(permissions).toEqual({});
        for (const job of Object.values(jobs)) expect(job.permissions).toMatchObject({ contents: "read" });
    });

    test("is never started with secrets by what a fork sends", () => {
        expect(
            Object.keys(on).filter(
                (event) => !["pull_request", "pull_request_target", "schedule", "workflow_dispatch"].includes(event),
            ),
        ).toEqual([]);
        for (const job of Object.values(jobs)) {
            if (!("pull_request" in on) || secretsIn(job).length === 0) continue;
            expect(job.if).toContain("github.event.pull_request.head.repo.full_name == github.repository");
        }
    });

    test(
        "where the base's workflow is run for what a fork sends, nothing of the head is checked out, " +
            "installed or run",
        () => {
            if (!("pull_request_target" in on)) return expect(text).not.toMatch(/pull_request_target|workflow_run/);
            expect(Object.keys(on)).toEqual(["pull_request_target"]);
            for (const job of Object.values(jobs)) {
                for (const step of job.steps) {
                    if (step.uses?.includes("checkout@"))
                        expect(step.with?.ref).toBe("${{ github.event.pull_request.base.sha }}");
                    if (step.name === "Check out")
                        expect(step.env?.COMMIT).toBe("${{ github.event.pull_request.base.sha }}");
                    // Fetched as objects, and named to what reads it; nothing else has to do with it.
                    if (/head/.test(JSON.stringify([step.with, step.env, step.run])))
                        expect(["Fetch the head", "What the change gives and takes", "Comment"]).toContain(step.name);
                    expect(step.run ?? "").not.toMatch(
                        /git (checkout|merge|switch|reset|restore|worktree|pull)(?! --quiet --detach "\$COMMIT")/,
                    );
                }
                expect(secretsIn(job).filter((name) => name !== "FORGE_BOT_TOKEN")).toEqual([]);
            }
            expect(fs.readFileSync(path.join(scripts, "review.sh"), "utf8")).toContain("--data-only");
        },
    );

    test("pins every action by its commit, and lets no checkout keep the token", () => {
        for (const step of Object.values(jobs).flatMap((job) => job.steps)) {
            if (step.uses) expect(step.uses).toMatch(/^[\w./-]+@[0-9a-f]{40}$/);
            if (step.uses?.includes("checkout@")) expect(step.with).toMatchObject({ "persist-credentials": false });
        }
    });

    test("has nothing of an event in a script, and scripts that are there", () => {
        for (const { run } of Object.values(jobs).flatMap((job) => job.steps)) {
            if (!run) continue;
            expect(run).not.toContain("${{");
            for (const [script] of run.matchAll(/\.(github\/scripts|ci)\/[\w.-]+/g)) {
                const mode = fs.statSync(path.join(root, script)).mode;
                if (!script.endsWith(".cjs")) expect(mode & 0o111).not.toBe(0);
            }
        }
    });

    test("only what fetches, publishes, or searches for them has the tokens of the run", () => {
        for (const step of Object.values(jobs).flatMap((job) => job.steps)) {
            if (
                !step.run ||
                /^(Check out|Fetch the (head|base)|Hand on the text|Comment|Publish)$/.test(step.name ?? "")
            )
                continue;
            expect(step.run).toMatch(/^exec \.github\/scripts\/without-tokens\.sh .*\n?$/);
        }
    });

    test(
        "a job that may write to the forge has no secret, and runs the base's code; " +
            "what looks for drift runs the default branch's",
        () => {
            for (const job of Object.values(jobs).filter((candidate) => writes(candidate).length > 0)) {
                if ("pull_request" in on || "pull_request_target" in on) {
                    expect(secretsIn(job).filter((name) => name !== "FORGE_BOT_TOKEN")).toEqual([]);
                    expect(JSON.stringify(job.steps)).toContain("pull_request.base.sha");
                    // Only to compare with the head that there is by now.
                    expect(JSON.stringify(job.steps.filter(({ name }) => name !== "Comment"))).not.toContain(
                        "pull_request.head.sha",
                    );
                } else {
                    expect(writes(job)).toEqual(["issues"]);
                }
            }
        },
    );
});

test.each([
    ["a condition that YAML reads as a tag", (text: string) => text.replace(/if: always\(\)/, "if: !cancelled()")],
    [
        "a key twice",
        (text: string) => text.replace("    runs-on: docker\n", "    runs-on: docker\n    runs-on: docker\n"),
    ],
    ["a tab", (text: string) => text.replace("    steps:", "\tsteps:")],
    ["a key that is misspelt", (text: string) => text.replace("runs-on", "run-on")],
    [
        "a key of a step at the job",
        (text: string) => text.replace("    runs-on: docker\n", "    runs-on: docker\n    run: true\n"),
    ],
    ["an expression without its end", (text: string) => text.replace("github.token }}", "github.token }")],
    ["quotes that are not an expression's", (text: string) => text.replace("'skipped'", '"skipped"')],
    [
        "an indentation that is off",
        (text: string) => text.replace("    permissions:\n      contents", "    permissions:\n   contents"),
    ],
    ["a colon in a plain text", (text: string) => text.replace("- name: Comment", "- name: Comment: it")],
    ["a job that is needed and not there", (text: string) => text.replace("needs: preview", "needs: previews")],
    ["a step that is spoken of and not there", (text: string) => text.replace("id: text", "id: texts")],
    ["an event that there is not", (text: string) => text.replace("  pull_request:", "  pull_requests:")],
    [
        "a step that does two things",
        (text: string) =>
            text.replace(
                "run: exec .github/scripts/without-tokens.sh npm ci",
                "run: npm ci\n        uses: actions/x@v1",
            ),
    ],
    ["an anchor", (text: string) => text.replace("permissions: {}", "permissions: &none {}")],
])("what a forge drops a workflow for is found: %s", (_what, change) => {
    const text = fs.readFileSync(path.join(root, ".forgejo/workflows/preview.yml"), "utf8");
    expect(change(text)).not.toBe(text);
    expect(workflowMistakes(change(text))).not.toEqual([]);
});

test("both forges have the same jobs with the same rights", () => {
    const shape = (forge: string) =>
        Object.fromEntries(
            fs
                .readdirSync(path.join(root, forge, "workflows"))
                .map((name) => [
                    name,
                    Object.entries(workflow(`${forge}/workflows/${name}`).jobs).map(
                        ([job, { permissions, needs }]) => ({ job, permissions, needs }),
                    ),
                ]),
        );
    expect(shape(".forgejo")).toEqual(shape(".github"));
});

test("every variable and secret is in the page on workflows, and nothing else is", () => {
    const used = new Set(
        FILES.flatMap((file) =>
            [...fs.readFileSync(path.join(root, file), "utf8").matchAll(/\b(?:secrets|vars)\.([A-Z0-9_]+)/g)].map(
                ([, name]) => name!,
            ),
        ),
    );
    const page = fs.readFileSync(path.join(root, "docs/workflows.md"), "utf8");
    const documented = new Set(
        [...page.matchAll(/^\| (`[A-Z0-9_`, ]+`) \|/gm)].flatMap(([, names]) => names!.replaceAll("`", "").split(", ")),
    );
    expect([...documented].sort()).toEqual([...used].sort());
});

test("only the deployment runs pulumi up, and only where a site turned it on", () => {
    const users = FILES.filter((file) => /deploy\.sh|pulumi up/.test(JSON.stringify(workflow(file).jobs)));
    expect(users.sort()).toEqual([".forgejo/workflows/deploy.yml", ".github/workflows/deploy.yml"]);
    for (const file of users) {
        expect(Object.keys(workflow(file).on)).toEqual(["workflow_dispatch"]);
        expect(workflow(file).jobs.deploy!.if).toContain("vars.ZOT_DEPLOY_BY_CI == 'yes'");
    }
});
