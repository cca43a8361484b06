import { spawn } from "node:child_process";
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { Client, type ConnectConfig } from "ssh2";
import { findSshd, generateKeyPair, type SshHost, startSshHost } from "../../../testbed/sshHost";
import { processTable } from "../../../testbed/sshHost/processes";

jest.setTimeout(60_000);

const root = path.resolve(__dirname, "../../..");
const sshd = findSshd();
const kinds: ("embedded" | "openssh")[] = sshd ? ["embedded", "openssh"] : ["embedded"];
if (!sshd) test.skip("openssh: this machine has no sshd (Debian's package openssh-server)", () => {});

const scratch: string[] = [];
const scratchFolder = () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ssh-host-test-"));
    scratch.push(folder);
    return folder;
};
afterAll(() => scratch.forEach((folder) => fs.rmSync(folder, { recursive: true, force: true })));

interface Ran {
    stdout: string;
    stderr: string;
    code: number | null;
    signal?: string;
}

function connect(host: SshHost, options: Partial<ConnectConfig> = {}): Promise<Client> {
    return new Promise((resolve, reject) => {
        const client = new Client();
        client.on("error", reject);
        client.once("close", () => reject(new Error("closed")));
        client.once("ready", () => resolve(client));
        client.connect({
            host: host.host,
            port: host.port,
            username: host.user,
            privateKey: host.privateKeyPem,
            ...options,
        });
    });
}

function exec(client: Client, command: string, stdin: string | Buffer = ""): Promise<Ran> {
    return new Promise((resolve, reject) => {
        client.exec(command, (error, channel) => {
            if (error) return reject(error);
            const out: Buffer[] = [];
            const err: Buffer[] = [];
            let ended: { code: number | null; signal?: string } | undefined;
            channel.on("data", (chunk: Buffer) => out.push(chunk));
            channel.stderr.on("data", (chunk: Buffer) => err.push(chunk));
            channel.on("exit", (code: number | null, signal?: string) => (ended = { code, signal }));
            channel.on("close", () => {
                if (!ended) return reject(new Error("the connection was lost"));
                resolve({ stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString(), ...ended });
            });
            channel.end(stdin);
        });
    });
}

async function run(
    host: SshHost,
    command: string,
    stdin?: string | Buffer,
    options?: Partial<ConnectConfig>,
): Promise<Ran> {
    const client = await connect(host, options);
    try {
        return await exec(client, command, stdin);
    } finally {
        client.end();
    }
}

async function until(what: string, condition: () => boolean, seconds = 10): Promise<void> {
    for (const deadline = Date.now() + seconds * 1000; !condition(); ) {
        if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

const runs = (pid: number) => processTable().some((entry) => entry.pid === pid);

describe.each(kinds)("%s", (kind) => {
    let host: SshHost;
    let home: string;
    beforeAll(async () => {
        home = scratchFolder();
        host = await startSshHost({ kind, home, shell: "/bin/sh", environment: { GREETING: "good day" } });
    });
    afterAll(() => host.stop());

    test("says what it is, and where", () => {
        expect(host).toMatchObject({ kind, host: "127.0.0.1", user: os.userInfo().username });
        expect(host.hostPublicKey).toMatch(/^ssh-ed25519 [A-Za-z0-9+/=]+$/);
        expect(fs.statSync(host.privateKeyFile).mode & 0o777).toBe(0o600);
        expect(fs.readFileSync(host.privateKeyFile, "utf8")).toBe(host.privateKeyPem);
        expect(host.log()).not.toContain("PRIVATE KEY");
    });

    test("runs a command by the shell, in the home folder, and tells its output and exit status", async () => {
        const ran = await run(host, 'echo "$HOME $(pwd -P) $GREETING"; echo wrong >&2; exit 3');
        expect(ran).toMatchObject({
            stdout: `${home} ${fs.realpathSync(home)} good day\n`,
            stderr: "wrong\n",
            code: 3,
        });
    });

    test("tells the signal that ended a command", async () => {
        expect(await run(host, "kill -TERM $$")).toMatchObject({ code: null, signal: "SIGTERM" });
    });

    test("gives pipes, which a script can open again", async () => {
        const ran = await run(
            host,
            "cat /dev/stdin > copy; cat copy > /dev/stdout; echo error > /dev/stderr",
            "input\n",
        );
        expect(ran).toMatchObject({ stdout: "input\n", stderr: "error\n", code: 0 });
    });

    test("carries megabytes both ways, unchanged", async () => {
        const content = crypto.randomBytes(5_000_000);
        const file = path.join(home, "content");
        const ran = await run(host, `cat > content; cat content | od -An -v -tx1 | wc -l`, content);
        expect(ran).toMatchObject({ stdout: expect.stringMatching(/^\s*312500\n$/), code: 0 });
        expect(fs.readFileSync(file).equals(content)).toBe(true);
        expect((await run(host, "od -An -v -tx1 content")).stdout).toHaveLength(5_000_000 * 3 + 312_500);
    });

    test("ends a command that does not read its input as soon as it is over", async () => {
        expect(await run(host, "exit 4", Buffer.alloc(6_000_000))).toMatchObject({ code: 4 });
    });

    test("drops input for which a running command no longer waits", async () => {
        expect(await run(host, "exec <&-; sleep 1; echo later", Buffer.alloc(6_000_000))).toMatchObject({
            stdout: "later\n",
            code: 0,
        });
    });

    test("takes a script of 100 KB, and refuses one that is longer than a single argument may be", async () => {
        const script = (length: number) => `# ${"x".repeat(length)}\necho done`;
        expect(await run(host, script(100_000))).toMatchObject({ stdout: "done\n", code: 0 });
        expect(await run(host, script(140_000))).toMatchObject({
            stderr: expect.stringContaining("Argument list too long"),
            code: 1,
        });
    });

    test("keeps a session open while a child in the background has its output", async () => {
        const begun = Date.now();
        expect(await run(host, "sleep 1 & echo first")).toMatchObject({ stdout: "first\n" });
        expect(Date.now() - begun).toBeGreaterThan(900);
    });

    test("counts connections, and logins that failed", async () => {
        const before = { connections: host.connections(), failed: host.failedLogins() };
        const stranger = generateKeyPair("ed25519", "stranger").privateKeyPem;
        await expect(connect(host, { privateKey: stranger })).rejects.toThrow(
            "All configured authentication methods failed",
        );
        await expect(connect(host, { username: "nobody-of-that-name" })).rejects.toThrow(
            "All configured authentication methods failed",
        );
        await run(host, "true");
        expect(host.connections() - before.connections).toBe(3);
        await until("two failed logins", () => host.failedLogins() - before.failed === 2);
    });

    test("lets in a key that is added while it runs", async () => {
        const added = generateKeyPair("ecdsa", "added");
        fs.appendFileSync(host.authorizedKeysFile, `${added.publicKey}\n`);
        expect(await run(host, "echo in", "", { privateKey: added.privateKeyPem })).toMatchObject({ stdout: "in\n" });
    });

    test("shows the host key that it says", async () => {
        let shown = "";
        const hostVerifier = (key: Buffer) => {
            shown = key.toString("base64");
            return true;
        };
        await run(host, "true", "", { hostVerifier });
        expect(`ssh-ed25519 ${shown}`).toBe(host.hostPublicKey);
    });

    test("is a jump host to loopback, and to nothing else", async () => {
        const client = await connect(host);
        const channel = await new Promise<NodeJS.ReadWriteStream>((resolve, reject) =>
            client.forwardOut("127.0.0.1", 0, "127.0.0.1", host.port, (error, stream) =>
                error ? reject(error) : resolve(stream),
            ),
        );
        expect(await run(host, "echo through", "", { sock: channel as unknown as net.Socket })).toMatchObject({
            stdout: "through\n",
        });
        await expect(
            new Promise((resolve, reject) =>
                client.forwardOut("127.0.0.1", 0, "192.0.2.1", 22, (error, stream) =>
                    error ? reject(error) : resolve(stream),
                ),
            ),
        ).rejects.toThrow("Channel open failure");
        client.end();
    });

    test("listens on 127.0.0.1 alone", async () => {
        const others = Object.values(os.networkInterfaces())
            .flat()
            .filter((each) => each && !each.internal && each.family === "IPv4");
        for (const other of others) {
            const reached = await new Promise<boolean>((resolve) => {
                const socket = net.connect(host.port, (other as os.NetworkInterfaceInfo).address);
                socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
            });
            expect(reached).toBe(false);
        }
    });

    test("lets a command run on when its connection is cut", async () => {
        const client = await connect(host);
        const ran = exec(client, "echo $$ > cut.pid; sleep 1; echo survived > cut");
        const lost = expect(ran).rejects.toThrow("the connection was lost");
        await until("the command runs", () => fs.existsSync(path.join(home, "cut.pid")));
        host.dropConnections();
        await lost;
        await until("the command ends", () => fs.existsSync(path.join(home, "cut")));
    });

    test("ends with all that it left behind, and takes its files away", async () => {
        const other = await startSshHost({ kind, home: scratchFolder(), shell: "/bin/sh" });
        const ran = await run(other, "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $!");
        const daemon = Number(ran.stdout);
        const client = await connect(other);
        const command = exec(client, "echo $$ > running; exec sleep 1000");
        const lost = expect(command).rejects.toThrow("the connection was lost");
        const pidFile = path.join(scratch[scratch.length - 1] as string, "running");
        await until("the command runs", () => fs.existsSync(pidFile) && fs.readFileSync(pidFile, "utf8") !== "");
        const running = Number(fs.readFileSync(pidFile, "utf8"));
        expect([runs(daemon), runs(running)]).toEqual([true, true]);
        await other.stop();
        await lost;
        await until("both have ended", () => !runs(daemon) && !runs(running));
        expect(fs.existsSync(path.dirname(other.privateKeyFile))).toBe(false);
        await expect(connect(other)).rejects.toThrow();
    });

    test("takes only the variables that it was told to take", async () => {
        const open = await startSshHost({
            kind,
            home: scratchFolder(),
            shell: "/bin/sh",
            acceptEnvironment: ["COLOUR"],
        });
        try {
            const client = await connect(open);
            const printed = await new Promise<string>((resolve, reject) =>
                client.exec('echo "$COLOUR,$SHAPE"', { env: { COLOUR: "red", SHAPE: "round" } }, (error, channel) => {
                    if (error) return reject(error);
                    channel.on("data", (chunk: Buffer) => resolve(chunk.toString()));
                }),
            );
            expect(printed).toBe("red,\n");
            client.end();
        } finally {
            await open.stop();
        }
    });
});

describe("embedded: faults on demand", () => {
    let host: SshHost;
    let home: string;
    beforeEach(async () => {
        home = scratchFolder();
        host = await startSshHost({ kind: "embedded", home, shell: "/bin/sh", password: "open sesame" });
    });
    afterEach(() => host.stop());

    test("a password, where it was given one", async () => {
        expect(await run(host, "echo in", "", { privateKey: undefined, password: "open sesame" })).toMatchObject({
            stdout: "in\n",
        });
        await expect(connect(host, { privateKey: undefined, password: "open" })).rejects.toThrow(
            "All configured authentication methods failed",
        );
    });

    test("neverSendBanner", async () => {
        host.faults.neverSendBanner = true;
        await expect(connect(host, { readyTimeout: 500 })).rejects.toThrow("Timed out while waiting for handshake");
        expect(host.connections()).toBe(1);
    });

    test("refuseLogins", async () => {
        host.faults.refuseLogins = true;
        await expect(connect(host)).rejects.toThrow("All configured authentication methods failed");
        host.faults.refuseLogins = false;
        await run(host, "true");
    });

    test("dropAfterBytesReceived cuts the input in the middle", async () => {
        host.faults.dropAfterBytesReceived = 100_000;
        await expect(run(host, "cat > received; echo whole > whole", Buffer.alloc(1_000_000))).rejects.toThrow();
        await until("the command ends", () => fs.existsSync(path.join(home, "whole")));
        const { size } = fs.statSync(path.join(home, "received"));
        expect(size).toBeGreaterThan(0);
        expect(size).toBeLessThan(1_000_000);
    });

    test("dropAfterBytesSent cuts the output in the middle", async () => {
        host.faults.dropAfterBytesSent = 100_000;
        await expect(run(host, "head -c 1000000 /dev/zero")).rejects.toThrow();
    });

    test("dropWhenCommandStarts", async () => {
        host.faults.dropWhenCommandStarts = true;
        await expect(run(host, "sleep 1; echo done > done")).rejects.toThrow();
        await until("the command ends", () => fs.existsSync(path.join(home, "done")));
    });
});

describe("which server it is", () => {
    const before = process.env.SSH_HOST_KIND;
    afterEach(() => {
        if (before === undefined) delete process.env.SSH_HOST_KIND;
        else process.env.SSH_HOST_KIND = before;
    });

    test("SSH_HOST_KIND decides where the caller does not", async () => {
        process.env.SSH_HOST_KIND = "embedded";
        const host = await startSshHost();
        expect(host.kind).toBe("embedded");
        await host.stop();
        process.env.SSH_HOST_KIND = "dropbear";
        await expect(startSshHost()).rejects.toThrow('SSH_HOST_KIND is "dropbear"; it may be "openssh" or "embedded".');
    });

    test("without a word of either, sshd where it is installed, else the embedded one", async () => {
        delete process.env.SSH_HOST_KIND;
        const host = await startSshHost();
        // An sshd that lets nobody in gives way, and the log says why.
        expect(host.kind === "openssh" || !sshd || host.log().includes("is of no use here")).toBe(true);
        await host.stop();
    });

    (sshd ? test : test.skip)("sshd refuses what it cannot do", async () => {
        await expect(startSshHost({ kind: "openssh", password: "x" })).rejects.toThrow(
            "sshd checks the passwords of the system's users",
        );
        const host = await startSshHost({ kind: "openssh" });
        expect(() => {
            host.faults.refuseLogins = true;
        }).toThrow("sshd has no faults on demand");
        await host.stop();
    });
});

test("the command line tool says where it is, and ends on SIGTERM", async () => {
    const tool = spawn(
        process.execPath,
        [path.join(root, "build/run.cjs"), "testbed/sshHost/main.ts", "--kind", "embedded", "--json"],
        {
            cwd: root,
            stdio: ["ignore", "pipe", "inherit"],
        },
    );
    const said = JSON.parse(
        await new Promise<string>((resolve) => createInterface({ input: tool.stdout }).once("line", resolve)),
    );
    expect(said).toMatchObject({
        kind: "embedded",
        host: "127.0.0.1",
        port: expect.any(Number),
        hostPublicKey: expect.stringMatching(/^ssh-ed25519 /),
    });
    const privateKey = fs.readFileSync(said.privateKeyFile, "utf8");
    const client = await connect({ ...said, privateKeyPem: privateKey } as SshHost);
    expect(await exec(client, "echo here")).toMatchObject({ code: 0 });
    client.end();
    const ended = new Promise((resolve) => tool.once("exit", resolve));
    tool.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(fs.existsSync(said.privateKeyFile)).toBe(false);
});
