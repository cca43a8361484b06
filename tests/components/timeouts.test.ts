/** How long a request may take: declared, rendered, taken over, and warned of where it has no end. */
import { declaredState } from "../../components/declaredState";
import { type JsonMap, readOnlyConfig, timeoutWarnings, unmanagedParts } from "../../components/zotConfig";
import { valueAt } from "../../components/zotJson";
import { rawSettings, siteSettings } from "../support/settings";

const limitsOf = (config: JsonMap) => [
    valueAt(config, ["http", "readTimeout"]),
    valueAt(config, ["http", "writeTimeout"]),
];
const refused = (zot: Record<string, unknown>) => {
    try {
        declaredState(rawSettings({ zot }));
        return undefined;
    } catch (error) {
        return (error as Error).message;
    }
};

test("an hour by itself, in which a layer of 4 GB passes at 10 Mbit/s; the read-only config has it too", () => {
    const { settings, zotConfig } = siteSettings();
    expect(4e9 / (10e6 / 8)).toBeLessThan(3600);
    expect(limitsOf(zotConfig())).toEqual(["1h", "1h"]);
    expect(limitsOf(readOnlyConfig(settings))).toEqual(["1h", "1h"]);
});

test("as declared", () => {
    expect(limitsOf(siteSettings({ zot: { readTimeout: "5m", writeTimeout: "2h" } }).zotConfig())).toEqual([
        "5m",
        "2h",
    ]);
    expect(limitsOf(siteSettings({ zot: { readTimeout: "5m", writeTimeout: "0s" } }).zotConfig())).toEqual([
        "5m",
        "0s",
    ]);
});

test("what a stack has in zot.extraConfig since before stays in force", () => {
    const { zotConfig } = siteSettings({ zot: { extraConfig: { HTTP: { ReadTimeout: "0s" } } } });
    expect(limitsOf(zotConfig())).toEqual(["0s", "1h"]);
    expect(refused({ readTimeout: "5m", extraConfig: { http: { readTimeout: "10m" } } })).toContain(
        "zot.readTimeout: zot.extraConfig has http.readTimeout as well; set it here, and remove it there.",
    );
});

test.each([
    [
        { readTimeout: "1s" },
        'zot.readTimeout: "1s" is not allowed because it would cut off requests that are not slow; ' +
            "give a duration of at least 30 seconds",
    ],
    [
        { readTimeout: "1d" },
        'zot.readTimeout: "1d" is not allowed; give a duration of at least 30 seconds such as "5m" or "1h", ' +
            'or "0s" for no limit.',
    ],
    [
        { writeTimeout: "60s" },
        'zot.writeTimeout: "60s" is shorter than zot.readTimeout, "1h": ' +
            "a push that takes longer would arrive but get no answer; give at least as much.",
    ],
    [{ readTimeout: "0s" }, 'zot.writeTimeout: "1h" is shorter than zot.readTimeout, "0s"'],
])("%j is refused", (zot, message) => {
    expect(refused(zot)).toContain(message);
});

test.each<[Record<string, unknown>, RegExp[]]>([
    [{}, []],
    [{ readTimeout: "30s", writeTimeout: "24h" }, []],
    [{ writeTimeout: "0s" }, [/^zot\.writeTimeout is "0s", which zot takes for no limit: a client that does not read/]],
    [
        { readTimeout: "0s", writeTimeout: "0h0m" },
        [
            /^zot\.readTimeout is "0s", .*whoever may push can hold one open indefinitely/,
            /^zot\.writeTimeout is "0h0m"/,
        ],
    ],
    [
        { extraConfig: { http: { readTimeout: "-1s" } } },
        [/^zot\.extraConfig: http\.readTimeout is "-1s", which zot takes for no limit: a push may take any time/],
    ],
    [{ extraConfig: { http: { readTimeout: 0 } } }, [/^zot\.extraConfig: http\.readTimeout is 0,/]],
])("%j is warned of", (zot, expected) => {
    const warnings = timeoutWarnings(siteSettings({ zot }).settings);
    expect(warnings).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
});

test("a host's own limits are decided by the settings, and named where they differ", () => {
    const { zotConfig } = siteSettings();
    const parts = unmanagedParts({ http: { readTimeout: "0s", WriteTimeout: "1h" } }, zotConfig());
    expect(parts.kept).toEqual([]);
    expect(parts.different).toEqual([
        { path: "http.readTimeout", onHost: "0s", declared: "1h", setting: "zot.readTimeout" },
    ]);
});
