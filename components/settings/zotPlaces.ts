/** Where settings stand in zot's config. Pure. */
import type { ZotPlace } from "./setting";

/** What the tiers may do, which several settings decide together. */
export const THREE_TIERS = {
    path: "http.accessControl.repositories",
    rendering: "accessControl",
} as const satisfies ZotPlace<never>;
