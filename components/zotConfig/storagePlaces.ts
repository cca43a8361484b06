/**
 * Where zot keeps images, and what it knows of accounts, keys and pulls, by its config (zot 2.1.20). Another place is
 * an empty one to zot: nothing goes there by itself. Pure.
 */
import { isJsonMap, type Json, type JsonMap, valueAt } from "../zotJson";

/** Where the images are. */
export type ImagePlace =
    | { kind: "folder"; folder: string }
    | {
          kind: "s3";
          bucket: string;
          /** Before the repository's name in the key of an object; without slashes around it, empty for none. */
          prefix: string;
          region: string | undefined;
          /** Address of the server, where it is not Amazon's. */
          endpoint: string | undefined;
      }
    | { kind: "other"; driver: string };

/** Where the accounts are, their API keys, and when which image was pushed and pulled. */
export type MetadataPlace =
    | { kind: "file"; file: string }
    | { kind: "redis"; keyPrefix: string }
    | { kind: "other"; driver: string };

const storageOf = (config: JsonMap, ...path: string[]): Json | undefined => valueAt(config, ["storage", ...path]);
const textOf = (value: Json | undefined): string | undefined =>
    typeof value === "string" && value !== "" ? value : undefined;
const rootOf = (config: JsonMap): string => textOf(storageOf(config, "rootDirectory")) ?? "";

export function imagePlace(config: JsonMap): ImagePlace {
    const driver = storageOf(config, "storageDriver");
    const name = isJsonMap(driver) ? (textOf(valueAt(driver, ["name"])) ?? "local") : "local";
    if (name === "local") return { kind: "folder", folder: rootOf(config) };
    if (name !== "s3") return { kind: "other", driver: name };
    const own = (key: string) => textOf(valueAt(driver, [key]));
    // The driver puts it before each path, and zot had put it there already, which it keeps for who has images so.
    const root = (own("rootdirectory") ?? "").replace(/^\/+|\/+$/g, "");
    const endpoint = own("regionendpoint");
    const scheme = valueAt(driver, ["secure"]) === false ? "http" : "https";
    return {
        kind: "s3",
        bucket: own("bucket") ?? "",
        prefix: root === "" ? "" : `${root}/${root}`,
        region: own("region"),
        endpoint: endpoint === undefined || endpoint.includes("://") ? endpoint : `${scheme}://${endpoint}`,
    };
}

export function metadataPlace(config: JsonMap): MetadataPlace {
    if (storageOf(config, "remoteCache") !== true) return { kind: "file", file: `${rootOf(config)}/meta.db` };
    const name = textOf(storageOf(config, "cacheDriver", "name")) ?? "";
    if (name !== "redis") return { kind: "other", driver: name };
    const keyPrefix = storageOf(config, "cacheDriver", "keyprefix");
    return { kind: "redis", keyPrefix: typeof keyPrefix === "string" ? keyPrefix : "zot" };
}

type Quote = (name: string) => string;

function imagesInWords(place: ImagePlace, quoted: Quote): string {
    if (place.kind === "folder") return `the folder ${quoted(place.folder)}`;
    if (place.kind === "other") return `a store of ${quoted(place.driver)}`;
    return `the bucket ${quoted(place.bucket)}${place.prefix ? ` below ${quoted(place.prefix)}` : ""}`;
}

function metadataInWords(place: MetadataPlace, quoted: Quote): string {
    if (place.kind === "file") return quoted(place.file);
    return place.kind === "redis" ? `redis below ${quoted(`${place.keyPrefix}:`)}` : quoted(place.driver);
}

/**
 * What it means for what is there that zot looks elsewhere for it; nothing where it does not.
 *
 * @param quoted how a name is written. Default: as it is
 */
export function movedStorage(before: JsonMap, after: JsonMap, quoted: Quote = String): string[] {
    const [fromImages, toImages] = [before, after].map((config) => imagesInWords(imagePlace(config), quoted));
    const [fromData, toData] = [before, after].map((config) => metadataInWords(metadataPlace(config), quoted));
    return [
        ...(fromImages === toImages
            ? []
            : [
                  `zot is to keep images in ${toImages} instead of ${fromImages}: it sees those that were copied ` +
                      "there, and no others.",
              ]),
        ...(fromData === toData
            ? []
            : [
                  `What zot knows of accounts, API keys and pulls is to be in ${toData} instead of ${fromData}: what ` +
                      "was not moved there it does not know, and no API key that was made before.",
              ]),
    ];
}
