/**
 * Who may do what: a policy as data, its evaluation as zot evaluates it, and the access matrix. Pure, except that the
 * reader of a site's own conditions is loaded on first use.
 *
 * The evaluation follows zot 2.1.20. Only the longest pattern that matches a repository applies, and nothing is
 * inherited. A logged-in user has what the policies and `defaultPolicy` give; an anonymous one has `anonymousPolicy`.
 * `adminPolicy` applies to every repository.
 */
import { type Condition, isNever, type Limit, limitOf, meets } from "./conditions/limits";
import { truthOf } from "./conditions/truth";
import { ACTIONS, type Action } from "./settings/actions";
import { covers, literalPrefix, matchesPattern, mayOverlap } from "./settings/patterns";
import { exampleOf } from "./settings/tagForms";

export { ACTIONS, type Action } from "./settings/actions";

/** Actions that a rule gives to some users and groups. */
export interface Grant {
    users: string[];
    groups: string[];
    actions: Action[];
    /** A request must satisfy all of them. */
    conditions?: Condition[];
}

/** What applies to the repositories for which this pattern is the longest that matches. */
export interface RepositoryRule {
    /** zot's glob: `*` within a part of a name, `**` for any number of parts. */
    pattern: string;
    anonymous: Action[];
    /** What everyone who is logged in has, whatever their groups. */
    loggedIn: Action[];
    grants: Grant[];
}

/** zot's accessControl, reduced to the rights. */
export interface AccessPolicy {
    rules: RepositoryRule[];
    /** Grants on every repository, in addition to the rules. */
    everywhere: Grant[];
}

/** Someone who sends a request. */
export type Who = { kind: "anonymous" } | { kind: "user"; name: string; groups: string[] };

/** Someone who has not logged in. */
export const ANONYMOUS: Who = { kind: "anonymous" };

/** The one rule that applies to a repository: the longest pattern that matches. */
export function ruleFor(policy: AccessPolicy, repository: string): RepositoryRule | undefined {
    return policy.rules
        .filter((rule) => matchesPattern(rule.pattern, repository))
        .reduce<RepositoryRule | undefined>(
            (best, rule) => (best && best.pattern.length >= rule.pattern.length ? best : rule),
            undefined,
        );
}

/**
 * Whether `who` may do `action` on `repository`.
 *
 * @param reference the requested tag or digest; empty for a request without one (blobs, lists). Default: any. Anything
 *     else that a site's own condition asks for (an address, a time) is assumed to hold.
 */
export function evaluate(
    policy: AccessPolicy,
    who: Who,
    action: Action,
    repository: string,
    reference?: string,
): boolean {
    const rule = ruleFor(policy, repository);
    const always = (who.kind === "user" ? rule?.loggedIn : rule?.anonymous) ?? [];
    return (
        always.includes(action) ||
        grantsTo(who, rule, policy).some(
            (grant) => grant.actions.includes(action) && mayHold(grant, who, action, repository, reference),
        )
    );
}

/** Whether a grant's conditions may hold, as far as the request is known. */
function mayHold({ conditions = [] }: Grant, who: Who, action: Action, repository: string, reference?: string) {
    return conditions.every(({ expression }) => {
        const limit = limitOf(expression);
        if (limit) return meets(limit, { repository, reference });
        const isTag = reference !== undefined && reference !== "" && !reference.includes(":");
        const named = {
            reference,
            referenceType: isTag ? "tag" : reference && "digest",
            tag: isTag ? reference : "",
            digest: isTag ? "" : reference,
        };
        const user = who.kind === "user" ? { username: who.name, groups: who.groups } : { username: "", groups: [] };
        const known = { action, repository, user, auth: { anonymous: user.username === "" } };
        return truthOf(expression, reference === undefined ? known : { ...known, ...named }).yes;
    });
}

/** The grants for somebody, from a rule and from the whole policy. */
function grantsTo(who: Who, rule: RepositoryRule | undefined, policy: AccessPolicy): Grant[] {
    // zot treats a user without a name as anonymous, in policies too.
    const { name, groups } = who.kind === "user" ? who : { name: "", groups: [] as string[] };
    return [...(rule?.grants ?? []), ...policy.everywhere].filter(
        (grant) => grant.users.includes(name) || grant.groups.some((group) => groups.includes(group)),
    );
}

/**
 * The limits that a grant's conditions set, all of which must hold. Empty without conditions; undefined if one is the
 * site's own, which may ask for anything.
 */
export function limitsOfGrant({ conditions = [] }: Grant): Limit[] | undefined {
    const limits = conditions.map(({ expression }) => limitOf(expression));
    const never = limits.find((limit) => limit && isNever(limit));
    if (never) return [never];
    return limits.every((limit) => limit !== undefined) ? limits : undefined;
}

/** Whether a grant gives nothing and only carries a message for refused requests. */
export const isRefusal = (grant: Grant): boolean => limitsOfGrant(grant)?.some(isNever) ?? false;

/** An action, or an action with its limit in words: `create of tags like v1.4.2-f3c9a11`. */
export type Right = Action | `${Action} of tags like ${string}`;

/** The action that a right belongs to. */
export const actionOf = (right: Right): Action => right.split(" ")[0] as Action;

/** Whether the rights include this one: itself, or its action without a limit. */
export const includesRight = (rights: readonly Right[], right: Right): boolean =>
    rights.includes(right) || rights.includes(actionOf(right));

/**
 * What `who` may do where a rule applies.
 *
 * @param parts only the rule's repositories that match all of these patterns. Default: those that no limit names.
 * @param unconditional leaves out rights that depend on anything else of the request
 */
export function rightsUnder(
    rule: RepositoryRule | undefined,
    policy: AccessPolicy,
    who: Who,
    { parts = [], unconditional = false }: { parts?: readonly string[]; unconditional?: boolean } = {},
): Right[] {
    const inside = rule ? [rule.pattern, ...parts] : parts;
    const isNamed = ({ repositories }: Pick<Limit, "repositories">) =>
        repositories.some((pattern) => inside.some((inner) => covers(pattern, inner)));
    const rightsOf = (grant: Grant): Right[] => {
        const open = limitsOfGrant(grant)?.filter((limit) => !isNamed(limit));
        if (open?.length === 0) return grant.actions;
        if (unconditional) return [];
        if (!open) return grant.actions;
        const forms = open.map(({ tags, movable = [] }) => [
            ...tags,
            ...movable.filter((own) => isNamed({ repositories: [own.pattern] })).flatMap((own) => own.tags),
        ]);
        if (forms.some((own) => own.length === 0)) return [];
        return forms
            .flat()
            .flatMap((form) => grant.actions.map((action): Right => `${action} of tags like ${exampleOf(form)}`));
    };
    return sortedRights([
        ...grantsTo(who, rule, policy).flatMap(rightsOf),
        ...((who.kind === "user" ? rule?.loggedIn : rule?.anonymous) ?? []),
    ]);
}

/**
 * Sorts rights in the order of the actions, without duplicates. Drops a limited right if the action is there without a
 * limit, unless `all` is set.
 */
export function sortedRights(rights: readonly Right[], all = false): Right[] {
    return ACTIONS.flatMap((action) => {
        const own = [...new Set(rights.filter((right) => actionOf(right) === action))].sort();
        return own.includes(action) && !all ? [action] : own;
    });
}

/**
 * Rights by repository pattern, then by who has them: `matrix["**"]["group admins"]` is `["read", "create", "delete"]`.
 * A group or user that no policy for a pattern names is left out there: it has the rights of anyone logged in.
 * A key of several patterns, `** & channels/**`, stands for the repositories that match all of them; the first pattern
 * is the rule's. A repository that several such keys match has the rights of all of them.
 */
export type AccessMatrix = Record<string, Record<string, Right[]>>;

/** Rows of the matrix for people in no group. */
export const ANONYMOUS_ROW = "anonymous";
export const LOGGED_IN_ROW = "logged in, no group";

const AND = " & ";

/** Splits a key of the matrix into the rule's pattern and the patterns that narrow it. */
export function patternsOfKey(key: string): [rule: string, ...parts: string[]] {
    return key.split(AND) as [string, ...string[]];
}

/**
 * The matrix of a policy: for each pattern the rights of anonymous users, of anyone logged in, and of the groups and
 * users that the pattern's rule or `adminPolicy` names. A limit to some repositories of a rule adds a key if their
 * rights differ.
 */
export function accessMatrix(policy: AccessPolicy): AccessMatrix {
    // A row for every group under every pattern would grow with the square of a site's teams.
    const rowsOf = (rule: RepositoryRule) => [...UNNAMED_ROWS, ...namedRows([...rule.grants, ...policy.everywhere])];
    const rightsOf = (rule: RepositoryRule, parts: string[] = []) =>
        Object.fromEntries(rowsOf(rule).map(([label, who]) => [label, rightsUnder(rule, policy, who, { parts })]));
    return Object.fromEntries(
        bySpecificity(policy.rules).flatMap((rule) => {
            const whole = rightsOf(rule);
            const parts = partsNamed(rule, policy)
                .map((part): [string, AccessMatrix[string]] => [
                    [rule.pattern, ...part].join(AND),
                    rightsOf(rule, part),
                ])
                .filter(([, rights]) => JSON.stringify(rights) !== JSON.stringify(whole));
            return [[rule.pattern, whole] as [string, AccessMatrix[string]], ...parts];
        }),
    );
}

const UNNAMED_ROWS: readonly [string, Who][] = [
    [ANONYMOUS_ROW, ANONYMOUS],
    [LOGGED_IN_ROW, { kind: "user", name: "", groups: [] }],
];

/** A row for each group that grants name, and then for each user, by the row's label. */
function namedRows(grants: readonly Grant[]): Map<string, Who> {
    const groups = grants.flatMap((grant) => grant.groups);
    const users = grants.flatMap((grant) => grant.users);
    return new Map([
        ...groups.map((group): [string, Who] => [`group ${group}`, { kind: "user", name: "", groups: [group] }]),
        ...users.map((name): [string, Who] => [`user ${name}`, { kind: "user", name, groups: [] }]),
    ]);
}

/**
 * The parts of a rule's repositories in which limits make a difference. Each part is given by the patterns that its
 * repositories match; a grant with several limits contributes one pattern of each.
 */
export function partsNamed(rule: RepositoryRule, policy: AccessPolicy): string[][] {
    const parts = [...rule.grants, ...policy.everywhere].flatMap((grant) =>
        (limitsOfGrant(grant) ?? []).reduce<string[][]>(
            (combinations, limit) =>
                combinations.flatMap((part) => choices(rule, limit).map((one) => [...part, ...one])),
            [[]],
        ),
    );
    const isPossible = (part: string[]) =>
        part.every((pattern, index) => part.slice(index + 1).every((other) => mayOverlap(pattern, other)));
    const named = parts.filter((part) => part.length > 0 && isPossible(part)).map(narrowest);
    return [...new Map(named.map((part) => [part.join(AND), part])).values()].sort((left, right) =>
        left.join(AND).localeCompare(right.join(AND), "en"),
    );
}

/**
 * The patterns by which a rule's repositories can satisfy a limit. Includes no pattern at all if the limit covers the
 * whole rule or can be satisfied by the tag alone.
 */
function choices(rule: RepositoryRule, { repositories, tags, movable = [] }: Limit): string[][] {
    const isWhole = repositories.some((pattern) => covers(pattern, rule.pattern));
    const named = [...repositories, ...movable.map(({ pattern }) => pattern)];
    const parting = isWhole
        ? []
        : named.filter((pattern) => mayOverlap(pattern, rule.pattern) && !covers(pattern, rule.pattern));
    const isSome = isWhole || tags.length > 0 || movable.some(({ pattern }) => covers(pattern, rule.pattern));
    return [...(isSome ? [[]] : []), ...parting.map((pattern) => [pattern])];
}

/** The patterns, sorted, without those that cover another one of them. */
function narrowest(patterns: string[]): string[] {
    const unique = [...new Set(patterns)].sort((left, right) => left.localeCompare(right, "en"));
    return unique.filter(
        (pattern, index) =>
            !unique.some(
                (other, position) =>
                    other !== pattern && covers(pattern, other) && (!covers(other, pattern) || position < index),
            ),
    );
}

/** Sorts rules for a reader: general patterns first, then by name. */
function bySpecificity(rules: RepositoryRule[]): RepositoryRule[] {
    return [...rules].sort(
        (left, right) =>
            literalPrefix(left.pattern).length - literalPrefix(right.pattern).length ||
            left.pattern.localeCompare(right.pattern, "en"),
    );
}

/**
 * The matrix with each cell as text. Pulumi's CLI shows a changed text better than a changed list: `read, create` to
 * `read, create, delete`.
 */
export function matrixInWords(matrix: AccessMatrix): Record<string, Record<string, string>> {
    const inWords = (rights: readonly Right[]) => rights.join(", ") || "nothing";
    return Object.fromEntries(
        Object.entries(matrix).map(([pattern, rights]) => [
            pattern,
            Object.fromEntries(Object.entries(rights).map(([who, own]) => [who, inWords(own)])),
        ]),
    );
}
