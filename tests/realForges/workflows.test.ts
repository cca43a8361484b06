/**
 * The workflows as they stand, on a real Gitea with a real runner: green, failing, and failing in each step.
 * `npm run forges` starts the one, and ACTIONS_RUNNER names the other.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse, stringify } from "yaml";
import { findToolchain, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { reason as noOperator, STACK } from "../runbooks/operator";
import { tokenOfNewUser } from "./forgeApi";
import { Project, type Run } from "./project";

const { GITEA_FOLDER, ACTIONS_RUNNER } = process.env;
const reason =
    GITEA_FOLDER && ACTIONS_RUNNER
        ? (findToolchain().reason ?? noOperator)
        : "ACTIONS_RUNNER names a runner, for npm run forges";
const PREVIEW = `preview ${STACK}`;
const ISSUE = "The registry is not as declared";

jest.setTimeout(1_800_000);

/** A change of settings, as a commit has it. */
const declare = (group: string, members: object) => (folder: string) => {
    const file = path.join(folder, `Pulumi.${STACK}.yaml`);
    const current = parse(fs.readFileSync(file, "utf8")) as { config: Record<string, object> };
    current.config[`zot-hardening:${group}`] = { ...current.config[`zot-hardening:${group}`], ...members };
    fs.writeFileSync(file, stringify(current));
};

/** Each step of a job, and a command that it calls, which fails. */
const CHECKOUT: [string, string][] = [
    ["Check out", "git checkout *"],
    ["The runner's image has a Node that is new enough", "node build/nodeVersion.cjs"],
];
// Not curl: the archive of an earlier run is kept.
const PULUMI: [string, string][] = [...CHECKOUT, ["Install Pulumi", "tar *"], ["Install the packages", "npm ci*"]];
const HAND_ON: [string, string] = ["Hand on the text", "node .github/scripts/safe-to-publish.cjs *"];
const COMMENT: [string, string][] = [...CHECKOUT, ["Comment", "node */forge.cjs *"]];
const STEPS = {
    review: {
        rights: [
            CHECKOUT[0]!,
            ["Fetch the head", "git fetch * refs/pull/*"],
            CHECKOUT[1]!,
            ["Install the packages of the base", "npm ci*"],
            ["What the change gives and takes", "npm run --silent review *"],
            HAND_ON,
        ] as [string, string][],
        comment: COMMENT,
    },
    preview: { preview: [...PULUMI, ["Preview", "pulumi preview *"], HAND_ON] as [string, string][], comment: COMMENT },
    drift: [...PULUMI, ["Look for drift", "pulumi preview *"], ["Publish", "node */forge.cjs *"]] as [string, string][],
    deploy: [...PULUMI, ["Deploy", "pulumi up *"]] as [string, string][],
};

(reason ? describe.skip : describe)(skippable("the workflows, with a real runner", reason), () => {
    let project: Project;
    beforeAll(async () => {
        project = await Project.start(GITEA_FOLDER!, ACTIONS_RUNNER!);
        await project.api("PUT", `${project.where}/actions/workflows/test.yml/disable`);
    });
    afterAll(() => project?.stop());
    beforeEach(() => {
        project.fail();
        project.pretend();
    });
    /** Whatever a test has started: nothing of it shows a secret. */
    afterEach(() => {
        for (const canary of project?.canaries ?? []) expect(project.logs.includes(canary)).toBe(false);
    });
    const conclusions = (runs: Run[]) => runs.map(({ workflow, conclusion }) => `${workflow}: ${conclusion}`);
    const expectNoCanary = (texts: string[]) => {
        for (const canary of project.canaries) for (const text of texts) expect(text.includes(canary)).toBe(false);
    };
    const config = () => fs.readFileSync(path.join(project.operator.site.folder, "zot/config.json"), "utf8");
    const both = (start: () => unknown) => project.runs(["review", "preview"], start);

    test("a change of rights: review and preview are green, a comment each, which the bot wrote", async () => {
        let pull = 0;
        let head = "";
        project.environments();
        const runs = await both(async () => {
            head = project.push("rights", declare("access", { ciRepositories: ["app/**"] }));
            pull = await project.pull("rights");
        });
        expect({ said: conclusions(runs), logs: runs.map(({ log }) => log.slice(-1500)) }).toMatchObject({
            said: ["review: success", "preview: success"],
        });
        for (const key of ["review", PREVIEW]) {
            const comment = await project.comment(pull, key);
            expect(comment).toContain("except `app/**`");
            expect(comment).toMatch(new RegExp(`about the commit ${head}\\.\\n*$`));
        }
        const comments = await project.comments(pull);
        expect(comments.map(({ user }) => user.login)).toEqual([project.bot, project.bot]);
        expectNoCanary(comments.map(({ body }) => body));

        const environments = project.environments();
        const tokens = environments.flatMap(({ env }) =>
            [...env.matchAll(/^(?:GIT_TOKEN|GITHUB_TOKEN|ACTIONS_RUNTIME_TOKEN|FORGE_TOKEN)=(.+)$/gm)].map(
                ([, token]) => token!,
            ),
        );
        expect(new Set(tokens).size).toBeGreaterThan(2);
        const mayHaveThem = /^(git (init|fetch|checkout)|node (\S*\/safe-to-publish|\S*\/forge|--print)\b)/;
        const others = environments.filter(({ command }) => !mayHaveThem.test(command));
        expect(others.map(({ command }) => command.split(" ")[0])).toEqual(
            expect.arrayContaining(["npm", "pulumi", "node", "curl"]),
        );
        for (const { command, env } of others)
            expect({ command, has: tokens.filter((token) => env.includes(token)) }).toEqual({ command, has: [] });
    });

    test("settings that are wrong: both say so in place of what they said before, and the runs are red", async () => {
        let pull = 0;
        await both(async () => {
            project.push("wrong", declare("zot", { logLevel: "debug" }));
            pull = await project.pull("wrong");
        });
        const runs = await both(() => project.push("wrong", declare("access", { ciRepositories: ["app/["] })));
        expect(conclusions(runs)).toEqual(["review: failure", "preview: failure"]);
        expect(await project.comment(pull, PREVIEW)).toMatch(/preview of the stack prod failed[\s\S]*ciRepositories/);
        expect(await project.comment(pull, "review")).toContain("ciRepositories");
        const right = await both(() => project.push("wrong", declare("access", { ciRepositories: ["**"] })));
        expect(conclusions(right)).toEqual(["review: success", "preview: success"]);
        expect(await project.comment(pull, PREVIEW)).not.toContain("failed");
        expect(await project.comments(pull)).toHaveLength(2);
    });

    test("each step of review and preview that fails makes the run red, and the comment says that it failed", async () => {
        let pull = 0;
        await both(async () => {
            project.push("steps", declare("zot", { logLevel: "debug" }));
            pull = await project.pull("steps");
        });
        // Which step fails is the question, and not what the others find.
        project.pretend("npm *", "pulumi *");
        const flat = (jobs: Record<string, [string, string][]>) =>
            Object.entries(jobs).flatMap(([job, steps]) => steps.map(([step, command]) => ({ job, step, command })));
        const [ofReview, ofPreview] = [flat(STEPS.review), flat(STEPS.preview)];
        expect(ofReview).toHaveLength(ofPreview.length);
        for (const [index, review] of ofReview.entries()) {
            const preview = ofPreview[index]!;
            project.fail({ workflow: "Review", ...review }, { workflow: "Preview", ...preview });
            let head = "";
            const runs = await both(() => (head = project.push("steps")));
            for (const [number, { job, step }] of [review, preview].entries()) {
                expect({ job, step, conclusion: runs[number]!.conclusion, log: runs[number]!.log }).toEqual({
                    job,
                    step,
                    conclusion: "failure",
                    log: expect.stringContaining("made to fail") as string,
                });
                // In the job that publishes there is nobody left to say it; the run is red.
                const comment = await project.comment(pull, number === 0 ? "review" : PREVIEW);
                if (job !== "comment")
                    expect({ step, comment }).toEqual({
                        step,
                        comment: expect.stringMatching(
                            new RegExp(`^### The .* failed\\n[\\s\\S]*the commit ${head}`),
                        ) as string,
                    });
            }
        }
        expect(await project.comments(pull)).toHaveLength(2);
    });

    test("drift: one issue of the bot's; a step that fails is red and leaves it as it is", async () => {
        const ours = async () =>
            (await project.issues()).map(({ title, state, user }) => `${title}, ${state}, ${user.login}`);
        const drift = async () => (await project.runs(["drift"], () => project.dispatch("drift")))[0]!;
        expect(await drift()).toMatchObject({ conclusion: "success" });
        expect(await ours()).toEqual([]);
        const { authentik } = project.operator.site;
        await authentik.api("PATCH", "/core/applications/zot/", { name: "Changed by hand" });
        expect(await drift()).toMatchObject({ conclusion: "success" });
        expect(await ours()).toEqual([`${ISSUE}, open, ${project.bot}`]);
        expectNoCanary((await project.issues()).map(({ body }) => body));
        await authentik.api("PATCH", "/core/applications/zot/", { name: "Zot Registry" });
        for (const [step, command] of STEPS.drift) {
            project.fail({ workflow: "Drift", job: "drift", command });
            const { conclusion, log } = await drift();
            expect({ step, conclusion, log }).toEqual({
                step,
                conclusion: "failure",
                log: expect.stringContaining("made to fail") as string,
            });
            expect(await ours()).toEqual([`${ISSUE}, open, ${project.bot}`]);
        }
        project.fail();
        expect(await drift()).toMatchObject({ conclusion: "success" });
        expect(await ours()).toEqual([`${ISSUE}, closed, ${project.bot}`]);
    });

    test("a deployment applies what main declares; a step that fails is red, and applies nothing", async () => {
        const before = config();
        project.push("main", declare("zot", { logLevel: "debug" }));
        const deploy = async () => (await project.runs(["deploy"], () => project.dispatch("deploy")))[0]!;
        for (const [step, command] of STEPS.deploy) {
            project.fail({ workflow: "Deploy", job: "deploy", command });
            const { conclusion } = await deploy();
            expect({ step, conclusion, config: config() }).toEqual({ step, conclusion: "failure", config: before });
        }
        project.fail();
        expect(await deploy()).toMatchObject({ conclusion: "success" });
        expect(config()).toContain('"level": "debug"');
    });

    test("a second deployment ends the first, which Gitea does, and fails at the state's lock; then it is ended by hand", async () => {
        project.push("main", declare("zot", { logLevel: "error" }));
        const locks = path.join(project.operator.home, ".pulumi-state/.pulumi/locks/organization/zot-hardening", STACK);
        const isLocked = () => fs.existsSync(locks) && fs.readdirSync(locks).length > 0;
        const runs = await project.runs(["deploy", "deploy"], async () => {
            await project.dispatch("deploy");
            while (!isLocked()) await sleep(100);
            await project.dispatch("deploy");
        });
        expect(runs.map(({ conclusion }) => conclusion)).toEqual(["cancelled", "failure"]);
        expect(runs[1]!.log).toMatch(/the stack is currently locked by 1 lock[\s\S]*pulumi cancel/);
        await project.operator.type(`pulumi cancel --yes --stack ${STACK}`);
        const [again] = await project.runs(["deploy"], () => project.dispatch("deploy"));
        expect(again).toMatchObject({ conclusion: "success" });
        expect(config()).toContain('"level": "error"');
    });

    test("a fork's change is reviewed; its own code gets no secret, and no preview is made", async () => {
        const login = "contributor";
        const token = await tokenOfNewUser(project.gitea, login, ["write:repository", "write:issue"]);
        // Whoever may write needs no approval.
        await project.api("PUT", `${project.where}/collaborators/${login}`, { permission: "write" });
        await project.api("POST", `${project.where}/forks`, {}, token);
        await project.api(
            "PUT",
            `/repos/${login}/${project.name}/collaborators/operator`,
            { permission: "write" },
            token,
        );
        await project.api("PUT", `${project.where}/actions/workflows/test.yml/enable`);
        let pull = 0;
        const runs = await project.runs(["review", "test"], async () => {
            project.push(
                "from-fork",
                declare("access", { ciRepositories: ["app/**"] }),
                `/repos/${login}/${project.name}`,
            );
            pull = await project.pull("from-fork", `${login}:from-fork`, token);
        });
        expect(runs[0]!.conclusion).toBe("success");
        expect(await project.comment(pull, "review")).toContain("except `app/**`");
        expect(runs[1]!.log).toContain("GITHUB_REPOSITORY=acme/registry");
        expect(runs[1]!.log).not.toMatch(/^.*(PASSPHRASE|AUTHENTIK|FORGE_TOKEN|FORGE_BOT|SSH_PRIVATE)/m);
        expect(await project.comment(pull, PREVIEW)).toBeUndefined();
    });
});
