/** Settings at random: mostly right, so that enough of them are accepted. */
import fc from "fast-check";
import { ACTIONS } from "../../components/accessPolicy";

/** Mostly `usual`; one time in so many something else. */
const rarely = <T>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<T>, oneIn = 12) =>
    fc.oneof({ weight: oneIn - 1, arbitrary: usual }, { weight: 1, arbitrary: other });

const somePattern = rarely(
    fc.constantFrom(
        "team/**",
        "team",
        "team/base/**",
        "team*/**",
        "team/*",
        "*/app",
        "app/*",
        "**/app",
        "te?m/app",
        "docker.io-images/**",
    ),
    fc.constantFrom("**", "docker.io/**", "docker.io/library/**", "*.io/**", "Team/**", "a::b", "__proto__", ""),
    4,
);
const someActions = rarely<string[]>(
    fc.constantFrom<string[]>(["read"], ["read", "create"]),
    fc.oneof(
        fc.constantFrom<string[]>(["read", "create", "delete"], ["read", "create", "update"], []),
        fc.uniqueArray(fc.constantFrom<string>(...ACTIONS, "push", "Read", "", "detectManifestCollision"), {
            maxLength: 4,
        }),
    ),
    6,
);
const someGroup = rarely(fc.constantFrom("developers", "testers"), fc.constantFrom("admins", "artifact-workloads", ""));
const someUser = rarely(fc.constantFrom("zot-ci", "bob"), fc.constant(""));
const adminActions = rarely<string[]>(fc.constant(["read", "create", "delete"]), someActions);
export const someMirrors = fc
    .uniqueArray(rarely(fc.constantFrom("docker.io", "ghcr.io"), fc.constantFrom("team", "docker.io/library")), {
        maxLength: 2,
    })
    .map((prefixes) => prefixes.map((prefix) => ({ url: `https://${prefix.split("/")[0]}.example`, prefix })));

const someRule = fc.record(
    {
        anonymous: rarely<string[]>(fc.constant(["read"]), someActions),
        ci: someActions,
        admins: adminActions,
        groups: fc.dictionary(someGroup, someActions, { maxKeys: 2 }),
    },
    { requiredKeys: [] },
);
const someChannels = fc.uniqueArray(
    rarely(
        fc.constantFrom("**/app", "team/base/**", "te?m/*", "app", "docker.io-images/*", "x/*/app"),
        fc.constantFrom("team/**", "docker.io/**", "**", "Team/**", "a::b", ""),
        8,
    ),
    { maxLength: 2 },
);
const someScheme = fc.subarray(["vX.Y.Z", "vX.Y.Z-<7 hex>", "<date>.X"], { maxLength: 2 });
const someMovable = fc.dictionary(
    rarely(fc.constantFrom("**", "team/**", "**/app", "te?m/*", "app", "x/**"), somePattern, 6),
    fc.subarray(["main", "latest", "pr-X"], { minLength: 1 }),
    { minKeys: 1, maxKeys: 2 },
);
export const someAccess = fc.record(
    {
        movableTags: rarely<object>(
            fc.constant({}),
            rarely<object>(someMovable, fc.constantFrom({ "**": ["v1"] }, { a: [] })),
            2,
        ),
        acceptLossOfManifests: rarely(fc.constant(true), fc.constant(false)),
        channels: rarely<string[]>(fc.constant([]), someChannels, 2),
        tagScheme: rarely<string[]>(fc.constant([]), rarely(someScheme, fc.constantFrom(["<9 hex"], ["-X"])), 3),
        explainRefusals: fc.boolean(),
        ciRepositories: fc.oneof(fc.constant(["**"]), fc.uniqueArray(somePattern, { minLength: 1, maxLength: 3 })),
        ciMayPushToMirrors: rarely(fc.constant(false), fc.constant(true), 4),
        adminsMayUpdate: fc.boolean(),
        rules: fc.dictionary(somePattern, someRule, { maxKeys: 2 }),
    },
    { requiredKeys: [] },
);
/** Further identities of CI, whose repositories overlap with each other's and the first one's. */
export const someWorkloads = fc
    .array(
        fc.record(
            {
                repositories: fc.uniqueArray(somePattern, { minLength: 1, maxLength: 3 }),
                channels: rarely<string[]>(fc.constant([]), someChannels, 2),
                tagScheme: rarely<string[]>(fc.constant([]), someScheme, 2),
            },
            { requiredKeys: ["repositories"] },
        ),
        { maxLength: 3 },
    )
    .map((entries) =>
        Object.fromEntries(
            entries.map((entry, index) => [
                `w${index}`,
                { user: `zot-w${index}`, group: `workloads-${index}`, ...entry },
            ]),
        ),
    );
export const someIdentity = rarely<object>(
    fc.constant({}),
    fc.constantFrom({ adminsGroup: "developers" }, { workloadsGroup: "admins" }),
);

/** A map with some of the members, their keys as zot's manual has them or otherwise. */
function someMap(members: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
    const keyOf = (key: string) =>
        rarely(
            fc.constantFrom(key, key, key.toUpperCase(), key.toLowerCase()),
            fc.constantFrom(key.replace(/s/i, "ſ"), `x::${key}`, ` ${key}`),
            40,
        );
    const entries = Object.entries(members).map(([key, value]) =>
        fc.option(fc.tuple(keyOf(key), rarely(value, fc.constantFrom<unknown>(null, {}, "", 0), 40)), {
            nil: undefined,
        }),
    );
    return fc.tuple(...entries).map((found) => Object.fromEntries(found.filter((entry) => entry !== undefined)));
}
const listOf = (value: fc.Arbitrary<unknown>) =>
    rarely<unknown>(fc.array(value, { minLength: 1, maxLength: 2 }), value, 15);
const someConditions = fc.constant([{ expression: "req.tls.enabled", message: "TLS only" }]);
const somePolicy = rarely<unknown>(
    fc.oneof(
        fc.record(
            {
                groups: fc.array(someGroup, { minLength: 1, maxLength: 2 }),
                actions: someActions,
                conditions: someConditions,
            },
            { requiredKeys: ["groups", "actions"] },
        ),
        fc.record({ users: fc.array(someUser, { minLength: 1, maxLength: 2 }), actions: someActions }),
    ),
    someMap({
        users: listOf(someUser),
        groups: listOf(someGroup),
        actions: listOf(fc.constantFrom(...ACTIONS)),
        conditions: someConditions,
    }),
);
const someZotRule = rarely<unknown>(
    fc
        .tuple(adminActions, fc.array(somePolicy, { maxLength: 2 }), someActions)
        .map(([actions, policies, anonymousPolicy]) => ({
            anonymousPolicy,
            defaultPolicy: ["read"],
            policies: [{ groups: ["admins"], actions }, ...policies],
        })),
    someMap({ anonymousPolicy: listOf(fc.constant("read")), defaultPolicy: someActions, policies: listOf(somePolicy) }),
    4,
);
const someAccessControl = someMap({
    repositories: fc.dictionary(rarely(somePattern, fc.constant("**"), 3), someZotRule, { minKeys: 1, maxKeys: 2 }),
    adminPolicy: rarely<unknown>(somePolicy, fc.array(somePolicy, { maxLength: 1 })),
});
const someContent = someMap({
    prefix: fc.constantFrom("**", "library/**", "/team/**"),
    destination: fc.constantFrom("/docker.io", "team", "Mirror", ""),
    stripPrefix: fc.boolean(),
});
const someSync = someMap({
    registries: listOf(someMap({ urls: fc.constant(["https://a.example"]), content: listOf(someContent) })),
});
const someLogin = someMap({
    htpasswd: fc.constant({ path: "/etc/zot/htpasswd" }),
    ldap: fc.constant({ address: "ldap.example.org" }),
    bearer: fc.constantFrom<object>(
        { realm: "a", service: "b", cert: "/c.pem" },
        { oidc: [{ issuer: "https://a.example", audiences: ["zot"] }] },
    ),
    mtls: fc.constant({ identityAttributes: ["Email"] }),
    openid: fc.constantFrom<object>(
        { providers: { github: { clientid: "a", scopes: ["user"] } } },
        { callbackAllowOrigins: ["https://a.example"] },
        { providers: { oidc: { scopes: ["x"] } } },
    ),
    failDelay: fc.nat(9),
    sessionDriver: fc.constant({ name: "redis", url: "redis://h:6379" }),
    saml: fc.constant({ metadata: "/m.xml" }),
});
const someTls = fc.constantFrom<object>(
    { cert: "/c.pem", key: "/k.pem" },
    { cert: "/c.pem", key: "/k.pem", cacert: "/ca.pem" },
    { CACert: "/ca.pem" },
);
export const someExtraConfig = fc.oneof(
    {
        weight: 1,
        arbitrary: fc
            .tuple(
                fc.constantFrom("http::accessControl::adminPolicy", "http::accessControl::repositories::team/**"),
                rarely(somePolicy, someZotRule, 2),
            )
            .map(([key, value]) => ({ [key]: value })),
    },
    { weight: 6, arbitrary: someMap({ http: someMap({ accessControl: someAccessControl }) }) },
    {
        weight: 2,
        arbitrary: someMap({
            extensions: someMap({ sync: someSync }),
            http: someMap({ accessControl: someAccessControl }),
        }),
    },
    {
        weight: 3,
        arbitrary: someMap({
            http: someMap({ auth: rarely<unknown>(someLogin, fc.constant({ failDelay: 1 }), 3), tls: someTls }),
        }),
    },
    {
        weight: 1,
        arbitrary: someMap({
            http: someMap({
                auth: someMap({ bearer: fc.constant({ realm: "a" }), failDelay: fc.nat(), apikey: fc.boolean() }),
                accessControl: someMap({
                    groups: fc.constant({ admins: { users: ["bob"] } }),
                    metrics: fc.constant({ users: ["bob"] }),
                }),
            }),
        }),
    },
);
