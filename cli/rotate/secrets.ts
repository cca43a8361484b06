/** What can be rotated by hand, and what Pulumi does for it. Pure. */

/** How a secret is replaced, by updates of the stack. */
export interface Rotation {
    /** What it is, for a person. */
    what: string;
    /** Settings for the time of the first update, by their place in a stack's file. */
    during: Readonly<Record<string, string>>;
    /** Arguments of each `pulumi up`. A setting of a while is gone in the second one, which changes no key. */
    updates: readonly (readonly string[])[];
    /** Whether nothing else of the stack is updated, so that nobody has to be asked. */
    isAlone: boolean;
    /** Who notices. */
    effect: string;
}

/** Nothing but CI's key, whatever else is pending. Patterns, since a URN holds stack and project. */
const ONLY_THE_KEY = ["--target", "**zot:index/apiKey:ApiKey**"];

export const ROTATIONS = {
    "ci-key": {
        what: "CI's key",
        // Older than a second is due.
        during: { "ci.keyRotateAfter": "1s" },
        updates: [ONLY_THE_KEY, ONLY_THE_KEY],
        isAlone: true,
        effect: "the former key works for ci.predecessorLifetime",
    },
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

export type Rotatable = keyof typeof ROTATIONS;

/**
 * The rotation of a key that has leaked: every key of CI's user ends with it, and the number stays in the stack's file.
 *
 * @param generation `ci.keyGeneration` as it is; a setting that is not given is 0
 */
export function leakedKey(generation: unknown): Rotation & { kept: Record<string, string> } {
    const next = (typeof generation === "number" ? generation : 0) + 1;
    return {
        what: "CI's key, which has leaked",
        during: {},
        kept: { "ci.keyGeneration": String(next) },
        updates: [ONLY_THE_KEY],
        isAlone: true,
        effect: "every other key of CI's user ends at once",
    };
}
