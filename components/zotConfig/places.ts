/** The places of settings in zot's config, as their declarations say. Pure. */
import { allSettings, type PolicySettings, placesOf, SecretText, settingOf, type ZotPlace } from "../settings";
import { isJsonMap, type Json, type JsonMap } from "../zotJson";

/** A place in zot's config, and the setting that decides it. */
export interface DeclaredPlace extends ZotPlace<unknown> {
    /** The setting's full name. */
    setting: string;
    /** Whether the setting may be left out; then `zot.extraConfig` may use the place. */
    optional: boolean;
    /** Whether the value there is a secret, or may hold one. */
    secret: boolean;
    /** The path, key by key. */
    keys: string[];
}

/** Every place that a setting decides, in the order of the settings. */
export const declaredPlaces: readonly DeclaredPlace[] = allSettings().flatMap(({ name, setting }) =>
    placesOf(setting).map((place) => ({
        ...place,
        setting: name,
        optional: setting.optional === true,
        secret: setting.secret === true || place.rendering === "redisUrl",
        keys: place.path.split("."),
    })),
);

/** The placeholder for a secret wherever a config is shown or kept. */
export const nameOfSecret = (setting: string): string => `<${setting}>`;

/** Whether other settings allow a value at such a place. */
export const standsThere = (place: DeclaredPlace, settings: PolicySettings): boolean =>
    Object.entries(place.where ?? {}).every(([name, values]) => values.includes(settingOf(settings, name)));

/** The value that the settings put at such a place; undefined for none. */
export function declaredValue(place: DeclaredPlace, settings: PolicySettings): Json | undefined {
    if (place.rendering || !standsThere(place, settings)) return undefined;
    const value = settingOf(settings, place.setting);
    if (value instanceof SecretText) return nameOfSecret(place.setting);
    return place.write ? place.write(value) : (value as Json | undefined);
}

/** Puts a value at a path of keys, and creates the maps on the way. */
export function putAt(config: JsonMap, [key, ...rest]: readonly string[], value: Json): void {
    if (key === undefined) return;
    if (rest.length === 0) {
        config[key] = value;
        return;
    }
    const inner = isJsonMap(config[key]) ? config[key] : {};
    config[key] = inner;
    putAt(inner, rest, value);
}
