/** Settings that hurt clients are told of in a preview, and others are not. */
import { clientWarnings } from "../../components/zotConfig";
import { siteSettings } from "../support/settings";

const warningsOf = (zot: Record<string, unknown>, access: Record<string, unknown> = {}) =>
    clientWarnings(siteSettings({ zot, access }).settings);
const extra = (extraConfig: object) => ({ extraConfig });
const mirrors = [{ url: "https://registry-1.docker.io", prefix: "docker.io" }];
const retention = (policy: object, more: object = {}) =>
    extra({ storage: { retention: { ...more, policies: [{ repositories: ["team/**"], ...policy }] } } });

test.each<[string, string[]]>([
    ["nothing", warningsOf({})],
    ["no delay", warningsOf(extra({ http: { auth: { failDelay: 0 } } }))],
    ["retention of what has no tag", warningsOf(retention({ deleteUntagged: true, deleteReferrers: true }))],
    ["retention that only tells", warningsOf(retention({ keepTags: [{ patterns: ["v.*"] }] }, { dryRun: true }))],
    ["an hour until what has no name goes", warningsOf({ garbageCollectionDelay: "1h" })],
    [
        "a short delay where nothing is collected",
        warningsOf({ garbageCollectionDelay: "1m", garbageCollection: false }),
    ],
    ["a cache that CI cannot push to", warningsOf({ mirrors })],
])("%s is nothing to tell of", (_title, found) => expect(found).toEqual([]));

test.each<[string, string[], RegExp]>([
    [
        "a delay after a refused login",
        warningsOf(extra({ HTTP: { auth: { failDelay: 5 } } })),
        /^zot\.extraConfig: http\.auth\.failDelay makes each successful push of oras, helm, .* 5 s slower/,
    ],
    [
        "retention that removes tags",
        warningsOf(retention({ keepTags: [{ patterns: ["v.*"], mostRecentlyPushedCount: 10 }] })),
        /storage\.retention removes tags in "team\/\*\*", and CI may then push a removed tag again with other content/,
    ],
    [
        "retention of a path beside",
        warningsOf(
            extra({
                storage: {
                    subPaths: {
                        "/a": {
                            rootDirectory: "/srv/a",
                            retention: { policies: [{ repositories: ["a/**"], keepTags: [{ patterns: [".*"] }] }] },
                        },
                    },
                },
            }),
        ),
        /storage\.subPaths\["\/a"\]\.retention removes tags in "a\/\*\*"/,
    ],
    [
        "garbage collection after ten minutes",
        warningsOf({ garbageCollectionDelay: "10m" }),
        /^zot\.garbageCollectionDelay is "10m": a build that pushes its platforms by digest/,
    ],
    [
        "a cache that CI may push to",
        warningsOf({ mirrors }, { ciMayPushToMirrors: true }),
        /^access\.ciMayPushToMirrors: anyone's pull, .* CI's own tags under docker\.io\/ too/,
    ],
])("%s", (_title, found, words) => expect(found).toEqual([expect.stringMatching(words)]));
