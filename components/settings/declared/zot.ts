/** Settings of zot itself, and its address. Pure. */

import { isIP } from "node:net";
import * as z from "zod/mini";
import { goDurationSeconds } from "../../../clients/durations";
import { withoutSlash } from "../../../clients/http/address";
import {
    absolutePath,
    boolean,
    checked,
    define,
    duration,
    isName,
    oneOf,
    optional,
    origin,
    originMistake,
    port,
    requestTimeout,
    text,
} from "../kinds";
import { another, heldOpen, IN_ZOT_CONFIG, NO_RIGHTS, other } from "../meanings";
import { isRepositoryName, patternMistake } from "../patterns";
import { isMap } from "../setting";

const pattern = checked(patternMistake);
const groupName = checked(isName);

const mirror = z.strictObject({
    url: checked(originMistake),
    prefix: checked(isRepositoryName),
    content: z.optional(pattern),
    tlsVerify: z.optional(z.literal(true)),
});
/** One item of `zot.mirrors`. */
export type MirrorSetting = z.infer<typeof mirror>;

/**
 * A file's name may have 255 bytes. The folder of the deployments, beside the config, has a longer name than the
 * config.
 */
function longNameMistake(path: string): string | undefined {
    const bytes = Buffer.byteLength(path.slice(path.lastIndexOf("/") + 1));
    return bytes > 255 - ".zot-hardening".length ? `its name has ${bytes} bytes; at most 241 are possible` : undefined;
}

/** Paths on which zot itself answers. */
const ZOT_PATHS = /^\/(v2|zot|livez|readyz|startupz)(\/|$)/;

/** A mirror as zot's config has it: fetched on demand, and only what is under its prefix. */
const syncRegistry = (mirror: MirrorSetting) => ({
    urls: [mirror.url],
    onDemand: true,
    tlsVerify: true,
    content: [{ prefix: mirror.content ?? "**", destination: `/${mirror.prefix}` }],
});

export const registry = {
    url: define({
        description: "Public URL of the registry; after a login, people are sent back to it.",
        ...origin("https://registry.example.org"),
        example: "https://registry.example.org",
        zotConfig: [
            { path: "http.externalUrl", read: (value) => withoutSlash(String(value)) },
            // Behind a proxy that ends TLS, zot would otherwise not mark its cookies as secure.
            { path: "http.auth.secureSession", write: (url) => url.startsWith("https:") || undefined },
        ],
        review: other("after a login, people and their codes are sent to"),
        host: { look: "registryUrl" },
    }),
};

export const zot = {
    binary: define({
        description: "Path of the zot binary on the registry's host; it checks a config before the config goes live.",
        ...absolutePath("the zot binary on the host"),
        example: "/usr/local/bin/zot",
        review: other("on the host, zot is the program"),
        host: { script: "binary", look: "binary" },
    }),
    configFile: define({
        description: "Path of zot's config on the host. The credentials and session keys are stored beside it.",
        ...absolutePath("zot's config on the host", longNameMistake),
        example: "/etc/zot/config.json",
        review: other("on the host, zot's config and its secrets are beside"),
        host: { script: "configFile", look: "configFile" },
    }),
    rootDirectory: define({
        description: "Where zot keeps images and API keys.",
        ...absolutePath("zot's storage on the host"),
        example: "/var/lib/zot",
        zotConfig: { path: "storage.rootDirectory" },
        review: other("images and API keys are those in"),
        host: { script: "rootDirectory", look: "rootDirectory" },
    }),
    address: define({
        description: "Address that zot listens on. The default is loopback, for a reverse proxy on the same host.",
        ...text("an IP address", (value) => isIP(value) !== 0 && !value.includes("%")),
        default: "127.0.0.1",
        // zot 2.1.20 joins address and port as they are: an IPv6 address without brackets passes `zot verify`, but zot
        // does not start with it.
        zotConfig: {
            path: "http.address",
            write: (value) => (value.includes(":") ? `[${value}]` : value),
            // An empty address means all addresses of both kinds; no address means loopback.
            takesEmpty: true,
            isSame: (onHost, ours) =>
                (onHost === "" && (ours === "[::]" || ours === "0.0.0.0")) ||
                (onHost === "localhost" && ours === "127.0.0.1"),
            read: (value) =>
                value === "" ? "::" : value === "localhost" ? "127.0.0.1" : String(value).replace(/^\[(.*)\]$/, "$1"),
        },
        review: IN_ZOT_CONFIG,
    }),
    port: define({
        description: "Port that zot listens on.",
        ...port(),
        default: 5000,
        zotConfig: { path: "http.port", write: String, read: Number },
        review: NO_RIGHTS,
    }),
    tlsCertFile: optional(
        define({
            description:
                "PEM file of zot's TLS certificate and its chain, on the host, for the name in registry.url: " +
                "zot then serves https " +
                "itself. Without it: plain http, for a reverse proxy on the same host.",
            ...absolutePath("zot's TLS certificate on the host"),
            needs: "zot.tlsKeyFile",
            zotConfig: { path: "http.tls.cert" },
            review: other("zot shows clients the TLS certificate in"),
        }),
    ),
    tlsKeyFile: optional(
        define({
            description:
                "PEM file of the private key of that certificate, on the host; zot's user must be able to read it.",
            ...absolutePath("the private key of zot's TLS certificate on the host"),
            needs: "zot.tlsCertFile",
            zotConfig: { path: "http.tls.key" },
            review: other("zot serves https with the private key in"),
        }),
    ),
    garbageCollection: define({
        description: "Whether zot removes blobs that no manifest names.",
        ...boolean(),
        default: true,
        zotConfig: { path: "storage.gc" },
        review: NO_RIGHTS,
    }),
    garbageCollectionDelay: define({
        description: "How long a blob is kept that no manifest names.",
        ...duration(),
        default: "1h",
        zotConfig: { path: "storage.gcDelay" },
        review: NO_RIGHTS,
    }),
    garbageCollectionInterval: define({
        description: "How often zot looks for such blobs.",
        ...duration(),
        default: "24h",
        zotConfig: { path: "storage.gcInterval" },
        review: NO_RIGHTS,
    }),
    mirrors: define<MirrorSetting[]>({
        description: "Pull-through caches: registries whose images are fetched on demand and served under a prefix.",
        kind: "list",
        schema: z.array(mirror),
        allowed:
            "a list of {url: https://registry-1.docker.io, prefix: docker.io}; " +
            'url is https:// without a path, prefix a repository name, content a pattern (default "**"), ' +
            "tlsVerify true",
        default: [],
        zotConfig: [
            { path: "extensions.sync.enable", write: (mirrors) => mirrors.length > 0 || undefined },
            {
                path: "extensions.sync.registries",
                write: (mirrors) => (mirrors.length > 0 ? mirrors.map(syncRegistry) : undefined),
            },
        ],
        review: IN_ZOT_CONFIG,
    }),
    metrics: define({
        description: "Who may read /metrics: anonymous, only the users of zot.metricsUsers, or nobody (off).",
        ...oneOf(["anonymous", "users", "off"]),
        default: "off",
        zotConfig: [
            { path: "extensions.metrics.enable", write: (readers) => readers !== "off" || undefined },
            // Without its own entry nobody can read the metrics, not even admins.
            {
                path: "http.accessControl.metrics.anonymousPolicy",
                write: (readers) => (readers === "anonymous" ? ["read"] : undefined),
            },
        ],
        review: IN_ZOT_CONFIG,
    }),
    metricsUsers: define<string[]>({
        description: "Users who may read /metrics, if zot.metrics is users.",
        kind: "list",
        schema: z.array(groupName),
        allowed: "a list of user names, none of them empty (zot takes an empty name for anonymous)",
        default: [],
        zotConfig: { path: "http.accessControl.metrics.users", where: { "zot.metrics": ["users"] } },
        review: IN_ZOT_CONFIG,
    }),
    metricsPath: define({
        description: "Path of the metrics.",
        ...text("a path such as /metrics", (value) =>
            ZOT_PATHS.test(value) ? "zot already uses it" : /^(\/[a-z0-9_-]+)+$/i.test(value),
        ),
        default: "/metrics",
        zotConfig: { path: "extensions.metrics.prometheus.path", where: { "zot.metrics": ["anonymous", "users"] } },
        review: NO_RIGHTS,
    }),
    search: define({
        description: "Whether the search extension is on; the web interface needs it.",
        ...boolean(),
        default: true,
        zotConfig: { path: "extensions.search.enable", write: (isOn) => isOn || undefined, read: (value) => value },
        review: NO_RIGHTS,
    }),
    vulnerabilityUpdateInterval: define({
        description: "How often the vulnerability database is fetched; off disables the scan.",
        ...text(
            'a duration of at least two hours such as "24h", or "off"',
            (value) => value === "off" || (goDurationSeconds(value) ?? 0) >= 7200,
        ),
        default: "24h",
        zotConfig: {
            path: "extensions.search.cve.updateInterval",
            write: (interval) => (interval === "off" ? undefined : interval),
            read: (value) => value,
            where: { "zot.search": [true] },
        },
        review: NO_RIGHTS,
    }),
    userInterface: define({
        description: "Whether zot serves its web interface.",
        ...boolean(),
        default: true,
        zotConfig: { path: "extensions.ui.enable", write: (isOn) => isOn || undefined, read: (value) => value },
        review: NO_RIGHTS,
    }),
    readTimeout: define({
        description:
            "How long a request may take to arrive, including its body: " +
            "zot cuts off a push of a layer that takes longer. For as long, " +
            "someone can hold a push open and then overwrite a tag that was pushed meanwhile. 0s means no limit.",
        ...requestTimeout(),
        default: "1h",
        zotConfig: { path: "http.readTimeout", yields: true },
        review: heldOpen,
    }),
    writeTimeout: define({
        description:
            "How long a request may take until its answer is sent: " +
            "zot cuts off a pull of a layer that takes longer, and also " +
            "the answer to such a push. 0s means no limit.",
        ...requestTimeout(),
        default: "1h",
        zotConfig: { path: "http.writeTimeout", yields: true },
        review: NO_RIGHTS,
    }),
    logLevel: define({
        description: "How much zot logs.",
        ...oneOf(["debug", "info", "warn", "error"]),
        default: "info",
        zotConfig: { path: "log.level" },
        review: NO_RIGHTS,
    }),
    user: optional(
        define({
            description:
                "User that zot runs as. Without it: the owner of its storage if the deployment runs as root, " +
                "otherwise the user who deploys.",
            ...text("a user name", (value) => /^[A-Za-z_][A-Za-z0-9._-]*$/.test(value)),
            review: other("zot runs as, and its secrets belong to, the user"),
            host: { script: "zotUser", look: "zotUser" },
        }),
    ),
    acceptVersion: optional(
        define({
            description:
                "A zot that is accepted although its version cannot be read as 2.1.19 or newer: " +
                "its commit, as `zot --version` prints it, " +
                "or sha256: and the hash of the binary.",
            ...text(
                'the commit that `zot --version` prints, or "sha256:" and the 64 digits that `sha256sum` prints',
                (value) =>
                    value.startsWith("sha256:")
                        ? /^sha256:[0-9a-f]{64}$/.test(value)
                        : /^[A-Za-z0-9._+-]+$/.test(value),
            ),
            review: other("a zot that cannot be read as 2.1.19 or newer is accepted:"),
            host: { script: "acceptVersion", look: "acceptVersion" },
        }),
    ),
    caFile: optional(
        define({
            description:
                "PEM file of certificate authorities, on the host, " +
                "for checking zot's own TLS certificate, if it has " +
                "one (zot.tlsCertFile). Without it: identity.caFile, otherwise the system's.",
            ...absolutePath("certificate authorities on the host"),
            review: other("the deployment takes zot for the registry by the certificate authorities in"),
            host: { script: "zotCaFile", look: "zotCaFile" },
        }),
    ),
    dropSettings: define<string[]>({
        description:
            'Settings in the config on the host that the first deployment may remove, as it lists them; "*" for all.',
        kind: "list",
        schema: z.array(z.string().check(z.refine((value) => /^[^\r\n]+$/.test(value)))),
        allowed: 'a list of settings as the deployment lists them, or ["*"]',
        default: [],
        review: other("the first deployment may remove settings of the host's config:"),
        host: { script: "dropSetting", look: "dropSettings" },
    }),
    extraConfig: define<Record<string, unknown>>({
        description:
            "Further parts of zot's config (retention, sync credentials file): " +
            "merged in at any depth, and checked with the rest.",
        kind: "map",
        schema: z.custom<Record<string, unknown>>(isMap),
        allowed: "a map in the structure of zot's config.json",
        default: {},
        review: another("the site's own part of zot's config is another one (`zot.extraConfig`)"),
    }),
};
