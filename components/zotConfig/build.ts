/** What a build of zot supports, according to its own output. Pure. */

/** Extensions that settings switch on, by their names in a build, with the settings and what is lost without each. */
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
    /** Settings that have no effect in this build. */
    settings: readonly string[];
    /** The consequence, as a clause. */
    lost: string;
}

/** The `binary-type` in the output of `zot --version`; undefined if there is none. */
export function binaryTypeIn(output: string): string | undefined {
    return /"binary-type" *: *"([^"]*)"/.exec(output)?.[1];
}

/**
 * What a build lacks. zot accepts a config that needs it, logs a warning, and ignores that part (2.1.20). Nothing is
 * reported for a build that does not list its extensions: an official one is called `-events-…-sync-ui`, a minimal one
 * `minimal`.
 *
 * @param binaryType the `binary-type` that `zot --version` prints
 */
export function lacksOf(binaryType: string | undefined): Lack[] {
    if (binaryType === undefined || !(binaryType === "minimal" || binaryType.startsWith("-"))) return [];
    const has = binaryType.split("-");
    return Object.entries(NEEDED)
        .filter(([extension]) => !has.includes(extension))
        .map(([extension, { settings, lost }]) => ({ extension, settings, lost }));
}
