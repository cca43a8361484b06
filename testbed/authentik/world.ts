import type { Faults } from "./faults";
import type { Permissions } from "./permissions";
import type { ApiSchema } from "./schemaValidation";
import type { Sessions } from "./sessions";
import type { ObjectStore } from "./store";

/** Everything that a request can touch. */
export interface World {
    readonly store: ObjectStore;
    readonly permissions: Permissions;
    readonly schema: ApiSchema;
    readonly sessions: Sessions;
    readonly faults: Faults;
    /** Authentik's version, as GET /admin/version/ shows it; a fault may show another. */
    readonly version: string;
    readonly log: (message: string) => void;
    /** The application lists that Authentik caches for a day per user and page, whatever the filter. */
    readonly applicationLists: Map<string, string[]>;
}
