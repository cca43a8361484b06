/** What happens on a host that is reached: commands, their input and output, variables, update and delete. */
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { type PropertyMap, secret, unwrapMap } from "../../../providers/protocol";
import { startSshHost } from "../../../testbed/sshHost";
import { Engine } from "./engine";
import { describeOnHost, failureOf, sleep, until } from "./target";

export function runs(kind: "embedded" | "openssh"): void {
    describeOnHost("a command on a host", kind, (on) => {
        const { executable, inputsOf, create, outputOf, shownLines, keptLines } = on;

        describe("a command", () => {
            test(
                "runs by the shell in the home folder; each stream loses one line break [fact: " +
                    "stdout and stderr lose one trailing newline; cwd the home folder]",
                async () => {
                    expect(await outputOf({ create: "pwd -P; printf 'two\\n\\n'; printf 'error\\r\\n' >&2" })).toEqual({
                        stdout: `${fs.realpathSync(on.home)}\ntwo\n`,
                        stderr: "error\r",
                    });
                },
            );

            test(
                "makes one connection, and the connection stays open [fact: " +
                    "Create, update and delete each make one TCP connection and one exec session; " +
                    "the connection is not closed until the plugin exits]",
                async () => {
                    const before = on.host.connections();
                    await create({ create: "true" });
                    expect(on.host.connections() - before).toBe(1);
                    await create({ stdin: "nothing to run" });
                    expect(on.host.connections() - before).toBe(1);
                },
            );

            test(
                "gets its input byte for byte, and its end [fact: `stdin` then EOF; " + "NUL and UTF-8 intact]",
                async () => {
                    const input = "line\nnul \0 tab\t é 😀 no line break";
                    expect((await outputOf({ create: "cat > input", stdin: secret(input) })).stdout).toBe("");
                    expect(fs.readFileSync(path.join(on.home, "input"), "utf8")).toBe(input);
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
                    const script = '# \\ "quoted" \t é 😀\necho out\nsleep 0.2\necho error >&2\nexit 3';
                    const shown = '"# \\\\ \\"quoted\\" \\t é 😀\\necho out\\nsleep 0.2\\necho error >&2\\nexit 3"';
                    expect(await failureOf(create({ create: script, logging: "none" }))).toBe(
                        `Process exited with status 3: running ${shown}:\nout\nerror\n`,
                    );
                },
            );

            test(
                "whose output is not UTF-8 has run, and is an error [fact: Non-UTF-8 output: " +
                    "the command ran, then an error]",
                async () => {
                    const failure = await failureOf(create({ create: "printf '\\377'; echo ran > ran-anyway" }));
                    expect(failure).toContain("string field contains invalid UTF-8");
                    expect(fs.existsSync(path.join(on.home, "ran-anyway"))).toBe(true);
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
                    expect((await on.engine.create(inputs)).properties).toEqual({
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
                    await until("the command ends", () => fs.existsSync(path.join(on.home, "ended")));
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
                    expect(fs.existsSync(path.join(on.home, "ran-with-environment"))).toBe(false);
                },
            );

            test("that it takes reach the command; so does the previous output", async () => {
                const open = await startSshHost({
                    kind,
                    home: on.home,
                    shell: "/bin/sh",
                    acceptEnvironment: ["COLOUR", "PULUMI_COMMAND_STDOUT", "PULUMI_COMMAND_STDERR"],
                });
                try {
                    const there = { port: open.port, privateKey: open.privateKeyPem, hostKey: open.hostPublicKey };
                    const script = 'echo "$COLOUR,$PULUMI_COMMAND_STDOUT,$PULUMI_COMMAND_STDERR"';
                    const inputs = await inputsOf({ create: script, environment: { COLOUR: secret("red") } }, there);
                    const { id, properties } = await on.engine.create(inputs);
                    expect(properties.stdout).toBe("red,,");
                    const updated = await on.engine.update({
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
                        on.engine.update({
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
                    on.engine.log.length = 0;
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
                        on.engine.update({
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
                    await on.engine.delete({ id: "x", properties, inputs: {} });
                    expect(fs.readFileSync(path.join(on.home, "deleted"), "utf8")).toBe("with input");
                    const failing = { ...(await inputsOf({ delete: "exit 9", ...quiet })), stdout: "", stderr: "" };
                    expect(await failureOf(on.engine.delete({ id: "x", properties: failing, inputs: {} }))).toBe(
                        'Process exited with status 9: running "exit 9":\n',
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
                    () => fs.existsSync(path.join(on.home, "begun")) && shownLines().includes("begun"),
                );
                const before = on.host.connections();
                on.host.dropConnections();
                expect(await operation).toBe(
                    "wait: remote command exited without exit status or exit signal: " +
                        `running ${JSON.stringify(script)}:\nbegun\n`,
                );
                expect(on.host.connections()).toBe(before);
                await until("the command ends", () => fs.existsSync(path.join(on.home, "survived")));
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
                const key = on.host.privateKeyPem.split("\n")[2] as string;
                expect(JSON.stringify(on.engine.log)).not.toContain(key);
                expect(JSON.stringify(unwrapMap((await create({ create: "true" })).properties))).toContain(key);
            },
        );
    });
}
