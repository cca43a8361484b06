/** Random changes to configs of zot that are right. */
import * as fc from "fast-check";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Configs that zot accepts, with most of what a hardened registry may have; files named FILE:… are those of `secretFiles`. */
export const rightConfigs: Json[] = [
    {
        distSpecVersion: "1.1.1",
        storage: { rootDirectory: "/tmp/zot", gc: true, gcDelay: "1h", gcInterval: "24h", dedupe: true },
        http: {
            address: "0.0.0.0",
            port: "5050",
            externalUrl: "https://registry.example.org",
            realm: "zot",
            compat: ["docker2s2"],
            tls: { cert: "/etc/zot/cert.pem", key: "/etc/zot/key.pem" },
            auth: {
                openid: {
                    providers: {
                        oidc: {
                            name: "Authentik",
                            credentialsFile: "FILE:oidc.json",
                            issuer: "https://authentik.example.org/application/o/zot/",
                            scopes: ["openid", "profile", "email"],
                            claimMapping: { username: "preferred_username" },
                        },
                    },
                },
                apikey: true,
                failDelay: 5,
                sessionKeysFile: "FILE:keys.json",
                secureSession: true,
            },
            accessControl: {
                repositories: {
                    "**": {
                        policies: [
                            { groups: ["artifact-workloads"], actions: ["read", "create"] },
                            { users: ["root"], groups: ["admins"], actions: ["read", "create", "delete"] },
                        ],
                        anonymousPolicy: ["read"],
                        defaultPolicy: ["read"],
                    },
                    "team/{a,b}/*": { policies: [] },
                },
                adminPolicy: { users: [], groups: ["admins"], actions: ["read"] },
                metrics: { users: ["scraper"], anonymousPolicy: ["read"] },
            },
        },
        log: { level: "info", output: "/tmp/zot.log", audit: "/tmp/audit.log" },
        extensions: {
            metrics: { enable: true, prometheus: { path: "/metrics" } },
            search: { enable: true, cve: { updateInterval: "24h" } },
            ui: { enable: true },
            scrub: { enable: true, interval: "24h" },
        },
    },
    {
        storage: {
            rootDirectory: "/tmp/zot",
            subPaths: { "/a": { rootDirectory: "/tmp/zot-a", dedupe: false, gc: true, gcDelay: "2h" } },
            retention: {
                dryRun: true,
                delay: "24h",
                policies: [
                    {
                        repositories: ["**"],
                        deleteUntagged: true,
                        keepTags: [{ patterns: ["v.*"], mostRecentlyPushedCount: 3, pulledWithin: "720h" }],
                    },
                ],
            },
        },
        http: {
            address: "127.0.0.1",
            port: "5000",
            accessControl: { repositories: { "**": { anonymousPolicy: ["read"] } } },
        },
        extensions: {
            sync: {
                enable: true,
                credentialsFile: "/etc/zot/sync.json",
                registries: [
                    {
                        urls: ["https://registry-1.docker.io"],
                        onDemand: true,
                        tlsVerify: true,
                        maxRetries: 3,
                        retryDelay: "5m",
                        pollInterval: "6h",
                        content: [
                            {
                                prefix: "**",
                                destination: "/docker.io",
                                stripPrefix: true,
                                tags: { regex: "v.*", semver: true },
                            },
                        ],
                    },
                ],
            },
        },
    },
    {
        storage: {
            rootDirectory: "/tmp/zot",
            dedupe: false,
            remoteCache: true,
            cacheDriver: { name: "redis", url: "redis://h:6379", keyprefix: "zot" },
            storageDriver: { name: "s3", rootdirectory: "/zot", region: "us-east-1", bucket: "zot" },
        },
        http: {
            address: "127.0.0.1",
            port: 5401,
            auth: { apikey: true, sessionDriver: { name: "redis", url: "redis://h:6379" } },
        },
        cluster: { members: ["h1:5401", "h2:5402"], hashKey: "loremipsumdolors" },
        scheduler: { numWorkers: 3 },
        extensions: { search: { enable: true }, trust: { enable: true, cosign: true } },
    },
    { storage: { rootDirectory: "/tmp/zot" }, http: { port: "5000" }, extensions: { ui: {}, search: {} } },
];

export const secretFiles: Record<string, Json> = {
    "oidc.json": { clientid: "zot", clientsecret: "a secret for tests" },
    "keys.json": { hashKey: "h".repeat(64), encryptKey: "e".repeat(32) },
    "partial.json": { clientid: "zot" },
    "empty.json": {},
    "more.json": { clientid: "zot", clientsecret: "x", more: 1 },
    "numbers.json": { clientid: 5, clientsecret: true },
    "list.json": ["clientid"],
};

const strange: Json[] = [
    null,
    true,
    false,
    0,
    1,
    -1,
    1.5,
    1e30,
    "",
    "x",
    "true",
    "5",
    "-1h",
    "1h30m",
    "soon",
    "*",
    "a[",
    "a::b",
    "{a",
    "/",
    "/v2",
    "/metrics/",
    "FILE:none.json",
    "FILE:partial.json",
    "FILE:empty.json",
    "FILE:more.json",
    "FILE:numbers.json",
    "FILE:list.json",
    "FILE:oidc",
    "https://e.org",
    "(",
    [],
    ["read"],
    [""],
    [null],
    [1],
    [[]],
    [{}],
    {},
    { x: 1 },
    { enable: true },
    { enable: false },
    { enable: "true" },
    { enable: 2 },
];
const names = [
    "x",
    "name",
    "enable",
    "storage",
    "http",
    "port",
    "auth",
    "openid",
    "apikey",
    "policies",
    "users",
    "accessControl",
    "a::b",
    "A",
    "groups",
    "bearer",
    "ldap",
    "htpasswd",
    "mtls",
    "github",
    "google",
    "authentik",
    "**",
    "",
    "dedupe",
    "gcDelay",
];

type Change = { at: number; how: "drop" | "replace" | "rename" | "add" | "case"; value: Json; name: string };

const change: fc.Arbitrary<Change> = fc.record({
    at: fc.nat(10_000),
    how: fc.constantFrom("drop", "drop", "replace", "replace", "replace", "rename", "add", "case"),
    value: fc.constantFrom(...strange),
    name: fc.constantFrom(...names),
});

/** The text of a config with a few changes. */
export const changedConfigs: fc.Arbitrary<string> = fc
    .tuple(fc.constantFrom(...rightConfigs), fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([config, changes]) => JSON.stringify(changes.reduce(changed, config)));

function changed(config: Json, { at, how, value, name }: Change): Json {
    const copy = structuredClone(config);
    const places: { holder: { [name: string]: Json } | Json[]; key: string }[] = [];
    const visit = (node: Json) => {
        if (typeof node !== "object" || node === null) return;
        for (const [key, child] of Object.entries(node)) {
            places.push({ holder: node as { [name: string]: Json }, key });
            visit(child);
        }
    };
    visit(copy);
    const place = places[at % Math.max(1, places.length)];
    if (!place) return copy;
    const { holder, key } = place;
    if (Array.isArray(holder)) {
        if (how === "drop") holder.splice(Number(key), 1);
        else holder[Number(key)] = value;
        return copy;
    }
    const before = holder[key] as Json;
    switch (how) {
        case "drop":
            delete holder[key];
            break;
        case "replace":
            holder[key] = value;
            break;
        case "rename":
            delete holder[key];
            holder[name] = before;
            break;
        case "case":
            delete holder[key];
            holder[key.toUpperCase()] = before;
            break;
        case "add":
            if (typeof before === "object" && before !== null && !Array.isArray(before)) before[name] = value;
            else holder[name] = value;
    }
    return copy;
}
