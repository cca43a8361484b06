/**
 * How a host is reached, and what a person is told where it is not: each in seconds, with one login attempt at most.
 */
import { execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { Server } from "ssh2";
import { runOverSsh, type SshConnection } from "../../../clients/ssh";
import { freePort } from "../../../testbed/site/ports";
import { findSshd, fingerprint, generateKeyPair, type SshHost, startSshHost } from "../../../testbed/sshHost";
import { PATIENT, run, told } from "./sshLogin";

jest.setTimeout(300_000);

const connectionOf = (host: SshHost): SshConnection => ({
    host: host.host,
    port: host.port,
    user: host.user,
    hostKey: host.hostPublicKey,
    privateKey: host.privateKeyPem,
});

const without = <T extends object>(value: T, key: keyof T): T =>
    Object.fromEntries(Object.entries(value).filter(([name]) => name !== key)) as T;

/** The host notices a failed login when the connection has ended. */
async function failedLogins(host: SshHost, wanted: number): Promise<void> {
    const deadline = Date.now() + 5_000;
    while (host.failedLogins() < wanted && Date.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 20));
}

/**
 * Also the home folder on the hosts: what the login shell of the person at this machine does at its start is no part of
 * the tests.
 */
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "ssh-test-"));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

const kinds: ("embedded" | "openssh")[] = findSshd() ? ["embedded", "openssh"] : ["embedded"];
if (!findSshd()) test.skip("openssh: this machine has no sshd (Debian's package openssh-server)", () => {});

describe.each(kinds)("%s", (kind) => {
    let host: SshHost;
    beforeAll(async () => {
        host = await startSshHost({ kind, home: scratch, hostKeyTypes: ["ed25519", "ecdsa"] });
    });
    afterAll(() => host?.stop());

    test("one connection, with either key of the host pinned, as a line of known_hosts or without a name", async () => {
        const before = host.connections();
        for (const line of host.hostPublicKeys) {
            expect((await run({ ...connectionOf(host), hostKey: line })).stdout.toString()).toBe("hello");
            expect(
                (await run({ ...connectionOf(host), hostKey: `[registry.example.org]:2222 ${line} a comment` })).code,
            ).toBe(0);
        }
        expect(host.connections() - before).toBe(4);
        expect(host.failedLogins()).toBe(0);
    });

    test("another host key: both fingerprints, and nobody has tried to log in", async () => {
        const other = generateKeyPair("ed25519", "other").publicKey;
        const failed = host.failedLogins();
        const message = await told({ ...connectionOf(host), hostKey: other });
        expect(message).toContain(`${fingerprint(host.hostPublicKeys[0]!)} instead of ${fingerprint(other)}`);
        expect(message).toContain("host.hostKey");
        expect(host.failedLogins()).toBe(failed);
    });

    test("a key that may not log in: one failed login, and what to do", async () => {
        const key = generateKeyPair("ed25519", "stranger");
        const failed = host.failedLogins();
        const connections = host.connections();
        const message = await told({ ...connectionOf(host), privateKey: key.privateKeyPem });
        expect(message).toMatch(/refuses the login of .* with the private key SHA256:/);
        expect(message).toContain(fingerprint(key.publicKey));
        expect(message).toMatch(/It accepts: publickey\..*host\.user.*authorized_keys/);
        await failedLogins(host, failed + 1);
        expect([host.failedLogins() - failed, host.connections() - connections]).toEqual([1, 1]);
    });

    test("an ed25519, ecdsa or RSA key in each of its forms, with and without a passphrase", async () => {
        const authorized = fs.readFileSync(host.authorizedKeysFile, "utf8");
        const forms: { privateKey: string; privateKeyPassword?: string; publicKey: string }[] = [];
        for (const [type, options] of [
            ["ed25519", {}],
            ["ec", { namedCurve: "P-256" }],
            ["rsa", { modulusLength: 2048 }],
        ] as const) {
            const key = generateKeyPairSync(type as "rsa", options as { modulusLength: number }).privateKey.export({
                type: "pkcs8",
                format: "pem",
            }) as string;
            const file = path.join(scratch, `${kind}-${type}`);
            const keygen = (...args: string[]) => execFileSync("ssh-keygen", args, { encoding: "utf8" });
            fs.writeFileSync(file, "");
            fs.rmSync(file);
            keygen("-q", "-t", type === "ec" ? "ecdsa" : type, "-N", "open sesame", "-C", type, "-f", file);
            forms.push({
                privateKey: fs.readFileSync(file, "utf8"),
                privateKeyPassword: "open sesame",
                publicKey: fs.readFileSync(`${file}.pub`, "utf8"),
            });
            keygen("-q", "-p", "-P", "open sesame", "-N", "", "-f", file);
            forms.push({
                privateKey: fs.readFileSync(file, "utf8"),
                publicKey: fs.readFileSync(`${file}.pub`, "utf8"),
            });
            fs.writeFileSync(file, key, { mode: 0o600 });
            // ssh-keygen reads no ed25519 key in this form; the library does that work for the test.
            forms.push({ privateKey: key, publicKey: publicLine(key) });
        }
        fs.writeFileSync(
            host.authorizedKeysFile,
            `${authorized}${forms.map(({ publicKey }) => `${publicKey.trim()}\n`).join("")}`,
        );
        try {
            for (const { privateKey, privateKeyPassword } of forms)
                expect((await run({ ...connectionOf(host), privateKey, privateKeyPassword })).code).toBe(0);
        } finally {
            fs.writeFileSync(host.authorizedKeysFile, authorized);
        }
    });

    test("over a jump host, which may be another account with another host key", async () => {
        const jump = await startSshHost({ kind, home: scratch });
        try {
            const connection = { ...connectionOf(host), proxy: connectionOf(jump) };
            const [jumped, reached] = [jump.connections(), host.connections()];
            expect((await run(connection)).stdout.toString()).toBe("hello");
            expect([jump.connections() - jumped, host.connections() - reached]).toEqual([1, 1]);
            expect(await told({ ...connection, proxy: { ...connection.proxy, hostKey: host.hostPublicKey } })).toMatch(
                /^The jump host, .* shows another host key than the one of host\.jumpHostKey/,
            );
            expect(await told({ ...connection, hostKey: jump.hostPublicKey })).toMatch(
                /^The registry's host, .* shows another host key than the one of host\.hostKey/,
            );
            expect(await told({ ...connection, port: await freePort() })).toMatch(
                /^No connection to the registry's host, 127\.0\.0\.1 port \d+, over the jump host 127\.0\.0\.1: /,
            );
            expect(
                await told({
                    ...connection,
                    proxy: { ...connection.proxy, privateKey: generateKeyPair("ed25519", "x").privateKeyPem },
                }),
            ).toMatch(/^The jump host, .* refuses the login of/);
        } finally {
            await jump.stop();
        }
    });

    test("an agent", async () => {
        const agent = await startAgent();
        try {
            const connection = { ...without(connectionOf(host), "privateKey"), agentSocketPath: agent.socket };
            expect(await told(connection)).toContain("the SSH agent");
            execFileSync("ssh-add", ["-q", host.privateKeyFile], {
                env: { ...process.env, SSH_AUTH_SOCK: agent.socket },
                stdio: "ignore",
            });
            expect((await run(connection)).stdout.toString()).toBe("hello");
        } finally {
            agent.stop();
        }
    });

    test("a host that cuts the connection while the command runs", async () => {
        const started = path.join(scratch, `started-${kind}`);
        const running = runOverSsh(connectionOf(host), { command: `echo >'${started}'; sleep 30`, stdin: "" });
        running.catch(() => {});
        while (!fs.existsSync(started)) await new Promise((resolve) => setTimeout(resolve, 20));
        host.dropConnections();
        await expect(running).rejects.toThrow(
            /was lost during its observation; nothing was changed|hangs up before anybody|closed the connection/,
        );
    });
});

describe("what the embedded host does on demand", () => {
    let host: SshHost;
    beforeAll(async () => {
        host = await startSshHost({ kind: "embedded", home: scratch, password: "correct horse" });
    });
    afterAll(() => host?.stop());

    test("a password", async () => {
        const connection = without(connectionOf(host), "privateKey");
        expect((await run({ ...connection, password: "correct horse" })).stdout.toString()).toBe("hello");
        const failed = host.failedLogins();
        const message = await told({ ...connection, password: "canary-battery" });
        expect(message).toContain(`refuses the login of ${host.user} with the password`);
        expect(message).not.toContain("canary");
        await failedLogins(host, failed + 1);
        expect(host.failedLogins() - failed).toBe(1);
    });

    test("a password that is refused is not tried again by another method: each failed login counts", async () => {
        const key = generateKeyPair("ed25519", "host");
        const methods: string[] = [];
        const server = new Server({ hostKeys: [key.privateKeyPem] }, (client) => {
            client.on("error", () => {});
            client.on("authentication", (login) => {
                methods.push(login.method);
                login.reject(["password", "keyboard-interactive"]);
            });
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        try {
            const { port } = server.address() as net.AddressInfo;
            expect(
                await told({ host: "127.0.0.1", port, user: "zot", hostKey: key.publicKey, password: "canary" }),
            ).toContain("refuses the login of zot with the password");
            expect(methods).toEqual(["none", "password"]);
        } finally {
            server.close();
        }
    });

    test("no banner", async () => {
        host.faults.neverSendBanner = true;
        try {
            const began = Date.now();
            expect(await told(connectionOf(host), { answer: 500 })).toMatch(
                /takes the connection and then says nothing for 0\.5 seconds/,
            );
            expect(Date.now() - began).toBeLessThan(10_000);
        } finally {
            host.faults.neverSendBanner = false;
        }
    });

    test("what it says before anybody has logged in reaches no terminal as it is", async () => {
        const said = "Not allowed\x1b[2J at this time\u202e \x07".padEnd(50_000, "x");
        const server = net.createServer((socket) => socket.on("error", () => {}).end(`${said}\r\n`));
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        try {
            const message = await told({ ...connectionOf(host), port: (server.address() as net.AddressInfo).port });
            expect(message).toContain("Not allowed");
            expect(message).not.toMatch(/[\0-\x1f\x7f-\x9f\u202e]/);
            expect(message.length).toBeLessThan(2_100);
        } finally {
            server.close();
        }
    });

    test("hanging up before a login: asked once more, then told", async () => {
        const before = host.connections();
        host.faults.dropAfterBytesReceived = 1;
        try {
            expect(await told(connectionOf(host))).toMatch(/hangs up before anybody could log in .*MaxStartups/);
            expect(host.connections() - before).toBe(2);
        } finally {
            host.faults.dropAfterBytesReceived = undefined;
        }
    });

    test("a pinned type that the host does not have", async () => {
        const ecdsa = generateKeyPair("ecdsa", "other").publicKey;
        expect(await told({ ...connectionOf(host), hostKey: ecdsa })).toMatch(
            /has no host key of the type ecdsa-sha2-nistp256, which host\.hostKey pins; it has ssh-ed25519/,
        );
    });

    test("the time limit of the command", async () => {
        await expect(
            runOverSsh(
                connectionOf(host),
                { command: "sleep 30", stdin: "" },
                { limits: { ...PATIENT, command: 300 } },
            ),
        ).rejects.toThrow(/did not end within 0\.3 seconds/);
    });

    test("a cancelled operation", async () => {
        const abort = new AbortController();
        const running = runOverSsh(connectionOf(host), { command: "sleep 30", stdin: "" }, { cancelled: abort.signal });
        setTimeout(() => abort.abort(), 300);
        await expect(running).rejects.toThrow("cancelled");
    });
});

function publicLine(pkcs8: string): string {
    const { privateKeyOf } = require("../../../clients/ssh/keys") as typeof import("../../../clients/ssh/keys");
    const key = privateKeyOf(pkcs8, undefined);
    return `${key.type} ${key.getPublicSSH().toString("base64")}`;
}

async function startAgent(): Promise<{ socket: string; stop(): void }> {
    const socket = path.join(scratch, `agent-${process.hrtime.bigint()}`);
    const child = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] });
    await new Promise((resolve, reject) => {
        child.once("error", reject);
        createInterface({ input: child.stdout }).once("line", resolve);
    });
    return { socket, stop: () => void child.kill() };
}
