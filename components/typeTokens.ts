/**
 * The types of what this program declares. They are part of the addresses (URNs) in a stack's state, so a changed one
 * needs an alias. This file imports nothing: commands read it without loading Pulumi.
 */

/** The types of this program's components. */
export const componentTypes = {
    hardenedRegistry: "zot-hardening:index:HardenedRegistry",
    registryIdentity: "zot-hardening:index:RegistryIdentity",
    ciLoginFlow: "zot-hardening:index:CiLoginFlow",
    ciCredential: "zot-hardening:index:CiCredential",
    registryHost: "zot-hardening:index:RegistryHost",
    afterDestroy: "zot-hardening:index:AfterDestroy",
} as const;

/** The types of the resources in Authentik that `npm run adopt` takes over. */
export const authentikTypes = {
    providerOauth2: "authentik:index/providerOauth2:ProviderOauth2",
    application: "authentik:index/application:Application",
    group: "authentik:index/group:Group",
    user: "authentik:index/user:User",
    policyBinding: "authentik:index/policyBinding:PolicyBinding",
} as const;
