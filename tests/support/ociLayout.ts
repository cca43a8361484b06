/** Small images as folders in the OCI layout, as skopeo, buildah, podman and crane read them. */

import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";

const digestOf = (content: string | Buffer) => `sha256:${createHash("sha256").update(content).digest("hex")}`;

export interface OciLayout {
    folder: string;
    /** Of the manifest. */
    digest: string;
}

/** Images of different text differ, in their config. */
export function ociLayout(folder: string, text: string): OciLayout {
    const place = join(folder, `image-${text}`);
    // An archive without a file in it.
    const archive = Buffer.alloc(1024);
    const layer = gzipSync(archive);
    const config = JSON.stringify({
        architecture: "amd64",
        os: "linux",
        config: { Labels: { text } },
        rootfs: { type: "layers", diff_ids: [digestOf(archive)] },
    });
    const descriptor = (mediaType: string, blob: string | Buffer) => ({
        mediaType,
        digest: digestOf(blob),
        size: Buffer.byteLength(blob),
    });
    const manifest = JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST_TYPE,
        config: descriptor("application/vnd.oci.image.config.v1+json", config),
        layers: [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer)],
    });
    mkdirSync(join(place, "blobs", "sha256"), { recursive: true });
    for (const blob of [config, layer, manifest])
        writeFileSync(join(place, "blobs", "sha256", digestOf(blob).slice("sha256:".length)), blob);
    writeFileSync(join(place, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    writeFileSync(
        join(place, "index.json"),
        JSON.stringify({ schemaVersion: 2, manifests: [descriptor(MANIFEST_TYPE, manifest)] }),
    );
    return { folder: place, digest: digestOf(manifest) };
}
