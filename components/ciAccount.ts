/** An identity of CI in Authentik: its group, its service account, and its dedicated login flow. */
import { createHash } from "node:crypto";
import * as authentik from "@pulumi/authentik";
import type * as pulumi from "@pulumi/pulumi";
import type { ChangedBefore } from "./changedBefore";
import { CiLoginFlow } from "./ciLoginFlow";
import type { IdentityPreflight } from "./identityPreflight";
import { leftToPeople } from "./leftToPeople";
import type { LiveNames } from "./liveNames";
import { type CiAccount, FIRST_WORKLOAD, type Settings } from "./settings";
import { allHooks } from "./shownRights";

export interface CiAccountArgs {
    identity: Settings["identity"];
    /** The group's id, if an administrator keeps group and account. */
    kept: string | undefined;
    /** Id of the stage that checks passwords, if the dedicated login flow is declared. */
    passwordStage: string | undefined;
    /** Guards the names that the live registry depends on. */
    liveNames: LiveNames;
    /** Checks for what would stop an update half-way. Default: no check. */
    preflight: IdentityPreflight | undefined;
    /** Notes what is made and changed. Default: nothing is noted. */
    changed: ChangedBefore | undefined;
    options: { parent: pulumi.Resource; retainOnDelete: boolean; dependsOn: pulumi.Input<pulumi.Resource>[] };
}

/** The name of an identity's resources. The first identity has the component's own name. */
export const accountResourceName = (component: string, workload: string): string =>
    workload === FIRST_WORKLOAD ? component : `${component}-${workload}`;

/** Declares an identity's group and account, unless an administrator keeps them, and its login flow. */
export function declareAccount(
    name: string,
    account: CiAccount,
    args: CiAccountArgs,
): { group: pulumi.Input<string>; loginFlow: string | undefined } {
    return { group: args.kept ?? groupAndUser(name, account, args), loginFlow: loginFlow(name, account, args) };
}

function groupAndUser(name: string, account: CiAccount, args: CiAccountArgs): pulumi.Output<string> {
    const { liveNames, preflight, changed, options } = args;
    const { workload, settings } = account;
    // Hooks are called by this name, so it has to differ between identities.
    const of = workload === FIRST_WORKLOAD ? "" : ` of ci.workloads.${workload}`;
    const group = new authentik.Group(
        name,
        { name: account.group, isSuperuser: false },
        {
            ...options,
            ...leftToPeople("group"),
            hooks: allHooks(
                liveNames.guard(settings.group, { input: "name" }),
                preflight?.beforeCreateFor(workload, "group"),
                preflight?.keepMembers(account),
                changed?.note(`the group ${account.group}${of}`),
            ),
        },
    );
    new authentik.User(
        name,
        {
            username: account.user,
            name: account.user,
            type: "service_account",
            isActive: true,
            // Membership is managed from the user's side only: Authentik lets both sides write it, and the last write
            // wins.
            groups: [group.id],
        },
        {
            ...options,
            ...leftToPeople("user"),
            hooks: allHooks(
                liveNames.guard(settings.user, { input: "username" }),
                preflight?.beforeCreateFor(workload, "user"),
                changed?.note(`the user ${account.user}${of}`),
            ),
        },
    );
    return group.id;
}

function loginFlow(name: string, account: CiAccount, args: CiAccountArgs): string | undefined {
    const { identity, passwordStage, preflight, options } = args;
    if (identity.ciLoginFlow === "default") return undefined;
    if (identity.ciLoginFlow !== "dedicated") return identity.ciLoginFlow;
    const { user, workload } = account;
    return new CiLoginFlow(
        name,
        { ciUser: user, workload, passwordStage: passwordStage!, after: options.dependsOn, preflight },
        { parent: options.parent },
    ).slug;
}

/**
 * The order of each identity's policy binding. The first identity has 1. The order of any other depends on its name
 * alone, so it stays when another identity comes or goes. Two bindings of equal order on one application could no
 * longer be changed (Authentik 2026.5).
 *
 * @returns the order by identity; all different, and from 1000 up except for the first
 */
export function bindingOrders(workloads: readonly string[]): Record<string, number> {
    const taken = new Set<number>();
    const others = workloads.filter((workload) => workload !== FIRST_WORKLOAD).sort();
    const orders = others.map((workload): [string, number] => {
        let order = 1000 + (createHash("sha256").update(workload).digest().readUInt32BE() >>> 2);
        while (taken.has(order)) order++;
        taken.add(order);
        return [workload, order];
    });
    return { [FIRST_WORKLOAD]: 1, ...Object.fromEntries(orders) };
}
