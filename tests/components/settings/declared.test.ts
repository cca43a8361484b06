/**
 * What comes from a setting's declaration: its place in zot's config and back, and what the host is told. Who adds a
 * setting and forgets a part of it reads here which.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { allSettings, placesOf, SecretText } from "../../../components/settings";
import { type Json, type JsonMap, unmanagedParts } from "../../../components/zotConfig";
import { valueAt } from "../../../components/zotJson";
import { observationInputs } from "../../../providers/zot/hostObservationProperties";
import { configSchema, type Schema } from "../../../testbed/zot/configSchema";
import { HOST_KEY, siteSettings } from "../../support/settings";

type Changes = Record<string, Record<string, unknown>>;

/** A mirror needs a folder on the host then. */
const BUCKET = {
    storage: { bucket: "images", region: "us-east-1" },
    zot: {
        vulnerabilityUpdateInterval: "off",
        extraConfig: { extensions: { sync: { downloadDir: "/var/tmp/zot" } } },
    },
};
const KEY = { accessKeyId: new SecretText("an-id-for-tests"), secretAccessKey: new SecretText("a-secret-for-tests") };
const WITH_KEY = { ...BUCKET, storage: { ...BUCKET.storage, ...KEY } };
const REDIS = { redis: { address: "cache.example.org:6379" } };
const CLUSTER = {
    ...BUCKET,
    cluster: { members: ["10.0.0.1:5000", "10.0.0.2:5000"], hashKey: "0123456789abcdef" },
};

/**
 * Of each setting that stands in zot's config: another value than the one that a site has by itself, and what goes with
 * it. A site has a mirror.
 */
const OTHER: Record<string, Changes> = {
    "registry.url": { registry: { url: "http://127.0.0.1:5000" } },
    "zot.rootDirectory": { zot: { rootDirectory: "/srv/zot" } },
    "zot.address": { zot: { address: "0.0.0.0" } },
    "zot.port": { zot: { port: 5001 } },
    "zot.tlsCertFile": { zot: { tlsCertFile: "/etc/zot/tls.pem", tlsKeyFile: "/etc/zot/tls.key" } },
    "zot.tlsKeyFile": { zot: { tlsCertFile: "/etc/zot/tls.pem", tlsKeyFile: "/etc/zot/tls.key" } },
    "zot.garbageCollection": { zot: { garbageCollection: false } },
    "zot.garbageCollectionDelay": { zot: { garbageCollectionDelay: "2h" } },
    "zot.garbageCollectionInterval": { zot: { garbageCollectionInterval: "12h" } },
    "zot.mirrors": { zot: { mirrors: [] } },
    "zot.metrics": { zot: { metrics: "anonymous" } },
    "zot.metricsUsers": { zot: { metrics: "users", metricsUsers: ["prometheus"] } },
    "zot.metricsPath": { zot: { metrics: "anonymous", metricsPath: "/figures" } },
    "zot.search": { zot: { search: false, userInterface: false } },
    "zot.vulnerabilityUpdateInterval": { zot: { vulnerabilityUpdateInterval: "48h" } },
    "zot.userInterface": { zot: { userInterface: false } },
    "zot.readTimeout": { zot: { readTimeout: "30m" } },
    "zot.writeTimeout": { zot: { writeTimeout: "2h" } },
    "zot.logLevel": { zot: { logLevel: "debug" } },
    "storage.bucket": BUCKET,
    "storage.region": { ...BUCKET, storage: { ...BUCKET.storage, region: "eu-west-1" } },
    "storage.endpoint": { ...BUCKET, storage: { ...BUCKET.storage, endpoint: "https://s3.example.org" } },
    "storage.prefix": { ...BUCKET, storage: { ...BUCKET.storage, prefix: "/images" } },
    "storage.pathStyle": { ...BUCKET, storage: { ...BUCKET.storage, pathStyle: true } },
    "storage.accessKeyId": WITH_KEY,
    "storage.secretAccessKey": WITH_KEY,
    "redis.address": REDIS,
    "redis.user": { redis: { ...REDIS.redis, user: "zot" } },
    "redis.password": { redis: { ...REDIS.redis, password: new SecretText("a-password-for-tests") } },
    "redis.keyPrefix": { redis: { ...REDIS.redis, keyPrefix: "images" } },
    "cluster.members": CLUSTER,
    "cluster.hashKey": CLUSTER,
    "access.ciRepositories": { access: { ciRepositories: ["team/**"] } },
    "access.ciMayPushToMirrors": { access: { ciMayPushToMirrors: true } },
    "access.adminsMayUpdate": { access: { adminsMayUpdate: true } },
    "access.channels": { access: { channels: ["**/cache"] } },
    "access.movableTags": { access: { movableTags: { "team/**": ["latest"] }, acceptLossOfManifests: true } },
    "access.tagScheme": { access: { tagScheme: ["vX.Y.Z-<7 hex>"] } },
    "access.explainRefusals": { access: { explainRefusals: true } },
    "access.rules": { access: { rules: { "tools/**": { ci: ["read"] } } } },
    "identity.issuer": { identity: { issuer: "https://other.example.org/application/o/zot/" } },
    "identity.providerName": { identity: { providerName: "Other" } },
    "identity.workloadsGroup": { identity: { workloadsGroup: "ci" } },
    "ci.workloads": {
        ci: { workloads: { charts: { user: "zot-charts", group: "charts-ci", repositories: ["charts/**"] } } },
    },
    "identity.adminsGroup": { identity: { adminsGroup: "operators" } },
};

/** Below these a config on a host is replaced as a whole. */
const REPLACED = /^http\.(auth|accessControl)\./;

const placed = allSettings().filter(({ setting }) => setting.zotConfig);
const configOf = (changes: Changes = {}) => {
    const zot = { mirrors: [{ url: "https://ghcr.io", prefix: "ghcr.io" }], ...changes.zot };
    return siteSettings({ ...changes, zot }).zotConfig();
};
const ours = configOf();

test("of each setting that stands in zot's config this test knows another value", () => {
    expect(Object.keys(OTHER).sort()).toEqual(placed.map(({ name }) => name).sort());
});

describe.each(placed.map(({ name, setting }) => ({ name, setting, places: placesOf(setting) })))(
    "$name",
    (declared) => {
        const { name, setting, places } = declared;
        const other = () => configOf(OTHER[name]);

        test("stands in zot's config at one of its places", () => {
            const isThere = (config: JsonMap) =>
                places.map((place) => valueAt(config, place.path.split(".")) as Json | undefined);
            expect(isThere(other())).not.toEqual(isThere(ours));
        });

        test.each(places.map((place) => place.path))("zot reads %s", (place) => {
            expect(schemaAt(place)).toBeDefined();
        });

        // A secret of the host's is not kept, and none is told.
        if (setting.secret || places.every((place) => REPLACED.test(place.path))) return;
        test(setting.optional ? "stays on a host until it is set" : "is told where a host has it otherwise", () => {
            const found = [unmanagedParts(other(), ours), unmanagedParts(ours, other())];
            const isKept = (kept: string[]) =>
                places.some((place) => kept.some((one) => `${place.path}.`.startsWith(`${one}.`)));
            if (setting.optional) expect(found.map(({ kept }) => isKept(kept))).toEqual([true, false]);
            else expect(found.flatMap(({ different }) => different.map((one) => one.setting))).toContain(name);
        });
    },
);

/** What zot's schema says of a place. */
function schemaAt(place: string): Schema | undefined {
    return place
        .split(".")
        .reduce<Schema | undefined>(
            (schema, key) => schema?.properties?.[key] ?? (schema?.additionalProperties || undefined),
            configSchema,
        );
}

/** The names that declarations have for one way to the host, sorted. */
const namesOf = (way: "script" | "look") => allSettings().flatMap(({ setting }) => setting.host?.[way] ?? []);

test("the script on the host reads what it is told, and is told what it reads", () => {
    const script = fs.readFileSync(path.resolve(__dirname, "../../../host/payload.sh"), "utf8");
    const reader = /^read_settings\(\) \{\n([\s\S]*?)^\}$/m.exec(script)![1]!;
    const read = [...reader.matchAll(/^\s+(\w+)\) \w+=\$value ;;$/gm)].map(([, name]) => name);
    // Of a setting of several lines the preflight takes each from the file.
    const told = ["mark", "credentialsFile", "sessionKeysFile", "secretConfig", ...namesOf("script")];
    expect(told.filter((name) => name !== "dropSetting").sort()).toEqual(read.sort());
});

test("the look at a host has a property for what it is told, and is told all that the settings know", () => {
    const notSettings = [
        "config",
        "configSecrets",
        "secretFiles",
        "plannedConfig",
        "plannedReadOnlyConfig",
        "mistakes",
    ];
    expect(namesOf("look").sort()).toEqual(
        Object.keys(observationInputs)
            .filter((name) => !notSettings.includes(name))
            .sort(),
    );
});

describe("without the setting that it needs, it is refused:", () => {
    const needy = allSettings().flatMap(({ name, setting: { needs } }) => (needs ? [{ name, needs }] : []));
    test.each(needy)("$name without $needs", ({ name, needs }) => {
        const { ...changes }: Changes = { "host.jumpHostKey": { host: { jumpHostKey: HOST_KEY } }, ...OTHER }[name]!;
        const [group, key] = needs.split(".") as [string, string];
        changes[group] = Object.fromEntries(Object.entries(changes[group]!).filter(([other]) => other !== key));
        const message =
            `${name}: it is set without ${needs}, so it has no effect; ` + `set ${needs} as well, or remove it.`;
        expect(() => configOf(changes)).toThrow(message);
    });
});

test("settings that a declaration names exist", () => {
    const names = allSettings().map(({ name }) => name);
    const named = allSettings().flatMap(({ setting }) => [
        ...[setting.needs ?? []].flat(),
        ...[setting.host?.without ?? []].flat(),
        ...placesOf(setting).flatMap((place) => Object.keys(place.where ?? {})),
    ]);
    expect(named.filter((name) => !names.includes(name))).toEqual([]);
});
