/** A blueprint that names what the stack declares is told in preview: the two would write over each other. */
import * as pulumi from "@pulumi/pulumi";
import { listBlueprints } from "../clients/authentik/blueprints";
import { owningBlueprints } from "./owningBlueprints";
import type { Settings } from "./settings";

/** Warns of each. Says nothing where the token may not list blueprints, which it needs not for anything else. */
export async function warnOfBlueprints(
    settings: Pick<Settings, "identity" | "ci">,
    access: { url: string; token: string },
): Promise<void> {
    const found = await listBlueprints(access);
    if (!Array.isArray(found)) return;
    for (const warning of owningBlueprints(found, settings)) await pulumi.log.warn(warning);
}
