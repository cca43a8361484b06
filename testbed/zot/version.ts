/** What the stand-in says of itself: the zot that it follows, and that it is none. */
export const version = {
    releaseTag: "v2.1.20",
    /** As `git describe` writes it: tag, commits since, hash. There is no such commit. */
    commit: "v2.1.20-0-g0000000",
    binaryType: "stand-in",
    distributionSpecification: "1.1.1",
} as const;
