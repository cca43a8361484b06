/**
 * Secrets that zot takes from its config alone. What is shown, compared and kept of a config has their names in their
 * places; the file on the host alone has them. Pure.
 */
import { type PolicySettings, SecretText, settingOf } from "../settings";
import { declaredPlaces, standsThere } from "./places";
import { redisUrl } from "./render";
import type { ConfigSecrets } from "./withSecrets";

/** What belongs into the places of a config in which names of secrets stand. */
export function configSecrets(settings: PolicySettings): ConfigSecrets {
    const { address, user, password } = settings.redis;
    return Object.fromEntries(
        declaredPlaces
            .filter((place) => standsThere(place, settings))
            .flatMap((place): [string, string][] => {
                const value = settingOf(settings, place.setting);
                if (value instanceof SecretText) return [[place.path, value.reveal()]];
                return place.rendering === "redisUrl" && address !== undefined && password !== undefined
                    ? [[place.path, redisUrl(address, user, percentEncoded(password.reveal()))]]
                    : [];
            }),
    );
}

/** Whether zot's config holds a secret. Needs none to be readable. */
export const hasConfigSecrets = ({ storage, redis }: PolicySettings): boolean =>
    storage.secretAccessKey !== undefined || redis.password !== undefined;

/** Each byte: zot 2.1.20 takes an address with `addr` anywhere in it for that of a cluster of redis. */
const percentEncoded = (text: string) =>
    [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");

/** What a host is told of them. */
export const secretsForHost = (settings: PolicySettings) => ({
    configSecrets: configSecrets(settings),
    quotedForms: quotedForms(settings),
});

/** The forms in which somebody could quote a secret of a config; the host hides them. */
function quotedForms(settings: PolicySettings): string[] {
    const values = [settings.storage.accessKeyId, settings.storage.secretAccessKey, settings.redis.password];
    return values.flatMap((value) => {
        if (value === undefined) return [];
        const text = value.reveal();
        const forms = [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text), percentEncoded(text)];
        return [...new Set(forms)];
    });
}
