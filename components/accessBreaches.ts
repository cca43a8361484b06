/**
 * What every policy must satisfy before it is deployed, and what in a policy would surprise. Reported as sentences.
 * Pure.
 */
import {
    type AccessPolicy,
    ANONYMOUS,
    actionOf,
    type Grant,
    includesRight,
    isRefusal,
    limitsOfGrant,
    type RepositoryRule,
    type Right,
    rightsUnder,
    type Who,
} from "./accessPolicy";
import { limitExpression } from "./conditions/limits";
import type { Workload } from "./settings";
import { isDeclaredMovable } from "./settings/movableTags";
import { covers, mayOverlap } from "./settings/patterns";
import { exampleOf } from "./settings/tagForms";

/** Who else may do what is otherwise for admins only. */
export interface Exceptions {
    adminsGroup: string;
    adminsMayUpdate: boolean;
    /** Each identity of CI, and the repositories and tags in which it may move tags. */
    workloads: readonly WorkloadRights[];
}

/** What an identity of CI may do with tags that move. */
export type WorkloadRights = Pick<Workload, "group" | "channels" | "movableTags">;

/**
 * Checks what every deployed policy must satisfy, whatever the settings say. Returns each breach as a sentence.
 * The rendered config is checked too, because `zot.extraConfig` could undo what the settings declare.
 */
export function policyBreaches(
    policy: AccessPolicy,
    { adminsGroup, adminsMayUpdate, workloads }: Exceptions,
): string[] {
    const breaches: string[] = [];
    const list = (rights: readonly Right[]) => rights.join(", ");
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
        if (lost.length > 0) breaches.push(`a login takes away ${list(lost)} ${where}, which anonymous readers have`);
        const certain = rightsUnder(rule, policy, admin, { unconditional: true });
        const missing = (["read", "create", "delete"] as const).filter((action) => !certain.includes(action));
        if (missing.length > 0) breaches.push(`the group ${adminsGroup} is locked out of ${list(missing)} ${where}`);
        for (const grant of rule.grants) breaches.push(...grantBreaches(grant, where, rule.pattern));
    }
    for (const grant of policy.everywhere) {
        breaches.push(...grantBreaches(grant, "everywhere, by adminPolicy"));
        // zot 2.1.20 does so for any action in the grant, and even when the grant's conditions do not hold.
        const others = holdersOf({ ...grant, groups: grant.groups.filter((group) => group !== adminsGroup) });
        if (others.length > 0)
            breaches.push(
                `${others.join(" and ")} would be zot's administrator by adminPolicy, whatever its actions; ` +
                    `only the group ${adminsGroup} may be, so give the rights by a rule for the repositories`,
            );
    }
    return breaches;

    function grantBreaches(grant: Grant, where: string, pattern?: string): string[] {
        const onlyAdmins = isOnlyFor(grant, adminsGroup);
        const mayUpdate = (onlyAdmins && adminsMayUpdate) || (pattern !== undefined && isOfMoving(grant, pattern));
        const forbidden = isRefusal(grant)
            ? []
            : grant.actions.filter(
                  (action) => (action === "delete" && !onlyAdmins) || (action === "update" && !mayUpdate),
              );
        if (forbidden.length === 0) return [];
        const moving = [
            ...(workloads.some(({ channels }) => channels.length > 0) ? ["the repositories of access.channels"] : []),
            ...(workloads.some(({ movableTags }) => Object.keys(movableTags).length > 0)
                ? ["the tags of access.movableTags"]
                : []),
        ];
        const ofChannels = moving.length > 0 ? `, and CI ${moving.join(" and ")} alone` : "";
        return [
            `${holdersOf(grant).join(" and ") || "a policy without a subject"} may ${list(forbidden)} ${where}; ` +
                `only the group ${adminsGroup} may delete, and update only with access.adminsMayUpdate${ofChannels}`,
        ];
    }

    /** Whether a grant is for an identity of CI only, and covers only repositories and tags that it may move. */
    function isOfMoving(grant: Grant, pattern: string): boolean {
        return workloads.some(({ group, channels, movableTags }) => {
            const isChannel = (own: string) => channels.some((channel) => covers(channel, own));
            const isInside = (limitsOfGrant(grant) ?? []).some(
                ({ repositories, tags, movable = [] }) =>
                    tags.length === 0 &&
                    repositories.every(isChannel) &&
                    movable.every((own) => isDeclaredMovable(movableTags, own.pattern, own.tags)),
            );
            return isOnlyFor(grant, group) && (isChannel(pattern) || isInside);
        });
    }
}

/**
 * Rules under which CI may push to a channel's repositories but not move tags in them. Such rules exist because the
 * longest pattern decides and nothing is inherited. Each is returned as the middle of a sentence that says what to add.
 */
export function closedChannels(policy: AccessPolicy, { group, channels }: WorkloadRights): string[] {
    return policy.rules.flatMap((rule) => {
        const closed = channels.filter((channel) => {
            const rights = ciRightsIn(policy, rule, channel, group);
            return rights !== undefined && includesRight(rights, "create") && !includesRight(rights, "update");
        });
        if (closed.length === 0) return [];
        const entry = {
            groups: [group],
            actions: ["update"],
            conditions: [{ expression: limitExpression({ repositories: closed, tags: [] }) }],
        };
        return [
            `by the rule for ${JSON.stringify(rule.pattern)} CI may push to repositories that match ` +
                `${closed.map((channel) => JSON.stringify(channel)).join(" and ")}, but not move tags there, ` +
                `contrary to access.channels; add to its policies ${JSON.stringify(entry)}`,
        ];
    });
}

/** The same as {@link closedChannels}, for tags that move beside versions (`access.movableTags`). */
export function closedMovableTags(policy: AccessPolicy, { group, movableTags }: WorkloadRights): string[] {
    return policy.rules.flatMap((rule) =>
        Object.entries(movableTags).flatMap(([pattern, tags]) => {
            const rights = ciRightsIn(policy, rule, pattern, group);
            const mayMove = (form: string) => includesRight(rights ?? [], `update of tags like ${exampleOf(form)}`);
            if (!rights?.some((right) => actionOf(right) === "create") || tags.every(mayMove)) return [];
            const expression = limitExpression({ repositories: [], tags: [], movable: [{ pattern, tags: [...tags] }] });
            const entry = { groups: [group], actions: ["update"], conditions: [{ expression }] };
            return [
                `by the rule for ${JSON.stringify(rule.pattern)} CI may push to repositories that match ` +
                    `${JSON.stringify(pattern)}, but not move tags like ${tags.map(exampleOf).join(" and ")} there, ` +
                    `contrary to access.movableTags; add to its policies ${JSON.stringify(entry)}`,
            ];
        }),
    );
}

/** Those patterns (of channels, or of tags that move) which match no repository that a group of CI may push to. */
export function emptyPatterns(policy: AccessPolicy, group: string, patterns: readonly string[]): string[] {
    return patterns.filter(
        (pattern) =>
            !policy.rules.some((rule) =>
                ciRightsIn(policy, rule, pattern, group)?.some((right) => actionOf(right) === "create"),
            ),
    );
}

/** What CI may do in a channel's repositories under a rule; undefined if the rule decides for none of them. */
function ciRightsIn(policy: AccessPolicy, rule: RepositoryRule, channel: string, group: string) {
    const isHidden = policy.rules.some(
        ({ pattern }) =>
            pattern.length > rule.pattern.length && (covers(pattern, channel) || covers(pattern, rule.pattern)),
    );
    if (isHidden || !mayOverlap(rule.pattern, channel)) return undefined;
    const parts = covers(channel, rule.pattern) ? [] : [channel];
    return rightsUnder(rule, policy, { kind: "user", name: "", groups: [group] }, { parts });
}

const holdersOf = ({ groups, users }: Grant) => [
    ...groups.map((group) => `the group ${group}`),
    ...users.map((user) => `the user ${user}`),
];
const isOnlyFor = (grant: Grant, group: string) =>
    grant.users.length === 0 && grant.groups.every((name) => name === group);

/**
 * The rules that let someone other than admins push to repositories of a pull-through cache, in place of upstream.
 * In doubt it names a rule.
 *
 * @param cache the pattern of the cache's repositories
 * @returns each rule in words: `the rule for "team/**"`, `adminPolicy`
 */
export function pushableInCache(policy: AccessPolicy, cache: string, adminsGroup: string): string[] {
    const mayPush = (grants: Grant[]) =>
        grants.some((grant) => grant.actions.includes("create") && !isOnlyFor(grant, adminsGroup) && !isRefusal(grant));
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
 * Pairs of patterns of equal length that may match the same repository and give different rights. zot then picks
 * either, by chance.
 */
export function ambiguousPatterns(policy: AccessPolicy): [string, string][] {
    // A grant that can never hold gives no right, and the message of a condition makes no difference.
    const given = ({ conditions, ...grant }: Grant) => ({
        ...grant,
        on: conditions?.map(({ expression }) => expression),
    });
    const rights = ({ pattern: _, grants, ...rest }: RepositoryRule) =>
        JSON.stringify({ ...rest, grants: grants.filter((grant) => !isRefusal(grant)).map(given) });
    const ofLength = new Map<number, RepositoryRule[]>();
    return policy.rules.flatMap((rule) => {
        const before = ofLength.get(rule.pattern.length) ?? [];
        ofLength.set(rule.pattern.length, before);
        const found = before
            .filter((other) => mayOverlap(other.pattern, rule.pattern) && rights(other) !== rights(rule))
            .map((other): [string, string] => [other.pattern, rule.pattern]);
        before.push(rule);
        return found;
    });
}
