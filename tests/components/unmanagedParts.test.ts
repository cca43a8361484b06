/** What a config on a host has that the settings do not declare. */
import * as fc from "fast-check";
import { type JsonMap, unmanagedParts } from "../../components/zotConfig";
import { mergeExtra } from "../../components/zotConfig/merge";
import { siteSettings } from "../support/settings";

const declared = siteSettings({ zot: { mirrors: [{ url: "https://docker.io", prefix: "docker.io" }] } });
const ours = declared.zotConfig();

test("our own config holds nothing that is not declared", () => {
    expect(unmanagedParts(ours, ours)).toEqual({ keep: {}, kept: [], different: [], replaced: [], refused: [] });
});

test("each part is kept, told or refused", () => {
    const onHost: JsonMap = {
        Storage: { rootDirectory: "/srv/zot", dedupe: false, retention: { policies: [{ repositories: ["**"], keepTags: [{ mostRecentlyPushedCount: 10 }] }] } },
        http: {
            port: 5000,
            tls: { cert: "/etc/zot/cert.pem", key: "/etc/zot/key.pem" },
            auth: { htpasswd: { path: "/etc/zot/htpasswd" }, ldap: { address: "ldap.example.org" }, failDelay: 5 },
            accessControl: { repositories: { "**": { anonymousPolicy: ["read", "create"] }, "tools/**": { defaultPolicy: ["read"] } }, adminPolicy: { users: ["root"] } },
        },
        log: { Level: "debug", audit: "/var/log/zot-audit.log" },
        extensions: { scrub: {}, lint: null, search: { cve: { trivy: { DBRepository: "ghcr.io/project-zot/trivy-db" } } }, events: { sinks: [{ type: "http", password: "canary" }] } },
    };
    const parts = unmanagedParts(onHost, ours);
    expect(parts.keep).toEqual({
        Storage: { dedupe: false, retention: { policies: [{ repositories: ["**"], keepTags: [{ mostRecentlyPushedCount: 10 }] }] } },
        http: { tls: { cert: "/etc/zot/cert.pem", key: "/etc/zot/key.pem" }, auth: { htpasswd: { path: "/etc/zot/htpasswd" }, failDelay: 5 } },
        log: { audit: "/var/log/zot-audit.log" },
        extensions: { search: { cve: { trivy: { DBRepository: "ghcr.io/project-zot/trivy-db" } } } },
    });
    expect(parts.different).toEqual([
        { path: "Storage.rootDirectory", onHost: "/srv/zot", declared: "/var/lib/zot", setting: "zot.rootDirectory" },
        { path: "log.Level", onHost: "debug", declared: "info", setting: "zot.logLevel" },
    ]);
    // What the rules of a pattern of ours allow is decided by access.*.
    expect(parts.replaced).toEqual(["http.auth.ldap", "http.accessControl.repositories.tools/**", "http.accessControl.adminPolicy"]);
    expect(parts.refused).toEqual([expect.stringMatching(/^extensions\.events\.sinks\[0\]\.password is a secret, but /)]);
    expect(JSON.stringify(parts)).not.toContain("canary");
});

/** What public guides have in their configs and what says nothing, beside what does. */
const EMPTY_VALUES: JsonMap = {
    distSpecVersion: "1.1.0",
    storage: { dedupe: false, gc: true, subPaths: {}, remoteCache: false, storageDriver: null, retention: { dryRun: false, policies: [] } },
    http: {
        tls: { cert: "", key: "", cacert: "" },
        auth: { htpasswd: { path: "" }, failDelay: 0, openid: { providers: { oidc: { name: "Authentik", keypath: "", clientid: "zot", clientsecret: "x", issuer: "https://auth.example.org/application/o/zot/", scopes: ["openid"] } } } },
        allowOrigin: "",
        compat: [],
        ratelimit: { rate: 0, methods: [] },
    },
    log: { level: "debug", output: "", audit: "" },
    extensions: { lint: { enable: false, mandatoryAnnotations: ["x"] }, scrub: { enable: false, interval: "24h" }, mgmt: {}, trust: { enable: false }, events: { enable: true } },
};

test("empty values, switches that are off by themselves and extensions that are off are no settings", () => {
    const { kept, replaced } = unmanagedParts(EMPTY_VALUES, ours);
    expect(kept).toEqual(["storage.dedupe", "extensions.events.enable"]);
    // The client's name and secret are in a file of ours.
    expect(replaced).toEqual([]);
    expect(unmanagedParts({ storage: { dedupe: true, gc: false }, http: { auth: { secureSession: false } } }, ours)).toMatchObject({ kept: [], different: [{ path: "storage.gc", onHost: false, declared: true }] });
});

test("a mirror is known by its address, wherever it stands in the list", () => {
    const mirror = (url: string, more: JsonMap = {}): JsonMap => ({ urls: [url], onDemand: true, content: [{ prefix: "**", destination: "/x" }], ...more });
    const { keep, replaced } = unmanagedParts({ extensions: { sync: { enable: true, registries: [mirror("https://quay.io"), mirror("https://docker.io/", { maxRetries: 3 })] } } }, ours);
    expect(keep).toEqual({ extensions: { sync: { registries: [mirror("https://quay.io")] } } });
    expect(replaced).toEqual(["extensions.sync.registries[1].maxRetries"]);
});

test("what was kept is declared from then on", () => {
    const leaf = fc.oneof(fc.boolean(), fc.integer(), fc.string({ minLength: 1 }).filter((text) => !text.includes("//")), fc.array(fc.string({ maxLength: 5 }), { minLength: 1, maxLength: 3 }));
    const key = fc.stringMatching(/^[a-z]{3,8}$/).filter((name) => !/token|password/.test(name));
    const map = fc.dictionary(key, fc.oneof(leaf, fc.dictionary(key, leaf, { minKeys: 1, maxKeys: 3 })), { minKeys: 1, maxKeys: 4 });
    fc.assert(
        fc.property(map, map, (top, http) => {
            const onHost = { ...(top as JsonMap), http: http as JsonMap };
            const found = unmanagedParts(onHost, ours);
            const again = unmanagedParts(onHost, mergeExtra(ours, found.keep).config);
            expect({ kept: again.kept, replaced: again.replaced }).toEqual({ kept: [], replaced: [] });
            expect(again.different).toEqual(found.different);
        }),
    );
});
