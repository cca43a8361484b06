import type { FlowStageBinding, FlowStageBindingRequest } from "@goauthentik/api";
import { everyPage } from "../../../clients/authentik/client";
import type { ResourceDefinition } from "../definition";
import { boolean, integerBetween, oneOf, text } from "../propertyTypes";

export const flowStageBinding: ResourceDefinition<FlowStageBinding, FlowStageBindingRequest> = {
    token: "authentik:index/flowStageBinding:FlowStageBinding",
    noun: "stage binding",
    description: "Puts a stage into a flow. Policy bindings on its id say who goes through it.",
    properties: {
        target: { type: text, required: true, description: "UUID of the flow." },
        stage: { type: text, required: true, description: "Id of the stage." },
        order: {
            type: integerBetween(-2147483648, 2147483647),
            required: true,
            description: "Stages come in this order.",
        },
        evaluateOnPlan: {
            type: boolean,
            default: true,
            description: "Whether policies are asked when the flow begins.",
        },
        reEvaluatePolicies: {
            type: boolean,
            default: false,
            description:
                "Whether policies are asked when the stage is reached: only then is it known who wants to log in.",
        },
        policyEngineMode: {
            type: oneOf("all", "any"),
            default: "any",
            description: "Whether all or any of its policy bindings must pass.",
        },
        invalidResponseAction: {
            type: oneOf("retry", "restart", "restart_with_context"),
            default: "retry",
            description: "What follows an answer that is not valid.",
        },
    },
    idOutput: "flowStageBindingId",
    idOf: (answer) => answer.pk,
    idHelp: "Its id is the UUID that the API lists under /flows/bindings/?target=.",
    permission: { app: "authentik_flows", model: "flowstagebinding" },
    keyProperty: "order",
    label: (inputs) => String(inputs.flowStageBindingId ?? (inputs.order === undefined ? "" : `order ${inputs.order}`)),
    serialKey: (inputs) => String(inputs.target),
    find: async (client, request) => {
        const all = await everyPage((page, pageSize) =>
            client.flows.flowsBindingsList({ target: request.target, page, pageSize }),
        );
        return all.filter(
            (found) =>
                found.target === request.target && found.stage === request.stage && found.order === request.order,
        );
    },
    create: (client, request) => client.flows.flowsBindingsCreate({ flowStageBindingRequest: request }),
    read: (client, id) => client.flows.flowsBindingsRetrieve({ fsbUuid: id }),
    update: (client, id, changes) =>
        client.flows.flowsBindingsPartialUpdate({ fsbUuid: id, patchedFlowStageBindingRequest: changes }),
    delete: (client, id) => client.flows.flowsBindingsDestroy({ fsbUuid: id }),
    alwaysSent: ["target", "stage", "order"],
};
