/**
 * The ways to log in that a config of zot has beside the declared provider and API keys, and what their accounts leave.
 * Pure.
 */
import { outsideText } from "../../clients/outsideText";
import { withoutSecrets } from "../settings/secrets";
import { shown } from "../settings/setting";
import { isJsonMap, type Json, type JsonMap, valueAt } from "../zotJson";

/** A way to log in that is not declared. */
export interface OtherLogin {
    /** Where it stands, as it is written: `http.auth.htpasswd`. */
    path: string;
    /** Who logs in by it, as the beginning of a sentence: "whoever has a name and a password in /etc/zot/htpasswd". */
    who: string;
    /** What is against it, as the end of a sentence. */
    why: string;
}

/** What zot 2.1.20 knows below `http.auth` that logs nobody in, in small letters. */
const NO_LOGINS = ["openid", "apikey", "faildelay", "securesession", "sessiondriver", "sessionkeysfile"];
const SHARED = "its users get the rights, the remembered groups and the keys of whoever has the same name in Authentik";

/** By their key below `http.auth`, in small letters. */
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
        why: "it takes the place of every other login: anonymous pulls, OpenID Connect and API keys would all stop",
    }),
    mtls: () => ({ who: "whoever holds a client certificate that zot accepts", why: SHARED }),
};

/**
 * Every way to log in that a config, or a part of one, has beside `http.auth.openid.providers.oidc` and API keys, as
 * zot reads it: keys without regard to case, null and empty maps absent. What is not known to be harmless is one.
 */
export function otherLogins(config: JsonMap): OtherLogin[] {
    const found: OtherLogin[] = [];
    const auth = memberOf(memberOf({ path: "", value: config }, "http"), "auth");
    for (const { key, path, value } of membersOf(auth)) {
        if (NO_LOGINS.includes(key)) continue;
        const kind =
            KINDS[key] ??
            (() => ({ who: "whoever it lets in", why: "this program does not know it, and it may be another login" }));
        found.push({ path, ...kind(value) });
    }
    const openid = memberOf(auth, "openid");
    for (const { key, path } of membersOf(openid)) {
        if (["providers", "callbackalloworigins"].includes(key)) continue;
        found.push({
            path,
            who: "whoever it lets in",
            why: "this program does not know it, and it may be another login",
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
 * Of a config that was made by other means: whose accounts zot goes on knowing after the declared one is in force, each
 * as a noun. zot keeps an account by its name, with its keys and the groups of its last login, whatever login made it.
 *
 * @param issuer the declared one; undefined where it is not known, and any will do.
 */
export function formerAccounts(config: JsonMap, issuer: string | undefined): string[] {
    const others = otherLogins(config).map(({ path, who }) => `those of ${who} (${path})`);
    const provider = valueAt(config, ["http", "auth", "openid", "providers", "oidc"]);
    if (!isJsonMap(provider)) return others;
    const before = textAt(provider, "issuer");
    const claim = textAt(valueAt(provider, ["claimMapping"]), "username") ?? "email";
    if (before !== undefined && issuer !== undefined && before !== issuer)
        others.unshift(`those that another issuer has named, ${before} (http.auth.openid.providers.oidc.issuer)`);
    if (claim === "preferred_username") return others;
    const names = claim === "email" ? "an e-mail address" : `what the claim ${shown(claim)} held`;
    return [
        `those whose name is ${names}, since the config took the user's name from no other claim ` +
            "(http.auth.openid.providers.oidc.claimMapping)",
        ...others,
    ];
}

interface Place {
    path: string;
    value: Json;
}

/** What stands at a key, whatever its case; the path is as it is written. */
function memberOf(place: Place | undefined, key: string): Place | undefined {
    return membersOf(place).find((member) => member.key === key);
}

/** Everything below a place that is not absent to zot, by its key in small letters. */
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

/** A text that is not empty, as a message may repeat it: the config may be anybody's. */
function textAt(value: Json | undefined, key: string): string | undefined {
    const found = valueAt(value, [key]);
    return typeof found === "string" && found !== "" ? withoutSecrets(outsideText(found, 200)) : undefined;
}

/** Null, an empty text, and maps of nothing else. */
const isAbsent = (value: Json): boolean =>
    value === null || value === "" || (isJsonMap(value) && Object.values(value).every(isAbsent));
