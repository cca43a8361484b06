/** What zot.extraConfig must not contain, whatever its purpose. Pure. */
import { REDIS_PLACES } from "./declared/storage";
import { isSecretHeader, isSecretKey, secretIn } from "./secrets";
import { isMap, shownPath } from "./setting";

/** The config is mode 0644 on the host and an output of the stack. */
const WHERE_SECRETS_GO =
    "zot's config and the stack's outputs show it; " +
    "leave it out, and give it to zot in a credentials file or in its environment";
/** The setting that holds such a secret, by the path of its key in small letters. */
const SETTINGS: Record<string, string> = {
    "storage.storagedriver.accesskey": "storage.accessKeyId",
    "storage.storagedriver.secretkey": "storage.secretAccessKey",
    "storage.cachedriver.password": "redis.password",
    "http.auth.sessiondriver.password": "redis.password",
};
const URLS_OF_REDIS = REDIS_PLACES.map((driver) => `${driver}.url`.toLowerCase());

/** What to do with a secret at a path. */
function whereItGoes(path: readonly PropertyKey[]): string {
    const place = path.join(".").toLowerCase();
    if (URLS_OF_REDIS.includes(place))
        return "zot's config and the stack's outputs show it; leave it out, and set redis.address, redis.user and redis.password";
    const setting = SETTINGS[place];
    return setting === undefined
        ? WHERE_SECRETS_GO
        : `it has its own setting; leave it out, and set it with: pulumi config set --path ${setting} --secret`;
}

/** Paths, in small letters, that sound like secrets but protect nothing: zot writes the value into its log too. */
const NO_SECRETS = ["cluster.hashkey"];

/**
 * Why zot would not read a value as it is written, or why others could read what they should not; each as the middle of
 * a sentence. zot 2.1.20 ignores the case of keys, splits them at `::`, and accepts null and `{}` under any key. It
 * turns null in a list into an empty text; as a user's name that means anonymous.
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
        return [`${where} is an empty map, which zot accepts under any name; remove it, or fill it`];
    const found: string[] = [];
    const isHeaders = /headers$/i.test(String(path.at(-1) ?? ""));
    keys.forEach((key, index) => {
        const inside = [...path, key];
        const name = shownPath(inside).replace(/^\./, "");
        const twin = keys.slice(0, index).find((other) => other.toLowerCase() === key.toLowerCase());
        if (twin !== undefined) found.push(`${name} and ${twin} are the same key to zot, which ignores case; keep one`);
        if (key.includes("::"))
            found.push(`${name} has "::" in its key, which zot takes for a path; nest the maps instead`);
        // Outside of ASCII, programs disagree on which keys differ only in case.
        if (!/^[\x21-\x7e]+$/.test(key) || key === "__proto__")
            found.push(`${name} is not a key of zot; write keys in ASCII, without spaces`);
        const isSecret = isSecretKey(key) && !NO_SECRETS.includes(inside.join(".").toLowerCase());
        if ((isSecret || (isHeaders && isSecretHeader(key))) && holdsText(value[key])) {
            found.push(`${name} is a secret, but ${whereItGoes(inside)}`);
        } else {
            found.push(...extraConfigMistakes(value[key], inside));
        }
    });
    return found;
}

/** Whether zot may take a value for a text; it accepts a number, or a list of texts and numbers. */
function holdsText(value: unknown): boolean {
    return Array.isArray(value) ? value.some(holdsText) : typeof value === "string" || typeof value === "number";
}
