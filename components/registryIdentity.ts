/**
 * What the registry needs in Authentik: an OAuth2 provider, an application, who may use it, and CI's service account.
 */
import * as authentik from "@pulumi/authentik";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { ClientSecret } from "pulumi-zot";
import type { ChangedBefore } from "./changedBefore";
import { accountResourceName, bindingOrders, declareAccount } from "./ciAccount";
import type { IdentityPreflight } from "./identityPreflight";
import { leftToPeople } from "./leftToPeople";
import { LiveNames } from "./liveNames";
import { lookUpMessages, reasonOf } from "./lookUpMessages";
import { ciAccounts, FIRST_WORKLOAD, type Settings } from "./settings";
import { allHooks } from "./shownRights";
import { componentTypes } from "./typeTokens";
import { loginCallbackUrl } from "./zotConfig";

/** What exists in Authentik before the program runs: the ids that the resources need. */
export interface AuthentikLookUps {
    authorizationFlow: string;
    invalidationFlow: string;
    signingKey: string;
    /** Scope mappings openid, email and profile. */
    scopeMappings: string[];
    adminsGroup: string;
    /** The groups of CI's identities, by identity, if an administrator keeps them. */
    workloadGroups?: Record<string, string>;
    /** The stage that checks passwords, if the dedicated login flow is declared. */
    passwordStage?: string;
}

/** One look-up, described in the words of the person who set it. */
interface LookUp<T> {
    /** `group admins` */
    what: string;
    /** The setting that names it; undefined if there is none. */
    setting?: string;
    found: Promise<T>;
}

/**
 * Looks up what the program builds on but never owns. It runs before any resource is declared, so everything that is
 * missing is reported in one message.
 *
 * @throws RunError with every failed look-up by name and setting, and what the provider said of it
 */
export async function lookUpAuthentik({ identity, ci }: Pick<Settings, "identity" | "ci">): Promise<AuthentikLookUps> {
    const scopes = ["openid", "email", "profile"].map((scope) => `goauthentik.io/providers/oauth2/scope-${scope}`);
    const kept = !identity.manageWorkloads;
    const isOwnFlow = identity.ciLoginFlow === "default" || identity.ciLoginFlow === "dedicated";
    const flow = (setting: "authorizationFlow" | "invalidationFlow" | "ciLoginFlow") =>
        lookUp("flow", identity[setting], `identity.${setting}`, authentik.getFlow({ slug: identity[setting] }));
    const group = (name: string, setting: string) =>
        lookUp("group", name, setting, authentik.getGroup({ name, includeUsers: false }));
    const accounts = kept ? ciAccounts({ identity, ci }) : [];
    const [authorizationFlow, invalidationFlow, signingKey, scopeMappings, adminsGroup, passwordStage, ...rest] =
        await allOrOneMessage([
            flow("authorizationFlow"),
            flow("invalidationFlow"),
            lookUp(
                "certificate",
                identity.signingKey,
                "identity.signingKey",
                authentik.getCertificateKeyPair({
                    name: identity.signingKey,
                    fetchCertificate: false,
                    fetchKey: false,
                }),
            ),
            // profile carries groups and preferred_username; without them nobody would have rights.
            lookUp(
                "scope mappings",
                "openid, email and profile of Authentik's own",
                undefined,
                inFull(authentik.getPropertyMappingProviderScope({ managedLists: scopes }), scopes.length),
            ),
            group(identity.adminsGroup, "identity.adminsGroup"),
            identity.ciLoginFlow === "dedicated"
                ? lookUp(
                      "stage",
                      identity.passwordStage,
                      "identity.passwordStage",
                      authentik.getStage({ name: identity.passwordStage }),
                  )
                : undefined,
            ...accounts.map(({ group: name, settings }) => group(name, settings.group)),
            ...accounts.map(({ user, settings }) =>
                lookUp("user", user, settings.user, authentik.getUser({ username: user })),
            ),
            isOwnFlow ? undefined : flow("ciLoginFlow"),
        ] as const);
    const groups = accounts.map(({ workload }, index): [string, string] => [workload, rest[index]!.id]);
    return {
        authorizationFlow: authorizationFlow.id,
        invalidationFlow: invalidationFlow.id,
        signingKey: signingKey.id,
        // Sorted, because the bridged provider gives them in any order and compares lists by order.
        scopeMappings: [...scopeMappings.ids].sort(),
        adminsGroup: adminsGroup.id,
        workloadGroups: Object.fromEntries(groups),
        passwordStage: passwordStage?.id,
    };
}

function lookUp<T extends object>(
    kind: string,
    name: string,
    setting: string | undefined,
    found: Promise<T>,
): LookUp<T> {
    // Terraform's provider answers some look-ups that find nothing with an empty result.
    const checked = found.then((result) => {
        if (!(result as { id?: string }).id) throw new Error("it is not there, or the token may not see it");
        return result;
    });
    return { what: `${kind} ${name}`, ...(setting === undefined ? {} : { setting }), found: checked };
}

async function inFull<T extends { ids: string[] }>(found: Promise<T>, count: number): Promise<T> {
    const result = await found;
    if (result.ids.length < count)
        throw new Error(`only ${result.ids.length} of ${count} are there, or the token may not see them`);
    return result;
}

async function allOrOneMessage<T extends readonly (LookUp<unknown> | undefined)[]>(
    lookUps: T,
): Promise<{ -readonly [K in keyof T]: Found<T[K]> }> {
    const results = await Promise.allSettled(lookUps.map((each) => each?.found));
    const failed = results.flatMap((result, index) =>
        result.status === "fulfilled" ? [] : [{ lookUp: lookUps[index]!, reason: reasonOf(result.reason) }],
    );
    const messages = lookUpMessages(failed.map(({ lookUp: { what, setting }, reason }) => ({ what, setting, reason })));
    if (messages.length > 0) throw new pulumi.RunError(messages.join("\n"));
    return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as never;
}

type Found<T> = T extends LookUp<infer Result> ? Result : undefined;

export interface RegistryIdentityArgs {
    /** The settings, checked. */
    settings: Settings;
    /** What {@link lookUpAuthentik} found. */
    found: AuthentikLookUps;
    /** Guards the names that the live registry uses. Default: one that compares the objects themselves. */
    liveNames?: LiveNames;
    /** Checks for what would stop an update half-way. Default: no check. */
    preflight?: IdentityPreflight;
    /** What everything in Authentik depends on: the look at each host, which may refuse. Default: nothing. */
    after?: readonly pulumi.Input<pulumi.Resource>[];
    /** Notes what is made and changed. Default: nothing is noted. */
    changed?: ChangedBefore;
}

/**
 * A binding that lets members in, with every property spelled out: negated, it would let in everybody else. The timeout
 * is Authentik's own default.
 */
const PASSES = { enabled: true, negate: false, failureResult: false, timeout: 30 };

export class RegistryIdentity extends pulumi.ComponentResource {
    /** Secret of the OAuth2 client. */
    public readonly clientSecret: pulumi.Output<string>;
    /** Slug of the flow that each service account logs in by, by identity; undefined for the site's own flow. */
    public readonly ciLoginFlows: Record<string, string | undefined>;
    private readonly changed: ChangedBefore | undefined;

    constructor(name: string, args: RegistryIdentityArgs, opts?: pulumi.ComponentResourceOptions) {
        super(componentTypes.registryIdentity, name, {}, opts);
        const { found, preflight } = args;
        this.changed = args.changed;
        const { identity, registry } = args.settings;
        const after = [...(args.after ?? [])];
        const parent = { parent: this, retainOnDelete: identity.retainOnDestroy, dependsOn: after };
        const liveNames = args.liveNames ?? new LiveNames(name, identity.acceptRename);

        const generated = new random.RandomPassword(
            name,
            { length: 64, special: false },
            { parent: this, retainOnDelete: identity.retainOnDestroy },
        );
        // An existing client keeps its secret, because its zot uses it.
        const secret = new ClientSecret(
            name,
            { clientId: identity.clientId, value: generated.result },
            { parent: this },
        );
        const provider = new authentik.ProviderOauth2(
            name,
            {
                name: identity.providerName,
                clientId: identity.clientId,
                clientSecret: secret.value,
                clientType: "confidential",
                authorizationFlow: found.authorizationFlow,
                invalidationFlow: found.invalidationFlow,
                // The type is Authentik's default; without it, the bridged provider would read it back as a difference.
                allowedRedirectUris: [
                    {
                        matching_mode: "strict",
                        url: loginCallbackUrl(args.settings),
                        redirect_uri_type: "authorization",
                    },
                ],
                signingKey: found.signingKey,
                propertyMappings: found.scopeMappings,
                subMode: "hashed_user_id",
                includeClaimsInIdToken: true,
                // All that zot uses; Authentik 2026.5 and newer allows no grant type that is not listed.
                grantTypes: ["authorization_code"],
                // Each application has its own issuer, which identity.issuer tells zot.
                issuerMode: "per_provider",
            },
            {
                ...parent,
                ...leftToPeople("provider"),
                hooks: allHooks(
                    liveNames.guard("identity.clientId", { input: "clientId" }),
                    preflight?.beforeCreate("OAuth2 provider of the client id", "OAuth2 provider"),
                    this.changed?.note(`the OAuth2 provider ${identity.providerName}`),
                ),
            },
        );
        const shown = {
            group: identity.applicationGroup,
            metaIcon: identity.applicationIcon,
            metaDescription: identity.applicationDescription,
            metaPublisher: identity.applicationPublisher,
            metaLaunchUrl: identity.applicationLaunchUrl,
            openInNewTab: identity.applicationOpenInNewTab,
        };
        const application = new authentik.Application(
            name,
            {
                name: identity.applicationName,
                slug: identity.applicationSlug,
                protocolProvider: provider.id.apply(Number),
                policyEngineMode: "any",
                ...shown,
                // Set for a new application; later, a value that the settings do not give stays as it is.
                metaLaunchUrl: shown.metaLaunchUrl ?? registry.url,
            },
            {
                ...parent,
                ...leftToPeople("application", shown),
                hooks: allHooks(
                    liveNames.guard("identity.applicationSlug", { input: "slug" }),
                    preflight?.beforeCreate("application"),
                    this.changed?.note(`the application ${identity.applicationSlug}`),
                ),
            },
        );

        const accounts = ciAccounts(args.settings).map((account) => ({
            ...account,
            ...declareAccount(accountResourceName(name, account.workload), account, {
                identity,
                kept: found.workloadGroups?.[account.workload],
                passwordStage: found.passwordStage,
                liveNames,
                preflight,
                changed: args.changed,
                options: parent,
            }),
            of: account.workload === FIRST_WORKLOAD ? ` ${account.group}` : ` of ci.workloads.${account.workload}`,
        }));
        this.ciLoginFlows = Object.fromEntries(accounts.map(({ workload, loginFlow }) => [workload, loginFlow]));

        // One after the other: Authentik accepts the same binding twice if two are created at once, and then refuses
        // every change of either.
        const adminsBinding = new authentik.PolicyBinding(
            `${name}-admins`,
            { target: application.uuid, group: found.adminsGroup, order: 0, ...PASSES },
            { ...parent, hooks: this.changed?.note(`the binding of the group ${identity.adminsGroup}`) },
        );
        const orders = bindingOrders(accounts.map(({ workload }) => workload));
        for (const { workload, group, of } of accounts)
            new authentik.PolicyBinding(
                accountResourceName(`${name}-workloads`, workload),
                { target: application.uuid, group, order: orders[workload]!, ...PASSES },
                {
                    ...parent,
                    dependsOn: [...after, adminsBinding],
                    hooks: this.changed?.note(`the binding of the group${of}`),
                },
            );
        this.clientSecret = pulumi.secret(secret.value);
        this.registerOutputs({ clientSecret: this.clientSecret });
    }
}
