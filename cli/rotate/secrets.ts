/** What can be rotated by hand, and what Pulumi has to do for it. Pure. */

/** How updates of the stack replace a secret. */
export interface Rotation {
    /** Its name for a person. */
    what: string;
    /** What has happened to it, as a clause. */
    which?: string;
    /** Settings during the first update, by their place in a stack's file. */
    during: Readonly<Record<string, string>>;
    /** Arguments of each `pulumi up`. Temporary settings are gone in the second one, which changes no key. */
    updates: readonly (readonly string[])[];
    /** Whether nothing else of the stack is updated, so nobody has to be asked. */
    isAlone: boolean;
    /** Who notices it. */
    effect: string;
}

/** Targets only one key, whatever else is pending. Patterns, because a URN contains stack and project. */
const onlyTheKey = (workload: string | undefined) => [
    "--target",
    `**zot:index/apiKey:ApiKey::registry${workload === undefined ? "" : `-${workload}`}`,
];

/** The place of a key's settings in a stack's file. */
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
        effect: "everyone has to log in again; API keys keep working",
    },
} as const satisfies Record<string, Rotation>;

/**
 * @param workload one of `ci.workloads`; default: the identity that every site has
 */
export function keyRotation(workload?: string): Rotation {
    return {
        what: workload === undefined ? "CI's key" : `the key of CI's identity ${workload}`,
        // Every key older than a second is due.
        during: { [`${keyPlace(workload)}.keyRotateAfter`]: "1s" },
        updates: [onlyTheKey(workload), onlyTheKey(workload)],
        isAlone: true,
        effect: "the former key works for ci.predecessorLifetime",
    };
}

export type Rotatable = keyof typeof ROTATIONS;

/**
 * The rotation of a leaked key: it ends every key of CI's user, and the number stays in the stack's file.
 *
 * @param generation the identity's present `keyGeneration`; a missing setting counts as 0
 * @param workload one of `ci.workloads`; default: the identity that every site has
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
