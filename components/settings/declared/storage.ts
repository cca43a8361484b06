/**
 * Settings of what zot's instances share: a bucket for the images, redis for the rest, and how they divide work. Pure.
 */
import { isIP } from "node:net";
import * as z from "zod/mini";
import { isLoopback, urlOf } from "../../../clients/http/address";
import type { Json } from "../../zotJson";
import { address, boolean, checked, define, optional, secretOnOneLine, text } from "../kinds";
import { another, onOff, ordered, other } from "../meanings";

/** Why a text cannot be the prefix of objects in a bucket, which has no folders. */
function prefixMistake(value: string): boolean | string {
    if (!value.startsWith("/")) return "it does not start with a slash";
    return /^(\/[A-Za-z0-9_][A-Za-z0-9._-]*)+$/.test(value);
}

/** Why a text is not `HOST:PORT`. */
function hostAndPortMistake(value: string): boolean | string {
    if (value.includes("//")) return "it is a URL; leave out what precedes the host";
    if (value.includes("@")) return "it holds a login; set user and password by their own settings";
    const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(value) ?? [];
    if (port === undefined) return "it has no port";
    if (Number(port) < 1 || Number(port) > 65535) return false;
    if (bracketed !== undefined) return isIP(bracketed) === 6;
    return /^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?$/.test(plain!);
}

/** Whether an address of the form `HOST:PORT` means the machine itself. */
export const isOwnPlace = (place: string): boolean => isLoopback(urlOf(`http://${place}`)?.hostname ?? "");

const hostAndPort = (what: string, example: string) =>
    text(`${what} as HOST:PORT, for example ${example}`, hostAndPortMistake);

const isHashKey = (value: string): boolean | string => {
    const bytes = Buffer.byteLength(value);
    return bytes === 16 ? /^[\x21-\x7e]+$/.test(value) : `it has ${bytes} bytes`;
};

export const storage = {
    bucket: optional(
        define({
            description: "Bucket (S3) in which zot keeps images, in place of zot.rootDirectory on the host.",
            ...text("the name of a bucket", (value) => /^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/.test(value)),
            zotConfig: [
                { path: "storage.storageDriver.name", write: (bucket) => bucket && "s3" },
                { path: "storage.storageDriver.bucket" },
                // The default of storage.prefix, which may overwrite it.
                { path: "storage.storageDriver.rootdirectory", write: (bucket) => bucket && "/zot" },
                // With it, zot 2.1.20 would need a shared store for its index of blobs.
                { path: "storage.dedupe", write: (bucket) => (bucket ? false : undefined), yields: true },
            ],
            review: other("images are kept in the bucket"),
        }),
    ),
    region: optional(
        define({
            description: "Region of the bucket.",
            ...text("a region such as eu-central-1", (value) => /^[A-Za-z0-9-]+$/.test(value)),
            needs: "storage.bucket",
            zotConfig: { path: "storage.storageDriver.region" },
            review: other("the bucket is in the region"),
        }),
    ),
    endpoint: optional(
        define({
            description: "Address of an S3 that is not Amazon's.",
            ...address(),
            needs: "storage.bucket",
            zotConfig: { path: "storage.storageDriver.regionendpoint" },
            review: other("images, and the login for them, are sent to"),
        }),
    ),
    prefix: optional(
        define({
            description: "Beginning of the names of all objects in the bucket. Without it: /zot.",
            ...text("a path such as /zot, without a slash at its end", prefixMistake),
            needs: "storage.bucket",
            zotConfig: { path: "storage.storageDriver.rootdirectory" },
            review: other("images in the bucket are those under"),
        }),
    ),
    pathStyle: optional(
        define({
            description:
                "Whether requests name the bucket in their path and not in the host's name. " +
                "Without it: true if storage.endpoint is set.",
            ...boolean(),
            needs: "storage.bucket",
            zotConfig: { path: "storage.storageDriver.forcepathstyle" },
            review: other("the bucket is named in the path of requests:"),
        }),
    ),
    accessKeyId: optional(
        define({
            description:
                "Access key of the bucket. Without it: the host's own role, or what zot's environment has. " +
                "zot can only read it from its config, so that file is readable for zot's user only.",
            ...secretOnOneLine("the ID of an access key"),
            needs: "storage.secretAccessKey",
            zotConfig: { path: "storage.storageDriver.accesskey" },
            review: another("zot logs in to the bucket with another access key"),
        }),
    ),
    secretAccessKey: optional(
        define({
            description: "Secret of that access key.",
            ...secretOnOneLine("the secret of an access key"),
            needs: "storage.accessKeyId",
            zotConfig: { path: "storage.storageDriver.secretkey" },
            review: another("zot logs in to the bucket with another secret"),
        }),
    ),
};

/** The two places that name the same redis: zot's index of blobs and keys, and the sessions of logins. */
export const REDIS_PLACES = ["storage.cacheDriver", "http.auth.sessionDriver"] as const;

const inBoth = <T>(key: string, place: T) => REDIS_PLACES.map((driver) => ({ path: `${driver}.${key}`, ...place }));
/** zot 2.1.20 accepts TLS only as part of an address. Without TLS these settings stand in separate places. */
const APART = { where: { "redis.tls": [false] } };

export const redis = {
    address: optional(
        define<string>({
            description:
                "Address of the redis in which zot keeps what it knows of blobs, keys and sessions, in place of files on the host.",
            ...hostAndPort("redis's address", "cache.example.org:6379"),
            zotConfig: [
                ...inBoth("name", { write: (place: string | undefined) => place && "redis" }),
                ...inBoth("addr", {
                    write: (place: string | undefined) => place && [place],
                    read: (value: Json) => (Array.isArray(value) && value.length === 1 ? value[0] : value),
                    ...APART,
                }),
                ...inBoth("url", { rendering: "redisUrl" as const, where: { "redis.tls": [true] } }),
                { path: "storage.remoteCache", write: (place) => (place ? true : undefined) },
                // The default of redis.keyPrefix, which may overwrite it.
                { path: "storage.cacheDriver.keyprefix", write: (place) => place && "zot" },
                { path: "http.auth.sessionDriver.keyprefix", write: (place) => place && "zotsession" },
            ],
            review: other("keys of people and CI, and their sessions, are kept in the redis at"),
        }),
    ),
    user: optional(
        define({
            description: "User of redis (ACL). Without it: the default user.",
            ...text("a user name", (value) => /^[A-Za-z_][A-Za-z0-9._-]*$/.test(value)),
            needs: "redis.address",
            zotConfig: inBoth("username", APART),
            review: other("zot logs in to redis as"),
        }),
    ),
    password: optional(
        define({
            description:
                "Password for redis. zot can only read it from its config, so that file is readable for zot's user only.",
            ...secretOnOneLine("a password"),
            needs: "redis.address",
            zotConfig: inBoth("password", APART),
            review: another("zot logs in to redis with another password"),
        }),
    ),
    tls: define({
        description: "Whether redis is reached over TLS; its certificate is checked against the host's authorities.",
        ...boolean(),
        default: false,
        review: ordered(
            [true, false],
            onOff(
                "redis is reached over TLS",
                "redis is reached without TLS: whoever listens can read hashes of keys, and sessions",
            ),
        ),
    }),
    keyPrefix: optional(
        define({
            description:
                "Beginning of the names of all keys in redis; for sessions, it is followed by session. " +
                "Without it: zot.",
            ...text("letters, digits, - and _", (value) => /^[A-Za-z0-9_-]+$/.test(value)),
            needs: "redis.address",
            zotConfig: [
                { path: "storage.cacheDriver.keyprefix" },
                { path: "http.auth.sessionDriver.keyprefix", write: (prefix) => prefix && `${prefix}session` },
            ],
            review: other("keys and sessions in redis are those under"),
        }),
    ),
};

export const cluster = {
    members: optional(
        define<string[]>({
            description:
                "Addresses at which zot's instances reach each other, so only one of them writes to a repository; " +
                "the same list on all of them, each one's own address included.",
            kind: "list",
            schema: z.array(checked(hostAndPortMistake)),
            allowed: "a list of HOST:PORT, for example 10.0.0.1:5000",
            zotConfig: { path: "cluster.members" },
            review: other("requests, with the logins in them, are passed on to"),
        }),
    ),
    hashKey: optional(
        define({
            description:
                "Key of 16 characters that assigns repositories to cluster.members. It is no secret: it protects nothing, " +
                "and zot writes it into its log.",
            ...text("16 characters of ASCII without spaces", isHashKey),
            needs: "cluster.members",
            zotConfig: { path: "cluster.hashKey" },
            review: other("repositories are spread over the instances by the key"),
        }),
    ),
};
