/** Reports in preview which permissions the token for Authentik lacks, before an update stops half-way. */
import * as pulumi from "@pulumi/pulumi";
import { type GrantedPermissions, grantedTo, PermissionCheckError } from "../clients/authentik/permissions";
import { missingPermissions, missingPermissionsMessage, neededPermissions } from "./authentikPermissions";
import type { Settings } from "./settings";

/**
 * Warns of missing permissions by name. A token that may write nothing is taken as one for previews, and is only
 * checked for what a preview needs.
 * Never fails: if Authentik cannot be asked, the look-ups fail too, and say why.
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
