/** What a config on a host has that the settings do not declare. */
import * as fc from "fast-check";
import { type JsonMap, unmanagedParts } from "../../components/zotConfig";
import { mergeExtra } from "../../components/zotConfig/merge";
import { siteSettings } from "../support/settings";

const declared = siteSettings({ zot: { mirrors: [{ url: "https://docker.io", prefix: "docker.io" }] } });
const ours = declared.zotConfig();

test("our own config holds nothing that is not declared", () => {
    expect(unmanagedParts(ours, ours)).toEqual({
        keep: {},
        kept: [],
        different: [],
        replaced: [],
        refused: [],
        logins: [],
        accounts: [],
    });
});

test("a registry that listens on all addresses is told from one on loopback, by whatever name", () => {
    const different = (address: string, config: JsonMap) => unmanagedParts({ http: { address } }, config).different;
    const all = siteSettings({ zot: { address: "::" } }).zotConfig();
    expect(different("", ours)).toEqual([
        { path: "http.address", onHost: "", declared: "127.0.0.1", setting: "zot.address" },
    ]);
    expect([different("", all), different("localhost", ours), different("127.0.0.1", ours)]).toEqual([[], [], []]);
    expect(different("localhost", all)).toHaveLength(1);
});

test("each part is kept, told or refused", () => {
    const onHost: JsonMap = {
        Storage: {
            rootDirectory: "/srv/zot",
            dedupe: false,
            retention: { policies: [{ repositories: ["**"], keepTags: [{ mostRecentlyPushedCount: 10 }] }] },
        },
        http: {
            port: 5000,
            tls: { cert: "/etc/zot/cert.pem", key: "/etc/zot/key.pem" },
            auth: { htpasswd: { path: "/etc/zot/htpasswd" }, ldap: { address: "ldap.example.org" }, failDelay: 5 },
            accessControl: {
                repositories: {
                    "**": { anonymousPolicy: ["read", "create"] },
                    "tools/**": { defaultPolicy: ["read"] },
                },
                adminPolicy: { users: ["root"] },
            },
        },
        log: { Level: "debug", audit: "/var/log/zot-audit.log" },
        extensions: {
            scrub: {},
            lint: null,
            search: { cve: { trivy: { DBRepository: "ghcr.io/project-zot/trivy-db" } } },
            events: { sinks: [{ type: "http", password: "canary" }] },
        },
    };
    const parts = unmanagedParts(onHost, ours);
    expect(parts.keep).toEqual({
        Storage: {
            dedupe: false,
            retention: { policies: [{ repositories: ["**"], keepTags: [{ mostRecentlyPushedCount: 10 }] }] },
        },
        http: { tls: { cert: "/etc/zot/cert.pem", key: "/etc/zot/key.pem" }, auth: { failDelay: 5 } },
        log: { audit: "/var/log/zot-audit.log" },
        extensions: { search: { cve: { trivy: { DBRepository: "ghcr.io/project-zot/trivy-db" } } } },
    });
    expect(parts.different).toEqual([
        { path: "Storage.rootDirectory", onHost: "/srv/zot", declared: "/var/lib/zot", setting: "zot.rootDirectory" },
        { path: "log.Level", onHost: "debug", declared: "info", setting: "zot.logLevel" },
    ]);
    // What the rules of a pattern of ours allow is decided by access.*.
    expect(parts.replaced).toEqual([
        "http.auth.htpasswd",
        "http.auth.ldap",
        "http.accessControl.repositories.tools/**",
        "http.accessControl.adminPolicy",
    ]);
    expect(parts.refused).toEqual([
        expect.stringMatching(/^extensions\.events\.sinks\[0\]\.password is a secret, but /),
    ]);
    expect(JSON.stringify(parts)).not.toContain("canary");
});

describe("logins of a host's config", () => {
    const provider = {
        clientid: "zot",
        clientsecret: "canary",
        issuer: "https://authentik.example.org/application/o/zot/",
        scopes: ["openid"],
    };
    const claimMapping = { username: "preferred_username", groups: "groups" };

    test("end with the first deployment, whoever logs in by them is named, and none of them is taken over", () => {
        const onHost: JsonMap = {
            HTTP: {
                TLS: { cert: "/c.pem", key: "/k.pem", CACert: "/clients.pem" },
                Auth: {
                    HTPasswd: { path: "/etc/zot/htpasswd" },
                    ldap: { address: "ldap.example.org", credentialsFile: "/l.json" },
                    bearer: { realm: "zot", oidc: [{ issuer: "https://a.example" }] },
                    mtls: { identityAttributes: ["Email"] },
                    openid: {
                        providers: { github: { clientid: "a", scopes: ["user"] }, OIDC: { ...provider, claimMapping } },
                    },
                    newer: { file: "/n.json" },
                },
            },
        };
        const parts = unmanagedParts(onHost, ours);
        expect(parts.logins).toEqual([
            { path: "HTTP.Auth.HTPasswd", who: "whoever has a name and a password in /etc/zot/htpasswd" },
            { path: "HTTP.Auth.ldap", who: "whoever has an account in the directory ldap.example.org" },
            { path: "HTTP.Auth.bearer", who: "whoever holds a token that it accepts" },
            { path: "HTTP.Auth.mtls", who: "whoever holds a client certificate that zot accepts" },
            { path: "HTTP.Auth.newer", who: "whoever it lets in" },
            { path: "HTTP.Auth.openid.providers.github", who: "whoever logs in with github" },
            {
                path: "HTTP.TLS.CACert",
                who: "whoever holds a client certificate that is signed by an authority in /clients.pem",
            },
        ]);
        expect(parts.keep).toEqual({ HTTP: { TLS: { cert: "/c.pem", key: "/k.pem" } } });
        // As the deployment lists them, and zot.dropSettings names them.
        expect(parts.replaced).toEqual([
            "HTTP.TLS.CACert",
            "HTTP.Auth.HTPasswd",
            "HTTP.Auth.ldap",
            "HTTP.Auth.bearer",
            "HTTP.Auth.mtls",
            "HTTP.Auth.openid.providers.github",
            "HTTP.Auth.newer",
        ]);
        expect(parts.accounts).toHaveLength(7);
        expect(JSON.stringify(parts)).not.toContain("canary");
    });

    test.each<[title: string, oidc: JsonMap, accounts: string[]]>([
        ["of the declared provider, by the declared claim", { ...provider, claimMapping }, []],
        ["without a claim mapping", provider, ["those whose name is an e-mail address"]],
        [
            "with a mapping of the groups alone",
            { ...provider, claimMapping: { groups: "groups" } },
            ["those whose name is an e-mail address"],
        ],
        [
            "by another claim",
            { ...provider, ClaimMapping: { Username: "sub" } },
            ['those whose name is what the claim "sub" held'],
        ],
        [
            "of another issuer",
            { ...provider, issuer: "https://keycloak.example.org/realms/zot", claimMapping },
            ["those that came from another issuer, https://keycloak.example.org/realms/zot"],
        ],
    ])("whose accounts zot goes on knowing: %s", (_title, oidc, accounts) => {
        const found = unmanagedParts({ http: { auth: { openid: { providers: { oidc } } } } }, ours);
        expect(found.accounts).toEqual(accounts.map((account) => expect.stringContaining(account)));
        expect(found.logins).toEqual([]);
    });
});

/** What public guides have in their configs and what says nothing, beside what does. */
const EMPTY_VALUES: JsonMap = {
    distSpecVersion: "1.1.0",
    storage: {
        dedupe: false,
        gc: true,
        subPaths: {},
        remoteCache: false,
        storageDriver: null,
        retention: { dryRun: false, policies: [] },
    },
    http: {
        tls: { cert: "", key: "", cacert: "" },
        auth: {
            htpasswd: { path: "" },
            failDelay: 0,
            openid: {
                providers: {
                    oidc: {
                        name: "Authentik",
                        keypath: "",
                        clientid: "zot",
                        clientsecret: "x",
                        issuer: "https://auth.example.org/application/o/zot/",
                        scopes: ["openid"],
                    },
                },
            },
        },
        allowOrigin: "",
        compat: [],
        ratelimit: { rate: 0, methods: [] },
    },
    log: { level: "debug", output: "", audit: "" },
    extensions: {
        lint: { enable: false, mandatoryAnnotations: ["x"] },
        scrub: { enable: false, interval: "24h" },
        mgmt: {},
        trust: { enable: false },
        events: { enable: true },
    },
};

test("empty values, switches that are off by themselves and extensions that are off are no settings", () => {
    const { kept, replaced } = unmanagedParts(EMPTY_VALUES, ours);
    expect(kept).toEqual(["storage.dedupe", "extensions.events.enable"]);
    // The client's name and secret are in a file of ours.
    expect(replaced).toEqual([]);
    expect(
        unmanagedParts({ storage: { dedupe: true, gc: false }, http: { auth: { secureSession: false } } }, ours),
    ).toMatchObject({ kept: [], different: [{ path: "storage.gc", onHost: false, declared: true }] });
});

test("a mirror is known by its address, wherever it stands in the list", () => {
    const mirror = (url: string, more: JsonMap = {}): JsonMap => ({
        urls: [url],
        onDemand: true,
        content: [{ prefix: "**", destination: "/x" }],
        ...more,
    });
    const { keep, replaced } = unmanagedParts(
        {
            extensions: {
                sync: {
                    enable: true,
                    registries: [mirror("https://quay.io"), mirror("https://docker.io/", { maxRetries: 3 })],
                },
            },
        },
        ours,
    );
    expect(keep).toEqual({ extensions: { sync: { registries: [mirror("https://quay.io")] } } });
    expect(replaced).toEqual(["extensions.sync.registries[1].maxRetries"]);
});

test("what was kept is declared from then on", async () => {
    const leaf = fc.oneof(
        fc.boolean(),
        fc.integer(),
        fc.string({ minLength: 1 }).filter((text) => !text.includes("//")),
        fc.array(fc.string({ maxLength: 5 }), { minLength: 1, maxLength: 3 }),
    );
    const key = fc.stringMatching(/^[a-z]{3,8}$/).filter((name) => !/token|password/.test(name));
    const map = fc.dictionary(key, fc.oneof(leaf, fc.dictionary(key, leaf, { minKeys: 1, maxKeys: 3 })), {
        minKeys: 1,
        maxKeys: 4,
    });
    await fc.assert(
        fc.property(map, map, (top, http) => {
            const onHost = { ...(top as JsonMap), http: http as JsonMap };
            const found = unmanagedParts(onHost, ours);
            const again = unmanagedParts(onHost, mergeExtra(ours, found.keep).config);
            expect({ kept: again.kept, replaced: again.replaced }).toEqual({ kept: [], replaced: [] });
            expect(again.different).toEqual(found.different);
        }),
    );
});
