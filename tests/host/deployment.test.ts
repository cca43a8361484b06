/** A deployment over SSH to a host with a zot: what it does, what travels, and one at a time. */

import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { hostCommand } from "../../components/hostPayload";
import lock from "../../host/lock.sh";
import { runOverSsh } from "../../testbed/faults/overSsh";
import { DOWN, OPEN } from "../../testbed/faults/watch";
import {
    a,
    b,
    deployments,
    hardened,
    host,
    mode,
    open,
    read,
    secretFiles,
    secretsOf,
    served,
    starts,
} from "./deployedHost";

jest.setTimeout(120_000);

describe("a deployment", () => {
    it("puts the config and its secrets into force, and the second time does nothing", async () => {
        await open();
        expect(await served()).toBe(OPEN);
        expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
        expect(await served()).toBe("a");
        expect(read(host.configFile)).toBe(a.config);
        expect(mode(host.configFile)).toBe("644");
        for (const { path, content } of a.files) {
            expect(read(path)).toBe(content);
            expect(mode(path)).toBe("600");
        }
        expect(read(join(host.state, "original", "config.json"))).toBe(host.openConfig());
        const before = starts();
        expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "unchanged\n", errors: "" });
        expect(starts()).toBe(before);
        expect(fs.readdirSync(host.temporary).filter((name) => name.startsWith("zot-hardening"))).toEqual([]);
    });

    it("restarts zot once for a change", async () => {
        await hardened();
        const before = starts();
        expect(await host.deploy(b)).toMatchObject({ exitCode: 0, output: "deployed\n" });
        expect(await served()).toBe("b");
        expect(starts()).toBe(before + 1);
    });

    it("starts from nothing", async () => {
        host.reset();
        expect(await host.deploy(a)).toMatchObject({ exitCode: 0, output: "deployed\n" });
        expect(await served()).toBe("a");
    });

    it("corrects modes without a restart", async () => {
        await hardened();
        const before = starts();
        fs.chmodSync(host.configFile, 0o600);
        fs.chmodSync(a.files[0]!.path, 0o644);
        expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "repaired\n", errors: "" });
        expect([mode(host.configFile), mode(a.files[0]!.path)]).toEqual(["644", "600"]);
        expect(starts()).toBe(before);
        expect(await host.deploy(a)).toMatchObject({ output: "unchanged\n" });
    });

    it("replaces what was edited by hand, and keeps the edit", async () => {
        await hardened();
        const edited = a.config.replace('"info"', '"debug"');
        fs.writeFileSync(host.configFile, edited);
        expect(await host.deploy(a)).toMatchObject({ exitCode: 0, output: "deployed\n" });
        expect(read(host.configFile)).toBe(a.config);
        expect(read(join(host.state, "pushes", deployments().at(-1)!, "replaced.json"))).toBe(edited);
        expect(await host.deploy(a)).toMatchObject({ output: "unchanged\n" });
    });

    it("writes a secret file again that is gone or is not what it was", async () => {
        await hardened();
        fs.rmSync(a.files[0]!.path);
        fs.writeFileSync(a.files[1]!.path, "{}");
        expect(await host.deploy(a)).toMatchObject({ exitCode: 0, output: "deployed\n" });
        for (const { path, content } of a.files) expect(read(path)).toBe(content);
    });

    it("starts a zot that is down", async () => {
        await hardened();
        host.service.stop();
        expect(await served()).toBe(DOWN);
        expect(await host.deploy(a)).toMatchObject({ exitCode: 0, output: "deployed\n" });
        expect(await served()).toBe("a");
    });

    it("keeps no more than five where the deployment before did not come to remove the oldest", async () => {
        await hardened();
        const pushes = join(host.state, "pushes");
        const newest = Number(
            fs
                .readdirSync(pushes)
                .sort((one, other) => Number(one) - Number(other))
                .at(-1),
        );
        for (let number = newest + 1; number <= newest + 6; number++)
            fs.cpSync(join(pushes, String(newest)), join(pushes, String(number)), { recursive: true });
        expect(await host.deploy(a)).toMatchObject({ exitCode: 0, output: "unchanged\n" });
        expect(fs.readdirSync(pushes)).toHaveLength(5);
    });

    it("keeps the newest five configs and their secrets", async () => {
        await hardened();
        const clients = ["c", "d", "e", "f", "g", "h"].map((name, index) =>
            host.declare(name, { zot: { garbageCollectionDelay: `${index + 3}h` } }),
        );
        for (const client of clients) expect(await host.deploy(client)).toMatchObject({ exitCode: 0 });
        expect(deployments()).toEqual(["3", "4", "5", "6", "7"]);
        expect(deployments().map((push) => read(join(host.state, "pushes", push, "config.json")))).toEqual(
            clients.slice(1).map(({ config }) => config),
        );
        // The oldest that is kept has replaced one more, and that is kept with it.
        expect(secretFiles().sort()).toEqual(
            [...new Set(clients.flatMap(({ files }) => files.map(({ path }) => path.split("/").pop()!)))].sort(),
        );
    });

    it("keeps the secrets that another zot's config in the folder names", async () => {
        await hardened();
        const other = join(host.configFolder, `oidc-credentials.${"0".repeat(64)}.json`);
        const unnamed = join(host.configFolder, `oidc-credentials.${"1".repeat(64)}.json`);
        fs.writeFileSync(other, "{}");
        fs.writeFileSync(unnamed, "{}");
        fs.writeFileSync(
            join(host.configFolder, "other.json"),
            JSON.stringify({ http: { auth: { openid: { providers: { oidc: { credentialsFile: other } } } } } }),
        );
        await host.deploy(b);
        expect([fs.existsSync(other), fs.existsSync(unnamed)]).toEqual([true, false]);
    });

    it("keeps the secrets of another zot in the folder that is deployed to, and of the configs that it has kept", async () => {
        await hardened();
        const secret = (digit: string) => join(host.configFolder, `session-keys.${digit.repeat(64)}.json`);
        const naming = (file: string, digit: string) => {
            fs.mkdirSync(join(file, ".."), { recursive: true });
            fs.writeFileSync(file, JSON.stringify({ http: { auth: { sessionKeysFile: secret(digit) } } }));
        };
        const other = join(host.configFolder, "other zot.yaml");
        naming(other, "2");
        naming(`${other}.zot-hardening/pushes/1/config.json`, "3");
        naming(`${other}.zot-hardening/pushes/1/replaced.json`, "4");
        naming(`${other}.zot-hardening/original/config.json`, "5");
        for (const digit of "23456") fs.writeFileSync(secret(digit), "{}");
        await host.deploy(b);
        expect([..."23456"].filter((digit) => fs.existsSync(secret(digit)))).toEqual([..."2345"]);
    });

    it("brings what stands beside a config up to date, and leaves zot alone", async () => {
        await hardened();
        const before = starts();
        const readOnly = join(host.state, "pushes", "1", "read-only.json");
        fs.writeFileSync(readOnly, "{}");
        expect(await host.deploy(a)).toMatchObject({ output: "unchanged\n" });
        expect(read(readOnly)).toBe(a.readOnly);
        fs.rmSync(host.state, { recursive: true });
        expect(await host.deploy(a)).toMatchObject({ output: "unchanged\n" });
        expect(read(readOnly)).toBe(a.readOnly);
        expect(starts()).toBe(before);
    });
});

describe("what travels", () => {
    it("is refused where it does not arrive whole, and nothing of it stays", async () => {
        await hardened();
        for (const length of [0, 10, 5000, b.payload.length - 2]) {
            const ran = await runOverSsh(host.ssh, hostCommand("deploy"), b.payload.slice(0, length));
            expect({ length, ...ran }).toMatchObject({ length, exitCode: 1, output: "" });
            // Of its first line, there is nobody who could say it.
            if (length >= 5000)
                expect(ran.errors).toMatch(
                    /^zot-hardening: The payload did not arrive whole: .* Nothing on the host was changed\. \[ZH-PAYLOAD-INCOMPLETE\]\n$/,
                );
        }
        expect(fs.readdirSync(host.temporary).filter((name) => name.startsWith("zot-hardening"))).toEqual([]);
        expect(await served()).toBe("a");
    });

    it("is removed by the next deployment where a killed one has left it, and only then", async () => {
        await hardened();
        const push = spawn("/bin/sh", ["-c", "sleep 60; :", "/tmp/zot-hardening.sh"], { stdio: "ignore" });
        const other = spawn("/bin/sh", ["-c", "sleep 60; :"], { stdio: "ignore" });
        const [left, running, reused] = ["999999999", push.pid, other.pid].map((pid) =>
            join(host.temporary, `zot-hardening.${pid}.abcdefgh`),
        ) as [string, string, string];
        try {
            for (const folder of [left, running, reused]) {
                fs.mkdirSync(folder);
                fs.writeFileSync(join(folder, "payload"), "secret");
            }
            await host.deploy(a);
            expect([left, running, reused].map((folder) => fs.existsSync(folder))).toEqual([false, true, false]);
        } finally {
            push.kill();
            other.kill();
            fs.rmSync(running, { recursive: true, force: true });
        }
    });

    it("shows no secret in its command, its script and what comes back", async () => {
        await open({ extensions: { scrub: { enable: true, interval: "24h" } } });
        const answers = [
            await host.deploy(a),
            await host.deploy(host.declare("a", {}, { zot: { dropSettings: ["*"] } })),
            await host.deploy(b),
            await host.deploy(b, "withdraw"),
        ];
        expect(answers.map(({ exitCode }) => exitCode)).toEqual([1, 0, 0, 0]);
        const shown = JSON.stringify(answers) + hostCommand("deploy") + host.ssh.log() + host.zotLog();
        for (const secret of [...secretsOf(a), ...secretsOf(b)]) expect(shown).not.toContain(secret);
    });
});

describe("the lock", () => {
    const identityOf = (pid: number) =>
        spawnSync("dash", ["-c", `LC_ALL=C; export LC_ALL\n${lock}\nidentity_of ${pid}`], {
            encoding: "utf8",
        }).stdout.trim();
    const hostName = () => spawnSync("sh", ["-c", "uname -n | tr -cs 'A-Za-z0-9' '-'"], { encoding: "utf8" }).stdout;
    const seconds = () => Math.floor(Date.now() / 1000);
    const claim = (parts: (string | number)[]) => {
        const folder = join(host.state, "claims");
        fs.mkdirSync(folder, { recursive: true });
        const file = join(folder, parts.join("."));
        fs.writeFileSync(file, "process 4711 of someone from 192.0.2.1 since yesterday\n");
        return file;
    };

    beforeAll(() => hardened());

    it.each([
        ["of a process that has ended", () => [seconds() + 900, 999999999, identityOf(process.pid), hostName()]],
        [
            "of a process whose number another has now",
            () => [seconds() + 900, process.pid, "12345-abcdef01", hostName()],
        ],
        ["of another host, of long ago", () => [seconds() - 5, process.pid, identityOf(process.pid), "another-host-"]],
    ])("%s is taken over", async (_name, parts) => {
        const file = claim(parts());
        const ran = await host.deploy(a);
        expect(ran).toMatchObject({ exitCode: 0, output: "unchanged\n" });
        expect(ran.errors).toBe(
            "zot-hardening: A deployment that is no longer running left its lock (process 4711 of someone from " +
                "192.0.2.1 since yesterday); this one removes it and goes on. [ZH-LOCK-STALE]\n",
        );
        expect(fs.existsSync(file)).toBe(false);
    });

    it.each([
        ["of a process that runs", () => undefined],
        ["of another host, of now", () => "another-host-"],
    ])("%s is waited for", async (_name, other) => {
        const holder = spawn("sleep", ["60"], { stdio: "ignore" });
        try {
            const file = claim([seconds() + 900, holder.pid!, identityOf(holder.pid!), other() ?? hostName()]);
            let ended = false;
            const push = host.deploy(a).finally(() => (ended = true));
            await new Promise((resolve) => setTimeout(resolve, 1500));
            expect(ended).toBe(false);
            fs.rmSync(file);
            expect(await push).toEqual({ exitCode: 0, output: "unchanged\n", errors: "" });
        } finally {
            holder.kill();
        }
    });

    it("names its holder when nobody waits any longer", async () => {
        const holder = spawn("sleep", ["60"], { stdio: "ignore" });
        try {
            claim([seconds() + 900, holder.pid!, identityOf(holder.pid!), hostName()]);
            const ran = await host.deploy({
                ...a,
                payload: a.payload.replace(/^lock_patience=.*$/m, "lock_patience=1"),
            });
            expect(ran.exitCode).toBe(1);
            expect(ran.errors).toContain(
                "Another deployment is running on this host (process 4711 of someone from 192.0.2.1 since " +
                    "yesterday); wait for it to end.",
            );
        } finally {
            holder.kill();
            fs.rmSync(join(host.state, "claims"), { recursive: true });
        }
    });
});
