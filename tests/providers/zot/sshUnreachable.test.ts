/** What a person is told of a host that no login reaches, and of a key that cannot work. */
import { execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { createInterface } from "node:readline";
import type { SshConnection } from "../../../clients/ssh";
import { freePort } from "../../../testbed/site/ports";
import { generateKeyPair } from "../../../testbed/sshHost";
import { told } from "./sshLogin";

jest.setTimeout(60_000);

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "ssh-test-"));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

describe("what is no SSH host", () => {
    const nobody: SshConnection = {
        host: "127.0.0.1",
        port: 1,
        user: "zot",
        hostKey: generateKeyPair("ed25519", "host").publicKey,
        privateKey: generateKeyPair("ed25519", "user").privateKeyPem,
    };

    test("refused", async () => {
        expect(await told({ ...nobody, port: await freePort() })).toMatch(
            /^The registry's host, 127\.0\.0\.1 port \d+, refuses connections: .*host\.address or host\.port\.$/,
        );
    });

    test("no answer at all", async () => {
        // A server that is stopped, with its queue full: the system answers nobody any more, as behind a firewall that
        // drops packets.
        const server = spawn(
            process.execPath,
            [
                "-e",
                'require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: ' +
                    "1 }, function () { console.log(this.address().port); })",
            ],
            { stdio: ["ignore", "pipe", "inherit"] },
        );
        const queued: net.Socket[] = [];
        try {
            const port = Number((await createInterface(server.stdout)[Symbol.asyncIterator]().next()).value);
            server.kill("SIGSTOP");
            for (let isFull = false; !isFull; ) {
                const socket = net.connect(port, "127.0.0.1").on("error", () => {});
                queued.push(socket);
                isFull = await Promise.race([
                    new Promise<boolean>((resolve) => socket.once("connect", () => resolve(false))),
                    new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 500)),
                ]);
            }
            const began = Date.now();
            expect(await told({ ...nobody, port }, { answer: 700 })).toMatch(
                /^The registry's host, 127\.0\.0\.1 port \d+, does not answer within 0\.7 seconds/,
            );
            expect(Date.now() - began).toBeLessThan(10_000);
        } finally {
            queued.forEach((socket) => socket.destroy());
            server.kill("SIGKILL");
        }
    });

    test("a name that nobody has", async () => {
        expect(await told({ ...nobody, host: "registry.invalid" })).toMatch(
            /^The name of the registry's host, registry\.invalid, cannot be resolved .*host\.address/,
        );
    });

    test("a web server", async () => {
        const server = net.createServer((socket) => {
            socket.on("error", () => {});
            socket.on("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        try {
            expect(await told({ ...nobody, port: (server.address() as net.AddressInfo).port })).toMatch(
                /HTTP\/1\.1 400 Bad Request.*no SSH server/,
            );
        } finally {
            server.close();
        }
    });
});

describe("what is wrong before anybody is asked", () => {
    const nobody: SshConnection = {
        host: "127.0.0.1",
        port: 1,
        user: "zot",
        hostKey: generateKeyPair("ed25519", "host").publicKey,
    };
    const file = path.join(scratch, "protected");
    beforeAll(() => execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "open sesame", "-f", file]));
    const protectedKey = () => fs.readFileSync(file, "utf8");

    test.each<[string, () => Partial<SshConnection>, RegExp]>([
        [
            "no passphrase",
            () => ({ privateKey: protectedKey() }),
            /is protected by a passphrase, but none is set \(host\.privateKeyPassphrase\)/,
        ],
        [
            "a wrong passphrase",
            () => ({ privateKey: protectedKey(), privateKeyPassword: "sesame" }),
            /the passphrase \(host\.privateKeyPassphrase\) does not fit the private key/,
        ],
        [
            "a passphrase too many",
            () => ({ privateKey: generateKeyPair("ed25519", "x").privateKeyPem, privateKeyPassword: "sesame" }),
            /the private key has none; remove it/,
        ],
        ["no private key", () => ({ privateKey: "ssh-ed25519 AAAA" }), /is not a private key in PEM or OpenSSH form/],
        [
            "a damaged key",
            () => ({
                privateKey: generateKeyPair("ed25519", "x").privateKeyPem.replace(
                    /(\n.{60})[\s\S]*(\n-----END)/,
                    "$1$2",
                ),
            }),
            /the private key cannot be read: it is damaged/,
        ],
        [
            "nothing to log in with",
            () => ({}),
            /no private key \(host\.privateKey\), no password \(host\.password\), and no SSH agent \(SSH_AUTH_SOCK is not set\)/,
        ],
        [
            "an agent that is gone",
            () => ({
                privateKey: generateKeyPair("ed25519", "x").privateKeyPem,
                agentSocketPath: path.join(scratch, "gone"),
            }),
            /SSH_AUTH_SOCK names .*gone, but no SSH agent answers there \(ENOENT\)/,
        ],
        [
            "a fingerprint for a host key",
            () => ({ hostKey: "SHA256:abc", password: "x" }),
            /is not an ed25519 or ecdsa key on one line/,
        ],
    ])("%s", async (_what, changes, sentence) => {
        expect(await told({ ...nobody, ...changes() })).toMatch(sentence);
    });
});
