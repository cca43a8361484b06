/**
 * Finds the ways to log in that a config of zot has besides the declared provider and API keys, and the accounts that
 * they leave behind. Pure.
 */
import { outsideText } from "../../clients/outsideText";
import { withoutSecrets } from "../settings/secrets";
import { shown } from "../settings/setting";
import { isJsonMap, type Json, type JsonMap, valueAt } from "../zotJson";

/** A way to log in that the settings do not declare. */
export interface OtherLogin {
    /** Its place in the config, as it is written: `http.auth.htpasswd`. */
    path: string;
    /**
     * Who logs in that way, as the beginning of a sentence: "whoever has a name and a password in /etc/zot/htpasswd".
     */
    who: string;
    /** Why it is a problem, as the end of a sentence. */
    why: string;
}

/** Keys below `http.auth` that zot 2.1.20 knows and that are no login, in small letters. */
const NO_LOGINS = ["openid", "apikey", "faildelay", "securesession", "sessiondriver", "sessionkeysfile"];
const SHARED = "its users get the rights, the remembered groups and the keys of whoever has the same name in Authentik";

/** The kinds of login, by their keys below `http.auth` in small letters. */
const KINDS: Record<string, (value: Json) => { who: string; why: string }> = {
    htpasswd: (value) => ({
        who: `whoever has a name and a password in ${textAt(value, "path") ?? "its file"}`,
        why: SHARED,
    }),
    ldap: (value) => ({
        who: `whoever has an account in the directory ${textAt(value, "address") ?? "it names"}`,
        why: SHARED,
    }),
    bearer: () => ({
        who: "whoever holds a token that it accepts",
        why: "it replaces every other login: anonymous pulls, OpenID Connect and API keys would all stop",
    }),
    mtls: () => ({ who: "whoever holds a client certificate that zot accepts", why: SHARED }),
};

/**
 * Every way to log in that a config, or part of one, has besides `http.auth.openid.providers.oidc` and API keys. Reads
 * the config as zot does: it ignores the case of keys, and treats null and empty maps as absent. Anything that is not
 * known to be harmless counts as a login.
 */
export function otherLogins(config: JsonMap): OtherLogin[] {
    const found: OtherLogin[] = [];
    const auth = memberOf(memberOf({ path: "", value: config }, "http"), "auth");
    for (const { key, path, value } of membersOf(auth)) {
        if (NO_LOGINS.includes(key)) continue;
        const kind =
            KINDS[key] ??
            (() => ({ who: "whoever it lets in", why: "this program does not know it; it may be another login" }));
        found.push({ path, ...kind(value) });
    }
    const openid = memberOf(auth, "openid");
    for (const { key, path } of membersOf(openid)) {
        if (["providers", "callbackalloworigins"].includes(key)) continue;
        found.push({
            path,
            who: "whoever it lets in",
            why: "this program does not know it; it may be another login",
        });
    }
    for (const { key, path, value } of membersOf(memberOf(openid, "providers"))) {
        if (key === "oidc") continue;
        const name = textAt(value, "name") ?? textAt(value, "issuer");
        found.push({ path, who: `whoever logs in with ${name ?? key}`, why: SHARED });
    }
    const authorities = memberOf(memberOf(memberOf({ path: "", value: config }, "http"), "tls"), "cacert");
    if (authorities && !isAbsent(authorities.value)) {
        const { path, value } = authorities;
        found.push({
            path,
            who:
                "whoever holds a client certificate that is signed by an authority in " +
                `${typeof value === "string" ? outsideText(value, 200) : shown(value)}`,
            why: SHARED,
        });
    }
    return found;
}

/**
 * The accounts that zot still knows, from a config of another source, after the declared config is in force; each as a
 * noun. zot keeps an account by its name, with its keys and the groups of its last login, whichever login made it.
 *
 * @param issuer the declared one; undefined if it is not known, and then any issuer is accepted
 */
export function formerAccounts(config: JsonMap, issuer: string | undefined): string[] {
    const others = otherLogins(config).map(({ path, who }) => `those of ${who} (${path})`);
    const provider = valueAt(config, ["http", "auth", "openid", "providers", "oidc"]);
    if (!isJsonMap(provider)) return others;
    const before = textAt(provider, "issuer");
    const claim = textAt(valueAt(provider, ["claimMapping"]), "username") ?? "email";
    if (before !== undefined && issuer !== undefined && before !== issuer)
        others.unshift(`those that came from another issuer, ${before} (http.auth.openid.providers.oidc.issuer)`);
    if (claim === "preferred_username") return others;
    const names = claim === "email" ? "an e-mail address" : `what the claim ${shown(claim)} held`;
    return [
        `those whose name is ${names}, because the config took user names from no other claim ` +
            "(http.auth.openid.providers.oidc.claimMapping)",
        ...others,
    ];
}

interface Place {
    path: string;
    value: Json;
}

/** The value at a key, regardless of its case; the path is as it is written. */
function memberOf(place: Place | undefined, key: string): Place | undefined {
    return membersOf(place).find((member) => member.key === key);
}

/** Everything below a place that zot does not treat as absent, by its key in small letters. */
function membersOf(place: Place | undefined): (Place & { key: string })[] {
    if (!place || !isJsonMap(place.value)) return [];
    return Object.entries(place.value)
        .filter(([, value]) => !isAbsent(value))
        .map(([key, value]) => ({
            key: key.toLowerCase(),
            path: outsideText(place.path ? `${place.path}.${key}` : key, 200),
            value,
        }));
}

/** A text that is not empty, made safe for a message: anybody may have written the config. */
function textAt(value: Json | undefined, key: string): string | undefined {
    const found = valueAt(value, [key]);
    return typeof found === "string" && found !== "" ? withoutSecrets(outsideText(found, 200)) : undefined;
}

/** Whether zot treats a value as absent: null, an empty text, or a map of nothing else. */
const isAbsent = (value: Json): boolean =>
    value === null || value === "" || (isJsonMap(value) && Object.values(value).every(isAbsent));
