/** Where zot keeps what it has, and what is said of a change of that. */
import { deployedConfig } from "../../components/shownRights";
import { imagePlace, type JsonMap, metadataPlace, movedStorage } from "../../components/zotConfig";

const local: JsonMap = { storage: { rootDirectory: "/var/lib/zot" } };
const s3 = (driver: JsonMap = {}, storage: JsonMap = {}): JsonMap => ({
    storage: {
        rootDirectory: "/var/lib/zot",
        remoteCache: true,
        cacheDriver: { name: "redis", url: "redis://cache:6379", keyprefix: "mine" },
        storageDriver: { name: "s3", bucket: "registry", region: "eu-central-1", ...driver },
        ...storage,
    },
});

test.each<[string, JsonMap, string]>([
    // Seen on zot 2.1.20 (tests/runbooks/severalMachines.test.ts): it puts the folder before a path twice.
    ["a folder of the bucket", { rootdirectory: "/zot" }, "zot/zot"],
    ["a deeper one", { rootdirectory: "/sites/one/" }, "sites/one/sites/one"],
    ["the bucket itself", { rootdirectory: "/" }, ""],
    ["none named", {}, ""],
    ["keys as zot reads them", { RootDirectory: "/zot" }, "zot/zot"],
])("images in %s", (_what, driver, prefix) => {
    expect(imagePlace(s3(driver))).toMatchObject({ kind: "s3", bucket: "registry", prefix, endpoint: undefined });
});

test.each([
    ["http://minio:9000", true, "http://minio:9000"],
    ["minio:9000", true, "https://minio:9000"],
    ["minio:9000", false, "http://minio:9000"],
])("a server that is not Amazon's: %s, secure %s", (regionendpoint, secure, endpoint) => {
    expect(imagePlace(s3({ regionendpoint, secure }))).toMatchObject({ endpoint });
});

test("places that are none of a bucket's or redis'", () => {
    expect(imagePlace(local)).toEqual({ kind: "folder", folder: "/var/lib/zot" });
    expect(metadataPlace(local)).toEqual({ kind: "file", file: "/var/lib/zot/meta.db" });
    expect(imagePlace(s3({ name: "gcs" }))).toEqual({ kind: "other", driver: "gcs" });
    expect(metadataPlace(s3({}, { cacheDriver: { name: "dynamodb" } }))).toEqual({ kind: "other", driver: "dynamodb" });
    // redis for blobs alone: what zot knows stays in its file.
    expect(metadataPlace(s3({}, { remoteCache: false }))).toEqual({ kind: "file", file: "/var/lib/zot/meta.db" });
    expect(metadataPlace(s3({}, { cacheDriver: { name: "redis" } }))).toEqual({ kind: "redis", keyPrefix: "zot" });
});

test("a change says what zot will not see, and no change says nothing", () => {
    expect(movedStorage(local, local)).toEqual([]);
    expect(movedStorage(s3(), s3({ region: "eu-west-1" }))).toEqual([]);
    expect(movedStorage(local, s3({ rootdirectory: "/zot" }))).toEqual([
        "zot will keep images in the bucket registry below zot/zot instead of the folder /var/lib/zot. It sees only those " +
            "that were copied there.",
        "zot will keep accounts, API keys and its record of pulls in redis below mine: instead of /var/lib/zot/meta.db. It does not know " +
            "what was not moved there; that includes every API key made before.",
    ]);
    expect(movedStorage(local, s3({ bucket: "`x`" }), JSON.stringify)[0]).toContain('the bucket "`x`" instead');
});

test("of a payload that cannot be read nothing is known", () => {
    expect(deployedConfig("== config 1\nnot JSON\n== end\n")).toBeUndefined();
    expect(deployedConfig('== config 1\n{"storage": {}}\n== end\n')).toEqual({ storage: {} });
});
