import type { Flow, FlowRequest } from "@goauthentik/api";
import { isNotFound } from "../../../clients/authentik/failures";
import type { ResourceDefinition } from "../definition";
import { boolean, oneOf, text } from "../propertyTypes";

/** Deleting an authorization flow deletes the providers that use it (measured on 2026.5). */
export const flow: ResourceDefinition<Flow, FlowRequest> = {
    token: "authentik:index/flow:Flow",
    noun: "flow",
    description:
        "A flow: stages that a user goes through one after another, to log in for example. " +
        "Stage bindings on its `uuid` say which.",
    properties: {
        name: { type: text, autonamed: true, description: "The flow's name." },
        slug: { type: text, required: true, description: "The name in addresses. No two flows have the same." },
        title: { type: text, required: true, description: "The title that is shown." },
        designation: {
            type: oneOf(
                "authentication",
                "authorization",
                "invalidation",
                "enrollment",
                "unenrollment",
                "recovery",
                "stage_configuration",
            ),
            required: true,
            description: "What the flow is for.",
        },
        authentication: {
            type: oneOf(
                "none",
                "require_authenticated",
                "require_unauthenticated",
                "require_superuser",
                "require_redirect",
                "require_outpost",
                "require_token",
            ),
            default: "none",
            description: "Who may run the flow.",
        },
        layout: {
            type: oneOf(
                "stacked",
                "content_left",
                "content_right",
                "sidebar_left",
                "sidebar_right",
                "sidebar_left_frame_background",
                "sidebar_right_frame_background",
            ),
            default: "stacked",
            description: "How its pages are laid out.",
        },
        background: {
            type: text,
            default: "/static/dist/assets/images/flow_background.jpg",
            since: "2025.12",
            description: "The picture behind its pages.",
        },
        policyEngineMode: {
            type: oneOf("all", "any"),
            default: "any",
            description: "Whether all or any of its policy bindings must pass.",
        },
        deniedAction: {
            type: oneOf("message_continue", "message", "continue"),
            default: "message_continue",
            description: "What happens to whom it denies.",
        },
        compatibilityMode: {
            type: boolean,
            default: true,
            description: "Whether its pages are built so that more password managers know them.",
        },
    },
    outputs: { pk: { name: "uuid", type: text, description: "The UUID that stage bindings and providers refer to." } },
    idOutput: "flowId",
    // As in the bridged provider, and as with applications.
    idOf: (answer) => answer.slug,
    currentId: (id, properties) => (typeof properties.slug === "string" ? properties.slug : id),
    idHelp: "Its id is its slug.",
    permission: { app: "authentik_flows", model: "flow" },
    keyProperty: "slug",
    label: (inputs) => String(inputs.slug ?? inputs.flowId ?? ""),
    find: async (client, request) => {
        try {
            return [await client.flows.flowsInstancesRetrieve({ slug: request.slug })];
        } catch (error) {
            if (isNotFound(error)) return [];
            throw error;
        }
    },
    create: (client, request) => client.flows.flowsInstancesCreate({ flowRequest: request }),
    read: (client, id) => client.flows.flowsInstancesRetrieve({ slug: id }),
    findMoved: async (client, { uuid }) => {
        if (typeof uuid !== "string") return undefined;
        const { results } = await client.flows.flowsInstancesList({ flowUuid: uuid });
        return results.find((found) => found.pk === uuid);
    },
    update: (client, id, changes) =>
        client.flows.flowsInstancesPartialUpdate({ slug: id, patchedFlowRequest: changes }),
    delete: (client, id) => client.flows.flowsInstancesDestroy({ slug: id }),
};
