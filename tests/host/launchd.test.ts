/** A deployment under launchd: the job of the site, and one of ours. */

import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { OPEN, READ_ONLY } from "../../testbed/faults/watch";
import { host, manager, orders, read, served, standIns, uid, until } from "./serviceManagerHost";

jest.setTimeout(120_000);

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
        expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
        expect(await served(a)).toBe("a");
        expect(orders()).toEqual([`launchctl kickstart -k ${kind}/${uid}/${label}`]);
    });

    it("refuses an agent that it does not know, and one that would not be kept alive", async () => {
        expect((await host.deploy(agent())).errors).toContain(
            `launchd knows no service gui/${uid}/${label}; ` +
                "correct host.serviceName or host.serviceManager, or load it with launchctl bootstrap.",
        );
        siteAgent(false);
        expect((await host.deploy(agent())).errors).toContain(
            `launchd would not start ${label} again when it ends. ` +
                `Set KeepAlive to true in its property list (${agents()}/${label}.plist), and load it again.`,
        );
    });

    it("writes the agent itself, where it is ours, loads it, and survives the issuer", async () => {
        const a = agent({ manageService: true });
        expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
        expect(await served(a)).toBe("a");
        expect(orders()).toEqual([
            `launchctl bootout gui/${uid}/${label}`,
            `launchctl bootstrap gui/${uid} ${agents()}/${label}.plist`,
        ]);
        expect(read(join(agents(), `${label}.plist`))).toBe(
            [
                '<?xml version="1.0" encoding="UTF-8"?>',
                '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" ' +
                    '"http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
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
        expect(await host.deploy(a)).toMatchObject({ output: "unchanged\n" });
        await host.issuer.become("down");
        command("kickstart", "-k", `gui/${uid}/${label}`);
        await until(async () => (await served(a)) === READ_ONLY);
        await host.issuer.become("ours");
        await until(async () => (await served(a)) === "a");
    });

    it("enables an agent of ours that somebody has disabled, which launchd would not load", async () => {
        command("disable", `gui/${uid}/${label}`);
        const a = agent({ manageService: true });
        expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
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
        const { exitCode, errors } = await host.deploy(agent());
        expect(exitCode).toBe(1);
        expect(errors).toContain("[ZH-DEPLOY-ZOT-ENDED] launchd could not run it: last exit code 78;");
    });

    it("tells zot's last words from its log, and brings the agent back", async () => {
        siteAgent();
        await until(async () => (await served()) === OPEN);
        const a = agent();
        await host.deploy(a);
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
        const ran = await host.deploy(lying);
        expect(ran.exitCode).toBe(1);
        expect(ran.errors).toContain("[ZH-DEPLOY-ZOT-ENDED]\nThe last words of zot:\n");
        expect(ran.errors).toContain("[ZH-ROLLBACK-DONE]");
        expect(await served(a)).toBe("a");
    });
});
