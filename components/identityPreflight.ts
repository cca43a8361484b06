/**
 * Finds what would stop an update half-way in Authentik, before anything is changed there. It asks in preview and at
 * the start of an update: names that are taken, a login flow that a service account does not pass, and members that a
 * change of the group would remove.
 */

import * as pulumi from "@pulumi/pulumi";
import type { ApiAccess } from "../clients/authentik/api";
import {
    authorizationObstacles,
    type FlowObstacles,
    isMember,
    type Kind,
    loginObstacles,
    membersOf,
    takenNames,
} from "../clients/authentik/objects";
import { outgoing } from "../clients/http/outgoing";
import { ciLoginFlowParts } from "./ciLoginFlowNames";
import { type CiAccount, ciAccounts, FIRST_WORKLOAD, type Settings } from "./settings";

interface Declared {
    kind: Kind;
    name: string;
    /** The setting that gives the name, or another origin, in words. */
    from: string;
    /** Whether `npm run adopt` takes such an object over. */
    isAdopted: boolean;
    /** The identity of CI that it belongs to. */
    workload: string;
}

/**
 * The objects that the program makes under names that have to be unique. Those of the registration count to the first
 * account.
 */
export function declaredNames({ identity, ci }: Pick<Settings, "identity" | "ci">): Declared[] {
    const adopted = (kind: Kind, name: string, from: string, workload = FIRST_WORKLOAD): Declared => ({
        kind,
        name,
        from,
        isAdopted: true,
        workload,
    });
    return [
        adopted("OAuth2 provider of the client id", identity.clientId, "identity.clientId"),
        adopted("OAuth2 provider", identity.providerName, "identity.providerName"),
        adopted("application", identity.applicationSlug, "identity.applicationSlug"),
        ...ciAccounts({ identity, ci }).flatMap(({ workload, user, group, settings }) => [
            ...(identity.manageWorkloads
                ? [adopted("group", group, settings.group, workload), adopted("user", user, settings.user, workload)]
                : []),
            ...(identity.ciLoginFlow === "dedicated" ? flowNames(user, workload) : []),
        ]),
    ];
}

/** The objects of an account's dedicated login flow. */
function flowNames(user: string, workload: string): Declared[] {
    const { slug, identification, login, policy } = ciLoginFlowParts(user);
    const ofFlow = (kind: Kind, name: string): Declared => ({
        kind,
        name,
        from: "identity.ciLoginFlow",
        isAdopted: false,
        workload,
    });
    return [
        ofFlow("flow", slug),
        ofFlow("stage", identification),
        ofFlow("stage", login),
        ofFlow("expression policy", policy),
    ];
}

/** The message about names that are taken. */
export function takenMessage(url: string, stack: string, taken: readonly Declared[]): string {
    const adopted = taken.filter(({ isAdopted }) => isAdopted);
    const flow = taken.filter(({ isAdopted }) => !isAdopted);
    const lines = [
        `Authentik at ${url} already has objects with names that this stack uses for its own:`,
        ...taken.map(({ kind, name, from }) => `  - ${kind} ${name} (${from})`),
    ];
    if (adopted.length > 0)
        lines.push(
            `Take over what the stack's state does not hold yet: npm run adopt -- --stack ${stack}. ` +
                "It lists what that is, and changes nothing. Or set other names.",
        );
    const slug = flow.find(({ kind }) => kind === "flow")?.name;
    if (slug !== undefined) {
        lines.push(
            `A flow cannot be taken over. To use ${slug} as it is: ` +
                `pulumi config set --path identity.ciLoginFlow ${slug}. ` +
                "Or remove it in Authentik with its stages and its policy; then the program makes its own.",
        );
    } else if (flow.length > 0) {
        lines.push(
            "Stages and policies of a login flow cannot be taken over. " +
                "They may be left over from a deleted flow: remove them in Authentik; then the program makes its own.",
        );
    }
    return lines.join("\n");
}

/** The message about an authorization flow that the service account does not pass; people may pass it. */
export function authorizationMessage(
    { identity }: Pick<Settings, "identity">,
    flow: string,
    what: readonly string[],
): string {
    return (
        `The authorization flow ${flow} (identity.authorizationFlow) ${what.join(", and ")}. ` +
        `The service account ${identity.ciUser} has nothing but a password. Therefore CI's key cannot be made. ` +
        "Take that out of the flow, or set another one: " +
        "pulumi config set --path identity.authorizationFlow default-provider-authorization-implicit-consent"
    );
}

/** The message about a login flow that the service account does not pass. */
export function obstacleMessage(
    { identity }: Pick<Settings, "identity">,
    flow: string,
    what: readonly string[],
): string {
    const remedy =
        identity.ciLoginFlow === "dedicated"
            ? "Take that out of the flow."
            : "Give the service account a flow of its own: pulumi config set --path identity.ciLoginFlow dedicated";
    return (
        `The login flow ${flow} ${what.join(", and ")}. ` +
        `The service account ${identity.ciUser} has nothing but a password. Therefore CI's key cannot be made. ${remedy}`
    );
}

/** A flow with an obstacle, and the function that words it. */
interface BlockedFlow extends FlowObstacles {
    message: typeof obstacleMessage;
}

export class IdentityPreflight {
    private readonly access: ApiAccess | undefined;
    /** By identity of CI: each is asked about only once. */
    private readonly taken = new Map<string, Promise<Declared[]>>();
    private obstacles: Promise<BlockedFlow[]> | undefined;
    private readonly told = new Set<string>();
    /** By name: an update hangs forever on a hook whose name was registered twice (CLI 3.259). */
    private readonly hooks = new Map<string, pulumi.ResourceHook>();
    /** Read here, because inside a hook the stack is not known. */
    private readonly stack = pulumi.getStack();

    /**
     * @param access how to reach Authentik; undefined if that is not known, and then nothing is asked
     * @param sendsMembers whether the provider sends a group's members with every change of it. Default: whether the
     *     installed package is the bridged one.
     */
    constructor(
        private readonly component: string,
        private readonly settings: Pick<Settings, "identity" | "ci">,
        access: { url: string; token: string } | undefined,
        private readonly sendsMembers: boolean = isBridged(),
    ) {
        this.access = access && { ...access, transport: outgoing() };
    }

    /**
     * Hooks for the component that holds all objects. A new component has none of them in the state, so one taken name
     * refuses it as a whole. Otherwise an update without a preview would make the free ones, and stop half-way.
     */
    beforeCreateAll(): pulumi.ResourceHookBinding {
        const kinds = new Set(declaredNames(this.settings).map(({ kind }) => kind));
        return this.refuseBeforeCreate("names-are-free", [...kinds]);
    }

    /**
     * Hooks for a resource that is made in Authentik. They refuse it, before the first one is made, if its name is
     * taken or if CI could not log in afterwards. Everything is reported at once.
     */
    beforeCreate(...own: Kind[]): pulumi.ResourceHookBinding {
        return this.refuseBeforeCreate(`${own[0] ?? "login"}-is-free`, own, FIRST_WORKLOAD);
    }

    /** The same for an object of one identity of CI: only the identity's own names can be taken. */
    beforeCreateFor(workload: string, ...own: Kind[]): pulumi.ResourceHookBinding {
        if (workload === FIRST_WORKLOAD) return this.beforeCreate(...own);
        return this.refuseBeforeCreate(`${own[0] ?? "login"}-is-free-for-${workload}`, own, workload);
    }

    private refuseBeforeCreate(what: string, own: Kind[], workload?: string): pulumi.ResourceHookBinding {
        const { access } = this;
        if (!access) return {};
        // The engine prints this name with the refusal.
        const name = `${this.component}-${what.replaceAll(" ", "-")}`;
        const made = this.hooks.get(name);
        if (made) return { beforeCreate: [made] };
        const refuse = new pulumi.ResourceHook(
            name,
            async () => {
                const [taken, flows] = await Promise.all([this.askNames(access, workload), this.askFlows(access)]);
                const problems: string[] = [];
                if (taken.some(({ kind }) => own.includes(kind)))
                    problems.push(takenMessage(access.url, this.stack, taken));
                for (const { flow, obstacles, message } of flows) {
                    const certain = obstacles.filter(({ isCertain }) => isCertain).map(({ what }) => what);
                    if (certain.length > 0) problems.push(message(this.settings, flow, certain));
                }
                if (problems.length === 0) return;
                const untold = problems.filter((problem) => !this.told.has(problem));
                for (const problem of untold) this.told.add(problem);
                throw new pulumi.RunError(untold.join("\n") || "It cannot be made; the other error says why.");
            },
            { onDryRun: true },
        );
        this.hooks.set(name, refuse);
        return { beforeCreate: [refuse] };
    }

    /**
     * Warns in preview of what has changed since: a flow that now demands a second factor, an account that is no longer
     * in its group.
     */
    async warn(): Promise<void> {
        const { access, settings } = this;
        if (!access) return;
        const { identity } = settings;
        const [flows, ...members] = await Promise.all([
            this.askFlows(access),
            ...ciAccounts(settings).map(async (account) => ({
                account,
                isMember: await isMember(access, account.user, account.group),
            })),
        ]);
        for (const { flow, obstacles, message } of flows) {
            const doubt = obstacles.some(({ isCertain }) => !isCertain)
                ? " (policies of the stage decide to whom it applies; it is no problem if they exempt the service account)"
                : "";
            await pulumi.log.warn(
                `${message(
                    settings,
                    flow,
                    obstacles.map(({ what }) => what),
                )}${doubt}`,
            );
        }
        for (const { account } of members.filter((one) => one.isMember === false)) {
            const remedy = identity.manageWorkloads ? "pulumi up --refresh adds it again" : "add it in Authentik";
            await pulumi.log.warn(
                `In Authentik, ${account.user} is not a member of the group ${account.group}: ` +
                    `from its next login on, CI has no rights on the registry. ${remedy}.`,
            );
        }
    }

    /**
     * Hooks for the group: they refuse a change that would remove members. The provider that is bridged from
     * Terraform's sends the members in the state along with every change; this project's own sends none.
     */
    keepMembers({ workload, group }: CiAccount = ciAccounts(this.settings)[0]): pulumi.ResourceHookBinding {
        const { access } = this;
        if (!access || !this.sendsMembers) return {};
        const refuse = new pulumi.ResourceHook(
            `${this.component}-keeps-members${workload === FIRST_WORKLOAD ? "" : `-of-${workload}`}`,
            async ({ id, oldOutputs }) => {
                const known = (oldOutputs as { users?: number[] } | undefined)?.users ?? [];
                const lost = (await membersOf(access, id))?.filter(({ pk }) => !known.includes(pk)) ?? [];
                if (lost.length === 0) return;
                throw new pulumi.RunError(
                    `The group ${group} has members in Authentik that the state ` +
                        `does not know: ${lost.map(({ username }) => username).join(", ")}. ` +
                        "With this change the bridged provider would take them out. " +
                        "Read them in first: pulumi refresh, or pulumi up --refresh",
                );
            },
            { onDryRun: true },
        );
        return { beforeUpdate: [refuse] };
    }

    /** The names that are taken, for one identity of CI or for all. */
    private async askNames(access: ApiAccess, workload?: string): Promise<Declared[]> {
        const declared = declaredNames(this.settings);
        const workloads = workload === undefined ? new Set(declared.map((one) => one.workload)) : [workload];
        const taken = [...workloads].map((own) => {
            const asked =
                this.taken.get(own) ??
                takenNames(
                    access,
                    declared.filter((one) => one.workload === own),
                );
            this.taken.set(own, asked);
            return asked;
        });
        return (await Promise.all(taken)).flat();
    }

    /** The flows of CI's login that have an obstacle. */
    private askFlows(access: ApiAccess): Promise<BlockedFlow[]> {
        const { authorizationFlow, ciLoginFlow, clientId } = this.settings.identity;
        const ask = async () => {
            const [login, authorization] = await Promise.all([
                // The program makes a dedicated flow itself.
                ciLoginFlow === "dedicated"
                    ? undefined
                    : loginObstacles(access, ciLoginFlow === "default" ? undefined : ciLoginFlow, clientId),
                authorizationObstacles(access, authorizationFlow),
            ]);
            return [
                ...(login ? [{ ...login, message: obstacleMessage }] : []),
                ...(authorization ? [{ ...authorization, message: authorizationMessage }] : []),
            ].filter(({ obstacles }) => obstacles.length > 0);
        };
        return (this.obstacles ??= ask());
    }
}

/** Whether the package @pulumi/authentik was generated by Pulumi from Terraform's provider. */
function isBridged(): boolean {
    const { pulumi: plugin } = require("@pulumi/authentik/package.json") as { pulumi?: { parameterization?: unknown } };
    return plugin?.parameterization !== undefined;
}
