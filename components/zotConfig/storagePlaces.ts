/**
 * Where zot keeps images, and what it knows about accounts, keys and pulls, according to its config (zot 2.1.20). A new
 * place is empty to zot: nothing moves there by itself. Pure.
 */
import { isJsonMap, type Json, type JsonMap, valueAt } from "../zotJson";

/** Where the images are. */
export type ImagePlace =
    | { kind: "folder"; folder: string }
    | {
          kind: "s3";
          bucket: string;
          /** The part of an object's key before the repository's name, without slashes around it; empty for none. */
          prefix: string;
          region: string | undefined;
          /** Address of the server; undefined for Amazon's. */
          endpoint: string | undefined;
      }
    | { kind: "other"; driver: string };

/** Where accounts and API keys are stored, and when each image was pushed and pulled. */
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
    // The prefix occurs twice: zot puts it before each path, and so does the driver.
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
 * What it means for existing images and accounts that zot will look in another place; empty if it will not.
 *
 * @param quoted formats a name. Default: unchanged
 */
export function movedStorage(before: JsonMap, after: JsonMap, quoted: Quote = String): string[] {
    const [fromImages, toImages] = [before, after].map((config) => imagesInWords(imagePlace(config), quoted));
    const [fromData, toData] = [before, after].map((config) => metadataInWords(metadataPlace(config), quoted));
    return [
        ...(fromImages === toImages
            ? []
            : [
                  `zot will keep images in ${toImages} instead of ${fromImages}. It sees only those that were copied ` +
                      "there.",
              ]),
        ...(fromData === toData
            ? []
            : [
                  `zot will keep accounts, API keys and its record of pulls in ${toData} instead of ${fromData}. It does not know ` +
                      "what was not moved there; that includes every API key made before.",
              ]),
    ];
}
