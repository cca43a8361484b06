/** zot's config as rendered, whole, and what zot.extraConfig may not do to it. */
import * as path from "node:path";
import { declaredState } from "../../components/declaredState";
import { settingsFromStackFile } from "../../components/settings/fromStackFile";
import { configText, loginCallbackUrl, readOnlyConfig, secretFiles, type ZotConfig } from "../../components/zotConfig";
import { settingsOfConfig } from "../../components/zotConfig/settingsOfConfig";
import { refusals, rendered } from "../support/extraConfig";
import { siteSettings } from "../support/settings";

describe.each(["prod", "demo"])("the stack %s", (stack) => {
    const { zotConfig, settings } = declaredState(settingsFromStackFile(path.resolve(__dirname, "../.."), stack));

    test("zot's config, whole", () => {
        expect(configText(zotConfig())).toMatchSnapshot();
    });

    test("the read-only config, whole", () => {
        expect(configText(readOnlyConfig(settings))).toMatchSnapshot();
    });
});

describe("the config", () => {
    test("listens on an address of IPv6 as zot 2.1.20 takes it, which puts address and port together as they are", () => {
        for (const [address, written] of [
            ["::1", "[::1]"],
            ["::", "[::]"],
            ["0.0.0.0", "0.0.0.0"],
        ])
            expect(siteSettings({ zot: { address } }).zotConfig()).toMatchObject({ http: { address: written } });
        for (const address of ["[::1]", "::1"])
            expect(settingsOfConfig({ http: { address } }).settings.get("zot.address")).toBe("::1");
        // zot 2.1.20 listens on all addresses where it is empty, and on loopback where it is left out.
        expect(settingsOfConfig({ http: { address: "" } }).settings.get("zot.address")).toBe("::");
        expect(settingsOfConfig({ http: {} }).settings.has("zot.address")).toBe(false);
    });

    test("names the secret files and holds no secret", () => {
        const { settings, zotConfig } = siteSettings();
        const files = secretFiles(settings, { credentials: "aa", sessionKeys: "bb" });
        expect(files).toEqual({
            credentials: "/etc/zot/oidc-credentials.aa.json",
            sessionKeys: "/etc/zot/session-keys.bb.json",
        });
        const { auth } = (zotConfig(files) as any).http;
        expect([auth.openid.providers.oidc.credentialsFile, auth.sessionKeysFile]).toEqual([
            files.credentials,
            files.sessionKeys,
        ]);
        expect(configText(zotConfig(files))).not.toMatch(/clientsecret|canary/i);
    });

    test("marks cookies as secure behind a proxy that ends TLS, and not on plain loopback", () => {
        expect(rendered().http.auth.secureSession).toBe(true);
        expect(rendered({}, { registry: { url: "http://127.0.0.1:5000" } }).http.auth).not.toHaveProperty(
            "secureSession",
        );
    });

    test("asks Authentik for what names users and groups, and comes back to one URL", () => {
        const { oidc } = rendered().http.auth.openid.providers;
        expect(oidc).toMatchObject({
            issuer: "https://authentik.example.org/application/o/zot/",
            scopes: ["openid", "email", "profile"],
            claimMapping: { username: "preferred_username", groups: "groups" },
        });
        expect(loginCallbackUrl(siteSettings().settings)).toBe("https://registry.example.org/zot/auth/callback/oidc");
    });

    test.each<[string, Record<string, unknown>, unknown, unknown]>([
        [
            "anonymous",
            { metrics: "anonymous" },
            { anonymousPolicy: ["read"] },
            { enable: true, prometheus: { path: "/metrics" } },
        ],
        [
            "users",
            { metrics: "users", metricsUsers: ["grafana"], metricsPath: "/stats" },
            { users: ["grafana"] },
            { enable: true, prometheus: { path: "/stats" } },
        ],
        ["off", {}, undefined, undefined],
    ])("metrics: %s", (_title, zot, readers, extension) => {
        const config = rendered({}, { zot });
        expect([config.http.accessControl.metrics, config.extensions.metrics]).toEqual([readers, extension]);
    });

    test("search, vulnerabilities and the web interface are on by default, each with its own setting", () => {
        expect(rendered().extensions).toEqual({
            search: { enable: true, cve: { updateInterval: "24h" } },
            ui: { enable: true },
        });
        expect(rendered({}, { zot: { vulnerabilityUpdateInterval: "off", userInterface: false } }).extensions).toEqual({
            search: { enable: true },
        });
        expect(rendered({}, { zot: { search: false, userInterface: false } }).extensions).toEqual({});
    });

    test("a cache is filled under its prefix only, over checked TLS", () => {
        const mirrors = [
            { url: "https://registry-1.docker.io", prefix: "docker.io" },
            { url: "https://ghcr.io", prefix: "ghcr.io", content: "team/**" },
        ];
        expect(rendered({}, { zot: { mirrors } }).extensions.sync).toEqual({
            enable: true,
            registries: [
                {
                    urls: ["https://registry-1.docker.io"],
                    onDemand: true,
                    tlsVerify: true,
                    content: [{ prefix: "**", destination: "/docker.io" }],
                },
                {
                    urls: ["https://ghcr.io"],
                    onDemand: true,
                    tlsVerify: true,
                    content: [{ prefix: "team/**", destination: "/ghcr.io" }],
                },
            ],
        });
    });

    test("has its lists in the order of the settings, so that the same settings are the same text", () => {
        const once = configText(rendered() as ZotConfig);
        expect(configText(rendered() as ZotConfig)).toBe(once);
        expect(once.endsWith("}\n")).toBe(true);
    });
});

describe("zot.extraConfig", () => {
    test("is merged in deep, whatever the case of its keys", () => {
        const config = rendered({
            HTTP: {
                TLS: { cert: "/etc/zot/cert.pem", key: "/etc/zot/key.pem" },
                RateLimit: { rate: 100 },
                auth: { openID: { PROVIDERS: { oidc: { Scopes: ["groups"] } } }, failDelay: 5 },
            },
            Storage: {
                retention: {
                    delay: "24h",
                    policies: [{ repositories: ["**"], keepTags: [{ patterns: [".*"], mostRecentlyPushedCount: 10 }] }],
                },
                gcdelay: "1h",
            },
            extensions: { sync: { credentialsFile: "/etc/zot/sync.json" }, scrub: { interval: "24h" } },
            log: { audit: "/var/log/zot/audit.log" },
        });
        // hostPayload looks for http.tls.
        expect(config.http.tls).toEqual({ cert: "/etc/zot/cert.pem", key: "/etc/zot/key.pem" });
        expect(config.http.RateLimit).toEqual({ rate: 100 });
        expect(config.http.auth.openid.providers.oidc.scopes).toEqual(["openid", "email", "profile", "groups"]);
        expect(config.storage).toMatchObject({ gcDelay: "1h", retention: { delay: "24h" } });
        expect(config.extensions).toMatchObject({
            search: { enable: true },
            sync: { credentialsFile: "/etc/zot/sync.json" },
            scrub: { interval: "24h" },
        });
        expect(config.log).toEqual({ level: "info", audit: "/var/log/zot/audit.log" });
        expect(Object.keys(config)).toEqual(["distSpecVersion", "storage", "http", "log", "extensions"]);
    });

    test("may add to access control what leaves the tiers whole", () => {
        const admins = { groups: ["admins"], actions: ["read", "create", "delete", "detectManifestCollision"] };
        const developers = {
            groups: ["developers"],
            actions: ["read", "create"],
            conditions: [{ expression: 'req.tag != "latest"', message: "latest is CI's" }],
        };
        const config = rendered({
            http: {
                accessControl: {
                    repositories: {
                        "team/**": {
                            anonymousPolicy: ["read"],
                            defaultPolicy: ["read"],
                            policies: [admins, developers],
                        },
                    },
                    adminPolicy: { groups: ["admins"], actions: ["read"] },
                },
            },
        });
        expect(config.http.accessControl.repositories["team/**"].policies).toEqual([admins, developers]);
        expect(config.http.accessControl.repositories["**"].policies).toHaveLength(2);
    });

    test("with sessions in redis, has no session keys", () => {
        const { auth } = rendered({
            http: { auth: { sessionDriver: { name: "redis", url: "redis://h:6379", keyprefix: "zotsession" } } },
        }).http;
        expect(auth).not.toHaveProperty("sessionKeysFile");
    });

    test("carries a site on several instances", () => {
        const extraConfig = {
            storage: {
                dedupe: false,
                remoteCache: true,
                cacheDriver: { name: "redis", url: "redis://h:6379", keyprefix: "zot" },
                storageDriver: { name: "s3", rootdirectory: "/zot", region: "us-east-1", bucket: "zot" },
            },
            http: { auth: { sessionDriver: { name: "redis", url: "redis://h:6379", keyprefix: "zotsession" } } },
        };
        expect(refusals(extraConfig, { zot: { vulnerabilityUpdateInterval: "off" } })).toEqual([]);
        expect(refusals(extraConfig)).toEqual([
            "images are not stored on the host, and zot cannot scan them there for vulnerabilities; " +
                "set zot.vulnerabilityUpdateInterval to off.",
        ]);
        expect(
            refusals(extraConfig, {
                zot: { vulnerabilityUpdateInterval: "off", mirrors: [{ url: "https://ghcr.io", prefix: "ghcr.io" }] },
            }),
        ).toEqual([
            "images are not stored on the host, so pull-through caches need a folder on the host for downloads; " +
                "add it to zot.extraConfig: extensions.sync.downloadDir.",
        ]);
    });
});

describe("the read-only config", () => {
    const readOnly = (zot: Record<string, unknown> = {}) =>
        readOnlyConfig(siteSettings({ zot }).settings) as Record<string, any>;

    test("needs no identity provider and no secret, lets anyone read and nobody write", () => {
        expect(readOnly().http).toEqual({
            address: "127.0.0.1",
            port: "5000",
            readTimeout: "1h",
            writeTimeout: "1h",
            realm: "zot",
            externalUrl: "https://registry.example.org",
            // Without it, what zot keeps for its administrators would be anyone's.
            auth: { apikey: true },
            accessControl: { repositories: { "**": { anonymousPolicy: ["read"], defaultPolicy: ["read"] } } },
        });
    });

    test("serves the same images, and keeps what the site adds but for logins and rights", () => {
        const extraConfig = {
            HTTP: {
                tls: { cert: "/c", key: "/k" },
                Auth: { failDelay: 5 },
                AccessControl: { adminPolicy: { groups: ["admins"], actions: ["read"] } },
            },
            log: { audit: "/a" },
        };
        const { storage, http, log } = readOnly({ extraConfig });
        expect(storage.rootDirectory).toBe("/var/lib/zot");
        expect(http).toMatchObject({
            tls: { cert: "/c", key: "/k" },
            accessControl: { repositories: { "**": { anonymousPolicy: ["read"] } } },
        });
        expect(http.auth).toEqual({ apikey: true });
        expect(Object.keys(http.accessControl)).toEqual(["repositories"]);
        expect(log).toEqual({ level: "info", audit: "/a" });
    });

    test("shows the metrics to whom there is without logins", () => {
        expect(readOnly({ metrics: "anonymous" }).http.accessControl.metrics).toEqual({ anonymousPolicy: ["read"] });
        const users = readOnly({ metrics: "users", metricsUsers: ["grafana"] });
        expect([users.http.accessControl.metrics, users.extensions.metrics]).toEqual([undefined, undefined]);
    });
});
