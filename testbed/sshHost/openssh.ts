/** The machine's own sshd, as the current user, on loopback, with a configuration, keys and a log of its own. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import { noFaults, type RunningServer, type ServerSetup, type SshHostFaults } from "./host";
import { descendants, endMarked, endProcess } from "./processes";

const USUAL_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"];

/** The path of sshd, which must be started by an absolute one; undefined if the machine has none. */
export function findSshd(): string | undefined {
    return [...USUAL_FOLDERS, ...(process.env.PATH ?? "").split(path.delimiter)]
        .filter((folder) => path.isAbsolute(folder))
        .map((folder) => path.join(folder, "sshd"))
        .find((file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile());
}

/** Starts sshd. If it does not start, throws with sshd's words. */
export async function startOpenSsh(setup: ServerSetup, sshd: string): Promise<RunningServer> {
    if (setup.options.password !== undefined) {
        throw new Error(
            "sshd checks the passwords of the system's users, so it cannot be given one; the embedded SSH host can.",
        );
    }
    if (Object.keys(setup.options.faults ?? {}).length > 0) throw new Error(faultMessage);
    // sshd takes no port 0. A port that was free a moment ago may be taken again.
    for (let attempt = 1; ; attempt++) {
        const port = setup.options.port ?? (await freePort());
        try {
            return await startOn(port, setup, sshd);
        } catch (error) {
            const taken = error instanceof Error && /Address already in use/.test(error.message);
            if (!taken || setup.options.port !== undefined || attempt === 5) throw error;
        }
    }
}

const faultMessage = "sshd has no faults on demand; the embedded SSH host has.";

async function startOn(port: number, setup: ServerSetup, sshd: string): Promise<RunningServer> {
    const configFile = path.join(setup.folder, "sshd_config");
    const logFile = path.join(setup.folder, "sshd.log");
    fs.writeFileSync(configFile, configuration(port, setup), { mode: 0o600 });
    fs.rmSync(logFile, { force: true });
    // If root starts sshd, it needs the folder to which its unprivileged part is confined.
    if (process.getuid?.() === 0) fs.mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });

    const server = spawn(sshd, ["-D", "-E", logFile, "-f", configFile], { stdio: "ignore" });
    const endWithUs = () => server.kill("SIGKILL");
    process.once("exit", endWithUs);
    const ended = new Promise<void>((resolve) => {
        server.once("exit", () => resolve());
        server.once("error", () => resolve());
    }).finally(() => process.removeListener("exit", endWithUs));
    let running = true;
    void ended.then(() => (running = false));

    const log = () => (fs.existsSync(logFile) ? fs.readFileSync(logFile, "utf8") : "");
    const deadline = Date.now() + 10_000;
    while (!log().includes(`Server listening on 127.0.0.1 port ${port}`)) {
        if (!running || Date.now() > deadline) {
            server.kill("SIGKILL");
            throw new Error(
                `${sshd} did not start to listen on 127.0.0.1 port ${port}. It said: ${log().trim() || "nothing"}`,
            );
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
    }

    const endSessions = () => {
        const sessions = descendants(server.pid as number).filter((entry) => entry.name.startsWith("sshd"));
        for (const session of sessions) endProcess(session.pid);
    };
    return {
        port,
        connections: () => count(log(), /^Connection from /gm),
        failedLogins: () =>
            count(
                log(),
                /^(Connection (closed|reset) by|Disconnected from|Disconnecting) (authenticating|invalid) user /gm,
            ),
        log,
        faults: refusedFaults(),
        dropConnections: endSessions,
        stop: async () => {
            // Before the listener: without it, nobody could know whose children they were.
            endSessions();
            server.kill("SIGTERM");
            await ended;
            endMarked(setup.mark);
        },
    };
}

function configuration(port: number, setup: ServerSetup): string {
    const { options } = setup;
    const hostKeys = setup.hostKeyPems.map((pem, index) => {
        const file = path.join(setup.folder, `host_key_${index}`);
        fs.writeFileSync(file, pem, { mode: 0o600 });
        return `HostKey ${quoted(file)}`;
    });
    const own: Record<string, string> = {};
    const settings = [
        `Port ${port}`,
        "ListenAddress 127.0.0.1",
        ...hostKeys,
        "PidFile none",
        "UsePAM no",
        "StrictModes no",
        `AuthorizedKeysFile ${quoted(setup.authorizedKeysFile)}`,
        "AuthenticationMethods publickey",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        `AllowUsers ${setup.user}`,
        "PermitRootLogin prohibit-password",
        "PermitUserRC no",
        // Enough for a jump host, and no further than this machine.
        "AllowTcpForwarding local",
        "PermitOpen 127.0.0.1:* localhost:* [::1]:*",
        "AllowAgentForwarding no",
        "X11Forwarding no",
        "LogLevel VERBOSE",
    ];
    for (const name of options.acceptEnvironment ?? []) settings.push(`AcceptEnv ${name}`);
    if (options.home !== undefined || options.shell !== undefined) {
        if (options.home !== undefined) own.HOME = options.home;
        if (options.shell !== undefined) own.SHELL = options.shell;
        // sshd takes home and shell from the system's list of users, so the login shell hands over.
        const into = options.home === undefined ? "" : `cd ${shellQuoted(options.home)} && `;
        const shell = options.shell === undefined ? '"$SHELL"' : shellQuoted(options.shell);
        settings.push(`ForceCommand ${into}exec ${shell} -c "$SSH_ORIGINAL_COMMAND"`);
    }
    const [markName, ...markValue] = setup.mark.split("=");
    // Debian's bash reads ~/.bashrc for a command over SSH, if it is the first shell: whatever this machine's user has
    // in it (a version manager that waits for a lock) must not affect the tests.
    const variables = { SHLVL: "1", [markName as string]: markValue.join("="), ...own, ...options.environment };
    // One line: if there are several, sshd uses the first.
    settings.push(
        `SetEnv ${Object.entries(variables)
            .map(([name, value]) => quoted(`${name}=${value}`))
            .join(" ")}`,
    );
    return settings.map((line) => `${line}\n`).join("");
}

function quoted(value: string): string {
    if (/["\\\n]/.test(value))
        throw new Error(
            `sshd's configuration cannot hold ${JSON.stringify(value)}: it has a quote, a backslash or a line break.`,
        );
    return `"${value}"`;
}

const shellQuoted = (value: string) => `'${value.replaceAll("'", "'\\''")}'`;

const count = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0;

/** Setting a fault that cannot happen would make a test pass without testing anything. */
function refusedFaults(): SshHostFaults {
    return new Proxy(noFaults(), {
        set: () => {
            throw new Error(faultMessage);
        },
    });
}

function freePort(): Promise<number> {
    return new Promise((resolve, reject) => {
        const probe = net.createServer();
        probe.once("error", reject);
        probe.listen(0, "127.0.0.1", () => {
            const { port } = probe.address() as net.AddressInfo;
            probe.close(() => resolve(port));
        });
    });
}
