/** What a config of zot that was made by other means says of the settings. Pure. */
import { allSettings, shown, withoutSecretsIn } from "../settings";
import { REDIS_PLACES } from "../settings/declared/storage";
import { isSameJson, type Json, type JsonMap, valueAt } from "../zotJson";
import { type DeclaredPlace, declaredPlaces } from "./places";

/** A value of the config that its setting does not take. */
export interface Untaken {
    /** Where it stands in the config. */
    path: string;
    /** Without secrets. */
    onHost: Json;
    setting: string;
    /** What the setting takes, as the end of "give …". */
    allowed: string;
}

export interface SettingsOfConfig {
    /** By full name; what is as it is by itself is left out. */
    settings: Map<string, unknown>;
    untaken: Untaken[];
}

/** What zot 2.1.20 does where its config says nothing, and a setting here does otherwise. */
const BY_ITSELF: Record<string, Json> = { "http.port": "8080" };

/**
 * The settings that a config speaks of. Rights, logins, mirrors and who reads the metrics are not among them: those are
 * decided, not read.
 */
export function settingsOfConfig(config: JsonMap): SettingsOfConfig {
    const known = new Map(allSettings().map(({ name, setting }) => [name, setting]));
    const found: SettingsOfConfig = { settings: new Map(), untaken: [] };
    for (const place of declaredPlaces) {
        const onHost = valueAt(config, place.keys) ?? BY_ITSELF[place.path];
        const setting = known.get(place.setting)!;
        const isEmpty = onHost === "" && !place.takesEmpty;
        if (onHost === undefined || onHost === null || isEmpty || !isRead(place, config)) continue;
        const value = place.read ? place.read(onHost) : onHost;
        const taken = setting.schema.safeParse(value);
        if (!taken.success)
            found.untaken.push({
                path: place.path,
                onHost: withoutSecretsIn(onHost) as Json,
                setting: place.setting,
                allowed: setting.allowed,
            });
        else if (shown(taken.data) !== shown(setting.default)) found.settings.set(place.setting, taken.data);
    }
    for (const name of uselessAlone(found.settings)) found.settings.delete(name);
    const isOn = (name: string) => {
        const extension = valueAt(config, ["extensions", name]);
        return extension !== undefined && extension !== null && valueAt(extension, ["enable"]) !== false;
    };
    const set = (name: string, value: unknown) => found.settings.set(name, value);
    // Without search there is no web interface; without cve, or with images kept elsewhere, no scan.
    if (found.settings.get("zot.search") === false) set("zot.userInterface", false);
    const isElsewhere = valueAt(config, ["storage", "storageDriver"]) !== undefined;
    const hasScan = valueAt(config, ["extensions", "search", "cve"]) !== undefined;
    if (isElsewhere || (isOn("search") && !hasScan)) set("zot.vulnerabilityUpdateInterval", "off");
    return found;
}

const uselessAlone = (settings: ReadonlyMap<string, unknown>) =>
    [...settings.keys()].filter((name) => !isOfUse(name, settings));

/** Of a bucket, of redis and of a cluster one part is no use without the others. */
function isOfUse(name: string, settings: ReadonlyMap<string, unknown>): boolean {
    const has = (...names: string[]) => names.every((one) => settings.has(one));
    if (name.startsWith("storage.")) return has("storage.bucket", "storage.region");
    if (name.startsWith("redis.")) return has("redis.address");
    if (!name.startsWith("cluster.")) return true;
    // An instance alone asks nobody.
    return has("cluster.hashKey") && ((settings.get("cluster.members") as string[] | undefined)?.length ?? 0) > 1;
}

/** Of a bucket and of redis there are settings for S3 alone, and for a redis that both drivers name alike. */
function isOfDriver({ setting }: DeclaredPlace, config: JsonMap): boolean {
    if (setting.startsWith("storage.")) return valueAt(config, ["storage", "storageDriver", "name"]) === "s3";
    if (!setting.startsWith("redis.")) return true;
    const [cache, sessions] = REDIS_PLACES.map((driver) => valueAt(config, driver.split(".")));
    const isSame = (key: string) => isSameJson(valueAt(cache, [key]) ?? null, valueAt(sessions, [key]) ?? null);
    return isSame("name") && isSame("addr") && isSame("username");
}

/** Who reads the metrics, and what is written only together with other settings, is not read. */
const isRead = (place: DeclaredPlace, config: JsonMap): boolean =>
    place.rendering === undefined &&
    !place.secret &&
    isOfDriver(place, config) &&
    place.where?.["zot.metrics"] === undefined &&
    (place.read !== undefined || place.write === undefined);

/** Of them, what was switched off: it is to stay so, although it is on by itself here. */
export function switchedOff(config: JsonMap): Map<string, unknown> {
    const { settings } = settingsOfConfig(config);
    const isElsewhere = valueAt(config, ["storage", "storageDriver"]) !== undefined;
    return new Map([...settings].filter(([, value]) => value === false || (value === "off" && isElsewhere)));
}
