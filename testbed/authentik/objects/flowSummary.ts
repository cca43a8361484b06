import type { Fields } from "../apiSchema";
import type { Stored } from "../stored";

export const defaultBackground = "/static/dist/assets/images/flow_background.jpg";

/** The members that a stage shows of a flow that it is bound to. */
export function flowSummary(flow: Stored): Fields {
    return {
        pk: flow.pk,
        policybindingmodel_ptr_id: flow.policybindingmodel_ptr_id,
        name: flow.name,
        slug: flow.slug,
        title: flow.title,
        designation: flow.designation,
        background_url: flow.background === "" ? defaultBackground : flow.background,
        policy_engine_mode: flow.policy_engine_mode,
        compatibility_mode: flow.compatibility_mode,
        export_url: `/api/v3/flows/instances/${flow.slug as string}/export/`,
        layout: flow.layout,
        denied_action: flow.denied_action,
    };
}
