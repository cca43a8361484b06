/**
 * Every setting: the table that `Pulumi.yaml`, the messages, the types and the reference come from. Pure.
 *
 * Names are `group.setting`; on the command line `pulumi config set --path zot.port 5050`.
 */
import { z } from "zod";
import { type Setting, SecretText, type SettingKind } from "./setting";
import { isRepositoryName, patternMistake } from "./patterns";

export const ACTIONS = ["read", "create", "update", "delete"] as const;
export type Action = (typeof ACTIONS)[number];

/** A duration in Go's syntax, which zot's config uses: `90s`, `24h`, `1h30m`. */
const DURATION = /^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/;

const text = (allowed: string, check: (value: string) => boolean) => ({
    kind: "text" as SettingKind,
    schema: z.string().refine(check),
    allowed,
});
const name = (what: string) => text(`the name of ${what}, without spaces at its ends`, (value) => value !== "" && value.trim() === value);
const absolutePath = (what: string) =>
    text(`${what} as an absolute path without "..", quotes or line breaks`, (value) => /^\/[^\0\n\r'"\\]*$/.test(value) && !/(^|\/)\.\.(\/|$)/.test(value) && value !== "/");
const slug = (what: string) => text(`the slug of ${what}: small letters, digits, "-" and "_"`, (value) => /^[a-z0-9_-]+$/i.test(value));
const duration = () => text('a duration such as "90s", "1h" or "24h"', (value) => DURATION.test(value));
const integer = (allowed: string, least: number, most: number) => ({
    kind: "integer" as SettingKind,
    schema: z.int().min(least).max(most),
    allowed,
});
const port = () => integer("a TCP port from 1 to 65535", 1, 65535);
const boolean = () => ({ kind: "boolean" as SettingKind, schema: z.boolean(), allowed: "true or false" });
const oneOf = <const T extends readonly [string, ...string[]]>(values: T) => ({
    kind: "text" as SettingKind,
    schema: z.enum(values),
    allowed: `one of ${values.map((value) => `"${value}"`).join(", ")}`,
});
const secret = (allowed: string) => ({
    kind: "text" as SettingKind,
    schema: z.instanceof(SecretText).refine((value) => !value.isReadable || value.reveal() !== ""),
    allowed,
    secret: true,
});

export function isLoopback(hostname: string): boolean {
    return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function url(value: string): URL | undefined {
    try {
        return new URL(value);
    } catch {
        return undefined;
    }
}

/** https, or http on loopback: over plain http a login's cookies and every key could be read on the way. */
function isSecureUrl(value: string, path: (pathname: string) => boolean): boolean {
    const parsed = url(value);
    if (!parsed || parsed.username || parsed.password || parsed.search || parsed.hash || /\s/.test(value)) return false;
    if (parsed.protocol !== "https:" && !(parsed.protocol === "http:" && isLoopback(parsed.hostname))) return false;
    return path(parsed.pathname);
}

const action = z.enum(ACTIONS);
const actionList = z.array(action).min(1).refine((actions) => new Set(actions).size === actions.length);
const pattern = z.string().refine((value) => patternMistake(value) === undefined);
const groupName = z.string().refine((value) => value !== "" && value.trim() === value);

/** One rule for the repositories under a pattern, as a site writes it; what is left out is as everywhere else. */
const rule = z.strictObject({
    anonymous: actionList.optional(),
    ci: actionList.optional(),
    admins: actionList.optional(),
    groups: z.record(groupName, actionList).optional(),
});
export type RepositoryRuleSetting = z.infer<typeof rule>;

const mirror = z.strictObject({
    url: z.string().refine((value) => isSecureUrl(value, (pathname) => pathname === "/" || pathname === "")),
    prefix: z.string().refine(isRepositoryName),
    content: z.string().min(1).optional(),
    tlsVerify: z.literal(true).optional(),
});
export type MirrorSetting = z.infer<typeof mirror>;

const HOST_KEY = /^(?:\S+ )?(ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)) AAAA[0-9A-Za-z+/]+={0,3}(?: .*)?$/;

/** Why this is not a host key to pin, or undefined where it is one. */
export function hostKeyMistake(value: string): string | undefined {
    if (value.trim().includes("\n")) return "it has more than one line, of which only the first would be compared";
    if (/^(SHA256|MD5):/.test(value)) return "it is a fingerprint, not the key itself";
    if (/\bssh-rsa\b/.test(value)) return "it is an RSA key, which never matches a modern sshd";
    if (!HOST_KEY.test(value.trim())) return "it is not a line of known_hosts";
    return undefined;
}

function define<T>(setting: Setting<T>): Setting<T> {
    return setting;
}

/** A setting that may be left out: its value is undefined then. */
function optional<T>(setting: Setting<T>): Setting<T | undefined> {
    return { ...setting, schema: setting.schema.optional(), optional: true } as Setting<T | undefined>;
}

export const declarations = {
    registry: {
        url: define({
            description: "Public URL of the registry; logins are sent back to it.",
            ...text("an https:// URL without a path, for example https://registry.example.org (http:// only for a loopback host)", (value) =>
                isSecureUrl(value, (pathname) => pathname === "/") && !value.endsWith("/"),
            ),
            example: "https://registry.example.org",
        }),
    },
    zot: {
        binary: define({
            description: "Path of the zot binary on the registry's host; it checks a config before the config goes live.",
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
            ...text("an IP address", (value) => /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)$/.test(value)),
            default: "127.0.0.1",
        }),
        port: define({ description: "Port that zot listens on.", ...port(), default: 5000 }),
        garbageCollection: define({ description: "Whether zot removes blobs that no manifest names.", ...boolean(), default: true }),
        garbageCollectionDelay: define({ description: "How long an unnamed blob is kept.", ...duration(), default: "1h" }),
        garbageCollectionInterval: define({ description: "How often zot looks for unnamed blobs.", ...duration(), default: "24h" }),
        mirrors: define<MirrorSetting[]>({
            description: "Pull-through caches: registries whose images are fetched on demand and served under a prefix.",
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
        metricsPath: define({ description: "Path of the metrics.", ...text("a path such as /metrics", (value) => /^\/[a-z0-9/_-]+$/i.test(value)), default: "/metrics" }),
        search: define({ description: "Whether the search extension is on; the web interface needs it.", ...boolean(), default: true }),
        vulnerabilityUpdateInterval: define({
            description: "How often the vulnerability database is fetched; off to do without.",
            ...text('a duration of at least two hours such as "24h", or "off"', (value) => value === "off" || (DURATION.test(value) && goDurationSeconds(value) >= 7200)),
            default: "24h",
        }),
        userInterface: define({ description: "Whether zot serves its web interface.", ...boolean(), default: true }),
        logLevel: define({ description: "How much zot logs.", ...oneOf(["debug", "info", "warn", "error"]), default: "info" }),
        extraConfig: define<Record<string, unknown>>({
            description: "What else belongs in zot's config (TLS, retention, sync credentials file): merged in deep, and checked with the rest.",
            kind: "map",
            schema: z.record(z.string(), z.unknown()),
            allowed: "a map in the structure of zot's config.json",
            default: {},
        }),
    },
    access: {
        ciRepositories: define<string[]>({
            description: "Repositories to which CI may add tags.",
            kind: "list",
            schema: z.array(pattern).min(1),
            allowed: 'a list of patterns such as "**" or "images/**": small letters, "*" within a part, "**" for any number of parts',
            default: ["**"],
        }),
        ciMayPushToMirrors: define({ description: "Whether CI may also push under the prefixes of the pull-through caches.", ...boolean(), default: false }),
        adminsMayUpdate: define({
            description: "Whether admins may overwrite a tag. Without it a tag is deleted and pushed again.",
            ...boolean(),
            default: false,
        }),
        rules: define<Record<string, RepositoryRuleSetting>>({
            description: "Rules for some repositories: pattern to {anonymous, ci, admins, groups}; what is left out is as everywhere else.",
            kind: "map",
            schema: z.record(pattern, rule),
            allowed: `a map from a pattern (small letters, no "::") to {anonymous, ci, admins: actions, groups: {name: actions}}, actions being a list of some of ${ACTIONS.join(", ")}`,
            default: {},
        }),
    },
    identity: {
        issuer: define({
            description: "OpenID Connect issuer, as Authentik's discovery document has it: the URL of Authentik, /application/o/, the application's slug, a slash.",
            ...text("an https:// URL that ends in a slash, for example https://authentik.example.org/application/o/zot/ (http:// only for a loopback host)", (value) =>
                isSecureUrl(value, (pathname) => pathname.endsWith("/")),
            ),
            example: "https://authentik.example.org/application/o/zot/",
        }),
        applicationSlug: define({ description: "Slug of the application in Authentik; part of the issuer.", ...slug("the application"), default: "zot" }),
        applicationName: define({ description: "Name of the application in Authentik.", ...name("the application"), default: "Zot Registry" }),
        providerName: define({ description: "Name of the OAuth2 provider in Authentik.", ...name("the provider"), default: "Zot" }),
        clientId: define({ description: "OAuth2 client id of the registry.", ...text("letters, digits, '.', '-' and '_'", (value) => /^[A-Za-z0-9._-]+$/.test(value)), default: "zot" }),
        authorizationFlow: define({
            description: "Slug of the flow that authorizes a login. The default asks nobody for consent.",
            ...slug("an authorization flow"),
            default: "default-provider-authorization-implicit-consent",
        }),
        invalidationFlow: define({ description: "Slug of the flow that ends a login.", ...slug("an invalidation flow"), default: "default-provider-invalidation-flow" }),
        signingKey: define({
            description: "Name of the certificate in Authentik that signs tokens.",
            ...name("a certificate"),
            default: "authentik Self-signed Certificate",
        }),
        workloadsGroup: define({ description: "Group whose members may add tags.", ...name("a group"), default: "artifact-workloads" }),
        adminsGroup: define({ description: "Group whose members may also delete. It must exist: it is never made or changed here.", ...name("a group"), default: "admins" }),
        ciUser: define({
            description: "Service account that CI pushes as.",
            ...text("a user name of letters, digits, '.', '-', '_' and '@'", (value) => /^[A-Za-z0-9._@-]+$/.test(value)),
            default: "zot-ci",
        }),
        manageWorkloads: define({
            description: "Whether the group and the service account are made here; false where an administrator keeps them.",
            ...boolean(),
            default: true,
        }),
        acceptRename: define({
            description: "Allows, for one update, a change of slug, client id, group or service account that a live registry depends on.",
            ...boolean(),
            default: false,
        }),
    },
    host: {
        address: define({ description: "Name or address of the registry's host, for SSH.", ...text("a host name or IP address", (value) => /^[A-Za-z0-9._:-]+$/.test(value)), siteOnly: true, example: "registry-host.example.org" }),
        port: define({ description: "SSH port of the host.", ...port(), default: 22 }),
        user: define({ description: "User on the host: the one that zot runs as, or one that may write its config.", ...text("a user name", (value) => /^[A-Za-z_][A-Za-z0-9._-]*$/.test(value)), siteOnly: true, example: "zot" }),
        hostKey: define({
            description: "The host's public SSH key, a line of known_hosts; a host that shows another key is refused.",
            ...text("one ed25519 or ecdsa line, as `ssh-keyscan -t ed25519 HOST` prints it", (value) => hostKeyMistake(value) === undefined),
            siteOnly: true,
            example: '"$(ssh-keyscan -t ed25519 HOST)"',
        }),
        privateKey: optional(define({ description: "Private SSH key for the host; without it and a password, the SSH agent is asked.", ...secret("a private key in PEM or OpenSSH form"), siteOnly: true, example: "< ~/.ssh/id_ed25519" })),
        privateKeyPassphrase: optional(define({ description: "Passphrase of the private SSH key.", ...secret("a passphrase"), siteOnly: true })),
        password: optional(define({ description: "Password of the user on the host, where there is no key.", ...secret("a password"), siteOnly: true })),
        serviceManager: define({
            description: "What starts zot on the host: systemd, systemd-user, launchd-agent, launchd-daemon, or command with host.restartCommand.",
            ...oneOf(["systemd", "systemd-user", "launchd-agent", "launchd-daemon", "command"]),
            default: "systemd",
        }),
        serviceName: define({
            description: "Name of zot's systemd unit, or label of its launchd job.",
            ...text("a unit or label: letters, digits, '.', '-', '_', '@'", (value) => /^[A-Za-z0-9._@-]+$/.test(value)),
            default: "zot",
        }),
        restartCommand: optional(
            define({
                description: "Shell command that restarts zot, where host.serviceManager is command.",
                ...text("a command on one line", (value) => value !== "" && !/[\n\r\0]/.test(value)),
            }),
        ),
        readyTimeout: define({ description: "How long zot may take to be ready after a restart, in seconds.", ...integer("seconds from 1 to 3600", 1, 3600), default: 60 }),
    },
};

export type Declarations = typeof declarations;
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
    for (const [, amount, unit] of value.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) seconds += Number(amount) * units[unit as string]!;
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
