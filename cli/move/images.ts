/** The script that copies a registry's images into the bucket in its settings. Pure. */
import { UserError } from "../../clients/userError";
import type { Settings } from "../../components/settings";
import { imagePlace, namelessSecretFiles, renderZotConfig } from "../../components/zotConfig";
import { valueAt } from "../../components/zotJson";
import imagesScript from "./images.sh";

/** A text as one word of a POSIX shell. */
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * The script, with the places in zot's config.
 *
 * @param folder where the images are. Default: zot's `rootDirectory`
 * @throws UserError if it would not copy from a folder into a bucket
 */
export function scriptToMoveImages(settings: Settings, folder = settings.zot.rootDirectory): string {
    const config = renderZotConfig(settings, namelessSecretFiles(settings));
    const place = imagePlace(config);
    if (place.kind === "folder")
        throw new UserError(
            `The stack's zot keeps images in the folder ${place.folder}, so there is no bucket to copy them to. ` +
                "Set storage.bucket and storage.region first: docs/scale.md, The settings.",
        );
    if (place.kind === "other")
        throw new UserError(
            `The stack's zot keeps images in a store of ${place.driver}, and this command only copies to S3. ` +
                `Copy what is below ${folder} with a tool of that store, while zot is stopped.`,
        );
    if (valueAt(config, ["storage", "subPaths"]) !== undefined)
        throw new UserError(
            "The stack's zot.extraConfig has storage.subPaths (folders with a separate store), which this command " +
                "does not support. Copy each of them by hand, while zot is stopped.",
        );
    const variables = {
        images: folder,
        bucket: `s3://${[place.bucket, place.prefix].filter(Boolean).join("/")}`,
        region: place.region ?? "",
        endpoint: place.endpoint ?? "",
    };
    return Object.entries(variables).reduce(
        (script, [name, value]) => script.replace(`\n${name}=''\n`, () => `\n${name}=${quoted(value)}\n`),
        imagesScript,
    );
}
