/**
 * The CI identities of a site: the one described by the settings `identity`, `access`, `ci` and `ciSecrets`, and those
 * of `ci.workloads`. Pure.
 */
import type { Settings } from "./declarations";
import type { MovableTags } from "./movableTags";

/** The name of the identity that every site has; no entry of `ci.workloads` can use it. */
export const FIRST_WORKLOAD = "ci";

/** A CI identity, including what it inherits. */
export interface Workload {
    /** `ci`, or the name in `ci.workloads`. */
    name: string;
    /** Its service account. */
    user: string;
    /** The group that has the identity's rights. */
    group: string;
    /** Patterns of the repositories to which it may add tags. */
    repositories: readonly string[];
    /** Patterns, among those repositories, in which it may move tags. */
    channels: readonly string[];
    /** Forms that a new tag of the identity may have. Empty: any. */
    tagScheme: readonly string[];
    /** Tags beside versions that it may move: forms, by the pattern of their repositories. */
    movableTags: MovableTags;
    /** How long its keys live; durations are texts such as `90d`. */
    key: WorkloadKey;
    /** Where `npm run ci-secrets` stores its key, in the shape of the group `ciSecrets`. Undefined: nowhere. */
    secrets: Settings["ciSecrets"] | undefined;
}

/** The settings of a key, in the shape of the group `ci`. */
export type WorkloadKey = Omit<Settings["ci"], "workloads">;

/** An account of CI in the identity provider, and the settings that name it and its group. */
export interface CiAccount {
    /** The name of the {@link Workload}. */
    workload: string;
    user: string;
    group: string;
    settings: { user: string; group: string };
}

/** The account of every CI identity, the first one first. */
export function ciAccounts({ identity, ci }: Pick<Settings, "identity" | "ci">): [CiAccount, ...CiAccount[]] {
    const first: CiAccount = {
        workload: FIRST_WORKLOAD,
        user: identity.ciUser,
        group: identity.workloadsGroup,
        settings: { user: "identity.ciUser", group: "identity.workloadsGroup" },
    };
    const others = Object.entries(ci.workloads).map(([workload, { user, group }]): CiAccount => {
        const of = `ci.workloads.${workload}`;
        return { workload, user, group, settings: { user: `${of}.user`, group: `${of}.group` } };
    });
    return [first, ...others];
}

/** Every CI identity, the first one first. */
export function workloadsOf({
    access,
    identity,
    ci,
    ciSecrets,
}: Pick<Settings, "access" | "identity" | "ci" | "ciSecrets">): [Workload, ...Workload[]] {
    const { workloads, ...key } = ci;
    const first: Workload = {
        name: FIRST_WORKLOAD,
        user: identity.ciUser,
        group: identity.workloadsGroup,
        repositories: access.ciRepositories,
        channels: access.channels,
        tagScheme: access.tagScheme,
        movableTags: access.movableTags,
        key,
        secrets: ciSecrets.store === undefined ? undefined : ciSecrets,
    };
    const others = Object.entries(workloads).map(([name, own]): Workload => {
        const { user, group, repositories, channels = [], tagScheme = [], secrets, ...ownKey } = own;
        return {
            name,
            user,
            group,
            repositories,
            channels,
            tagScheme,
            // Only the first identity has such tags.
            movableTags: {},
            // The generation counts the leaked keys of one identity, so it is not inherited.
            key: { ...key, keyGeneration: 0, ...ownKey },
            secrets: secrets && { ...ciSecrets, ...secrets },
        };
    });
    return [first, ...others];
}
