/**
 * The jobs of the workflows, their steps as they are written, with the real Pulumi CLI on a hardened registry on
 * loopback and a strict forge.
 */
import { spawn } from "node:child_process";
import {
    appendFileSync,
    cpSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { findExecutable, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Operator, reason, STACK, startOperator } from "../runbooks/operator";
import { strictForge } from "./strictForge";

jest.setTimeout(600_000);

interface Workflow {
    jobs: Record<string, { steps: { name?: string; run?: string; env?: Record<string, string> }[] }>;
}
const workflowOf = (file: string) => parse(readFileSync(resolve(__dirname, "../..", file), "utf8")) as Workflow;

let operator: Operator;
let tokens: { preview: string; refresh: string };
let path: string;
const folders: string[] = [];
const agent = findExecutable("ssh-agent") && findExecutable("ssh-add");

interface Ran {
    code: number | null;
    text: string;
}

/** A checkout of its own, as a runner has it: with what is committed, and what a job's steps leave for the next. */
class Job {
    readonly folder = mkdtempSync(join(tmpdir(), "job-"));
    readonly output = join(this.folder, "..", `${this.folder.split("/").at(-1)}-output`);
    text = "";

    constructor(private readonly given: Record<string, string>) {
        folders.push(this.folder, this.output);
        cpSync(operator.folder, this.folder, { recursive: true });
        writeFileSync(this.output, "");
    }

    /** A change of settings that the job's commit has. */
    declare(groups: Record<string, Record<string, unknown>>): void {
        const file = join(this.folder, `Pulumi.${STACK}.yaml`);
        const current = parse(readFileSync(file, "utf8")) as { config: Record<string, object> };
        for (const [group, members] of Object.entries(groups))
            current.config[`zot-hardening:${group}`] = { ...current.config[`zot-hardening:${group}`], ...members };
        writeFileSync(file, stringify(current));
    }

    /**
     * Runs a step with the environment that its workflow gives it; `${{ … }}` is what the site and the run have set.
     */
    step(file: string, job: string, name: string): Promise<Ran> {
        const found = workflowOf(file).jobs[job]!.steps.find((step) => step.name === name);
        if (!found?.run) throw new Error(`${file} has no step ${name}`);
        const env: Record<string, string> = {};
        for (const [variable, expression] of Object.entries(found.env ?? {})) {
            const value = this.given[variable];
            if (value === undefined && !/^\$\{\{.*\}\}$/.test(expression)) env[variable] = expression;
            else if (value !== undefined) env[variable] = value;
        }
        return new Promise((resolvePromise, reject) => {
            const child = spawn("bash", ["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", found.run!], {
                cwd: this.folder,
                env: {
                    PATH: path,
                    HOME: join(this.folder, "home"),
                    PULUMI_HOME: join(operator.home, ".pulumi"),
                    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
                    CI: "true",
                    GITHUB_OUTPUT: this.output,
                    ...(this.given.GITHUB_API_URL
                        ? {
                              GITHUB_API_URL: this.given.GITHUB_API_URL,
                              GITHUB_REPOSITORY: this.given.GITHUB_REPOSITORY!,
                          }
                        : {}),
                    ...env,
                },
                stdio: ["ignore", "pipe", "pipe"],
            });
            let text = "";
            for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += String(chunk)));
            child.on("error", reject);
            child.on("close", (code) => {
                this.text += text;
                if (code === 0) resolvePromise({ code, text });
                else reject(new Error(`The step "${name}" ended with ${code}:\n${text}`));
            });
        });
    }
}

/** What no forge, log or artifact may hold. */
async function canaries(): Promise<string[]> {
    const secrets = await operator.type(`pulumi stack export --show-secrets --stack ${STACK}`);
    const found = [...secrets.stdout.matchAll(/"plaintext": "((?:[^"\\]|\\.)*)"/g)]
        .map(([, json]) => JSON.parse(JSON.parse(`"${json}"`) as string) as unknown)
        .filter((value): value is string => typeof value === "string" && value.length > 15 && !/^== |^#!/.test(value));
    return [
        operator.passphrase,
        tokens.preview,
        tokens.refresh,
        operator.site.authentik.token,
        operator.ciSecrets().key,
        ...found.filter((value) => !value.includes("\n")),
        ...operator.site.ssh.privateKeyPem.split("\n").filter((line) => line.length > 40),
    ];
}

async function expectNoCanary(...texts: string[]): Promise<void> {
    const all = await canaries();
    expect(all.length).toBeGreaterThan(8);
    for (const canary of all)
        for (const text of texts)
            if (text.includes(canary))
                throw new Error(
                    `A secret (${canary.slice(0, 3)}…, ${canary.length} characters) is in:\n${text.slice(0, 2000)}`,
                );
}

(reason ? describe.skip : describe)(skippable("the workflows' jobs, with the real CLI", reason), () => {
    beforeAll(async () => {
        operator = await startOperator();
        await operator.harden();
        path = (await operator.type("echo $PATH")).stdout.trim();
        const token = async (purpose: "preview" | "refresh") => {
            const file = join(operator.home, `token-${purpose}`);
            await operator.type(
                `npm run --silent authentik-token -- --stack ${STACK} --for ${purpose} --output '${file}'`,
                { env: { AUTHENTIK_ADMIN_TOKEN: operator.site.authentik.token } },
            );
            return readFileSync(file, "utf8").trim();
        };
        tokens = { preview: await token("preview"), refresh: await token("refresh") };
        // With an agent, the job's own key for the host; without one, the settings'.
        if (agent) await operator.type(`pulumi config rm --path host.privateKey --stack ${STACK}`);
    });
    afterAll(async () => {
        if (agent && operator)
            await operator
                .type(`pulumi config set --path host.privateKey --secret --stack ${STACK}`, {
                    input: operator.site.ssh.privateKeyPem,
                })
                .catch(() => undefined);
        await operator?.stop();
        for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    });

    const site = () => ({
        STACK,
        PULUMI_BACKEND_URL: `file://${join(operator.home, ".pulumi-state")}`,
        PULUMI_CONFIG_PASSPHRASE: operator.passphrase,
    });

    test.each([".github", ".forgejo"])(
        "%s: a preview of a branch becomes one comment, which is updated; " +
            "with a token that reads, and no look at the host",
        async (forge) => {
            const file = `${forge}/workflows/preview.yml`;
            const there = await strictForge(
                { "comment-token": ["pull-requests"] },
                { head: "0123abcd", logins: forge === ".forgejo" ? { "comment-token": "zot-bot" } : {} },
            );
            const connections = operator.site.ssh.connections();
            try {
                for (const pattern of ["app/**", "tools/**"]) {
                    const preview = new Job({ ...site(), AUTHENTIK_TOKEN: tokens.preview });
                    preview.declare({ access: { ciRepositories: [pattern] } });
                    const ran = await preview.step(file, "preview", "Preview");
                    expect(ran).toMatchObject({ code: 0 });
                    expect(ran.text).toContain(
                        `CI (group \`artifact-workloads\`) loses create on \`**\`, except \`${pattern}\``,
                    );
                    await preview.step(file, "preview", "Hand on the text");
                    const [, text] = /^text<<(end-\S+)\n([\s\S]*)\n\1\n$/
                        .exec(readFileSync(preview.output, "utf8"))!
                        .slice(1);
                    const comment = new Job({
                        ...there.env("comment-token"),
                        NUMBER: "7",
                        COMMIT: "0123abcd",
                        STACK,
                        RESULT: "success",
                        OUTCOME: "success",
                        TEXT: text!,
                    });
                    expect(await comment.step(file, "comment", "Comment")).toEqual({ code: 0, text: "" });
                    expect(there.comments).toHaveLength(1);
                    expect(there.comments[0]!.body).toContain(pattern);
                    await expectNoCanary(
                        preview.text,
                        comment.text,
                        text!,
                        readFileSync(preview.output, "utf8"),
                        ...there.written,
                    );
                }
                expect(there.refusals).toEqual([]);
                expect(operator.site.ssh.connections()).toBe(connections);
            } finally {
                await there.stop();
            }
        },
    );

    test.each([".github", ".forgejo"])(
        "%s: drift is one issue, opened, updated and closed; a rotation that is due is none",
        async (forge) => {
            const file = `${forge}/workflows/drift.yml`;
            const there = await strictForge(
                { "issue-token": ["issues"] },
                { logins: forge === ".forgejo" ? { "issue-token": "zot-bot" } : {} },
            );
            const { authentik } = operator.site;
            const drift = async (change: (job: Job) => void = () => undefined) => {
                const job = new Job({
                    ...site(),
                    ...there.env("issue-token"),
                    AUTHENTIK_TOKEN: tokens.refresh,
                    ...(agent ? { ZOT_SSH_PRIVATE_KEY: operator.site.ssh.privateKeyPem } : {}),
                });
                change(job);
                const ran = await job.step(file, "drift", "Look for drift");
                await job.step(file, "drift", "Publish");
                await expectNoCanary(job.text, ...there.written);
                return ran;
            };
            const open = () => there.issues.filter(({ state, pull_request }) => state === "open" && !pull_request);
            const configFile = join(operator.site.folder, "zot/config.json");
            const config = readFileSync(configFile, "utf8");
            try {
                expect(await drift()).toMatchObject({ code: 0 });
                expect(open()).toEqual([]);

                await authentik.api("PATCH", "/core/applications/zot/", { name: "Changed by hand" });
                expect(await drift()).toMatchObject({ code: 0 });
                expect(open()).toMatchObject([
                    {
                        title: "The registry is not as declared",
                        body: expect.stringContaining("authentik:index/application:Application registry") as string,
                    },
                ]);

                appendFileSync(configFile, "\n");
                expect(await drift()).toMatchObject({ code: 0 });
                expect(open()).toHaveLength(1);
                expect(open()[0]!.body).toMatch(
                    /Application registry[\s\S]*hostObservation|hostObservation[\s\S]*Application registry/i,
                );

                await authentik.api("PATCH", "/core/applications/zot/", { name: "Zot Registry" });
                writeFileSync(configFile, config);
                const due = await drift((job) => job.declare({ ci: { keyRotateAfter: "1s" } }));
                expect(due).toMatchObject({ code: 0 });
                expect(due.text).toContain("Not drift: CI's key is due to be replaced");
                expect(open()).toEqual([]);
                expect(there.issues.filter(({ pull_request }) => !pull_request)).toMatchObject([{ state: "closed" }]);
                expect(there.refusals).toEqual([]);
            } finally {
                writeFileSync(configFile, config);
                await authentik.api("PATCH", "/core/applications/zot/", { name: "Zot Registry" });
                await there.stop();
            }
        },
    );

    test(
        "of two deployments at once, the second ends in the message of the state's lock, " + "and changes nothing",
        async () => {
            const job = new Job({
                ...site(),
                AUTHENTIK_TOKEN: operator.site.authentik.token,
                ...(agent ? { ZOT_SSH_PRIVATE_KEY: operator.site.ssh.privateKeyPem } : {}),
            });
            job.declare({ zot: { logLevel: "error" } });
            // As the first one leaves it while it runs.
            const locks = join(operator.home, ".pulumi-state/.pulumi/locks/organization/zot-hardening", STACK);
            mkdirSync(locks, { recursive: true });
            writeFileSync(
                join(locks, "11111111-1111-4111-8111-111111111111.json"),
                JSON.stringify({
                    pid: 1,
                    username: "runner",
                    hostname: "another",
                    timestamp: new Date().toISOString(),
                }),
            );
            try {
                await expect(job.step(".forgejo/workflows/deploy.yml", "deploy", "Deploy")).rejects.toThrow(
                    /the stack is currently locked by 1 lock[\s\S]*pulumi cancel[\s\S]*runner@another/,
                );
                expect(readFileSync(join(operator.site.folder, "zot/config.json"), "utf8")).not.toContain(
                    '"level": "error"',
                );
            } finally {
                rmSync(locks, { recursive: true, force: true });
            }
        },
    );

    test("the deployment applies what is declared, where a site turned it on", async () => {
        const job = new Job({
            ...site(),
            AUTHENTIK_TOKEN: operator.site.authentik.token,
            ...(agent ? { ZOT_SSH_PRIVATE_KEY: operator.site.ssh.privateKeyPem } : {}),
        });
        job.declare({ zot: { logLevel: "debug" } });
        const ran = await job.step(".github/workflows/deploy.yml", "deploy", "Deploy");
        expect(ran).toMatchObject({ code: 0 });
        expect(readFileSync(join(operator.site.folder, "zot/config.json"), "utf8")).toContain('"level": "debug"');
        await expectNoCanary(job.text);
        expect(existsSync(join(job.folder, "home"))).toBe(false);
    });
});
