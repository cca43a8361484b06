/**
 * What is in Authentik already of what a stack declares, by natural key, and what stands in the way of taking it over.
 * Reads only.
 */
import type { PolicyBinding } from "@goauthentik/api";
import { type Client, everyPage } from "../../clients/authentik/client";
import { isNotFound } from "../../clients/authentik/failures";
import { ciLoginFlowParts } from "../../components/ciLoginFlowNames";
import type { Settings } from "../../components/settings";
import { loginCallbackUrl } from "../../components/zotConfig";
import type { Declared } from "./importFile";

export interface Finding {
    object: Declared;
    id: string;
    /** What a person calls it. */
    label: string;
}

export interface Found {
    findings: Finding[];
    /** What the program would make anew. */
    missing: { object: Declared; label: string }[];
    /** What a person has to look at. */
    warnings: string[];
}

/** Authentik's own scope mappings that the program declares. */
const PROGRAMS_SCOPES = new Set(
    ["openid", "email", "profile"].map((scope) => `goauthentik.io/providers/oauth2/scope-${scope}`),
);

/** When a binding ends, as Authentik 2026.8 and newer give one for a granted request; undefined where it stays. */
const endOf = ({ expires }: PolicyBinding): string | undefined => expires?.toISOString();

/** What `found` reads; the parts of the official client. */
export type Reader = Pick<Client, "core" | "providers" | "policies" | "flows" | "stages" | "propertyMappings">;

export async function found(
    client: Reader,
    { identity, registry }: Pick<Settings, "identity" | "registry">,
): Promise<Found> {
    const result: Found = { findings: [], missing: [], warnings: [] };
    const note = (object: Declared, label: string, id: string | number | undefined) => {
        if (id === undefined) result.missing.push({ object, label });
        else result.findings.push({ object, label, id: String(id) });
    };

    const providers = await everyPage((page, pageSize) => client.providers.providersOauth2List({ page, pageSize }));
    const provider = providers.find(({ clientId }) => clientId === identity.clientId);
    note(
        "provider",
        `OAuth2 provider ${provider?.name ?? identity.providerName} (client id ${identity.clientId})`,
        provider?.pk,
    );
    const namesake = providers.find(({ name, pk }) => name === identity.providerName && pk !== provider?.pk);
    if (namesake)
        result.warnings.push(
            `The name ${identity.providerName} belongs to another OAuth2 provider, ` +
                `of the client id ${namesake.clientId}: ` +
                "no two have the same, so give another identity.providerName, " +
                `or set identity.clientId to ${namesake.clientId}.`,
        );

    if (provider) {
        const extraUris = provider.redirectUris
            .filter(({ url }) => url !== loginCallbackUrl({ registry }))
            .map(({ url }) => url);
        if (extraUris.length > 0)
            result.warnings.push(
                `The provider also redirects to ${extraUris.join(", ")}: ` +
                    "pulumi up takes that away, since zot has one address.",
            );
        const scopes = await everyPage((page, pageSize) =>
            client.propertyMappings.propertymappingsProviderScopeList({ page, pageSize }),
        );
        const others = scopes
            .filter(({ pk, managed }) => provider.propertyMappings?.includes(pk) && !PROGRAMS_SCOPES.has(managed ?? ""))
            .map(({ name }) => name);
        if (others.length > 0)
            result.warnings.push(
                `The provider also has the scope mappings ${others.join(", ")}: pulumi up takes them away. ` +
                    "zot asks for openid, email and profile only.",
            );
        if (provider.encryptionKey)
            result.warnings.push(
                "The provider encrypts its tokens, which zot cannot read: no login has worked so. " +
                    "The program leaves the key as it is; remove it in Authentik.",
            );
    }

    const application = await client.core
        .coreApplicationsRetrieve({ slug: identity.applicationSlug })
        .catch((error: unknown) => {
            if (isNotFound(error)) return undefined;
            throw error;
        });
    note("application", `application ${identity.applicationSlug}`, application?.slug);
    if (provider && application?.pk !== undefined && application.provider !== provider.pk)
        result.warnings.push(
            `The application ${identity.applicationSlug} logs its users in with another provider than ` +
                `${provider.name}: pulumi up changes that.`,
        );
    if (provider?.assignedApplicationSlug && provider.assignedApplicationSlug !== identity.applicationSlug) {
        result.warnings.push(
            `The provider of the client id ${identity.clientId} serves the application ` +
                `${provider.assignedApplicationSlug}, and a provider serves only one: ` +
                "set identity.applicationSlug to that, with the issuer that belongs to it, or free the provider.",
        );
    }

    const groupOf = async (name: string) =>
        (await client.core.coreGroupsList({ name, includeUsers: false })).results.find(
            (candidate) => candidate.name === name,
        );
    const workloads = await groupOf(identity.workloadsGroup);
    const admins = await groupOf(identity.adminsGroup);
    if (!admins)
        result.warnings.push(
            `There is no group ${identity.adminsGroup}, which is looked up and never made: ` +
                "make it in Authentik, with its members, before pulumi up.",
        );
    if (workloads?.isSuperuser)
        result.warnings.push(
            `The group ${identity.workloadsGroup} makes its members superusers of Authentik: ` +
                "pulumi up takes that away. Is it the right group?",
        );
    if (identity.manageWorkloads) {
        note("group", `group ${identity.workloadsGroup}`, workloads?.pk);
        const user = (await client.core.coreUsersList({ username: identity.ciUser })).results.find(
            ({ username }) => username === identity.ciUser,
        );
        note("user", `user ${identity.ciUser}`, user?.pk);
        if (user && user.type !== "service_account")
            result.warnings.push(
                `The user ${identity.ciUser} is of type ${user.type}, not a service account: is it a person's? ` +
                    "pulumi up would make it one.",
            );
        const others = (user?.groupsObj ?? [])
            .filter(({ name }) => name !== identity.workloadsGroup)
            .map(({ name }) => name);
        if (others.length > 0)
            result.warnings.push(
                `The user ${identity.ciUser} is a member of ${others.join(", ")} too: pulumi up takes it out.`,
            );
    }

    const bindings = application
        ? await everyPage((page, pageSize) =>
              client.policies.policiesBindingsList({ target: application.pk, page, pageSize }),
          )
        : [];
    // The filter may be one that this version ignores.
    const ofApplication = bindings.filter(({ target }) => target === application?.pk);
    const taken = new Set<PolicyBinding>();
    for (const [object, holder, name] of [
        ["adminsBinding", admins, identity.adminsGroup],
        ["workloadsBinding", workloads, identity.workloadsGroup],
    ] as const) {
        // One that ends goes with its end, and members would no longer log in: the program's own stay.
        const [binding, ...more] = holder
            ? ofApplication.filter((candidate) => candidate.group === holder.pk && endOf(candidate) === undefined)
            : [];
        if (binding) taken.add(binding);
        note(object, `binding of the group ${name} to the application`, binding?.pk);
        for (const other of more) {
            taken.add(other);
            result.warnings.push(
                `The group ${name} is bound to the application more than once; ` +
                    `the binding ${other.pk} stays as it is: remove it by hand.`,
            );
        }
    }
    for (const binding of ofApplication.filter((candidate) => !taken.has(candidate))) {
        const holder = binding.groupObj
            ? `the group ${binding.groupObj.name}`
            : binding.userObj
              ? `the user ${binding.userObj.username}`
              : `the policy ${binding.policyObj?.name ?? binding.policy}`;
        result.warnings.push(
            `The application is bound to ${holder} too (binding ${binding.pk}, order ${binding.order}` +
                `${endOf(binding) === undefined ? "" : `, which ends on ${endOf(binding)}`}), ` +
                "which the program does not declare and leaves as it is: whom does it let in?",
        );
        if (binding.order === 0 || binding.order === 1)
            result.warnings.push(
                `That binding has the order ${binding.order}, which the program gives to one of its own, ` +
                    "and Authentik refuses changes of two with the same: give it another one first.",
            );
    }

    if (identity.ciLoginFlow === "dedicated") {
        const { slug, identification, login, policy } = ciLoginFlowParts(identity.ciUser);
        const { results } = await client.flows.flowsInstancesList({ slug });
        const isThere = results.some((flow) => flow.slug === slug);
        if (isThere)
            result.warnings.push(
                `There is a flow ${slug}, which is not taken over: ` +
                    `set identity.ciLoginFlow to ${slug} to use it as it is, or remove it, ` +
                    "and the program makes its own.",
            );
        const stages = await Promise.all(
            [identification, login].map(async (name) =>
                (await client.stages.stagesAllList({ name })).results.filter((stage) => stage.name === name),
            ),
        );
        const policies = (await client.policies.policiesExpressionList({ name: policy })).results.filter(
            ({ name }) => name === policy,
        );
        const parts = [
            ...stages.flat().map(({ name }) => `stage ${name}`),
            ...policies.map(({ name }) => `policy ${name}`),
        ];
        if (parts.length > 0)
            result.warnings.push(
                `Of such a flow there is also the ${parts.join(", the ")}: ` +
                    `remove ${parts.length === 1 ? "it" : "them"} with the flow, ` +
                    "for the program makes its own of the same name.",
            );
    }
    return result;
}
