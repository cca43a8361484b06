/**
 * Secrets that zot can only read from its config. Wherever a config is shown, compared or kept, placeholders stand for
 * them; only the file on the host holds them. Pure.
 */
import { type PolicySettings, SecretText, settingOf } from "../settings";
import { declaredPlaces, standsThere } from "./places";
import { redisUrl } from "./render";
import type { ConfigSecrets } from "./withSecrets";

/** The secrets, by the places in a config where their placeholders stand. */
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

/** Whether zot's config holds a secret; works even if the secrets are not readable. */
export const hasConfigSecrets = ({ storage, redis }: PolicySettings): boolean =>
    storage.secretAccessKey !== undefined || redis.password !== undefined;

/** Encodes every byte, because zot 2.1.20 treats an address that contains `addr` as one of a redis cluster. */
const percentEncoded = (text: string) =>
    [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");

/** What a host is told about them. */
export const secretsForHost = (settings: PolicySettings) => ({
    configSecrets: configSecrets(settings),
    quotedForms: quotedForms(settings),
});

/** The forms in which an error message could quote a secret of a config; the host masks them. */
function quotedForms(settings: PolicySettings): string[] {
    const values = [settings.storage.accessKeyId, settings.storage.secretAccessKey, settings.redis.password];
    return values.flatMap((value) => {
        if (value === undefined) return [];
        const text = value.reveal();
        const forms = [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text), percentEncoded(text)];
        return [...new Set(forms)];
    });
}
