/** Recognizes secrets, by the key at which they stand and by their form. The only such list. Pure. */
import { withoutUserinfo } from "../../clients/http/address";

/** Removes what does not change a key's meaning: `X-Api-Key`, `api_key` and `apiKey` are the same. */
const plain = (key: string) => key.toLowerCase().replace(/[^a-z0-9]/g, "");
/** `X-Hub-Signature-256` is a signature. */
const withoutNumber = (name: string) => name.replace(/\d+$/, "");

/** The ends of key names that mark a secret, in small letters and without separators. */
const ENDINGS = [
    ...["password", "passwd", "passphrase", "pwd", "secret", "token", "authorization", "bearer", "cookie", "signature"],
    ...["credential", "credentials", "connectionstring", "dsn", "webhook", "webhookurl", "pat"],
    ...["apikey", "secretkey", "accesskey", "accesskeyid", "accountkey", "storagekey", "sharedkey", "sharedaccesskey"],
    ...["privatekey", "signingkey", "authkey", "masterkey", "hashkey", "encryptkey", "encryptionkey", "sessionkey"],
    ...["hmackey", "routingkey", "integrationkey", "functionskey", "licensekey", "passcode", "jwt"],
    ...["hmac", "otp", "dockerconfigjson", "dockerauthconfig", "auth"],
    ...["psk", "pw", "passwords", "userpass", "dbpass", "creds", "apikeys", "sshkey", "privkey"],
];

/**
 * Whether a key of this name holds a secret. Keys that end in `file` or `path` hold the name of a file instead, which
 * is no secret.
 */
export function isSecretKey(key: string): boolean {
    const name = withoutNumber(plain(key));
    return ENDINGS.some((ending) => name === ending || (ending.length > 3 && name.endsWith(ending)));
}

/** Request headers that hold no secret. Any other header may hold one, whatever its name. */
const PLAIN_HEADERS = new Set([
    "accept",
    "acceptencoding",
    "acceptlanguage",
    "cachecontrol",
    "contenttype",
    "host",
    "origin",
    "useragent",
]);

/** Whether the value of a header of this name may be a secret. */
export const isSecretHeader = (name: string): boolean => !PLAIN_HEADERS.has(plain(name));

/** Parameters of an address that hold a secret although a key of that name would not. */
const PARAMETERS = ["sig", "code", "state", "key", "auth", "pass"];

const isSecretParameter = (name: string) => isSecretKey(name) || PARAMETERS.includes(plain(name));

/** The forms of secrets that services issue. `isOne` filters out text of that form that is no secret. */
const FORMS: [kind: string, form: RegExp, isOne?: (found: string) => boolean][] = [
    [
        "a private key",
        /-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY( BLOCK)?-----|$)/,
    ],
    ["a private key", /\bPuTTY-User-Key-File-[\s\S]*/],
    ["a private key", /---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----[\s\S]*/],
    // The same in base64: it begins with "-----BEGIN ".
    ["a private key", /\bLS0tLS1CRUdJTi[\w+/]{8,}={0,2}/],
    ["a private key", /\bminisign encrypted secret key\s+[\w+/=]+/],
    ["an API key of zot", /\bzak_[0-9a-f]{8,}/i],
    [
        "a token of a forge",
        /\b(gh[opsur]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|gl[a-z]{2,5}-[\w-]{20,})/,
    ],
    ["a key of AWS", /\b((AKIA|ASIA|ABIA)[A-Z0-9]{16}\b|ABSK[A-Za-z0-9+/]{60,})/],
    ["a key of Google", /\b(AIza[\w-]{35}|ya29\.[\w-]{20,}|1\/\/0[\w-]{30,})/],
    ["a key of Azure", /\b(AccountKey|SharedAccessKey|SharedAccessSignature|InstrumentationKey)=[^;\s"']+/i],
    ["a secret of Azure", /\b[\w.~-]{3}\dQ~[\w.~-]{31,}/],
    ["a secret of Google", /\bGOCSPX-[\w-]{20,}/],
    ["a password", /(?<![\w=!<>])(password|passwd|pwd)=(?!=)[^\s&;,"']+/i],
    ["a password", /\b\w+:[^\s@:/"']+@(tcp|unix)\(/],
    [
        "a token of a registry",
        /\b(dckr_(pat|oat)_[\w-]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{30,}|cio[A-Za-z0-9]{32}|AKCp[A-Za-z0-9]{60,}|cmVmd[A-Za-z0-9]{50,})/,
    ],
    [
        "a token of a registry",
        /\b(rubygems_[0-9a-f]{40,}|oy2[a-z0-9]{43}\b|packagist_\w{3}_\w{20,}|CLOJARS_[0-9a-f]{40,}|uc\w*_registry_\w{20,})/,
    ],
    ["a token of Pulumi", /\bpul-[0-9a-f]{40}\b/],
    ["a token of Slack", /\b(xox[a-z]|xapp)-[\w-]{10,}/],
    [
        "a webhook with its secret",
        /https:\/\/(hooks\.slack(-gov)?\.com\/(services|workflows|triggers)|hooks\.zapier\.com\/hooks|maker\.ifttt\.com\/trigger|(\w+\.)?discord(app)?\.com\/api\/webhooks|[\w.-]+\.webhook\.office\.com)\/[^\s"']+/i,
    ],
    ["a webhook with its secret", /https:\/\/events\.pagerduty\.com\/integration\/\w{16,}/],
    ["a webhook with its secret", /https?:\/\/[^\s"']{1,200}\/webhooks?\/[\w-]{16,}/i],
    // Mattermost, Rocket.Chat and the like: the address is all that a sender needs.
    ["a webhook with its secret", /https?:\/\/[\w.:-]+\/hooks\/([\w-]+\/)?[\w-]{16,}/],
    ["a bot's token", /\bbot\d{6,}:[\w-]{30,}/],
    [
        "a token of a service",
        /\b(hv[sbr]\.[\w-]{20,}|gl(sa|c)_[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,}|hf_[A-Za-z0-9]{30,})/,
    ],
    [
        "a key of a service",
        /\b([sr]k_(live|test)_[A-Za-z0-9]{16,}|do[oprt]_v1_[0-9a-f]{40,}|sk-(proj|ant|svcacct|admin)-[\w-]{20,}|sk-[A-Za-z0-9]{32,})/,
    ],
    [
        "a token of a service",
        /\b(whsec_[\w+/=-]{20,}|dp\.(pt|st|ct|sa|scim|audit)\.[\w.-]{20,}|lin_api_\w{20,}|shp(at|ss|ca|pa)_[0-9a-f]{20,}|tskey-\w+-[\w-]{16,}|sq[pua]_[0-9a-f]{40}|dapi[0-9a-f]{32}|pscale_\w+_[\w-]{20,}|sbp_[0-9a-f]{40})/,
    ],
    [
        "a token of a service",
        /\b(PMAK-[0-9a-f]{24}-\w{20,}|figd_[\w-]{20,}|ntn_\w{30,}|dt0[a-z]\d\d\.\w{24}\.\w{40,}|NRAK-[A-Z0-9]{20,}|syt_\w+_\w{10,}_\w+|\w{14}\.atlasv1\.[\w-]{40,})/,
    ],
    [
        "a token of a service",
        /\b(sntry[su]_[\w+/=-]{30,}|AT(ATT|CTT)3\w{20,}|ATBB\w{28,}|HRKU-[\w-]{30,}|secret_[A-Za-z0-9]{43}\b|gsk_[A-Za-z0-9]{40,}|xai-[A-Za-z0-9]{60,}|sq0(atp|csp)-[\w-]{20,}|xkeysib-[0-9a-f]{40,}\S*|cf[ua]t_\w{30,}|[0-9a-f]{36}NRAL\b)/,
    ],
    ["a key of a service", /\b(key-[0-9a-f]{32}|SK[0-9a-f]{32})\b/],
    ["the hash of a password", /\$(2[abxy]|5|6|7|y|apr1|argon2id?)\$[\w./$,=+-]{20,}/],
    ["the hash of a password", /(\{S?SHA(256|512)?\}|\bpbkdf2:\w+:\d+\$)[\w+/=$-]{20,}/],
    ["the hash of a password", /\bSCRAM-SHA-\d+\$\d+:[\w+/=:$]{20,}/],
    // An encrypted one may have empty parts after the first dot.
    ["a JSON web token", /\beyJ[\w-]{8,}\.([\w-]{8,}\.[\w-]*|\.[\w-]{8,}\.[\w.-]*)/],
    ["the value of an Authorization header", /\bauthorization["']?\s?[:=]\s{0,3}["']?\w+\s+[^\s"']+/i],
    ["the value of an Authorization header", /\b(ApiKey|SSWS|Negotiate)\s+[A-Za-z0-9+/_.~-]{16,}=*/],
    [
        "the value of an Authorization header",
        /\b(Bearer|Basic|Token)\s+(?=[^\s"']{0,200}[0-9=])[A-Za-z0-9+/_.~-]{8,}=*/,
    ],
    [
        "the value of an Authorization header",
        /\b(bearer|basic|token)\s+(?=[^\s"']{0,200}[0-9])[A-Za-z0-9+/_.~-]{24,}=*/i,
    ],
    ["the value of an Authorization header", /\bBasic\s+(?=[^\s"']{0,200}[a-z][A-Z])[A-Za-z0-9+/]{11,}={0,2}/],
    ["a key of age", /\bAGE-(SECRET-KEY|PLUGIN-[A-Z0-9]+)-(PQ-)?1[A-Z0-9]{20,}/],
    ["a login of a .netrc", /\bmachine\s+\S+\s+login\s+\S+\s+password\s+\S+/],
    ["a URL with a secret in it", /%2F%2F[^\s"'/@&%]{0,200}%3A[^\s"'/@&]{0,200}%40/i],
    ["a user's name and password in base64", /(?<![\w+/=%.-])[A-Za-z0-9+/]{12,400}={0,2}(?![\w+/=])/, isLogin],
];

/** Whether base64 decodes to `name:password`, as in Docker's config. */
function isLogin(base64: string): boolean {
    return (
        base64.replace(/=+$/, "").length % 4 !== 1 &&
        /^[\x21-\x39\x3b-\x7e]+:[\x21-\x7e]+$/.test(Buffer.from(base64, "base64").toString("latin1"))
    );
}

/** The text before the host of an address: `user:password@`, or a token alone. */
const USERINFO = /\/\/[^/?#\s"'@][^/?#\s"']*@/;
/** The same for a password with a character that ends the host of an address: a slash, `?` or `#`. */
const USERINFO_UNESCAPED = /\/\/[^/?#\s"'@:]{0,100}:(?!\d*([/?#]|$))[^\s"'/?#@]{0,100}[/?#][^\s"'@]{0,100}@/;
const PARAMETER = /([?&;#]|%3F|%26|%23)([\w.~-]+)(?:=|%3D)((?:(?!%3F|%26|%23)[^&;#\s"'])+)/gi;
/** `NAME=value`, `name: value` or `--name value`, if the value is not a word of a sentence. */
const ASSIGNMENT =
    /((?<![\w.-])[\w.-]{2,64}["']?\s?[:=]\s{0,3}["']?|(?<=--)[\w-]{2,64}\s)(?![=/$<{[])(?=[A-Za-z+/_.~%=-]{0,200}\d)([A-Za-z0-9+/_.~%=-]{12,})/g;

const nameIn = (before: string) => before.replace(/["'\s:=]+$/, "");

/**
 * Which kind of secret a text holds, as a noun with its article; undefined if it holds none. In doubt it names one.
 */
export function secretIn(text: string): string | undefined {
    if (USERINFO.test(text) || USERINFO_UNESCAPED.test(text))
        return "a URL with a user name, a password or a token before its host";
    if ([...text.matchAll(PARAMETER)].some(([, , name]) => isSecretParameter(name!)))
        return "a URL with a secret among its parameters";
    if ([...text.matchAll(ASSIGNMENT)].some(([, before]) => isSecretKey(nameIn(before!))))
        return "a secret by the name before it";
    return FORMS.find(([, form, isOne]) =>
        isOne ? [...text.matchAll(everywhere(form))].some(([found]) => isOne(found)) : form.test(text),
    )?.[0];
}

const everywhere = (form: RegExp) => new RegExp(form.source, `${form.flags.replace("g", "")}g`);

/** The text, with everything replaced that has the form of a secret. */
export function withoutSecrets(text: string, replacement = "[hidden]"): string {
    const known = FORMS.reduce(
        (rest, [, form, isOne]) =>
            rest.replace(everywhere(form), (found) => (isOne && !isOne(found) ? found : replacement)),
        text,
    );
    return withoutUserinfo(known, replacement)
        .replace(PARAMETER, (whole: string, before: string, name: string) =>
            isSecretParameter(name) ? `${before}${name}=${replacement}` : whole,
        )
        .replace(ASSIGNMENT, (whole: string, before: string) =>
            isSecretKey(nameIn(before)) ? `${before}${replacement}` : whole,
        );
}

/** A JSON value without its secrets, recognized by their keys or by their own form. */
export function withoutSecretsIn(value: unknown, replacement = "[hidden]", isHeaders = false): unknown {
    if (Array.isArray(value)) return value.map((item) => withoutSecretsIn(item, replacement));
    if (typeof value === "string") return withoutSecrets(value, replacement);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
        Object.entries(value).map(([key, item]) => {
            const isHidden =
                (isSecretKey(key) || (isHeaders && isSecretHeader(key))) &&
                (Array.isArray(item) || typeof item !== "object");
            return [key, isHidden ? replacement : withoutSecretsIn(item, replacement, /headers$/i.test(key))];
        }),
    );
}
