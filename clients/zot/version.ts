/**
 * zot's own statement of its version: the commit that `zot --version` prints, and the release tag of its mgmt
 * extension. Pure. The host script reads the same with code of its own: keeps_tags in host/version.sh.
 * tests/support/zotVersions.json has cases for both.
 */

/** From this release on, neither `latest` nor a digest moves a tag without the right to do so. */
export const OLDEST_ZOT = "2.1.19";

const OLDEST = [2, 1, 19] as const;

/**
 * What may follow the numbers of a release: commits after it, a commit's hash, a build of a modified checkout.
 */
const OF_RELEASE = /^(-\d+-g[0-9a-f]+|-[0-9a-f]{40})?(-dirty)?(\+[0-9A-Za-z.+-]*)?$/;

/**
 * Whether a zot protects tags from being moved, according to its version; undefined if the text is not a version. A
 * pre-release counts as older than its release. Commits after an older release may lack what the newer one has.
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
