/** Places of settings in zot's config. Pure. */
import type { ZotPlace } from "./setting";

/** The rights of the tiers, which several settings decide together. */
export const THREE_TIERS = {
    path: "http.accessControl.repositories",
    rendering: "accessControl",
} as const satisfies ZotPlace<never>;
