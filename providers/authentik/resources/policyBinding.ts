import type { PoliciesBindingsListRequest, PolicyBinding, PolicyBindingRequest } from "@goauthentik/api";
import { type Client, everyPage } from "../../../clients/authentik/client";
import { type ApiFailure, failureIn } from "../../../clients/authentik/failures";
import { outsideText } from "../../../clients/outsideText";
import { UserError } from "../../../clients/userError";
import type { ResourceDefinition } from "../definition";
import { isDuplicate } from "../errors";
import { boolean, integer, integerBetween, isNothing, reference, text } from "../propertyTypes";

const subjects = ["group", "user", "policy"] as const;

async function bindingsOf(
    client: Client,
    { target, order, policy }: Partial<PolicyBindingRequest>,
): Promise<PolicyBinding[]> {
    const list = (filter: PoliciesBindingsListRequest) =>
        everyPage((page, pageSize) => client.policies.policiesBindingsList({ ...filter, page, pageSize }));
    return list({ target }).catch((error: unknown) => {
        // The id of a flow or a stage binding works as a target, and comes back as one, but the list does not accept it
        // as a filter (400, measured on 2026.5).
        if (failureIn(error)?.fields.target === undefined) throw error;
        return list({ order, ...(policy ? { policy } : {}) });
    });
}

/** The subject of a binding, in words. */
const holderOf = ({ groupObj, userObj }: PolicyBinding): string =>
    groupObj ? `the group ${groupObj.name}` : userObj ? `the user ${userObj.username}` : "another binding";

const isTaken = (failure: ApiFailure | undefined): boolean =>
    failure !== undefined && Object.values(failure.fields).flat().some(isDuplicate);

/**
 * Authentik accepts a second binding of a target with the same order and policy (none, for a group or a user), and then
 * refuses every update of either. Eight bindings created at once become eight bindings (measured on 2026.5). Therefore
 * bindings of one target are created one after another, each after a look, and an order that is taken is refused here.
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
        const all = await bindingsOf(client, request);
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
        const holder = holderOf(found);
        return (
            `order ${inputs.order} of this target belongs to ${holder} (binding ${found.pk}). ` +
            "Authentik would take a second binding of the same order and then refuse to change either: " +
            "choose another order"
        );
    },
    refusal: (failure) =>
        isTaken(failure)
            ? "order: another binding of this target has it. " +
              "Two bindings cannot swap their orders in one step: give one of them a free number first"
            : undefined,
    create: (client, request) => client.policies.policiesBindingsCreate({ policyBindingRequest: request }),
    read: (client, id) => client.policies.policiesBindingsRetrieve({ policyBindingUuid: id }),
    update: async (client, id, changes) => {
        try {
            return await client.policies.policiesBindingsPartialUpdate({
                policyBindingUuid: id,
                patchedPolicyBindingRequest: changes,
            });
        } catch (error) {
            if (!isTaken(failureIn(error))) throw error;
            const { order, target } = changes;
            const other = (await bindingsOf(client, changes)).find(
                (binding) => binding.pk !== id && binding.target === target && binding.order === order,
            );
            if (!other) throw error;
            throw new UserError(
                `Authentik at ${client.url} refused the policy binding ${id}: order ${order} of this target also belongs to ` +
                    `${outsideText(holderOf(other))} (binding ${other.pk}), and Authentik refuses every change of two bindings ` +
                    "that share an order. Two bindings cannot swap their orders in one step either: " +
                    "in Authentik, give one of them a free number first.",
            );
        }
    },
    delete: (client, id) => client.policies.policiesBindingsDestroy({ policyBindingUuid: id }),
    // Without the target a PATCH is 405, without the subject 400 (measured on 2026.5).
    alwaysSent: ["target", "group", "user", "policy", "order"],
};
