/** What a preview says of rights that are declared, and have a price. Pure. */
import type { PolicySettings } from "./settings";

/** One sentence or two for each; none for a site that keeps every tag. */
export function accessWarnings(settings: Pick<PolicySettings, "access" | "zot">): string[] {
    return [...channelWarnings(settings), ...movableWarnings(settings)];
}

const inWords = (texts: readonly string[]) => texts.map((text) => JSON.stringify(text)).join(", ");

function channelWarnings({ access, zot }: Pick<PolicySettings, "access" | "zot">): string[] {
    if (access.channels.length === 0) return [];
    return [
        `access.channels: in the repositories of ${inWords(access.channels)} CI may move tags, and zot forgets at once ` +
            "a manifest that a moved tag leaves: platforms of an image and signatures there can be gone a moment later. " +
            "Keep versions in other repositories, and pin digests from there.",
        ...(access.ciMayPushToMirrors && zot.mirrors.length > 0
            ? [
                  "access.channels: access.ciMayPushToMirrors is on, so that CI may move tags in a pull-through cache too, " +
                      "wherever one of these patterns matches there.",
              ]
            : []),
    ];
}

function movableWarnings({ access }: Pick<PolicySettings, "access">): string[] {
    return Object.entries(access.movableTags).map(
        ([pattern, forms]) =>
            `access.movableTags: in the repositories of ${JSON.stringify(pattern)} CI may move tags like ` +
            `${inWords(forms)}. It can change no version by that, but make a platform or a signature of one ` +
            "unavailable, on purpose or not: zot forgets a manifest that a moved tag leaves. Look for lost parts with " +
            "npm run verify -- --integrity.",
    );
}
