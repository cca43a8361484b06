import type { Fields } from "../apiSchema";
import { newKey } from "../identifiers";
import type { Stored } from "../stored";
import { isOlder } from "../versions";
import type { ObjectKind, World } from "./kind";

/** OAuth2 providers. The server adds `redirect_uri_type` to each redirect URI; newer ones add `grant_types`. */
export const oauth2Providers: ObjectKind = {
    path: "providers/oauth2",
    model: "authentik_providers_oauth2.oauth2provider",
    className: "OAuth2Provider",
    verboseName: "OAuth2/OpenID Provider",
    applicationName: "authentik Providers.OAuth2",
    primaryKey: "integer",
    pathParameter: "id",
    defaults: () => ({
        authentication_flow: null,
        property_mappings: [],
        client_type: "confidential",
        grant_types: [],
        client_id: newKey(40),
        client_secret: newKey(128),
        access_code_validity: "minutes=1",
        access_token_validity: "hours=1",
        refresh_token_validity: "days=30",
        refresh_token_threshold: "seconds=0",
        include_claims_in_id_token: true,
        signing_key: null,
        encryption_key: null,
        logout_uri: "",
        logout_method: "backchannel",
        sub_mode: "hashed_user_id",
        issuer_mode: "per_provider",
        jwt_federation_sources: [],
        jwt_federation_providers: [],
    }),
    unique: {
        name: { message: "provider with this name already exists." },
        client_id: { message: "OAuth2/OpenID Provider with this Client ID already exists." },
    },
    references: {
        authentication_flow: { to: ["flows/instances"], whenDeleted: "null" },
        authorization_flow: { to: ["flows/instances"], whenDeleted: "cascade" },
        invalidation_flow: { to: ["flows/instances"], whenDeleted: "null" },
        property_mappings: { to: ["propertymappings/provider/scope"], whenDeleted: "remove" },
        signing_key: { to: ["crypto/certificatekeypairs"], whenDeleted: "null" },
        encryption_key: { to: ["crypto/certificatekeypairs"], whenDeleted: "null" },
        jwt_federation_sources: { to: [], whenDeleted: "remove" },
        jwt_federation_providers: { to: ["providers/oauth2"], whenDeleted: "remove" },
    },
    ordering: ["name"],
    search: ["name"],
    validate: ({ attributes }) => {
        for (const uri of (attributes.redirect_uris as Fields[] | undefined) ?? [])
            uri.redirect_uri_type ??= "authorization";
    },
    represent: (provider, { world }) => ({
        ...partialProvider(provider, world),
        client_type: provider.client_type,
        grant_types: provider.grant_types,
        client_id: provider.client_id,
        client_secret: provider.client_secret,
        access_code_validity: provider.access_code_validity,
        access_token_validity: provider.access_token_validity,
        refresh_token_validity: provider.refresh_token_validity,
        refresh_token_threshold: provider.refresh_token_threshold,
        include_claims_in_id_token: provider.include_claims_in_id_token,
        signing_key: provider.signing_key,
        encryption_key: provider.encryption_key,
        redirect_uris: (provider.redirect_uris as Fields[]).map((uri) => {
            // 2026.2 and older have but one type; the release candidates of 2026.5 know both.
            const { redirect_uri_type: type, ...untyped } = uri;
            return isOlder(world.version, "2026.4") ? untyped : { ...untyped, redirect_uri_type: type };
        }),
        logout_uri: provider.logout_uri,
        logout_method: provider.logout_method,
        sub_mode: provider.sub_mode,
        issuer_mode: provider.issuer_mode,
        jwt_federation_sources: provider.jwt_federation_sources,
        jwt_federation_providers: provider.jwt_federation_providers,
    }),
};

/**
 * `grant_types`, and an application's `meta_hide`, came between 2026.5.0-rc1, which ignores them, and the releases of
 * 2026.5. There a provider made without them has none, and its authorization requests fail.
 */
export function knowsGrantTypes(world: World): boolean {
    return !isOlder(world.version, "2026.5.0");
}

export function applicationOf(world: World, provider: Stored): Stored | undefined {
    return world.store.find("core/applications", "provider", provider.pk);
}

/** The members that every kind of provider has; an application shows them as `provider_obj`. */
export function partialProvider(provider: Stored, world: World): Fields {
    const application = applicationOf(world, provider);
    return {
        pk: provider.pk,
        name: provider.name,
        authentication_flow: provider.authentication_flow,
        authorization_flow: provider.authorization_flow,
        invalidation_flow: provider.invalidation_flow,
        property_mappings: provider.property_mappings,
        component: "ak-provider-oauth2-form",
        assigned_application_slug: application?.slug ?? null,
        assigned_application_name: application?.name ?? null,
        assigned_backchannel_application_slug: null,
        assigned_backchannel_application_name: null,
        verbose_name: "OAuth2/OpenID Provider",
        verbose_name_plural: "OAuth2/OpenID Providers",
        meta_model_name: "authentik_providers_oauth2.oauth2provider",
    };
}
