/** A deployment under systemd: the unit of the site, and one of ours. */

import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { DOWN, OPEN, READ_ONLY } from "../../testbed/faults/watch";
import { host, manager, orders, read, served, standIns, uid, until } from "./serviceManagerHost";

jest.setTimeout(120_000);

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
        expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
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
        const { errors } = await host.deploy(user());
        expect(errors).toContain(
            `The service registry starts zot with ${other}, but zot.configFile is ${host.configFile}, ` +
                `which nobody would serve; set zot.configFile to ${other}, or correct host.serviceName.`,
        );
        expect(fs.readdirSync(host.configFolder)).toEqual(["config.json"]);
        expect(orders()).toEqual(["systemctl --user stop registry"]);
    });

    it(
        "refuses a unit that it does not know, and one that would not always be started again, " +
            "in words that correct it",
        async () => {
            expect((await host.deploy(user())).errors).toContain(
                "systemd knows no service registry; correct host.serviceName or host.serviceManager.",
            );
            siteUnit(["[Service]", "Restart=on-failure"]);
            const { errors } = await host.deploy(user());
            expect(errors).toContain(
                "systemd would not always start registry again when it ends (Restart=on-failure, " +
                    "StartLimitIntervalSec=10s)",
            );
            expect(errors).toContain(
                `Write into ${units()}/registry.service.d/restart.conf "[Unit] StartLimitIntervalSec=0" and ` +
                    `"[Service] Restart=always RestartSec=1" on lines of their own, and run: ` +
                    "systemctl --user daemon-reload [ZH-SYSTEMD-RESTART] Or set host.startWithoutIssuer",
            );
            expect((await host.deploy(user({ serviceName: "registry.service" }))).errors).toContain(
                `Write into ${units()}/registry.service.d/restart.conf `,
            );
            expect(await served()).toBe(OPEN);
            expect(orders()).toEqual([]);
        },
    );

    it("refuses a masked unit, and a user who does not linger, with the command that corrects it", async () => {
        fs.writeFileSync(host.configFile, host.openConfig());
        fs.symlinkSync("/dev/null", join(units(), "registry.service"));
        for (const settings of [{}, { manageService: true }]) {
            expect((await host.deploy(user({}, settings))).errors).toContain(
                "registry.service is masked, so systemd does not start it; run on the host: " +
                    "systemctl --user unmask registry.service [ZH-SYSTEMD-MASKED]",
            );
        }
        fs.rmSync(join(units(), "registry.service"));
        siteUnit();
        await until(async () => (await served()) === OPEN);
        fs.writeFileSync(join(manager, "no-linger"), "");
        expect((await host.deploy(user())).errors).toMatch(
            /root does not linger; run on the host, as root: loginctl enable-linger root \[ZH-SYSTEMD-LINGER\]\n/,
        );
        expect(await served()).toBe(OPEN);
        expect(orders()).toEqual([]);
    });

    it("says of a unit that is disabled how it is enabled, and enables its own without a restart", async () => {
        siteUnit();
        command("disable", "registry");
        const { exitCode, errors } = await host.deploy(user());
        expect([exitCode, errors]).toEqual([
            0,
            "zot-hardening: registry.service is disabled, so zot does not start when the host restarts; " +
                "run on the host: systemctl --user enable registry.service [ZH-START-DISABLED]\n",
        ]);
        command("stop", "registry");
        host.reset();

        const own = user({ serviceName: "own" }, { manageService: true });
        expect(await host.deploy(own)).toMatchObject({ output: "deployed\n" });
        command("disable", "own");
        fs.rmSync(join(manager, "calls"));
        expect(await host.deploy(own)).toMatchObject({ output: "repaired\n", errors: "" });
        expect(orders()).toEqual(["systemctl --user enable own"]);
        expect(await host.deploy(own)).toMatchObject({ output: "unchanged\n" });
    });

    it("adds the start that waits to the site's unit, where that is asked for, and with it the restarts", async () => {
        siteUnit(["[Service]", "Restart=no"]);
        await until(async () => (await served()) === OPEN);
        const a = user({}, { startWithoutIssuer: true });
        expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
        const added = join(units(), "registry.service.d", "zot-hardening.conf");
        expect(read(added)).toBe(
            "# Written by zot-hardening; changes are " +
                `overwritten.\n[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=simple\nRestartPreventExitStatus=\nExecStart=\nExecStart=/bin/sh ` +
                `"${host.state}/start"\nRestart=always\nRestartSec=2\n`,
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
        expect(await host.deploy(restoring, "withdraw")).toMatchObject({ exitCode: 0, output: "restored\n" });
        expect(fs.existsSync(added)).toBe(false);
        await until(async () => (await served()) === OPEN);
    });

    it("writes the unit itself, where it is ours, and takes it away where the first deployment fails", async () => {
        const a = user({}, { manageService: true });
        const bad = { ...a, payload: a.payload.replace(/"issuer": "([^"]*)"/, '"issuer": "$1x/"') };
        expect((await host.deploy(bad)).exitCode).toBe(1);
        expect(fs.readdirSync(units())).toEqual([]);

        expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
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
        expect(await host.deploy(a)).toMatchObject({ output: "unchanged\n" });

        // Changed by hand, it is written again.
        fs.appendFileSync(join(units(), "registry.service"), "# by hand\n");
        expect(await host.deploy(a)).toMatchObject({ exitCode: 0, output: "deployed\n" });
        expect(read(join(units(), "registry.service"))).toBe(unit);
    });

    it("puts its unit back with the config where zot does not start", async () => {
        const a = user({}, { manageService: true });
        await host.deploy(a);
        const unit = read(join(units(), "registry.service"));
        const broken = join(host.folder, "broken-zot");
        fs.writeFileSync(
            broken,
            `#!/bin/sh\n[ "$1" != serve ] || { echo "Error: no good" >&2; exit 1; ` +
                `}\nexec '${host.machine.zot.path}' "$@"\n`,
            { mode: 0o755 },
        );
        const { errors, exitCode } = await host.deploy(
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
        const { errors } = await host.deploy({
            ...silent,
            payload: silent.payload.replace(/^zotUser=.*$/m, "zotUser="),
        });
        expect(errors).toContain(
            "zot would run as root, because the service belongs to root. " +
                "Set host.user to a user for zot alone; or set zot.user to root if that is what you want.",
        );
        expect(fs.readdirSync(units())).toEqual([]);
    });

    it("leaves a unit alone that somebody else has written", async () => {
        siteUnit();
        const { errors } = await host.deploy(user({}, { manageService: true }));
        expect(errors).toContain(
            `${units()}/registry.service exists already, and this program did not write it; ` +
                "set host.manageService to false, or move the file away. [ZH-SERVICE-FILE-FOREIGN]",
        );
        await until(async () => (await served()) === OPEN);
    });

    it("leaves a service that was down as it found it, where the first deployment fails", async () => {
        siteUnit();
        command("stop", "registry");
        const a = user();
        const ran = await host.deploy({
            ...a,
            payload: a.payload
                .replace('"client_id=$client_id&"', '"client_id=somebody&"')
                .replace('"clientid":"zot-a"', '"clientid":"zot-x"'),
        });
        // The hash of the credentials is not that of their content: whoever names it so, it is only a name.
        expect(ran.exitCode).toBe(1);
        expect(ran.errors).toContain(
            "The config that was there before is back; zot did not run before this deployment. " +
                "[ZH-ROLLBACK-NOT-RUNNING]\nzot is not ready now. [ZH-ROLLBACK-ZOT-NOT-READY]\n",
        );
        expect(await served()).toBe(DOWN);
        expect(read(host.configFile)).toBe(host.openConfig());
    });
});
