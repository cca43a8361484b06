/** Small images as folders in the OCI layout, as skopeo, buildah, podman and crane read them. */

import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";

const digestOf = (content: string | Buffer) => `sha256:${createHash("sha256").update(content).digest("hex")}`;

export interface OciLayout {
    folder: string;
    /** Of the manifest. */
    digest: string;
}

const descriptor = (mediaType: string, blob: string | Buffer) => ({
    mediaType,
    digest: digestOf(blob),
    size: Buffer.byteLength(blob),
});

/** Writes a layout of blobs, of which the last is the manifest that it names. */
function written(place: string, mediaType: string, ...blobs: (string | Buffer)[]): OciLayout {
    const manifest = blobs.at(-1)!;
    mkdirSync(join(place, "blobs", "sha256"), { recursive: true });
    for (const blob of blobs)
        writeFileSync(join(place, "blobs", "sha256", digestOf(blob).slice("sha256:".length)), blob);
    writeFileSync(join(place, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    writeFileSync(
        join(place, "index.json"),
        JSON.stringify({ schemaVersion: 2, manifests: [descriptor(mediaType, manifest)] }),
    );
    return { folder: place, digest: digestOf(manifest) };
}

/** Config, layer and manifest of an image; images of different text differ, in their config. */
function imageOf(text: string, architecture: string): [config: string, layer: Buffer, manifest: string] {
    // An archive without a file in it.
    const archive = Buffer.alloc(1024);
    const layer = gzipSync(archive);
    const config = JSON.stringify({
        architecture,
        os: "linux",
        config: { Labels: { text } },
        rootfs: { type: "layers", diff_ids: [digestOf(archive)] },
    });
    const manifest = JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST_TYPE,
        config: descriptor("application/vnd.oci.image.config.v1+json", config),
        layers: [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer)],
    });
    return [config, layer, manifest];
}

/** An image of one platform. */
export const ociLayout = (folder: string, text: string): OciLayout =>
    written(join(folder, `image-${text}`), MANIFEST_TYPE, ...imageOf(text, "amd64"));

/** An image of two platforms. */
export function ociIndex(folder: string, text: string): OciLayout {
    const images = ["amd64", "arm64"].map((architecture) => ({ architecture, blobs: imageOf(text, architecture) }));
    const index = JSON.stringify({
        schemaVersion: 2,
        mediaType: INDEX_TYPE,
        manifests: images.map(({ architecture, blobs }) => ({
            ...descriptor(MANIFEST_TYPE, blobs[2]),
            platform: { os: "linux", architecture },
        })),
    });
    return written(join(folder, `index-${text}`), INDEX_TYPE, ...images.flatMap(({ blobs }) => blobs), index);
}

/** What is no image: a chart, an artifact. */
export function ociArtifact(folder: string, text: string, configType: string, layerType: string): OciLayout {
    const config = "{}";
    const manifest = JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST_TYPE,
        config: descriptor(configType, config),
        layers: [descriptor(layerType, text)],
    });
    const place = join(folder, `artifact-${digestOf(configType).slice(7, 15)}-${text}`);
    return written(place, MANIFEST_TYPE, config, text, manifest);
}
