/** zot's accessControl: written from a policy, and read back from any config as zot would interpret it. Pure. */
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
                // Without it, a login would take away what anonymous readers have.
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

/** Not a right: it makes zot refuse to delete a digest that has several tags. */
const BEHAVIOUR = "detectManifestCollision";

/**
 * A grant with conditions, and its place in the config; `rule` is the rule that it belongs to, none for adminPolicy.
 */
export interface ConditionalGrant {
    where: string;
    grant: Grant;
    rule?: RepositoryRule;
}

/**
 * The policy that a config's accessControl means, and everything in it that zot would read differently from how it is
 * written, each as the middle of a sentence. `zot verify` accepts all of it (zot 2.1.20): misspelt actions, empty names
 * and lists, policies without a subject, single values and maps in place of lists.
 */
export function readAccessControl(config: JsonMap): {
    policy: AccessPolicy;
    mistakes: string[];
    conditional: ConditionalGrant[];
} {
    const reader = new AccessControlReader();
    const policy = reader.policy(valueAt(config, ["http", "accessControl"]));
    return { policy, mistakes: reader.mistakes, conditional: reader.conditional };
}

/** Reads the parts of an accessControl, and collects mistakes; `where` is the path of a part. */
class AccessControlReader {
    readonly mistakes: string[] = [];
    readonly conditional: ConditionalGrant[] = [];

    policy(value: Json | undefined): AccessPolicy {
        const root = "http.accessControl";
        const control = this.map(value, root, ["repositories", "adminPolicy", "groups", "metrics"]);
        const repositories = valueAt(control, ["repositories"]);
        const rules = Object.entries(isJsonMap(repositories) ? repositories : {}).map(([pattern, rule]) =>
            this.rule(pattern, rule, `${root}.repositories[${JSON.stringify(pattern)}]`),
        );
        const adminPolicy = valueAt(control, ["adminPolicy"]);
        return { rules, everywhere: adminPolicy === undefined ? [] : [this.grant(adminPolicy, `${root}.adminPolicy`)] };
    }

    private rule(pattern: string, value: Json, where: string): RepositoryRule {
        const because = patternMistake(pattern);
        if (because) this.mistakes.push(`the pattern ${shown(pattern)} is not allowed because ${because}`);
        const members = this.map(value, where, ["anonymousPolicy", "defaultPolicy", "policies"]);
        const at = (key: string) => valueAt(members, [key]);
        const before = this.conditional.length;
        const rule: RepositoryRule = {
            pattern,
            anonymous: this.actions(at("anonymousPolicy"), `${where}.anonymousPolicy`),
            loggedIn: this.actions(at("defaultPolicy"), `${where}.defaultPolicy`),
            grants: this.list(at("policies"), `${where}.policies`).map((policy, index) =>
                this.grant(policy, `${where}.policies[${index}]`),
            ),
        };
        for (const found of this.conditional.slice(before)) found.rule = rule;
        return rule;
    }

    private grant(value: Json, where: string): Grant {
        const policy = this.map(value, where, ["users", "groups", "actions", "conditions"]);
        const at = (key: string) => valueAt(policy, [key]);
        const grant: Grant = {
            users: this.names(at("users"), `${where}.users`),
            groups: this.names(at("groups"), `${where}.groups`),
            actions: this.actions(at("actions"), `${where}.actions`),
        };
        if (this.list(at("actions"), `${where}.actions`).length === 0)
            this.mistakes.push(`${where} has no actions, so it has no effect`);
        if (grant.users.length + grant.groups.length === 0)
            this.mistakes.push(`${where} names no user and no group, so it has no effect`);
        const conditions = this.conditions(at("conditions"), `${where}.conditions`);
        if (conditions.length === 0) return grant;
        this.conditional.push({ where, grant: { ...grant, conditions } });
        return { ...grant, conditions };
    }

    private conditions(value: Json | undefined, where: string): Condition[] {
        return this.list(value, where).map((item, index) => {
            const condition = this.map(item, `${where}[${index}]`, ["expression", "message"]);
            const [expression, message] = ["expression", "message"].map((key) => valueAt(condition, [key]));
            if (typeof expression !== "string" || expression.trim() === "")
                this.mistakes.push(
                    `${where}[${index}] has no expression, and zot then refuses without giving a reason`,
                );
            return {
                expression: String(expression ?? ""),
                ...(message === undefined ? {} : { message: String(message) }),
            };
        });
    }

    private actions(value: Json | undefined, where: string): Action[] {
        const given = this.list(value, where);
        given.forEach((action, index) => {
            if (!([...ACTIONS, BEHAVIOUR] as Json[]).includes(action))
                this.mistakes.push(
                    `${where}[${index}] is ${shown(action)}, which zot would ignore; ` +
                        `give one of ${ACTIONS.join(", ")}`,
                );
        });
        return ACTIONS.filter((action) => given.includes(action));
    }

    private names(value: Json | undefined, where: string): string[] {
        return this.list(value, where).flatMap((name, index) => {
            if (typeof name === "string" && name.trim() !== "") return [name];
            this.mistakes.push(
                `${where}[${index}] is ${shown(name)}, which is not a name; zot treats an empty one as anonymous`,
            );
            return [];
        });
    }

    private list(value: Json | undefined, where: string): Json[] {
        if (value === undefined || Array.isArray(value)) return value ?? [];
        this.mistakes.push(`${where} is ${shown(value)} and must be a list`);
        return [];
    }

    private map(value: Json | undefined, where: string, known: string[]): JsonMap {
        if (value === undefined) return {};
        if (!isJsonMap(value)) {
            this.mistakes.push(`${where} is ${shown(value)} and must be a map`);
            return {};
        }
        for (const key of Object.keys(value)) {
            if (!known.some((name) => name.toLowerCase() === key.toLowerCase()))
                this.mistakes.push(`${where}.${key} is not a key of zot there; the keys are ${known.join(", ")}`);
        }
        return value;
    }
}

/**
 * The rights of a zot without any in its config: whoever may send a request may do everything. Without a configured
 * login that is anyone.
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

/** The policy of any config that zot serves. Rules that say nothing count as no rules (zot 2.1.20). */
export function policyInEffect(config: JsonMap): AccessPolicy {
    const repositories = valueAt(config, ["http", "accessControl", "repositories"]);
    const hasRules =
        isJsonMap(repositories) &&
        Object.values(repositories).some((rule) => isJsonMap(rule) && Object.keys(rule).length > 0);
    return hasRules ? policyOf(config) : withoutRights(config);
}

/** The access policy that a rendered or deployed config means to zot. */
export function policyOf(config: JsonMap): AccessPolicy {
    return readAccessControl(config).policy;
}
