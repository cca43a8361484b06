/** What a deployment refuses before it touches anything. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { findExecutable, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import type { Deployed } from "../../testbed/faults/host";
import { a, host, open, read, secretFiles, secretsOf, versioned } from "./deployedHost";

jest.setTimeout(120_000);

describe("before anything is touched", () => {
    /** A deployment that is refused; answers why. */
    async function refused(deployed: Deployed): Promise<string> {
        const before = fs.existsSync(host.configFile) ? read(host.configFile) : undefined;
        const ran = await host.deploy(deployed);
        expect(ran).toMatchObject({ exitCode: 1, output: "" });
        expect(ran.errors).toMatch(
            /^zot-hardening: [\s\S]* \[ZH-[A-Z-]+\][\s\S]*\nNothing on the host was changed\. \[ZH-HOST-UNCHANGED\]\n(The registry serves as before\. \[ZH-ZOT-AS-BEFORE\]|zot does not answer at \S+\. \[ZH-ZOT-SILENT\])\n$/,
        );
        if (before !== undefined) expect(read(host.configFile)).toBe(before);
        expect(secretFiles()).toEqual([]);
        return ran.errors;
    }

    it("settings that the first deployment would remove are listed", async () => {
        const extra = {
            http: { address: "127.0.0.1", port: `${host.port}`, readTimeout: "50s" },
            extensions: { scrub: { enable: true, interval: "24h" }, search: { enable: true } },
            Log: { level: "info", audit: "/dev/null" },
        };
        await open(extra);
        expect(await refused(a)).toContain(
            "that this program does not manage and the first deployment would remove: " +
                "http.readTimeout (50s there, 1h by the settings); extensions.scrub; Log.audit. " +
                "Put what has to stay into zot.extraConfig",
        );
        expect(fs.existsSync(host.state)).toBe(false);
        // Some of them stay, the others may go; whatever the case of the letters.
        const kept = host.declare(
            "a",
            { zot: { extraConfig: { http: { readTimeout: "50s" }, log: { audit: "/dev/null" } } } },
            { zot: { dropSettings: ["Extensions.Scrub"] } },
        );
        expect(await host.deploy(kept)).toMatchObject({ exitCode: 0, output: "deployed\n" });
    });

    const chattr = process.getuid?.() === 0 ? findExecutable("chattr") : undefined;
    (chattr ? it : it.skip)(
        skippable("a config that is immutable", chattr ? undefined : "it takes root and chattr"),
        async () => {
            await open();
            execFileSync(chattr!, ["+i", host.configFile]);
            try {
                expect(await refused(a)).toContain(
                    `${host.configFile} cannot be replaced, though root deploys: it is immutable, or mounted read-only; ` +
                        `run on the host: chattr -i ${host.configFile}, or umount it. [ZH-CONFIG-IMMUTABLE]`,
                );
            } finally {
                execFileSync(chattr!, ["-i", host.configFile]);
            }
        },
    );

    (chattr ? it : it.skip)(
        skippable("a folder in which no file can be made", chattr ? undefined : "it takes root and chattr"),
        async () => {
            await open();
            const claims = join(host.state, "claims");
            fs.mkdirSync(claims, { recursive: true });
            execFileSync(chattr!, ["+i", claims]);
            try {
                expect(await refused(a)).toMatch(
                    /The deployment cannot begin, since nothing can be written in .*: .*\[ZH-LOCK-NOT-WRITTEN\]/,
                );
            } finally {
                execFileSync(chattr!, ["-i", claims]);
            }
        },
    );

    it.each(["../real/config.json", "config-2.json"])(
        "a config that is a link to %s, with the path of the file",
        async (to) => {
            await open();
            const file = join(host.configFolder, to);
            fs.mkdirSync(join(file, ".."), { recursive: true });
            fs.renameSync(host.configFile, file);
            fs.symlinkSync(to, host.configFile);
            expect(await refused(a)).toContain(
                `${host.configFile} is a symbolic link, which the deployment would replace; ` +
                    `set zot.configFile to the file itself (${fs.realpathSync(file)}). [ZH-CONFIG-LINK]`,
            );
        },
    );

    it("an address that is another one: an empty one is all of them, and localhost is loopback", async () => {
        const at = (address: string) => open({ http: { address, port: `${host.port}` } });
        await at("");
        expect(await refused(a)).toContain(
            "would remove: http.address (all addresses there, 127.0.0.1 by the settings). Put",
        );
        expect(await host.deploy(host.declare("a", { zot: { address: "0.0.0.0" } }))).toMatchObject({ exitCode: 0 });
        await at("localhost");
        expect(await host.deploy(a)).toMatchObject({ exitCode: 0, output: "deployed\n", errors: "" });
    });

    it("a binary that is not of this machine", async () => {
        await open();
        const binary = join(host.folder, "zot-of-another");
        fs.writeFileSync(binary, "#!/no/such/loader\n", { mode: 0o755 });
        expect(await refused(host.declare("a", { zot: { binary } }))).toMatch(
            /zot-of-another cannot be run as the user \S+ \(.*not found.*\); install the one for this machine \(\w+ \w+\), and let this user run it\. \[ZH-BINARY-FAILS\]/,
        );
    });

    it("a storage that is another folder, and not the same one by another name", async () => {
        const withStorage = (rootDirectory: string) => open({ storage: { rootDirectory } });
        await withStorage(join(host.folder, "other"));
        expect(await refused(a)).toContain(
            `would remove: storage.rootDirectory (${join(host.folder, "other")} there, ${host.images} by the settings). Put`,
        );
        for (const name of [`${host.images}/`, `${host.folder}/./bin/../images`]) {
            await withStorage(name);
            expect(await host.deploy(a)).toMatchObject({ exitCode: 0, output: "deployed\n", errors: "" });
        }
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
        expect(await host.deploy(host.declare("a", {}, { zot: { dropSettings: ["storage.dedupe"] } }))).toMatchObject({
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
            ": http.accessControl.repositories.tools/**; extensions.sync.registries[0] (https://quay.invalid); " +
                "extensions.sync.registries[2].maxRetries; extensions.sync.registries[2].retryDelay. Put",
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
        expect(await host.deploy(acknowledged)).toMatchObject({ exitCode: 0 });
    });

    it("they may all go by one word", async () => {
        await open({ extensions: { scrub: { enable: true, interval: "24h" } } });
        expect(await host.deploy(host.declare("a", {}, { zot: { dropSettings: ["*"] } }))).toMatchObject({
            exitCode: 0,
        });
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
            const deployed = host.declare("a", {}, push);
            return { ...deployed, payload: deployed.payload.replace(/^(binary=).*$/m, `$1${otherVersion(commit)}`) };
        };
        const old = await refused(withVersion("v2.1.18-0-gabcdef0"));
        expect(old).toContain(
            "is version v2.1.18-0-gabcdef0. [ZH-VERSION-OLD] Before zot 2.1.19 whoever may push can move an " +
                "existing tag",
        );
        expect(old).toContain('set zot.acceptVersion to "v2.1.18-0-gabcdef0"');
        expect(await refused(withVersion(undefined))).toContain("does not report its version. [ZH-VERSION-UNSAID]");
        expect(await refused(withVersion("my-branch-12", { zot: { acceptVersion: "my-branch-11" } }))).toContain(
            'set zot.acceptVersion to "my-branch-12"',
        );
        const [, hash] =
            /set zot\.acceptVersion to "(sha256:[0-9a-f]{64})"/.exec(await refused(withVersion(undefined))) ?? [];
        expect(await host.deploy(withVersion(undefined, { zot: { acceptVersion: hash } }))).toMatchObject({
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
                await host.deploy({
                    ...elsewhere,
                    payload: elsewhere.payload.replace(/^(configFile=).*$/m, "$1/no/such/folder/config.json"),
                })
            ).errors,
        ).toContain("make sure that the folder of zot.configFile exists");
        fs.renameSync(host.configFile, join(host.folder, "real.json"));
        fs.symlinkSync(join(host.folder, "real.json"), host.configFile);
        expect(await refused(a)).toContain(
            "is a symbolic link, which the deployment would replace; " +
                `set zot.configFile to the file itself (${host.folder}/real.json)`,
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
