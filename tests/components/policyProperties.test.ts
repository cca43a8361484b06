/**
 * Whatever the settings: either they are refused, or the config that they render keeps the tiers. The config is read here by a
 * small model of zot of its own, beside the code under test: keys without regard to case and cut at `::`, single values for
 * lists, and only the longest matching pattern.
 */
import fc from "fast-check";
import { type Action, ACTIONS, ANONYMOUS, evaluate, type Who } from "../../components/accessPolicy";
import { declaredState, type DeclaredState } from "../../components/declaredState";
import { SettingsError } from "../../components/settings";
import { readOnlyConfig } from "../../components/zotConfig";
import { matches } from "../../testbed/zot/globs";
import { rawSettings } from "../support/settings";

// --- zot, naively -----------------------------------------------------------------------------------------------------

type Any = any; // eslint-disable-line @typescript-eslint/no-explicit-any -- zot reads whatever there is

/** The config as zot's reader leaves it: small keys, `::` as nesting, null and empty maps gone. */
function asZotReads(value: Any): Any {
    if (Array.isArray(value)) return value.map(asZotReads);
    if (value === null || typeof value !== "object") return value;
    const result: Any = Object.create(null);
    for (const [key, item] of Object.entries(value)) {
        const read = asZotReads(item);
        if (read === null || (typeof read === "object" && !Array.isArray(read) && Object.keys(read).length === 0)) continue;
        // EqualFold takes these two letters for s and k.
        const path = key.replaceAll("ſ", "s").replaceAll("\u212a", "k").toLowerCase().split("::");
        let holder = result;
        for (const part of path.slice(0, -1)) holder = holder[part] ??= Object.create(null);
        holder[path.at(-1)!] = read;
    }
    return result;
}

const list = (value: Any): Any[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);
const names = (value: Any): string[] => list(value).map((name) => (name === null ? "" : String(name)));

/** What zot would answer; `condition` is what every condition comes to. */
function zotAllows(config: Any, who: Who, action: Action, repository: string, condition: boolean): boolean {
    const control = config.http.accesscontrol;
    let longest = "";
    // Of two of one length zot takes either, by chance: here the later one, in evaluate() the earlier.
    for (const pattern of Object.keys(control.repositories ?? {})) if (pattern.length >= longest.length && matches(pattern, repository)) longest = pattern;
    const rule = control.repositories?.[longest] ?? {};
    const { name, groups } = who.kind === "user" ? who : { name: "", groups: [] as string[] };
    const gives = (policy: Any) =>
        names(policy.actions).includes(action) && (names(policy.users).includes(name) || names(policy.groups).some((group) => groups.includes(group))) && (list(policy.conditions).length === 0 || condition);
    return list(rule.policies).some(gives) || names(who.kind === "user" ? rule.defaultpolicy : rule.anonymouspolicy).includes(action) || list(control.adminpolicy).some(gives);
}

// --- settings, at random: mostly right, so that enough of them are accepted -------------------------------------------

/** Mostly `usual`; one time in so many something else. */
const rarely = <T>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<T>, oneIn = 12) => fc.oneof({ weight: oneIn - 1, arbitrary: usual }, { weight: 1, arbitrary: other });

const somePattern = rarely(
    fc.constantFrom("team/**", "team", "team/base/**", "team*/**", "team/*", "*/app", "app/*", "**/app", "te?m/app", "docker.io-images/**"),
    fc.constantFrom("**", "docker.io/**", "docker.io/library/**", "*.io/**", "Team/**", "a::b", "__proto__", ""),
    4,
);
const someActions = rarely<string[]>(
    fc.constantFrom<string[]>(["read"], ["read", "create"]),
    fc.oneof(fc.constantFrom<string[]>(["read", "create", "delete"], ["read", "create", "update"], []), fc.uniqueArray(fc.constantFrom<string>(...ACTIONS, "push", "Read", "", "detectManifestCollision"), { maxLength: 4 })),
    6,
);
const someGroup = rarely(fc.constantFrom("developers", "testers"), fc.constantFrom("admins", "artifact-workloads", ""));
const someUser = rarely(fc.constantFrom("zot-ci", "bob"), fc.constant(""));
const adminActions = rarely<string[]>(fc.constant(["read", "create", "delete"]), someActions);
const someMirrors = fc
    .uniqueArray(rarely(fc.constantFrom("docker.io", "ghcr.io"), fc.constantFrom("team", "docker.io/library")), { maxLength: 2 })
    .map((prefixes) => prefixes.map((prefix) => ({ url: `https://${prefix.split("/")[0]}.example`, prefix })));

const someRule = fc.record({ anonymous: rarely<string[]>(fc.constant(["read"]), someActions), ci: someActions, admins: adminActions, groups: fc.dictionary(someGroup, someActions, { maxKeys: 2 }) }, { requiredKeys: [] });
const someAccess = fc.record(
    { ciRepositories: fc.oneof(fc.constant(["**"]), fc.uniqueArray(somePattern, { minLength: 1, maxLength: 3 })), ciMayPushToMirrors: rarely(fc.constant(false), fc.constant(true), 4), adminsMayUpdate: fc.boolean(), rules: fc.dictionary(somePattern, someRule, { maxKeys: 2 }) },
    { requiredKeys: [] },
);
const someIdentity = rarely<object>(fc.constant({}), fc.constantFrom({ adminsGroup: "developers" }, { workloadsGroup: "admins" }));

/** A map with some of the members, their keys as zot's manual has them or otherwise. */
function someMap(members: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
    const keyOf = (key: string) => rarely(fc.constantFrom(key, key, key.toUpperCase(), key.toLowerCase()), fc.constantFrom(key.replace(/s/i, "ſ"), `x::${key}`, ` ${key}`), 40);
    const entries = Object.entries(members).map(([key, value]) => fc.option(fc.tuple(keyOf(key), rarely(value, fc.constantFrom<unknown>(null, {}, "", 0), 40)), { nil: undefined }));
    return fc.tuple(...entries).map((found) => Object.fromEntries(found.filter((entry) => entry !== undefined)));
}
const listOf = (value: fc.Arbitrary<unknown>) => rarely<unknown>(fc.array(value, { minLength: 1, maxLength: 2 }), value, 15);
const someConditions = fc.constant([{ expression: "req.tls.enabled", message: "TLS only" }]);
const somePolicy = rarely<unknown>(
    fc.oneof(
        fc.record({ groups: fc.array(someGroup, { minLength: 1, maxLength: 2 }), actions: someActions, conditions: someConditions }, { requiredKeys: ["groups", "actions"] }),
        fc.record({ users: fc.array(someUser, { minLength: 1, maxLength: 2 }), actions: someActions }),
    ),
    someMap({ users: listOf(someUser), groups: listOf(someGroup), actions: listOf(fc.constantFrom(...ACTIONS)), conditions: someConditions }),
);
const someZotRule = rarely<unknown>(
    fc.tuple(adminActions, fc.array(somePolicy, { maxLength: 2 }), someActions).map(([actions, policies, anonymousPolicy]) => ({ anonymousPolicy, defaultPolicy: ["read"], policies: [{ groups: ["admins"], actions }, ...policies] })),
    someMap({ anonymousPolicy: listOf(fc.constant("read")), defaultPolicy: someActions, policies: listOf(somePolicy) }),
    4,
);
const someAccessControl = someMap({
    repositories: fc.dictionary(rarely(somePattern, fc.constant("**"), 3), someZotRule, { minKeys: 1, maxKeys: 2 }),
    adminPolicy: rarely<unknown>(somePolicy, fc.array(somePolicy, { maxLength: 1 })),
});
const someContent = someMap({ prefix: fc.constantFrom("**", "library/**", "/team/**"), destination: fc.constantFrom("/docker.io", "team", "Mirror", ""), stripPrefix: fc.boolean() });
const someSync = someMap({ registries: listOf(someMap({ urls: fc.constant(["https://a.example"]), content: listOf(someContent) })) });
const someLogin = someMap({
    htpasswd: fc.constant({ path: "/etc/zot/htpasswd" }),
    ldap: fc.constant({ address: "ldap.example.org" }),
    bearer: fc.constantFrom<object>({ realm: "a", service: "b", cert: "/c.pem" }, { oidc: [{ issuer: "https://a.example", audiences: ["zot"] }] }),
    mtls: fc.constant({ identityAttributes: ["Email"] }),
    openid: fc.constantFrom<object>({ providers: { github: { clientid: "a", scopes: ["user"] } } }, { callbackAllowOrigins: ["https://a.example"] }, { providers: { oidc: { scopes: ["x"] } } }),
    failDelay: fc.nat(9),
    sessionDriver: fc.constant({ name: "redis", url: "redis://h:6379" }),
    saml: fc.constant({ metadata: "/m.xml" }),
});
const someTls = fc.constantFrom<object>({ cert: "/c.pem", key: "/k.pem" }, { cert: "/c.pem", key: "/k.pem", cacert: "/ca.pem" }, { CACert: "/ca.pem" });
const someExtraConfig = fc.oneof(
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom("http::accessControl::adminPolicy", "http::accessControl::repositories::team/**"), rarely(somePolicy, someZotRule, 2)).map(([key, value]) => ({ [key]: value })) },
    { weight: 6, arbitrary: someMap({ http: someMap({ accessControl: someAccessControl }) }) },
    { weight: 2, arbitrary: someMap({ extensions: someMap({ sync: someSync }), http: someMap({ accessControl: someAccessControl }) }) },
    { weight: 3, arbitrary: someMap({ http: someMap({ auth: rarely<unknown>(someLogin, fc.constant({ failDelay: 1 }), 3), tls: someTls }) }) },
    { weight: 1, arbitrary: someMap({ http: someMap({ auth: someMap({ bearer: fc.constant({ realm: "a" }), failDelay: fc.nat(), apikey: fc.boolean() }), accessControl: someMap({ groups: fc.constant({ admins: { users: ["bob"] } }), metrics: fc.constant({ users: ["bob"] }) }) }) }) },
);

function declaredOrRefused(changes: Record<string, Record<string, unknown>>): DeclaredState | undefined {
    try {
        return declaredState(rawSettings(changes));
    } catch (error) {
        if (!(error instanceof SettingsError)) throw error;
        expect(error.mistakes.every(({ setting, message }) => message.startsWith(setting.split(/[.[]/)[0]!))).toBe(true);
        return undefined;
    }
}

// --- what has to hold -------------------------------------------------------------------------------------------------

const repositories = ["team", "team/app", "team/base", "team/base/x", "teams", "teams/app", "app", "app/app", "app/x", "x/app", "docker.io", "docker.io/app", "docker.io/library/app", "docker.io-images/app", "ghcr.io/a", "library/app", "mirror/a", "tern/app", "a"];

/** Every breach of the tiers, in a form that names who, where and what. */
function breaches({ settings, zotConfig, policy }: DeclaredState): unknown[] {
    const config = asZotReads(JSON.parse(JSON.stringify(zotConfig())));
    const readOnly = asZotReads(JSON.parse(JSON.stringify(readOnlyConfig(settings))));
    const { adminsGroup, workloadsGroup, ciUser } = settings.identity;
    const user = (name: string, ...groups: string[]): Who => ({ kind: "user", name, groups: groups.filter((group) => group !== adminsGroup) });
    const others: Who[] = [user("someone"), user("bob"), user(ciUser, workloadsGroup), user("dev", "developers", "testers"), user("all", "admins", "developers", "testers", workloadsGroup)];
    const admin: Who = { kind: "user", name: "boss", groups: [adminsGroup] };
    const everyone: Who[] = [ANONYMOUS, admin, ...others];
    const cached = (repository: string) => !settings.access.ciMayPushToMirrors && settings.zot.mirrors.some(({ prefix }) => repository === prefix || repository.startsWith(`${prefix}/`));
    const found: unknown[] = [];
    const demand = (holds: boolean, ...what: unknown[]) => void (holds || found.push(what));

    demand("**" in config.http.accesscontrol.repositories, "no rule for every repository");
    for (const repository of repositories) {
        for (const who of everyone) {
            // The most and the least that conditions leave.
            const most = ACTIONS.filter((action) => zotAllows(config, who, action, repository, true));
            const least = ACTIONS.filter((action) => zotAllows(config, who, action, repository, false));
            const evaluated = ACTIONS.filter((action) => evaluate(policy, who, action, repository));
            demand(least.includes("read"), "may not read", who, repository);
            demand(String(evaluated) === String(most), "evaluated otherwise", who, repository, evaluated, most);
            if (who === ANONYMOUS) demand(String(most) === "read", "anonymous may more than read", repository, most);
            else if (who === admin) {
                demand(["create", "delete"].every((action) => least.includes(action as Action)), "admins are locked out", repository, least);
                demand(!most.includes("update") || settings.access.adminsMayUpdate, "admins overwrite", repository);
            } else {
                demand(!most.includes("update") && !most.includes("delete"), "changes or deletes", who, repository, most);
                demand(!cached(repository) || !most.includes("create"), "pushes into a cache", who, repository);
            }
            const written = ACTIONS.filter((action) => action !== "read" && zotAllows(readOnly, who, action, repository, true));
            demand(written.length === 0, "writes while read-only", who, repository, written);
        }
        demand(zotAllows(readOnly, ANONYMOUS, "read", repository, true), "may not read while read-only", repository);
    }

    const { auth, externalurl } = config.http;
    const { oidc, ...otherProviders } = auth.openid.providers;
    demand(externalurl === settings.registry.url, "another external URL");
    // All that logs somebody in is the declared provider, and keys.
    const others_ = Object.keys(auth).filter((key) => !["openid", "apikey", "securesession", "sessionkeysfile", "sessiondriver", "faildelay"].includes(key));
    demand(auth.apikey === true && others_.length === 0 && Object.keys(otherProviders).length === 0 && config.http.tls?.cacert === undefined, "other logins", auth);
    const admins_ = list(config.http.accesscontrol.adminpolicy);
    demand(admins_.every((policy) => names(policy.users).length === 0 && names(policy.groups).every((group) => group === adminsGroup)), "an administrator of zot", admins_);
    demand(oidc.issuer === settings.identity.issuer && oidc.claimmapping.username === "preferred_username", "another identity", oidc);
    demand(["openid", "email", "profile"].every((scope) => oidc.scopes.includes(scope)), "scopes are missing", oidc);
    demand(config.http.accesscontrol.groups === undefined && JSON.stringify(readOnly.http.auth) === '{"apikey":true}', "logins or groups of its own");
    return found;
}

function expectTiersOf(someSettings: fc.Arbitrary<unknown>, numRuns: number): void {
    let accepted = 0;
    fc.assert(
        fc.property(someSettings, (changes) => {
            const declared = declaredOrRefused(changes as Record<string, Record<string, unknown>>);
            if (!declared) return;
            accepted++;
            expect(breaches(declared)).toEqual([]);
        }),
        { numRuns },
    );
    // Where everything is refused, the property says nothing.
    expect(accepted).toBeGreaterThan(numRuns / 20);
}

test("whatever the settings, they are refused or the rendered config keeps the tiers", () => {
    expectTiersOf(fc.record({ access: someAccess, identity: someIdentity, zot: fc.record({ mirrors: someMirrors }) }), 300);
});

test("whatever is in zot.extraConfig, it is refused or the rendered config keeps the tiers", () => {
    expectTiersOf(fc.record({ access: fc.record({ ciRepositories: fc.constantFrom(["**"], ["team/**"]), adminsMayUpdate: fc.boolean() }), zot: fc.record({ mirrors: someMirrors, extraConfig: someExtraConfig }) }), 800);
});

test("any JSON in zot.extraConfig is refused with sentences, or rendered", () => {
    fc.assert(
        fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom("http", "storage", "extensions", "accessControl", "anything"), (value, key) => {
            for (const extraConfig of [value, { [key]: value }, { http: { [key]: value } }, { http: { accessControl: { repositories: { "team/**": value } } } }, { http: { accessControl: { adminPolicy: value } } }, { extensions: { sync: { registries: value } } }]) {
                const declared = declaredOrRefused({ zot: { extraConfig } });
                if (declared) expect(() => JSON.stringify(declared.zotConfig())).not.toThrow();
            }
        }),
        { numRuns: 100 },
    );
});

test("any value of any setting is refused with a sentence, or accepted", () => {
    const { groups } = rawSettings();
    const settingNames = Object.keys(groups).flatMap((group) => ["url", "port", "mirrors", "metrics", "rules", "ciRepositories", "issuer", "hostKey", "privateKey", "serviceManager", "extraConfig"].map((key) => [group, key] as const));
    fc.assert(
        fc.property(fc.constantFrom(...settingNames), fc.jsonValue({ maxDepth: 3 }), ([group, key], value) => {
            declaredOrRefused({ [group]: { [key]: value } });
            declaredOrRefused({ [group]: value as Record<string, unknown> });
        }),
        { numRuns: 150 },
    );
});
