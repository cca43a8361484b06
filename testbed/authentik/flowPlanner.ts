import type { FlowPlan } from "./flowPlan";
import { stageBindingsOf } from "./objects/flows";
import type { World } from "./objects/kind";
import { PolicyEngine } from "./policyEngine";
import type { Stored } from "./stored";

/** Whether somebody may start a flow: its authentication requirement, then the policies bound to it. */
export function isApplicable(world: World, flow: Stored, user: Stored | undefined): boolean {
    if (flow.authentication === "require_authenticated" && !user) return false;
    if (flow.authentication === "require_unauthenticated" && user) return false;
    return new PolicyEngine(world, flow).passes(user, { inFlow: true });
}

/** The stages of a flow in order, without those that a policy keeps out when the flow is planned. */
export function planFlow(
    world: World,
    flow: Stored,
    user: Stored | undefined,
    context: Partial<FlowPlan> = {},
): FlowPlan {
    const steps = stageBindingsOf(world, flow)
        .filter(
            (binding) =>
                binding.evaluate_on_plan !== true || new PolicyEngine(world, binding).passes(user, { inFlow: true }),
        )
        .map((binding) => binding.pk as string);
    return { flow: flow.pk as string, steps, ...context };
}

/** The default brand's flow for logging in or out. */
export const defaultFlow = (world: World, designation: "authentication" | "invalidation"): Stored | undefined =>
    world.store.find("flows/instances", "slug", `default-${designation}-flow`);
