/** The push by way of systemd and launchd, played by stand-ins that record what they are told, and by sudo. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { userInfo } from "node:os";
import { join, resolve } from "node:path";
import { FaultHost, type Pushed } from "../../testbed/faults/host";
import { DOWN, OPEN, READ_ONLY, servedBy } from "../../testbed/faults/watch";

jest.setTimeout(120_000);

const standIns = resolve(__dirname, "../../testbed/serviceManagers");
const uid = process.getuid?.() ?? 0;
let host: FaultHost;
let manager: string;

beforeAll(async () => {
    const folder = fs.mkdtempSync("/tmp/service-manager-");
    manager = join(folder, "manager");
    fs.mkdirSync(join(manager, "system"), { recursive: true });
    host = await FaultHost.start({
        path: standIns,
        environment: { SERVICE_MANAGER_FOLDER: manager, XDG_RUNTIME_DIR: folder },
        settings: { zot: { user: userInfo().username } },
    });
    fs.mkdirSync(join(host.temporary, ".config/systemd/user"), { recursive: true });
    fs.mkdirSync(join(host.temporary, "Library/LaunchAgents"), { recursive: true });
    fs.mkdirSync(join(host.temporary, "Library/Logs"), { recursive: true });
});

afterEach(async () => {
    await host.issuer.become("ours");
    for (const name of fs.readdirSync(manager).filter((entry) => entry.endsWith(".service"))) {
        const supervisor = read(join(manager, name, "supervisor"));
        const pid = read(join(manager, name, "pid"));
        for (const number of [supervisor, pid]) if (number.trim()) spawnSync("kill", ["-9", number.trim()]);
    }
    // What a manager has lost sight of, because a test changed what it knows of its job.
    spawnSync("pkill", ["-9", "-f", host.configFile]);
    for (const entry of fs.readdirSync(manager))
        if (entry !== "system") fs.rmSync(join(manager, entry), { recursive: true });
    for (const folder of [".config/systemd/user", "Library/LaunchAgents"]) {
        for (const entry of fs.readdirSync(join(host.temporary, folder)))
            fs.rmSync(join(host.temporary, folder, entry), { recursive: true });
    }
    host.reset();
});

afterAll(async () => {
    await host?.stop();
    if (manager) fs.rmSync(resolve(manager, ".."), { recursive: true, force: true });
});

const read = (file: string) => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "");
/** What was told to a manager, but for questions. */
const orders = () =>
    read(join(manager, "calls"))
        .split("\n")
        .filter((line) => line && !/^(systemctl( --user)? show|launchctl print(-disabled)?) /.test(line));
const served = (...known: Pushed[]) => servedBy(host.url, known);

async function until(what: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (!(await what())) {
        if (Date.now() > deadline)
            throw new Error(
                `It did not happen. zot said: ${fs
                    .readdirSync(manager)
                    .map((entry) => read(join(manager, entry, "log")).slice(-800))
                    .join("\n")}`,
            );
        await new Promise((done) => setTimeout(done, 30));
    }
}

describe("systemd", () => {
    const units = () => join(host.temporary, ".config/systemd/user");
    const user = (settings: Record<string, unknown> = {}, push: Record<string, unknown> = {}) =>
        host.declare(
            "a",
            {
                host: {
                    serviceManager: "systemd-user",
                    serviceName: "registry",
                    restartCommand: undefined,
                    ...settings,
                },
            },
            { host: { logFile: "", ...push } },
        );
    const command = (...args: string[]) =>
        spawnSync(join(standIns, "systemctl"), ["--user", ...args], {
            env: { ...process.env, SERVICE_MANAGER_FOLDER: manager, HOME: host.temporary, XDG_RUNTIME_DIR: "/tmp" },
            stdio: "ignore",
        });

    /** A unit of the site's own, which runs. */
    function siteUnit(
        lines: string[] = ["[Unit]", "StartLimitIntervalSec=0", "[Service]", "Restart=always", "RestartSec=0.2"],
    ): void {
        fs.writeFileSync(host.configFile, host.openConfig());
        fs.writeFileSync(
            join(units(), "registry.service"),
            [
                ...lines,
                ...(lines.includes("[Service]") ? [] : ["[Service]"]),
                `ExecStart=${host.machine.zot.path} serve ${host.configFile}`,
                "",
            ].join("\n"),
        );
        command("start", "registry");
        fs.rmSync(join(manager, "calls"));
    }

    it("restarts the site's own unit, and nothing else", async () => {
        siteUnit();
        await until(async () => (await served()) === OPEN);
        const a = user();
        expect(await host.push(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
        expect(await served(a)).toBe("a");
        expect(orders()).toEqual(["systemctl --user reset-failed registry", "systemctl --user restart registry"]);
        expect(fs.readdirSync(units())).toEqual(["registry.service"]);
    });

    it("refuses a unit that starts zot with another file, running or not, and names it", async () => {
        siteUnit();
        command("stop", "registry");
        const unit = join(units(), "registry.service");
        const other = join(host.folder, "other.json");
        fs.writeFileSync(unit, read(unit).replace(`serve ${host.configFile}`, `serve ${other}`));
        const { errors } = await host.push(user());
        expect(errors).toContain(
            `The service registry starts zot with ${other}, and zot.configFile is ${host.configFile}, which nobody would serve; set zot.configFile to ${other}, or correct host.serviceName.`,
        );
        expect(fs.readdirSync(host.configFolder)).toEqual(["config.json"]);
        expect(orders()).toEqual(["systemctl --user stop registry"]);
    });

    it("refuses a unit that it does not know, and one that would not always be started again, in words that mend it", async () => {
        expect((await host.push(user())).errors).toContain(
            "systemd knows no service registry; correct host.serviceName or host.serviceManager.",
        );
        siteUnit(["[Service]", "Restart=on-failure"]);
        const { errors } = await host.push(user());
        expect(errors).toContain(
            "systemd would not always start registry again when it ends (Restart=on-failure, StartLimitIntervalSec=10s)",
        );
        expect(errors).toContain(
            `Write into ${units()}/registry.service.d/restart.conf "[Unit] StartLimitIntervalSec=0" and "[Service] Restart=always RestartSec=1" on lines of their own, and run: systemctl --user daemon-reload [ZH-SYSTEMD-RESTART] Or set host.startWithoutIssuer`,
        );
        expect((await host.push(user({ serviceName: "registry.service" }))).errors).toContain(
            `Write into ${units()}/registry.service.d/restart.conf `,
        );
        expect(await served()).toBe(OPEN);
        expect(orders()).toEqual([]);
    });

    it("refuses a masked unit, and a user who does not linger, with the command that mends it", async () => {
        fs.writeFileSync(host.configFile, host.openConfig());
        fs.symlinkSync("/dev/null", join(units(), "registry.service"));
        for (const settings of [{}, { manageService: true }]) {
            expect((await host.push(user({}, settings))).errors).toContain(
                "registry.service is masked, so that systemd does not start it; run on the host: systemctl --user unmask registry.service [ZH-SYSTEMD-MASKED]",
            );
        }
        fs.rmSync(join(units(), "registry.service"));
        siteUnit();
        await until(async () => (await served()) === OPEN);
        fs.writeFileSync(join(manager, "no-linger"), "");
        expect((await host.push(user())).errors).toMatch(
            /root does not linger; run on the host, as root: loginctl enable-linger root \[ZH-SYSTEMD-LINGER\]\n/,
        );
        expect(await served()).toBe(OPEN);
        expect(orders()).toEqual([]);
    });

    it("says of a unit that is disabled how it is enabled, and enables its own without a restart", async () => {
        siteUnit();
        command("disable", "registry");
        const { exitCode, errors } = await host.push(user());
        expect([exitCode, errors]).toEqual([
            0,
            "zot-hardening: registry.service is disabled, so that zot is not started when the host restarts; run on the host: systemctl --user enable registry.service [ZH-START-DISABLED]\n",
        ]);
        command("stop", "registry");
        host.reset();

        const own = user({ serviceName: "own" }, { manageService: true });
        expect(await host.push(own)).toMatchObject({ output: "deployed\n" });
        command("disable", "own");
        fs.rmSync(join(manager, "calls"));
        expect(await host.push(own)).toMatchObject({ output: "repaired\n", errors: "" });
        expect(orders()).toEqual(["systemctl --user enable own"]);
        expect(await host.push(own)).toMatchObject({ output: "unchanged\n" });
    });

    it("adds the start that waits to the site's unit, where that is asked for, and with it the restarts", async () => {
        siteUnit(["[Service]", "Restart=no"]);
        await until(async () => (await served()) === OPEN);
        const a = user({}, { startWithoutIssuer: true });
        expect(await host.push(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
        const added = join(units(), "registry.service.d", "zot-hardening.conf");
        expect(read(added)).toBe(
            `# Written by zot-hardening; changes are overwritten.\n[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=\nExecStart=/bin/sh "${host.state}/start"\nRestart=always\nRestartSec=2\n`,
        );
        expect(orders()).toEqual([
            "systemctl --user daemon-reload",
            "systemctl --user reset-failed registry",
            "systemctl --user restart registry",
        ]);
        expect(await served(a)).toBe("a");

        // The host starts again while the issuer is away.
        await host.issuer.become("down");
        command("restart", "registry");
        await until(async () => (await served(a)) === READ_ONLY);
        await host.issuer.become("ours");
        await until(async () => (await served(a)) === "a");

        // A destroy that restores takes it away again.
        const restoring = user({}, { startWithoutIssuer: true, onDestroy: "restore" });
        expect(await host.push(restoring, "withdraw")).toMatchObject({ exitCode: 0, output: "restored\n" });
        expect(fs.existsSync(added)).toBe(false);
        await until(async () => (await served()) === OPEN);
    });

    it("writes the unit itself, where it is ours, and takes it away where the first push fails", async () => {
        const a = user({}, { manageService: true });
        const bad = { ...a, payload: a.payload.replace(/"issuer": "([^"]*)"/, '"issuer": "$1x/"') };
        expect((await host.push(bad)).exitCode).toBe(1);
        expect(fs.readdirSync(units())).toEqual([]);

        expect(await host.push(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
        expect(await served(a)).toBe("a");
        const unit = read(join(units(), "registry.service"));
        expect(unit).toContain(`\nExecStart=/bin/sh "${host.state}/start"\n`);
        expect(unit).toMatch(/\nStartLimitIntervalSec=0\n[\s\S]*\nRestart=always\n[\s\S]*\nWantedBy=default\.target\n/);
        expect(orders().slice(-4)).toEqual([
            "systemctl --user daemon-reload",
            "systemctl --user enable registry",
            "systemctl --user reset-failed registry",
            "systemctl --user restart registry",
        ]);
        expect(await host.push(a)).toMatchObject({ output: "unchanged\n" });

        // Changed by hand, it is written again.
        fs.appendFileSync(join(units(), "registry.service"), "# by hand\n");
        expect(await host.push(a)).toMatchObject({ exitCode: 0, output: "deployed\n" });
        expect(read(join(units(), "registry.service"))).toBe(unit);
    });

    it("puts its unit back with the config where zot does not start", async () => {
        const a = user({}, { manageService: true });
        await host.push(a);
        const unit = read(join(units(), "registry.service"));
        const broken = join(host.folder, "broken-zot");
        fs.writeFileSync(
            broken,
            `#!/bin/sh\n[ "$1" != serve ] || { echo "Error: no good" >&2; exit 1; }\nexec '${host.machine.zot.path}' "$@"\n`,
            { mode: 0o755 },
        );
        const { errors, exitCode } = await host.push(
            host.declare(
                "b",
                {
                    zot: { binary: broken, garbageCollectionDelay: "2h" },
                    host: { serviceManager: "systemd-user", serviceName: "registry", restartCommand: undefined },
                },
                { host: { manageService: true, startWithoutIssuer: false } },
            ),
        );
        expect(exitCode).toBe(1);
        expect(errors).toContain("[ZH-ROLLBACK-DONE]");
        expect(read(join(units(), "registry.service"))).toBe(unit);
        expect(await served(a)).toBe("a");
    });

    (uid === 0 ? it : it.skip)("does not run zot as root unless somebody says so", async () => {
        const silent = user({}, { manageService: true });
        const { errors } = await host.push({ ...silent, payload: silent.payload.replace(/^zotUser=.*$/m, "zotUser=") });
        expect(errors).toContain(
            "zot would run as root, whose service it is. Set host.user to a user of zot's own; or, if it is to run as root, zot.user to root.",
        );
        expect(fs.readdirSync(units())).toEqual([]);
    });

    it("leaves a unit alone that somebody else has written", async () => {
        siteUnit();
        const { errors } = await host.push(user({}, { manageService: true }));
        expect(errors).toContain(
            `${units()}/registry.service exists already, and this program did not write it; set host.manageService to false, or move the file away. [ZH-SERVICE-FILE-FOREIGN]`,
        );
        await until(async () => (await served()) === OPEN);
    });

    it("leaves a service that was down as it found it, where the first push fails", async () => {
        siteUnit();
        command("stop", "registry");
        const a = user();
        const ran = await host.push({
            ...a,
            payload: a.payload
                .replace('"client_id=$client_id&"', '"client_id=somebody&"')
                .replace('"clientid":"zot-a"', '"clientid":"zot-x"'),
        });
        // The hash of the credentials is not that of their content: whoever names it so, it is only a name.
        expect(ran.exitCode).toBe(1);
        expect(ran.errors).toContain(
            "The config that was there before is back; zot did not run before this deployment. [ZH-ROLLBACK-NOT-RUNNING]\nzot is not ready now. [ZH-ROLLBACK-ZOT-NOT-READY]\n",
        );
        expect(await served()).toBe(DOWN);
        expect(read(host.configFile)).toBe(host.openConfig());
    });
});

describe("launchd", () => {
    const label = "org.example.registry";
    const agents = () => join(host.temporary, "Library/LaunchAgents");
    const agent = (push: Record<string, unknown> = {}) =>
        host.declare(
            "a",
            { host: { serviceManager: "launchd-agent", serviceName: label, restartCommand: undefined } },
            { host: { logFile: "", ...push } },
        );
    const command = (...args: string[]) =>
        spawnSync(join(standIns, "launchctl"), args, {
            env: { ...process.env, SERVICE_MANAGER_FOLDER: manager, HOME: host.temporary },
            encoding: "utf8",
        });
    const domain = () => (fs.existsSync(join(manager, "no-screen")) ? `user/${uid}` : `gui/${uid}`);

    function siteAgent(keepAlive = true): void {
        fs.writeFileSync(host.configFile, host.openConfig());
        const file = join(agents(), `${label}.plist`);
        const string = (text: string) => `<string>${text}</string>`;
        fs.writeFileSync(
            file,
            [
                "<plist><dict>",
                "<key>Label</key>",
                string(label),
                "<key>ProgramArguments</key>",
                "<array>",
                string(host.machine.zot.path),
                string("serve"),
                string(host.configFile),
                "</array>",
                "<key>KeepAlive</key>",
                keepAlive ? "<true/>" : "<false/>",
                "<key>StandardOutPath</key>",
                string(join(host.temporary, "Library/Logs/zot.log")),
                "</dict></plist>",
                "",
            ].join("\n"),
        );
        const { stderr } = command("bootstrap", domain(), file);
        expect(stderr).toBe("");
        fs.rmSync(join(manager, "calls"));
    }

    it.each(["gui", "user"] as const)("restarts the site's own agent in the domain of %s", async (kind) => {
        if (kind === "user") fs.writeFileSync(join(manager, "no-screen"), "");
        siteAgent();
        await until(async () => (await served()) === OPEN);
        const a = agent();
        expect(await host.push(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
        expect(await served(a)).toBe("a");
        expect(orders()).toEqual([`launchctl kickstart -k ${kind}/${uid}/${label}`]);
    });

    it("refuses an agent that it does not know, and one that would not be kept alive", async () => {
        expect((await host.push(agent())).errors).toContain(
            `launchd knows no service gui/${uid}/${label}; correct host.serviceName or host.serviceManager, or load it with launchctl bootstrap.`,
        );
        siteAgent(false);
        expect((await host.push(agent())).errors).toContain(
            `launchd would not start ${label} again when it ends. Set KeepAlive to true in its property list (${agents()}/${label}.plist), and load it again.`,
        );
    });

    it("writes the agent itself, where it is ours, loads it, and survives the issuer", async () => {
        const a = agent({ manageService: true });
        expect(await host.push(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
        expect(await served(a)).toBe("a");
        expect(orders()).toEqual([
            `launchctl bootout gui/${uid}/${label}`,
            `launchctl bootstrap gui/${uid} ${agents()}/${label}.plist`,
        ]);
        expect(read(join(agents(), `${label}.plist`))).toBe(
            [
                '<?xml version="1.0" encoding="UTF-8"?>',
                '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
                "<!-- Written by zot-hardening; changes are overwritten. -->",
                '<plist version="1.0">',
                "<dict>",
                "    <key>Label</key>",
                `    <string>${label}</string>`,
                "    <key>ProgramArguments</key>",
                "    <array>",
                "        <string>/bin/sh</string>",
                `        <string>${host.state}/start</string>`,
                "    </array>",
                "    <key>RunAtLoad</key>",
                "    <true/>",
                "    <key>KeepAlive</key>",
                "    <true/>",
                "    <key>StandardOutPath</key>",
                `    <string>${host.temporary}/Library/Logs/${label}.log</string>`,
                "    <key>StandardErrorPath</key>",
                `    <string>${host.temporary}/Library/Logs/${label}.log</string>`,
                "</dict>",
                "</plist>",
                "",
            ].join("\n"),
        );
        expect(await host.push(a)).toMatchObject({ output: "unchanged\n" });
        await host.issuer.become("down");
        command("kickstart", "-k", `gui/${uid}/${label}`);
        await until(async () => (await served(a)) === READ_ONLY);
        await host.issuer.become("ours");
        await until(async () => (await served(a)) === "a");
    });

    it("enables an agent of ours that somebody has disabled, which launchd would not load", async () => {
        command("disable", `gui/${uid}/${label}`);
        const a = agent({ manageService: true });
        expect(await host.push(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
        expect(orders()).toEqual(
            expect.arrayContaining([
                `launchctl enable gui/${uid}/${label}`,
                `launchctl bootstrap gui/${uid} ${agents()}/${label}.plist`,
            ]),
        );
        expect(await served(a)).toBe("a");
    });

    it("says that launchd could not run what a start was to run", async () => {
        siteAgent();
        await until(async () => (await served()) === OPEN);
        const status = join(manager, `${label}.service`, "command");
        fs.writeFileSync(status, "/bin/sh\n-c\nexit 78\n");
        const { exitCode, errors } = await host.push(agent());
        expect(exitCode).toBe(1);
        expect(errors).toContain("[ZH-DEPLOY-ZOT-ENDED] launchd could not run it: last exit code 78;");
    });

    it("tells zot's last words from its log, and brings the agent back", async () => {
        siteAgent();
        await until(async () => (await served()) === OPEN);
        const a = agent();
        await host.push(a);
        const b = host.declare(
            "b",
            {
                zot: { garbageCollectionDelay: "2h" },
                host: { serviceManager: "launchd-agent", serviceName: label, restartCommand: undefined },
            },
            { host: { logFile: "" } },
        );
        // A storage that is no folder: verify lets it pass, and zot ends at its start.
        fs.writeFileSync(join(host.folder, "no-folder"), "");
        const lying = {
            ...b,
            payload: b.payload.replace(
                `"rootDirectory": "${host.images}"`,
                `"rootDirectory": "${host.folder}/no-folder"`,
            ),
        };
        const ran = await host.push(lying);
        expect(ran.exitCode).toBe(1);
        expect(ran.errors).toContain("[ZH-DEPLOY-ZOT-ENDED]\nThe last words of zot:\n");
        expect(ran.errors).toContain("[ZH-ROLLBACK-DONE]");
        expect(await served(a)).toBe("a");
    });
});

/** How a start goes under each service manager, whose unit or job is the site's own. */
describe.each(["systemd", "systemd-user", "launchd-agent", "launchd-daemon", "command"] as const)(
    "a start under %s",
    (kind) => {
        const name = "org.example.registry";
        /** What the service runs: zot; one that is slow while the file `slow` is there, or that dies of a config with this delay. */
        const run = () => join(host.folder, "run");
        const deadly = "2h";
        const serviceFolder = () => join(manager, `${name}.service`);
        const log = () => (kind === "command" ? host.zotLog() : read(join(serviceFolder(), "log")));
        const told = (program: "systemctl" | "launchctl", ...args: string[]) =>
            spawnSync(join(standIns, program), [...(kind === "systemd-user" ? ["--user"] : []), ...args], {
                env: { ...process.env, SERVICE_MANAGER_FOLDER: manager, HOME: host.temporary, XDG_RUNTIME_DIR: "/tmp" },
                encoding: "utf8",
            });
        const declare = (of: string, zot: Record<string, unknown> = {}) => {
            const service =
                kind === "command"
                    ? { restartCommand: join(host.folder, "restart") }
                    : { serviceName: name, restartCommand: undefined };
            return host.declare(
                of,
                { zot, host: { serviceManager: kind, ...service } },
                { host: { logFile: kind === "command" ? host.service.logFile : "", readyTimeout: 20 } },
            );
        };

        /** A service that is known to its manager, and does not run yet. It would wait for ten seconds until it starts zot again. */
        function site(): void {
            fs.rmSync(host.service.logFile, { force: true });
            fs.writeFileSync(host.configFile, host.openConfig());
            fs.writeFileSync(
                run(),
                `#!/bin/sh\n! grep -q '"gcDelay": "${deadly}"' "$2" || { echo "Error: no good" >&2; exit 1; }\n[ ! -e '${host.folder}/slow' ] || sleep 4\nexec '${host.machine.zot.path}' "$@"\n`,
                { mode: 0o755 },
            );
            if (kind === "command") {
                const pid = join(host.folder, "run.pid");
                // It waits until the former zot is gone.
                fs.writeFileSync(
                    join(host.folder, "restart"),
                    `#!/bin/sh\nif [ -s '${pid}' ]; then kill "$(cat '${pid}')"; while grep -q '^State:.[^Z]' "/proc/$(cat '${pid}')/status"; do sleep 0.01; done; fi 2>/dev/null\n` +
                        `setsid '${run()}' serve '${host.configFile}' </dev/null >>'${host.service.logFile}' 2>&1 &\necho $! >'${pid}'\n`,
                    { mode: 0o755 },
                );
            } else if (kind.startsWith("systemd")) {
                const units =
                    kind === "systemd" ? join(manager, "system") : join(host.temporary, ".config/systemd/user");
                fs.writeFileSync(
                    join(units, `${name}.service`),
                    [
                        "[Unit]",
                        "StartLimitIntervalSec=0",
                        "[Service]",
                        `ExecStart=${run()} serve ${host.configFile}`,
                        "Restart=always",
                        "RestartSec=10",
                        "",
                    ].join("\n"),
                );
                expect(told("systemctl", "daemon-reload").stderr).toBe("");
            } else {
                const plist = join(host.temporary, "Library/LaunchAgents", `${name}.plist`);
                const lines = [
                    "<key>Label</key>",
                    `<string>${name}</string>`,
                    "<key>ProgramArguments</key>",
                    "<array>",
                    ...[run(), "serve", host.configFile].map((word) => `<string>${word}</string>`),
                    "</array>",
                    "<key>KeepAlive</key>",
                    "<true/>",
                ];
                fs.writeFileSync(plist, `${lines.join("\n")}\n`);
                expect(
                    told("launchctl", "bootstrap", kind === "launchd-daemon" ? "system" : `gui/${uid}`, plist).stderr,
                ).toBe("");
                for (const file of ["supervisor", "pid"]) spawnSync("kill", [read(join(serviceFolder(), file)).trim()]);
                fs.rmSync(join(serviceFolder(), "pid"));
                fs.writeFileSync(join(serviceFolder(), "delay"), "10\n");
            }
        }

        afterEach(() => {
            const pid = read(join(host.folder, "run.pid")).trim();
            if (pid) spawnSync("kill", ["-9", pid]);
            for (const file of ["slow", "run", "restart", "run.pid"])
                fs.rmSync(join(host.folder, file), { force: true });
        });

        it("may take its time where none ran before", async () => {
            site();
            fs.writeFileSync(join(host.folder, "slow"), "");
            const a = declare("a");
            expect(await host.push(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
            expect(await served(a)).toBe("a");
        });

        it("that fails is seen at once, and the former config is started before the manager tries again", async () => {
            site();
            const a = declare("a");
            expect(await host.push(a)).toMatchObject({ exitCode: 0 });
            const { exitCode, errors } = await host.push(declare("b", { garbageCollectionDelay: deadly }));
            expect(exitCode).toBe(1);
            expect(errors).toContain("[ZH-DEPLOY-ZOT-ENDED]");
            expect(errors).toContain("[ZH-ROLLBACK-DONE]");
            expect(await served(a)).toBe("a");
            expect(log().match(/Error: no good/g)).toHaveLength(1);
        });

        it("that fails is seen at once where none ran before", async () => {
            site();
            const { exitCode, errors } = await host.push(declare("b", { garbageCollectionDelay: deadly }));
            expect(exitCode).toBe(1);
            expect(errors).toContain("[ZH-DEPLOY-ZOT-ENDED]");
            expect(log().match(/Error: no good/g)).toHaveLength(1);
        });
    },
);

describe("sudo", () => {
    const sudo = () => join(host.folder, "sudo");

    /** A sudo that asks for a password, or lets everything pass and takes note of it. */
    function standIn(answer: "password" | "passes"): FaultHost["folder"] {
        fs.mkdirSync(sudo(), { recursive: true });
        const record = join(host.folder, "sudo-calls");
        fs.rmSync(record, { force: true });
        fs.writeFileSync(
            join(sudo(), "sudo"),
            answer === "password"
                ? '#!/bin/sh\necho "sudo: a password is required" >&2\nexit 1\n'
                : `#!/bin/sh\necho "$*" >>'${record}'\n[ "$1" = -n ] && shift\n[ "$1" = -l ] && exit 0\nexec "$@"\n`,
            { mode: 0o755 },
        );
        return record;
    }
    /** As if the user were not root, who needs no sudo. */
    const asUser = (pushed: Pushed) => ({
        ...pushed,
        payload: pushed.payload.replace(
            '[ "$sudo" = all ] && [ "$(id -u)" -ne 0 ]',
            '[ "$sudo" = all ] && [ "${3-}" != root ]',
        ),
    });
    const withSudo = (pushed: Pushed) => ({
        ...pushed,
        payload: pushed.payload.replace("export PATH\n", `PATH='${sudo()}':$PATH\nexport PATH\n`),
    });

    it("that wants a password is refused before anything is touched, with the line that mends it", async () => {
        standIn("password");
        fs.writeFileSync(host.configFile, host.openConfig());
        host.service.start();
        await host.ready();
        const all = await host.push(asUser(withSudo(host.declare("a", {}, { host: { sudo: "all" } }))));
        expect(all.errors).toContain(
            "sudo does not let root run anything as root without a password (sudo: a password is required); npm run host-rights prints what root is to allow. [ZH-SUDO-PASSWORD]",
        );
        const service = await host.push(withSudo(host.declare("a", {}, { host: { sudo: "service" } })));
        expect(service.errors).toContain(
            `sudo does not let root run "/bin/sh -c ${host.service.restartCommand}" without a password (sudo: a password is required)`,
        );
        expect(await served()).toBe(OPEN);
    });

    it("does the service manager's part, or all of it, and never asks", async () => {
        fs.writeFileSync(host.configFile, host.openConfig());
        host.service.start();
        await host.ready();
        let record = standIn("passes");
        expect(await host.push(withSudo(host.declare("a", {}, { host: { sudo: "service" } })))).toMatchObject({
            exitCode: 0,
            output: "deployed\n",
        });
        expect(read(record).trim().split("\n")).toEqual([
            `-n -l /bin/sh -c ${host.service.restartCommand}`,
            "-n -v",
            `-n /bin/sh -c ${host.service.restartCommand}`,
        ]);
        record = standIn("passes");
        expect(await host.push(asUser(withSudo(host.declare("b", {}, { host: { sudo: "all" } }))))).toEqual({
            exitCode: 0,
            output: "deployed\n",
            errors: "",
        });
        expect(read(record)).toMatch(/^-n true\n-n \/bin\/sh \S+\/payload \S+ deploy root\n$/);
        expect(fs.readdirSync(host.temporary).filter((name) => name.startsWith("zot-hardening"))).toEqual([]);
    });
});
