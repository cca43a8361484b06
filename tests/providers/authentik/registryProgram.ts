/** Loaded by the tests, after the SDK was compiled. */
export const sdk = () => require("@pulumi/authentik") as typeof import("@pulumi/authentik");

export const canaries = { secret: "canary-client-secret-7f3a", password: "canary-password-51c9" };

/** What the program of this project declares, in small: six resources with the stack. */
export const registryProgram = (name: string) => async () => {
    const authentik = sdk();
    const managed = (scope: string) => `goauthentik.io/providers/oauth2/scope-${scope}`;
    const scopes = authentik.getPropertyMappingProviderScopeOutput({
        managedLists: [managed("openid"), managed("email"), managed("profile")],
    });
    const key = authentik.getCertificateKeyPairOutput({
        name: "authentik Self-signed Certificate",
        fetchCertificate: false,
        fetchKey: false,
    });
    const group = new authentik.Group("workloads", { name: `${name}-workloads` });
    const user = new authentik.User("ci", {
        username: `${name}-ci`,
        name: "CI",
        type: "service_account",
        path: "services",
        groups: [group.id],
        password: canaries.password,
    });
    const provider = new authentik.ProviderOauth2("registry", {
        name,
        clientId: name,
        clientSecret: canaries.secret,
        authorizationFlow: authentik.getFlowOutput({ slug: "default-provider-authorization-implicit-consent" }).id,
        invalidationFlow: authentik.getFlowOutput({ slug: "default-provider-invalidation-flow" }).id,
        signingKey: key.id,
        propertyMappings: scopes.ids,
        allowedRedirectUris: [{ matching_mode: "strict", url: "https://registry.example.com/zot/auth/callback/oidc" }],
    });
    const application = new authentik.Application("registry", {
        name: "Registry",
        slug: name,
        protocolProvider: provider.id.apply(Number),
        metaLaunchUrl: "https://registry.example.com",
    });
    const binding = new authentik.PolicyBinding("workloads", {
        target: application.uuid,
        group: group.id,
        order: 1,
    });
    return {
        group: group.id,
        user: user.id,
        provider: provider.id,
        application: application.id,
        binding: binding.id,
        clientSecret: provider.clientSecret,
    };
};
