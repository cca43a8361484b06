/**
 * What a changed setting means for who may do what, if zot's config does not show it: as its declaration says. Pure.
 */
import { allSettings, another, type ChangeMeaning, other, quoted, type Weigh } from "../../components/settings";
import type { SettingValue } from "./sides";

/** Configuration of other packages in a stack's file. */
const OF_OTHER_PACKAGES: Readonly<Record<string, Weigh>> = {
    "authentik:url": other("Authentik's objects are made at"),
    "authentik:token": another("another token for Authentik is used"),
    "authentik:headers": another("other headers are sent to Authentik"),
    "authentik:insecure": (_before, after) =>
        /^(true|1)$/i.test(String(after))
            ? { effect: "wider", words: "the TLS certificate of Authentik is not checked" }
            : { effect: "narrower", words: "the TLS certificate of Authentik is checked" },
};

/** Settings whose changes show in zot's config as rights, or change nobody's rights. */
const UNWEIGHED = new Set(
    allSettings().flatMap(({ name, setting }) => (typeof setting.review === "string" ? [name] : [])),
);

/** The meaning of a change of every other setting, in the order of the report. */
const WEIGHED = new Map<string, Weigh>([
    ...allSettings().flatMap(({ name, setting }): [string, Weigh][] =>
        typeof setting.review === "string" ? [] : [[name, setting.review]],
    ),
    ...Object.entries(OF_OTHER_PACKAGES),
]);

/** What changes between the settings of two sides, outside of zot's config. */
export function decisiveChanges(
    base: ReadonlyMap<string, SettingValue>,
    head: ReadonlyMap<string, SettingValue>,
): ChangeMeaning[] {
    const changed = [...new Set([...base.keys(), ...head.keys()])].filter(
        (name) => !UNWEIGHED.has(name) && base.get(name)?.fingerprint !== head.get(name)?.fingerprint,
    );
    const inOrder = [...WEIGHED.keys(), ...changed].filter(
        (name, index, all) => changed.includes(name) && all.indexOf(name) === index,
    );
    return inOrder.map((name) =>
        (WEIGHED.get(name) ?? another(`the setting ${quoted(name)}, which this review does not know, is another one`))(
            parsed(base.get(name)),
            parsed(head.get(name)),
        ),
    );
}

/**
 * What a stack's file has besides its settings: sources of further settings, and how its secrets are encrypted. By key,
 * in small letters.
 */
const BESIDE: Readonly<Record<string, Weigh>> = {
    environment: other("settings and secrets come from the environments of Pulumi Cloud, which are not seen here:"),
    imports: other("settings come from elsewhere, which is not seen here:"),
    secretsprovider: other("the stack's secrets are encrypted by"),
    encryptedkey: another("the stack's secrets are encrypted with another key (`encryptedkey`)"),
    encryptionsalt: another("the stack's secrets are encrypted with another passphrase, or salt (`encryptionsalt`)"),
};

/** The same for what the stack's file has besides `config`. */
export function besideChanges(
    base: ReadonlyMap<string, SettingValue>,
    head: ReadonlyMap<string, SettingValue>,
): ChangeMeaning[] {
    return [...new Set([...base.keys(), ...head.keys()])]
        .filter((key) => base.get(key)?.fingerprint !== head.get(key)?.fingerprint)
        .map((key) => {
            const weigh = Object.hasOwn(BESIDE, key.toLowerCase())
                ? BESIDE[key.toLowerCase()]!
                : another(
                      `the key ${quoted(key)} of the stack's file, which this review does not know, is another one`,
                  );
            return weigh(parsed(base.get(key)), parsed(head.get(key)));
        });
}

function parsed(value: SettingValue | undefined): unknown {
    if (value === undefined) return undefined;
    if (value.whole !== undefined) return value.whole;
    try {
        return JSON.parse(value.shown);
    } catch {
        // Secret, or truncated.
        return value.shown;
    }
}
