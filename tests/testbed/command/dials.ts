/** How a host is reached: its key, the login, attempts and their limits, a jump host. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import { type PropertyMap, type PropertyValue, secret } from "../../../providers/protocol";
import { peel } from "../../../testbed/command/marks";
import { fingerprint, startSshHost } from "../../../testbed/sshHost";
import { Engine } from "./engine";
import { asOurs, describeOnHost, failureOf, scratch, stranger, until } from "./target";

export function dials(kind: "embedded" | "openssh"): void {
    describeOnHost("the way to a host", kind, (on) => {
        const { executable, inputsOf, create, outputOf, shownLines } = on;

        describe(
            "the host key [fact: `ssh-ed25519 AAAA…` with or without comment, " +
                "or a known_hosts line (its host part is ignored)]",
            () => {
                const pinned = (hostKey: string) => outputOf({ create: "echo in" }, { hostKey });

                test.each<[string, () => string]>([
                    ["type and key", () => on.host.hostPublicKey],
                    ["with a comment", () => `${on.host.hostPublicKey} root@registry`],
                    ["an ecdsa key", () => on.host.hostPublicKeys[1] as string],
                    [
                        "a line of known_hosts, whatever its host",
                        () => `elsewhere.example.com ${on.host.hostPublicKey}`,
                    ],
                    ["the first of several", () => `# keys\n\n${on.host.hostPublicKey}\n${stranger().publicKey}\n`],
                ])("%s is taken", async (_what, hostKey) => {
                    expect(await pinned(hostKey())).toEqual({ stdout: "in", stderr: "" });
                });

                test("none is no check [fact: Unpinned, any key is accepted]", async () => {
                    const { connection, ...inputs } = await inputsOf({ create: "echo in" });
                    const { hostKey: _unpinned, ...rest } = peel(connection as PropertyValue).plain as PropertyMap;
                    expect((await on.engine.create({ ...inputs, connection: secret(rest) })).properties.stdout).toBe(
                        "in",
                    );
                });

                test(
                    "another one is refused, and only the first line counts [fact: " +
                        "Of several lines only the first counts; a mismatch is `ssh: host key mismatch`]",
                    async () => {
                        expect(await failureOf(pinned(`${stranger().publicKey}\n${on.host.hostPublicKey}`))).toBe(
                            "after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch",
                        );
                    },
                );

                test(
                    "an RSA key never works [fact: An RSA pin never works with a modern sshd (`no common algorithm " +
                        "for host key`)]",
                    async () => {
                        expect(await failureOf(pinned(on.host.hostPublicKeys[2] as string))).toMatch(
                            /^after 0 failed attempts: ssh: handshake failed: ssh: no common algorithm for host key; we offered: \[ssh-rsa\]/,
                        );
                    },
                );

                test.each<[string, () => string]>([
                    ["a fingerprint", () => fingerprint(on.host.hostPublicKey)],
                    ["base64 alone", () => on.host.hostPublicKey.split(" ")[1] as string],
                    ["nothing", () => ""],
                ])("%s fails at once, without a connection", async (_what, hostKey) => {
                    const before = on.host.connections();
                    expect(await failureOf(pinned(hostKey()))).toBe("failed to parse host key: ssh: no key found");
                    expect(on.host.connections()).toBe(before);
                });
            },
        );

        describe("logging in", () => {
            const login = (connection: PropertyMap) => outputOf({ create: "echo in" }, connection);
            const keyFile = (name: string, args: string[], passphrase = "") => {
                const file = path.join(scratch, `${name}-${crypto.randomBytes(4).toString("hex")}`);
                execFileSync("ssh-keygen", ["-q", "-N", passphrase, "-C", name, "-f", file, ...args]);
                fs.appendFileSync(on.host.authorizedKeysFile, fs.readFileSync(`${file}.pub`, "utf8"));
                return fs.readFileSync(file, "utf8");
            };
            const hasSshKeygen = spawnSync("sh", ["-c", "command -v ssh-keygen"]).status === 0;
            const withSshKeygen = hasSshKeygen ? test : test.skip;

            test.each<[string, () => PropertyMap, string]>([
                ["no key at all", () => ({ privateKey: "nonsense" }), "ssh: no key found"],
                [
                    "an agent that is gone",
                    () => ({ agentSocketPath: path.join(scratch, "gone") }),
                    `dial unix ${path.join(scratch, "gone")}: connect: no such file or directory`,
                ],
            ])("%s fails at once, without a connection", async (_what, connection, message) => {
                const before = on.host.connections();
                expect(await failureOf(login(connection()))).toBe(message);
                expect(on.host.connections()).toBe(before);
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
                            return (
                                await on.engine.create({ ...inputs, connection: secret({ ...rest, ...connection }) })
                            ).properties.stdout;
                        };
                        const refused =
                            "after 0 failed attempts: ssh: handshake failed: ssh: " +
                            "unable to authenticate, attempted methods [none publickey], no supported methods remain";
                        expect(await failureOf(withAgent({}))).toBe(refused);
                        execFileSync("ssh-add", ["-q", on.host.privateKeyFile], {
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
                    const own = await startSshHost({ kind, home: on.home, password: "open sesame" });
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
                            const { inputs } = await on.engine.check({
                                ...asOurs,
                                create: "echo in",
                                connection: there,
                            });
                            return (await on.engine.create(inputs)).properties.stdout;
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
                    const before = { connections: on.host.connections(), failed: on.host.failedLogins() };
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
                    expect(on.host.connections() - before.connections).toBe(22);
                    await until(
                        "the host counts 11 failed logins",
                        () => on.host.failedLogins() - before.failed === 11,
                    );
                },
            );

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
                        const script = "echo begun > at-work; sleep 2; echo done";
                        const running = stopping.create(await inputsOf({ create: script }));
                        await until(
                            "it runs and dials",
                            () =>
                                fs.existsSync(path.join(on.home, "at-work")) &&
                                stopping.log.some(({ message }) => message === "Dial 1/10 failed: retrying"),
                        );
                        await stopping.cancel();
                        expect(await dialling).toBe("context canceled");
                        expect((await running).properties.stdout).toBe("done");
                    } finally {
                        await stopping.stop();
                    }
                },
            );
        });

        describe("through a jump host", () => {
            const jump = (more: PropertyMap = {}): PropertyMap => ({
                proxy: {
                    host: on.host.host,
                    port: on.host.port,
                    user: on.host.user,
                    privateKey: on.host.privateKeyPem,
                    hostKey: on.host.hostPublicKey,
                    dialErrorLimit: 0,
                    ...more,
                },
            });

            test("works, with two connections", async () => {
                const before = on.host.connections();
                expect(await outputOf({ create: "echo in" }, jump())).toEqual({ stdout: "in", stderr: "" });
                expect(on.host.connections() - before).toBe(2);
            });

            test("the jump host's errors are told", async () => {
                expect(await failureOf(create({ create: "true" }, jump({ port: await closedPort() })))).toMatch(
                    /^proxy: after 0 failed attempts: dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/,
                );
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
    });
}

async function closedPort(): Promise<number> {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as net.AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
}
