/** Secrets that zot takes from its config alone: the file on the host has them, and nothing that is shown or kept. */
import { hostPayload } from "../../components/hostPayload";
import { SecretText } from "../../components/settings";
import {
    configSecrets,
    configText,
    type JsonMap,
    namelessSecretFiles,
    readOnlyConfig,
    secretsForHost,
    settingsOfConfig,
    unmanagedParts,
    withConfigSecrets,
} from "../../components/zotConfig";
import { valueAt } from "../../components/zotJson";
import { type Changes, refusals } from "../support/refusals";
import { siteSettings } from "../support/settings";

const PASSWORD = 'canary-"addr"-\\-of-redis';
const KEY = { accessKeyId: "canary-id-of-s3", secretAccessKey: "canary/secret+of=s3" };
const SITE: Changes = {
    storage: {
        bucket: "images",
        region: "eu-central-1",
        accessKeyId: new SecretText(KEY.accessKeyId),
        secretAccessKey: new SecretText(KEY.secretAccessKey),
    },
    redis: { address: "cache.example.org:6379", user: "zot", password: new SecretText(PASSWORD) },
    zot: { vulnerabilityUpdateInterval: "off" },
};
const TLS: Changes = { ...SITE, redis: { ...SITE.redis, tls: true }, zot: { ...SITE.zot, logLevel: "warn" } };

const onHost = (changes: Changes): JsonMap => {
    const { settings, zotConfig } = siteSettings(changes);
    return withConfigSecrets(zotConfig(), configSecrets(settings));
};
const at = (config: JsonMap, path: string) => valueAt(config, path.split("."));

test("what is shown has their names in their places, and the file on the host has them", () => {
    const shown = siteSettings(SITE).zotConfig();
    expect(at(shown, "storage.storageDriver")).toMatchObject({
        accesskey: "<storage.accessKeyId>",
        secretkey: "<storage.secretAccessKey>",
    });
    expect(at(shown, "storage.cacheDriver.password")).toBe("<redis.password>");
    expect(at(shown, "http.auth.sessionDriver.password")).toBe("<redis.password>");
    for (const site of [SITE, TLS]) {
        const { settings, zotConfig } = siteSettings(site);
        const everything = [configText(zotConfig()), configText(readOnlyConfig(settings)), JSON.stringify(settings)];
        expect(everything.join("")).not.toContain("canary");
    }
    const real = onHost(SITE);
    expect(at(real, "storage.storageDriver")).toMatchObject({
        accesskey: KEY.accessKeyId,
        secretkey: KEY.secretAccessKey,
    });
    expect(at(real, "storage.cacheDriver.password")).toBe(PASSWORD);
    expect(at(real, "http.auth.sessionDriver.password")).toBe(PASSWORD);
});

test("with TLS the password is in the address, each byte of it encoded, so that zot takes it for no cluster of redis", () => {
    expect(at(siteSettings(TLS).zotConfig(), "storage.cacheDriver.url")).toBe(
        "rediss://zot:<redis.password>@cache.example.org:6379",
    );
    const url = at(onHost(TLS), "storage.cacheDriver.url") as string;
    expect(url).not.toContain("addr");
    expect(decodeURIComponent(new URL(url).password)).toBe(PASSWORD);
    expect(at(onHost(TLS), "http.auth.sessionDriver.url")).toBe(url);
    expect(at(onHost(TLS), "storage.cacheDriver.password")).toBeUndefined();
});

test("a name of a secret elsewhere in a config stays a name", () => {
    const extraConfig = { http: { compat: ["<redis.password>"] } };
    const config = onHost({ ...SITE, zot: { ...SITE.zot, extraConfig } });
    expect(at(config, "http.compat")).toEqual(["<redis.password>"]);
});

test("the payload has them in both configs and says so; without secrets it says nothing of them", () => {
    const payloadOf = (changes: Changes) => {
        const { settings, zotConfig } = siteSettings(changes);
        return hostPayload({
            settings,
            files: namelessSecretFiles(settings),
            config: zotConfig(),
            readOnlyConfig: readOnlyConfig(settings),
            credentials: "{}",
            sessionKeys: "{}",
            ...secretsForHost(settings),
        });
    };
    const payload = payloadOf(SITE);
    expect(payload.split(JSON.stringify(KEY.secretAccessKey))).toHaveLength(3);
    expect(payload).toContain("\nsecretConfig=yes\n");
    expect(payload).toMatch(/^== configSecrets \d+$/m);
    const without = payloadOf({});
    expect(without).not.toMatch(/^secretConfig=/m);
    expect(without).not.toMatch(/^== configSecrets/m);
});

test("of a config on a host they are neither read nor told", () => {
    const config = onHost(SITE);
    expect(JSON.stringify([...settingsOfConfig(config).settings, settingsOfConfig(config).untaken])).not.toContain(
        "canary",
    );
    const other = onHost({ ...SITE, storage: { ...SITE.storage, secretAccessKey: new SecretText("another") } });
    for (const declared of [
        siteSettings(SITE).zotConfig(),
        siteSettings({}).zotConfig(),
        siteSettings(TLS).zotConfig(),
    ])
        for (const there of [config, other, onHost(TLS)])
            expect(JSON.stringify(unmanagedParts(there, declared))).not.toContain("canary");
    // What is to be done with one that has no setting yet.
    expect(unmanagedParts(config, siteSettings({}).zotConfig()).refused).toContain(
        "storage.storageDriver.secretkey is a secret, but it has its own setting; leave it out, and set it with: " +
            "pulumi config set --path storage.secretAccessKey --secret",
    );
});

describe("is refused:", () => {
    test.each<[title: string, changes: Changes, sentence: RegExp]>([
        [
            "a password in the open",
            { ...SITE, redis: { ...SITE.redis, password: "canary" } },
            /^redis\.password is a secret but is not encrypted .* pulumi config set --path redis\.password --secret$/,
        ],
        [
            "a secret of several lines",
            { ...SITE, redis: { ...SITE.redis, password: new SecretText("canary\nx") } },
            /^redis\.password: the value given is not allowed; give a password of ASCII on one line/,
        ],
        [
            "half a key",
            { ...SITE, storage: { ...SITE.storage, accessKeyId: undefined } },
            /^storage\.secretAccessKey: it is set without storage\.accessKeyId/,
        ],
        [
            "a password with TLS where zot would log it",
            { ...TLS, zot: { ...TLS.zot, logLevel: "info" } },
            /^redis\.password: with redis\.tls, .* set zot\.logLevel to warn or error, or redis\.tls to false\.$/,
        ],
        [
            "a key in zot.extraConfig",
            { ...SITE, zot: { ...SITE.zot, extraConfig: { storage: { storageDriver: { secretkey: "canary" } } } } },
            /^zot\.extraConfig: storage\.storageDriver\.secretkey is a secret, but it has its own setting/,
        ],
        [
            "a password in an address in zot.extraConfig",
            {
                zot: {
                    ...SITE.zot,
                    extraConfig: { storage: { cacheDriver: { name: "redis", url: "redis://zot:canary@h:6379" } } },
                },
            },
            /^zot\.extraConfig: storage\.cacheDriver\.url holds .* set redis\.address, redis\.user and redis\.password/,
        ],
    ])("%s", (_title, changes, sentence) => {
        expect(refusals(changes)[0]).toMatch(sentence);
        expect(refusals(changes).join("")).not.toContain("canary");
    });

    test("but not a secret that cannot be read here, as in a review", () => {
        const hidden = new SecretText(undefined);
        const storage = { ...SITE.storage, accessKeyId: hidden, secretAccessKey: hidden };
        expect(refusals({ ...SITE, storage, redis: { ...SITE.redis, password: hidden } })).toEqual([]);
    });
});
