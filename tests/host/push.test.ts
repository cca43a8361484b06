/** The push over SSH to a host with a zot: what it does, what it refuses, and what it leaves. */
import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { hostCommand } from "../../components/hostPayload";
import lock from "../../host/lock.sh";
import { findExecutable, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { FaultHost, type Pushed } from "../../testbed/faults/host";
import { runOverSsh } from "../../testbed/faults/overSsh";
import { DOWN, type Known, OPEN, READ_ONLY, servedBy } from "../../testbed/faults/watch";

jest.setTimeout(120_000);

let host: FaultHost;
let a: Pushed;
let b: Pushed;
let known: Known[];

beforeAll(async () => {
    host = await FaultHost.start();
    a = host.declare("a");
    b = host.declare("b", { zot: { garbageCollectionDelay: "2h", metrics: "anonymous" } });
    known = [a, b, { name: OPEN, config: "" }];
});
afterAll(() => host?.stop());

const served = () => servedBy(host.url, known);
const mode = (file: string) => (fs.statSync(file).mode & 0o777).toString(8);
const read = (file: string) => fs.readFileSync(file, "utf8");
const pushes = () => fs.readdirSync(join(host.state, "pushes")).sort((left, right) => Number(left) - Number(right));
const secretFiles = () =>
    fs.readdirSync(host.configFolder).filter((name) => /^(oidc-credentials|session-keys)\./.test(name));
const starts = () => host.zotLog().match(/"message":"configuration settings"/g)?.length ?? 0;
/** Every secret that a payload holds. */
const secretsOf = (pushed: Pushed) =>
    pushed.files
        .flatMap(({ content }) => Object.entries(JSON.parse(content) as Record<string, string>))
        .filter(([key]) => key !== "clientid")
        .map(([, value]) => value);

async function hardened(with_: Pushed = a): Promise<void> {
    await host.issuer.become("ours");
    host.reset(host.openConfig());
    await host.ready();
    expect(await host.push(with_)).toMatchObject({ exitCode: 0, output: "deployed\n" });
}

async function open(extra: Record<string, unknown> = {}): Promise<void> {
    host.reset(host.openConfig(extra));
    await host.ready();
}

describe("a push", () => {
    it("puts the config and its secrets into force, and the second time does nothing", async () => {
        await open();
        expect(await served()).toBe(OPEN);
        expect(await host.push(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
        expect(await served()).toBe("a");
        expect(read(host.configFile)).toBe(a.config);
        expect(mode(host.configFile)).toBe("644");
        for (const { path, content } of a.files) {
            expect(read(path)).toBe(content);
            expect(mode(path)).toBe("600");
        }
        expect(read(join(host.state, "original", "config.json"))).toBe(host.openConfig());
        const before = starts();
        expect(await host.push(a)).toEqual({ exitCode: 0, output: "unchanged\n", errors: "" });
        expect(starts()).toBe(before);
        expect(fs.readdirSync(host.temporary).filter((name) => name.startsWith("zot-hardening"))).toEqual([]);
    });

    it("restarts zot once for a change", async () => {
        await hardened();
        const before = starts();
        expect(await host.push(b)).toMatchObject({ exitCode: 0, output: "deployed\n" });
        expect(await served()).toBe("b");
        expect(starts()).toBe(before + 1);
    });

    it("starts from nothing", async () => {
        host.reset();
        expect(await host.push(a)).toMatchObject({ exitCode: 0, output: "deployed\n" });
        expect(await served()).toBe("a");
    });

    it("mends modes without a restart", async () => {
        await hardened();
        const before = starts();
        fs.chmodSync(host.configFile, 0o600);
        fs.chmodSync(a.files[0]!.path, 0o644);
        expect(await host.push(a)).toEqual({ exitCode: 0, output: "repaired\n", errors: "" });
        expect([mode(host.configFile), mode(a.files[0]!.path)]).toEqual(["644", "600"]);
        expect(starts()).toBe(before);
        expect(await host.push(a)).toMatchObject({ output: "unchanged\n" });
    });

    it("replaces what was edited by hand, and keeps the edit", async () => {
        await hardened();
        const edited = a.config.replace('"info"', '"debug"');
        fs.writeFileSync(host.configFile, edited);
        expect(await host.push(a)).toMatchObject({ exitCode: 0, output: "deployed\n" });
        expect(read(host.configFile)).toBe(a.config);
        expect(read(join(host.state, "pushes", pushes().at(-1)!, "replaced.json"))).toBe(edited);
        expect(await host.push(a)).toMatchObject({ output: "unchanged\n" });
    });

    it("writes a secret file again that is gone or is not what it was", async () => {
        await hardened();
        fs.rmSync(a.files[0]!.path);
        fs.writeFileSync(a.files[1]!.path, "{}");
        expect(await host.push(a)).toMatchObject({ exitCode: 0, output: "deployed\n" });
        for (const { path, content } of a.files) expect(read(path)).toBe(content);
    });

    it("starts a zot that is down", async () => {
        await hardened();
        host.service.stop();
        expect(await served()).toBe(DOWN);
        expect(await host.push(a)).toMatchObject({ exitCode: 0, output: "deployed\n" });
        expect(await served()).toBe("a");
    });

    it("keeps no more than five where the push before did not come to remove the oldest", async () => {
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
        expect(await host.push(a)).toMatchObject({ exitCode: 0, output: "unchanged\n" });
        expect(fs.readdirSync(pushes)).toHaveLength(5);
    });

    it("keeps the newest five configs and their secrets", async () => {
        await hardened();
        const clients = ["c", "d", "e", "f", "g", "h"].map((name, index) =>
            host.declare(name, { zot: { garbageCollectionDelay: `${index + 3}h` } }),
        );
        for (const client of clients) expect(await host.push(client)).toMatchObject({ exitCode: 0 });
        expect(pushes()).toEqual(["3", "4", "5", "6", "7"]);
        expect(pushes().map((push) => read(join(host.state, "pushes", push, "config.json")))).toEqual(
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
        await host.push(b);
        expect([fs.existsSync(other), fs.existsSync(unnamed)]).toEqual([true, false]);
    });

    it("brings what stands beside a config up to date, and leaves zot alone", async () => {
        await hardened();
        const before = starts();
        const readOnly = join(host.state, "pushes", "1", "read-only.json");
        fs.writeFileSync(readOnly, "{}");
        expect(await host.push(a)).toMatchObject({ output: "unchanged\n" });
        expect(read(readOnly)).toBe(a.readOnly);
        fs.rmSync(host.state, { recursive: true });
        expect(await host.push(a)).toMatchObject({ output: "unchanged\n" });
        expect(read(readOnly)).toBe(a.readOnly);
        expect(starts()).toBe(before);
    });
});

describe("the way back", () => {
    it("leads to the very file that was there, and tells what zot has said", async () => {
        await hardened();
        const inode = fs.statSync(host.configFile).ino;
        host.service.serveFault({ how: "dies", where: { holds: b.files[0]!.path } });
        const ran = await host.push(b);
        host.service.serveFault(undefined);
        expect(ran).toMatchObject({ exitCode: 1, output: "" });
        expect(ran.errors).toMatch(
            /zot ended after its restart .*\. \[ZH-DEPLOY-ZOT-ENDED\]\nThe last words of zot:\nError: zot has died of a fault\nThe config that was in force before is back, and zot is ready with it\. \[ZH-ROLLBACK-DONE\]\n/,
        );
        expect(fs.statSync(host.configFile).ino).toBe(inode);
        expect(await served()).toBe("a");
        expect(secretFiles().sort()).toEqual(a.files.map(({ path }) => path.split("/").pop()).sort());
    });

    it("is taken from a zot that serves, but not as declared", async () => {
        // The config says nothing of metrics, and something answers there.
        await hardened();
        const claims = host.declare("a", { zot: { garbageCollectionDelay: "9h" } });
        const lying = { ...claims, payload: claims.payload.replace(/^(binary=).*$/m, `$1${otherVersion()}`) };
        const ran = await host.push(lying);
        expect(ran.errors).toMatch(
            /zot v2\.1\.20-0-g.* set zot\.binary to what the service runs\. \[ZH-DEPLOY-OTHER-BINARY\]/,
        );
        expect(await served()).toBe("a");
        expect(read(host.configFile)).toBe(a.config);
    });

    it("ends a push that takes too long", async () => {
        await hardened();
        await host.service.restartFault("hangs");
        const ran = await host.push(
            host.declare("b", { zot: { garbageCollectionDelay: "2h" } }, { host: { pushTimeout: 15 } }),
        );
        await host.service.restartFault(undefined);
        expect(ran).toMatchObject({ exitCode: 1, output: "" });
        expect(ran.errors).toContain("took longer than 15 seconds (host.pushTimeout). [ZH-DEPLOY-TIMEOUT]");
        expect(ran.errors).toMatch(/The config that was in force before is back.* \[ZH-ROLLBACK-/);
        expect(await served()).toBe("a");
    });

    it("of a first push leaves nothing", async () => {
        host.reset();
        host.service.serveFault({ how: "dies", where: { holds: a.files[0]!.path } });
        const ran = await host.push(a);
        host.service.serveFault(undefined);
        expect(ran.errors).toContain("[ZH-ROLLBACK-NONE]");
        expect(fs.readdirSync(host.configFolder)).toEqual([]);
        expect(await served()).toBe(DOWN);
    });

    it("leads to the read-only config where neither can start, since the issuer is away", async () => {
        await hardened();
        // It goes away after it was asked.
        const restart = join(host.folder, "restart-without-issuer");
        fs.writeFileSync(
            restart,
            `#!/bin/sh\ntouch '${host.folder}/restarting'\nsleep 0.5\nexec '${host.service.restartCommand}'\n`,
            { mode: 0o755 },
        );
        const watching = (async () => {
            while (!fs.existsSync(join(host.folder, "restarting")))
                await new Promise((resolve) => setTimeout(resolve, 10));
            await host.issuer.become("down");
        })();
        const ran = await host.push(
            host.declare("b", { zot: { garbageCollectionDelay: "2h" }, host: { restartCommand: restart } }),
        );
        await watching;
        expect(ran.exitCode).toBe(1);
        expect(ran.errors).toContain(
            "zot serves read-only: anyone may pull, and nobody may log in. Run pulumi up again when the issuer answers. [ZH-ROLLBACK-READ-ONLY]",
        );
        expect(await served()).toBe(READ_ONLY);
        expect(read(host.configFile)).toBe(a.readOnly.replace('"1h"', '"2h"'));
        expect(read(join(host.state, "pushes", "2", "replaced.json"))).toBe(a.config);
        expect(read(join(host.state, "original", "config.json"))).toBe(host.openConfig());
        await host.issuer.become("ours");
        expect(await host.push(b)).toMatchObject({ exitCode: 0, output: "deployed\n" });
        expect(await served()).toBe("b");
    });
});

describe("before anything is touched", () => {
    /** A push that is refused; answers why. */
    async function refused(pushed: Pushed): Promise<string> {
        const before = fs.existsSync(host.configFile) ? read(host.configFile) : undefined;
        const ran = await host.push(pushed);
        expect(ran).toMatchObject({ exitCode: 1, output: "" });
        expect(ran.errors).toMatch(
            /^zot-hardening: [\s\S]* \[ZH-[A-Z-]+\][\s\S]*\nNothing on the host was changed\. \[ZH-HOST-UNCHANGED\]\n(The registry serves as before\. \[ZH-ZOT-AS-BEFORE\]|zot does not answer at \S+\. \[ZH-ZOT-SILENT\])\n$/,
        );
        if (before !== undefined) expect(read(host.configFile)).toBe(before);
        expect(secretFiles()).toEqual([]);
        return ran.errors;
    }

    it("settings that the first push would remove are listed", async () => {
        const extra = {
            http: { address: "127.0.0.1", port: `${host.port}`, readTimeout: "50s" },
            extensions: { scrub: { enable: true, interval: "24h" }, search: { enable: true } },
            Log: { level: "info", audit: "/dev/null" },
        };
        await open(extra);
        expect(await refused(a)).toContain(
            "that this program does not manage and the first deployment would remove: http.readTimeout (50s there, 1h by the settings); extensions.scrub; Log.audit. Put what is to stay into zot.extraConfig",
        );
        expect(fs.existsSync(host.state)).toBe(false);
        // Some of them stay, the others may go; whatever the case of the letters.
        const kept = host.declare(
            "a",
            { zot: { extraConfig: { http: { readTimeout: "50s" }, log: { audit: "/dev/null" } } } },
            { zot: { dropSettings: ["Extensions.Scrub"] } },
        );
        expect(await host.push(kept)).toMatchObject({ exitCode: 0, output: "deployed\n" });
    });

    it("empty values are no settings, as public guides have them", async () => {
        const guide = (http: object) => ({
            storage: {
                rootDirectory: host.images,
                dedupe: false,
                remoteCache: false,
                subPaths: {},
                retention: { dryRun: false, policies: [] },
            },
            http: {
                address: "127.0.0.1",
                port: `${host.port}`,
                allowOrigin: "",
                compat: [],
                ratelimit: { rate: 0 },
                ...http,
            },
            log: { level: "debug", audit: "" },
            extensions: {
                lint: { enable: false, mandatoryAnnotations: ["x"] },
                scrub: { enable: false, interval: "24h" },
                mgmt: {},
                trust: { enable: false },
            },
        });
        host.reset(
            host.openConfig(
                guide({
                    tls: { cert: "", key: "" },
                    auth: {
                        htpasswd: { path: "" },
                        failDelay: 0,
                        openid: { providers: { oidc: { keypath: "", clientid: "zot", clientsecret: "x" } } },
                    },
                }),
            ),
        );
        expect(await refused(a)).toContain("the first deployment would remove: storage.dedupe. Put");
        await open(guide({}));
        expect(await host.push(host.declare("a", {}, { zot: { dropSettings: ["storage.dedupe"] } }))).toMatchObject({
            exitCode: 0,
            output: "deployed\n",
        });
    });

    it("but not what rules of ours allow, and pull-through caches by their address", async () => {
        const mirror = (url: string, more = {}) => ({
            urls: [url],
            onDemand: true,
            tlsVerify: true,
            content: [{ prefix: "**", destination: "/other" }],
            ...more,
        });
        await open({
            http: {
                address: "127.0.0.1",
                port: `${host.port}`,
                accessControl: {
                    repositories: {
                        "**": { anonymousPolicy: ["read", "create", "update", "delete"] },
                        "tools/**": { anonymousPolicy: ["read"] },
                    },
                },
            },
            extensions: {
                sync: {
                    enable: true,
                    registries: [
                        mirror("https://quay.invalid"),
                        mirror("https://docker.invalid/"),
                        mirror("https://docker.invalid", { maxRetries: 2, retryDelay: "5m" }),
                    ],
                },
            },
        });
        const declared = host.declare("a", {
            zot: { mirrors: [{ url: "https://docker.invalid", prefix: "docker.invalid" }] },
        });
        expect(await refused(declared)).toContain(
            ": http.accessControl.repositories.tools/**; extensions.sync.registries[0] (https://quay.invalid); extensions.sync.registries[2].maxRetries; extensions.sync.registries[2].retryDelay. Put",
        );
        const acknowledged = host.declare(
            "a",
            { zot: { mirrors: [{ url: "https://docker.invalid", prefix: "docker.invalid" }] } },
            {
                zot: {
                    dropSettings: [
                        "http.accessControl",
                        "extensions.sync.registries[0]",
                        "extensions.sync.registries[2]",
                    ],
                },
            },
        );
        expect(await host.push(acknowledged)).toMatchObject({ exitCode: 0 });
    });

    it("they may all go by one word", async () => {
        await open({ extensions: { scrub: { enable: true, interval: "24h" } } });
        expect(await host.push(host.declare("a", {}, { zot: { dropSettings: ["*"] } }))).toMatchObject({ exitCode: 0 });
    });

    it("another storage or port is no small change", async () => {
        await open({ storage: { rootDirectory: join(host.folder, "elsewhere") } });
        expect(await refused(a)).toContain(
            `storage.rootDirectory (${host.folder}/elsewhere there, ${host.images} by the settings)`,
        );
    });

    it("a zot that is too old, or whose version cannot be read, is refused by what is at stake", async () => {
        await open();
        const withVersion = (commit: string | undefined, push = {}) => {
            const pushed = host.declare("a", {}, push);
            return { ...pushed, payload: pushed.payload.replace(/^(binary=).*$/m, `$1${otherVersion(commit)}`) };
        };
        const old = await refused(withVersion("v2.1.18-0-gabcdef0"));
        expect(old).toContain(
            "is version v2.1.18-0-gabcdef0. [ZH-VERSION-OLD] Before zot 2.1.19 whoever may push can move an existing tag",
        );
        expect(old).toContain('set zot.acceptVersion to "v2.1.18-0-gabcdef0"');
        expect(await refused(withVersion(undefined))).toContain(
            "says nothing of its version, which cannot be read as one. [ZH-VERSION-UNREADABLE]",
        );
        expect(await refused(withVersion("my-branch-12", { zot: { acceptVersion: "my-branch-11" } }))).toContain(
            'set zot.acceptVersion to "my-branch-12"',
        );
        const [, hash] =
            /set zot\.acceptVersion to "(sha256:[0-9a-f]{64})"/.exec(await refused(withVersion(undefined))) ?? [];
        expect(await host.push(withVersion(undefined, { zot: { acceptVersion: hash } }))).toMatchObject({
            exitCode: 0,
            output: "deployed\n",
        });
    });

    it("places that do not fit are named", async () => {
        await open();
        expect(await refused(host.declare("a", { zot: { binary: "/no/such/zot" } }))).toContain(
            "zot's binary /no/such/zot is not there or cannot be run; correct zot.binary.",
        );
        const missing = host.declare("a");
        expect(
            await refused({
                ...missing,
                payload: missing.payload.replace(/^(rootDirectory=).*$/m, "$1/no/such/images"),
            }),
        ).toContain("zot's storage /no/such/images does not exist");
        const elsewhere = host.declare("a");
        expect(
            (
                await host.push({
                    ...elsewhere,
                    payload: elsewhere.payload.replace(/^(configFile=).*$/m, "$1/no/such/folder/config.json"),
                })
            ).errors,
        ).toContain("make sure that the folder of zot.configFile exists");
        fs.renameSync(host.configFile, join(host.folder, "real.json"));
        fs.symlinkSync(join(host.folder, "real.json"), host.configFile);
        expect(await refused(a)).toContain(
            `is a symbolic link, which the deployment would replace; set zot.configFile to the file itself (${host.folder}/real.json)`,
        );
    });

    it("a config that zot does not accept is refused in zot's words, without a secret", async () => {
        await open();
        const bad = host.declare("a", { zot: { extraConfig: { storage: { noSuchSetting: "x" } } } });
        const errors = await refused(bad);
        expect(errors).toMatch(/zot does not accept the config \(zot verify\): Error: [\s\S]*nosuchsetting/i);
        for (const secret of secretsOf(bad)) expect(errors).not.toContain(secret);
    });

    it.each([
        ["down", /could not be fetched on this host: curl: \(7\)/],
        ["different", /names the issuer .*\/other\/, and zot would not start: both have to be the same to the letter/],
    ] as const)("an issuer that is %s", async (state, message) => {
        await open();
        await host.issuer.become(state);
        expect(await refused(a)).toMatch(message);
        await host.issuer.become("ours");
    });

    /** A zot that calls itself something else. */
    function otherVersion(commit?: string): string {
        return versioned(host, commit);
    }
});

function otherVersion(): string {
    return versioned(host, "v2.1.99-0-gabcdef0");
}

function versioned(of: FaultHost, commit: string | undefined): string {
    const file = join(of.folder, `zot-${commit ?? "unknown"}`);
    const line = commit === undefined ? "{}" : `{"message":"version","commit":"${commit}"}`;
    fs.writeFileSync(
        file,
        `#!/bin/sh\n[ "$1" != --version ] || { echo '${line}'; exit; }\nexec '${of.machine.zot.path}' "$@"\n`,
        { mode: 0o755 },
    );
    return file;
}

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
        const ran = await host.push(a);
        expect(ran).toMatchObject({ exitCode: 0, output: "unchanged\n" });
        expect(ran.errors).toBe(
            "zot-hardening: A deployment that is no longer running left its lock (process 4711 of someone from 192.0.2.1 since yesterday); this one removes it and goes on. [ZH-LOCK-STALE]\n",
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
            const push = host.push(a).finally(() => (ended = true));
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
            const ran = await host.push({ ...a, payload: a.payload.replace(/^lock_patience=.*$/m, "lock_patience=1") });
            expect(ran.exitCode).toBe(1);
            expect(ran.errors).toContain(
                "Another deployment is running on this host (process 4711 of someone from 192.0.2.1 since yesterday); wait for it to end.",
            );
        } finally {
            holder.kill();
            fs.rmSync(join(host.state, "claims"), { recursive: true });
        }
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

    it("is removed by the next push where a killed one has left it, and only then", async () => {
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
            await host.push(a);
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
            await host.push(a),
            await host.push(host.declare("a", {}, { zot: { dropSettings: ["*"] } })),
            await host.push(b),
            await host.push(b, "withdraw"),
        ];
        expect(answers.map(({ exitCode }) => exitCode)).toEqual([1, 0, 0, 0]);
        const shown = JSON.stringify(answers) + hostCommand("deploy") + host.ssh.log() + host.zotLog();
        for (const secret of [...secretsOf(a), ...secretsOf(b)]) expect(shown).not.toContain(secret);
    });
});

describe("a destroy", () => {
    it("leaves a read-only registry that starts without the issuer, and no secret", async () => {
        await hardened(b);
        await host.issuer.become("down");
        expect(await host.push(b, "withdraw")).toEqual({ exitCode: 0, output: "read-only\n", errors: "" });
        expect(await served()).toBe(READ_ONLY);
        expect(read(host.configFile)).toBe(b.readOnly);
        expect(secretFiles()).toEqual([]);
        host.service.start();
        await host.ready();
        expect(await served()).toBe(READ_ONLY);
        expect(await host.push(b, "withdraw")).toEqual({ exitCode: 0, output: "unchanged\n", errors: "" });
        await host.issuer.become("ours");
        // It can be hardened again; what it was to begin with is still known.
        expect(await host.push(a)).toMatchObject({ exitCode: 0, output: "deployed\n" });
        expect(read(join(host.state, "original", "config.json"))).toBe(host.openConfig());
    });

    it("restores what was there, where that is asked for", async () => {
        await open();
        fs.chmodSync(host.configFile, 0o640);
        const restoring = host.declare("a", {}, { host: { onDestroy: "restore" } });
        await host.push(restoring);
        await host.push(b);
        expect(await host.push(restoring, "withdraw")).toEqual({ exitCode: 0, output: "restored\n", errors: "" });
        expect(await served()).toBe(OPEN);
        expect(read(host.configFile)).toBe(host.openConfig());
        expect(mode(host.configFile)).toBe("640");
        expect(fs.readdirSync(host.configFolder)).toEqual(["config.json"]);
    });

    it("restores nothing where nothing was", async () => {
        host.reset();
        const restoring = host.declare("a", {}, { host: { onDestroy: "restore" } });
        await host.push(restoring);
        expect(await host.push(restoring, "withdraw")).toEqual({ exitCode: 0, output: "restored\n", errors: "" });
        expect(fs.readdirSync(host.configFolder)).toEqual([]);
        expect(await served()).toBe(DOWN);
    });

    it("that fails leaves the registry as it was", async () => {
        await hardened();
        await host.service.restartFault("stops and fails");
        const ran = await host.push(a, "withdraw");
        await host.service.restartFault(undefined);
        expect(ran.exitCode).toBe(1);
        expect(await served()).toBe("a");
        expect(read(host.configFile)).toBe(a.config);
    });
});

describe("a zot with a certificate of a private authority", () => {
    const openssl = findExecutable("openssl");
    const reason = openssl ? undefined : "no openssl here (Debian's package openssl)";
    let authority: string;
    let tls: { cert: string; key: string };
    let withTls: (zot?: Record<string, unknown>) => Pushed;
    beforeAll(() => {
        if (reason) return;
        const run = (...args: string[]) =>
            expect(spawnSync(openssl!, args, { cwd: host.folder, encoding: "utf8" })).toMatchObject({ status: 0 });
        run(
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=authority",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        );
        run(
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=zot",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            "zot.key",
            "-out",
            "zot.csr",
        );
        run(
            "x509",
            "-req",
            "-in",
            "zot.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-copy_extensions",
            "copy",
            "-out",
            "zot.pem",
        );
        authority = join(host.folder, "ca.pem");
        tls = { cert: join(host.folder, "zot.pem"), key: join(host.folder, "zot.key") };
        withTls = (zot = {}) => host.declare("a", { zot: { tlsCertFile: tls.cert, tlsKeyFile: tls.key, ...zot } });
    });
    const check = reason ? it.skip : it;

    check(skippable("is taken back in curl's words, without waiting for the end of the time", reason), async () => {
        await open();
        const before = read(host.configFile);
        // Were the whole time waited, this test would not end.
        const untrusted = host.declare(
            "a",
            { zot: { extraConfig: { http: { tls } } }, host: { readyTimeout: 3000 } },
            { host: { pushTimeout: 300 } },
        );
        const ran = await host.push(untrusted);
        expect(ran.exitCode).not.toBe(0);
        expect(ran.errors).toMatch(
            /\[ZH-DEPLOY-NOT-ASKED\] .*curl: \(60\) SSL certificate problem: .*set zot\.caFile to its PEM file on this host/,
        );
        expect(ran.errors).toContain("[ZH-ROLLBACK-DONE]");
        expect(read(host.configFile)).toBe(before);
    });

    check(
        skippable("is trusted by zot.caFile, which is not the issuer's; and is asked for before the next push", reason),
        async () => {
            await open();
            expect(await host.push(withTls({ caFile: authority }))).toMatchObject({
                exitCode: 0,
                output: "deployed\n",
            });
            expect(await host.push(withTls({ caFile: authority }))).toMatchObject({
                exitCode: 0,
                output: "unchanged\n",
            });
            const before = read(host.configFile);
            const ran = await host.push(withTls({ logLevel: "debug" }));
            expect(ran.errors).toMatch(
                /zot at https:\/\/127\.0\.0\.1:\d+ cannot be asked .*\[ZH-ZOT-NOT-ASKED\] .*curl: \(60\).*set zot\.caFile/,
            );
            expect(ran.errors).toContain("[ZH-HOST-UNCHANGED]");
            expect(read(host.configFile)).toBe(before);
            expect(
                (await host.push(withTls({ caFile: "/no/such/authority.pem", logLevel: "debug" }))).errors,
            ).toContain("The CA file /no/such/authority.pem cannot be read on the host; correct zot.caFile.");
        },
    );
});
