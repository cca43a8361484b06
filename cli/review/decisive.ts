/**
 * What a changed setting means for who may do what, where zot's config does not say it: where secrets go, who is trusted, what runs on the host. Pure.
 *
 * Every setting is in one of the three lists below, so that a new one is weighed before it is reviewed for the first time.
 */

import { durationOf } from "../../clients/durations";
import { goDurationSeconds, shown } from "../../components/settings";
import type { Effect, RightsChange } from "./report";
import type { SettingValue } from "./sides";

/** A value as it is shown; undefined where it is not set. */
type Value = unknown;
type Weigh = (before: Value, after: Value) => RightsChange;

const unclear = (words: string): RightsChange => ({ effect: "unclear", words });
/** In backticks, so that a value cannot write Markdown. */
const text = (value: Value) =>
    value === undefined
        ? "nothing"
        : `\`${(typeof value === "string" ? value : shown(value)).replace(/[`\r\n]/g, "'").slice(0, 200)}\``;

/** `WORDS new instead of old`; whether that widens has to be read. */
const other =
    (words: string): Weigh =>
    (before, after) =>
        unclear(`${words} ${text(after)} instead of ${text(before)}`);
/** The same of something secret, or too long to be shown. */
const another =
    (words: string): Weigh =>
    () =>
        unclear(words);

/** Values in the order of what may be done by them: a later one is wider. */
const ordered =
    (values: readonly unknown[], words: (value: Value) => string): Weigh =>
    (before, after) => {
        const [from, to] = [values.indexOf(before), values.indexOf(after)];
        const effect: Effect = from < 0 || to < 0 ? "unclear" : to > from ? "wider" : "narrower";
        return { effect, words: words(after) };
    };

const longer =
    (words: string): Weigh =>
    (before, after) => {
        const [from, to] = [durationOf(before), durationOf(after)];
        return {
            effect: from === undefined || to === undefined ? "unclear" : to > from ? "wider" : "narrower",
            words: `${words} ${text(after)} instead of ${text(before)}`,
        };
    };

/** How long a push can be held open, to overwrite a tag meanwhile; 0s is without an end. */
const heldOpen: Weigh = (before, after) => {
    // Where no program declared it, zot's own limit was in force.
    const [from, to] = [before, after].map((value) => goDurationSeconds(String(value ?? "60s")) || Infinity);
    const words = `a push can be held open for ${text(after ?? "60s")} instead of ${text(before ?? "60s")}`;
    return {
        effect: to! > from! ? "wider" : "narrower",
        words: `${words}, to overwrite a tag that is pushed meanwhile`,
    };
};

const onOff =
    (on: string, off: string): ((value: Value) => string) =>
    (value) =>
        value === true ? on : off;

/** Settings whose change is seen in zot's config, as rights. */
export const IN_THE_CONFIG = [
    "access.ciRepositories",
    "access.ciMayPushToMirrors",
    "access.adminsMayUpdate",
    "access.rules",
    "identity.issuer",
    "identity.workloadsGroup",
    "identity.adminsGroup",
    "zot.address",
    "zot.metrics",
    "zot.metricsUsers",
    "zot.mirrors",
] as const;

/** Settings by which nobody may do more or less. */
export const HARMLESS = [
    "zot.port",
    "zot.garbageCollection",
    "zot.garbageCollectionDelay",
    "zot.garbageCollectionInterval",
    "zot.metricsPath",
    "zot.search",
    "zot.vulnerabilityUpdateInterval",
    "zot.userInterface",
    "zot.logLevel",
    "zot.writeTimeout",
    "identity.applicationName",
    "identity.applicationDescription",
    "identity.applicationPublisher",
    "identity.applicationGroup",
    "identity.applicationIcon",
    "identity.applicationOpenInNewTab",
    "identity.applicationSlug",
    "identity.providerName",
    "identity.invalidationFlow",
    "host.startWithoutIssuer",
    "host.logFile",
    "host.pushTimeout",
    "host.readyTimeout",
] as const;

export const WEIGHED: Readonly<Record<string, Weigh>> = {
    "registry.url": other("after a login, people and their codes are sent to"),

    "zot.binary": other("on the host, zot is the program"),
    "zot.configFile": other("on the host, zot's config and its secrets are beside"),
    "zot.rootDirectory": other("images and API keys are those in"),
    "zot.readTimeout": heldOpen,
    "zot.caFile": other("the push takes zot for the registry by the certificate authorities in"),
    "zot.user": other("zot runs as, and its secrets belong to, the user"),
    "zot.acceptVersion": other("a zot that cannot be read as 2.1.19 or newer is accepted:"),
    "zot.dropSettings": other("the first push may remove settings of the host's config:"),
    "zot.extraConfig": another("the site's own part of zot's config is another one (`zot.extraConfig`)"),

    "identity.clientId": other("people log in to the OAuth2 client"),
    "identity.applicationLaunchUrl": other("Authentik sends people who open the application to"),
    "identity.authorizationFlow": other("a login is authorized by the flow"),
    "identity.signingKey": other("logins are signed with the certificate"),
    "identity.caFile": other("zot's identity provider is trusted by the certificate authorities in"),
    "identity.ciUser": other("CI pushes as"),
    "identity.ciLoginFlow": other("CI's service account logs in by the flow"),
    "identity.passwordStage": other("CI's service account is asked for its password by the stage"),
    "identity.manageWorkloads": (_before, after) =>
        unclear(
            after === true
                ? "who is CI is decided here, and no more in Authentik"
                : "who is CI is decided in Authentik, and no more here",
        ),
    "identity.retainOnDestroy": (_before, after) =>
        unclear(
            after === true
                ? "a destroy leaves login, group and service account in Authentik"
                : "a destroy removes what was taken over in Authentik",
        ),
    "identity.acceptRename": ordered(
        [false, true],
        onOff(
            "names that a live registry depends on may change",
            "names that a live registry depends on may not change",
        ),
    ),

    "ci.keyLifetime": longer("a key of CI lives for"),
    "ci.keyRotateAfter": longer("a key of CI is replaced after"),
    "ci.predecessorLifetime": longer("a key of CI that was replaced goes on working for"),
    "ci.keyGeneration": (before, after) =>
        Number(after) > Number(before)
            ? { effect: "narrower", words: "CI's key is replaced and every other one revoked" }
            : unclear(`the generation of CI's key is ${text(after)} instead of ${text(before)}`),
    "ci.takeOverKeys": ordered(
        [false, true],
        onOff(
            "keys that another stack made for CI are taken over",
            "keys that another stack made for CI are not taken over",
        ),
    ),

    "ciSecrets.store": other("CI's key is handed to a store of the kind"),
    "ciSecrets.apiUrl": other("CI's key is handed to"),
    "ciSecrets.owner": other("CI's key is handed to the owner"),
    "ciSecrets.repository": other("CI's key is handed to the repository"),
    "ciSecrets.visibility": ordered(
        ["private", "all"],
        (value) => `CI's key is handed to ${value === "all" ? "all" : "the private"} repositories of the organisation`,
    ),
    "ciSecrets.file": other("CI's key is written to"),
    "ciSecrets.names": other("what is handed to CI, and as a secret or not, is"),

    "host.address": other("the config and its secrets are sent to the host"),
    "host.port": other("the config and its secrets are sent to the port"),
    "host.user": other("the push acts as the user"),
    "host.hostKey": other("the host is trusted by the key"),
    "host.privateKey": another("the push logs in with another private key"),
    "host.privateKeyPassphrase": another("the passphrase of the private key is another one"),
    "host.password": another("the push logs in with another password"),
    "host.observe": ordered(
        [true, false],
        onOff(
            "preview and update look at the host",
            "preview and update do not look at the host: what is changed there by hand stays unseen",
        ),
    ),
    "host.jumpAddress": other("the host is reached through"),
    "host.jumpPort": other("the jump host is reached at the port"),
    "host.jumpUser": other("on the jump host, the push is the user"),
    "host.jumpHostKey": other("the jump host is trusted by the key"),
    "host.serviceManager": other("on the host, zot is started by"),
    "host.serviceName": other("on the host, the push restarts"),
    "host.restartCommand": other("on the host, the push runs"),
    "host.manageService": (_before, after) =>
        unclear(
            after === true
                ? "the push writes zot's service file on the host"
                : "the push leaves zot's service file to the site",
        ),
    "host.sudo": ordered(["off", "service", "all"], (value) =>
        value === "off"
            ? "the push uses no sudo"
            : `the push uses sudo for ${value === "all" ? "everything it does" : "the service manager"}`,
    ),
    "host.onDestroy": ordered(["read-only", "restore"], (value) =>
        value === "restore"
            ? "a destroy brings back what was on the host before the first push: an open registry, if it was one"
            : "a destroy leaves a registry that nobody changes",
    ),

    // Of other packages.
    "authentik:url": other("Authentik's objects are made at"),
    "authentik:token": another("another token for Authentik is used"),
    "authentik:headers": another("other headers are sent to Authentik"),
    "authentik:insecure": (_before, after) =>
        /^(true|1)$/i.test(String(after))
            ? { effect: "wider", words: "the TLS certificate of Authentik is not checked" }
            : { effect: "narrower", words: "the TLS certificate of Authentik is checked" },
};

/** What the settings of two sides say beside zot's config. */
export function decisiveChanges(
    base: ReadonlyMap<string, SettingValue>,
    head: ReadonlyMap<string, SettingValue>,
): RightsChange[] {
    const seen = new Set<string>([...IN_THE_CONFIG, ...HARMLESS]);
    const changed = [...new Set([...base.keys(), ...head.keys()])].filter(
        (name) => !seen.has(name) && base.get(name)?.identity !== head.get(name)?.identity,
    );
    const inOrder = [...Object.keys(WEIGHED), ...changed].filter(
        (name, index, all) => changed.includes(name) && all.indexOf(name) === index,
    );
    return inOrder.map((name) =>
        (Object.hasOwn(WEIGHED, name)
            ? WEIGHED[name]!
            : another(`the setting ${text(name)}, which this review does not know, is another one`))(
            parsed(base.get(name)),
            parsed(head.get(name)),
        ),
    );
}

/** What a stack's file has beside its settings: where further ones come from, and how its secrets are encrypted. By the key in small letters. */
const BESIDE: Readonly<Record<string, Weigh>> = {
    environment: other("settings and secrets come from the environments of Pulumi Cloud, which are not seen here:"),
    imports: other("settings come from elsewhere, which is not seen here:"),
    secretsprovider: other("the stack's secrets are encrypted by"),
    encryptedkey: another("the stack's secrets are encrypted with another key (`encryptedkey`)"),
    encryptionsalt: another("the stack's secrets are encrypted with another passphrase, or salt (`encryptionsalt`)"),
};

/** The same of what stands in the stack's file beside `config`. */
export function besideChanges(
    base: ReadonlyMap<string, SettingValue>,
    head: ReadonlyMap<string, SettingValue>,
): RightsChange[] {
    return [...new Set([...base.keys(), ...head.keys()])]
        .filter((key) => base.get(key)?.identity !== head.get(key)?.identity)
        .map((key) => {
            const weigh = Object.hasOwn(BESIDE, key.toLowerCase())
                ? BESIDE[key.toLowerCase()]!
                : another(`the key ${text(key)} of the stack's file, which this review does not know, is another one`);
            return weigh(parsed(base.get(key)), parsed(head.get(key)));
        });
}

function parsed(value: SettingValue | undefined): Value {
    if (value === undefined) return undefined;
    try {
        return JSON.parse(value.shown);
    } catch {
        // Secret, or cut off.
        return value.shown;
    }
}
