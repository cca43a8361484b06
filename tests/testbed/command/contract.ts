/**
 * What a program meets in the command plugin, the same for the stand-in and the official plugin: the latter runs where
 * PULUMI_COMMAND_PLUGIN is the path of its executable (1.2.1).
 */
import { execFileSync, spawn } from "node:child_process";
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { type PropertyMap, type PropertyValue, secret, unwrapMap } from "../../../providers/protocol";
import { peel } from "../../../testbed/command/marks";
import { fingerprint, generateKeyPair, type SshHost, startSshHost } from "../../../testbed/sshHost";
import { Engine, UNKNOWN, urnOf } from "./engine";

jest.setTimeout(90_000);

const standIn = path.resolve(__dirname, "../../../testbed/command/pulumi-resource-command");
const official = process.env.PULUMI_COMMAND_PLUGIN;
const plugins = [
    { plugin: "stand-in", executable: standIn },
    ...(official ? [{ plugin: "real", executable: official }] : []),
];

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "command-test-"));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

const stranger = () => generateKeyPair("ed25519", "stranger");
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(what: string, condition: () => boolean, seconds = 10): Promise<void> {
    for (const deadline = Date.now() + seconds * 1000; !condition(); await sleep(20)) {
        if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    }
}

/** The message of a failure; a success is an error here. */
async function failureOf(operation: Promise<unknown>): Promise<string> {
    let answer: unknown;
    try {
        answer = await operation;
    } catch (error) {
        return (error as Error).message;
    }
    throw new Error(`it succeeded: ${JSON.stringify(answer)}`);
}

function skipOfficial(): void {
    if (!official) test.skip("official plugin: PULUMI_COMMAND_PLUGIN is not set", () => {});
}

/** What needs no host: configuration, Check, Diff, previews, Read. */
export function withoutHost(): void {
    skipOfficial();
    describe.each(plugins)("without a host [$plugin]", ({ plugin, executable }) => {
        let engine: Engine;
        let configured: Awaited<ReturnType<Engine["configure"]>>;
        beforeAll(async () => {
            engine = await Engine.start(executable);
            configured = await engine.configure();
        });
        afterAll(() => engine.stop());

        const minimal = { connection: { host: "registry.example.com" } };
        const filled = { host: "registry.example.com", port: 22, user: "root", dialErrorLimit: 10, perDialTimeout: 15 };

        test(
            "is 1.2.1 and looks after secrets itself [fact: GetPluginInfo 1.2.1; " +
                "Configure answers acceptSecrets, supportsPreview, acceptResources, acceptOutputs]",
            async () => {
                expect(await engine.version()).toBe("1.2.1");
                expect(configured).toEqual({
                    acceptSecrets: true,
                    supportsPreview: true,
                    acceptResources: true,
                    acceptOutputs: true,
                });
            },
        );

        test(
            "has a schema with remote.Command in it [fact: `triggers`: " +
                "replacement (the SDK's `replaceOnChanges` does that)]",
            async () => {
                const command = JSON.parse(await engine.schema()).resources["command:remote:Command"];
                expect(command.requiredInputs).toEqual(["connection"]);
                expect(Object.keys(command.inputProperties).sort()).toEqual([
                    "addPreviousOutputInEnv",
                    "connection",
                    "create",
                    "delete",
                    "environment",
                    "logging",
                    "stdin",
                    "triggers",
                    "update",
                ]);
                expect(command.inputProperties.connection.secret).toBe(true);
                expect(command.inputProperties.triggers.replaceOnChanges).toBe(true);
            },
        );

        describe("Check", () => {
            test(
                "fills in the defaults and makes the connection secret [fact: " +
                    "Check fills user root, port 22, dialErrorLimit 10, " +
                    "perDialTimeout 15 and marks `connection` secret]",
                async () => {
                    const { inputs, failures } = await engine.check(minimal);
                    expect(failures).toEqual([]);
                    expect(inputs).toEqual({ connection: secret(filled) });
                },
            );

            test("leaves what was given, zeros too, and cuts fractions of whole numbers", async () => {
                const given = { host: "h", port: 0, user: "", dialErrorLimit: 0, perDialTimeout: 2.9 };
                expect((await engine.check({ connection: given })).inputs).toEqual({
                    connection: secret({ ...given, perDialTimeout: 2 }),
                });
            });

            test("makes keys and passwords secret, of the jump host as well", async () => {
                const login = { password: "p", privateKey: "k", privateKeyPassword: "w" };
                const secrets = { password: secret("p"), privateKey: secret("k"), privateKeyPassword: secret("w") };
                const { inputs } = await engine.check({
                    connection: { ...filled, ...login, proxy: { host: "jump", ...login } },
                });
                expect(inputs).toEqual({
                    connection: secret({ ...filled, ...secrets, proxy: { ...filled, host: "jump", ...secrets } }),
                });
            });

            test("keeps secrets secret and the rest plain", async () => {
                const given = {
                    ...minimal,
                    create: "c",
                    stdin: secret("s"),
                    environment: { A: "a", B: secret("b") },
                    triggers: [1, { c: secret(true) }],
                };
                expect((await engine.check(given)).inputs).toEqual({ ...given, connection: secret(filled) });
            });

            test("lets pass what is not known yet", async () => {
                const { inputs, failures } = await engine.check({
                    connection: { ...filled, host: UNKNOWN },
                    create: UNKNOWN,
                });
                expect(failures).toEqual([]);
                expect(inputs).toEqual({ connection: secret({ ...filled, host: UNKNOWN }), create: UNKNOWN });
                expect(peel((await engine.check({ connection: UNKNOWN })).inputs.connection as PropertyValue)).toEqual({
                    plain: UNKNOWN,
                    secret: true,
                });
            });

            test("takes a secret that is not known yet for an empty one", async () => {
                const { inputs } = await engine.check({ ...minimal, stdin: secret(UNKNOWN) });
                expect(inputs.stdin).toEqual(secret(""));
            });

            test("a null is absent", async () => {
                expect(
                    (await engine.check({ connection: { host: "registry.example.com", port: null }, stdin: null }))
                        .inputs,
                ).toEqual({ connection: secret(filled) });
            });

            test.each<[string, PropertyMap, string, string]>([
                [
                    "no connection",
                    { create: "x" },
                    "connection",
                    "Missing required field 'connection' on 'remote.CommandInputs'",
                ],
                [
                    "a number for a script",
                    { ...minimal, create: 5 },
                    "create",
                    "Field 'create' on 'remote.CommandInputs' must be a 'string'; got 'float64' instead",
                ],
                [
                    "no host",
                    { connection: {} },
                    "connection",
                    "An error occurred decoding 'CommandInputs.connection': 1 failures decoding:\n\thost: " +
                        "Missing required field 'host' on 'remote.Connection'",
                ],
                [
                    "a misspelt field",
                    { ...minimal, commands: "x" },
                    "commands",
                    "Unrecognized field 'commands' on 'remote.CommandInputs'",
                ],
                [
                    "a number in the environment",
                    { ...minimal, environment: { A: 1 } },
                    "environment[A] value",
                    "Field 'environment[A] value' on 'remote.CommandInputs' must be a 'string'; got 'float64' instead",
                ],
                [
                    "a text for a list",
                    { ...minimal, triggers: "x" },
                    "triggers",
                    "Field 'triggers' on 'remote.CommandInputs' must be a '[]interface {}'; got 'string' instead",
                ],
                [
                    "a text for a truth value",
                    { ...minimal, addPreviousOutputInEnv: "false" },
                    "addPreviousOutputInEnv",
                    "Field 'addPreviousOutputInEnv' on 'remote.CommandInputs' must be a 'bool'; got 'string' instead",
                ],
            ])("refuses %s", async (_what, inputs, property, reason) => {
                expect((await engine.check(inputs)).failures).toEqual([{ property, reason }]);
            });

            test(
                "refuses a port that is a text [fact: " +
                    "A connection field of the wrong type prints the private key in clear]",
                async () => {
                    const { failures, inputs } = await engine.check({
                        connection: { ...filled, port: "22", privateKey: "KEY" },
                    });
                    expect(failures).toEqual([
                        {
                            property: "connection",
                            reason:
                                "An error occurred decoding 'CommandInputs.connection': " +
                                "1 failures decoding:\n\tport: Field 'port' on 'remote.Connection' must be a " +
                                "'float64'; got 'string' instead",
                        },
                    ]);
                    expect(inputs.connection).toEqual(secret({ ...filled, port: "22", privateKey: secret("KEY") }));
                },
            );
        });

        describe("Diff", () => {
            const oldInputs: PropertyMap = {
                create: "push",
                stdin: secret("input"),
                triggers: ["a", { b: 1 }],
                environment: { "with.dot": "1", kept: "1" },
                connection: secret(filled),
            };
            const oldOutputs: PropertyMap = { ...oldInputs, stdout: "out", stderr: "" };
            const diff = (changes: PropertyMap) => {
                const inputs: PropertyMap = { ...oldInputs };
                for (const [name, value] of Object.entries(changes)) {
                    if (value === null) delete inputs[name];
                    else inputs[name] = value;
                }
                return engine.diff({ oldInputs, oldOutputs, inputs });
            };

            test(
                "the same inputs are no difference, whatever the output was [fact: " +
                    "Diff compares with the old inputs; a second preview is clean]",
                async () => {
                    expect(await diff({})).toEqual({ changes: "none", detailed: {}, replaces: [] });
                },
            );

            test.each<[string, PropertyMap, Record<string, string>]>([
                ["another script", { create: "push --now" }, { create: "UPDATE" }],
                ["other input", { stdin: secret("other") }, { stdin: "UPDATE" }],
                ["input that is secret no more", { stdin: "input" }, { stdin: "UPDATE" }],
                ["no input", { stdin: null }, { stdin: "DELETE" }],
                ["a script for the end", { delete: "remove" }, { delete: "ADD" }],
                [
                    "another host",
                    { connection: secret({ ...filled, host: "other.example.com" }) },
                    { connection: "UPDATE" },
                ],
                [
                    "a host key",
                    { connection: secret({ ...filled, hostKey: "ssh-ed25519 AAAA" }) },
                    { connection: "UPDATE" },
                ],
                [
                    "another trigger, which is no replacement here",
                    { triggers: ["c", { b: 1 }] },
                    { "triggers[0]": "UPDATE" },
                ],
                ["a change inside a trigger", { triggers: ["a", { b: 2 }] }, { "triggers[1].b": "UPDATE" }],
                ["one more trigger and one less", { triggers: ["a", { b: 1 }, "c"] }, { "triggers[2]": "ADD" }],
                ["fewer triggers", { triggers: ["a"] }, { "triggers[1]": "DELETE" }],
                [
                    "other variables",
                    { environment: { "with.dot": "2", more: "1" } },
                    { 'environment["with.dot"]': "UPDATE", "environment.kept": "DELETE", "environment.more": "ADD" },
                ],
                ["a list's secrecy of one trigger", { triggers: ["a", secret({ b: 1 })] }, { "triggers[1]": "UPDATE" }],
                ["a logging mode", { logging: "none" }, { logging: "ADD" }],
                ["a script that is not known yet", { create: UNKNOWN }, { create: "UPDATE" }],
            ])("%s", async (_what, changes, expected) => {
                const { changes: has, detailed, replaces } = await diff(changes);
                expect([has, replaces]).toEqual(["some", []]);
                expect(detailed).toEqual(
                    Object.fromEntries(
                        Object.entries(expected).map(([path, kind]) => [path, { kind, inputDiff: false }]),
                    ),
                );
            });
        });

        test.each<[string, PropertyMap, PropertyMap, string]>([
            ["given for the first time", {}, { triggers: ["a"] }, "ADD_REPLACE"],
            ["given no more", { triggers: ["a"] }, {}, "DELETE_REPLACE"],
            ["secret from now on", { triggers: ["a"] }, { triggers: secret(["a"]) }, "UPDATE_REPLACE"],
        ])(
            "triggers, %s, are the one change that asks for a replacement by itself",
            async (_what, before, after, kind) => {
                const common = { create: "push", connection: secret(filled) };
                const oldInputs = { ...common, ...before };
                const answer = await engine.diff({
                    oldInputs,
                    oldOutputs: { ...oldInputs, stdout: "", stderr: "" },
                    inputs: { ...common, ...after },
                });
                expect(answer).toEqual({
                    changes: "some",
                    detailed: { triggers: { kind, inputDiff: false } },
                    replaces: ["triggers"],
                });
            },
        );

        describe("a preview", () => {
            test(
                "of a create tells the inputs, and that the output is not known [fact: " +
                    "preview's stdout and stderr are the unknown sentinel]",
                async () => {
                    const inputs = { create: "push", stdin: secret("s"), connection: secret(filled) };
                    const { id, properties } = await engine.create(inputs, { preview: true, name: "registry" });
                    expect(id).toMatch(/^registry[0-9a-f]{8}$/);
                    expect(properties).toEqual({ ...inputs, stdout: UNKNOWN, stderr: UNKNOWN });
                },
            );

            test.each<[string, PropertyMap, boolean]>([
                ["other input", { stdin: secret("t") }, true],
                ["no input", {}, true],
                ["another connection", { stdin: secret("s"), connection: secret({ ...filled, port: 2222 }) }, true],
                ["one input more, which counts for nothing", { stdin: secret("s"), delete: "remove" }, false],
                ["nothing new", { stdin: secret("s") }, false],
            ])("of an update with %s", async (_what, changes, unknown) => {
                const common = { create: "push", connection: secret(filled) };
                const oldInputs = { ...common, stdin: secret("s") };
                const inputs = { ...common, ...changes };
                const properties = await engine.update({
                    id: "x",
                    oldInputs,
                    oldOutputs: { ...oldInputs, stdout: "o", stderr: "e" },
                    inputs,
                    preview: true,
                });
                expect(properties).toEqual({
                    ...inputs,
                    stdout: unknown ? UNKNOWN : "o",
                    stderr: unknown ? UNKNOWN : "e",
                });
            });
        });

        test("Read answers with the state [fact: Read returns the state without connecting]", async () => {
            const inputs = { create: "push", connection: secret(filled) };
            const properties = { ...inputs, stdout: "o", stderr: "" };
            expect(await engine.read({ id: "x1", inputs, properties })).toEqual({ id: "x1", inputs, properties });
        });

        test(
            "a step without a script connects to nothing [fact: " +
                "Preview, no-op up, refresh, and a step with no command make no connection]",
            async () => {
                const inputs = { connection: secret({ ...filled, host: "no-such-host.invalid" }), stdin: "s" };
                const { properties } = await engine.create(inputs);
                expect(properties).toEqual({ ...inputs, stdout: "", stderr: "" });
                const updated = await engine.update({
                    id: "x",
                    oldInputs: inputs,
                    oldOutputs: { ...properties, stdout: secret("o") },
                    inputs,
                });
                expect(updated).toEqual({ ...inputs, stdout: "o", stderr: "" });
                await engine.delete({ id: "x", inputs, properties });
            },
        );

        test("refuses inputs of the wrong type after Check too", async () => {
            const connection = secret({ ...filled, port: "22", privateKey: "KEY" });
            const reason =
                "1 failures decoding:\n\tconnection: An error occurred decoding 'CommandInputs.connection': " +
                "1 failures decoding:\n\tport: Field 'port' on 'remote.Connection' must be a 'float64'; " +
                "got 'string' instead";
            expect(await failureOf(engine.create({ create: "true", connection }))).toBe(`invalid inputs: ${reason}`);
            expect(await failureOf(engine.delete({ id: "x", inputs: {}, properties: { stdout: "" } }))).toBe(
                "2 failures decoding:\n\tconnection: Missing required field 'connection' on " +
                    "'remote.CommandOutputs'\n\tstderr: Missing required field 'stderr' on 'remote.CommandOutputs'",
            );
        });

        if (plugin === "stand-in") {
            test("says once that it is a stand-in", async () => {
                const own = await Engine.start(executable);
                await own.configure();
                await own.check(minimal);
                await own.check(minimal);
                expect(own.log).toEqual([
                    {
                        severity: "info",
                        message: "Commands on hosts are run by the test bed's stand-in for the command plugin 1.2.1.",
                        ephemeral: false,
                    },
                ]);
                await own.stop();
            });

            test.each(["command:local:Command", "command:remote:CopyToRemote"])(
                "says that it has no %s",
                async (type) => {
                    expect(await failureOf(engine.check({ create: "x" }, { urn: urnOf("x", type) }))).toBe(
                        `This is the test bed's stand-in for the command plugin, which has no ${type}, ` +
                            "only command:remote:Command. " +
                            "Install the official plugin: pulumi plugin install resource command 1.2.1",
                    );
                },
            );
        }
    });
}

/** What happens on a host, of either kind. */
export function onHost(kind: "embedded" | "openssh"): void {
    skipOfficial();
    describe.each(plugins)(`on a host (${kind}) [$plugin]`, ({ executable }) => {
        let engine: Engine;
        let host: SshHost;
        let home: string;
        beforeAll(async () => {
            home = fs.mkdtempSync(path.join(scratch, "home-"));
            host = await startSshHost({ kind, home, shell: "/bin/sh", hostKeyTypes: ["ed25519", "ecdsa", "rsa"] });
            engine = await Engine.start(executable);
            await engine.configure();
        });
        beforeEach(() => {
            engine.log.length = 0;
        });
        afterAll(async () => {
            await engine?.stop();
            await host?.stop();
        });

        const inputsOf = async (inputs: PropertyMap, connection: PropertyMap = {}): Promise<PropertyMap> => {
            const whole = {
                host: host.host,
                port: host.port,
                user: host.user,
                privateKey: host.privateKeyPem,
                hostKey: host.hostPublicKey,
                dialErrorLimit: 0,
                ...connection,
            };
            const checked = await engine.check({ ...inputs, connection: whole });
            expect(checked.failures).toEqual([]);
            return checked.inputs;
        };
        const create = async (
            inputs: PropertyMap,
            connection?: PropertyMap,
            options?: Parameters<Engine["create"]>[1],
        ) => engine.create(await inputsOf(inputs, connection), options);
        const outputOf = async (inputs: PropertyMap, connection?: PropertyMap) => {
            const { properties } = await create(inputs, connection);
            return { stdout: properties.stdout, stderr: properties.stderr };
        };
        const shownLines = () => engine.log.filter((line) => line.ephemeral).map((line) => line.message);
        const keptLines = () =>
            engine.log.filter((line) => !line.ephemeral && !line.message.includes("stand-in")).map((line) => line);

        describe("a command", () => {
            test(
                "runs by the shell in the home folder; each stream loses one line break [fact: " +
                    "stdout and stderr lose one trailing newline; cwd the home folder]",
                async () => {
                    expect(await outputOf({ create: "pwd -P; printf 'two\\n\\n'; printf 'error\\r\\n' >&2" })).toEqual({
                        stdout: `${fs.realpathSync(home)}\ntwo\n`,
                        stderr: "error\r",
                    });
                },
            );

            test(
                "makes one connection, and the connection stays open [fact: " +
                    "Create, update and delete each make one TCP connection and one exec session; " +
                    "the connection is not closed until the plugin exits]",
                async () => {
                    const before = host.connections();
                    await create({ create: "true" });
                    expect(host.connections() - before).toBe(1);
                    await create({ stdin: "nothing to run" });
                    expect(host.connections() - before).toBe(1);
                },
            );

            test(
                "gets its input byte for byte, and its end [fact: `stdin` then EOF; " + "NUL and UTF-8 intact]",
                async () => {
                    const input = "line\nnul \0 tab\t é 😀 no line break";
                    expect((await outputOf({ create: "cat > input", stdin: secret(input) })).stdout).toBe("");
                    expect(fs.readFileSync(path.join(home, "input"), "utf8")).toBe(input);
                    expect(await outputOf({ create: "cat; echo end", stdin: "" })).toMatchObject({ stdout: "end" });
                    expect(await outputOf({ create: "cat; echo end" })).toMatchObject({ stdout: "end" });
                },
            );

            test("may read megabytes [fact: 10 MB of stdin works]", async () => {
                const input = crypto.randomBytes(3_000_000).toString("hex");
                expect(await outputOf({ create: "wc -c; cat", stdin: input })).toEqual({
                    stdout: "6000000",
                    stderr: "",
                });
            });

            test(
                "that leaves input unread fails, although it ended with 0, once the input is large [fact: " +
                    "A script that exits before it has read all of stdin can fail with `EOF: " +
                    "running …` although it exited 0]",
                async () => {
                    const stdin = "x".repeat(6_000_000);
                    expect(await outputOf({ create: "exit 0", stdin: "x".repeat(1000) })).toEqual({
                        stdout: "",
                        stderr: "",
                    });
                    expect(await failureOf(create({ create: "exit 0", stdin }))).toBe('EOF: running "exit 0":\n');
                    expect(await failureOf(create({ create: "exit 2", stdin }))).toBe(
                        'Process exited with status 2: running "exit 2":\n',
                    );
                },
            );

            test(
                "that fails shows the whole script and all output, whatever the logging [fact: Exit 1: " +
                    "`Process exited with status 1: running '<the whole script>':\n<all output>`, " +
                    "whatever `logging` says]",
                async () => {
                    const script = '# \\ "quoted" \t é 😀 \u00a0 \x07\necho out\nsleep 0.2\necho error >&2\nexit 3';
                    const shown =
                        '"# \\\\ \\"quoted\\" \\t é 😀 \\u00a0 \\a\\necho out\\nsleep 0.2\\necho error >&2\\nexit 3"';
                    expect(await failureOf(create({ create: script, logging: "none" }))).toBe(
                        `Process exited with status 3: running ${shown}:\nout\nerror\n`,
                    );
                },
            );

            test("that a signal ends is told with the signal", async () => {
                expect(await failureOf(create({ create: "kill -TERM $$" }))).toBe(
                    'Process exited with status 143 from signal TERM: running "kill -TERM $$":\n',
                );
            });

            test(
                "whose output is not UTF-8 has run, and is an error [fact: Non-UTF-8 output: " +
                    "the command ran, then an error]",
                async () => {
                    const failure = await failureOf(create({ create: "printf '\\377'; echo ran > ran-anyway" }));
                    expect(failure).toContain("string field contains invalid UTF-8");
                    expect(fs.existsSync(path.join(home, "ran-anyway"))).toBe(true);
                },
            );

            test(
                "waits for a child in the background that holds its output [fact: " +
                    "A background child that keeps the file descriptors keeps the session open]",
                async () => {
                    const begun = Date.now();
                    expect(await outputOf({ create: "sleep 1 & echo first" })).toMatchObject({ stdout: "first" });
                    expect(Date.now() - begun).toBeGreaterThan(900);
                },
            );

            test("may be 100 KB long [fact: The script must stay under 128 KB]", async () => {
                expect(
                    await outputOf({ create: `# ${"x".repeat(100_000)}\necho done`, logging: "none" }),
                ).toMatchObject({ stdout: "done" });
            });

            test("gets an id of its name and eight digits [fact: id = name and 8 hex digits, kept]", async () => {
                expect((await create({ create: "true" }, {}, { name: "registry" })).id).toMatch(
                    /^registry[0-9a-f]{8}$/,
                );
            });

            test(
                "answers with the inputs, secrets still secret, and plain output [fact: " +
                    "Secret stdin is secret, stdout and stderr are plain]",
                async () => {
                    const inputs = await inputsOf({
                        create: "cat",
                        stdin: secret("hidden"),
                        triggers: ["a", secret("b")],
                    });
                    expect((await engine.create(inputs)).properties).toEqual({
                        ...inputs,
                        stdout: "hidden",
                        stderr: "",
                    });
                },
            );
        });

        describe("logging", () => {
            const script = "echo out; sleep 0.2; echo error >&2; sleep 0.2; printf 'last\\r\\n\\nend'";
            test.each<[string | undefined, string[]]>([
                [undefined, ["out", "error", "last", "", "end"]],
                ["stdoutAndStderr", ["out", "error", "last", "", "end"]],
                ["stdout", ["out", "last", "", "end"]],
                ["stderr", ["error"]],
                ["none", []],
                ["nonsense", []],
            ])("%s", async (logging, expected) => {
                await create({ create: script, ...(logging === undefined ? {} : { logging }) });
                expect(shownLines()).toEqual(expected);
                expect(keptLines()).toEqual([]);
            });

            test(
                "a line of 65,535 bytes is shown, a longer one hangs for ever, and none is immune [fact: " +
                    "A logged line of 65,536 bytes or more hangs for ever; `logging: none` is immune]",
                async () => {
                    const line = (length: number) => `head -c ${length} /dev/zero | tr '\\0' x; echo`;
                    await create({ create: line(65_535) });
                    expect(shownLines().map((shown) => shown.length)).toEqual([65_535]);
                    await create({ create: line(65_536), logging: "none" });

                    const doomed = await Engine.start(executable);
                    await doomed.configure();
                    let settled = false;
                    const operation = doomed
                        .create(await inputsOf({ create: `${line(65_536)}; echo ended > ended` }))
                        .then(
                            () => (settled = true),
                            () => (settled = true),
                        );
                    await until("the command ends", () => fs.existsSync(path.join(home, "ended")));
                    await sleep(1000);
                    expect(settled).toBe(false);
                    await doomed.stop();
                    await operation;
                },
            );
        });

        describe("variables", () => {
            test(
                "that the host does not take are a failure, before anything runs [fact: " +
                    "`environment` travels as SSH env requests: a server that refuses one is a hard failure]",
                async () => {
                    const failure = await failureOf(
                        create({ create: "echo ran > ran-with-environment", environment: { COLOUR: "red" } }),
                    );
                    expect(failure).toBe('could not set environment variable "COLOUR": ssh: setenv failed');
                    expect(keptLines()).toMatchObject([
                        {
                            severity: "error",
                            message: expect.stringMatching(
                                /^Unable to set 'COLOUR'\. This only works if your SSH server/,
                            ),
                        },
                    ]);
                    expect(fs.existsSync(path.join(home, "ran-with-environment"))).toBe(false);
                },
            );

            test("that it takes reach the command; so does the previous output", async () => {
                const open = await startSshHost({
                    kind,
                    home,
                    shell: "/bin/sh",
                    acceptEnvironment: ["COLOUR", "PULUMI_COMMAND_STDOUT", "PULUMI_COMMAND_STDERR"],
                });
                try {
                    const there = { port: open.port, privateKey: open.privateKeyPem, hostKey: open.hostPublicKey };
                    const script = 'echo "$COLOUR,$PULUMI_COMMAND_STDOUT,$PULUMI_COMMAND_STDERR"';
                    const inputs = await inputsOf({ create: script, environment: { COLOUR: secret("red") } }, there);
                    const { id, properties } = await engine.create(inputs);
                    expect(properties.stdout).toBe("red,,");
                    const updated = await engine.update({
                        id,
                        oldInputs: inputs,
                        oldOutputs: { ...properties, stderr: "warned" },
                        inputs,
                    });
                    expect(updated.stdout).toBe("red,red,,,warned");
                } finally {
                    await open.stop();
                }
            });

            test(
                "the previous output, refused, is a warning on every update, unless it is switched off [fact: " +
                    "`addPreviousOutputInEnv` sends PULUMI_COMMAND_STDOUT and _STDERR: " +
                    "a warning on every update where refused]",
                async () => {
                    const inputs = await inputsOf({ create: "echo out; echo error >&2" });
                    const oldOutputs = { ...inputs, stdout: "out", stderr: "error" };
                    const update = async (changes: PropertyMap) =>
                        engine.update({
                            id: "x",
                            oldInputs: inputs,
                            oldOutputs,
                            inputs: await inputsOf({ create: "echo again", ...changes }),
                        });
                    expect(await update({})).toMatchObject({ stdout: "again", stderr: "" });
                    expect(keptLines().map(({ severity, message }) => `${severity} ${message.slice(0, 37)}`)).toEqual([
                        "warning Unable to set 'PULUMI_COMMAND_STDOUT'",
                        "warning Unable to set 'PULUMI_COMMAND_STDERR'",
                    ]);
                    engine.log.length = 0;
                    await update({ addPreviousOutputInEnv: false });
                    expect(keptLines()).toEqual([]);
                },
            );
        });

        describe("update and delete", () => {
            const quiet = { addPreviousOutputInEnv: false };

            test(
                "update runs `update`, else `create`; the id is not touched [fact: create, update, stdin: " +
                    "update in place, and the `update` (else `create`) script runs]",
                async () => {
                    const oldInputs = await inputsOf({ create: "echo created", ...quiet });
                    const oldOutputs = { ...oldInputs, stdout: "created", stderr: "" };
                    const update = async (inputs: PropertyMap) =>
                        engine.update({
                            id: "x",
                            oldInputs,
                            oldOutputs,
                            inputs: await inputsOf({ ...inputs, ...quiet }),
                        });
                    expect((await update({ create: "echo created", update: "echo updated", stdin: "s" })).stdout).toBe(
                        "updated",
                    );
                    expect((await update({ create: "echo again" })).stdout).toBe("again");
                    expect(await failureOf(update({ create: "exit 7" }))).toBe(
                        'Process exited with status 7: running "exit 7":\n',
                    );
                },
            );

            test(
                "delete runs the script of the state, on the host of the state [fact: " +
                    "Delete uses the connection and script last applied]",
                async () => {
                    const properties = {
                        ...(await inputsOf({ delete: "cat > deleted", stdin: "with input", ...quiet })),
                        stdout: "",
                        stderr: "",
                    };
                    await engine.delete({ id: "x", properties, inputs: {} });
                    expect(fs.readFileSync(path.join(home, "deleted"), "utf8")).toBe("with input");
                    const failing = { ...(await inputsOf({ delete: "exit 9", ...quiet })), stdout: "", stderr: "" };
                    expect(await failureOf(engine.delete({ id: "x", properties: failing, inputs: {} }))).toBe(
                        'Process exited with status 9: running "exit 9":\n',
                    );
                },
            );
        });

        describe(
            "the host key [fact: `ssh-ed25519 AAAA…` with or without comment, " +
                "or a known_hosts line (its host part is ignored)]",
            () => {
                const pinned = (hostKey: string) => outputOf({ create: "echo in" }, { hostKey });

                test.each<[string, () => string]>([
                    ["type and key", () => host.hostPublicKey],
                    ["with a comment", () => `${host.hostPublicKey} root@registry`],
                    ["an ecdsa key", () => host.hostPublicKeys[1] as string],
                    ["a line of known_hosts, whatever its host", () => `elsewhere.example.com ${host.hostPublicKey}`],
                    ["the first of several", () => `# keys\n\n${host.hostPublicKey}\n${stranger().publicKey}\n`],
                ])("%s is taken", async (_what, hostKey) => {
                    expect(await pinned(hostKey())).toEqual({ stdout: "in", stderr: "" });
                });

                test("none is no check [fact: Unpinned, any key is accepted]", async () => {
                    const { connection, ...inputs } = await inputsOf({ create: "echo in" });
                    const { hostKey: _unpinned, ...rest } = peel(connection as PropertyValue).plain as PropertyMap;
                    expect((await engine.create({ ...inputs, connection: secret(rest) })).properties.stdout).toBe("in");
                });

                test(
                    "another one is refused, and only the first line counts [fact: " +
                        "Of several lines only the first counts; a mismatch is `ssh: host key mismatch`]",
                    async () => {
                        expect(await failureOf(pinned(`${stranger().publicKey}\n${host.hostPublicKey}`))).toBe(
                            "after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch",
                        );
                    },
                );

                test(
                    "an RSA key never works [fact: An RSA pin never works with a modern sshd (`no common algorithm " +
                        "for host key`)]",
                    async () => {
                        expect(await failureOf(pinned(host.hostPublicKeys[2] as string))).toMatch(
                            /^after 0 failed attempts: ssh: handshake failed: ssh: no common algorithm for host key; we offered: \[ssh-rsa\], peer offered: \[.*ssh-ed25519.*\]$/,
                        );
                    },
                );

                test.each<[string, () => string]>([
                    ["a fingerprint", () => fingerprint(host.hostPublicKey)],
                    ["base64 alone", () => host.hostPublicKey.split(" ")[1] as string],
                    ["nothing", () => ""],
                ])("%s fails at once, without a connection", async (_what, hostKey) => {
                    const before = host.connections();
                    expect(await failureOf(pinned(hostKey()))).toBe("failed to parse host key: ssh: no key found");
                    expect(host.connections()).toBe(before);
                });

                test(
                    "a type with a fingerprint is told to be no key [fact: " +
                        "Fingerprints and bare base64 fail at once (`failed to parse host key: ssh: no key found`)]",
                    async () => {
                        expect(await failureOf(pinned(`ssh-ed25519 ${fingerprint(host.hostPublicKey)}`))).toBe(
                            "failed to parse host key: ssh: no key found; last parsing error for ignored line: " +
                                "illegal base64 data at input byte 6",
                        );
                    },
                );
            },
        );

        describe("logging in", () => {
            const login = (connection: PropertyMap) => outputOf({ create: "echo in" }, connection);
            const keyFile = (name: string, args: string[], passphrase = "") => {
                const file = path.join(scratch, `${name}-${crypto.randomBytes(4).toString("hex")}`);
                execFileSync("ssh-keygen", ["-q", "-N", passphrase, "-C", name, "-f", file, ...args]);
                fs.appendFileSync(host.authorizedKeysFile, fs.readFileSync(`${file}.pub`, "utf8"));
                return fs.readFileSync(file, "utf8");
            };
            const hasSshKeygen = (() => {
                try {
                    execFileSync("sh", ["-c", "command -v ssh-keygen"], { stdio: "ignore" });
                    return true;
                } catch {
                    return false;
                }
            })();
            const withSshKeygen = hasSshKeygen ? test : test.skip;

            withSshKeygen.each([
                ["an RSA key in PKCS 1", ["-t", "rsa", "-b", "2048", "-m", "PEM"]],
                ["an RSA key in PKCS 8", ["-t", "rsa", "-b", "2048", "-m", "PKCS8"]],
                ["an RSA key of OpenSSH", ["-t", "rsa", "-b", "2048"]],
                ["an EC key in SEC 1", ["-t", "ecdsa", "-m", "PEM"]],
                ["an EC key in PKCS 8", ["-t", "ecdsa", "-m", "PKCS8"]],
            ])("takes %s", async (name, args) => {
                expect(await login({ privateKey: keyFile(name.replaceAll(" ", "-"), args) })).toMatchObject({
                    stdout: "in",
                });
            });

            test("takes an ed25519 key in PKCS 8", async () => {
                const pair = crypto.generateKeyPairSync("ed25519", {
                    publicKeyEncoding: { type: "spki", format: "der" },
                    privateKeyEncoding: { type: "pkcs8", format: "pem" },
                });
                const type = Buffer.from("\0\0\0\x0bssh-ed25519\0\0\0\x20", "latin1");
                const line = `ssh-ed25519 ${Buffer.concat([type, pair.publicKey.subarray(-32)]).toString("base64")} pkcs8`;
                fs.appendFileSync(host.authorizedKeysFile, `${line}\n`);
                expect(await login({ privateKey: pair.privateKey })).toMatchObject({ stdout: "in" });
            });

            test("does not mind how the key's lines end, nor what stands around it", async () => {
                expect(await login({ privateKey: host.privateKeyPem.trim() })).toMatchObject({ stdout: "in" });
                expect(await login({ privateKey: host.privateKeyPem.replaceAll("\n", "\r\n") })).toMatchObject({
                    stdout: "in",
                });
                expect(await login({ privateKey: `The key:\n\n${host.privateKeyPem}and so on` })).toMatchObject({
                    stdout: "in",
                });
            });

            test.each<[string, () => PropertyMap, string]>([
                ["no key at all", () => ({ privateKey: "nonsense" }), "ssh: no key found"],
                [
                    "a key on one line",
                    () => ({ privateKey: host.privateKeyPem.replaceAll("\n", " ") }),
                    "ssh: no key found",
                ],
                [
                    "an indented key",
                    () => ({ privateKey: host.privateKeyPem.replaceAll("\n", "\n  ") }),
                    "ssh: no key found",
                ],
                [
                    "a cut key",
                    () => ({
                        privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
                    }),
                    "ssh: invalid openssh private key format",
                ],
                [
                    "a public key",
                    () => ({ privateKey: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n" }),
                    'ssh: unsupported key type "PUBLIC KEY"',
                ],
                [
                    "a passphrase for a plain key",
                    () => ({ privateKeyPassword: "x" }),
                    "ssh: key is not password protected",
                ],
                [
                    "an agent that is gone",
                    () => ({ agentSocketPath: path.join(scratch, "gone") }),
                    `dial unix ${path.join(scratch, "gone")}: connect: no such file or directory`,
                ],
            ])("%s fails at once, without a connection", async (_what, connection, message) => {
                const before = host.connections();
                expect(await failureOf(login(connection()))).toBe(message);
                expect(host.connections()).toBe(before);
            });

            withSshKeygen.each([
                ["OpenSSH", ["-t", "ed25519"]],
                ["PEM", ["-t", "rsa", "-b", "2048", "-m", "PEM"]],
            ])("a passphrase of a key in %s form", async (form, args) => {
                const privateKey = keyFile(`protected-${form}`, args, "right one");
                expect(await login({ privateKey, privateKeyPassword: "right one" })).toMatchObject({ stdout: "in" });
                expect(await failureOf(login({ privateKey, privateKeyPassword: "wrong one" }))).toBe(
                    "x509: decryption password incorrect",
                );
                expect(await failureOf(login({ privateKey }))).toBe("ssh: this private key is passphrase protected");
            });

            withSshKeygen(
                "an agent, which a bad private key hides, and a stale socket in the environment [fact: " +
                    "A stale SSH_AUTH_SOCK breaks even private-key connections; a bad private key hides a good agent]",
                async () => {
                    const socket = path.join(scratch, `agent-${crypto.randomBytes(4).toString("hex")}`);
                    const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
                    try {
                        await until("the agent listens", () => fs.existsSync(socket));
                        const withAgent = async (connection: PropertyMap) => {
                            const { connection: whole, ...inputs } = await inputsOf(
                                { create: "echo in" },
                                { agentSocketPath: socket },
                            );
                            const { privateKey: _none, ...rest } = peel(whole as PropertyValue).plain as PropertyMap;
                            return (await engine.create({ ...inputs, connection: secret({ ...rest, ...connection }) }))
                                .properties.stdout;
                        };
                        const refused =
                            "after 0 failed attempts: ssh: handshake failed: ssh: " +
                            "unable to authenticate, attempted methods [none publickey], no supported methods remain";
                        expect(await failureOf(withAgent({}))).toBe(refused);
                        execFileSync("ssh-add", ["-q", host.privateKeyFile], {
                            env: { ...process.env, SSH_AUTH_SOCK: socket },
                            stdio: "ignore",
                        });
                        expect(await withAgent({})).toBe("in");
                        expect(await failureOf(withAgent({ privateKey: stranger().privateKeyPem }))).toBe(refused);
                    } finally {
                        agent.kill();
                    }
                    const stale = path.join(scratch, "stale");
                    const confused = await Engine.start(executable, { SSH_AUTH_SOCK: stale });
                    await confused.configure();
                    expect(await failureOf(confused.create(await inputsOf({ create: "true" })))).toBe(
                        `dial unix ${stale}: connect: no such file or directory`,
                    );
                    await confused.stop();
                },
            );

            if (kind === "embedded") {
                test("a password", async () => {
                    const own = await startSshHost({ kind, home, password: "open sesame" });
                    try {
                        const with_ = async (password: string) => {
                            const there = {
                                host: own.host,
                                port: own.port,
                                user: own.user,
                                hostKey: own.hostPublicKey,
                                dialErrorLimit: 0,
                                password,
                            };
                            const { inputs } = await engine.check({ create: "echo in", connection: there });
                            return (await engine.create(inputs)).properties.stdout;
                        };
                        expect(await with_("open sesame")).toBe("in");
                        expect(await failureOf(with_("open"))).toBe(
                            "after 0 failed attempts: ssh: handshake failed: ssh: " +
                                "unable to authenticate, attempted methods [none password], " +
                                "no supported methods remain",
                        );
                    } finally {
                        await own.stop();
                    }
                });
            }
        });

        describe("dialling", () => {
            test(
                "fails after dialErrorLimit retries, and says only how many [fact: `dialErrorLimit: " +
                    "N` means N+1 attempts; the log says `Dial 1/N failed: retrying`, never why]",
                async () => {
                    const failure = await failureOf(
                        create({ create: "true" }, { port: await closedPort(), dialErrorLimit: 2 }),
                    );
                    expect(failure).toMatch(
                        /^after 2 failed attempts: dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/,
                    );
                    expect(shownLines()).toEqual(["Dial 1/2 failed: retrying", "Dial 2/2 failed: retrying"]);
                },
            );

            test(
                "by default tries 11 times for 11 seconds, also where the key is wrong, on either side [fact: " +
                    "Default 11 attempts, waits 0.1 s x 1.5^n up to 5 s, 11 s together; " +
                    "a mismatch is retried like any dial error]",
                async () => {
                    const before = { connections: host.connections(), failed: host.failedLogins() };
                    const closed = await closedPort();
                    const timed = async (connection: PropertyMap) => {
                        const begun = Date.now();
                        const failure = await failureOf(
                            create({ create: "true" }, { dialErrorLimit: 10, ...connection }),
                        );
                        return { failure, seconds: (Date.now() - begun) / 1000 };
                    };
                    const [refused, mismatch, login] = await Promise.all([
                        timed({ port: closed }),
                        timed({ hostKey: stranger().publicKey }),
                        timed({ privateKey: stranger().privateKeyPem }),
                    ]);
                    for (const { seconds } of [refused, mismatch, login]) {
                        expect(seconds).toBeGreaterThan(10.5);
                        expect(seconds).toBeLessThan(30);
                    }
                    expect(refused.failure).toBe(
                        `after 10 failed attempts: dial tcp 127.0.0.1:${closed}: connect: connection refused`,
                    );
                    expect(mismatch.failure).toBe(
                        "after 10 failed attempts: ssh: handshake failed: ssh: host key mismatch",
                    );
                    expect(login.failure).toBe(
                        "after 10 failed attempts: ssh: handshake failed: ssh: " +
                            "unable to authenticate, attempted methods [none publickey], no supported methods remain",
                    );
                    expect(host.connections() - before.connections).toBe(22);
                    await until("the host counts 11 failed logins", () => host.failedLogins() - before.failed === 11);
                },
            );

            test("a host that comes up meanwhile is reached", async () => {
                const port = await closedPort();
                const operation = outputOf({ create: "echo in" }, { port, dialErrorLimit: -1 });
                await until("some failures", () => shownLines().includes("Dial 3/inf failed: retrying"));
                const forward = net.createServer((socket) => {
                    const onward = net.connect(host.port, host.host);
                    socket.on("error", () => onward.destroy());
                    onward.on("error", () => socket.destroy());
                    socket.pipe(onward).pipe(socket);
                });
                await new Promise<void>((resolve) => forward.listen(port, "127.0.0.1", resolve));
                try {
                    expect(await operation).toEqual({ stdout: "in", stderr: "" });
                } finally {
                    forward.close();
                }
            });

            test(
                "perDialTimeout ends an attempt that nobody answers [fact: no answer to SYN: `…: " + "i/o timeout`]",
                async () => {
                    const deaf = await deafPort();
                    try {
                        const begun = Date.now();
                        expect(
                            await failureOf(create({ create: "true" }, { port: deaf.port, perDialTimeout: 1 })),
                        ).toBe(`after 0 failed attempts: dial tcp 127.0.0.1:${deaf.port}: i/o timeout`);
                        expect(Date.now() - begun).toBeLessThan(5000);
                    } finally {
                        deaf.stop();
                    }
                },
            );

            test(
                "a host that accepts and never speaks is waited for without end [fact: " +
                    "accepts, never sends a banner: never, no timeout covers the handshake]",
                async () => {
                    const silent = net.createServer((socket) => socket.on("error", () => {}).resume());
                    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
                    const waiting = await Engine.start(executable);
                    await waiting.configure();
                    let settled = false;
                    const connection = { port: (silent.address() as net.AddressInfo).port, perDialTimeout: 1 };
                    const operation = waiting.create(await inputsOf({ create: "true" }, connection)).then(
                        () => (settled = true),
                        () => (settled = true),
                    );
                    await sleep(3000);
                    expect(settled).toBe(false);
                    await waiting.stop();
                    await operation;
                    silent.close();
                },
            );

            test("a host that hangs up at once", async () => {
                const rude = net.createServer((socket) => socket.on("error", () => {}).end());
                await new Promise<void>((resolve) => rude.listen(0, "127.0.0.1", resolve));
                try {
                    expect(
                        await failureOf(create({ create: "true" }, { port: (rude.address() as net.AddressInfo).port })),
                    ).toBe("after 0 failed attempts: ssh: handshake failed: EOF");
                } finally {
                    rude.close();
                }
            });

            test(
                "the program's time limit ends the dialling, and no command [fact: " + "`customTimeouts` are ignored]",
                async () => {
                    const options = { timeoutSeconds: 1 };
                    const closed = { port: await closedPort(), dialErrorLimit: 10 };
                    expect(await failureOf(create({ create: "true" }, closed, options))).toBe(
                        "context deadline exceeded",
                    );
                    expect((await create({ create: "sleep 2; echo done" }, {}, options)).properties.stdout).toBe(
                        "done",
                    );
                },
            );

            test(
                "a request to stop ends the dialling, and no command [fact: " + "Ctrl-C waits for the script]",
                async () => {
                    const stopping = await Engine.start(executable);
                    await stopping.configure();
                    try {
                        const closed = await inputsOf(
                            { create: "true" },
                            { port: await closedPort(), dialErrorLimit: 10 },
                        );
                        const dialling = failureOf(stopping.create(closed));
                        const running = stopping.create(await inputsOf({ create: "echo begun; sleep 2; echo done" }));
                        await until("it runs and dials", () =>
                            ["begun", "Dial 1/10 failed: retrying"].every((text) =>
                                stopping.log.some(({ message }) => message === text),
                            ),
                        );
                        await stopping.cancel();
                        expect(await dialling).toBe("context canceled");
                        expect((await running).properties.stdout).toBe("begun\ndone");
                    } finally {
                        await stopping.stop();
                    }
                },
            );
        });

        describe("through a jump host", () => {
            const jump = (more: PropertyMap = {}): PropertyMap => ({
                proxy: {
                    host: host.host,
                    port: host.port,
                    user: host.user,
                    privateKey: host.privateKeyPem,
                    hostKey: host.hostPublicKey,
                    dialErrorLimit: 0,
                    ...more,
                },
            });

            test("works, with two connections", async () => {
                const before = host.connections();
                expect(await outputOf({ create: "echo in" }, jump())).toEqual({ stdout: "in", stderr: "" });
                expect(host.connections() - before).toBe(2);
            });

            test("the jump host's errors are told", async () => {
                expect(await failureOf(create({ create: "true" }, jump({ port: await closedPort() })))).toMatch(
                    /^proxy: after 0 failed attempts: dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/,
                );
                expect(await failureOf(create({ create: "true" }, jump({ privateKey: "nonsense" })))).toBe(
                    "proxy: ssh: no key found",
                );
                const failure = await failureOf(create({ create: "true" }, { ...jump(), port: await closedPort() }));
                expect(failure).toMatch(/^proxy: after 0 failed attempts: ssh: rejected: connect failed \(.*\)$/);
            });

            test(
                "the target's cause is lost once it is retried [fact: " +
                    "Through a jump host errors start with `proxy: ` and the target's own cause is lost]",
                async () => {
                    const wrong = { ...jump(), privateKey: stranger().privateKeyPem };
                    expect(await failureOf(create({ create: "true" }, { ...wrong, dialErrorLimit: 0 }))).toMatch(
                        /^proxy: after 0 failed attempts: .*unable to authenticate/,
                    );
                    expect(await failureOf(create({ create: "true" }, { ...wrong, dialErrorLimit: 1 }))).toBe(
                        "proxy: after 1 failed attempts: ssh: handshake failed: EOF",
                    );
                },
            );
        });

        test(
            "a lost connection is an error at once, and the command runs on [fact: Connection lost in the run: " +
                "error at once, no retry, the remote script runs on]",
            async () => {
                const script = "echo begun > begun; echo begun; sleep 2; echo survived > survived";
                const operation = failureOf(create({ create: script }, { dialErrorLimit: 10 }));
                await until(
                    "the command runs",
                    () => fs.existsSync(path.join(home, "begun")) && shownLines().includes("begun"),
                );
                const before = host.connections();
                host.dropConnections();
                expect(await operation).toBe(
                    "wait: remote command exited without exit status or exit signal: " +
                        `running ${JSON.stringify(script)}:\nbegun\n`,
                );
                expect(host.connections()).toBe(before);
                await until("the command ends", () => fs.existsSync(path.join(home, "survived")));
            },
        );

        test("twenty at once [fact: Twenty in parallel succeed]", async () => {
            const all = await Promise.all(
                Array.from({ length: 20 }, (_, index) => outputOf({ create: `echo ${index}` }, { dialErrorLimit: 10 })),
            );
            expect(all.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`));
        });

        test(
            "nothing that was logged holds the key [fact: " +
                "Lines that are streamed are not masked, and hold no key]",
            async () => {
                await create({ create: "echo out" });
                await failureOf(create({ create: "exit 1" }));
                const key = host.privateKeyPem.split("\n")[2] as string;
                expect(JSON.stringify(engine.log)).not.toContain(key);
                expect(JSON.stringify(unwrapMap((await create({ create: "true" })).properties))).toContain(key);
            },
        );
    });
}

async function closedPort(): Promise<number> {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as net.AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
}

/**
 * A port whose queue is full, so that nothing answers: a process listens, is then stopped, and gets connections that it
 * never accepts.
 */
async function deafPort(): Promise<{ port: number; stop(): void }> {
    const program =
        "const s=require('net').createServer();s.listen({port:0,host:'127.0.0.1',backlog:1},()=>console.log(s.address().port))";
    const listener = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    const port = Number(
        await new Promise<string>((resolve) => createInterface({ input: listener.stdout }).once("line", resolve)),
    );
    listener.kill("SIGSTOP");
    const fillers: net.Socket[] = [];
    // A connection that is not made within half a second has met a full queue.
    for (let full = false; !full; ) {
        const socket = net.connect(port, "127.0.0.1").on("error", () => {});
        fillers.push(socket);
        full = await Promise.race([
            new Promise<boolean>((resolve) => socket.once("connect", () => resolve(false))),
            sleep(500).then(() => true),
        ]);
    }
    return {
        port,
        stop: () => {
            for (const socket of fillers) socket.destroy();
            listener.kill("SIGKILL");
        },
    };
}
