import type { Fields } from "../apiSchema";
import { parseExpression } from "../expressions";
import type { Stored } from "../stored";
import type { ObjectKind, World } from "./kind";

/**
 * Expression policies. Authentik runs Python; the stand-in knows a few forms (expressions.ts) and refuses the rest by
 * name.
 */
export const expressionPolicies: ObjectKind = {
    path: "policies/expression",
    model: "authentik_policies_expression.expressionpolicy",
    className: "ExpressionPolicy",
    verboseName: "Expression Policy",
    applicationName: "authentik Policies.Expression",
    primaryKey: "uuid",
    pathParameter: "policy_uuid",
    defaults: () => ({ execution_logging: false }),
    unique: { name: { message: "Policy with this name already exists." } },
    ordering: ["name"],
    search: ["name"],
    checkMembers: ({ attributes }) => {
        if (typeof attributes.expression !== "string") return {};
        const parsed = parseExpression(attributes.expression);
        return typeof parsed === "string" ? { expression: [parsed] } : {};
    },
    represent: (policy, { world }) => expressionPolicy(policy, world),
};

export function expressionPolicy(policy: Stored, world: World): Fields {
    return {
        pk: policy.pk,
        name: policy.name,
        execution_logging: policy.execution_logging,
        component: "ak-policy-expression-form",
        verbose_name: "Expression Policy",
        verbose_name_plural: "Expression Policies",
        meta_model_name: "authentik_policies_expression.expressionpolicy",
        bound_to: world.store.all("policies/bindings").filter((binding) => binding.policy === policy.pk).length,
        expression: policy.expression,
    };
}
