/** What a preview says of rights that are declared, and have a price. Pure. */
import type { PolicySettings } from "./settings";

/** One sentence or two for each; none for a site that keeps every tag. */
export function accessWarnings({ access, zot }: Pick<PolicySettings, "access" | "zot">): string[] {
    if (access.channels.length === 0) return [];
    const where = access.channels.map((pattern) => JSON.stringify(pattern)).join(", ");
    return [
        `access.channels: in the repositories of ${where} CI may move tags, and zot forgets at once a manifest that a ` +
            "moved tag leaves: platforms of an image and signatures there can be gone a moment later. " +
            "Keep versions in other repositories, and pin digests from there.",
        ...(access.ciMayPushToMirrors && zot.mirrors.length > 0
            ? [
                  "access.channels: access.ciMayPushToMirrors is on, so that CI may move tags in a pull-through cache too, " +
                      "wherever one of these patterns matches there.",
              ]
            : []),
    ];
}
