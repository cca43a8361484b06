/**
 * The CI identities of a site: the one that the settings `identity`, `access`, `ci` and `ciSecrets` describe, and those
 * of `ci.workloads`. Pure.
 */
import type { Settings } from "./declarations";
import type { MovableTags } from "./movableTags";

/** The name of the identity that a site always has; none of `ci.workloads` can have it. */
export const FIRST_WORKLOAD = "ci";

/** A CI identity, with what it inherits filled in. */
export interface Workload {
    /** `ci`, or its name in `ci.workloads`. */
    name: string;
    /** Its service account. */
    user: string;
    /** The group that has its rights. */
    group: string;
    /** Patterns of the repositories to which it may add tags. */
    repositories: readonly string[];
    /** Patterns of those among them in which it may move tags. */
    channels: readonly string[];
    /** Forms, one of which a new tag of it has to have; any where there are none. */
    tagScheme: readonly string[];
    /** Tags that it may move beside versions: forms by the pattern of their repositories. */
    movableTags: MovableTags;
    /** How long its keys live; durations are texts such as `90d`. */
    key: WorkloadKey;
    /** Where `npm run ci-secrets` puts its key, as the group `ciSecrets` has it; undefined: nowhere. */
    secrets: Settings["ciSecrets"] | undefined;
}

/** The settings of a key, as the group `ci` has them. */
export type WorkloadKey = Omit<Settings["ci"], "workloads">;

/** An account of CI's in the identity provider, and the settings that name it and its group. */
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
            // That is the first one's alone.
            movableTags: {},
            // A generation counts the leaks of one identity.
            key: { ...key, keyGeneration: 0, ...ownKey },
            secrets: secrets && { ...ciSecrets, ...secrets },
        };
    });
    return [first, ...others];
}
