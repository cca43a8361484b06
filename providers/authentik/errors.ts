/** The provider's words for what Authentik refused. */
import type { ApiFailure } from "../../clients/authentik/failures";
import { UserError } from "../../clients/userError";

/**
 * The message if the token lacks a permission, for instance `authentik_core.add_group`. `what` is as in "create the
 * group".
 */
export const missingPermission = (url: string, what: string, permission: string, failure: ApiFailure) =>
    new UserError(
        `The API token may not ${what} in Authentik at ${url}: ` +
            `it needs the permission ${permission} (Authentik said: ${failure.message}). ` +
            "Give it to a role of the token's user, under Directory > Roles.",
    );

/** Whether a complaint says that another object already has this value. */
export const isDuplicate = (complaint: string) =>
    /already exists|must be unique|must make a unique set/i.test(complaint);
