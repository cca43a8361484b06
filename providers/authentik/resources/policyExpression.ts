import type { ExpressionPolicy, ExpressionPolicyRequest } from "@goauthentik/api";
import type { ResourceDefinition } from "../definition";
import { boolean, expression, text } from "../propertyTypes";

export const policyExpression: ResourceDefinition<ExpressionPolicy, ExpressionPolicyRequest> = {
    token: "authentik:index/policyExpression:PolicyExpression",
    noun: "expression policy",
    description: "A policy that is a few lines of Python.",
    properties: {
        name: { type: text, autonamed: true, description: "The policy's name. No two policies have the same." },
        expression: { type: expression, required: true, description: "Python that returns whether the policy passes." },
        executionLogging: {
            type: boolean,
            default: false,
            description: "Whether every run is logged, not only failures.",
        },
    },
    idOutput: "policyExpressionId",
    idOf: (answer) => answer.pk,
    idHelp: "Its id is the UUID that the API lists under /policies/expression/?name=.",
    permission: { app: "authentik_policies_expression", model: "expressionpolicy" },
    keyProperty: "name",
    label: (inputs) => String(inputs.name ?? inputs.policyExpressionId ?? ""),
    find: async (client, request) => {
        const { results } = await client.policies.policiesExpressionList({ name: request.name });
        return results.filter((found) => found.name === request.name);
    },
    create: (client, request) => client.policies.policiesExpressionCreate({ expressionPolicyRequest: request }),
    read: (client, id) => client.policies.policiesExpressionRetrieve({ policyUuid: id }),
    update: (client, id, changes) =>
        client.policies.policiesExpressionPartialUpdate({ policyUuid: id, patchedExpressionPolicyRequest: changes }),
    delete: (client, id) => client.policies.policiesExpressionDestroy({ policyUuid: id }),
};
