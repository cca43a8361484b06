/**
 * What zot says of its version: the commit that `zot --version` prints, and the release tag of its mgmt extension.
 * Pure.
 * The host's script reads the same by itself: keeps_tags in host/version.sh; tests/support/zotVersions.json has cases
 * for both.
 */

/** From this release on neither `latest` nor a digest moves a tag without the right to. */
export const OLDEST_ZOT = "2.1.19";

const OLDEST = [2, 1, 19] as const;

/**
 * What stands behind the numbers of a release itself: commits after it, a commit's hash, a build of a changed checkout.
 */
const OF_RELEASE = /^(-\d+-g[0-9a-f]+|-[0-9a-f]{40})?(-dirty)?(\+[0-9A-Za-z.+-]*)?$/;

/**
 * Whether a zot keeps tags from being moved, by what it says of its version; undefined where that is no version. What
 * comes before a release, such as a release candidate, is older than it; commits after an older release are not known
 * to have what the newer one has.
 */
export function keepsTags(version: string | undefined): boolean | undefined {
    const [, major, minor, patch, rest = ""] =
        /^v?(\d+)\.(\d+)\.(\d+)([-+][0-9A-Za-z.+-]*)?$/.exec(version ?? "") ?? [];
    if (major === undefined) return undefined;
    const numbers = [major, minor, patch].map(Number);
    const index = numbers.findIndex((number, at) => number !== OLDEST[at]);
    return index < 0 ? OF_RELEASE.test(rest) : numbers[index]! > OLDEST[index]!;
}

/** The version as people write it: `2.1.20`. */
export const plainVersion = (version: string): string => version.replace(/^v/, "");
