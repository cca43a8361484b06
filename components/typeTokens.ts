/**
 * The types of what this program declares, as they stand in the addresses (URNs) of a stack's state: one that changes
 * takes an alias along. Without an import: commands read them and load nothing of Pulumi.
 */

/** Of this program's components. */
export const componentTypes = {
    hardenedRegistry: "zot-hardening:index:HardenedRegistry",
    registryIdentity: "zot-hardening:index:RegistryIdentity",
    ciLoginFlow: "zot-hardening:index:CiLoginFlow",
    ciCredential: "zot-hardening:index:CiCredential",
    registryHost: "zot-hardening:index:RegistryHost",
    afterDestroy: "zot-hardening:index:AfterDestroy",
} as const;

/** Of the resources in Authentik that `npm run adopt` takes over. */
export const authentikTypes = {
    providerOauth2: "authentik:index/providerOauth2:ProviderOauth2",
    application: "authentik:index/application:Application",
    group: "authentik:index/group:Group",
    user: "authentik:index/user:User",
    policyBinding: "authentik:index/policyBinding:PolicyBinding",
} as const;
