/** What happens on a host that is reached: commands, their input and output, update and delete. */
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { type PropertyMap, secret, unwrapMap } from "../../../providers/protocol";
import { describeOnHost, failureOf, sleep, until } from "./target";

export function runs(kind: "embedded" | "openssh"): void {
    describeOnHost("a command on a host", kind, (on) => {
        const { inputsOf, create, outputOf } = on;

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
                    expect(await failureOf(create({ create: script }))).toBe(
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
                expect(await outputOf({ create: `# ${"x".repeat(100_000)}\necho done` })).toMatchObject({
                    stdout: "done",
                });
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
                    });
                    expect((await on.engine.create(inputs)).properties).toEqual({
                        ...inputs,
                        stdout: "hidden",
                        stderr: "",
                    });
                },
            );
        });

        describe("update and delete", () => {
            test(
                "update runs `update`, else `create`; the id is not touched [fact: create, update, stdin: " +
                    "update in place, and the `update` (else `create`) script runs]",
                async () => {
                    const oldInputs = await inputsOf({ create: "echo created" });
                    const oldOutputs = { ...oldInputs, stdout: "created", stderr: "" };
                    const update = async (inputs: PropertyMap) =>
                        on.engine.update({
                            id: "x",
                            oldInputs,
                            oldOutputs,
                            inputs: await inputsOf(inputs),
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
                        ...(await inputsOf({ delete: "cat > deleted", stdin: "with input" })),
                        stdout: "",
                        stderr: "",
                    };
                    await on.engine.delete({ id: "x", properties, inputs: {} });
                    expect(fs.readFileSync(path.join(on.home, "deleted"), "utf8")).toBe("with input");
                    const failing = { ...(await inputsOf({ delete: "exit 9" })), stdout: "", stderr: "" };
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
                await until("the command runs", () => fs.existsSync(path.join(on.home, "begun")));
                await sleep(200);
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
