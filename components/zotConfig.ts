/**
 * zot's config.json from settings, and the lint of the result. Pure.
 *
 * `zot verify` lets through much that opens a registry or breaks its logins (measured on zot 2.1.20): misspelt actions,
 * empty groups, an empty `repositories`, an `http://` external URL, scopes without `profile` and more. All of it is refused here.
 */
import { type AccessPolicy, ACTIONS, type Action, evaluate, type Grant, policyBreaches, type RepositoryRule, tieredPolicy, type Who } from "./accessPolicy";
import { isLoopback, mayOverlap, patternMistake, type PolicySettings, type SettingMistake } from "./settings";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonMap = { [key: string]: Json };

/** zot's config.json. What is not typed here is the site's own (`zot.extraConfig`). */
export type ZotConfig = JsonMap;

/** Where the secret files are on the host; the config names them and does not hold them. */
export interface SecretFiles {
    /** `{"clientid": …, "clientsecret": …}` */
    credentials: string;
    /** `{"hashKey": …, "encryptKey": …}`: with them a restart logs nobody out. */
    sessionKeys: string;
}

/** What the config is for where no secret is at hand: names as they are on the host, but for the hash. */
export function namelessSecretFiles(settings: PolicySettings): SecretFiles {
    return secretFiles(settings, { credentials: "<sha256>", sessionKeys: "<sha256>" });
}

/** The secret files' names: beside the config, named by the hash of their content, so that a config and its secrets belong together. */
export function secretFiles({ zot }: PolicySettings, hashes: { credentials: string; sessionKeys: string }): SecretFiles {
    const folder = zot.configFile.slice(0, zot.configFile.lastIndexOf("/"));
    return {
        credentials: `${folder}/oidc-credentials.${hashes.credentials}.json`,
        sessionKeys: `${folder}/session-keys.${hashes.sessionKeys}.json`,
    };
}

/** The path under the external URL to which a login returns: what Authentik must have as redirect URI, to the letter. */
export function loginCallbackUrl(settings: Pick<PolicySettings, "registry">): string {
    return `${settings.registry.url}/zot/auth/callback/oidc`;
}

/**
 * zot's config as the settings describe it, the site's own part merged in.
 * Call {@link configMistakes} on the same settings first: a part that contradicts the rest is left out here.
 */
export function renderZotConfig(settings: PolicySettings, files: SecretFiles): ZotConfig {
    return mergeExtra(baseConfig(settings, files), settings.zot.extraConfig as JsonMap).config;
}

/** The text that is pushed, and whose sha256 is the stack's output. */
export function configText(config: ZotConfig): string {
    return `${JSON.stringify(config, null, 2)}\n`;
}

function baseConfig(settings: PolicySettings, files: SecretFiles): JsonMap {
    const { registry, zot, identity } = settings;
    const auth: JsonMap = {
        openid: {
            providers: {
                oidc: {
                    name: identity.providerName,
                    credentialsFile: files.credentials,
                    issuer: identity.issuer,
                    scopes: ["openid", "email", "profile"],
                    // Without the mapping, the user's name would silently be the e-mail address.
                    claimMapping: { username: "preferred_username", groups: "groups" },
                },
            },
        },
        apikey: true,
    };
    // zot takes either; a site with more than one instance keeps its sessions in redis.
    if (!hasSessionDriver(zot.extraConfig)) auth.sessionKeysFile = files.sessionKeys;

    return {
        distSpecVersion: "1.1.1",
        storage: {
            rootDirectory: zot.rootDirectory,
            gc: zot.garbageCollection,
            gcDelay: zot.garbageCollectionDelay,
            gcInterval: zot.garbageCollectionInterval,
        },
        http: {
            address: zot.address,
            port: String(zot.port),
            realm: "zot",
            externalUrl: registry.url,
            auth,
            accessControl: accessControl(tieredPolicy(settings), settings),
        },
        log: { level: zot.logLevel },
        extensions: extensions(settings),
    };
}

function accessControl(policy: AccessPolicy, { zot }: PolicySettings): JsonMap {
    const repositories: JsonMap = {};
    for (const rule of policy.rules) {
        repositories[rule.pattern] = {
            anonymousPolicy: rule.anonymous,
            // Without it, who logs in would lose what anonymous readers have.
            defaultPolicy: rule.loggedIn,
            policies: rule.grants.map((grant) => ({
                ...(grant.users.length > 0 ? { users: grant.users } : {}),
                ...(grant.groups.length > 0 ? { groups: grant.groups } : {}),
                actions: grant.actions,
            })),
        };
    }
    const metrics: Record<typeof zot.metrics, JsonMap | undefined> = {
        anonymous: { anonymousPolicy: ["read"] },
        users: { users: zot.metricsUsers },
        off: undefined,
    };
    const readers = metrics[zot.metrics];
    return { repositories, ...(readers ? { metrics: readers } : {}) };
}

function extensions({ zot }: PolicySettings): JsonMap {
    const result: JsonMap = {};
    if (zot.metrics !== "off") result.metrics = { enable: true, prometheus: { path: zot.metricsPath } };
    if (zot.search) {
        result.search = {
            enable: true,
            ...(zot.vulnerabilityUpdateInterval === "off" ? {} : { cve: { updateInterval: zot.vulnerabilityUpdateInterval } }),
        };
    }
    if (zot.userInterface) result.ui = { enable: true };
    if (zot.mirrors.length > 0) {
        result.sync = {
            enable: true,
            registries: zot.mirrors.map((mirror) => ({
                urls: [mirror.url],
                onDemand: true,
                tlsVerify: true,
                content: [{ prefix: mirror.content ?? "**", destination: `/${mirror.prefix}` }],
            })),
        };
    }
    return result;
}

/** A registry that anyone may read and nobody change, and that starts without an identity provider. */
export function readOnlyConfig(settings: PolicySettings): ZotConfig {
    const config = structuredClone(baseConfig({ ...settings, zot: { ...settings.zot, metrics: "off" } }, { credentials: "", sessionKeys: "" }));
    const http = config.http as JsonMap;
    delete http.auth;
    http.accessControl = { repositories: { "**": { anonymousPolicy: ["read"] } } };
    if (settings.zot.metrics === "anonymous") {
        (http.accessControl as JsonMap).metrics = { anonymousPolicy: ["read"] };
        (config.extensions as JsonMap).metrics = { enable: true, prometheus: { path: settings.zot.metricsPath } };
    }
    const extra = withoutLogins(settings.zot.extraConfig as JsonMap);
    return mergeExtra(config, extra).config;
}

/** The site's own part without what only makes sense together with logins. */
function withoutLogins(extra: JsonMap): JsonMap {
    const copy = structuredClone(extra);
    for (const key of Object.keys(copy)) {
        const http = copy[key];
        if (key.toLowerCase() !== "http" || !isMap(http)) continue;
        for (const member of Object.keys(http)) {
            if (["auth", "accesscontrol"].includes(member.toLowerCase())) delete http[member];
        }
    }
    return copy;
}

// --- the site's own part ------------------------------------------------------------------------------------------

const isMap = (value: Json | undefined): value is JsonMap => value !== null && typeof value === "object" && !Array.isArray(value);

function hasSessionDriver(extra: Record<string, unknown>): boolean {
    return valueAt(extra as JsonMap, ["http", "auth", "sessionDriver"]) !== undefined;
}

/** zot reads the keys of its config without regard to case. */
function keyIn(map: JsonMap, key: string): string | undefined {
    return Object.keys(map).find((candidate) => candidate.toLowerCase() === key.toLowerCase());
}

function valueAt(config: Json | undefined, path: string[]): Json | undefined {
    let found = config;
    for (const part of path) {
        if (!isMap(found)) return undefined;
        const key = keyIn(found, part);
        found = key === undefined ? undefined : found[key];
    }
    return found;
}

/** Adds `extra` to `base`: maps are merged, lists appended; a different single value is a contradiction, and left out. */
function mergeExtra(base: JsonMap, extra: JsonMap): { config: JsonMap; mistakes: string[] } {
    const mistakes: string[] = [];
    const merge = (target: JsonMap, source: JsonMap, path: string): void => {
        const seen = new Map<string, string>();
        for (const [key, value] of Object.entries(source)) {
            const name = path ? `${path}.${key}` : key;
            const twin = seen.get(key.toLowerCase());
            if (twin) mistakes.push(`${name} and ${twin} are the same key to zot, which does not regard case; keep one`);
            seen.set(key.toLowerCase(), key);
            if (key.includes("::")) mistakes.push(`${name} has "::" in its key, which zot cannot read`);
            if (value === null || value === undefined) {
                mistakes.push(`${name} is null, which zot takes for absent; remove it, or give it a value`);
                continue;
            }
            if (isMap(value) && Object.keys(value).length === 0) {
                mistakes.push(`${name} is an empty map, which zot lets pass whatever its name is; remove it, or fill it`);
                continue;
            }
            const targetKey = keyIn(target, key) ?? key;
            const present = target[targetKey];
            if (present === undefined) target[targetKey] = structuredClone(value);
            else if (isMap(present) && isMap(value)) merge(present, value, name);
            else if (Array.isArray(present) && Array.isArray(value)) target[targetKey] = [...present, ...structuredClone(value)];
            else if (present !== value) {
                mistakes.push(`${name} is ${JSON.stringify(value)} there and ${JSON.stringify(present)} by the other settings; change the setting that decides it, and leave it out of zot.extraConfig`);
            }
        }
    };
    const config = structuredClone(base);
    merge(config, extra, "");
    return { config, mistakes };
}

// --- lint ---------------------------------------------------------------------------------------------------------

/** Every mistake that only shows in the rendered config, in the words of the settings. */
export function configMistakes(settings: PolicySettings): SettingMistake[] {
    const merged = mergeExtra(baseConfig(settings, namelessSecretFiles(settings)), settings.zot.extraConfig as JsonMap);
    const found = [...merged.mistakes, ...lintZotConfig(merged.config, settings)];
    return found.map((message) => ({ setting: "zot.extraConfig", message: `zot's config as rendered (zot.extraConfig and access.* included): ${message}.` }));
}

/** Whatever is wrong with a config although `zot verify` would let it through; each as the middle of a sentence. */
export function lintZotConfig(config: ZotConfig, settings: Pick<PolicySettings, "access" | "identity">): string[] {
    return [...urlMistakes(config), ...loginMistakes(config), ...accessControlMistakes(config, settings)];
}

function urlMistakes(config: ZotConfig): string[] {
    const found: string[] = [];
    const externalUrl = valueAt(config, ["http", "externalUrl"]);
    let parsed: URL | undefined;
    try {
        parsed = new URL(String(externalUrl));
    } catch {
        found.push(`http.externalUrl ${JSON.stringify(externalUrl)} is not a URL`);
    }
    if (parsed && parsed.protocol !== "https:" && !(parsed.protocol === "http:" && isLoopback(parsed.hostname))) {
        found.push(`http.externalUrl ${JSON.stringify(externalUrl)} is not https, so that logins could be read on the way`);
    }
    return found;
}

function loginMistakes(config: ZotConfig): string[] {
    const found: string[] = [];
    const auth = valueAt(config, ["http", "auth"]);
    if (valueAt(auth, ["bearer"]) !== undefined) {
        found.push("http.auth.bearer replaces every other login: anonymous pulls, OpenID Connect and API keys would all stop; it cannot be combined with them");
    }
    const provider = valueAt(auth, ["openid", "providers", "oidc"]);
    if (provider === undefined) return [...found, "http.auth.openid.providers.oidc is missing, so that nobody could log in"];
    const scopes = valueAt(provider, ["scopes"]);
    for (const scope of ["openid", "email", "profile"]) {
        if (!Array.isArray(scopes) || !scopes.includes(scope)) found.push(`the scopes of http.auth.openid lack ${scope}`);
    }
    if (valueAt(provider, ["claimMapping", "username"]) !== "preferred_username") {
        found.push("http.auth.openid has no claim mapping from preferred_username, so that users would be named by their e-mail address and have no rights");
    }
    const issuer = valueAt(provider, ["issuer"]);
    if (typeof issuer !== "string" || !issuer.endsWith("/")) found.push(`the issuer ${JSON.stringify(issuer)} has no trailing slash, and zot would stop at start`);
    if (valueAt(auth, ["sessionKeysFile"]) !== undefined && valueAt(auth, ["sessionDriver"]) !== undefined) {
        found.push("http.auth has both sessionKeysFile and sessionDriver, of which zot takes one");
    }
    const others = Object.keys(isMap(valueAt(auth, ["openid", "providers"])) ? (valueAt(auth, ["openid", "providers"]) as JsonMap) : {}).filter((name) => name !== "oidc");
    if (others.length > 0) found.push(`http.auth.openid.providers has ${others.join(", ")} beside oidc, whose users and groups would get the rights of Authentik's by name`);
    return found;
}

function accessControlMistakes(config: ZotConfig, settings: Pick<PolicySettings, "access" | "identity">): string[] {
    const found: string[] = [];
    const control = valueAt(config, ["http", "accessControl"]);
    const repositories = valueAt(control, ["repositories"]);
    if (!isMap(control) || !isMap(repositories) || Object.keys(repositories).length === 0) {
        return ["http.accessControl has no rule for any repository, and zot would let every logged-in user do everything"];
    }
    for (const [pattern, rule] of Object.entries(repositories)) {
        const mistake = patternMistake(pattern);
        if (mistake) found.push(`the pattern ${JSON.stringify(pattern)} is refused: ${mistake}`);
        if (!isMap(rule) || Object.keys(rule).length === 0) found.push(`the rule for ${JSON.stringify(pattern)} is empty, and zot would let every logged-in user do everything there`);
        found.push(...rawRuleMistakes(`the rule for ${JSON.stringify(pattern)}`, rule));
    }
    found.push(...rawPolicyMistakes("adminPolicy", valueAt(control, ["adminPolicy"])));
    const metricsUsers = valueAt(control, ["metrics", "users"]);
    if (Array.isArray(metricsUsers) && metricsUsers.some((user) => typeof user !== "string" || user.trim() === "")) {
        found.push("metrics.users has an empty name, which zot takes for anonymous");
    }

    const policy = policyOf(config);
    const { adminsGroup, workloadsGroup, ciUser } = settings.identity;
    found.push(...policyBreaches(policy, { adminsGroup, workloadsGroup, ciUser }, { adminsMayUpdate: settings.access.adminsMayUpdate }));
    found.push(...ambiguousPatterns(policy));
    if (!settings.access.ciMayPushToMirrors) found.push(...openMirrors(config, policy, settings));
    // Anyone may read what a mirrored registry stores, whoever pushed it; a group list in zot would be a second master of groups.
    const groups = valueAt(control, ["groups"]);
    if (isMap(groups) && [adminsGroup, workloadsGroup].some((group) => keyIn(groups, group))) {
        found.push(`http.accessControl.groups names ${adminsGroup} or ${workloadsGroup}, whose members Authentik decides`);
    }
    return found;
}

function rawRuleMistakes(where: string, rule: Json | undefined): string[] {
    const found: string[] = [];
    for (const member of ["anonymousPolicy", "defaultPolicy"]) {
        const actions = valueAt(rule, [member]);
        if (actions !== undefined) found.push(...actionMistakes(`${member} of ${where}`, actions, true));
    }
    const policies = valueAt(rule, ["policies"]);
    if (policies !== undefined && !Array.isArray(policies)) found.push(`policies of ${where} is not a list`);
    for (const policy of Array.isArray(policies) ? policies : []) found.push(...rawPolicyMistakes(`a policy of ${where}`, policy));
    return found;
}

function rawPolicyMistakes(where: string, policy: Json | undefined): string[] {
    if (policy === undefined) return [];
    const found = actionMistakes(where, valueAt(policy, ["actions"]), false);
    const subjects = ["users", "groups"].flatMap((kind) => {
        const names = valueAt(policy, [kind]);
        if (names === undefined) return [];
        if (!Array.isArray(names)) {
            found.push(`${kind} of ${where} is not a list`);
            return [];
        }
        if (names.some((name) => typeof name !== "string" || name.trim() === "")) found.push(`${kind} of ${where} has an empty name, which zot takes for anonymous`);
        return names;
    });
    if (subjects.length === 0) found.push(`${where} names no user and no group, and has no effect`);
    return found;
}

function actionMistakes(where: string, actions: Json | undefined, mayBeEmpty: boolean): string[] {
    if (!Array.isArray(actions)) return [`${where} has no list of actions`];
    if (actions.length === 0 && !mayBeEmpty) return [`${where} has an empty list of actions`];
    const unknown = actions.filter((action) => !(ACTIONS as readonly Json[]).includes(action));
    return unknown.length > 0 ? [`${where} has ${unknown.map((action) => JSON.stringify(action)).join(", ")}, which zot would ignore; actions are ${ACTIONS.join(", ")}`] : [];
}

/** Of two patterns of the same length that match one repository, zot takes either, by chance. */
function ambiguousPatterns(policy: AccessPolicy): string[] {
    return policy.rules.flatMap((rule, index) =>
        policy.rules
            .slice(0, index)
            .filter((other) => other.pattern.length === rule.pattern.length && mayOverlap(other.pattern, rule.pattern) && !sameRights(other, rule))
            .map((other) => `the patterns ${JSON.stringify(other.pattern)} and ${JSON.stringify(rule.pattern)} are of one length and may match the same repository, and zot would pick either rule by chance`),
    );
}

const sameRights = (left: RepositoryRule, right: RepositoryRule) =>
    JSON.stringify({ ...left, pattern: "" }) === JSON.stringify({ ...right, pattern: "" });

function openMirrors(config: ZotConfig, policy: AccessPolicy, { identity }: Pick<PolicySettings, "identity">): string[] {
    const registries = valueAt(config, ["extensions", "sync", "registries"]);
    if (!Array.isArray(registries)) return [];
    const ci: Who = { kind: "user", name: identity.ciUser, groups: [identity.workloadsGroup] };
    return registries.flatMap((registry) => {
        const contents = valueAt(registry, ["content"]);
        return (Array.isArray(contents) && contents.length > 0 ? contents : [{}]).flatMap((content) => {
            const destination = String(valueAt(content, ["destination"]) ?? "").replace(/^\/+|\/+$/g, "");
            const own = destination ? `${destination}/**` : "**";
            const reaching = policy.rules.filter((rule) => mayOverlap(rule.pattern, own) && rule.grants.some((grant) => grant.actions.includes("create") && (grant.users.includes(identity.ciUser) || grant.groups.includes(identity.workloadsGroup))));
            // A general rule that a narrower one for the cache overrides does not reach into it.
            const open = reaching.filter((rule) => rule.pattern.length > own.length || evaluate(policy, ci, "create", destination ? `${destination}/a/b` : "a/b"));
            return open.length > 0
                ? [`CI could push into the pull-through cache ${destination ? `under ${JSON.stringify(destination)}` : "at the root"} by the rule for ${JSON.stringify(open[0]!.pattern)}; declare the cache in zot.mirrors, or set access.ciMayPushToMirrors to true`]
                : [];
        });
    });
}

/** The access policy that a rendered (or a deployed) config means to zot. */
export function policyOf(config: ZotConfig): AccessPolicy {
    const control = valueAt(config, ["http", "accessControl"]);
    const repositories = valueAt(control, ["repositories"]);
    const rules = Object.entries(isMap(repositories) ? repositories : {}).map(([pattern, rule]): RepositoryRule => {
        const policies = valueAt(rule, ["policies"]);
        return {
            pattern,
            anonymous: actionsAt(rule, "anonymousPolicy"),
            loggedIn: actionsAt(rule, "defaultPolicy"),
            grants: (Array.isArray(policies) ? policies : []).map(grantOf),
        };
    });
    const adminPolicy = valueAt(control, ["adminPolicy"]);
    return { rules, everywhere: adminPolicy === undefined ? [] : [grantOf(adminPolicy)] };
}

function grantOf(policy: Json): Grant {
    const conditions = valueAt(policy, ["conditions"]);
    return {
        users: namesAt(policy, "users"),
        groups: namesAt(policy, "groups"),
        actions: actionsAt(policy, "actions"),
        ...(Array.isArray(conditions) && conditions.length > 0 ? { conditional: true } : {}),
    };
}

function namesAt(value: Json | undefined, key: string): string[] {
    const names = valueAt(value, [key]);
    return Array.isArray(names) ? names.filter((name): name is string => typeof name === "string") : [];
}

function actionsAt(value: Json | undefined, key: string): Action[] {
    const names = namesAt(value, key);
    return ACTIONS.filter((action) => names.includes(action));
}
