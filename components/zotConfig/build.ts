/** What a build of zot can do, by what it says of itself. Pure. */

/** Extensions that settings switch on, as a build calls them, with the settings and what is lost without it. */
const NEEDED: Record<string, { settings: readonly string[]; lost: string }> = {
    sync: { settings: ["zot.mirrors"], lost: "pull-through caches fetch nothing" },
    search: {
        settings: ["zot.search", "zot.userInterface"],
        lost: "there is no search, no web interface and no scan for vulnerabilities",
    },
    ui: { settings: ["zot.userInterface"], lost: "there is no web interface" },
    metrics: { settings: ["zot.metrics"], lost: "there are no metrics" },
};

export interface Lack {
    /** The extension. */
    extension: string;
    /** Settings that have no effect with this build. */
    settings: readonly string[];
    /** What that means, as a clause. */
    lost: string;
}

/** The `binary-type` that `zot --version` prints, among whatever else it prints; undefined where it prints none. */
export function binaryTypeIn(output: string): string | undefined {
    return /"binary-type" *: *"([^"]*)"/.exec(output)?.[1];
}

/**
 * What a build lacks: zot takes a config with it, logs a warning and leaves it out (2.1.20). Nothing is said of a build
 * that does not name its extensions: an official one is called `-events-…-sync-ui`, a minimal one `minimal`.
 *
 * @param binaryType what `zot --version` calls `binary-type`
 */
export function lacksOf(binaryType: string | undefined): Lack[] {
    if (binaryType === undefined || !(binaryType === "minimal" || binaryType.startsWith("-"))) return [];
    const has = binaryType.split("-");
    return Object.entries(NEEDED)
        .filter(([extension]) => !has.includes(extension))
        .map(([extension, { settings, lost }]) => ({ extension, settings, lost }));
}
