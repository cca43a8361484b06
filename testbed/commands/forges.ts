/** npm run forges: ci-secrets and the workflows' scripts on a real Gitea, and on a real Forgejo where one is given. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { command, run } from "../../cli/shared/command";
import { projectFolder } from "../../cli/shared/stack";
import { UserError } from "../../clients/userError";

const program = command(
    "npm run forges --",
    "Tests ci-secrets and what the workflows publish on a real Gitea, " +
        "built from its Go module and run on loopback; and on a real Forgejo where one is given.",
    "FORGEJO_URL=https://forge.example.org FORGEJO_ADMIN_TOKEN=… npm run forges",
)
    .option("-t, --test <words>", "only the tests whose names have these words")
    .addHelpText(
        "after",
        `
GITEA_FOLDER         a folder with a gitea that is built already, and its options, public and templates
FORGEJO_URL          a Forgejo; what is made there is an organisation of a random name, which is removed at the end
FORGEJO_ADMIN_TOKEN  a token of its administrator, with all scopes
Exit code: 0 all is as expected, 1 something is not, or could not be had, 2 a mistake on the command line, 3 a defect.`,
    )
    .action(async ({ test }: { test?: string }) => {
        const root = projectFolder();
        if (Boolean(process.env.FORGEJO_URL) !== Boolean(process.env.FORGEJO_ADMIN_TOKEN))
            throw new UserError("FORGEJO_URL and FORGEJO_ADMIN_TOKEN go together: one of them is not set.");
        const { giteaFolder } = require(join(root, "testbed", "forges", "install.cjs")) as {
            giteaFolder(env: NodeJS.ProcessEnv, say: (line: string) => void): Promise<string>;
        };
        const say = (line: string) => void process.stderr.write(`${line}\n`);
        const folder =
            process.env.GITEA_FOLDER ??
            (await giteaFolder(process.env, say).catch((error: Error) => {
                throw error.constructor.name === "Problem" ? new UserError(error.message) : error;
            }));
        say(`Gitea: ${folder}. Forgejo: ${process.env.FORGEJO_URL ?? "none is given"}.`);
        const child = spawn(
            process.execPath,
            [
                join(root, "node_modules", "jest", "bin", "jest.js"),
                "--runInBand",
                "tests/realForges",
                ...(test === undefined ? [] : ["-t", test]),
            ],
            { cwd: root, env: { ...process.env, GITEA_FOLDER: folder }, stdio: "inherit" },
        );
        process.exitCode = await new Promise<number>((resolve, reject) => {
            child.on("error", reject);
            child.on("close", (code) => resolve(code === 0 ? 0 : 1));
        });
    });
void run(program);
