/** What the engine makes of the command plugin: what is kept, what runs again, and where secrets end up. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { remote } from "@pulumi/command";
import type { CustomResourceOptions } from "@pulumi/pulumi";
import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation";
import { stringify } from "yaml";
import { findToolchain, skippable, toolchainEnvironment } from "../../../testbed/bootstrap/toolchain.cjs";
import { type SshHost, startSshHost } from "../../../testbed/sshHost";

jest.setTimeout(180_000);

const { toolchain, reason } = findToolchain();
const official = process.env.PULUMI_COMMAND_PLUGIN;
const plugins = [
    { plugin: "stand-in", executable: path.resolve(__dirname, "../../../testbed/command/pulumi-resource-command") },
    ...(official ? [{ plugin: "real", executable: official }] : []),
];

/** The engine's mark of a secret value. */
const secretMark = "4dabf18193072939515e22adb298388d";

interface State {
    deployment: { resources: { type: string; inputs: Record<string, unknown>; outputs: Record<string, unknown> }[] };
}

(toolchain ? describe : describe.skip).each(plugins)(
    skippable("what the engine keeps of a command [$plugin]", reason),
    ({ executable }) => {
        let folder: string;
        let home: string;
        let host: SshHost;
        let stack: Stack;
        let inputs: Omit<remote.CommandArgs, "connection">;
        let options: CustomResourceOptions;
        let number = 0;

        beforeAll(async () => {
            folder = fs.mkdtempSync(path.join(os.tmpdir(), "command-state-"));
            home = path.join(folder, "home");
            for (const needed of [home, path.join(folder, "state")]) fs.mkdirSync(needed);
            host = await startSshHost({ kind: "embedded", home, shell: "/bin/sh" });
            const providers = [{ name: "command", path: path.dirname(executable) }];
            fs.writeFileSync(
                path.join(folder, "Pulumi.yaml"),
                stringify({ name: "commands", runtime: "nodejs", plugins: { providers } }),
            );
        });
        beforeEach(async () => {
            options = {};
            for (const name of fs.readdirSync(home)) fs.rmSync(path.join(home, name), { recursive: true, force: true });
            const connection = {
                host: host.host,
                port: host.port,
                user: host.user,
                privateKey: host.privateKeyPem,
                hostKey: host.hostPublicKey,
                dialErrorLimit: 0,
            };
            const program = async () =>
                void new remote.Command(
                    "push",
                    { connection, addPreviousOutputInEnv: false, logging: remote.Logging.None, ...inputs },
                    options,
                );
            const envVars = {
                ...(toolchainEnvironment(toolchain as NonNullable<typeof toolchain>) as Record<string, string>),
                PULUMI_CONFIG_PASSPHRASE: "of the test",
                PULUMI_BACKEND_URL: `file://${path.join(folder, "state")}`,
                PULUMI_HOME: path.join(folder, "pulumi-home"),
            };
            stack = await LocalWorkspace.createStack(
                { stackName: `s${++number}`, projectName: "commands", program },
                { workDir: folder, envVars },
            );
        });
        afterAll(async () => {
            await host?.stop();
            if (folder) fs.rmSync(folder, { recursive: true, force: true });
        });

        const up = async (changes: typeof inputs) => {
            inputs = changes;
            const { summary } = await stack.up({ color: "never" });
            return summary.resourceChanges as Record<string, number>;
        };
        const failedUp = async (changes: typeof inputs) => {
            inputs = changes;
            const told: string[] = [];
            await stack.up({ color: "never", onOutput: (text) => told.push(text) }).then(
                () => Promise.reject(new Error("it succeeded")),
                () => undefined,
            );
            return told.join("");
        };
        const command = async () =>
            ((await stack.exportStack()) as unknown as State).deployment.resources.find(
                ({ type }) => type === "command:remote:Command",
            );
        const journal = () => {
            const file = path.join(home, "journal");
            return fs.existsSync(file) ? fs.readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
        };

        test(
            "a failed create is not in the state, and the next up creates again [fact: Failed create: " +
                "nothing in state, next up creates again]",
            async () => {
                const told = await failedUp({ create: "echo create >> journal; exit 1" });
                expect(told).toContain("Process exited with status 1: running");
                expect(await command()).toBeUndefined();
                expect(await up({ create: "echo again >> journal" })).toMatchObject({ create: 1 });
                expect(journal()).toEqual(["create", "again"]);
            },
        );

        test(
            "after a failed update the old inputs are kept: once reverted, nothing runs [fact: Failed update: " +
                "old inputs kept, next up updates again; " +
                "if the program is then reverted to the old inputs, nothing runs]",
            async () => {
                const first = { create: "echo create >> journal", update: "echo update >> journal; cat > /dev/null" };
                await up({ ...first, stdin: "one" });
                const failing = { ...first, update: "echo failing >> journal; exit 1", stdin: "two" };
                await failedUp(failing);
                expect((await command())?.inputs.stdin).toBe("one");
                await failedUp(failing);
                expect(await up({ ...first, stdin: "one" })).toEqual({ same: 2 });
                expect(journal()).toEqual(["create", "failing", "failing"]);
            },
        );

        test("a change of input runs `update` [fact: create, update, delete, stdin: update in place, and the script runs]", async () => {
            const scripts = { create: "echo create >> journal", update: "echo update >> journal" };
            await up({ ...scripts, stdin: "one" });
            expect(await up({ ...scripts, stdin: "two" })).toMatchObject({ update: 1 });
            expect(journal()).toEqual(["create", "update"]);
        });

        test(
            "a second preview is clean; it, an up without a change and a refresh connect to nothing [fact: " +
                "Preview, no-op up, refresh make none]",
            async () => {
                await up({ create: "true" });
                const before = host.connections();
                expect((await stack.preview()).changeSummary).toEqual({ same: 2 });
                expect(await up({ create: "true" })).toEqual({ same: 2 });
                await stack.refresh();
                expect(host.connections()).toBe(before);
            },
        );

        test(
            "the connection is secret in the state, output is plain unless it is named [fact: " +
                "`connection` is wholly secret; stdout and stderr are plain unless `additionalSecretOutputs` " +
                "names them]",
            async () => {
                await up({ create: "echo shown" });
                const plain = await command();
                expect(plain?.outputs.stdout).toBe("shown");
                expect(plain?.inputs.connection).toHaveProperty([secretMark]);
                expect(plain?.outputs.connection).toHaveProperty([secretMark]);
                const stored = fs.readFileSync(
                    path.join(folder, "state/.pulumi/stacks/commands", `${stack.name}.json`),
                    "utf8",
                );
                expect(stored).toContain("ciphertext");
                expect(stored).not.toContain("PRIVATE KEY");
                options = { additionalSecretOutputs: ["stdout"] };
                await up({ create: "echo hidden" });
                expect((await command())?.outputs.stdout).toHaveProperty([secretMark]);
            },
        );

        test("a failure tells the script and its output, as they are [fact: error texts are not masked]", async () => {
            const told = await failedUp({ create: "cat; exit 1", stdin: "input of the command" });
            expect(told).toContain('Process exited with status 1: running "cat; exit 1":');
            expect(told).toContain("input of the command");
        });
    },
);
