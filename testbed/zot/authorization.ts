/**
 * Who may do what: zot's `http.accessControl`, restated from the behaviour of zot 2.1.20. Pure.
 *
 * Only the longest matching pattern of `repositories` counts, and nothing is inherited; `adminPolicy` is asked after
 * it, for every repository. An empty user name stands for anonymous, also in a policy's `users`.
 */
import { type Asked, type Condition, meets } from "./conditions";
import { matches } from "./globs";

export type Action = "read" | "create" | "update" | "delete";

export interface Policy {
    users: string[];
    groups: string[];
    actions: string[];
    conditions: Condition[];
}

export interface RepositoryRule {
    policies: Policy[];
    /** What every logged-in user may do. */
    defaultPolicy: string[];
    anonymousPolicy: string[];
}

export interface AccessControl {
    /** By glob pattern, in lower case. */
    repositories: Record<string, RepositoryRule>;
    adminPolicy: Policy;
    metrics: { users: string[]; anonymousPolicy: string[] };
}

export interface Identity {
    /** Empty: anonymous. */
    userName: string;
    groups: string[];
}

export const anonymous: Identity = { userName: "", groups: [] };

/** The data of a request besides user, action and repository. */
export type Circumstances = Pick<Asked, "method" | "userAgent" | "address" | "forwardedFor" | "isTls">;

/** Why a request is refused: the message of a condition, if only that condition refuses it; else nothing. */
export interface Refusal {
    reason: string;
}

/** Undefined where someone may do something in a repository, otherwise why not. `reference` is a tag or a digest. */
export function refusalOf(
    accessControl: AccessControl,
    who: Identity,
    { action, reference }: Check,
    repository: string,
    circumstances: Circumstances,
): Refusal | undefined {
    const rule = ruleFor(accessControl, repository);
    const isAdministrator = isAdmin(accessControl, who);
    const asked = { ...circumstances, ...who, isAdmin: isAdministrator, action, repository, reference };
    let reason = "";
    // Users' policies first, then groups'; of several messages the last.
    const policies = rule?.policies.filter(({ actions }) => actions.includes(action)) ?? [];
    const own = [
        ...policies.filter(({ users }) => users.includes(who.userName)),
        ...policies.filter(({ groups }) => groups.some((group) => who.groups.includes(group))),
    ];
    for (const { conditions } of own) {
        const { met, message } = meets(conditions, asked);
        if (met) return undefined;
        reason = message || reason;
    }
    if ((who.userName === "" ? rule?.anonymousPolicy : rule?.defaultPolicy)?.includes(action)) return undefined;
    if (isAdministrator && accessControl.adminPolicy.actions.includes(action)) {
        const { met, message } = meets(accessControl.adminPolicy.conditions, asked);
        if (met) return undefined;
        reason = message || reason;
    }
    return { reason };
}

/**
 * Whether someone sees a repository in the catalog and may mount its blobs. Not the same as reading it: whoever
 * `adminPolicy` names sees everything, even where its actions lack `read`.
 */
export function sees(accessControl: AccessControl | undefined, who: Identity, repository: string): boolean {
    if (!accessControl || isAdmin(accessControl, who)) return true;
    const rule = ruleFor(accessControl, repository);
    return rule !== undefined && ruleGrants(rule, who, "read");
}

/** What access control is asked: an action, and the tag or digest that it is about; empty if there is none. */
export interface Check {
    action: Action;
    reference: string;
}

/**
 * What a push of a manifest needs. A tag that exists needs `update`, whatever the content; a new one `create`. A digest
 * with `?tag=` needs that for each tag, and then for the digest.
 */
export function checksForManifest(
    existingTags: readonly string[],
    reference: { tag: string } | { digest: string; tags: string[] },
): Check[] {
    const actionFor = (tag: string): Action => (existingTags.includes(tag) ? "update" : "create");
    if ("tag" in reference) return [{ action: actionFor(reference.tag), reference: reference.tag }];
    const { digest, tags } = reference;
    const byTag = tags.map((tag) => ({ action: actionFor(tag), reference: tag }));
    const needs = (action: Action) => byTag.filter((check) => check.action === action);
    return [
        ...needs("update"),
        ...needs("create"),
        ...(needs("create").length > 0 || byTag.length === 0 ? [{ action: "create" as const, reference: digest }] : []),
        ...(needs("update").length > 0 ? [{ action: "update" as const, reference: digest }] : []),
    ];
}

/** Whether `/metrics` answers. `adminPolicy` does not reach here, and `users: [""]` does not mean anonymous. */
export function mayReadMetrics(accessControl: AccessControl | undefined, who: Identity): boolean {
    if (!accessControl) return true;
    const { users, anonymousPolicy } = accessControl.metrics;
    return who.userName === "" ? anonymousPolicy.includes("read") : users.includes(who.userName);
}

/** Whether a request without credentials reaches the authorization at all; otherwise it is 401 everywhere. */
export function hasAnonymousPolicy(accessControl: AccessControl | undefined): boolean {
    return Object.values(accessControl?.repositories ?? {}).some((rule) => rule.anonymousPolicy.length > 0);
}

/** Whether nothing is granted but to anonymous users: such a config needs no authentication. */
export function isAnonymousOnly(accessControl: AccessControl): boolean {
    const { adminPolicy, repositories } = accessControl;
    if (adminPolicy.actions.length + adminPolicy.users.length > 0) return false;
    const rules = Object.values(repositories);
    const onlyAnonymous = rules.every(
        (rule) =>
            rule.defaultPolicy.length === 0 &&
            rule.policies.every((policy) => policy.actions.length + policy.users.length === 0),
    );
    return onlyAnonymous && hasAnonymousPolicy(accessControl);
}

/** Whether `GET /v2/` must ask a Docker client for its login, which it would otherwise never send. */
export function mixesAnonymousAndLogins(accessControl: AccessControl | undefined): boolean {
    return accessControl !== undefined && hasAnonymousPolicy(accessControl) && !isAnonymousOnly(accessControl);
}

/**
 * The rule that decides for a repository: that of the longest pattern that matches it. Of several equally long ones zot
 * 2.1.20 takes any, at random and anew for each request; here it is the first in the file.
 */
function ruleFor({ repositories }: AccessControl, repository: string): RepositoryRule | undefined {
    const matching = Object.keys(repositories).filter((pattern) => matches(pattern, repository));
    const longest = Math.max(...matching.map((pattern) => pattern.length));
    return repositories[matching.find((pattern) => pattern.length === longest) ?? ""];
}

/** Whether a rule may grant an action: conditions are not looked at, as in zot's catalog. */
function ruleGrants(rule: RepositoryRule, who: Identity, action: Action): boolean {
    const byPolicy = rule.policies.some(
        (policy) =>
            policy.actions.includes(action) &&
            (policy.users.includes(who.userName) || policy.groups.some((group) => who.groups.includes(group))),
    );
    return byPolicy || (who.userName === "" ? rule.anonymousPolicy : rule.defaultPolicy).includes(action);
}

function isAdmin(accessControl: AccessControl, who: Identity): boolean {
    const { users, groups } = accessControl.adminPolicy;
    return users.includes(who.userName) || groups.some((group) => who.groups.includes(group));
}
