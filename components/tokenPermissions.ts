/** What the token for Authentik lacks, told in preview: before an update stops half-way for it. */
import * as pulumi from "@pulumi/pulumi";
import { type GrantedPermissions, grantedTo, PermissionCheckError } from "../clients/authentik/permissions";
import { missingPermissions, missingPermissionsMessage, neededPermissions } from "./authentikPermissions";
import type { Settings } from "./settings";

/**
 * Warns of missing permissions by name. A token that may write nothing is one for previews, and only held to what a
 * preview needs.
 * Never fails: a token that cannot be asked is met by the look-ups as well, which say why.
 */
export async function warnOfMissingPermissions(
    { identity }: Pick<Settings, "identity">,
    access: { url: string; token: string },
): Promise<void> {
    let granted: GrantedPermissions;
    try {
        granted = await grantedTo(access);
    } catch (error) {
        if (error instanceof PermissionCheckError) return;
        throw error;
    }
    const writes = [...granted.everywhere].some((permission) => /\.(add|change|delete)_/.test(permission));
    const needed = neededPermissions({
        purpose: writes || granted.isSuperuser ? "up" : "preview",
        managesWorkloads: identity.manageWorkloads,
        managesLoginFlow: identity.ciLoginFlow === "dedicated",
        mintsKey: true,
    });
    const message = missingPermissionsMessage(missingPermissions(granted, needed), granted.username);
    if (message) await pulumi.log.warn(message);
}
