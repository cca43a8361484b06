/** What the registry needs in Authentik: an OAuth2 provider, an application, who may use it, and CI's service account. */
import * as authentik from "@pulumi/authentik";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { Settings } from "./settings";
import { loginCallbackUrl } from "./zotConfig";

export interface RegistryIdentityArgs {
    /** The settings, checked. */
    settings: Settings;
}

/** Seconds that Authentik waits for a policy before it counts as failed: Authentik's own default. */
const BINDING_TIMEOUT = 30;

export class RegistryIdentity extends pulumi.ComponentResource {
    /** Secret of the OAuth2 client. */
    public readonly clientSecret: pulumi.Output<string>;
    /** Name of the service account that CI pushes as. */
    public readonly ciUserName: pulumi.Output<string>;

    constructor(name: string, args: RegistryIdentityArgs, opts?: pulumi.ComponentResourceOptions) {
        super("zot-hardening:index:RegistryIdentity", name, {}, opts);
        const { identity, registry } = args.settings;
        const parent = { parent: this };
        const liveNames = new LiveNames(name, identity.acceptRename);

        const secret = new random.RandomPassword(name, { length: 64, special: false }, parent);
        const authorizationFlow = authentik.getFlowOutput({ slug: identity.authorizationFlow }, parent);
        const invalidationFlow = authentik.getFlowOutput({ slug: identity.invalidationFlow }, parent);
        const signingKey = authentik.getCertificateKeyPairOutput({ name: identity.signingKey, fetchCertificate: false, fetchKey: false }, parent);
        // profile carries groups and preferred_username, without which nobody would have rights.
        const scopeMappings = authentik.getPropertyMappingProviderScopeOutput(
            { managedLists: ["openid", "email", "profile"].map((scope) => `goauthentik.io/providers/oauth2/scope-${scope}`) },
            parent,
        );

        const provider = new authentik.ProviderOauth2(
            name,
            {
                name: identity.providerName,
                clientId: identity.clientId,
                clientSecret: secret.result,
                clientType: "confidential",
                authorizationFlow: authorizationFlow.id,
                invalidationFlow: invalidationFlow.id,
                allowedRedirectUris: [{ matching_mode: "strict", url: loginCallbackUrl(args.settings) }],
                signingKey: signingKey.id,
                propertyMappings: scopeMappings.ids,
                subMode: "hashed_user_id",
                includeClaimsInIdToken: true,
                // One issuer per application: what zot is told in identity.issuer.
                issuerMode: "per_provider",
            },
            { ...parent, hooks: liveNames.guard({ clientId: "identity.clientId" }) },
        );
        const application = new authentik.Application(
            name,
            {
                name: identity.applicationName,
                slug: identity.applicationSlug,
                protocolProvider: provider.id.apply(Number),
                metaLaunchUrl: registry.url,
                policyEngineMode: "any",
            },
            { ...parent, hooks: liveNames.guard({ slug: "identity.applicationSlug" }) },
        );

        const admins = authentik.getGroupOutput({ name: identity.adminsGroup, includeUsers: false }, parent);
        const workloads = this.workloads(name, identity, liveNames);
        this.ciUserName = workloads.userName;

        // One after the other: Authentik accepts the same binding twice when two are made at once, and then refuses every change of it.
        const adminsBinding = new authentik.PolicyBinding(
            `${name}-admins`,
            { target: application.uuid, group: admins.id, order: 0, timeout: BINDING_TIMEOUT },
            parent,
        );
        new authentik.PolicyBinding(
            `${name}-workloads`,
            { target: application.uuid, group: workloads.groupId, order: 1, timeout: BINDING_TIMEOUT },
            { ...parent, dependsOn: adminsBinding },
        );

        this.clientSecret = pulumi.secret(secret.result);
        this.registerOutputs({ clientSecret: this.clientSecret, ciUserName: this.ciUserName });
    }

    /** CI's group and account: made here, or looked up where an administrator keeps them. */
    private workloads(name: string, identity: Settings["identity"], liveNames: LiveNames): { groupId: pulumi.Output<string>; userName: pulumi.Output<string> } {
        const parent = { parent: this };
        if (!identity.manageWorkloads) {
            return {
                groupId: authentik.getGroupOutput({ name: identity.workloadsGroup, includeUsers: false }, parent).id,
                userName: authentik.getUserOutput({ username: identity.ciUser }, parent).username,
            };
        }
        const group = new authentik.Group(name, { name: identity.workloadsGroup }, { ...parent, hooks: liveNames.guard({ name: "identity.workloadsGroup" }) });
        const user = new authentik.User(
            name,
            {
                username: identity.ciUser,
                name: identity.ciUser,
                type: "service_account",
                // Membership is managed from the user's side only: Authentik lets both sides write it, and the last one wins.
                groups: [group.id],
            },
            { ...parent, hooks: liveNames.guard({ username: "identity.ciUser" }) },
        );
        return { groupId: group.id, userName: user.username };
    }
}

/**
 * Names that a live registry depends on. Authentik renames without a word, and then logins fail until zot has the new
 * name, keys lose their owner, and groups that zot remembers from the last login no longer match.
 */
class LiveNames {
    constructor(
        private readonly component: string,
        private readonly renameAccepted: boolean,
    ) {}

    /** Hooks that refuse, in preview already, a change of the given inputs: input name to the setting it comes from. */
    guard(inputs: Record<string, string>): pulumi.ResourceHookBinding | undefined {
        if (this.renameAccepted) return undefined;
        const refuse = new pulumi.ResourceHook(
            `${this.component}-keeps-${Object.keys(inputs).join("-")}-of-${Object.values(inputs).join("-")}`,
            async ({ oldInputs, newInputs }) => {
                const changes = Object.entries(inputs)
                    .map(([input, setting]) => ({ setting, from: nameIn(oldInputs, input), to: nameIn(newInputs, input) }))
                    .filter(({ from, to }) => from !== undefined && to !== undefined && from !== to);
                if (changes.length === 0) return;
                throw new pulumi.RunError(
                    changes
                        .map(
                            ({ setting, from, to }) =>
                                `${setting} would change from ${JSON.stringify(from)} to ${JSON.stringify(to)} under a live registry: logins would fail until zot has the new name, and API keys and groups stay with the old one. ` +
                                `To rename on purpose, run once: pulumi up --config identity.acceptRename=true --config-path`,
                        )
                        .join("\n"),
                );
            },
            { onDryRun: true },
        );
        return { beforeUpdate: [refuse] };
    }
}

function nameIn(inputs: unknown, key: string): string | undefined {
    const value = (inputs as Record<string, unknown> | undefined)?.[key];
    return typeof value === "string" ? value : undefined;
}
