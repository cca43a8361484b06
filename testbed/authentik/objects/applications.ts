import type { FieldErrors, Fields } from "../apiSchema";
import { PolicyEngine } from "../policyEngine";
import type { Stored } from "../stored";

import type { ObjectKind } from "./kind";
import { partialProvider } from "./oauth2Providers";

const reservedSlugs = ["authorize", "token", "device", "userinfo", "introspect", "revoke"];

/**
 * Applications, found by slug. The list shows what the asking user may open, and is cached for a day whatever the
 * filter.
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
    filters: {
        superuser_full_list: () => true,
        only_with_launch_url: () => true,
        for_user: () => true,
    },
    checkMembers: ({ attributes }) => {
        const errors: FieldErrors = {};
        const slug = attributes.slug as string | undefined;
        if (slug !== undefined && reservedSlugs.includes(slug)) {
            errors.slug = [`The slug '${slug}' is reserved and cannot be used for applications.`];
        }
        if (typeof attributes.meta_launch_url === "string" && !isLaunchUrl(attributes.meta_launch_url)) {
            errors.meta_launch_url = ["Enter a valid URL."];
        }
        return errors;
    },
    created: (_application, { world }) => world.applicationLists.clear(),
    represent: (application, { world, user }) => {
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
            launch_url: launchUrl(application, provider, user),
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
    list: ({ world, user, request }) => {
        if (request.query.get("superuser_full_list") === "true" && world.permissions.isSuperuser(user))
            return undefined;
        const allowed = (objects: Stored[]) => objects.filter((object) => new PolicyEngine(world, object).passes(user));
        const all = world.store.all("core/applications");
        if (request.query.get("search")) return { visible: allowed(all) };
        const key = `${user.pk}/${request.query.get("page") ?? "1"}`;
        const matching = all.filter((application) => {
            const slug = request.query.get("slug");
            const name = request.query.get("name");
            return (!slug || application.slug === slug) && (!name || application.name === name);
        });
        let cached = world.applicationLists.get(key);
        if (!cached?.length) {
            cached = allowed(matching).map((application) => application.pk as string);
            world.applicationLists.set(key, cached);
        }
        const keys = new Set(cached);
        return { visible: all.filter((application) => keys.has(application.pk as string)), counted: matching.length };
    },
};

const urlSchemes = ["http", "https", "blank", "ssh", "sftp", "ftp", "ftps"];

/**
 * A URL, of which the host may be a name without dots and hold what is filled in later: "https://%(username)s.example".
 */
function isLaunchUrl(text: string): boolean {
    const scheme =
        /^([a-z0-9.+-]+):\/\/(?:[^\s:@/]+(?::[^\s:@/]*)?@)?(?:\[[0-9a-f:.]+\]|[^\s:/?#]+)(?::\d{1,5})?(?:[/?#]\S*)?$/i.exec(
            text,
        )?.[1];
    return text === "" || (scheme !== undefined && urlSchemes.includes(scheme.toLowerCase()));
}

/**
 * The first redirect URI without its path, where no launch URL is set; in both, what is known of the user is filled in.
 */
export function launchUrl(application: Stored, provider: Stored | undefined, user?: Fields): string | null {
    const url = application.meta_launch_url === "" ? guessedUrl(provider) : (application.meta_launch_url as string);
    if (url === null || !user || !url.includes("%")) return url;
    const names = [...url.matchAll(/%\((\w+)\)s/g)].map(([, name]) => name as string);
    // One that is not known, and nothing is filled in.
    if (!names.every((name) => name in user)) return url;
    return url.replace(/%\((\w+)\)s/g, (_all, name: string) => String(user[name]));
}

function guessedUrl(provider: Stored | undefined): string | null {
    const first = (provider?.redirect_uris as Fields[] | undefined)?.find((uri) => uri.redirect_uri_type !== "logout");
    if (!first) return null;
    const [, scheme = "", host = "", rest = ""] =
        /^([a-z][\w+.-]*:)?(\/\/[^/?#]*)?[^?#]*(.*)$/is.exec(first.url as string) ?? [];
    return `${scheme.toLowerCase()}${host}${rest}`;
}
