/** Derives settings from a config of zot that has another source. Pure. */
import { allSettings, shown, withoutSecretsIn } from "../settings";
import { REDIS_PLACES } from "../settings/declared/storage";
import { isSameJson, type Json, type JsonMap, valueAt } from "../zotJson";
import { type DeclaredPlace, declaredPlaces } from "./places";

/** A value in the config that its setting does not accept. */
export interface Untaken {
    /** Its place in the config. */
    path: string;
    /** Without secrets. */
    onHost: Json;
    setting: string;
    /** What the setting accepts: the end of "give …". */
    allowed: string;
}

export interface SettingsOfConfig {
    /** By full name, without those that have their default. */
    settings: Map<string, unknown>;
    untaken: Untaken[];
}

/** What zot 2.1.20 does by default, if the default of our setting differs. */
const BY_ITSELF: Record<string, Json> = { "http.port": "8080" };

/**
 * The settings that a config gives a value to. Rights, logins, mirrors and the readers of the metrics are left out,
 * because people have to decide about them.
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
    // Without search there is no web interface. Without cve, or with images in a bucket, there is no scan.
    if (found.settings.get("zot.search") === false) set("zot.userInterface", false);
    const isElsewhere = valueAt(config, ["storage", "storageDriver"]) !== undefined;
    const hasScan = valueAt(config, ["extensions", "search", "cve"]) !== undefined;
    if (isElsewhere || (isOn("search") && !hasScan)) set("zot.vulnerabilityUpdateInterval", "off");
    return found;
}

const uselessAlone = (settings: ReadonlyMap<string, unknown>) =>
    [...settings.keys()].filter((name) => !isOfUse(name, settings));

/** Whether a setting makes sense with the others: a bucket, redis and a cluster each need several settings. */
function isOfUse(name: string, settings: ReadonlyMap<string, unknown>): boolean {
    const has = (...names: string[]) => names.every((one) => settings.has(one));
    if (name.startsWith("storage.")) return has("storage.bucket", "storage.region");
    if (name.startsWith("redis.")) return has("redis.address");
    if (!name.startsWith("cluster.")) return true;
    // A single instance has none to ask.
    return has("cluster.hashKey") && ((settings.get("cluster.members") as string[] | undefined)?.length ?? 0) > 1;
}

/** Whether our settings cover the driver: only S3 for a bucket, and one redis that both drivers name alike. */
function isOfDriver({ setting }: DeclaredPlace, config: JsonMap): boolean {
    if (setting.startsWith("storage.")) return valueAt(config, ["storage", "storageDriver", "name"]) === "s3";
    if (!setting.startsWith("redis.")) return true;
    const [cache, sessions] = REDIS_PLACES.map((driver) => valueAt(config, driver.split(".")));
    const isSame = (key: string) => isSameJson(valueAt(cache, [key]) ?? null, valueAt(sessions, [key]) ?? null);
    return isSame("name") && isSame("addr") && isSame("username");
}

/** Whether a place can be read: not the readers of the metrics, and nothing that several settings write together. */
const isRead = (place: DeclaredPlace, config: JsonMap): boolean =>
    place.rendering === undefined &&
    !place.secret &&
    isOfDriver(place, config) &&
    place.where?.["zot.metrics"] === undefined &&
    (place.read !== undefined || place.write === undefined);

/** The settings that the config switches off. They have to be set, because they are on by default here. */
export function switchedOff(config: JsonMap): Map<string, unknown> {
    const { settings } = settingsOfConfig(config);
    const isElsewhere = valueAt(config, ["storage", "storageDriver"]) !== undefined;
    return new Map([...settings].filter(([, value]) => value === false || (value === "off" && isElsewhere)));
}
