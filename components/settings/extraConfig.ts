/** What may not be in zot.extraConfig, whatever it is meant for. Pure. */
import { REDIS_PLACES } from "./declared/storage";
import { isSecretHeader, isSecretKey, secretIn } from "./secrets";
import { isMap, shownPath } from "./setting";

/** The config is mode 0644 on the host and an output of the stack. */
const WHERE_SECRETS_GO =
    "zot's config and the stack's outputs show it; " +
    "leave it out, and give it to zot by a credentials file or in zot's environment";
/** By the path of a key in small letters: the setting that holds such a secret. */
const SETTINGS: Record<string, string> = {
    "storage.storagedriver.accesskey": "storage.accessKeyId",
    "storage.storagedriver.secretkey": "storage.secretAccessKey",
    "storage.cachedriver.password": "redis.password",
    "http.auth.sessiondriver.password": "redis.password",
};
const URLS_OF_REDIS = REDIS_PLACES.map((driver) => `${driver}.url`.toLowerCase());

/** Where a secret at a path goes. */
function whereItGoes(path: readonly PropertyKey[]): string {
    const place = path.join(".").toLowerCase();
    if (URLS_OF_REDIS.includes(place))
        return "zot's config and the stack's outputs show it; leave it out, and set redis.address, redis.user and redis.password";
    const setting = SETTINGS[place];
    return setting === undefined
        ? WHERE_SECRETS_GO
        : `it has a setting of its own; leave it out, and set it with: pulumi config set --path ${setting} --secret`;
}

/** Paths in small letters of what sounds like a secret, and opens nothing: zot writes it into its log, too. */
const NO_SECRETS = ["cluster.hashkey"];

/**
 * Why zot would not read a value as it is written, or others could read what they should not; each as the middle of a
 * sentence. zot 2.1.20 reads keys without regard to case, cuts them at `::`, passes over null and `{}` whatever their
 * key is, and turns null in a list into an empty text, which as a user's name means anonymous.
 */
export function extraConfigMistakes(value: unknown, path: PropertyKey[] = []): string[] {
    const where = shownPath(path).replace(/^\./, "");
    if (value === null || value === undefined)
        return [`${where} is null, which zot takes for absent; remove it, or give it a value`];
    if (Array.isArray(value)) return value.flatMap((item, index) => extraConfigMistakes(item, [...path, index]));
    if (typeof value === "string") {
        const found = secretIn(value);
        return found === undefined ? [] : [`${where} holds ${found}, but ${whereItGoes(path)}`];
    }
    if (!isMap(value)) return [];

    const keys = Object.keys(value);
    if (keys.length === 0 && path.length > 0)
        return [`${where} is an empty map, which zot lets pass whatever its name is; remove it, or fill it`];
    const found: string[] = [];
    const isHeaders = /headers$/i.test(String(path.at(-1) ?? ""));
    keys.forEach((key, index) => {
        const inside = [...path, key];
        const name = shownPath(inside).replace(/^\./, "");
        const twin = keys.slice(0, index).find((other) => other.toLowerCase() === key.toLowerCase());
        if (twin !== undefined)
            found.push(`${name} and ${twin} are the same key to zot, which does not regard case; keep one`);
        if (key.includes("::"))
            found.push(`${name} has "::" in its key, which zot takes for a path; nest the maps instead`);
        // Beyond ASCII, what is the same but for case depends on who compares.
        if (!/^[\x21-\x7e]+$/.test(key) || key === "__proto__")
            found.push(`${name} is no key of zot's; write keys in ASCII, without spaces`);
        const isSecret = isSecretKey(key) && !NO_SECRETS.includes(inside.join(".").toLowerCase());
        if ((isSecret || (isHeaders && isSecretHeader(key))) && holdsText(value[key])) {
            found.push(`${name} is a secret, but ${whereItGoes(inside)}`);
        } else {
            found.push(...extraConfigMistakes(value[key], inside));
        }
    });
    return found;
}

/** Whether a value is, or zot may take it for, a text: a number is one to it, and a list of them too. */
function holdsText(value: unknown): boolean {
    return Array.isArray(value) ? value.some(holdsText) : typeof value === "string" || typeof value === "number";
}
