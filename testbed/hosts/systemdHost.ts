/** A host with systemd as PID 1 and sshd, in a container that shares this machine's loopback. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runOverSsh, type SshLogin } from "../faults/overSsh";
import { freePort } from "../site/ports";
import { generateKeyPair } from "../sshHost";
import bootScript from "./boot.sh";

/** How long a host may take to let one log in, in milliseconds. */
const BOOT_TIMEOUT = 90_000;

/** A file or folder of this machine that the host sees read-only, and where. */
export interface Shown {
    from: string;
    to: string;
}

export class SystemdHost {
    /** What the host says on its console. */
    private console = "";
    private ended = false;

    private constructor(
        readonly name: string,
        private readonly folder: string,
        private readonly process: ChildProcess,
        readonly port: number,
        readonly hostPublicKey: string,
        private readonly privateKeyPem: string,
    ) {
        process.stdout?.on("data", (chunk: Buffer) => (this.console = (this.console + String(chunk)).slice(-4000)));
        process.stderr?.on("data", (chunk: Buffer) => (this.console = (this.console + String(chunk)).slice(-4000)));
        process.once("exit", () => (this.ended = true));
    }

    /**
     * Boots a tree, and waits until root can log in.
     *
     * @throws Error with the last lines of the console
     */
    static async boot(label: string, tree: string, shown: Shown[]): Promise<SystemdHost> {
        const name = `zot-${label}-${randomBytes(3).toString("hex")}`;
        const folder = fs.mkdtempSync(join(tmpdir(), `${name}-`));
        const [port, hostKey, key] = [
            await freePort(),
            generateKeyPair("ed25519", name),
            generateKeyPair("ed25519", "hosts"),
        ];
        const seed = (path: string, text: string, mode = 0o644) => {
            const file = join(folder, "seed", path);
            fs.mkdirSync(dirname(file), { recursive: true });
            fs.writeFileSync(file, text, { mode });
        };
        seed("etc/hostname", `${label}\n`);
        seed("etc/hosts", `127.0.0.1 localhost ${label}\n`);
        seed(
            "etc/ssh/sshd_config.d/hosts.conf",
            `Port ${port}\nListenAddress 127.0.0.1\nHostKey /etc/ssh/hosts_key\nAuthorizedKeysFile ` +
                `/etc/ssh/hosts_authorized\n`,
        );
        seed("etc/ssh/hosts_key", hostKey.privateKeyPem, 0o600);
        seed("etc/ssh/hosts_authorized", `${key.publicKey}\n`);
        const script = join(folder, "boot.sh");
        fs.writeFileSync(script, bootScript);
        const binds = shown.map(({ from, to }) => `--bind-ro=${from}:${to}`);
        const child = spawn("/bin/sh", [script, name, tree, folder, ...binds], { stdio: ["ignore", "pipe", "pipe"] });
        const host = new SystemdHost(name, folder, child, port, hostKey.publicKey, key.privateKeyPem);
        try {
            await host.reached();
            return host;
        } catch (error) {
            await host.stop();
            throw error;
        }
    }

    /** For a user of the host. */
    login(user: string): SshLogin {
        return { host: "127.0.0.1", port: this.port, user, privateKeyPem: this.privateKeyPem };
    }

    /** The standard output of a root shell. @throws Error if it fails */
    async sh(script: string): Promise<string> {
        const { exitCode, output, errors } = await runOverSsh(this.login("root"), "exec /bin/sh -s", script);
        if (exitCode !== 0)
            throw new Error(
                `On ${this.name} a preparation failed (exit ${exitCode}): ${errors.trim() || output.trim()}\n${script}`,
            );
        return output;
    }

    /** Restarts the host as `systemctl reboot` does, and waits until one can log in again. */
    async reboot(): Promise<void> {
        const before = await this.bootId();
        await runOverSsh(this.login("root"), "systemctl reboot", "");
        const deadline = Date.now() + BOOT_TIMEOUT;
        while ((await this.bootId().catch(() => before)) === before) {
            if (this.ended || Date.now() > deadline)
                throw new Error(`${this.name} did not come up again. Its console ends: ${this.console.slice(-800)}`);
            await pause(100);
        }
    }

    async stop(): Promise<void> {
        if (!this.ended) {
            const gone = new Promise((resolve) => this.process.once("exit", resolve));
            this.process.kill("SIGKILL");
            await gone;
        }
        await removeControlGroup(this.name);
        fs.rmSync(this.folder, { recursive: true, force: true });
    }

    private bootId(): Promise<string> {
        return this.sh("cat /proc/sys/kernel/random/boot_id");
    }

    private async reached(): Promise<void> {
        const deadline = Date.now() + BOOT_TIMEOUT;
        for (;;) {
            const problem = await this.bootId().then(
                () => undefined,
                (error: Error) => error.message,
            );
            if (problem === undefined) return;
            if (this.ended || Date.now() > deadline)
                throw new Error(
                    `${this.name} did not come up (${problem}). Its console ends: ${this.console.slice(-800)}`,
                );
            await pause(100);
        }
    }
}

/** The control group that a host was in; a process that is just ending keeps it for a moment. */
async function removeControlGroup(name: string): Promise<void> {
    const mounted = /^\S+ (\S+) cgroup2 /m.exec(fs.readFileSync("/proc/mounts", "utf8"))?.[1];
    if (!mounted) return;
    const remove = (folder: string) => {
        for (const entry of fs.readdirSync(folder, { withFileTypes: true }))
            if (entry.isDirectory()) remove(join(folder, entry.name));
        fs.rmdirSync(folder);
    };
    const group = join(mounted, name);
    for (let attempt = 0; attempt < 50 && fs.existsSync(group); attempt++) {
        try {
            remove(group);
        } catch {
            await pause(100);
        }
    }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
