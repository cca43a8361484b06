/**
 * Whatever the settings: either they are refused, or the config that they render keeps the tiers. The config is read
 * here by a small model of zot of its own, beside the code under test: keys without regard to case and cut at `::`,
 * single values for lists, and only the longest matching pattern.
 */
import fc from "fast-check";
import { ACTIONS, type Action, ANONYMOUS, evaluate, type Who } from "../../components/accessPolicy";
import { type DeclaredState, declaredState } from "../../components/declaredState";
import { SettingsError, workloadsOf } from "../../components/settings";
import { readOnlyConfig } from "../../components/zotConfig";
import { meets } from "../../testbed/zot/conditions";
import { matches } from "../../testbed/zot/globs";
import { someAccess, someExtraConfig, someIdentity, someMirrors, someWorkloads } from "../support/randomSettings";
import { REPOSITORIES } from "../support/repositories";
import { rawSettings } from "../support/settings";

// --- zot, naively

type Any = any; // zot reads whatever there is

/** The config as zot's reader leaves it: small keys, `::` as nesting, null and empty maps gone. */
function asZotReads(value: Any): Any {
    if (Array.isArray(value)) return value.map(asZotReads);
    if (value === null || typeof value !== "object") return value;
    const result: Any = Object.create(null);
    for (const [key, item] of Object.entries(value)) {
        const read = asZotReads(item);
        if (read === null || (typeof read === "object" && !Array.isArray(read) && Object.keys(read).length === 0))
            continue;
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

/** What a push or a pull is about: a tag of a scheme, others, a digest, and nothing (blobs). */
const REFERENCES = ["v1.2.3", "latest", `sha256:${"0f".repeat(32)}`, ""];

const met = new Map<string, boolean>();

/** Whether a condition holds, by the library that the stand-in evaluates it with. `tls`: what one of TLS comes to. */
function holds({ expression }: Any, action: Action, repository: string, reference: string, tls: boolean): boolean {
    if (/tls/.test(expression)) return tls;
    const key = [expression, action, repository, reference].join("\n");
    const asked = { userName: "", groups: [], isAdmin: false, action, repository, reference };
    const request = { method: "PUT", userAgent: "", address: "", forwardedFor: [], isTls: tls };
    if (!met.has(key)) met.set(key, meets([{ expression, message: "" }], { ...asked, ...request }).met);
    return met.get(key)!;
}

/** What zot would answer; `tls` is what every condition of TLS comes to. */
function zotAllows(
    config: Any,
    who: Who,
    action: Action,
    repository: string,
    tls: boolean,
    reference: string | undefined = undefined,
): boolean {
    const references = reference === undefined ? REFERENCES : [reference];
    const control = config.http.accesscontrol;
    let longest = "";
    // Of two of one length zot takes either, by chance: here the later one, in evaluate() the earlier.
    for (const pattern of Object.keys(control.repositories ?? {}))
        if (pattern.length >= longest.length && matches(pattern, repository)) longest = pattern;
    const rule = control.repositories?.[longest] ?? {};
    const { name, groups } = who.kind === "user" ? who : { name: "", groups: [] as string[] };
    const gives = (policy: Any) =>
        names(policy.actions).includes(action) &&
        (names(policy.users).includes(name) || names(policy.groups).some((group) => groups.includes(group))) &&
        references.some((one) =>
            list(policy.conditions).every((condition) => holds(condition, action, repository, one, tls)),
        );
    return (
        list(rule.policies).some(gives) ||
        names(who.kind === "user" ? rule.defaultpolicy : rule.anonymouspolicy).includes(action) ||
        list(control.adminpolicy).some(gives)
    );
}

function declaredOrRefused(changes: Record<string, Record<string, unknown>>): DeclaredState | undefined {
    try {
        return declaredState(rawSettings(changes));
    } catch (error) {
        if (!(error instanceof SettingsError)) throw error;
        expect(error.mistakes.every(({ setting, message }) => message.startsWith(setting.split(/[.[]/)[0]!))).toBe(
            true,
        );
        return undefined;
    }
}

// --- what has to hold

const repositories = [
    ...REPOSITORIES,
    "docker.io",
    "docker.io/app",
    "docker.io/library/app",
    "docker.io-images/app",
    "ghcr.io/a",
    "library/app",
    "mirror/a",
    "tern/app",
    "a",
];

/** Every breach of the tiers, in a form that names who, where and what. */
function breaches({ settings, zotConfig, policy }: DeclaredState): unknown[] {
    const config = asZotReads(JSON.parse(JSON.stringify(zotConfig())));
    const readOnly = asZotReads(JSON.parse(JSON.stringify(readOnlyConfig(settings))));
    const { adminsGroup, workloadsGroup, ciUser } = settings.identity;
    const identities = workloadsOf(settings);
    const [, ...further] = identities;
    const user = (name: string, ...groups: string[]): Who => ({
        kind: "user",
        name,
        groups: groups.filter((group) => group !== adminsGroup),
    });
    const others: Who[] = [
        user("someone"),
        user("bob"),
        user(ciUser, workloadsGroup),
        user("dev", "developers", "testers"),
        user("all", "admins", "developers", "testers", workloadsGroup),
        ...further.map((one) => user(one.user, one.group)),
        user("both", ...further.map(({ group }) => group)),
    ];
    const admin: Who = { kind: "user", name: "boss", groups: [adminsGroup] };
    const everyone: Who[] = [ANONYMOUS, admin, ...others];
    const cached = (repository: string) =>
        !settings.access.ciMayPushToMirrors &&
        settings.zot.mirrors.some(({ prefix }) => repository === prefix || repository.startsWith(`${prefix}/`));
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
            for (const action of ["create", "update"] as const)
                for (const reference of REFERENCES) {
                    const allowed = zotAllows(config, who, action, repository, true, reference);
                    const said = evaluate(policy, who, action, repository, reference);
                    demand(allowed === said, "evaluated otherwise", who, action, repository, reference, allowed);
                }
            if (who === ANONYMOUS) demand(String(most) === "read", "anonymous may more than read", repository, most);
            else if (who === admin) {
                demand(
                    ["create", "delete"].every((action) => least.includes(action as Action)),
                    "admins are locked out",
                    repository,
                    least,
                );
                demand(!most.includes("update") || settings.access.adminsMayUpdate, "admins overwrite", repository);
            } else {
                const isOfChannel = identities.some(
                    ({ group, channels, movableTags }) =>
                        who.kind === "user" &&
                        who.groups.includes(group) &&
                        [...channels, ...Object.keys(movableTags)].some((pattern) => matches(pattern, repository)),
                );
                demand(
                    (!most.includes("update") || (isOfChannel && most.includes("create"))) && !most.includes("delete"),
                    "changes or deletes",
                    who,
                    repository,
                    most,
                );
                demand(!cached(repository) || !most.includes("create"), "pushes into a cache", who, repository);
            }
            const written = ACTIONS.filter(
                (action) => action !== "read" && zotAllows(readOnly, who, action, repository, true),
            );
            demand(written.length === 0, "writes while read-only", who, repository, written);
        }
        demand(zotAllows(readOnly, ANONYMOUS, "read", repository, true), "may not read while read-only", repository);
    }

    const { auth, externalurl } = config.http;
    const { oidc, ...otherProviders } = auth.openid.providers;
    demand(externalurl === settings.registry.url, "another external URL");
    // All that logs somebody in is the declared provider, and keys.
    const others_ = Object.keys(auth).filter(
        (key) => !["openid", "apikey", "securesession", "sessionkeysfile", "sessiondriver", "faildelay"].includes(key),
    );
    demand(
        auth.apikey === true &&
            others_.length === 0 &&
            Object.keys(otherProviders).length === 0 &&
            config.http.tls?.cacert === undefined,
        "other logins",
        auth,
    );
    const admins_ = list(config.http.accesscontrol.adminpolicy);
    demand(
        admins_.every(
            (policy) =>
                names(policy.users).length === 0 && names(policy.groups).every((group) => group === adminsGroup),
        ),
        "an administrator of zot",
        admins_,
    );
    demand(
        oidc.issuer === settings.identity.issuer && oidc.claimmapping.username === "preferred_username",
        "another identity",
        oidc,
    );
    demand(
        ["openid", "email", "profile"].every((scope) => oidc.scopes.includes(scope)),
        "scopes are missing",
        oidc,
    );
    demand(
        config.http.accesscontrol.groups === undefined && JSON.stringify(readOnly.http.auth) === '{"apikey":true}',
        "logins or groups of its own",
    );
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
    expectTiersOf(
        fc.record({
            access: someAccess,
            identity: someIdentity,
            ci: fc.record({ workloads: someWorkloads }),
            zot: fc.record({ mirrors: someMirrors }),
        }),
        300,
    );
});

test("whatever is in zot.extraConfig, it is refused or the rendered config keeps the tiers", () => {
    expectTiersOf(
        fc.record({
            access: fc.record({ ciRepositories: fc.constantFrom(["**"], ["team/**"]), adminsMayUpdate: fc.boolean() }),
            zot: fc.record({ mirrors: someMirrors, extraConfig: someExtraConfig }),
        }),
        800,
    );
});

test("any JSON in zot.extraConfig is refused with sentences, or rendered", () => {
    fc.assert(
        fc.property(
            fc.jsonValue({ maxDepth: 5 }),
            fc.constantFrom("http", "storage", "extensions", "accessControl", "anything"),
            (value, key) => {
                for (const extraConfig of [
                    value,
                    { [key]: value },
                    { http: { [key]: value } },
                    { http: { accessControl: { repositories: { "team/**": value } } } },
                    { http: { accessControl: { adminPolicy: value } } },
                    { extensions: { sync: { registries: value } } },
                ]) {
                    const declared = declaredOrRefused({ zot: { extraConfig } });
                    if (declared) expect(() => JSON.stringify(declared.zotConfig())).not.toThrow();
                }
            },
        ),
        { numRuns: 100 },
    );
});

test("any value of any setting is refused with a sentence, or accepted", () => {
    const { groups } = rawSettings();
    const settingNames = Object.keys(groups).flatMap((group) =>
        [
            "url",
            "port",
            "mirrors",
            "metrics",
            "rules",
            "ciRepositories",
            "issuer",
            "hostKey",
            "privateKey",
            "serviceManager",
            "extraConfig",
        ].map((key) => [group, key] as const),
    );
    fc.assert(
        fc.property(fc.constantFrom(...settingNames), fc.jsonValue({ maxDepth: 3 }), ([group, key], value) => {
            declaredOrRefused({ [group]: { [key]: value } });
            declaredOrRefused({ [group]: value as Record<string, unknown> });
        }),
        { numRuns: 150 },
    );
});
