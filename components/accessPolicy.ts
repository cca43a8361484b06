/**
 * Who may do what: the tiers as data, their evaluation as zot evaluates them, and the access matrix. Pure.
 *
 * The evaluation re-states zot 2.1.20: only the longest pattern that matches a repository applies and nothing is
 * inherited; a logged-in user has what the policies and `defaultPolicy` give, an anonymous one has `anonymousPolicy`;
 * `adminPolicy` reaches every repository.
 */
import picomatch from "picomatch";
import { type Action, ACTIONS, literalPrefix, type PolicySettings } from "./settings";

export { type Action, ACTIONS } from "./settings";

/** Actions that a rule gives to some users and groups. */
export interface Grant {
    users: string[];
    groups: string[];
    actions: Action[];
    /** True where the grant depends on the request (a CEL condition); it is taken as given when rights are compared. */
    conditional?: boolean;
}

export interface RepositoryRule {
    /** zot's glob: `*` within a part of a name, `**` for any number of parts. */
    pattern: string;
    anonymous: Action[];
    /** What everyone who is logged in has, whatever their groups. */
    loggedIn: Action[];
    grants: Grant[];
}

export interface AccessPolicy {
    rules: RepositoryRule[];
    /** Grants on every repository, beside the rules. */
    everywhere: Grant[];
}

/** Someone who sends a request. */
export type Who = { kind: "anonymous" } | { kind: "user"; name: string; groups: string[] };

/** The names that the tiers are attached to. */
export interface Tiers {
    adminsGroup: string;
    workloadsGroup: string;
    ciUser: string;
}

export const ANONYMOUS: Who = { kind: "anonymous" };

const sorted = (actions: Iterable<Action>): Action[] => {
    const set = new Set(actions);
    return ACTIONS.filter((action) => set.has(action));
};

/** The three tiers, and the site's own rules, as a policy. */
export function tieredPolicy({ access, identity, zot }: PolicySettings): AccessPolicy {
    const adminActions: Action[] = access.adminsMayUpdate ? ["read", "create", "update", "delete"] : ["read", "create", "delete"];
    const rule = (pattern: string, ci: Action[], more: { admins?: Action[]; groups?: Record<string, Action[]> } = {}): RepositoryRule => ({
        pattern,
        anonymous: ["read"],
        loggedIn: ["read"],
        grants: [
            { users: [], groups: [identity.workloadsGroup], actions: sorted(ci) },
            { users: [], groups: [identity.adminsGroup], actions: sorted(more.admins ?? adminActions) },
            ...Object.entries(more.groups ?? {}).map(([group, actions]) => ({ users: [], groups: [group], actions: sorted(actions) })),
        ],
    });

    const rules = new Map<string, RepositoryRule>();
    const add = (next: RepositoryRule) => rules.set(next.pattern, next);
    add(rule("**", access.ciRepositories.includes("**") ? ["read", "create"] : ["read"]));
    for (const pattern of access.ciRepositories) {
        if (pattern !== "**") add(rule(pattern, ["read", "create"]));
    }
    if (!access.ciMayPushToMirrors) {
        for (const mirror of zot.mirrors) add(rule(`${mirror.prefix}/**`, ["read"]));
    }
    for (const [pattern, own] of Object.entries(access.rules)) {
        add(rule(pattern, own.ci ?? ["read", "create"], { admins: own.admins, groups: own.groups }));
    }
    return { rules: [...rules.values()], everywhere: [] };
}

const matchers = new Map<string, (repository: string) => boolean>();

function matches(pattern: string, repository: string): boolean {
    let matcher = matchers.get(pattern);
    if (!matcher) {
        // Repository names may begin a part with what a shell would hide, and have no other special characters.
        matcher = picomatch(pattern, { dot: true, nonegate: true, noextglob: true });
        matchers.set(pattern, matcher);
    }
    return matcher(repository);
}

/** The one rule that applies to a repository: the longest pattern that matches. */
export function ruleFor(policy: AccessPolicy, repository: string): RepositoryRule | undefined {
    return policy.rules
        .filter((rule) => matches(rule.pattern, repository))
        .reduce<RepositoryRule | undefined>((best, rule) => (best && best.pattern.length >= rule.pattern.length ? best : rule), undefined);
}

/** Whether `who` may do `action` on `repository`. */
export function evaluate(policy: AccessPolicy, who: Who, action: Action, repository: string): boolean {
    return rightsUnder(ruleFor(policy, repository), policy, who).includes(action);
}

function rightsUnder(rule: RepositoryRule | undefined, policy: AccessPolicy, who: Who): Action[] {
    if (who.kind === "anonymous") return sorted(rule?.anonymous ?? []);
    const holds = (grant: Grant) => grant.users.includes(who.name) || grant.groups.some((group) => who.groups.includes(group));
    const granted = [...(rule?.grants ?? []), ...policy.everywhere].filter(holds).flatMap((grant) => grant.actions);
    return sorted([...granted, ...(rule?.loggedIn ?? [])]);
}

/** Rights by repository pattern, then by who has them: `matrix["**"]["admins"]` is `["read", "create", "delete"]`. */
export type AccessMatrix = Record<string, Record<string, Action[]>>;

export const ANONYMOUS_ROW = "anonymous";
export const LOGGED_IN_ROW = "logged in, no group";

/** The matrix of a policy: for each pattern, anonymous, anyone logged in, and every group and user that the policy names. */
export function accessMatrix(policy: AccessPolicy): AccessMatrix {
    const groups = new Set<string>();
    const users = new Set<string>();
    for (const grant of [...policy.rules.flatMap((rule) => rule.grants), ...policy.everywhere]) {
        grant.groups.forEach((group) => groups.add(group));
        grant.users.forEach((user) => users.add(user));
    }
    const rows: [string, Who][] = [
        [ANONYMOUS_ROW, ANONYMOUS],
        [LOGGED_IN_ROW, { kind: "user", name: "", groups: [] }],
        ...[...groups].map((group): [string, Who] => [`group ${group}`, { kind: "user", name: "", groups: [group] }]),
        ...[...users].map((name): [string, Who] => [`user ${name}`, { kind: "user", name, groups: [] }]),
    ];
    return Object.fromEntries(
        bySpecificity(policy.rules).map((rule) => [rule.pattern, Object.fromEntries(rows.map(([label, who]) => [label, rightsUnder(rule, policy, who)]))]),
    );
}

/** General patterns first, then by name: the order in which a reader looks for them. */
function bySpecificity(rules: RepositoryRule[]): RepositoryRule[] {
    return [...rules].sort((left, right) => literalPrefix(left.pattern).length - literalPrefix(right.pattern).length || left.pattern.localeCompare(right.pattern, "en"));
}

/**
 * What must hold of any policy that is pushed, whatever the settings; each breach as a sentence.
 * Checked on the rendered config too, so that `zot.extraConfig` cannot undo it.
 */
export function policyBreaches(policy: AccessPolicy, tiers: Tiers, permitted: { adminsMayUpdate: boolean }): string[] {
    const breaches: string[] = [];
    const list = (actions: readonly Action[]) => actions.join(", ");
    if (policy.rules.length === 0) breaches.push("there is no rule for any repository, and zot would then let any logged-in user do everything");
    for (const rule of policy.rules) {
        const where = `on ${JSON.stringify(rule.pattern)}`;
        const anonymousExtra = rule.anonymous.filter((action) => action !== "read");
        if (anonymousExtra.length > 0) breaches.push(`anyone without a login may ${list(anonymousExtra)} ${where}`);
        if (!rule.anonymous.includes("read")) breaches.push(`anonymous readers are locked out ${where}`);
        const loggedInExtra = rule.loggedIn.filter((action) => action !== "read");
        if (loggedInExtra.length > 0) breaches.push(`everyone who is logged in may ${list(loggedInExtra)} ${where}`);
        const lost = rule.anonymous.filter((action) => !rule.loggedIn.includes(action));
        if (lost.length > 0) breaches.push(`who logs in loses ${list(lost)} ${where}, which anonymous readers have`);
        const admin: Who = { kind: "user", name: "", groups: [tiers.adminsGroup] };
        const missing = (["read", "create", "delete"] as const).filter((action) => !rightsUnder(rule, policy, admin).includes(action));
        if (missing.length > 0) breaches.push(`the group ${tiers.adminsGroup} is locked out of ${list(missing)} ${where}`);
        for (const grant of rule.grants) breaches.push(...grantBreaches(grant, where));
    }
    for (const grant of policy.everywhere) breaches.push(...grantBreaches(grant, "everywhere, by adminPolicy"));
    return breaches;

    function grantBreaches(grant: Grant, where: string): string[] {
        const holders = [...grant.groups.map((group) => `the group ${group}`), ...grant.users.map((user) => `the user ${user}`)];
        const onlyAdmins = grant.users.length === 0 && grant.groups.every((group) => group === tiers.adminsGroup);
        const forbidden = grant.actions.filter((action) => (action === "delete" && !onlyAdmins) || (action === "update" && !(onlyAdmins && permitted.adminsMayUpdate)));
        if (forbidden.length === 0) return [];
        return [`${holders.join(" and ") || "a policy without a subject"} may ${list(forbidden)} ${where}; only the group ${tiers.adminsGroup} may delete, and update only with access.adminsMayUpdate`];
    }
}
