/** What the registry needs in Authentik: an OAuth2 provider, an application, who may use it, and CI's service account. */
import * as authentik from "@pulumi/authentik";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { CiLoginFlow } from "./ciLoginFlow";
import { LiveNames } from "./liveNames";
import type { Settings } from "./settings";
import { loginCallbackUrl } from "./zotConfig";

/** What is in Authentik before the program: by id, as the resources want it. */
export interface AuthentikLookUps {
    authorizationFlow: string;
    invalidationFlow: string;
    signingKey: string;
    /** Scope mappings openid, email and profile. */
    scopeMappings: string[];
    adminsGroup: string;
    /** CI's group, where an administrator keeps it. */
    workloadsGroup?: string;
    /** The stage that checks passwords, where the dedicated login flow is declared. */
    passwordStage?: string;
}

/**
 * Looks up what the program builds on and never owns. Done before any resource is declared, so that what is missing is one message.
 *
 * @throws RunError with every look-up that failed.
 */
export async function lookUpAuthentik({ identity }: Pick<Settings, "identity">): Promise<AuthentikLookUps> {
    const scopes = ["openid", "email", "profile"].map((scope) => `goauthentik.io/providers/oauth2/scope-${scope}`);
    const kept = !identity.manageWorkloads;
    const [authorizationFlow, invalidationFlow, signingKey, scopeMappings, adminsGroup, passwordStage, workloadsGroup] = await allOrOneMessage([
        authentik.getFlow({ slug: identity.authorizationFlow }),
        authentik.getFlow({ slug: identity.invalidationFlow }),
        authentik.getCertificateKeyPair({ name: identity.signingKey, fetchCertificate: false, fetchKey: false }),
        // profile carries groups and preferred_username, without which nobody would have rights.
        authentik.getPropertyMappingProviderScope({ managedLists: scopes }),
        authentik.getGroup({ name: identity.adminsGroup, includeUsers: false }),
        identity.ciLoginFlow === "dedicated" ? authentik.getStage({ name: identity.passwordStage }) : undefined,
        kept ? authentik.getGroup({ name: identity.workloadsGroup, includeUsers: false }) : undefined,
        kept ? authentik.getUser({ username: identity.ciUser }) : undefined,
    ] as const);
    return {
        authorizationFlow: authorizationFlow.id,
        invalidationFlow: invalidationFlow.id,
        signingKey: signingKey.id,
        scopeMappings: scopeMappings.ids,
        adminsGroup: adminsGroup.id,
        workloadsGroup: workloadsGroup?.id,
        passwordStage: passwordStage?.id,
    };
}

async function allOrOneMessage<T extends readonly unknown[]>(lookUps: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
    const results = await Promise.allSettled(lookUps);
    const reasons = results.flatMap((result) => (result.status === "rejected" ? [reasonOf(result.reason)] : []));
    if (reasons.length > 0) throw new pulumi.RunError([...new Set(reasons)].join("\n"));
    return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as { -readonly [K in keyof T]: Awaited<T[K]> };
}

/** What the provider said, without the SDK's words around it. */
function reasonOf(error: unknown): string {
    const message = error instanceof Error ? error.message : String(error);
    return message.replace(/^invocation of \S+ returned an error: /, "");
}

export interface RegistryIdentityArgs {
    /** The settings, checked. */
    settings: Settings;
    /** What {@link lookUpAuthentik} found. */
    found: AuthentikLookUps;
}

/** Seconds that Authentik waits for a policy before it counts as failed: Authentik's own default. */
const BINDING_TIMEOUT = 30;

export class RegistryIdentity extends pulumi.ComponentResource {
    /** Secret of the OAuth2 client. */
    public readonly clientSecret: pulumi.Output<string>;
    /** Slug of the flow that the service account logs in by; undefined for the site's own. */
    public readonly ciLoginFlow: string | undefined;

    constructor(name: string, args: RegistryIdentityArgs, opts?: pulumi.ComponentResourceOptions) {
        super("zot-hardening:index:RegistryIdentity", name, {}, opts);
        const { found } = args;
        const { identity, registry } = args.settings;
        const parent = { parent: this, retainOnDelete: identity.retainOnDestroy };
        const liveNames = new LiveNames(name, identity.acceptRename);

        const secret = new random.RandomPassword(name, { length: 64, special: false }, parent);
        const provider = new authentik.ProviderOauth2(
            name,
            {
                name: identity.providerName,
                clientId: identity.clientId,
                clientSecret: secret.result,
                clientType: "confidential",
                authorizationFlow: found.authorizationFlow,
                invalidationFlow: found.invalidationFlow,
                allowedRedirectUris: [{ matching_mode: "strict", url: loginCallbackUrl(args.settings) }],
                signingKey: found.signingKey,
                propertyMappings: found.scopeMappings,
                subMode: "hashed_user_id",
                includeClaimsInIdToken: true,
                // All that zot uses; servers of 2026.5 and newer grant nothing that is not named.
                grantTypes: ["authorization_code"],
                // One issuer per application: what zot is told in identity.issuer.
                issuerMode: "per_provider",
            },
            { ...parent, hooks: liveNames.guard("identity.clientId", { input: "clientId" }) },
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
            { ...parent, hooks: liveNames.guard("identity.applicationSlug", { input: "slug" }) },
        );

        const workloadsGroup = found.workloadsGroup ?? this.workloads(name, identity, liveNames);

        // One after the other: Authentik accepts the same binding twice when two are made at once, and then refuses every change of it.
        const adminsBinding = new authentik.PolicyBinding(
            `${name}-admins`,
            { target: application.uuid, group: found.adminsGroup, order: 0, timeout: BINDING_TIMEOUT },
            parent,
        );
        new authentik.PolicyBinding(
            `${name}-workloads`,
            { target: application.uuid, group: workloadsGroup, order: 1, timeout: BINDING_TIMEOUT },
            { ...parent, dependsOn: adminsBinding },
        );

        this.ciLoginFlow = this.loginFlow(name, identity, found);
        this.clientSecret = pulumi.secret(secret.result);
        this.registerOutputs({ clientSecret: this.clientSecret });
    }

    private loginFlow(name: string, identity: Settings["identity"], found: AuthentikLookUps): string | undefined {
        if (identity.ciLoginFlow === "default") return undefined;
        if (identity.ciLoginFlow !== "dedicated") return identity.ciLoginFlow;
        return new CiLoginFlow(name, { ciUser: identity.ciUser, passwordStage: found.passwordStage! }, { parent: this }).slug;
    }

    /** Makes CI's group and account, and answers the group's id. */
    private workloads(name: string, identity: Settings["identity"], liveNames: LiveNames): pulumi.Output<string> {
        const parent = { parent: this, retainOnDelete: identity.retainOnDestroy };
        const group = new authentik.Group(name, { name: identity.workloadsGroup }, { ...parent, hooks: liveNames.guard("identity.workloadsGroup", { input: "name" }) });
        new authentik.User(
            name,
            {
                username: identity.ciUser,
                name: identity.ciUser,
                type: "service_account",
                // Membership is managed from the user's side only: Authentik lets both sides write it, and the last one wins.
                groups: [group.id],
            },
            { ...parent, hooks: liveNames.guard("identity.ciUser", { input: "username" }) },
        );
        return group.id;
    }
}
