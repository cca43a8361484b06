/** Digests and manifests: what they look like, and what a manifest has to have before it is stored. */
import { createHash } from "node:crypto";

export const mediaTypes = {
    manifest: "application/vnd.oci.image.manifest.v1+json",
    index: "application/vnd.oci.image.index.v1+json",
    dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
    dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
    config: "application/vnd.oci.image.config.v1+json",
} as const;

export interface Descriptor {
    mediaType: string;
    digest: string;
    size: number;
    annotations?: Record<string, string>;
    artifactType?: string;
}

export interface ManifestContent {
    config?: Descriptor;
    layers?: Descriptor[];
    manifests?: Descriptor[];
    subject?: Descriptor;
    artifactType?: string;
    annotations?: Record<string, string>;
}

export type StorageProblem =
    | "repository not found"
    | "manifest not found"
    | "bad manifest"
    | "manifest referenced"
    | "bad digest"
    | "upload not found"
    | "bad range";

export class StorageError extends Error {
    constructor(readonly problem: StorageProblem) {
        super(problem);
    }
}

/** zot takes sha384 and sha512, too; no client of ours sends them. */
export const isDigest = (text: string) => /^sha256:[a-f0-9]{64}$/.test(text);

export const digestOf = (content: Uint8Array) => `sha256:${createHash("sha256").update(content).digest("hex")}`;

/** The content of a manifest that may be stored: well formed, and all of it there. @throws StorageError */
export function checkedManifest(
    mediaType: string,
    content: Buffer,
    isThere: (digest: string) => boolean,
): ManifestContent {
    let manifest: ManifestContent;
    try {
        manifest = JSON.parse(content.toString()) as ManifestContent;
    } catch {
        throw new StorageError("bad manifest");
    }
    const { config, layers = [], manifests = [] } = manifest;
    // Only images proper: an artifact with a config of its own may name what is not there.
    const parts =
        mediaType === mediaTypes.index ? manifests : config?.mediaType === mediaTypes.config ? [config, ...layers] : [];
    if (!parts.every(({ digest }) => isDigest(digest) && isThere(digest))) throw new StorageError("bad manifest");
    return manifest;
}
