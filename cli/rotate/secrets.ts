/** What can be rotated by hand, and what Pulumi does for it. Pure. */

/** How a secret is replaced, by updates of the stack. */
export interface Rotation {
    /** What it is, for a person. */
    what: string;
    /** What has befallen it, as a clause. */
    which?: string;
    /** Settings for the time of the first update, by their place in a stack's file. */
    during: Readonly<Record<string, string>>;
    /** Arguments of each `pulumi up`. A setting of a while is gone in the second one, which changes no key. */
    updates: readonly (readonly string[])[];
    /** Whether nothing else of the stack is updated, so that nobody has to be asked. */
    isAlone: boolean;
    /** Who notices. */
    effect: string;
}

/** Nothing but one key, whatever else is pending. Patterns, since a URN holds stack and project. */
const onlyTheKey = (workload: string | undefined) => [
    "--target",
    `**zot:index/apiKey:ApiKey::registry${workload === undefined ? "" : `-${workload}`}`,
];

/** Where the settings of a key stand in a stack's file. */
const keyPlace = (workload: string | undefined) => (workload === undefined ? "ci" : `ci.workloads.${workload}`);

export const ROTATIONS = {
    "ci-key": keyRotation(),
    "client-secret": {
        what: "the secret of the OAuth2 client",
        during: {},
        updates: [["--replace", "**RandomPassword::registry"]],
        isAlone: false,
        effect: "new logins fail for some seconds, between Authentik and zot",
    },
    "session-keys": {
        what: "the keys of browser sessions",
        during: {},
        updates: [["--replace", "**RandomPassword::registry-session-*"]],
        isAlone: false,
        effect: "everyone has to log in again; API keys go on",
    },
} as const satisfies Record<string, Rotation>;

/**
 * @param workload one of `ci.workloads`; default: the identity that a site always has
 */
export function keyRotation(workload?: string): Rotation {
    return {
        what: workload === undefined ? "CI's key" : `the key of CI's identity ${workload}`,
        // Older than a second is due.
        during: { [`${keyPlace(workload)}.keyRotateAfter`]: "1s" },
        updates: [onlyTheKey(workload), onlyTheKey(workload)],
        isAlone: true,
        effect: "the former key works for ci.predecessorLifetime",
    };
}

export type Rotatable = keyof typeof ROTATIONS;

/**
 * The rotation of a key that has leaked: every key of CI's user ends with it, and the number stays in the stack's file.
 *
 * @param generation `keyGeneration` of the identity as it is; a setting that is not given is 0
 * @param workload one of `ci.workloads`; default: the identity that a site always has
 */
export function leakedKey(generation: unknown, workload?: string): Rotation & { kept: Record<string, string> } {
    const next = (typeof generation === "number" ? generation : 0) + 1;
    return {
        what: keyRotation(workload).what,
        which: "which has leaked",
        during: {},
        kept: { [`${keyPlace(workload)}.keyGeneration`]: String(next) },
        updates: [onlyTheKey(workload)],
        isAlone: true,
        effect: `every other key of ${workload === undefined ? "CI's user" : "its user"} ends at once`,
    };
}
