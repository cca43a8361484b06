/**
 * Who may do what: the tiers as data, their evaluation as zot evaluates them, and the access matrix. Pure.
 *
 * The evaluation re-states zot 2.1.20: only the longest pattern that matches a repository applies and nothing is
 * inherited; a logged-in user has what the policies and `defaultPolicy` give, an anonymous one has `anonymousPolicy`;
 * `adminPolicy` reaches every repository.
 */
import type { PolicySettings } from "./settings";
import { ACTIONS, type Action } from "./settings/actions";
import { covers, literalPrefix, matchesPattern, mayOverlap, mayPrevail } from "./settings/patterns";

export { ACTIONS, type Action } from "./settings/actions";

/** Actions that a rule gives to some users and groups. */
export interface Grant {
    users: string[];
    groups: string[];
    actions: Action[];
    /** True where the grant depends on the request (a CEL condition); it is taken as given when rights are compared. */
    conditional?: boolean;
}

/** What applies to the repositories of a pattern, where it is the longest one that matches. */
export interface RepositoryRule {
    /** zot's glob: `*` within a part of a name, `**` for any number of parts. */
    pattern: string;
    anonymous: Action[];
    /** What everyone who is logged in has, whatever their groups. */
    loggedIn: Action[];
    grants: Grant[];
}

/** zot's accessControl, as far as rights go. */
export interface AccessPolicy {
    rules: RepositoryRule[];
    /** Grants on every repository, beside the rules. */
    everywhere: Grant[];
}

/** Someone who sends a request. */
export type Who = { kind: "anonymous" } | { kind: "user"; name: string; groups: string[] };

/** Someone who has not logged in. */
export const ANONYMOUS: Who = { kind: "anonymous" };

const sorted = (actions: Iterable<Action>): Action[] => {
    const set = new Set(actions);
    return ACTIONS.filter((action) => set.has(action));
};

/** The three tiers, and the site's own rules, as a policy. */
export function tieredPolicy({ access, identity, zot }: PolicySettings): AccessPolicy {
    const adminActions: Action[] = access.adminsMayUpdate
        ? ["read", "create", "update", "delete"]
        : ["read", "create", "delete"];
    const rule = (
        pattern: string,
        ci: Action[],
        more: { admins?: Action[]; groups?: Record<string, Action[]> } = {},
    ): RepositoryRule => ({
        pattern,
        anonymous: ["read"],
        loggedIn: ["read"],
        grants: [
            { users: [], groups: [identity.workloadsGroup], actions: sorted(ci) },
            { users: [], groups: [identity.adminsGroup], actions: sorted(more.admins ?? adminActions) },
            ...Object.entries(more.groups ?? {}).map(([group, actions]) => ({
                users: [],
                groups: [group],
                actions: sorted(actions),
            })),
        ],
    });
    const caches = access.ciMayPushToMirrors ? [] : zot.mirrors.map((mirror) => `${mirror.prefix}/**`);
    const pushable = (pattern: string) =>
        access.ciRepositories.some((own) => covers(own, pattern)) &&
        !caches.some((cache) => mayPrevail(pattern, cache));

    const rules = new Map<string, RepositoryRule>();
    const add = (next: RepositoryRule) => rules.set(next.pattern, next);
    // A later rule for the same pattern takes the place of an earlier one.
    add(rule("**", ["read"]));
    for (const pattern of access.ciRepositories) add(rule(pattern, ["read", "create"]));
    for (const pattern of caches) add(rule(pattern, ["read"]));
    for (const [pattern, own] of Object.entries(access.rules))
        add(rule(pattern, own.ci ?? (pushable(pattern) ? ["read", "create"] : ["read"]), own));
    return { rules: [...rules.values()], everywhere: [] };
}

/** The one rule that applies to a repository: the longest pattern that matches. */
export function ruleFor(policy: AccessPolicy, repository: string): RepositoryRule | undefined {
    return policy.rules
        .filter((rule) => matchesPattern(rule.pattern, repository))
        .reduce<RepositoryRule | undefined>(
            (best, rule) => (best && best.pattern.length >= rule.pattern.length ? best : rule),
            undefined,
        );
}

/** Whether `who` may do `action` on `repository`. */
export function evaluate(policy: AccessPolicy, who: Who, action: Action, repository: string): boolean {
    return rightsUnder(ruleFor(policy, repository), policy, who).includes(action);
}

/** What `who` may do where a rule applies. `unconditional` leaves out what depends on the request. */
function rightsUnder(
    rule: RepositoryRule | undefined,
    policy: AccessPolicy,
    who: Who,
    { unconditional = false } = {},
): Action[] {
    // Without a name is anonymous to zot, in policies too.
    const { name, groups } = who.kind === "user" ? who : { name: "", groups: [] as string[] };
    const holds = (grant: Grant): boolean =>
        grant.users.includes(name) || grant.groups.some((group) => groups.includes(group));
    const granted = [...(rule?.grants ?? []), ...policy.everywhere].filter(
        (grant) => holds(grant) && !(unconditional && grant.conditional),
    );
    return sorted([
        ...granted.flatMap((grant) => grant.actions),
        ...((who.kind === "user" ? rule?.loggedIn : rule?.anonymous) ?? []),
    ]);
}

/**
 * Rights by repository pattern, then by who has them: `matrix["**"]["group admins"]` is `["read", "create", "delete"]`.
 */
export type AccessMatrix = Record<string, Record<string, Action[]>>;

/** The matrix's names for those who are in no group. */
export const ANONYMOUS_ROW = "anonymous";
export const LOGGED_IN_ROW = "logged in, no group";

/**
 * The matrix of a policy: for each pattern, anonymous, anyone logged in, and every group and user that the policy
 * names.
 */
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
        bySpecificity(policy.rules).map((rule) => [
            rule.pattern,
            Object.fromEntries(rows.map(([label, who]) => [label, rightsUnder(rule, policy, who)])),
        ]),
    );
}

/** General patterns first, then by name: the order in which a reader looks for them. */
function bySpecificity(rules: RepositoryRule[]): RepositoryRule[] {
    return [...rules].sort(
        (left, right) =>
            literalPrefix(left.pattern).length - literalPrefix(right.pattern).length ||
            left.pattern.localeCompare(right.pattern, "en"),
    );
}

/**
 * What must hold of any policy that is pushed, whatever the settings; each breach as a sentence.
 * Checked on the rendered config too, so that `zot.extraConfig` cannot undo it.
 */
export function policyBreaches(
    policy: AccessPolicy,
    { adminsGroup, adminsMayUpdate }: { adminsGroup: string; adminsMayUpdate: boolean },
): string[] {
    const breaches: string[] = [];
    const list = (actions: readonly Action[]) => actions.join(", ");
    if (policy.rules.length === 0)
        breaches.push("there is no rule for any repository, and zot would then let any logged-in user do everything");

    const admin: Who = { kind: "user", name: "", groups: [adminsGroup] };
    for (const rule of policy.rules) {
        const where = `on ${JSON.stringify(rule.pattern)}`;
        const anonymousExtra = rightsUnder(rule, policy, ANONYMOUS).filter((action) => action !== "read");
        if (anonymousExtra.length > 0) breaches.push(`anyone without a login may ${list(anonymousExtra)} ${where}`);
        if (!rule.anonymous.includes("read")) breaches.push(`anonymous readers are locked out ${where}`);
        const loggedInExtra = rule.loggedIn.filter((action) => action !== "read");
        if (loggedInExtra.length > 0) breaches.push(`everyone who is logged in may ${list(loggedInExtra)} ${where}`);
        const lost = rule.anonymous.filter((action) => !rule.loggedIn.includes(action));
        if (lost.length > 0) breaches.push(`who logs in loses ${list(lost)} ${where}, which anonymous readers have`);
        const certain = rightsUnder(rule, policy, admin, { unconditional: true });
        const missing = (["read", "create", "delete"] as const).filter((action) => !certain.includes(action));
        if (missing.length > 0) breaches.push(`the group ${adminsGroup} is locked out of ${list(missing)} ${where}`);
        for (const grant of rule.grants) breaches.push(...grantBreaches(grant, where));
    }
    for (const grant of policy.everywhere) {
        breaches.push(...grantBreaches(grant, "everywhere, by adminPolicy"));
        // zot 2.1.20: whatever actions it names, and whether or not its conditions hold.
        const others = holdersOf({ ...grant, groups: grant.groups.filter((group) => group !== adminsGroup) });
        if (others.length > 0)
            breaches.push(
                `${others.join(" and ")} would be zot's administrator by adminPolicy, whatever its actions; ` +
                    `only the group ${adminsGroup} may be, so give the rights by a rule for the repositories`,
            );
    }
    return breaches;

    function grantBreaches(grant: Grant, where: string): string[] {
        const onlyAdmins = isOnlyFor(grant, adminsGroup);
        const forbidden = grant.actions.filter(
            (action) =>
                (action === "delete" && !onlyAdmins) || (action === "update" && !(onlyAdmins && adminsMayUpdate)),
        );
        if (forbidden.length === 0) return [];
        return [
            `${holdersOf(grant).join(" and ") || "a policy without a subject"} may ${list(forbidden)} ${where}; ` +
                `only the group ${adminsGroup} may delete, and update only with access.adminsMayUpdate`,
        ];
    }
}

const holdersOf = ({ groups, users }: Grant) => [
    ...groups.map((group) => `the group ${group}`),
    ...users.map((user) => `the user ${user}`),
];
const isOnlyFor = (grant: Grant, group: string) =>
    grant.users.length === 0 && grant.groups.every((name) => name === group);

/**
 * By what someone other than admins could push to repositories of a pull-through cache, in place of upstream, in words.
 * `cache` is the pattern of its repositories. Errs on the side of naming a rule.
 */
export function pushableInCache(policy: AccessPolicy, cache: string, adminsGroup: string): string[] {
    const mayPush = (grants: Grant[]) =>
        grants.some((grant) => grant.actions.includes("create") && !isOnlyFor(grant, adminsGroup));
    const opens = (rule: RepositoryRule) => mayPush(rule.grants) || rule.loggedIn.includes("create");
    const overridden = (rule: RepositoryRule) =>
        policy.rules.some(
            (other) => other.pattern.length > rule.pattern.length && covers(other.pattern, cache) && !opens(other),
        );
    const open = policy.rules.filter((rule) => opens(rule) && mayOverlap(rule.pattern, cache) && !overridden(rule));
    return [
        ...open.map((rule) => `the rule for ${JSON.stringify(rule.pattern)}`),
        ...(mayPush(policy.everywhere) ? ["adminPolicy"] : []),
    ];
}

/**
 * Pairs of patterns of one length that may match one repository and give different rights: zot takes either, by chance.
 */
export function ambiguousPatterns(policy: AccessPolicy): [string, string][] {
    const rights = ({ pattern: _, ...rest }: RepositoryRule) => JSON.stringify(rest);
    return policy.rules.flatMap((rule, index) =>
        policy.rules
            .slice(0, index)
            .filter(
                (other) =>
                    other.pattern.length === rule.pattern.length &&
                    mayOverlap(other.pattern, rule.pattern) &&
                    rights(other) !== rights(rule),
            )
            .map((other): [string, string] => [other.pattern, rule.pattern]),
    );
}

/**
 * The matrix with each cell as text, which the CLI's own display compares better than a list: `read, create` to `read,
 * create, delete`.
 */
export function matrixInWords(matrix: AccessMatrix): Record<string, Record<string, string>> {
    const inWords = (actions: readonly Action[]) => actions.join(", ") || "nothing";
    return Object.fromEntries(
        Object.entries(matrix).map(([pattern, rights]) => [
            pattern,
            Object.fromEntries(Object.entries(rights).map(([who, actions]) => [who, inWords(actions)])),
        ]),
    );
}
