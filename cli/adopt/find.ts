/**
 * Finds, by natural keys, which objects that a stack declares already exist in Authentik, and what would be in the way
 * of taking them over. Reads only.
 */
import type { Application, Group, OAuth2Provider, PolicyBinding } from "@goauthentik/api";
import { type Client, everyPage } from "../../clients/authentik/client";
import { isNotFound } from "../../clients/authentik/failures";
import { ciLoginFlowParts } from "../../components/ciLoginFlowNames";
import { type CiAccount, ciAccounts, type Settings } from "../../components/settings";
import { loginCallbackUrl } from "../../components/zotConfig";
import { type Declared, declaredOf } from "./importFile";

export interface Finding {
    object: Declared;
    id: string;
    /** Its name for a person. */
    label: string;
}

export interface Found {
    findings: Finding[];
    /** What the program would create. */
    missing: { object: Declared; label: string }[];
    /** What a person has to look at. */
    warnings: string[];
}

/** Authentik's own scope mappings that the program declares. */
const PROGRAMS_SCOPES = new Set(
    ["openid", "email", "profile"].map((scope) => `goauthentik.io/providers/oauth2/scope-${scope}`),
);

/** When a binding ends (Authentik 2026.8 and newer set an end for a granted request); undefined if it does not. */
const endOf = ({ expires }: PolicyBinding): string | undefined => expires?.toISOString();

/** The parts of the official client that are used here. */
export type Reader = Pick<Client, "core" | "providers" | "policies" | "flows" | "stages" | "propertyMappings">;

type Identity = Settings["identity"];
/** The group of each identity of CI, and the admins'. */
interface Groups {
    admins: Group | undefined;
    workloads: { account: CiAccount; group: Group | undefined }[];
}

/** Collects what is found. */
class Findings implements Found {
    readonly findings: Finding[] = [];
    readonly missing: Found["missing"] = [];
    readonly warnings: string[] = [];

    /** Notes a declared object: it exists, or is missing. */
    note(object: Declared, label: string, id: string | number | undefined): void {
        if (id === undefined) this.missing.push({ object, label });
        else this.findings.push({ object, label, id: String(id) });
    }

    warnIf(condition: unknown, message: () => string): void {
        if (condition) this.warnings.push(message());
    }
}

export async function found(
    client: Reader,
    { identity, ci, registry }: Pick<Settings, "identity" | "ci" | "registry">,
): Promise<Found> {
    const result = new Findings();
    const provider = await findProvider(client, identity, result);
    if (provider) await warnOfProvider(client, provider, registry, result);
    const application = await findApplication(client, identity, provider, result);
    const accounts = ciAccounts({ identity, ci });
    const groups = await findGroups(client, identity, accounts, result);
    for (const { account, group } of identity.manageWorkloads ? groups.workloads : []) {
        result.note(declaredOf("group", account.workload), `group ${account.group}`, group?.pk);
        await findCiUser(client, account, result);
    }
    await findBindings(client, identity, application?.pk, groups, result);
    for (const { user } of identity.ciLoginFlow === "dedicated" ? accounts : [])
        await warnOfLoginFlow(client, user, result);
    return result;
}

async function findProvider(client: Reader, identity: Identity, result: Findings): Promise<OAuth2Provider | undefined> {
    const providers = await everyPage((page, pageSize) => client.providers.providersOauth2List({ page, pageSize }));
    const provider = providers.find(({ clientId }) => clientId === identity.clientId);
    result.note(
        "provider",
        `OAuth2 provider ${provider?.name ?? identity.providerName} (client id ${identity.clientId})`,
        provider?.pk,
    );
    const namesake = providers.find(({ name, pk }) => name === identity.providerName && pk !== provider?.pk);
    result.warnIf(
        namesake,
        () =>
            `The name ${identity.providerName} belongs to another OAuth2 provider, ` +
            `with the client id ${namesake!.clientId}, ` +
            "and names are unique. Give another identity.providerName, " +
            `or set identity.clientId to ${namesake!.clientId}.`,
    );
    return provider;
}

/** What pulumi up changes about the provider, and what it leaves although it prevents logins. */
async function warnOfProvider(
    client: Reader,
    provider: OAuth2Provider,
    registry: Settings["registry"],
    result: Findings,
): Promise<void> {
    const extraUris = provider.redirectUris
        .filter(({ url }) => url !== loginCallbackUrl({ registry }))
        .map(({ url }) => url);
    result.warnIf(
        extraUris.length > 0,
        () =>
            `The provider also redirects to ${extraUris.join(", ")}: ` +
            "pulumi up removes that, because zot has only one address.",
    );
    const scopes = await everyPage((page, pageSize) =>
        client.propertyMappings.propertymappingsProviderScopeList({ page, pageSize }),
    );
    const others = scopes
        .filter(({ pk, managed }) => provider.propertyMappings?.includes(pk) && !PROGRAMS_SCOPES.has(managed ?? ""))
        .map(({ name }) => name);
    result.warnIf(
        others.length > 0,
        () =>
            `The provider also has the scope mappings ${others.join(", ")}: pulumi up removes them. ` +
            "zot asks for openid, email and profile only.",
    );
    result.warnIf(
        provider.encryptionKey,
        () =>
            "The provider encrypts its tokens, which zot cannot read: no login can have worked. " +
            "The program leaves the key as it is; remove it in Authentik.",
    );
}

async function findApplication(
    client: Reader,
    identity: Identity,
    provider: OAuth2Provider | undefined,
    result: Findings,
): Promise<Application | undefined> {
    const application = await client.core
        .coreApplicationsRetrieve({ slug: identity.applicationSlug })
        .catch((error: unknown) => {
            if (isNotFound(error)) return undefined;
            throw error;
        });
    result.note("application", `application ${identity.applicationSlug}`, application?.slug);
    result.warnIf(
        provider && application?.pk !== undefined && application.provider !== provider.pk,
        () =>
            `The application ${identity.applicationSlug} uses another provider than ` +
            `${provider!.name}: pulumi up changes that.`,
    );
    const served = provider?.assignedApplicationSlug;
    result.warnIf(
        served && served !== identity.applicationSlug,
        () =>
            `The provider of the client id ${identity.clientId} serves the application ` +
            `${served}, and a provider serves only one: ` +
            "set identity.applicationSlug to that, with the matching issuer, or free the provider.",
    );
    return application;
}

async function findGroups(
    client: Reader,
    identity: Identity,
    accounts: readonly CiAccount[],
    result: Findings,
): Promise<Groups> {
    const groupOf = async (name: string) =>
        (await client.core.coreGroupsList({ name, includeUsers: false })).results.find(
            (candidate) => candidate.name === name,
        );
    const workloads: Groups["workloads"] = [];
    for (const account of accounts) workloads.push({ account, group: await groupOf(account.group) });
    const admins = await groupOf(identity.adminsGroup);
    result.warnIf(
        !admins,
        () =>
            `There is no group ${identity.adminsGroup}. The program looks it up and never creates it: ` +
            "create it in Authentik, with its members, before pulumi up.",
    );
    for (const { account, group } of workloads)
        result.warnIf(
            group?.isSuperuser,
            () =>
                `The group ${account.group} makes its members superusers of Authentik: ` +
                "pulumi up removes that. Is it the right group?",
        );
    return { workloads, admins };
}

async function findCiUser(client: Reader, { workload, user: name, group }: CiAccount, result: Findings): Promise<void> {
    const user = (await client.core.coreUsersList({ username: name })).results.find(
        ({ username }) => username === name,
    );
    result.note(declaredOf("user", workload), `user ${name}`, user?.pk);
    result.warnIf(
        user && user.type !== "service_account",
        () =>
            `The user ${name} is of type ${user!.type}, not a service account: is it a person's? ` +
            "pulumi up would make it one.",
    );
    const others = (user?.groupsObj ?? []).filter((one) => one.name !== group).map((one) => one.name);
    result.warnIf(
        others.length > 0,
        () => `The user ${name} is also a member of ${others.join(", ")}: pulumi up removes it from there.`,
    );
}

async function findBindings(
    client: Reader,
    identity: Identity,
    target: string | undefined,
    { admins, workloads }: Groups,
    result: Findings,
): Promise<void> {
    const bindings =
        target === undefined
            ? []
            : await everyPage((page, pageSize) => client.policies.policiesBindingsList({ target, page, pageSize }));
    // This version may ignore the filter.
    const ofApplication = bindings.filter((binding) => binding.target === target);
    const taken = new Set<PolicyBinding>();
    const holders: [object: Declared, holder: Group | undefined, name: string][] = [
        ["adminsBinding", admins, identity.adminsGroup],
        ...workloads.map(({ account, group }): [Declared, Group | undefined, string] => [
            declaredOf("workloadsBinding", account.workload),
            group,
            account.group,
        ]),
    ];
    for (const [object, holder, name] of holders) {
        // A binding that ends would lock members out at its end, so the program makes its own.
        const ofGroup = ofApplication.filter(({ group }) => holder !== undefined && group === holder.pk);
        const [binding, ...more] = ofGroup.filter((candidate) => endOf(candidate) === undefined);
        if (binding) taken.add(binding);
        result.note(object, `binding of the group ${name} to the application`, binding?.pk);
        for (const other of more) {
            taken.add(other);
            result.warnings.push(
                `The group ${name} is bound to the application more than once; ` +
                    `the binding ${other.pk} stays as it is: remove it by hand.`,
            );
        }
    }
    for (const binding of ofApplication) if (!taken.has(binding)) warnOfBinding(binding, result);
}

/** A binding that is not declared. */
function warnOfBinding(binding: PolicyBinding, result: Findings): void {
    const holder = binding.groupObj
        ? `the group ${binding.groupObj.name}`
        : binding.userObj
          ? `the user ${binding.userObj.username}`
          : `the policy ${binding.policyObj?.name ?? binding.policy}`;
    result.warnings.push(
        `The application is bound to ${holder} too (binding ${binding.pk}, order ${binding.order}` +
            `${endOf(binding) === undefined ? "" : `, which ends on ${endOf(binding)}`}). ` +
            "The program does not declare that binding and leaves it as it is: whom does it let in?",
    );
    result.warnIf(
        binding.order === 0 || binding.order === 1,
        () =>
            `That binding has the order ${binding.order}, which the program gives to one of its own. ` +
            "Authentik refuses changes of two bindings with the same order: give it another one first.",
    );
}

/** Checks for objects with the names of the flow that the program makes for CI. */
async function warnOfLoginFlow(client: Reader, ciUser: string, result: Findings): Promise<void> {
    const { slug, identification, login, policy } = ciLoginFlowParts(ciUser);
    const { results } = await client.flows.flowsInstancesList({ slug });
    result.warnIf(
        results.some((flow) => flow.slug === slug),
        () =>
            `There is a flow ${slug}, and flows cannot be taken over: ` +
            `set identity.ciLoginFlow to ${slug} to use it as it is, or remove it; ` +
            "then the program makes its own.",
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
    result.warnIf(
        parts.length > 0,
        () =>
            `From such a flow there is also the ${parts.join(", the ")}: ` +
            `remove ${parts.length === 1 ? "it" : "them"} with the flow, ` +
            "because the program makes its own with the same name.",
    );
}
