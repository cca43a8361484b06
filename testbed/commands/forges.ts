/** npm run forges: ci-secrets and the workflows on a real Gitea, and on a real Forgejo if one is given. */
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { command, EXIT, run } from "../../cli/shared/command";
import { projectFolder } from "../../cli/shared/stack";
import { UserError } from "../../clients/userError";
import { tellProblem } from "../problem";

const program = command(
    "npm run forges --",
    "Tests ci-secrets and the workflows on a real Gitea, " +
        "built from its Go module and run on loopback; and on a real Forgejo where one is given.",
    "ACTIONS_RUNNER=/usr/local/bin/act_runner npm run forges -- --test drift",
)
    .option("-t, --test <words>", "only the tests whose names have these words (a regular expression)")
    .addHelpText(
        "after",
        `
GITEA_FOLDER         a folder with a gitea that is built already, and its options, public and templates
ACTIONS_RUNNER       an act_runner, gitea-runner or forgejo-runner, which runs the workflows on this machine, as this
                     user; without it they are not run
FORGEJO_URL          a Forgejo; what is made there is an organisation of a random name, which is removed at the end
FORGEJO_ADMIN_TOKEN  a token of its administrator, with all scopes
Exit code: 0 all is as expected, 1 something is not, or could not be had, 2 a mistake on the command line, 3 a defect.`,
    )
    .action(async ({ test }: { test?: string }) => {
        const root = projectFolder();
        if (Boolean(process.env.FORGEJO_URL) !== Boolean(process.env.FORGEJO_ADMIN_TOKEN))
            throw new UserError("FORGEJO_URL and FORGEJO_ADMIN_TOKEN go together: one of them is not set.");
        // Before the half hour that a Gitea takes.
        const nothing = test === undefined ? undefined : whyNothing(root, test);
        if (nothing !== undefined) program.error(nothing, { exitCode: EXIT.usage });
        const { giteaFolder } = require(join(root, "testbed", "forges", "install.cjs")) as {
            giteaFolder(env: NodeJS.ProcessEnv, say: (line: string) => void): Promise<string>;
        };
        const say = (line: string) => void process.stderr.write(`${line}\n`);
        const folder = process.env.GITEA_FOLDER ?? (await giteaFolder(process.env, say).catch(tellProblem));
        say(
            `Gitea: ${folder}. Runner: ${process.env.ACTIONS_RUNNER ?? "none is given"}. ` +
                `Forgejo: ${process.env.FORGEJO_URL ?? "none is given"}.`,
        );
        const child = spawn(process.execPath, jest(root, "--runInBand", ...(test === undefined ? [] : ["-t", test])), {
            cwd: root,
            env: { ...process.env, GITEA_FOLDER: folder },
            stdio: "inherit",
        });
        process.exitCode = await new Promise<number>((resolve, reject) => {
            child.on("error", reject);
            child.on("close", (code) => resolve(code === 0 ? EXIT.done : EXIT.mistake));
        });
    });

const jest = (root: string, ...args: string[]) => [
    join(root, "node_modules", "jest", "bin", "jest.js"),
    ...args,
    "tests/realForges",
];

/** Why these words choose no test that would be run; undefined if they do. */
function whyNothing(root: string, words: string): string | undefined {
    let pattern: RegExp;
    try {
        pattern = new RegExp(words, "i");
    } catch (error) {
        return `--test ${words} is no regular expression: ${(error as Error).message}`;
    }
    // A pattern that nothing matches: all are listed, and none is run.
    const { stdout, stderr } = spawnSync(process.execPath, jest(root, "--json", "--testNamePattern", "(?!)"), {
        cwd: root,
        env: { ...process.env, GITEA_FOLDER: process.env.GITEA_FOLDER ?? "built later" },
        encoding: "utf8",
    });
    let listed: { testResults: { assertionResults: { fullName: string }[] }[] };
    try {
        listed = JSON.parse(stdout) as typeof listed;
    } catch {
        throw new Error(`jest listed no tests:\n${stderr}`);
    }
    const names = listed.testResults.flatMap(({ assertionResults }) =>
        assertionResults.map(({ fullName }) => fullName),
    );
    const chosen = names.filter((name) => pattern.test(name));
    if (chosen.length === 0) return `No test has the words ${words} in its name. There are:\n  ${names.join("\n  ")}`;
    const reasons = chosen.map((name) => /\[skipped: (.*?)\]/.exec(name)?.[1]);
    return reasons.includes(undefined) ? undefined : `Nothing would be run: ${[...new Set(reasons)].join("; ")}.`;
}
void run(program);
