import type { Fields } from "../apiSchema";
import { PolicyEngine } from "../policyEngine";
import type { Stored } from "../stored";

import type { ObjectKind } from "./kind";
import { partialProvider } from "./oauth2Providers";

/**
 * Applications, found by slug. The list shows what the asking user may open, whatever the filter (it is cached for a
 * day); that of a superuser who asks for all of them is a list like others.
 */
export const applications: ObjectKind = {
    path: "core/applications",
    model: "authentik_core.application",
    className: "Application",
    verboseName: "Application",
    applicationName: "authentik Core",
    primaryKey: "uuid",
    lookup: "slug",
    pathParameter: "slug",
    policyBindingModel: "pk",
    defaults: () => ({
        provider: null,
        backchannel_providers: [],
        open_in_new_tab: false,
        meta_launch_url: "",
        meta_icon: "",
        meta_description: "",
        meta_publisher: "",
        policy_engine_mode: "any",
        group: "",
        meta_hide: false,
    }),
    unique: {
        slug: { message: "Application with this slug already exists." },
        provider: { message: "Application with this provider already exists." },
    },
    references: {
        provider: { to: ["providers/oauth2"], whenDeleted: "null" },
        backchannel_providers: { to: ["providers/oauth2"], whenDeleted: "remove" },
    },
    ordering: ["name"],
    search: ["name", "slug", "meta_description", "meta_publisher", "group"],
    represent: (application, { world }) => {
        const provider =
            application.provider === null ? undefined : world.store.get("providers/oauth2", application.provider);
        return {
            pk: application.pk,
            pbm_uuid: application.pk,
            name: application.name,
            slug: application.slug,
            provider: application.provider,
            provider_obj: provider ? partialProvider(provider, world) : null,
            backchannel_providers: application.backchannel_providers,
            backchannel_providers_obj: (application.backchannel_providers as number[]).map((pk) =>
                partialProvider(world.store.get("providers/oauth2", pk) as Stored, world),
            ),
            launch_url: launchUrl(application, provider),
            open_in_new_tab: application.open_in_new_tab,
            meta_launch_url: application.meta_launch_url,
            meta_icon: application.meta_icon,
            meta_icon_url: application.meta_icon === "" ? null : application.meta_icon,
            meta_icon_themed_urls: null,
            meta_description: application.meta_description,
            meta_publisher: application.meta_publisher,
            policy_engine_mode: application.policy_engine_mode,
            group: application.group,
            meta_hide: application.meta_hide,
        };
    },
    list: ({ world, user, request }) =>
        request.query.get("superuser_full_list") === "true" && world.permissions.isSuperuser(user)
            ? undefined
            : world.store.all("core/applications").filter((object) => new PolicyEngine(world, object).passes(user)),
};

/** The address that is set, or else the first redirect URI. */
export function launchUrl(application: Stored, provider: Stored | undefined): string | null {
    const [first] = (provider?.redirect_uris as Fields[] | undefined) ?? [];
    return (application.meta_launch_url as string) || ((first?.url as string | undefined) ?? null);
}
