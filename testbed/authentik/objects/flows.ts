import type { Stored } from "../stored";
import { isOlder } from "../versions";
import { flowSummary } from "./flowSummary";
import type { ObjectKind, World } from "./kind";
import { stagePaths, stageSummary } from "./stages";

/** Flows, found by slug and referred to by `pk`. */
export const flows: ObjectKind = {
    path: "flows/instances",
    model: "authentik_flows.flow",
    className: "Flow",
    verboseName: "Flow",
    applicationName: "authentik Flows",
    primaryKey: "uuid",
    lookup: "slug",
    pathParameter: "slug",
    policyBindingModel: "policybindingmodel_ptr_id",
    extraPermissions: {
        export_flow: "Can export a Flow",
        inspect_flow: "Can inspect a Flow's execution",
        view_flow_cache: "View Flow's cache metrics",
        clear_flow_cache: "Clear Flow's cache metrics",
    },
    defaults: () => ({
        background: "",
        policy_engine_mode: "any",
        compatibility_mode: false,
        layout: "stacked",
        denied_action: "message_continue",
        authentication: "none",
    }),
    unique: { slug: { message: "Flow with this slug already exists." } },
    ordering: ["slug", "name"],
    search: ["name", "slug", "designation", "title"],
    represent: (flow, { world }) => ({
        ...flowSummary(flow),
        // Up to 2025.10 the member cannot be written, and shows the usual one's address if there is none.
        background:
            flow.background ||
            (isOlder(world.version, "2025.12.0") ? "/static/dist/assets/images/flow_background.jpg" : ""),
        background_themed_urls: null,
        stages: stageBindingsOf(world, flow).map((binding) => binding.stage),
        policies: world.store
            .all("policies/bindings")
            .filter((binding) => binding.target === flow.policybindingmodel_ptr_id && binding.policy !== null)
            .map((binding) => binding.policy),
        cache_count: 0,
        authentication: flow.authentication,
    }),
};

export function stageBindingsOf(world: World, flow: Stored): Stored[] {
    return world.store
        .all("flows/bindings")
        .filter((binding) => binding.target === flow.pk)
        .sort((a, b) => (a.order as number) - (b.order as number));
}

/** The binding of a stage to a flow: policies can be bound to it, by its policybindingmodel_ptr_id. */
export const flowStageBindings: ObjectKind = {
    path: "flows/bindings",
    model: "authentik_flows.flowstagebinding",
    className: "FlowStageBinding",
    verboseName: "Flow Stage Binding",
    applicationName: "authentik Flows",
    primaryKey: "uuid",
    pathParameter: "fsb_uuid",
    policyBindingModel: "policybindingmodel_ptr_id",
    defaults: () => ({
        evaluate_on_plan: false,
        re_evaluate_policies: true,
        policy_engine_mode: "any",
        invalid_response_action: "retry",
    }),
    references: {
        target: { to: ["flows/instances"], whenDeleted: "cascade" },
        stage: { to: stagePaths, whenDeleted: "cascade" },
    },
    ordering: ["order", "pk"],
    search: [],
    represent: (binding, { world, request }) => ({
        pk: binding.pk,
        policybindingmodel_ptr_id: binding.policybindingmodel_ptr_id,
        target: binding.target,
        stage: binding.stage,
        // Right after a write Authentik knows only that it is some stage.
        stage_obj: stageSummary(world, binding.stage, request?.method === "POST"),
        evaluate_on_plan: binding.evaluate_on_plan,
        re_evaluate_policies: binding.re_evaluate_policies,
        order: binding.order,
        policy_engine_mode: binding.policy_engine_mode,
        invalid_response_action: binding.invalid_response_action,
    }),
};
