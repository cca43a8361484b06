import type { FlowPlan } from "./flowPlan";
import { stageBindingsOf } from "./objects/flows";
import type { World } from "./objects/kind";
import { PolicyEngine } from "./policyEngine";
import type { Stored } from "./stored";

/** Whether somebody may start a flow: its authentication requirement, then the policies bound to it. */
export function isApplicable(world: World, flow: Stored, user: Stored | undefined): boolean {
    switch (flow.authentication) {
        case "require_authenticated":
            if (!user) return false;
            break;
        case "require_unauthenticated":
            if (user) return false;
            break;
        case "require_superuser":
            if (!user || !world.permissions.isSuperuser(user)) return false;
            break;
        case "require_redirect":
        case "require_outpost":
            return false;
    }
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

/** The flow for logging in or out: the default brand's, or else the first by slug that applies. */
export function defaultFlow(
    world: World,
    designation: "authentication" | "invalidation",
    user: Stored | undefined,
): Stored | undefined {
    const ofBrand = world.store.find("flows/instances", "slug", `default-${designation}-flow`);
    if (ofBrand) return ofBrand;
    return world.store
        .all("flows/instances")
        .filter((flow) => flow.designation === designation)
        .sort((a, b) => ((a.slug as string) < (b.slug as string) ? -1 : 1))
        .find((flow) => new PolicyEngine(world, flow).passes(user));
}
