/**
 * Every setting: the table that `Pulumi.yaml`, the messages, the types and the reference come from. Pure.
 *
 * Names are `group.setting`; on the command line `pulumi config set --path zot.port 5050`.
 */
import { isIP } from "node:net";
import * as z from "zod/mini";
import { isConfidential } from "../../clients/http/address";
import { ACTIONS } from "./actions";
import { hostKeyMistake, hostKeyOfScan, SCAN_FOUND_NOTHING, scanCommand } from "./hostKeys";
import { isRepositoryName, patternMistake } from "./patterns";
import { isMap, SecretText, type Setting, type SettingKind } from "./setting";

/** A duration in Go's syntax, which zot's config uses: `90s`, `24h`, `1h30m`. */
const DURATION = /^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/;
const CONTROL_CHARACTER = /[\0-\x1f\x7f]/;

/** A check that may say why a value is refused; the reason becomes part of the sentence. */
type Check = (value: string) => boolean | string | undefined;

/** A text for which `check` answers true or undefined; a text that it answers is the reason why not. */
function checked(check: Check) {
    return z.string().check(
        z.superRefine((value, context) => {
            const answer = check(value);
            if (answer === true || answer === undefined) return;
            context.addIssue({ code: "custom", input: value, params: { because: answer || undefined } });
        }),
    );
}

const text = (allowed: string, check: Check) => ({ kind: "text" as SettingKind, schema: checked(check), allowed });
const isName: Check = (value) =>
    value === "" ? "it is empty" : value.trim() === value && !CONTROL_CHARACTER.test(value);
const name = (what: string) => text(`the name of ${what}, without spaces at its ends`, isName);
const absolutePath = (what: string) =>
    text(`${what} as an absolute path without "..", quotes or line breaks`, (value) => {
        if (!value.startsWith("/")) return "it does not start with a slash";
        if (value.endsWith("/")) return "it ends in a slash";
        if (
            value
                .split("/")
                .slice(1)
                .some((part) => part === "" || part === "." || part === "..")
        )
            return 'it has an empty part, "." or ".."';
        return !CONTROL_CHARACTER.test(value) && !/['"\\]/.test(value);
    });
const slug = (what: string) =>
    text(`the slug of ${what}: letters, digits, "-" and "_"`, (value) => /^[a-z0-9_-]+$/i.test(value));
const duration = () => text('a duration such as "90s", "1h" or "24h"', (value) => DURATION.test(value));
/** A time limit of zot's HTTP server. Less would cut requests that are not slow. */
const requestTimeout = () =>
    text('a duration of at least 30 seconds such as "5m" or "1h", or "0s" for no limit', (value) => {
        if (!DURATION.test(value)) return false;
        return (
            goDurationSeconds(value) === 0 ||
            goDurationSeconds(value) >= 30 ||
            "it would cut requests that are not slow"
        );
    });
/** A lifetime; unlike Go's durations it may be in days. */
const longDuration = () =>
    text('a duration such as "90d", "12h" or "600s"', (value) =>
        /^(\d+[smhdw])+$/.test(value) ? undefined : "it is not whole numbers with one of s, m, h, d, w each",
    );
const integer = (allowed: string, least: number, most: number) => ({
    kind: "integer" as SettingKind,
    schema: z.int().check(z.minimum(least), z.maximum(most)),
    allowed,
});
const port = () => integer("a TCP port from 1 to 65535", 1, 65535);
const boolean = () => ({ kind: "boolean" as SettingKind, schema: z.boolean(), allowed: "true or false" });
const oneOf = <const T extends readonly [string, ...string[]]>(values: T) => ({
    kind: "text" as SettingKind,
    schema: z.enum(values) as z.ZodMiniType<T[number]>,
    allowed: `one of ${values.map((value) => `"${value}"`).join(", ")}`,
});
const secret = (allowed: string) => ({
    kind: "text" as SettingKind,
    schema: z.instanceof(SecretText).check(z.refine((value) => !value.isReadable || value.reveal() !== "")),
    allowed,
    secret: true,
});

/** Why this is not a URL that logins and keys may travel to, or undefined where it is one. `path` judges its path. */
function urlMistake(value: string, path: (pathname: string) => string | undefined): string | undefined {
    if (!/^https?:\/\/[^/]/i.test(value) || /\s/.test(value) || !URL.canParse(value)) return "it is not a URL";
    const parsed = new URL(value);
    if (parsed.username || parsed.password) return "it holds a user name or a password";
    if (!isConfidential(parsed)) return "over plain http, logins and keys could be read on the way";
    if (parsed.search || parsed.hash || value.includes("?") || value.includes("#"))
        return "it has a query or a fragment";
    // Redirect URIs and issuers are compared as they are written.
    const rest = value.slice(parsed.origin.length);
    if (!value.startsWith(parsed.origin) || (rest && !rest.startsWith("/")))
        return `a browser would write it as ${parsed.origin}${rest.replace(/^[^/]*/, "")}`;
    return path(rest);
}

const originMistake = (value: string) =>
    urlMistake(value, (path) => (path === "/" ? "it ends in a slash" : path ? "it has a path" : undefined));

const action = z.enum(ACTIONS);
const actionList = z.array(action).check(
    z.minLength(1),
    z.superRefine((actions, context) => {
        const twice = actions.find((item, index) => actions.indexOf(item) < index);
        if (twice) context.addIssue({ code: "custom", input: actions, params: { because: `${twice} is in it twice` } });
    }),
);
const pattern = checked(patternMistake);
const groupName = checked(isName);

/** One rule for the repositories under a pattern, as a site writes it; what is left out is as everywhere else. */
const rule = z.strictObject({
    anonymous: z.optional(actionList),
    ci: z.optional(actionList),
    admins: z.optional(actionList),
    groups: z.optional(z.record(groupName, actionList)),
});
/** One value of `access.rules`. */
export type RepositoryRuleSetting = z.infer<typeof rule>;

const mirror = z.strictObject({
    url: checked(originMistake),
    prefix: checked(isRepositoryName),
    content: z.optional(pattern),
    tlsVerify: z.optional(z.literal(true)),
});
/** One item of `zot.mirrors`. */
export type MirrorSetting = z.infer<typeof mirror>;

/** Whether this is where a host is, or why not. */
function hostAddressMistake(value: string): boolean | string {
    if (isIP(value)) return true;
    if (value.includes("@")) return "it holds a user, which host.user is for";
    if (/:\d+$/.test(value)) return "it holds a port, which host.port is for";
    return /^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?\.?$/.test(value);
}

/** Paths on which zot itself answers. */
const ZOT_PATHS = /^\/(v2|zot|livez|readyz|startupz)(\/|$)/;

function define<T>(setting: Setting<T>): Setting<T> {
    return setting;
}

/** A setting that may be left out: its value is undefined then. */
function optional<T>(setting: Setting<T>): Setting<T | undefined> {
    return {
        ...setting,
        schema: z.optional(setting.schema) as Setting<T | undefined>["schema"],
        optional: true,
    } as Setting<T | undefined>;
}

/** The table. Its order is that of Pulumi.yaml, the reference and the messages. */
export const declarations = {
    registry: {
        url: define({
            description: "Public URL of the registry; logins are sent back to it.",
            ...text(
                "an https:// URL without a path, for example https://registry.example.org (http:// only for a loopback host)",
                originMistake,
            ),
            example: "https://registry.example.org",
        }),
    },
    zot: {
        binary: define({
            description:
                "Path of the zot binary on the registry's host; it checks a config before the config goes live.",
            ...absolutePath("the zot binary on the host"),
            example: "/usr/local/bin/zot",
        }),
        configFile: define({
            description: "Path of zot's config on the host. The credentials and session keys are kept beside it.",
            ...absolutePath("zot's config on the host"),
            example: "/etc/zot/config.json",
        }),
        rootDirectory: define({
            description: "Where zot keeps images and API keys.",
            ...absolutePath("zot's storage on the host"),
            example: "/var/lib/zot",
        }),
        address: define({
            description: "Address that zot listens on. The default is loopback, for a reverse proxy on the same host.",
            ...text("an IP address", (value) => isIP(value) !== 0 && !value.includes("%")),
            default: "127.0.0.1",
        }),
        port: define({ description: "Port that zot listens on.", ...port(), default: 5000 }),
        garbageCollection: define({
            description: "Whether zot removes blobs that no manifest names.",
            ...boolean(),
            default: true,
        }),
        garbageCollectionDelay: define({
            description: "How long an unnamed blob is kept.",
            ...duration(),
            default: "1h",
        }),
        garbageCollectionInterval: define({
            description: "How often zot looks for unnamed blobs.",
            ...duration(),
            default: "24h",
        }),
        mirrors: define<MirrorSetting[]>({
            description:
                "Pull-through caches: registries whose images are fetched on demand and served under a prefix.",
            kind: "list",
            schema: z.array(mirror),
            allowed:
                'a list of {url: https://registry-1.docker.io, prefix: docker.io}; url is https:// without a path, prefix a repository name, content a pattern (default "**"), tlsVerify true',
            default: [],
        }),
        metrics: define({
            description: "Who may read /metrics: anonymous, only the users of zot.metricsUsers, or nobody (off).",
            ...oneOf(["anonymous", "users", "off"]),
            default: "off",
        }),
        metricsUsers: define<string[]>({
            description: "Users who may read /metrics, where zot.metrics is users.",
            kind: "list",
            schema: z.array(groupName),
            allowed: "a list of user names, none of them empty (zot takes an empty name for anonymous)",
            default: [],
        }),
        metricsPath: define({
            description: "Path of the metrics.",
            ...text("a path such as /metrics", (value) =>
                ZOT_PATHS.test(value) ? "zot answers there already" : /^(\/[a-z0-9_-]+)+$/i.test(value),
            ),
            default: "/metrics",
        }),
        search: define({
            description: "Whether the search extension is on; the web interface needs it.",
            ...boolean(),
            default: true,
        }),
        vulnerabilityUpdateInterval: define({
            description: "How often the vulnerability database is fetched; off to do without.",
            ...text(
                'a duration of at least two hours such as "24h", or "off"',
                (value) => value === "off" || (DURATION.test(value) && goDurationSeconds(value) >= 7200),
            ),
            default: "24h",
        }),
        userInterface: define({ description: "Whether zot serves its web interface.", ...boolean(), default: true }),
        readTimeout: define({
            description:
                "How long a request may take to arrive, its body included: a push of a layer that takes longer is cut. As long " +
                "can a push be held open by which a tag is overwritten that was pushed meanwhile. 0s is no limit.",
            ...requestTimeout(),
            default: "1h",
        }),
        writeTimeout: define({
            description:
                "How long a request may take until its answer has gone out: a pull of a layer that takes longer is cut, and so " +
                "is the answer to a push. 0s is no limit.",
            ...requestTimeout(),
            default: "1h",
        }),
        logLevel: define({
            description: "How much zot logs.",
            ...oneOf(["debug", "info", "warn", "error"]),
            default: "info",
        }),
        user: optional(
            define({
                description:
                    "User that zot runs as. Without it: the owner of its storage where the push runs as root, else the user who pushes.",
                ...text("a user name", (value) => /^[A-Za-z_][A-Za-z0-9._-]*$/.test(value)),
            }),
        ),
        acceptVersion: optional(
            define({
                description:
                    "A zot that is accepted although it cannot be read as 2.1.19 or newer: its commit, as `zot --version` prints it, " +
                    "or sha256: and the hash of the binary.",
                ...text(
                    'the commit that `zot --version` prints, or "sha256:" and the 64 digits that `sha256sum` prints',
                    (value) =>
                        value.startsWith("sha256:")
                            ? /^sha256:[0-9a-f]{64}$/.test(value)
                            : /^[A-Za-z0-9._+-]+$/.test(value),
                ),
            }),
        ),
        caFile: optional(
            define({
                description:
                    "PEM file of certificate authorities, on the host, that zot's own TLS certificate is checked against, where it has " +
                    "one (http.tls in zot.extraConfig). Without it: identity.caFile, else the system's.",
                ...absolutePath("certificate authorities on the host"),
            }),
        ),
        dropSettings: define<string[]>({
            description:
                'Settings of the config on the host that the first push may remove, as it lists them; "*" for all.',
            kind: "list",
            schema: z.array(z.string().check(z.refine((value) => /^[^\r\n]+$/.test(value)))),
            allowed: 'a list of settings as the push lists them, or ["*"]',
            default: [],
        }),
        extraConfig: define<Record<string, unknown>>({
            description:
                "What else belongs in zot's config (TLS, retention, sync credentials file): merged in deep, and checked with the rest.",
            kind: "map",
            schema: z.custom<Record<string, unknown>>(isMap),
            allowed: "a map in the structure of zot's config.json",
            default: {},
        }),
    },
    access: {
        ciRepositories: define<string[]>({
            description: "Repositories to which CI may add tags.",
            kind: "list",
            schema: z.array(pattern).check(z.minLength(1)),
            allowed:
                'a list of patterns such as "**" or "images/**": small letters, "*" within a part, "**" for any number of parts',
            default: ["**"],
        }),
        ciMayPushToMirrors: define({
            description: "Whether CI may also push under the prefixes of the pull-through caches.",
            ...boolean(),
            default: false,
        }),
        adminsMayUpdate: define({
            description: "Whether admins may overwrite a tag. Without it a tag is deleted and pushed again.",
            ...boolean(),
            default: false,
        }),
        rules: define<Record<string, RepositoryRuleSetting>>({
            description:
                "Rules for some repositories: pattern to {anonymous, ci, admins, groups}; what is left out is as everywhere else.",
            kind: "map",
            schema: z.record(pattern, rule),
            allowed: `a map from a pattern (small letters, no "::") to {anonymous, ci, admins: actions, groups: {name: actions}}, actions being a list of some of ${ACTIONS.join(", ")}`,
            default: {},
        }),
    },
    identity: {
        issuer: define({
            description:
                "OpenID Connect issuer, as Authentik's discovery document has it: the URL of Authentik, /application/o/, the application's slug, a slash.",
            ...text(
                "an https:// URL that ends in a slash, for example https://authentik.example.org/application/o/zot/ (http:// only for a loopback host)",
                (value) =>
                    urlMistake(value, (path) =>
                        path.endsWith("/") ? undefined : "it does not end in a slash, and zot would stop at its start",
                    ),
            ),
            example: "https://authentik.example.org/application/o/zot/",
        }),
        applicationSlug: define({
            description: "Slug of the application in Authentik; part of the issuer.",
            ...slug("the application"),
            default: "zot",
        }),
        applicationName: define({
            description: "Name of the application in Authentik.",
            ...name("the application"),
            default: "Zot Registry",
        }),
        applicationGroup: optional(
            define({
                description: "Heading that Authentik shows the application under. Left out, it stays as it is there.",
                ...name("a heading"),
            }),
        ),
        applicationIcon: optional(
            define({
                description:
                    "Icon of the application: an address, or a file of Authentik's (2025.12 or newer). Left out, it stays as it is there.",
                ...name("an icon"),
            }),
        ),
        applicationDescription: optional(
            define({
                description: "Description of the application. Left out, it stays as it is there.",
                ...name("a description"),
            }),
        ),
        applicationPublisher: optional(
            define({
                description: "Publisher of the application. Left out, it stays as it is there.",
                ...name("a publisher"),
            }),
        ),
        applicationLaunchUrl: optional(
            define({
                description:
                    "Where Authentik opens the application. Left out, it stays as it is there; of a new application it is registry.url.",
                ...text("an https:// URL (http:// only for a loopback host)", (value) =>
                    urlMistake(value, () => undefined),
                ),
            }),
        ),
        applicationOpenInNewTab: optional(
            define({
                description: "Whether the application opens in a new tab. Left out, it stays as it is there.",
                ...boolean(),
            }),
        ),
        providerName: define({
            description: "Name of the OAuth2 provider in Authentik.",
            ...name("the provider"),
            default: "Zot",
        }),
        clientId: define({
            description: "OAuth2 client id of the registry.",
            ...text("letters, digits, '.', '-' and '_'", (value) => /^[A-Za-z0-9._-]+$/.test(value)),
            default: "zot",
        }),
        authorizationFlow: define({
            description: "Slug of the flow that authorizes a login. The default asks nobody for consent.",
            ...slug("an authorization flow"),
            default: "default-provider-authorization-implicit-consent",
        }),
        invalidationFlow: define({
            description: "Slug of the flow that ends a login.",
            ...slug("an invalidation flow"),
            default: "default-provider-invalidation-flow",
        }),
        signingKey: define({
            description: "Name of the certificate in Authentik that signs tokens.",
            ...name("a certificate"),
            default: "authentik Self-signed Certificate",
        }),
        caFile: optional(
            define({
                description:
                    "PEM file of certificate authorities, on the host, that the issuer's TLS certificate is checked against. Without it: the system's.",
                ...absolutePath("certificate authorities on the host"),
            }),
        ),
        workloadsGroup: define({
            description: "Group whose members may add tags.",
            ...name("a group"),
            default: "artifact-workloads",
        }),
        adminsGroup: define({
            description: "Group whose members may also delete. It must exist: it is never made or changed here.",
            ...name("a group"),
            default: "admins",
        }),
        ciUser: define({
            description: "Service account that CI pushes as.",
            ...text("a user name of letters, digits, '.', '-', '_' and '@'", (value) =>
                /^[A-Za-z0-9._@-]+$/.test(value),
            ),
            default: "zot-ci",
        }),
        ciLoginFlow: define({
            description:
                "How the service account logs in to mint its key: default is the site's own login flow, which must not demand a second factor; dedicated makes a flow that only the service account passes; anything else is the slug of a flow that is there.",
            ...slug("an authentication flow, or default or dedicated"),
            default: "default",
        }),
        passwordStage: define({
            description: "Name of the stage that checks passwords, for the dedicated login flow.",
            ...name("a password stage"),
            default: "default-authentication-password",
        }),
        manageWorkloads: define({
            description:
                "Whether the group and the service account are made here; false where an administrator keeps them.",
            ...boolean(),
            default: true,
        }),
        retainOnDestroy: define({
            description: "Whether a destroy leaves in Authentik what the program made or took over there.",
            ...boolean(),
            default: false,
        }),
        acceptRename: define({
            description:
                "Allows, for one update, a change of slug, client id, group or service account that a live registry depends on.",
            ...boolean(),
            default: false,
        }),
    },
    ci: {
        keyLifetime: define({ description: "How long an API key of CI lives.", ...longDuration(), default: "90d" }),
        keyRotateAfter: optional(
            define({
                description: "Age at which the next update makes a successor. Without it: two thirds of the lifetime.",
                ...longDuration(),
            }),
        ),
        predecessorLifetime: define({
            description:
                "How long a key goes on working once it has a successor: a job that is running still holds it.",
            ...longDuration(),
            default: "7d",
        }),
        keyGeneration: define({
            description:
                "Raise it by one after a leak: the key is replaced and every other key of the service account revoked, in one update.",
            ...integer("a whole number from 0", 0, 1_000_000),
            default: 0,
        }),
        takeOverKeys: define({
            description:
                "Whether keys that another stack made for the same service account, and that is gone, are taken over; otherwise they are a reason to refuse.",
            ...boolean(),
            default: false,
        }),
    },
    ciSecrets: {
        store: optional(
            define({
                description: "Where npm run ci-secrets puts CI's key.",
                ...oneOf(["forgejo", "gitea", "github", "dotenv", "json"]),
            }),
        ),
        apiUrl: optional(
            define({
                description: "Address of the forge; of GitHub Enterprise https://HOST/api/v3.",
                ...text("an https:// URL", (value) => urlMistake(value, () => undefined)),
            }),
        ),
        owner: optional(
            define({
                description: "User or organisation that has the CI's secrets.",
                ...name("a user or an organisation"),
            }),
        ),
        repository: optional(
            define({
                description: "Repository that has them; without it they are the organisation's.",
                ...name("a repository"),
            }),
        ),
        visibility: define({
            description: "Which repositories of a GitHub organisation see a new secret.",
            ...oneOf(["private", "all"]),
            default: "private",
        }),
        file: optional(define({ description: "File of a dotenv or json store.", ...name("a file") })),
        names: define<Record<string, string>>({
            description: "What each output is called in the store.",
            kind: "map",
            schema: z.record(z.string(), z.string()),
            allowed: "a map from an output such as ciApiKey to a name such as ZOT_CI_API_KEY",
            default: { ciApiKey: "ZOT_CI_API_KEY" },
        }),
    },
    host: {
        address: define({
            description: "Name or address of the registry's host, for SSH.",
            ...text("a host name or IP address", hostAddressMistake),
            siteOnly: true,
            example: "registry-host.example.org",
        }),
        port: define({ description: "SSH port of the host.", ...port(), default: 22 }),
        user: define({
            description: "User on the host: the one that zot runs as, or one that may write its config.",
            ...text("a user name", (value) => /^[A-Za-z_][A-Za-z0-9._-]*$/.test(value)),
            siteOnly: true,
            example: "zot",
        }),
        hostKey: define({
            description: "The host's public SSH key, a line of known_hosts; a host that shows another key is refused.",
            ...text("an ed25519 or ecdsa key, as `ssh-keyscan -p PORT -t ed25519 HOST` prints it", hostKeyMistake),
            siteOnly: true,
            read: hostKeyOfScan,
            example: scanCommand,
            hint: `If it was set by that command, ${SCAN_FOUND_NOTHING}.`,
        }),
        privateKey: optional(
            define({
                description: "Private SSH key for the host; without it and a password, the SSH agent is asked.",
                ...secret("a private key in PEM or OpenSSH form"),
                siteOnly: true,
                example: "< ~/.ssh/id_ed25519",
            }),
        ),
        privateKeyPassphrase: optional(
            define({ description: "Passphrase of the private SSH key.", ...secret("a passphrase"), siteOnly: true }),
        ),
        password: optional(
            define({
                description: "Password of the user on the host, where there is no key.",
                ...secret("a password"),
                siteOnly: true,
            }),
        ),
        observe: define({
            description:
                "Whether preview and update look at the host, each by one connection, and push again what was changed there by hand.",
            ...boolean(),
            default: true,
        }),
        jumpAddress: optional(
            define({
                description:
                    "Name or address of a jump host, where the host is only reached through one; the login is the same.",
                ...text("a host name or IP address", (value) => /^[A-Za-z0-9._:-]+$/.test(value)),
            }),
        ),
        jumpPort: define({ description: "SSH port of the jump host.", ...port(), default: 22 }),
        jumpUser: optional(
            define({
                description: "User on the jump host. Without it: host.user.",
                ...text("a user name", (value) => /^[A-Za-z_][A-Za-z0-9._-]*$/.test(value)),
            }),
        ),
        jumpHostKey: optional(
            define({
                description: "The jump host's public SSH key, a line of known_hosts.",
                ...text("an ed25519 or ecdsa key, as `ssh-keyscan -p PORT -t ed25519 HOST` prints it", hostKeyMistake),
                read: hostKeyOfScan,
            }),
        ),
        serviceManager: define({
            description:
                "What starts zot on the host: systemd, systemd-user, launchd-agent, launchd-daemon, or command with host.restartCommand.",
            ...oneOf(["systemd", "systemd-user", "launchd-agent", "launchd-daemon", "command"]),
            default: "systemd",
        }),
        serviceName: define({
            description: "Name of zot's systemd unit, or label of its launchd job.",
            ...text("a unit or label: letters, digits, '.', '-', '_', '@'", (value) =>
                /^[A-Za-z0-9_][A-Za-z0-9._@-]*$/.test(value),
            ),
            default: "zot",
        }),
        restartCommand: optional(
            define({
                description: "Shell command that restarts zot, where host.serviceManager is command.",
                ...text("a command on one line", (value) => value.trim() !== "" && !CONTROL_CHARACTER.test(value)),
            }),
        ),
        manageService: define({
            description:
                "Whether zot's systemd unit or launchd job is written by the push; otherwise the site's own is restarted.",
            ...boolean(),
            default: false,
        }),
        startWithoutIssuer: optional(
            define({
                description:
                    "Whether zot starts read-only while its issuer does not answer, and changes over when it comes back. Without it: as host.manageService.",
                ...boolean(),
            }),
        ),
        sudo: define({
            description:
                "What sudo is used for on the host, which must ask for no password: nothing (off), the service manager (service), or the whole push (all); npm run host-rights prints what root is to allow.",
            ...oneOf(["off", "service", "all"]),
            default: "off",
        }),
        onDestroy: define({
            description:
                "What a destroy leaves on the host: a registry that anyone reads and nobody changes, or what was there before the first push.",
            ...oneOf(["read-only", "restore"]),
            default: "read-only",
        }),
        logFile: optional(
            define({
                description:
                    "Path of zot's log on the host, whose last lines a failed push shows. Without it: what the service manager keeps.",
                ...absolutePath("zot's log on the host"),
            }),
        ),
        pushTimeout: define({
            description: "How long a push may take until it gives up and what served before is back, in seconds.",
            ...integer("seconds from 30 to 3600", 30, 3600),
            default: 300,
        }),
        readyTimeout: define({
            description: "How long zot may take to be ready after a restart, in seconds.",
            ...integer("seconds from 1 to 3600", 1, 3600),
            default: 60,
        }),
    },
};

export type Declarations = typeof declarations;
/** What stands before the dot in a setting's name. */
export type GroupName = keyof Declarations;

/** The settings of a stack, checked: `settings.zot.port` and so on. */
export type Settings = {
    [Group in GroupName]: {
        [Name in keyof Declarations[Group]]: Declarations[Group][Name] extends Setting<infer T> ? T : never;
    };
};

/** Seconds in a duration of Go's syntax. */
export function goDurationSeconds(value: string): number {
    const units: Record<string, number> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };
    let seconds = 0;
    for (const [, amount, unit] of value.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g))
        seconds += Number(amount) * units[unit as string]!;
    return seconds;
}

/** Every setting with its full name, in the order of the table. */
export function allSettings(): { name: string; group: GroupName; key: string; setting: Setting<unknown> }[] {
    return Object.entries(declarations).flatMap(([group, members]) =>
        Object.entries(members).map(([key, setting]) => ({
            name: `${group}.${key}`,
            group: group as GroupName,
            key,
            setting: setting as Setting<unknown>,
        })),
    );
}
