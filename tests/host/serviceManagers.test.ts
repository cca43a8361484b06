/** A start under each service manager, and sudo. */

import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import type { Deployed, FaultHost } from "../../testbed/faults/host";
import { DOWN, OPEN } from "../../testbed/faults/watch";
import { host, manager, read, served, standIns, uid } from "./serviceManagerHost";

jest.setTimeout(120_000);

/** The process that another one has started. */
const zotBelow = (pid: string) =>
    spawnSync("ps", ["-A", "-o", "pid=", "-o", "ppid="], { encoding: "utf8" })
        .stdout.split("\n")
        .map((line) => line.trim().split(/\s+/))
        .find(([, parent]) => parent === pid)?.[0];

/** How a start goes under each service manager, whose unit or job is the site's own. */
describe.each(["systemd", "systemd-user", "launchd-agent", "launchd-daemon", "command"] as const)(
    "a start under %s",
    (kind) => {
        const name = "org.example.registry";
        /**
         * What the service runs: zot; one that is slow while the file `slow` is there, or that dies of a config with
         * this delay.
         */
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

        /**
         * A service that is known to its manager, and does not run yet. It would wait for ten seconds until it starts
         * zot again.
         */
        function site(): void {
            fs.rmSync(host.service.logFile, { force: true });
            fs.writeFileSync(host.configFile, host.openConfig());
            fs.writeFileSync(
                run(),
                `#!/bin/sh\n! grep -q '"gcDelay": "${deadly}"' "$2" || { echo "Error: no good" >&2; exit 1; ` +
                    `}\n[ ! -e '${host.folder}/slow' ] || sleep 4\nexec '${host.machine.zot.path}' "$@"\n`,
                { mode: 0o755 },
            );
            if (kind === "command") {
                const pid = join(host.folder, "run.pid");
                // It waits until the former zot is gone.
                fs.writeFileSync(
                    join(host.folder, "restart"),
                    `#!/bin/sh\nif [ -s '${pid}' ]; then kill "$(cat '${pid}')"; ` +
                        `while grep -q '^State:.[^Z]' "/proc/$(cat '${pid}')/status"; do sleep 0.01; done; ` +
                        `fi 2>/dev/null\n` +
                        `setsid '${run()}' serve '${host.configFile}' </dev/null >>'${host.service.logFile}' ` +
                        `2>&1 &\necho $! >'${pid}'\n`,
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

        /** As OpenRC's supervise-daemon, which stays where zot ends; and a zot that ends after a moment. */
        function supervised(): void {
            const supervise = [
                "trap 'kill $child; wait $child; exit' TERM",
                "while :; do",
                `if grep -q '"gcDelay": "${deadly}"' "$3"; then perl -e '$0 = "$ARGV[0] serve $ARGV[1]"; sleep 1' "$1" "$3" & else "$@" & fi`,
                "child=$!",
                "wait $child",
                "sleep 1",
                "done",
            ].join("; ");
            fs.writeFileSync(
                run(),
                `#!/bin/sh\nexec /bin/sh -c '${supervise.replaceAll("do;", "do").replaceAll("'", "'\\''")}' ` +
                    `supervise '${host.machine.zot.path}' serve "$2"\n`,
                { mode: 0o755 },
            );
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
            expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
            expect(await served(a)).toBe("a");
        });

        it("that fails is seen at once, and the former config is started before the manager tries again", async () => {
            site();
            const a = declare("a");
            expect(await host.deploy(a)).toMatchObject({ exitCode: 0 });
            const { exitCode, errors } = await host.deploy(declare("b", { garbageCollectionDelay: deadly }));
            expect(exitCode).toBe(1);
            expect(errors).toContain("[ZH-DEPLOY-ZOT-ENDED]");
            expect(errors).toContain("[ZH-ROLLBACK-DONE]");
            expect(await served(a)).toBe("a");
            expect(log().match(/Error: no good/g)).toHaveLength(1);
        });

        it("that fails is seen at once where none ran before", async () => {
            site();
            const { exitCode, errors } = await host.deploy(declare("b", { garbageCollectionDelay: deadly }));
            expect(exitCode).toBe(1);
            expect(errors).toContain("[ZH-DEPLOY-ZOT-ENDED]");
            expect(log().match(/Error: no good/g)).toHaveLength(1);
        });
        (kind === "command" ? it : it.skip)(
            "that something starts again at once, over and over, is seen as well",
            async () => {
                site();
                const a = declare("a");
                expect(await host.deploy(a)).toMatchObject({ exitCode: 0 });
                // As a unit of systemd's with Restart=always, behind a command: there is a process of zot at nearly any
                // time.
                fs.writeFileSync(
                    run(),
                    [
                        "#!/bin/sh",
                        "config=$2; export config",
                        "exec /bin/sh -c '",
                        `    while grep -q "\\"gcDelay\\": \\"${deadly}\\"" "$config"; do perl -e "sleep 1" serve "$config"; done`,
                        `    exec "${host.machine.zot.path}" serve "$config"`,
                        "'",
                        "",
                    ].join("\n"),
                    { mode: 0o755 },
                );
                const { errors } = await host.deploy(declare("b", { garbageCollectionDelay: deadly }));
                expect(errors).toContain("[ZH-DEPLOY-ZOT-ENDED]");
            },
        );

        (kind === "command" ? it : it.skip)(
            "that a supervisor starts again, with zot's command line in its own, is seen as well, and taken back by it",
            async () => {
                site();
                supervised();
                const a = declare("a");
                expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
                // Not by the end of host.readyTimeout, which has other words.
                const { errors } = await host.deploy(declare("b", { garbageCollectionDelay: deadly }));
                expect(errors).toContain("[ZH-DEPLOY-ZOT-ENDED]");
                expect(errors).toContain("[ZH-ROLLBACK-DONE]");
                expect(await served(a)).toBe("a");
                // It alone restarts what it has started; and the command only asks for it.
                const zot = zotBelow(read(join(host.folder, "run.pid")).trim());
                fs.writeFileSync(
                    join(host.folder, "restart"),
                    `#!/bin/sh\n(sleep 0.5 && kill ${zot}) </dev/null >/dev/null 2>&1 &\n`,
                );
                expect(await host.deploy(declare("c", { garbageCollectionDelay: "3h" }))).toEqual({
                    exitCode: 0,
                    output: "deployed\n",
                    errors: "",
                });
                process.kill(Number(read(join(host.folder, "run.pid")).trim()), "SIGTERM");
            },
        );

        (kind === "command" ? it : it.skip)("that does not come about leaves zot as it was, and says so", async () => {
            site();
            const a = declare("a");
            expect(await host.deploy(a)).toMatchObject({ exitCode: 0 });
            fs.writeFileSync(join(host.folder, "restart"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
            const { errors, exitCode } = await host.deploy(declare("b", { garbageCollectionDelay: "2h" }));
            expect({ errors, exitCode }).toEqual({
                errors: expect.stringMatching(/\[ZH-DEPLOY-NOT-RESTARTED\](.|\n)*\[ZH-ROLLBACK-NO-RESTART\]/),
                exitCode: 1,
            });
            expect(errors).not.toContain("[ZH-ROLLBACK-NOT-READY]");
            expect(await served(a)).toBe("a");
        });

        (kind === "command" ? it : it.skip)(
            "that fails leaves nothing, and a supervisor is not said to be zot",
            async () => {
                site();
                fs.rmSync(host.configFile);
                supervised();
                const { errors } = await host.deploy(declare("b", { garbageCollectionDelay: deadly }));
                expect(errors).toContain("[ZH-ROLLBACK-NONE]");
                expect(await served()).toBe(DOWN);
                process.kill(Number(read(join(host.folder, "run.pid")).trim()), "SIGTERM");
            },
        );
    },
);

describe("sudo", () => {
    const sudo = () => join(host.folder, "sudo");

    /** What a real sudo 1.9 says, and then refuses. */
    const REFUSALS = {
        password: "sudo: a password is required",
        terminal: "sudo: sorry, you must have a tty to run sudo",
        path: "sudo: /bin/sh: command not found",
        noexec: "/bin/sh: 1: /bin/sh: Permission denied",
        noNewPrivileges: 'sudo: The \\"no new privileges\\" flag is set, which prevents sudo from running as root.',
    };

    /** A sudo that asks for a password, or lets everything pass and takes note of it. */
    function standIn(answer: keyof typeof REFUSALS | "passes"): FaultHost["folder"] {
        fs.mkdirSync(sudo(), { recursive: true });
        const record = join(host.folder, "sudo-calls");
        fs.rmSync(record, { force: true });
        fs.writeFileSync(
            join(sudo(), "sudo"),
            answer !== "passes"
                ? `#!/bin/sh\necho "${REFUSALS[answer]}" >&2\nexit 1\n`
                : `#!/bin/sh\necho "$*" >>'${record}'\n[ "$1" = -n ] && shift\n[ "$1" = -l ] && exit 0\nexec "$@"\n`,
            { mode: 0o755 },
        );
        return record;
    }
    /** As if the user were not root, who needs no sudo. */
    const asUser = (deployed: Deployed) => ({
        ...deployed,
        payload: deployed.payload.replace(
            '[ "$sudo" = all ] && [ "$user_id" -ne 0 ]',
            '[ "$sudo" = all ] && [ "${3-}" != root ]',
        ),
    });
    const withSudo = (deployed: Deployed) => ({
        ...deployed,
        payload: deployed.payload.replace("export PATH\n", `PATH='${sudo()}':$PATH\nexport PATH\n`),
    });

    it("that wants a password is refused before anything is touched, with the line that corrects it", async () => {
        standIn("password");
        fs.writeFileSync(host.configFile, host.openConfig());
        host.service.start();
        await host.ready();
        const all = await host.deploy(asUser(withSudo(host.declare("a", {}, { host: { sudo: "all" } }))));
        expect(all.errors).toContain(
            "sudo does not let root run anything as root without a password (sudo: a password is required); " +
                "npm run host-rights prints what root has to allow. [ZH-SUDO-PASSWORD]",
        );
        const service = await host.deploy(withSudo(host.declare("a", {}, { host: { sudo: "service" } })));
        expect(service.errors).toContain(
            `sudo does not let root run "/bin/sh -c ${host.service.restartCommand}" without a password (sudo: ` +
                "a password is required)",
        );
        expect(await served()).toBe(OPEN);
    });

    it.each([
        ["terminal", "[ZH-SUDO-TERMINAL]"],
        ["noNewPrivileges", "[ZH-SUDO-NO-ROOT]"],
        ["path", "put its folder into secure_path in sudoers. [ZH-SUDO-PATH]"],
        ["noexec", "!noexec [ZH-SUDO-NOEXEC]"],
    ] as const)("says what keeps it from root: %s", async (refusal, code) => {
        standIn(refusal);
        fs.writeFileSync(host.configFile, host.openConfig());
        host.service.start();
        await host.ready();
        const { errors } = await host.deploy(asUser(withSudo(host.declare("a", {}, { host: { sudo: "all" } }))));
        expect(errors).toContain(code);
        expect(await served()).toBe(OPEN);
    });

    it("does the service manager's part, or all of it, and never asks", async () => {
        fs.writeFileSync(host.configFile, host.openConfig());
        host.service.start();
        await host.ready();
        let record = standIn("passes");
        expect(await host.deploy(withSudo(host.declare("a", {}, { host: { sudo: "service" } })))).toMatchObject({
            exitCode: 0,
            output: "deployed\n",
        });
        expect(read(record).trim().split("\n")).toEqual([
            `-n -l /bin/sh -c ${host.service.restartCommand}`,
            "-n -v",
            `-n /bin/sh -c ${host.service.restartCommand}`,
        ]);
        record = standIn("passes");
        expect(await host.deploy(asUser(withSudo(host.declare("b", {}, { host: { sudo: "all" } }))))).toEqual({
            exitCode: 0,
            output: "deployed\n",
            errors: "",
        });
        expect(read(record)).toMatch(/^-n \/bin\/sh -c \/bin\/sh -c :\n-n \/bin\/sh \S+\/payload \S+ deploy root\n$/);
        expect(fs.readdirSync(host.temporary).filter((name) => name.startsWith("zot-hardening"))).toEqual([]);
    });
});
