/** zot's config as rendered, whole, and what zot.extraConfig may not do to it. */
import * as path from "node:path";
import { declaredState } from "../../components/declaredState";
import { SettingsError } from "../../components/settings";
import { settingsFromStackFile } from "../../components/settings/fromStackFile";
import { configText, loginCallbackUrl, readOnlyConfig, secretFiles, type ZotConfig } from "../../components/zotConfig";
import { rawSettings, siteSettings } from "../support/settings";

type Changes = Record<string, Record<string, unknown>>;

function refusals(extraConfig: object, changes: Changes = {}): string[] {
    try {
        declaredState(rawSettings({ ...changes, zot: { ...changes.zot, extraConfig } }));
        return [];
    } catch (error) {
        if (!(error instanceof SettingsError)) throw error;
        return error.mistakes.map((mistake) => mistake.message.replace(/^zot\.extraConfig: /, ""));
    }
}

const rendered = (extraConfig: object = {}, changes: Changes = {}) =>
    siteSettings({ ...changes, zot: { ...changes.zot, extraConfig } }).zotConfig() as Record<string, any>;

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
            "storage.storageDriver keeps images elsewhere, and zot cannot search those for vulnerabilities; set zot.vulnerabilityUpdateInterval to off.",
        ]);
        expect(
            refusals(extraConfig, {
                zot: { vulnerabilityUpdateInterval: "off", mirrors: [{ url: "https://ghcr.io", prefix: "ghcr.io" }] },
            }),
        ).toEqual([
            "storage.storageDriver keeps images elsewhere, and pull-through caches need extensions.sync.downloadDir then; add it.",
        ]);
    });
});

describe("zot.extraConfig is refused", () => {
    const elsewhere = "change the setting that decides it, and leave it out here.";
    const shared =
        "its users get the rights, the remembered groups and the keys of whoever has the same name in Authentik.";
    const shown =
        "but zot's config and the stack's outputs show it; leave it out, and give it to zot by a credentials file or in zot's environment.";

    test.each<[title: string, extraConfig: object, sentences: string[]]>([
        // What zot 2.1.20 does not read as it is written.
        [
            "with null",
            { log: { output: null } },
            ["log.output is null, which zot takes for absent; remove it, or give it a value."],
        ],
        [
            "with null in a list",
            { storage: { retention: { policies: [null] } } },
            ["storage.retention.policies[0] is null, which zot takes for absent; remove it, or give it a value."],
        ],
        [
            "with an empty map",
            { extensions: { Scrub: {} } },
            ["extensions.Scrub is an empty map, which zot lets pass whatever its name is; remove it, or fill it."],
        ],
        [
            "with a path as a key",
            { "http::auth::apikey": true },
            ['["http::auth::apikey"] has "::" in its key, which zot takes for a path; nest the maps instead.'],
        ],
        [
            "with a path as a key in a list",
            { storage: { retention: { policies: [{ "keep::tags": 1 }] } } },
            [
                'storage.retention.policies[0]["keep::tags"] has "::" in its key, which zot takes for a path; nest the maps instead.',
            ],
        ],
        [
            "with a key twice but for case",
            { log: { audit: "/a", Audit: "/b" } },
            ["log.Audit and audit are the same key to zot, which does not regard case; keep one."],
        ],
        [
            "with a letter that is another's small one",
            { http: { acceſſControl: { adminPolicy: { users: ["bob"], actions: ["delete"] } } } },
            ['http["acceſſControl"] is no key of zot\'s; write keys in ASCII, without spaces.'],
        ],
        [
            "with a key of JavaScript's",
            JSON.parse('{"log":{"__proto__":{"level":"debug"}}}') as object,
            ["log.__proto__ is no key of zot's; write keys in ASCII, without spaces."],
        ],

        // What others decide.
        [
            "with another external URL",
            { http: { externalUrl: "http://registry.example.org" } },
            [
                `http.externalUrl is "http://registry.example.org" there and "https://registry.example.org" by the other settings; ${elsewhere}`,
            ],
        ],
        [
            "with another external URL in another case",
            { Http: { ExternalURL: "http://registry.example.org" } },
            [
                `Http.ExternalURL is "http://registry.example.org" there and "https://registry.example.org" by the other settings; ${elsewhere}`,
            ],
        ],
        [
            "with another issuer",
            { http: { auth: { openid: { providers: { oidc: { issuer: "https://authentik.example.org" } } } } } },
            [
                `http.auth.openid.providers.oidc.issuer is "https://authentik.example.org" there and "https://authentik.example.org/application/o/zot/" by the other settings; ${elsewhere}`,
            ],
        ],
        [
            "with another claim for the name",
            { http: { auth: { openid: { providers: { oidc: { claimMapping: { username: "email" } } } } } } },
            [
                `http.auth.openid.providers.oidc.claimMapping.username is "email" there and "preferred_username" by the other settings; ${elsewhere}`,
            ],
        ],
        [
            "with one scope in place of a list",
            { http: { auth: { openid: { providers: { oidc: { scopes: "openid" } } } } } },
            [`http.auth.openid.providers.oidc.scopes is "openid" there and a list by the other settings; ${elsewhere}`],
        ],
        [
            "without API keys",
            { http: { auth: { apikey: false } } },
            [`http.auth.apikey is false there and true by the other settings; ${elsewhere}`],
        ],
        [
            "with cookies that are not secure",
            { http: { auth: { secureSession: false } } },
            [`http.auth.secureSession is false there and true by the other settings; ${elsewhere}`],
        ],
        [
            "with a list in place of a map",
            { http: [{ port: "1" }] },
            [`http is a list there and a map by the other settings; ${elsewhere}`],
        ],
        [
            "with session keys",
            { http: { auth: { sessionKeysFile: "/a.json", sessionDriver: { name: "redis" } } } },
            [
                "http.auth.sessionKeysFile cannot be set: the session keys are made here, and with http.auth.sessionDriver there are none.",
            ],
        ],
        [
            "with bearer tokens",
            { http: { auth: { bearer: { oidc: [{ issuer: "https://a.example", audiences: ["zot"] }] } } } },
            [
                "http.auth.bearer cannot be set: it takes the place of every other login: anonymous pulls, OpenID Connect and API keys would all stop.",
            ],
        ],
        [
            "with a directory",
            { http: { auth: { LDAP: { address: "ldap.example.org" } } } },
            [`http.auth.LDAP cannot be set: ${shared}`],
        ],
        [
            "with a password file",
            { http: { Auth: { HTPasswd: { path: "/etc/zot/htpasswd" } } } },
            [`http.Auth.HTPasswd cannot be set: ${shared}`],
        ],
        [
            "with client certificates",
            { HTTP: { TLS: { cert: "/a.pem", key: "/a.key", CACert: "/ca.pem" } } },
            [`HTTP.TLS.CACert cannot be set: ${shared}`],
        ],
        [
            "with names from client certificates",
            { http: { auth: { mTLS: { identityAttributes: ["CommonName"] } } } },
            [`http.auth.mTLS cannot be set: ${shared}`],
        ],
        [
            "with a kind of login that is not known",
            { http: { auth: { saml: { metadata: "/a.xml" } } } },
            ["http.auth.saml cannot be set: this program does not know it, and it may be another login."],
        ],
        [
            "with other providers",
            { http: { auth: { openid: { providers: { GitHub: { clientid: "a" }, google: { name: "Google" } } } } } },
            [
                `http.auth.openid.providers.GitHub cannot be set: ${shared}`,
                `http.auth.openid.providers.google cannot be set: ${shared}`,
            ],
        ],
        [
            "with an administrator of zot",
            { http: { accessControl: { adminPolicy: { groups: ["admins"], users: ["bob"], actions: ["read"] } } } },
            [
                "the user bob would be zot's administrator by adminPolicy, whatever its actions; only the group admins may be, so give the rights by a rule for the repositories.",
            ],
        ],
        [
            "with a group of administrators of zot",
            {
                http: {
                    accessControl: {
                        AdminPolicy: {
                            Groups: ["developers"],
                            actions: ["read"],
                            conditions: [{ expression: "false", message: "no" }],
                        },
                    },
                },
            },
            [
                "the group developers would be zot's administrator by adminPolicy, whatever its actions; only the group admins may be, so give the rights by a rule for the repositories.",
            ],
        ],
        [
            "with members of groups",
            { http: { accessControl: { Groups: { admins: { users: ["bob"] } } } } },
            ["http.accessControl.groups cannot be set: Authentik decides who is in a group."],
        ],
        [
            "with readers of the metrics",
            { http: { accessControl: { metrics: { users: [""] } } } },
            [
                "http.accessControl.metrics cannot be set: zot.metrics and zot.metricsUsers decide who may read the metrics.",
            ],
        ],

        // Secrets.
        [
            "with a client secret",
            { http: { auth: { openid: { providers: { oidc: { ClientSecret: "canary" } } } } } },
            [`http.auth.openid.providers.oidc.ClientSecret is a secret, ${shown}`],
        ],
        [
            "with a key of storage",
            { storage: { subPaths: { "/a": { storageDriver: { name: "s3", secretkey: "canary" } } } } },
            [`storage.subPaths["/a"].storageDriver.secretkey is a secret, ${shown}`],
        ],
        [
            "with a session token",
            { storage: { subPaths: { "/a": { storageDriver: { name: "s3", SessionToken: "canary" } } } } },
            [`storage.subPaths["/a"].storageDriver.SessionToken is a secret, ${shown}`],
        ],
        [
            "with a cloud's key",
            { storage: { subPaths: { "/a": { storageDriver: { name: "s3", accesskey: "canary" } } } } },
            [`storage.subPaths["/a"].storageDriver.accesskey is a secret, ${shown}`],
        ],
        [
            "with the key of a service account",
            {
                storage: {
                    subPaths: {
                        "/a": {
                            storageDriver: { name: "gcs", credentials: { client_email: "a", private_key: "canary" } },
                        },
                    },
                },
            },
            [`storage.subPaths["/a"].storageDriver.credentials.private_key is a secret, ${shown}`],
        ],
        [
            "with a webhook's header",
            {
                extensions: {
                    events: {
                        sinks: [{ type: "http", headers: { "X-Hook": "canary", "Content-Type": "application/json" } }],
                    },
                },
            },
            [`extensions.events.sinks[0].headers["X-Hook"] is a secret, ${shown}`],
        ],
        [
            "with a number for a password",
            { storage: { cacheDriver: { name: "redis", sentinel_password: 12345 } } },
            [`storage.cacheDriver.sentinel_password is a secret, ${shown}`],
        ],
        [
            "with passwords in a list",
            { storage: { cacheDriver: { name: "redis", password: ["canary"] } } },
            [`storage.cacheDriver.password is a secret, ${shown}`],
        ],
        [
            "with a password in a URL",
            { storage: { cacheDriver: { name: "redis", url: "redis://:canary@h:6379" } } },
            [`storage.cacheDriver.url holds a URL with a user name, a password or a token before its host, ${shown}`],
        ],
        [
            "with a token before the host of a URL",
            { extensions: { events: { sinks: [{ type: "http", proxy: "http://canary@proxy.example" }] } } },
            [
                `extensions.events.sinks[0].proxy holds a URL with a user name, a password or a token before its host, ${shown}`,
            ],
        ],
        [
            "with a token among a URL's parameters",
            {
                extensions: {
                    events: { sinks: [{ type: "http", address: "https://a.example/hook?access_token=canary" }] },
                },
            },
            [`extensions.events.sinks[0].address holds a URL with a secret among its parameters, ${shown}`],
        ],
        [
            "with a webhook that is a secret",
            {
                extensions: {
                    events: { sinks: [{ type: "http", address: "https://hooks.slack.com/services/T0/B0/canary" }] },
                },
            },
            [`extensions.events.sinks[0].address holds a webhook with its secret, ${shown}`],
        ],
        [
            "with the hash key of a cluster",
            { cluster: { members: ["h1:1", "h2:1"], HashKey: "canary-canary-ca" } },
            [
                "cluster.HashKey is a secret, but zot's config and the stack's outputs show it, and zot takes it from nowhere else; leave cluster out: instances that share their storage and a cache in redis or DynamoDB need none.",
            ],
        ],
    ])("%s", (_title, extraConfig, sentences) => {
        expect(refusals(extraConfig)).toEqual(sentences);
        expect(JSON.stringify(sentences)).not.toContain("canary");
    });

    const readable = { anonymousPolicy: ["read"], defaultPolicy: ["read"] };
    const admins = { groups: ["admins"], actions: ["read", "create", "delete"] };
    const team = (rule: unknown) => ({ http: { accessControl: { repositories: { "team/**": rule } } } });
    const where = 'http.accessControl.repositories["team/**"]';
    const lockedOut = [
        'anonymous readers are locked out on "team/**".',
        'the group admins is locked out of read, create, delete on "team/**".',
    ];
    const only = "; only the group admins may delete, and update only with access.adminsMayUpdate.";

    test.each<[title: string, extraConfig: object, sentences: string[]]>([
        [
            "a misspelt action",
            team({ ...readable, policies: [admins, { groups: ["a"], actions: ["craete"] }] }),
            [
                `${where}.policies[1].actions[0] is "craete", which zot would pass over; give one of read, create, update, delete.`,
            ],
        ],
        [
            "a docker verb",
            team({ ...readable, policies: [admins, { groups: ["a"], actions: ["read", "push"] }] }),
            [
                `${where}.policies[1].actions[1] is "push", which zot would pass over; give one of read, create, update, delete.`,
            ],
        ],
        [
            "an action with a capital",
            team({ ...readable, anonymousPolicy: ["read", "Create"], policies: [admins] }),
            [
                `${where}.anonymousPolicy[1] is "Create", which zot would pass over; give one of read, create, update, delete.`,
            ],
        ],
        [
            "an empty list of actions",
            team({ ...readable, policies: [admins, { groups: ["a"], actions: [] }] }),
            [`${where}.policies[1] has no actions, and has no effect.`],
        ],
        [
            "an empty list of groups",
            team({ ...readable, policies: [admins, { groups: [], actions: ["read"] }] }),
            [`${where}.policies[1] names no user and no group, and has no effect.`],
        ],
        [
            "no subject",
            team({ ...readable, policies: [admins, { actions: ["read"] }] }),
            [`${where}.policies[1] names no user and no group, and has no effect.`],
        ],
        [
            "an empty group",
            team({ ...readable, policies: [admins, { groups: [""], actions: ["read"] }] }),
            [
                `${where}.policies[1].groups[0] is "", which is no name; zot takes an empty one for anonymous.`,
                `${where}.policies[1] names no user and no group, and has no effect.`,
            ],
        ],
        [
            "an empty user, which is anonymous",
            team({ ...readable, policies: [admins, { users: ["bob", ""], actions: ["create"] }] }),
            [`${where}.policies[1].users[1] is "", which is no name; zot takes an empty one for anonymous.`],
        ],
        [
            "a number for a name",
            team({ ...readable, policies: [admins, { users: ["bob", 5], actions: ["create"] }] }),
            [`${where}.policies[1].users[1] is 5, which is no name; zot takes an empty one for anonymous.`],
        ],
        [
            "one value for a list",
            team({ anonymousPolicy: "read", defaultPolicy: ["read"], policies: [admins] }),
            [
                `${where}.anonymousPolicy is "read" and has to be a list.`,
                'anonymous readers are locked out on "team/**".',
            ],
        ],
        [
            "a map for a list",
            team({ ...readable, policies: { users: ["bob"], actions: ["delete"] } }),
            [
                `${where}.policies is {"users":["bob"],"actions":["delete"]} and has to be a list.`,
                'the group admins is locked out of create, delete on "team/**".',
            ],
        ],
        [
            "an unknown key",
            team({ ...readable, policies: [admins], defaultPolcy: ["read"] }),
            [`${where}.defaultPolcy is not a key of zot's there; there are anonymousPolicy, defaultPolicy, policies.`],
        ],
        [
            "an empty rule",
            team({}),
            [
                `${where} is an empty map, which zot lets pass whatever its name is; remove it, or fill it.`,
                ...lockedOut,
            ],
        ],
        [
            "a rule that is a list",
            team([readable]),
            [`${where} is [{"anonymousPolicy":["read"],"defaultPolicy":["read"]}] and has to be a map.`, ...lockedOut],
        ],
        [
            "a rule without anonymous readers and admins",
            team({ policies: [{ groups: ["a"], actions: ["read"] }] }),
            lockedOut,
        ],
        [
            "a rule that takes reading from who logs in",
            team({ anonymousPolicy: ["read"], policies: [admins] }),
            ['who logs in loses read on "team/**", which anonymous readers have.'],
        ],
        [
            "admins only under a condition",
            team({
                ...readable,
                policies: [{ ...admins, conditions: [{ expression: "req.tls.enabled", message: "TLS only" }] }],
            }),
            ['the group admins is locked out of create, delete on "team/**".'],
        ],
        [
            "a user who deletes",
            team({ ...readable, policies: [admins, { users: ["bob"], actions: ["delete"] }] }),
            [`the user bob may delete on "team/**"${only}`],
        ],
        [
            "CI that overwrites latest",
            {
                http: {
                    accessControl: {
                        repositories: {
                            "**": {
                                policies: [
                                    {
                                        groups: ["artifact-workloads"],
                                        actions: ["update"],
                                        conditions: [{ expression: 'req.tag == "latest"', message: "no" }],
                                    },
                                ],
                            },
                        },
                    },
                },
            },
            [`the group artifact-workloads may update on "**"${only}`],
        ],
        [
            "anyone who pushes",
            { http: { AccessControl: { Repositories: { "**": { AnonymousPolicy: ["create"] } } } } },
            [
                'anyone without a login may create on "**".',
                'who logs in loses create on "**", which anonymous readers have.',
            ],
        ],
        [
            "everyone logged in who deletes",
            { http: { accessControl: { repositories: { "**": { defaultPolicy: ["delete"] } } } } },
            ['everyone who is logged in may delete on "**".'],
        ],
        [
            "an admin policy for a user",
            { http: { accessControl: { ADMINPOLICY: { users: ["bob"], actions: ["delete"] } } } },
            [
                `the user bob may delete everywhere, by adminPolicy${only}`,
                "the user bob would be zot's administrator by adminPolicy, whatever its actions; only the group admins may be, so give the rights by a rule for the repositories.",
            ],
        ],
        [
            "an admin policy in a list",
            { http: { accessControl: { adminPolicy: [{ users: ["bob"], actions: ["delete"] }] } } },
            [
                'http.accessControl.adminPolicy is [{"users":["bob"],"actions":["delete"]}] and has to be a map.',
                "http.accessControl.adminPolicy has no actions, and has no effect.",
                "http.accessControl.adminPolicy names no user and no group, and has no effect.",
            ],
        ],
        [
            "a pattern with capitals",
            { http: { accessControl: { repositories: { "Team/**": { ...readable, policies: [admins] } } } } },
            ['the pattern "Team/**" is not allowed because it has capitals, which zot turns into small letters.'],
        ],
        [
            "a pattern with braces",
            { http: { accessControl: { repositories: { "{a,b}/**": { ...readable, policies: [admins] } } } } },
            ['the pattern "{a,b}/**" is not allowed because it has "{", which a repository\'s name cannot hold.'],
        ],
        [
            "repositories that are a list",
            { http: { accessControl: { repositories: [{ "**": readable }] } } },
            [`http.accessControl.repositories is a list there and a map by the other settings; ${elsewhere}`],
        ],
        [
            "access control that is null",
            { http: { accessControl: null } },
            ["http.accessControl is null, which zot takes for absent; remove it, or give it a value."],
        ],
    ])("as access control with %s", (_title, extraConfig, sentences) => {
        expect(refusals(extraConfig)).toEqual(sentences);
    });

    const cache =
        "in place of upstream's images; declare the cache in zot.mirrors, or set access.ciMayPushToMirrors to true.";

    test.each<[title: string, registries: unknown, sentences: string[]]>([
        [
            "under a prefix",
            [{ urls: ["https://a.example"], content: [{ prefix: "**", destination: "/mirror/" }] }],
            [`by the rule for "**" CI could push into the pull-through cache "mirror/**", ${cache}`],
        ],
        [
            "at the root",
            [{ urls: ["https://a.example"], onDemand: true }],
            [`by the rule for "**" CI could push into the pull-through cache "**", ${cache}`],
        ],
        [
            "by its own names",
            [{ urls: ["https://a.example"], content: [{ prefix: "/library/**" }] }],
            [`by the rule for "**" CI could push into the pull-through cache "library/**", ${cache}`],
        ],
        [
            "without its prefix",
            [{ urls: ["https://a.example"], content: [{ prefix: "library/**", stripPrefix: true }] }],
            [`by the rule for "**" CI could push into the pull-through cache "**", ${cache}`],
        ],
        [
            "whose names take more than a pattern",
            [{ urls: ["https://a.example"], content: [{ prefix: "{library,team}/**" }] }],
            [`by the rule for "**" CI could push into the pull-through cache "**", ${cache}`],
        ],
        ["that is no list", { urls: ["https://a.example"] }, ["extensions.sync.registries has to be a list."]],
        [
            "whose content is no list",
            [{ urls: ["https://a.example"], content: { prefix: "**" } }],
            [
                "extensions.sync.registries[0].content has to be a list.",
                `by the rule for "**" CI could push into the pull-through cache "**", ${cache}`,
            ],
        ],
    ])("as a cache %s", (_title, registries, sentences) => {
        expect(refusals({ Extensions: { SYNC: { Registries: registries } } })).toEqual(sentences);
    });

    test("not as a cache where CI does not push", () => {
        const registries = [{ urls: ["https://a.example"], content: [{ prefix: "**", destination: "/mirror" }] }];
        expect(refusals({ extensions: { sync: { registries } } }, { access: { ciRepositories: ["team/**"] } })).toEqual(
            [],
        );
        expect(refusals({ extensions: { sync: { registries } } }, { access: { ciMayPushToMirrors: true } })).toEqual(
            [],
        );
        const ownRule = {
            http: { accessControl: { repositories: { "mirror/**": { ...readable, policies: [admins] } } } },
        };
        expect(refusals({ extensions: { sync: { registries } }, ...ownRule })).toEqual([]);
    });

    test("as an admin policy that lets CI into a cache", () => {
        const extraConfig = {
            http: { accessControl: { adminPolicy: { groups: ["artifact-workloads"], actions: ["create"] } } },
        };
        expect(refusals(extraConfig, { zot: { mirrors: [{ url: "https://ghcr.io", prefix: "ghcr.io" }] } })).toEqual([
            "the group artifact-workloads would be zot's administrator by adminPolicy, whatever its actions; only the group admins may be, so give the rights by a rule for the repositories.",
            `by adminPolicy CI could push into the pull-through cache "ghcr.io/**", ${cache}`,
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
