/** Warns in preview of a blueprint that names what the stack declares: each would overwrite the other's changes. */
import * as pulumi from "@pulumi/pulumi";
import { listBlueprints } from "../clients/authentik/blueprints";
import { owningBlueprints } from "./owningBlueprints";
import type { Settings } from "./settings";

/**
 * Warns of each such blueprint. Says nothing if the token may not list blueprints: nothing else needs that permission.
 */
export async function warnOfBlueprints(
    settings: Pick<Settings, "identity" | "ci">,
    access: { url: string; token: string },
): Promise<void> {
    const found = await listBlueprints(access);
    if (!Array.isArray(found)) return;
    for (const warning of owningBlueprints(found, settings)) await pulumi.log.warn(warning);
}
