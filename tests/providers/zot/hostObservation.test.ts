/** What a look at a host finds, over both kinds of SSH host, and what it costs. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { findSshd } from "../../../testbed/sshHost";
import {
    type ObservationDriver,
    type ObservedHost,
    observationDriver,
    startObservedHost,
} from "./hostObservation.host";

jest.setTimeout(120_000);

const kinds: ("embedded" | "openssh")[] = findSshd() ? ["embedded", "openssh"] : ["embedded"];
if (!findSshd()) test.skip("openssh: this machine has no sshd (Debian's package openssh-server)", () => {});

describe.each(kinds)("a look over %s", (kind) => {
    let host: ObservedHost;
    let driver: ObservationDriver;

    beforeAll(async () => {
        host = await startObservedHost({ kind });
    });
    afterAll(() => host?.stop());
    beforeEach(async () => {
        await host.repair();
        driver = observationDriver();
        await driver.up(host.inputs);
        driver.said.length = 0;
    });

    /** A change on the host is seen in preview, raises the number once, and is gone when it is mended. */
    async function seen(): Promise<string> {
        expect(await driver.preview(host.inputs)).toBe("update");
        expect(driver.state!.outputs.pushes).toBe(0);
        const told = driver.said.join("\n");
        expect(await driver.up(host.inputs)).toBe("update");
        expect(driver.state!.outputs.pushes).toBe(1);
        await host.repair();
        driver.said.length = 0;
        expect(await driver.up(host.inputs)).toBe("same");
        expect(driver.state!.outputs.pushes).toBe(1);
        expect(driver.said).toEqual([]);
        return told;
    }

    test("a host in order is no difference, and each look is one connection", async () => {
        const before = host.ssh.connections();
        expect(await driver.preview(host.inputs)).toBe("same");
        expect(await driver.up(host.inputs)).toBe("same");
        expect(host.ssh.connections() - before).toBe(2);
        expect(driver.said).toEqual([]);
        expect(driver.state!.outputs.report).toMatchObject({
            configMode: "0644",
            secretFiles: "as declared",
            service: "unknown",
            serving: "hardened",
        });
    });

    test("what was never deployed is no difference, but what has changed since the last deployment is", async () => {
        const other = { ...host.inputs, config: host.config.replace('"info"', '"debug"') };
        const push = path.join(`${host.configFile}.zot-hardening`, "pushes", "1");
        fs.mkdirSync(push, { recursive: true });
        fs.writeFileSync(path.join(push, "config.json"), host.config);
        const tried = path.join(push, "..", "..", "tried");
        // The look comes before the deployment, which then fails.
        fs.writeFileSync(tried, `${createHash("sha256").update(other.config).digest("hex")}\n`);
        expect(await driver.up(other)).toBe("same");
        expect(await driver.preview(other)).toBe("same");
        expect(await driver.up(other)).toBe("same");
        expect(await driver.up(host.inputs)).toBe("same");
        expect(driver.said).toEqual([]);
        // Or something else was run in place of the deployment.
        await driver.up(other);
        fs.rmSync(tried);
        expect(await driver.preview(other)).toBe("update");
        expect(driver.said.join("\n")).toContain("the last declared deployment has not been run there");
        expect(driver.said.join("\n")).not.toMatch(/^[-+]/m);
        fs.writeFileSync(tried, `${createHash("sha256").update(other.config).digest("hex")}\n`);
        fs.writeFileSync(host.configFile, host.config.replace('"info"', '"warn"'));
        expect(await driver.preview(other)).toBe("update");
        expect(driver.said.join("\n")).toMatch(
            /has other settings[\s\S]*- {4}"level": "info"[\s\S]*\+ {4}"level": "warn"/,
        );
        // Once it was deployed, to have the one before is a difference.
        await host.repair();
        fs.mkdirSync(push, { recursive: true });
        fs.writeFileSync(path.join(push, "config.json"), host.config);
        fs.writeFileSync(
            path.join(push, "..", "..", "deployed"),
            `${createHash("sha256").update(other.config).digest("hex")}\n`,
        );
        expect(await driver.preview(other)).toBe("update");
    });

    test("nothing is a difference where the first deployment failed", async () => {
        const declared = { ...host.inputs, config: host.config.replace('"info"', '"debug"') };
        const first = observationDriver();
        await first.up(declared);
        expect(await first.preview(declared)).toBe("same");
        expect(first.said).toEqual([]);
        fs.writeFileSync(host.configFile, host.config.replace('"info"', '"warn"'));
        expect(await first.preview(declared)).toBe("update");
    });

    test("zot is asked for its version again only when it was replaced", async () => {
        const binary = path.join(host.folder, "zot");
        const calls = path.join(host.folder, "calls");
        const install = (commit: string) => {
            fs.writeFileSync(`${binary}.new`, `#!/bin/sh\necho "$*" >>'${calls}'\necho '{"commit":"${commit}"}'\n`, {
                mode: 0o755,
            });
            fs.renameSync(`${binary}.new`, binary);
        };
        const asked = () => (fs.existsSync(calls) ? fs.readFileSync(calls, "utf8").split("\n").length - 1 : 0);
        install("v2.1.20-0-g3b5796d8");
        const other = observationDriver();
        const inputs = { ...host.inputs, binary };
        await other.up(inputs);
        expect(asked()).toBe(1);
        await other.preview(inputs);
        await other.up(inputs);
        expect(asked()).toBe(1);
        install("v2.1.10-0-g0123456");
        await other.preview(inputs);
        expect(asked()).toBe(2);
        expect(other.said.join()).toContain(
            "is version v2.1.10-0-g0123456. [ZH-VERSION-OLD] Only from 2.1.19 on are tags immutable",
        );
    });

    test("a zot whose version cannot be read is accepted by the hash of its binary, or by its commit", async () => {
        const binary = path.join(host.folder, "zot-of-ours");
        fs.writeFileSync(binary, '#!/bin/sh\necho \'{"commit":"of-ours"}\'\n', { mode: 0o755 });
        const hash = createHash("sha256").update(fs.readFileSync(binary)).digest("hex");
        const told = async (acceptVersion: string | undefined) => {
            const other = observationDriver();
            await other.up({ ...host.inputs, binary, acceptVersion: acceptVersion ?? null });
            return other.said.join("\n");
        };
        expect(await told(undefined)).toContain(
            "reports its version as of-ours, which cannot be read as one. [ZH-VERSION-UNREADABLE] Only from 2.1.19 on",
        );
        expect(await told(`sha256:${"0".repeat(64)}`)).toContain("reports its version as of-ours");
        expect(await told(`sha256:${hash}`)).toBe("");
        expect(await told("of-ours")).toBe("");
    });

    test("what is found is not looked at twice", async () => {
        fs.chmodSync(host.configFile, 0o666);
        const before = host.ssh.connections();
        await driver.preview(host.inputs);
        expect(host.ssh.connections() - before).toBe(1);
        await driver.up(host.inputs);
        expect(host.ssh.connections() - before).toBe(2);
    });

    test("an edited config is shown as a difference", async () => {
        fs.writeFileSync(host.configFile, host.config.replace('"read"', '"read",\n"create"'));
        const told = await seen();
        expect(told).toContain(`${host.configFile} has other settings`);
        expect(told).toMatch(/^-\s+"read"$/m);
        expect(told).toMatch(/^\+\s+"read",$/m);
        expect(told).toMatch(/^\+\s+"create"$/m);
    });

    test("another layout is told to be one", async () => {
        fs.writeFileSync(host.configFile, JSON.stringify(JSON.parse(host.config)));
        expect(await seen()).toContain("has another layout, with the same settings");
    });

    test("mode, type and absence of the config", async () => {
        fs.chmodSync(host.configFile, 0o666);
        expect(await seen()).toContain(`${host.configFile} has mode 0666 instead of 0644`);
        driver.state!.outputs.pushes = 0;
        fs.rmSync(host.configFile);
        expect(await seen()).toContain(`${host.configFile} is missing`);
        driver.state!.outputs.pushes = 0;
        fs.renameSync(host.configFile, `${host.configFile}.elsewhere`);
        fs.symlinkSync(`${host.configFile}.elsewhere`, host.configFile);
        expect(await seen()).toContain("is not a plain file but a symbolic link");
    });

    test("secret files: mode, content and absence, and never what is in them", async () => {
        fs.chmodSync(host.credentialsFile, 0o640);
        let told = await seen();
        expect(told).toContain(`${host.credentialsFile} has mode 0640 instead of 0600`);
        driver.state!.outputs.pushes = 0;
        fs.writeFileSync(host.credentialsFile, '{"clientid":"zot","clientsecret":"another-canary"}\n');
        told += await seen();
        expect(told).toContain(`${host.credentialsFile} has other content`);
        driver.state!.outputs.pushes = 0;
        fs.rmSync(host.credentialsFile);
        told += await seen();
        expect(told).toContain(`${host.credentialsFile} is missing`);
        expect(told + JSON.stringify(driver.state)).not.toMatch(/canary/);
    });

    test("a zot that does not answer is deployed again", async () => {
        host.zot.stop();
        expect(await seen()).toMatch(/zot does not answer at http:\/\/127\.0\.0\.1:\d+/);
    });

    test("a zot that serves something else than its config says", async () => {
        const open = JSON.parse(host.config) as { http: { accessControl?: unknown } };
        delete open.http.accessControl;
        fs.writeFileSync(host.configFile, JSON.stringify(open));
        await host.zot.restart();
        await host.repair();
        try {
            expect(await driver.preview(host.inputs)).toBe("update");
            expect(driver.said.join("")).toMatch(
                /zot does not serve its config: zot answered an anonymous write with \d+ instead of 401 \[ZH-PROBE-WRITE\]/,
            );
        } finally {
            await host.zot.restart();
        }
    });

    test("a deployment that was cut off is ended by another one", async () => {
        const push = `${host.configFile}.zot-hardening/pushes/3`;
        fs.mkdirSync(push, { recursive: true });
        fs.writeFileSync(`${push}/unproven`, "");
        expect(await seen()).toContain("deployment 3 was interrupted, and neither proven nor rolled back");
    });

    test("while another deployment is under way, nothing is said of what it may be changing", async () => {
        const claims = `${host.configFile}.zot-hardening/claims`;
        fs.mkdirSync(claims, { recursive: true });
        fs.writeFileSync(`${claims}/9999999999.${process.pid}.x.host`, "process 1 of somebody\n");
        fs.chmodSync(host.configFile, 0o600);
        expect(await driver.up(host.inputs)).toBe("same");
        expect(driver.said.join("")).toMatch(/A deployment is under way on 127\.0\.0\.1 \(process 1 of somebody\)/);
    });

    test(
        "a config that is declared anew is no drift, " + "whether the host has the old one or the new one already",
        async () => {
            const config = host.config.replace('"info"', '"warn"');
            expect(await driver.preview({ ...host.inputs, config })).toBe("same");
            fs.writeFileSync(host.configFile, config);
            expect(await driver.up({ ...host.inputs, config })).toBe("same");
            expect(driver.said).toEqual([]);
        },
    );

    test("first of all, and on another host, nothing is claimed", async () => {
        fs.writeFileSync(host.configFile, "{}");
        const fresh = observationDriver();
        expect(await fresh.preview(host.inputs)).toBe("create");
        expect(await fresh.up(host.inputs)).toBe("create");
        expect(fresh.state!.outputs.pushes).toBe(0);
        expect(fresh.said).toEqual([]);
        expect(
            await driver.up({
                ...host.inputs,
                connection: { ...(host.inputs.connection as object), host: "localhost" },
            }),
        ).toBe("same");
    });

    test("not to be looked at: no connection and no difference", async () => {
        fs.writeFileSync(host.configFile, "{}");
        const before = host.ssh.connections();
        expect(await driver.preview({ ...host.inputs, look: false })).toBe("same");
        expect(await observationDriver().up({ ...host.inputs, look: false })).toBe("create");
        expect(host.ssh.connections() - before).toBe(0);
    });
});

describe("a host with systemd and sudo", () => {
    let bin: string;
    let host: ObservedHost;
    const stub = (name: string, script: string) =>
        fs.writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

    beforeAll(async () => {
        bin = fs.mkdtempSync(path.join(os.tmpdir(), "observed-bin-"));
        stub(
            "systemctl",
            'case $* in *show*) printf "LoadState=loaded\\nActiveState=inactive\\nRestart=always\\n" ;; esac',
        );
        host = await startObservedHost({
            kind: "embedded",
            environment: { PATH: `${bin}:${process.env.PATH ?? "/usr/bin:/bin"}` },
        });
    });
    afterAll(async () => {
        await host?.stop();
        fs.rmSync(bin, { recursive: true, force: true });
    });
    const inputs = (sudo: string) => ({ ...host.inputs, serviceManager: "systemd", serviceName: "zot.service", sudo });

    test("sudo that wants a password is told before anything is deployed", async () => {
        stub("sudo", 'echo "sudo: a password is required" >&2; exit 1');
        await expect(observationDriver().preview(inputs("service"))).rejects.toThrow(
            /can be neither looked at nor deployed to: sudo does not let \S+ run "systemctl restart zot\.service" without a password \(sudo: a password is required\); npm run host-rights prints what root has to allow\. \[ZH-SUDO-PASSWORD\] sudo does not let \S+ run "systemctl stop zot\.service" .* \[ZH-SUDO-PASSWORD\] Nothing was changed\.$/,
        );
        stub("id", 'case $* in -u) echo 4711 ;; *) exec /usr/bin/id "$@" ;; esac');
        await expect(observationDriver().preview(inputs("all"))).rejects.toThrow(
            /does not let \S+ run anything as root without a password .*npm run host-rights prints/,
        );
        fs.rmSync(path.join(bin, "id"));
    });

    test("with sudo the look is root's, and a service that is down though zot answers is told", async () => {
        // The one who logs in is not root; who comes out of sudo is.
        stub("id", 'case $* in -u) echo 4711 ;; *) exec /usr/bin/id "$@" ;; esac');
        stub("sudo", `shift; PATH='${process.env.PATH ?? ""}' exec "$@"`);
        const driver = observationDriver();
        await driver.up(inputs("all"));
        expect(driver.state!.outputs.report).toMatchObject({
            configMode: "0644",
            secretFiles: "as declared",
            serving: "hardened",
        });
        fs.rmSync(path.join(bin, "id"));
        stub("sudo", 'shift; [ "$1" = -l ] || exec "$@"');
        await driver.up(inputs("service"));
        expect(driver.said.join("")).toMatch(
            /zot answers on 127\.0\.0\.1, but its service manager reports the service as stopped/,
        );
    });
});

describe("a look at a host whose login shell runs nothing", () => {
    let host: ObservedHost;
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "no-login-"));

    beforeAll(async () => {
        const shell = path.join(scratch, "nologin");
        fs.writeFileSync(shell, "#!/bin/sh\necho 'This account is currently not available.'\nexit 1\n", {
            mode: 0o755,
        });
        host = await startObservedHost({ kind: "embedded", shell });
    });
    afterAll(async () => {
        await host?.stop();
        fs.rmSync(scratch, { recursive: true });
    });

    test("says so, and does not advise to go on without one", async () => {
        await expect(observationDriver().up(host.inputs)).rejects.toThrow(
            /exit 1\)\. It said: This account is currently not available\. The script did not start, so nothing was changed\. See the login shell of \S+ on the host \(getent passwd\), what its start-up files run, and ForceCommand in sshd_config\.$/,
        );
    });
});
