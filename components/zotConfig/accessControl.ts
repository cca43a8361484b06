/** zot's accessControl: written from a policy, and read back from any config as zot would understand it. Pure. */
import { ACTIONS, type AccessPolicy, type Action, type Grant, type RepositoryRule } from "../accessPolicy";
import type { Condition } from "../conditions/limits";
import { patternMistake } from "../settings/patterns";
import { shown } from "../settings/setting";
import { isJsonMap, type Json, type JsonMap, valueAt } from "../zotJson";

/** The `repositories` of a policy's rules. */
export function repositoriesOf(policy: AccessPolicy): JsonMap {
    return Object.fromEntries(
        policy.rules.map((rule) => [
            rule.pattern,
            {
                anonymousPolicy: rule.anonymous,
                // Without it, who logs in would lose what anonymous readers have.
                defaultPolicy: rule.loggedIn,
                policies: rule.grants.map((grant) => ({
                    ...(grant.users.length > 0 ? { users: grant.users } : {}),
                    ...(grant.groups.length > 0 ? { groups: grant.groups } : {}),
                    actions: grant.actions,
                    ...(grant.conditions
                        ? { conditions: grant.conditions.map((condition) => ({ ...condition })) }
                        : {}),
                })),
            },
        ]),
    );
}

/** Not a right: it makes zot refuse to delete a digest that several tags share. */
const BEHAVIOUR = "detectManifestCollision";

/** A grant that hangs on conditions, and where it stands; `rule` is that of its repositories, none for adminPolicy. */
export interface ConditionalGrant {
    where: string;
    grant: Grant;
    rule?: RepositoryRule;
}

/**
 * The policy that a config's accessControl means, and what in it zot would read otherwise than it is written; each as
 * the middle of a sentence. `zot verify` lets all of it pass (zot 2.1.20): misspelt actions, empty names and lists,
 * policies without a subject, single values and maps in place of lists.
 */
export function readAccessControl(config: JsonMap): {
    policy: AccessPolicy;
    mistakes: string[];
    conditional: ConditionalGrant[];
} {
    const mistakes: string[] = [];
    const conditional: ConditionalGrant[] = [];
    const root = "http.accessControl";

    const membersOf = (value: Json | undefined, where: string, known: string[]): JsonMap => {
        if (value === undefined) return {};
        if (!isJsonMap(value)) {
            mistakes.push(`${where} is ${shown(value)} and has to be a map`);
            return {};
        }
        for (const key of Object.keys(value)) {
            if (!known.some((name) => name.toLowerCase() === key.toLowerCase()))
                mistakes.push(`${where}.${key} is not a key of zot's there; there are ${known.join(", ")}`);
        }
        return value;
    };
    const listOf = (value: Json | undefined, where: string): Json[] => {
        if (value === undefined || Array.isArray(value)) return value ?? [];
        mistakes.push(`${where} is ${shown(value)} and has to be a list`);
        return [];
    };
    const namesOf = (value: Json | undefined, where: string): string[] =>
        listOf(value, where).flatMap((name, index) => {
            if (typeof name === "string" && name.trim() !== "") return [name];
            mistakes.push(
                `${where}[${index}] is ${shown(name)}, which is no name; zot takes an empty one for anonymous`,
            );
            return [];
        });
    const actionsOf = (value: Json | undefined, where: string): Action[] => {
        const given = listOf(value, where);
        given.forEach((action, index) => {
            if (!([...ACTIONS, BEHAVIOUR] as Json[]).includes(action))
                mistakes.push(
                    `${where}[${index}] is ${shown(action)}, which zot would pass over; ` +
                        `give one of ${ACTIONS.join(", ")}`,
                );
        });
        return ACTIONS.filter((action) => given.includes(action));
    };
    const conditionsOf = (value: Json | undefined, where: string): Condition[] =>
        listOf(value, where).map((item, index) => {
            const condition = membersOf(item, `${where}[${index}]`, ["expression", "message"]);
            const [expression, message] = ["expression", "message"].map((key) => valueAt(condition, [key]));
            if (typeof expression !== "string" || expression.trim() === "")
                mistakes.push(`${where}[${index}] has no expression, and zot then refuses without a reason`);
            return {
                expression: String(expression ?? ""),
                ...(message === undefined ? {} : { message: String(message) }),
            };
        });
    const grantOf = (value: Json, where: string): Grant => {
        const policy = membersOf(value, where, ["users", "groups", "actions", "conditions"]);
        const at = (key: string) => valueAt(policy, [key]);
        const grant: Grant = {
            users: namesOf(at("users"), `${where}.users`),
            groups: namesOf(at("groups"), `${where}.groups`),
            actions: actionsOf(at("actions"), `${where}.actions`),
        };
        if (listOf(at("actions"), `${where}.actions`).length === 0)
            mistakes.push(`${where} has no actions, and has no effect`);
        if (grant.users.length + grant.groups.length === 0)
            mistakes.push(`${where} names no user and no group, and has no effect`);
        const conditions = conditionsOf(at("conditions"), `${where}.conditions`);
        if (conditions.length === 0) return grant;
        conditional.push({ where, grant: { ...grant, conditions } });
        return { ...grant, conditions };
    };
    const ruleOf = (pattern: string, value: Json): RepositoryRule => {
        const where = `${root}.repositories[${JSON.stringify(pattern)}]`;
        const because = patternMistake(pattern);
        if (because) mistakes.push(`the pattern ${shown(pattern)} is not allowed because ${because}`);
        const rule = membersOf(value, where, ["anonymousPolicy", "defaultPolicy", "policies"]);
        const at = (key: string) => valueAt(rule, [key]);
        const before = conditional.length;
        const read: RepositoryRule = {
            pattern,
            anonymous: actionsOf(at("anonymousPolicy"), `${where}.anonymousPolicy`),
            loggedIn: actionsOf(at("defaultPolicy"), `${where}.defaultPolicy`),
            grants: listOf(at("policies"), `${where}.policies`).map((policy, index) =>
                grantOf(policy, `${where}.policies[${index}]`),
            ),
        };
        for (const found of conditional.slice(before)) found.rule = read;
        return read;
    };

    const control = membersOf(valueAt(config, ["http", "accessControl"]), root, [
        "repositories",
        "adminPolicy",
        "groups",
        "metrics",
    ]);
    const repositories = valueAt(control, ["repositories"]);
    const rules = Object.entries(isJsonMap(repositories) ? repositories : {}).map(([pattern, rule]) =>
        ruleOf(pattern, rule),
    );
    const adminPolicy = valueAt(control, ["adminPolicy"]);
    const everywhere = adminPolicy === undefined ? [] : [grantOf(adminPolicy, `${root}.adminPolicy`)];
    return { policy: { rules, everywhere }, mistakes, conditional };
}

/**
 * What anyone may do who reaches a zot that has no rights in its config: everything, without a login where there is
 * none.
 */
function withoutRights(config: JsonMap): AccessPolicy {
    const auth = valueAt(config, ["http", "auth"]);
    const isGiven = (value: Json | undefined) =>
        value !== undefined &&
        value !== null &&
        value !== false &&
        value !== "" &&
        !(isJsonMap(value) && Object.keys(value).length === 0);
    const logins =
        [["htpasswd", "path"], ["ldap"], ["openid", "providers"], ["bearer"], ["apikey"]].some((path) =>
            isGiven(valueAt(auth, path)),
        ) || isGiven(valueAt(config, ["http", "tls", "cacert"]));
    return {
        rules: [{ pattern: "**", anonymous: logins ? [] : [...ACTIONS], loggedIn: [...ACTIONS], grants: [] }],
        everywhere: [],
    };
}

/** Who may do what by any config that zot serves: one whose rules say nothing is as one that has none (zot 2.1.20). */
export function policyInEffect(config: JsonMap): AccessPolicy {
    const repositories = valueAt(config, ["http", "accessControl", "repositories"]);
    const hasRules =
        isJsonMap(repositories) &&
        Object.values(repositories).some((rule) => isJsonMap(rule) && Object.keys(rule).length > 0);
    return hasRules ? policyOf(config) : withoutRights(config);
}

/** The access policy that a rendered (or a deployed) config means to zot. */
export function policyOf(config: JsonMap): AccessPolicy {
    return readAccessControl(config).policy;
}
