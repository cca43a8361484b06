/** A bucket, redis and a cluster: what they come to in zot's config, and what does not go together. */
import { type JsonMap, readOnlyConfig, settingsOfConfig } from "../../../components/zotConfig";
import { valueAt } from "../../../components/zotJson";
import { type Changes, refusals } from "../../support/refusals";
import { HOST_KEY, siteSettings } from "../../support/settings";

const NO_SCAN = { vulnerabilityUpdateInterval: "off" };
const BUCKET = { storage: { bucket: "images", region: "eu-central-1" }, zot: NO_SCAN };
const REDIS = { redis: { address: "cache.example.org:6379" } };
const CLUSTER = { members: ["10.0.0.1:5000", "10.0.0.2:5000"], hashKey: "0123456789abcdef" };

const config = (changes: Changes) => siteSettings(changes).zotConfig();
const at = (from: JsonMap, path: string) => valueAt(from, path.split("."));

test("a bucket is zot's storage, whole and in the read-only config too; without one there is none", () => {
    const storage = {
        ...BUCKET.storage,
        endpoint: "https://s3.example.org",
        prefix: "/registry/images",
        pathStyle: false,
    };
    expect(at(config(BUCKET), "storage")).toMatchObject({
        dedupe: false,
        storageDriver: { name: "s3", bucket: "images", rootdirectory: "/zot", region: "eu-central-1" },
    });
    const site = siteSettings({ storage, zot: NO_SCAN });
    const driver = {
        name: "s3",
        bucket: "images",
        rootdirectory: "/registry/images",
        region: "eu-central-1",
        regionendpoint: "https://s3.example.org",
        forcepathstyle: false,
    };
    expect(at(site.zotConfig(), "storage.storageDriver")).toEqual(driver);
    expect(at(readOnlyConfig(site.settings), "storage.storageDriver")).toEqual(driver);
    expect(Object.keys(at(config({}), "storage") as JsonMap).sort()).toEqual([
        "gc",
        "gcDelay",
        "gcInterval",
        "rootDirectory",
    ]);
});

test("redis keeps what is known of blobs and keys, and the sessions, which need no keys in a file then", () => {
    const found = config({ redis: { ...REDIS.redis, user: "zot", keyPrefix: "images" } });
    expect(at(found, "storage.remoteCache")).toBe(true);
    expect(at(found, "storage.cacheDriver")).toEqual({
        name: "redis",
        addr: ["cache.example.org:6379"],
        keyprefix: "images",
        username: "zot",
    });
    expect(at(found, "http.auth.sessionDriver")).toEqual({
        name: "redis",
        addr: ["cache.example.org:6379"],
        keyprefix: "imagessession",
        username: "zot",
    });
    expect(at(found, "http.auth.sessionKeysFile")).toBeUndefined();
    expect(at(config(REDIS), "storage.cacheDriver.keyprefix")).toBe("zot");
    expect(at(config(REDIS), "http.auth.sessionDriver.keyprefix")).toBe("zotsession");
});

test("with TLS, of redis there is an address alone, since zot takes TLS from nothing else", () => {
    const found = config({ redis: { address: "[2001:db8::1]:6380", user: "zot", tls: true } });
    expect(at(found, "storage.cacheDriver")).toEqual({
        name: "redis",
        url: "rediss://zot@[2001:db8::1]:6380",
        keyprefix: "zot",
    });
    expect(at(found, "http.auth.sessionDriver.url")).toBe("rediss://zot@[2001:db8::1]:6380");
});

test("what a site says of its own of redis and of deduplication stays", () => {
    const extraConfig = { storage: { dedupe: true, cacheDriver: { db: 2 } } };
    const found = config({ ...BUCKET, ...REDIS, zot: { ...NO_SCAN, extraConfig } });
    expect(at(found, "storage.dedupe")).toBe(true);
    expect(at(found, "storage.cacheDriver.db")).toBe(2);
});

test("the settings are read from a config on a host as they were written there", () => {
    const site = {
        storage: { ...BUCKET.storage, prefix: "/images", pathStyle: true, endpoint: "https://s3.example.org" },
        redis: { ...REDIS.redis, user: "zot", keyPrefix: "images" },
        cluster: CLUSTER,
        zot: NO_SCAN,
    };
    const read = Object.fromEntries(settingsOfConfig(config(site)).settings);
    for (const group of ["storage", "redis", "cluster"] as const)
        for (const [key, value] of Object.entries(site[group]))
            expect([key, read[`${group}.${key}`]]).toEqual([key, value]);
    // Another kind of bucket, and two kinds of redis, are none of these.
    const gcs = { storage: { storageDriver: { name: "gcs", bucket: "images" } } };
    expect([...settingsOfConfig(gcs).settings.keys()].filter((name) => name.startsWith("storage."))).toEqual([]);
    const two = {
        storage: { cacheDriver: { name: "redis", addr: ["a:1"] } },
        http: { auth: { sessionDriver: { name: "redis", addr: ["b:1"] } } },
    };
    expect([...settingsOfConfig(two).settings.keys()].filter((name) => name.startsWith("redis."))).toEqual([]);
});

describe("is refused:", () => {
    const machines = [
        { address: "one.example.org", hostKey: HOST_KEY },
        { address: "two.example.org", hostKey: HOST_KEY },
    ];
    const several = { host: { address: "", hostKey: "", members: machines } };

    test.each<[title: string, changes: Changes, sentences: (string | RegExp)[]]>([
        [
            "a bucket without its region",
            { ...BUCKET, storage: { bucket: "images" } },
            [/^storage\.region: it is missing/],
        ],
        [
            "a search for vulnerabilities in a bucket",
            { storage: BUCKET.storage },
            [/^storage\.bucket: images are not stored .* set zot\.vulnerabilityUpdateInterval to off\.$/],
        ],
        [
            "caches of a bucket without a folder",
            { ...BUCKET, zot: { ...NO_SCAN, mirrors: [{ url: "https://ghcr.io", prefix: "ghcr.io" }] } },
            [/^storage\.bucket: .* add it to zot\.extraConfig: extensions\.sync\.downloadDir\.$/],
        ],
        [
            "a bucket over plain http",
            { ...BUCKET, storage: { ...BUCKET.storage, endpoint: "http://s3.example.org" } },
            [/^storage\.endpoint: .* could be read on the way/],
        ],
        [
            "a prefix without a slash, and one with another at its end",
            { ...BUCKET, storage: { ...BUCKET.storage, prefix: "zot" } },
            [/^storage\.prefix: "zot" is not allowed because it does not start with a slash/],
        ],
        ["redis as a URL", { redis: { address: "redis://h:6379" } }, [/^redis\.address: .* because it is a URL/]],
        ["redis without a port", { redis: { address: "h" } }, [/^redis\.address: "h" .* because it has no port/]],
        ["TLS to no redis", { redis: { tls: true } }, [/^redis\.tls: it is true without redis\.address/]],
        [
            "redis in two ways",
            { ...REDIS, zot: { extraConfig: { storage: { cacheDriver: { url: "redis://h:1" } } } } },
            [/^zot\.extraConfig: storage\.cacheDriver\.url is set, but redis\.address already decides it/],
        ],
        [
            "a driver that keeps sessions in files beside redis",
            { ...REDIS, zot: { extraConfig: { http: { auth: { sessionDriver: { name: "local" } } } } } },
            [/^zot\.extraConfig: http\.auth\.sessionDriver\.name is "local" there and "redis" by the other settings/],
        ],
        [
            "a file of session keys beside redis",
            { ...REDIS, zot: { extraConfig: { http: { auth: { sessionKeysFile: "/etc/zot/keys.json" } } } } },
            [/^zot\.extraConfig: http\.auth\.sessionKeysFile cannot be set/],
        ],
        [
            "several machines with neither",
            several,
            [/^storage\.bucket: it is missing, while host\.members names 2/, /^redis\.address: it is missing, while/],
        ],
        [
            "several machines with a redis of each's own",
            { ...BUCKET, ...several, redis: { address: "localhost:6379" } },
            [/^redis\.address: "localhost:6379" means another redis on each machine/],
        ],
        [
            "a cluster without a bucket",
            { cluster: CLUSTER },
            [/^cluster\.members: the instances of cluster share no bucket/],
        ],
        [
            "a cluster without a key",
            { ...BUCKET, cluster: { members: CLUSTER.members } },
            [/^cluster\.hashKey: it is missing/],
        ],
        [
            "a cluster of one, and one that is there twice",
            { ...BUCKET, cluster: { ...CLUSTER, members: ["h:1", "h:1"] } },
            [/^cluster\.members: "h:1" is listed twice/],
        ],
        [
            "a key of another length, in characters and in bytes",
            { ...BUCKET, cluster: { ...CLUSTER, hashKey: "ä123456789abcdef" } },
            [/^cluster\.hashKey: "ä123456789abcdef" is not allowed because it has 17 bytes/],
        ],
        [
            "members in two places",
            { ...BUCKET, cluster: CLUSTER, zot: { ...NO_SCAN, extraConfig: { cluster: { members: ["h:1"] } } } },
            [/^zot\.extraConfig: cluster\.members is set, and so is the setting/],
        ],
    ])("%s", (_title, changes, sentences) => {
        expect(refusals(changes)).toEqual(
            sentences.map((one) => (typeof one === "string" ? one : (expect.stringMatching(one) as string))),
        );
    });

    test("but not several machines with both, nor one machine with either", () => {
        for (const changes of [{ ...BUCKET, ...REDIS, ...several }, BUCKET, REDIS, { ...BUCKET, cluster: CLUSTER }])
            expect(refusals(changes)).toEqual([]);
    });
});
