/** What zot.extraConfig is refused for: what zot would not read, secrets, and what other settings decide. */
import { refusals } from "../support/extraConfig";

describe("zot.extraConfig is refused", () => {
    const elsewhere = "change the setting that decides it, and leave it out here.";
    const shared =
        "its users get the rights, the remembered groups and the keys of whoever has the same name in Authentik.";
    const shown =
        "but zot's config and the stack's outputs show it; " +
        "leave it out, and give it to zot in a credentials file or in its environment.";
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
            ["extensions.Scrub is an empty map, which zot accepts under any name; remove it, or fill it."],
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
                'storage.retention.policies[0]["keep::tags"] has "::" in its key, which zot takes for a path; ' +
                    "nest the maps instead.",
            ],
        ],
        [
            "with a key twice but for case",
            { log: { audit: "/a", Audit: "/b" } },
            ["log.Audit and audit are the same key to zot, which ignores case; keep one."],
        ],
        [
            "with a letter that is another's small one",
            { http: { acceſſControl: { adminPolicy: { users: ["bob"], actions: ["delete"] } } } },
            ['http["acceſſControl"] is not a key of zot; write keys in ASCII, without spaces.'],
        ],
        [
            "with a key of JavaScript's",
            JSON.parse('{"log":{"__proto__":{"level":"debug"}}}') as object,
            ["log.__proto__ is not a key of zot; write keys in ASCII, without spaces."],
        ],

        // What others decide.
        [
            "with another external URL",
            { http: { externalUrl: "http://registry.example.org" } },
            [
                `http.externalUrl is "http://registry.example.org" there and "https://registry.example.org" by ` +
                    `the other settings; ${elsewhere}`,
            ],
        ],
        [
            "with another external URL in another case",
            { Http: { ExternalURL: "http://registry.example.org" } },
            [
                `Http.ExternalURL is "http://registry.example.org" there and "https://registry.example.org" by ` +
                    `the other settings; ${elsewhere}`,
            ],
        ],
        [
            "with another issuer",
            { http: { auth: { openid: { providers: { oidc: { issuer: "https://authentik.example.org" } } } } } },
            [
                `http.auth.openid.providers.oidc.issuer is "https://authentik.example.org" there and ` +
                    `"https://authentik.example.org/application/o/zot/" by the other settings; ${elsewhere}`,
            ],
        ],
        [
            "with another claim for the name",
            { http: { auth: { openid: { providers: { oidc: { claimMapping: { username: "email" } } } } } } },
            [
                `http.auth.openid.providers.oidc.claimMapping.username is "email" there and ` +
                    `"preferred_username" by the other settings; ${elsewhere}`,
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
                "http.auth.sessionKeysFile cannot be set: " +
                    "this program makes the session keys, and with http.auth.sessionDriver there are none.",
            ],
        ],
        [
            "with bearer tokens",
            { http: { auth: { bearer: { oidc: [{ issuer: "https://a.example", audiences: ["zot"] }] } } } },
            [
                "http.auth.bearer cannot be set: it replaces every other login: " +
                    "anonymous pulls, OpenID Connect and API keys would all stop.",
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
            ["http.auth.saml cannot be set: this program does not know it; it may be another login."],
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
                "the user bob would be zot's administrator by adminPolicy, whatever its actions; " +
                    "only the group admins may be, so give the rights by a rule for the repositories.",
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
                "the group developers would be zot's administrator by adminPolicy, whatever its actions; " +
                    "only the group admins may be, so give the rights by a rule for the repositories.",
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
                "http.accessControl.metrics cannot be set: " +
                    "zot.metrics and zot.metricsUsers decide who may read the metrics.",
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
            [`extensions.events.sinks[0].headers.X-Hook is a secret, ${shown}`],
        ],
        [
            "with a number for a password",
            { storage: { cacheDriver: { name: "redis", sentinel_password: 12345 } } },
            [`storage.cacheDriver.sentinel_password is a secret, ${shown}`],
        ],
        [
            "with passwords in a list",
            { storage: { cacheDriver: { name: "redis", password: ["canary"] } } },
            [
                "storage.cacheDriver.password is a secret, but it has its own setting; leave it out, and set it " +
                    "with: pulumi config set --path redis.password --secret.",
            ],
        ],
        [
            "with a password in a URL",
            { storage: { cacheDriver: { name: "redis", url: "redis://:canary@h:6379" } } },
            [
                "storage.cacheDriver.url holds a URL with a user name, a password or a token before its host, " +
                    "but zot's config and the stack's outputs show it; leave it out, and set redis.address, redis.user " +
                    "and redis.password.",
            ],
        ],
        [
            "with a token before the host of a URL",
            { extensions: { events: { sinks: [{ type: "http", proxy: "http://canary@proxy.example" }] } } },
            [
                "extensions.events.sinks[0].proxy holds a URL with a user name, " +
                    `a password or a token before its host, ${shown}`,
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
            "with the hash key of a cluster that is too short",
            { cluster: { members: ["h1:1", "h2:1"], HashKey: "canary-canary-c" } },
            [
                "the instances of cluster share no bucket, so each would keep part of the images for itself; " +
                    "set storage.bucket and storage.region.",
                "cluster.hashKey has 15 bytes; give one of 16 characters of ASCII.",
            ],
        ],
    ])("%s", (_title, extraConfig, sentences) => {
        expect(refusals(extraConfig)).toEqual(sentences);
        expect(JSON.stringify(sentences)).not.toContain("canary");
    });
});
