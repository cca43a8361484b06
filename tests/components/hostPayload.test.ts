/** What is sent to the host: that each part arrives as it was sent, and secrets are in their own sections only. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { hostCommand, hostPayload } from "../../components/hostPayload";
import { configText, readOnlyConfig, secretFiles } from "../../components/zotConfig";
import { siteSettings } from "../support/settings";

const CREDENTIALS = '{"clientid":"zot","clientsecret":"canary-client-secret"}\n';
const SESSION_KEYS = '{"hashKey":"canary-hash-key","encryptKey":"canary-encrypt-key"}\n';

function payloadOf(changes: Record<string, Record<string, unknown>> = {}) {
    const { settings, zotConfig } = siteSettings(changes);
    const files = secretFiles(settings, { credentials: "aa", sessionKeys: "bb" });
    const config = zotConfig(files);
    const text = hostPayload({
        settings,
        files,
        config,
        readOnlyConfig: readOnlyConfig(settings),
        credentials: CREDENTIALS,
        sessionKeys: SESSION_KEYS,
    });
    return { settings, config, files, text, sections: sectionsOf(text) };
}

/** Sections by name: `== name lines`, then so many lines. */
function sectionsOf(payload: string): Record<string, string> {
    const lines = payload.split("\n");
    const sections: Record<string, string> = {};
    for (let index = 0; index < lines.length; ) {
        const [, name, count] = /^== (\w+) (\d+)$/.exec(lines[index++]!) ?? [];
        if (name === undefined || count === undefined) continue;
        sections[name] = lines
            .slice(index, index + Number(count))
            .map((line) => `${line}\n`)
            .join("");
        index += Number(count);
    }
    return sections;
}

const settingsOf = (section: string) =>
    Object.fromEntries(
        section
            .trimEnd()
            .split("\n")
            .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );

test("configs, credentials and session keys arrive as they were sent", () => {
    const { settings, config, sections } = payloadOf();
    expect(sections.config).toBe(configText(config));
    expect(sections.readOnlyConfig).toBe(configText(readOnlyConfig(settings)));
    expect(sections.credentials).toBe(CREDENTIALS);
    expect(sections.sessionKeys).toBe(SESSION_KEYS);
});

test("the script's settings are the stack's", () => {
    const { sections, files } = payloadOf({
        host: { serviceManager: "command", restartCommand: "rc-service zot restart --now='a=b'", readyTimeout: 90 },
    });
    expect(settingsOf(sections.settings!)).toMatchObject({
        binary: "/usr/local/bin/zot",
        configFile: "/etc/zot/config.json",
        rootDirectory: "/var/lib/zot",
        credentialsFile: files.credentials,
        sessionKeysFile: files.sessionKeys,
        serviceManager: "command",
        serviceName: "zot",
        restartCommand: "rc-service zot restart --now='a=b'",
        readyTimeout: "90",
    });
});

test("secrets are in their own sections only, and how to reach the host is nowhere", () => {
    const { text, sections } = payloadOf();
    const rest = text.replace(sections.credentials!, "").replace(sections.sessionKeys!, "");
    expect(rest).not.toContain("canary");
    expect(text).not.toMatch(/registry-host\.example\.org|PRIVATE KEY/);
});

test("the same settings are the same payload, so that an `up` without a change sends nothing", () => {
    expect(payloadOf().text).toBe(payloadOf().text);
    expect(payloadOf({ zot: { logLevel: "debug" } }).text).not.toBe(payloadOf().text);
});

describe.each(["deploy", "withdraw"] as const)("the command to %s", (verb) => {
    test("reads the same in every shell, and holds nothing of the stack", () => {
        const command = hostCommand(verb);
        const [before, script, after] = command.split("'");
        expect([before, after]).toEqual(["exec /bin/sh -c ", ""]);
        expect(script).not.toMatch(/['\\!\n]/);
        expect(script).toContain(verb);
        // The plugin prints it before what a failed deployment has said: the reason is to be seen, and nothing that
        // reads as one.
        expect(command.length).toBeLessThan(120);
        expect(command).not.toMatch(/payload|arrive|room|changed|echo/);
    });

    test("changes nothing where the payload does not arrive whole", () => {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "payload-test-"));
        try {
            const { text } = payloadOf();
            const { status, stdout } = spawnSync("/bin/sh", ["-c", hostCommand(verb)], {
                input: text.slice(0, text.length / 2),
                encoding: "utf8",
                env: { PATH: "/usr/bin:/bin", HOME: folder, TMPDIR: folder },
                timeout: 30_000,
            });
            expect(status).not.toBe(0);
            expect(stdout).not.toContain("canary");
        } finally {
            fs.rmSync(folder, { recursive: true, force: true });
        }
    });
});

test("the mark that the script says back is the same for the same payload, and another for any other", () => {
    const markOf = (text: string) => /^mark=([0-9a-f]{16})$/m.exec(sectionsOf(text).settings!)![1];
    const { text, settings, config, files } = payloadOf();
    expect(markOf(payloadOf().text)).toBe(markOf(text));
    const again = (pushes: number, credentials = CREDENTIALS) =>
        markOf(
            hostPayload({
                settings,
                files,
                config,
                readOnlyConfig: readOnlyConfig(settings),
                credentials,
                sessionKeys: SESSION_KEYS,
                pushes,
            }),
        );
    const marks = [
        markOf(text),
        again(1),
        again(2),
        again(0, CREDENTIALS.replace("canary", "other")),
        markOf(payloadOf({ host: { readyTimeout: 91 } }).text),
    ];
    expect(new Set(marks).size).toBe(marks.length);
    expect(again(0)).toBe(markOf(text));
});
