/** A config that was made by other means becomes settings: of each kind that public configs have, and of any. */
import * as fs from "node:fs";
import * as path from "node:path";
import * as fc from "fast-check";
import { configIn } from "../../../cli/config/readConfig";
import { takenOverJson, takenOverText } from "../../../cli/config/takenOverText";
import { type Groups, type Suggestion, suggestionFor, withGroups } from "../../../cli/config/takeOver";
import { pushableInCache } from "../../../components/accessBreaches";
import { lossInWords } from "../../../components/accessChanges";
import { evaluate, type Who } from "../../../components/accessPolicy";
import {
    configText,
    type Json,
    type JsonMap,
    patternsOfCache,
    readOnlyConfig,
    settingsOfConfig,
} from "../../../components/zotConfig";
import { addressesOf } from "../../../components/zotConfig/caches";
import { valueAt } from "../../../components/zotJson";
import { rawSettings } from "../../support/settings";
import { cleanUp, run, scratch, zots } from "../../testbed/zot/zots";

jest.setTimeout(120_000);
afterAll(cleanUp);

const folder = path.join(__dirname, "configs");
const configs = fs.readdirSync(folder).sort();
const read = (name: string): JsonMap => configIn(fs.readFileSync(path.join(folder, name), "utf8"), name, name);

/** What setup makes of it: the settings that the config speaks of, and then what else it holds. */
function takenOver(onHost: JsonMap, more: Groups = {}, zotVersion?: string): Suggestion {
    const given: Groups = {};
    for (const [name, value] of settingsOfConfig(onHost).settings) {
        const [group, key] = name.split(".") as [string, string];
        given[group] = { ...given[group], [key]: value };
    }
    for (const [group, members] of Object.entries(more)) given[group] = { ...given[group], ...members };
    given.identity = { issuer: "https://authentik.example.org/application/o/zot/" };
    return suggestionFor(
        onHost,
        { raw: withGroups(rawSettings(), given), given, where: "Pulumi.site.yaml" },
        zotVersion,
    );
}

describe.each(zots)("$name", (zot) => {
    test.each(configs)("%s ends in settings that pass, and in configs that `zot verify` accepts", (name) => {
        const { declared } = takenOver(read(name));
        const home = scratch();
        const files = { credentials: path.join(home, "credentials.json"), sessionKeys: path.join(home, "keys.json") };
        fs.writeFileSync(files.credentials, JSON.stringify({ clientid: "zot", clientsecret: "a secret for tests" }));
        fs.writeFileSync(files.sessionKeys, JSON.stringify({ hashKey: "h".repeat(64), encryptKey: "e".repeat(32) }));
        for (const config of [declared.zotConfig(files), readOnlyConfig(declared.settings)]) {
            const file = path.join(home, "config.json");
            fs.mkdirSync(path.join(home, "zot"), { recursive: true });
            // zot opens its logs when it verifies.
            fs.writeFileSync(file, configText(config).replaceAll('"/var/log/', `"${home}/`));
            const { exitCode, output, errors } = run(zot, "verify", file);
            expect([exitCode, exitCode === 0 ? "" : output + errors]).toEqual([0, ""]);
        }
    });
});

test.each(configs)("%s: what was taken over once is not taken over again", (name) => {
    const onHost = read(name);
    const once = takenOver(onHost);
    const again = takenOver(onHost, once.settings);
    expect([again.settings, again.kept]).toEqual([{}, []]);
    expect(again.extraConfig).toEqual(once.extraConfig);
});

describe("caches", () => {
    const ci: Who = { kind: "user", name: "zot-ci", groups: ["artifact-workloads"] };

    test("those that zot.mirrors can say become its items", () => {
        const { mirrors, settings, otherCaches, isEverywhere } = takenOver(read("six-caches.json"));
        expect(mirrors).toEqual([
            { url: "https://index.docker.io", prefix: "docker.io" },
            { url: "https://ghcr.io", prefix: "ghcr.io" },
            { url: "https://quay.io", prefix: "quay.io" },
            { url: "https://registry.k8s.io", prefix: "registry.k8s.io" },
            { url: "https://public.ecr.aws", prefix: "ecr", content: "docker/library/**" },
        ]);
        expect(settings.zot!.mirrors).toEqual(mirrors);
        expect(settings.zot!.extraConfig).toMatchObject({
            extensions: { sync: { credentialsFile: "/config/upstream.json", registries: [{ maxRetries: 5 }] } },
        });
        expect(otherCaches.map(({ address, because }) => `${address}: ${because}`)).toEqual([
            "https://registry.gitlab.com: it has maxRetries",
        ]);
        expect(settings.access).toEqual({ rules: { "registry.gitlab.com/**": { ci: ["read"] } } });
        expect(isEverywhere).toBe(false);
    });

    test("the others stay as they are, and CI may only read what they fill", () => {
        const { otherCaches, declared } = takenOver(read("odd-caches.json"));
        expect(otherCaches.map(({ because }) => because)).toEqual([
            "it has a path",
            "over plain http, logins and keys could be read on the way",
            "it has preserveDigest",
            "its content has stripPrefix",
            "it has several addresses",
            "it is not fetched on demand",
        ]);
        const pushable = (repository: string) => evaluate(declared.policy, ci, "create", repository);
        const cached = [
            "forge/a",
            "lan/a/b",
            "quay.io/a",
            "base/static",
            "pair/x",
            "tools/a/b",
            "apps/web",
            "ghcr.io/x",
        ];
        expect(cached.filter(pushable)).toEqual([]);
        expect(["apps/api", "mine"].filter(pushable)).toEqual(["apps/api", "mine"]);
    });

    test("one without a destination may fill any repository, and the others stay closed to CI", () => {
        const { isEverywhere, declared, settings } = takenOver(read("docker-hub-anywhere.json"));
        expect(isEverywhere).toBe(true);
        expect(settings.access).toEqual({ ciMayPushToMirrors: true, rules: { "quay.io/**": { ci: ["read"] } } });
        expect(evaluate(declared.policy, ci, "create", "quay.io/a")).toBe(false);
    });

    test("a mirror that the stack has is not added a second time, and its own are kept", () => {
        const own = [{ url: "https://quay.io", prefix: "quay" }];
        const { settings } = takenOver(read("six-caches.json"), { zot: { mirrors: own } });
        expect((settings.zot!.mirrors as object[]).slice(0, 2)).toEqual([
            own[0],
            { url: "https://index.docker.io", prefix: "docker.io" },
        ]);
        expect(JSON.stringify(settings.zot!.mirrors)).not.toContain('"quay.io"');
    });

    const name = fc.constantFrom("a", "b", "a/b", "docker.io", "team");
    const registry = fc.record(
        {
            urls: fc.array(
                fc.constantFrom("https://a.example", "https://a.example/x", "http://b.example", "https://c.example/"),
                { minLength: 1, maxLength: 2 },
            ),
            onDemand: fc.boolean(),
            pollInterval: fc.constant("6h"),
            tlsVerify: fc.boolean(),
            preserveDigest: fc.boolean(),
            content: fc.array(
                fc.record(
                    {
                        prefix: fc.constantFrom("**", "a/**", "/b/c", "Upper/**", ""),
                        destination: name.chain((text) => fc.constantFrom(text, `/${text}`, "/", "")),
                        stripPrefix: fc.boolean(),
                        tags: fc.constant({ semver: true }),
                    },
                    { requiredKeys: ["prefix"] },
                ),
                { maxLength: 2 },
            ),
        },
        { requiredKeys: ["urls"] },
    );

    test("whatever they are: the settings pass, every cache is there, and CI pushes into none that has a place", async () => {
        await fc.assert(
            fc.property(fc.array(registry, { maxLength: 4 }), (registries) => {
                const onHost = {
                    storage: { rootDirectory: "/var/lib/zot" },
                    http: { address: "127.0.0.1", port: "5000" },
                    extensions: { sync: { enable: true, registries } },
                } as unknown as JsonMap;
                const found = takenOver(onHost);
                const sync = valueAt(found.declared.zotConfig(), ["extensions", "sync", "registries"]) as
                    | Json[]
                    | undefined;
                const known = (sync ?? []).flatMap(addressesOf);
                expect(
                    registries.flatMap((one) => addressesOf(one as Json)).filter((one) => !known.includes(one)),
                ).toEqual([]);
                const places = (sync ?? []).flatMap(patternsOfCache).filter((pattern) => pattern !== "**");
                const open = places.filter(
                    (place) => pushableInCache(found.declared.policy, place, "admins").length > 0,
                );
                expect(open).toEqual([]);
            }),
            { numRuns: 300 },
        );
    });
});

test("what was switched off stays off, unless the stack says otherwise", () => {
    const site = (zot: Record<string, unknown>) => ({
        raw: withGroups(rawSettings(), { zot }),
        given: { zot },
        where: "Pulumi.site.yaml",
    });
    const onHost = read("switched-off.json");
    expect(suggestionFor(onHost, site({})).settings.zot).toMatchObject({
        search: false,
        userInterface: false,
        garbageCollection: false,
    });
    expect(suggestionFor(onHost, site({})).settings.zot).not.toHaveProperty("mirrors");
    const own = suggestionFor(onHost, site({ userInterface: true, garbageCollection: true })).settings.zot;
    expect([own!.search, own!.garbageCollection]).toEqual([undefined, undefined]);
});

test("who loses what, by name", () => {
    const { losses, members } = takenOver(read("users.json"));
    const words = losses.map((change) => lossInWords(change, members));
    expect(words).toContain("the user `jenkins` may no longer create, update and delete on `team/**`");
    expect(words).toContain("the group `builders` (`jenkins`, `drone`) may no longer update on `**`");
    // Where nobody logs in, it is said once.
    expect(takenOver(read("minimal.json")).losses.map((change) => lossInWords(change))).toEqual([
        "anyone without a login may no longer create, update and delete on `**`",
    ]);
});

test("a bucket, redis and a cluster become settings of the stack; what zot does by itself stays as it is", () => {
    const driver = { name: "redis", addr: ["cache.example.org:6379"], username: "zot" };
    const storageDriver = {
        name: "s3",
        region: "eu-central-1",
        bucket: "images",
        rootdirectory: "/images",
        encrypt: true,
    };
    const onHost = {
        storage: { remoteCache: true, cacheDriver: driver, storageDriver },
        http: { auth: { sessionDriver: driver } },
        cluster: { members: ["10.0.0.1:5000", "10.0.0.2:5000"], hashKey: "loremipsumdolors" },
    };
    const site = rawSettings({ zot: { vulnerabilityUpdateInterval: "off" } });
    const { settings, declared } = suggestionFor(onHost, { raw: site, given: {}, where: "Pulumi.site.yaml" });
    expect(settings).toMatchObject({
        storage: { bucket: "images", region: "eu-central-1", prefix: "/images" },
        redis: { address: "cache.example.org:6379", user: "zot" },
        cluster: onHost.cluster,
        zot: { extraConfig: { storage: { dedupe: true, storageDriver: { encrypt: true } } } },
    });
    expect(declared.zotConfig()).toMatchObject({ storage: { dedupe: true, ...onHost.storage } });
});

test("a secret is left out by itself: the rest of what it stands in is kept", () => {
    const { refused, declared } = takenOver(read("object-storage.json"));
    expect(refused.map((sentence) => sentence.split(" ")[0])).toEqual([
        "storage.storageDriver.accesskey",
        "storage.storageDriver.secretkey",
    ]);
    expect(declared.settings.storage).toMatchObject({
        bucket: "images",
        region: "eu-central-1",
        prefix: "/zot",
        pathStyle: true,
    });
    expect(valueAt(declared.zotConfig(), ["storage", "storageDriver", "secure"])).toBe(true);
});

describe.each([
    "redis://:canary@cache.example.org:6379",
    "rediss://zot:canary@cache.example.org:6379/1",
    "redis://zot:canary?@cache.example.org:6379",
    "redis://zot:ca#canary@cache.example.org:6379",
])("an address of redis with a password in it is in nothing that is written or said: %s", (address) => {
    test.each(["url", "addr", "addrs", "username"])("as %s", (key) => {
        const driver = { name: "redis", [key]: key.startsWith("addr") ? [address] : address };
        const onHost = {
            storage: { remoteCache: true, cacheDriver: driver },
            http: { auth: { sessionDriver: driver } },
        };
        const sites: Groups[] = [{}, { redis: { address: "cache.example.org:6379", user: "zot" } }];
        for (const more of sites) {
            const found = { ...takenOver(onHost, more), file: "Pulumi.site.yaml" };
            const written = JSON.stringify([found.settings, found.declared.settings.zot.extraConfig]);
            expect(written + takenOverText(found, { print: true }) + takenOverJson(found)).not.toContain("canary");
        }
        expect(JSON.stringify(settingsOfConfig(onHost).untaken)).not.toContain("canary");
    });
});

describe("what a build of zot lacks is said where it is declared", () => {
    const version = (type: string) =>
        `{"level":"info","message":"version","commit":"v2.1.20","binary-type":"${type}"}\n`;
    const lacks = (type: string, config = "six-caches.json") =>
        takenOver(read(config), {}, version(type)).lacks.map(({ extension }) => extension);

    test("a minimal one", () => expect(lacks("minimal")).toEqual(["sync", "search", "ui"]));
    test("one without sync", () => expect(lacks("-lint-metrics-search-ui")).toEqual(["sync"]));
    test("a whole one, and one that does not say", () => {
        expect(lacks("-events-imagetrust-lint-metrics-mgmt-profile-scrub-search-sync-ui-userprefs")).toEqual([]);
        expect(lacks("stand-in")).toEqual([]);
    });
    test("nothing of what is off", () => expect(lacks("minimal", "switched-off.json")).toEqual([]));
});

describe("a config in YAML", () => {
    test("is read as zot reads it, by the ending of its name or without one", () => {
        const text = "http: {port: 0x10, address: yes}\n";
        const expected = { http: { port: 16, address: "yes" } };
        expect(configIn(text, "The config", "zot.yaml")).toEqual(expected);
        expect(configIn(text, "The config on standard input")).toEqual(expected);
        expect(configIn(' {"http": {"port": 1}}', "The config on standard input")).toEqual({ http: { port: 1 } });
    });

    test.each([
        ["a: 1\na: canary\n", /^The config c\.yml is not YAML as zot reads it, line 2: /],
        ["at: 2026-01-01 # canary\n", /^The config c\.yml is not YAML as zot reads it, line 1: zot takes a value of/],
        ["canary\n", /^The config c\.yml is not a YAML map/],
    ])("mistakes are named with their line, and nothing is quoted", (text, message) => {
        const refused = () => configIn(text, "The config c.yml", "c.yml");
        expect(refused).toThrow(message);
        expect(refused).not.toThrow(/canary/);
    });
});
