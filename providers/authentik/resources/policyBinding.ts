import type { PoliciesBindingsListRequest, PolicyBinding, PolicyBindingRequest } from "@goauthentik/api";
import { everyPage } from "../../../clients/authentik/client";
import { failureIn } from "../../../clients/authentik/failures";
import type { ResourceDefinition } from "../definition";
import { isDuplicate } from "../errors";
import { boolean, integer, integerBetween, isNothing, reference, text } from "../propertyTypes";

const subjects = ["group", "user", "policy"] as const;

/**
 * Authentik accepts a second binding of a target with the same order and policy (which is none, for a group or a user)
 * and then refuses every update of either; eight made at once are eight bindings (measured on 2026.5). So bindings of
 * one target are made one after another, each after a look, and an order that is taken is refused here.
 */
export const policyBinding: ResourceDefinition<PolicyBinding, PolicyBindingRequest> = {
    token: "authentik:index/policyBinding:PolicyBinding",
    noun: "policy binding",
    description:
        "Says who passes: binds a group, a user or a policy to an application, a flow's stage or another target.",
    properties: {
        target: {
            type: text,
            required: true,
            description: "UUID of what is guarded: an application's `uuid`, for example.",
        },
        order: {
            type: integerBetween(-2147483648, 2147483647),
            required: true,
            description: "Bindings are asked in this order.",
        },
        group: { type: reference, description: "Id of the group whose members pass." },
        user: { type: integer, description: "Id of the user who passes." },
        policy: { type: reference, description: "Id of the policy that decides." },
        negate: { type: boolean, default: false, description: "Whether the answer is turned round." },
        enabled: { type: boolean, default: true, description: "Whether the binding counts." },
        timeout: {
            type: integerBetween(0, 2147483647),
            default: 30,
            description: "Seconds after which a policy is given up on.",
        },
        failureResult: { type: boolean, default: false, description: "What a policy that fails counts as." },
    },
    idOutput: "policyBindingId",
    idOf: (answer) => answer.pk,
    idHelp: "Its id is the UUID that the API lists under /policies/bindings/?target=.",
    permission: { app: "authentik_policies", model: "policybinding" },
    keyProperty: "order",
    label: (inputs) => {
        const subject = subjects.find((name) => !isNothing(inputs[name]));
        return subject ? `${subject} ${inputs[subject]}, order ${inputs.order}` : String(inputs.policyBindingId ?? "");
    },
    check: (inputs) => {
        const given = subjects.filter((name) => !isNothing(inputs[name]));
        if (given.length === 1) return [];
        return [
            {
                property: given[1] ?? "group",
                reason:
                    given.length === 0
                        ? "one of group, user and policy is required: who or what the binding is for"
                        : `only one of group, user and policy can be given, not ${given.join(" and ")}`,
            },
        ];
    },
    serialKey: (inputs) => String(inputs.target),
    find: async (client, request) => {
        const list = (filter: PoliciesBindingsListRequest) =>
            everyPage((page, pageSize) => client.policies.policiesBindingsList({ ...filter, page, pageSize }));
        const all = await list({ target: request.target }).catch((error: unknown) => {
            // A flow's or a stage binding's id is good as a target, and comes back as one, but the list does not take
            // it as a filter (400, measured on 2026.5).
            if (failureIn(error)?.fields.target === undefined) throw error;
            return list({ order: request.order, ...(request.policy ? { policy: request.policy } : {}) });
        });
        return all.filter(
            (found) =>
                found.target === request.target &&
                found.order === request.order &&
                (found.policy ?? null) === (request.policy ?? null),
        );
    },
    clash: (inputs, found) => {
        if (
            subjects.every(
                (name) =>
                    isNothing(inputs[name]) === isNothing(found[name]) &&
                    (isNothing(inputs[name]) || inputs[name] === found[name]),
            )
        )
            return undefined;
        const holder = found.groupObj
            ? `the group ${found.groupObj.name}`
            : found.userObj
              ? `the user ${found.userObj.username}`
              : "another binding";
        return (
            `order ${inputs.order} of this target belongs to ${holder} (binding ${found.pk}). ` +
            "Authentik would take a second binding of the same order and then refuse to change either: " +
            "choose another order"
        );
    },
    refusal: (failure) =>
        Object.values(failure.fields).flat().some(isDuplicate)
            ? "order: another binding of this target has it. " +
              "Two bindings cannot swap their orders in one step: give one of them a free number first"
            : undefined,
    create: (client, request) => client.policies.policiesBindingsCreate({ policyBindingRequest: request }),
    read: (client, id) => client.policies.policiesBindingsRetrieve({ policyBindingUuid: id }),
    update: (client, id, changes) =>
        client.policies.policiesBindingsPartialUpdate({ policyBindingUuid: id, patchedPolicyBindingRequest: changes }),
    delete: (client, id) => client.policies.policiesBindingsDestroy({ policyBindingUuid: id }),
    // Without the target a PATCH is 405, without the subject 400 (measured on 2026.5).
    alwaysSent: ["target", "group", "user", "policy", "order"],
};
