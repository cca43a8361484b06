/** Digests and manifests: what they look like, and what a manifest has to have before it is stored. */
import { createHash } from "node:crypto";
import { problemOf } from "./manifestSchema";

export const mediaTypes = {
    manifest: "application/vnd.oci.image.manifest.v1+json",
    index: "application/vnd.oci.image.index.v1+json",
    dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
    dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
    emptyJson: "application/vnd.oci.empty.v1+json",
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
    | "manifest conflict"
    | "manifest referenced"
    | "blob not found"
    | "blob referenced"
    | "bad digest"
    | "upload not found"
    | "bad range";

export class StorageError extends Error {
    constructor(
        readonly problem: StorageProblem,
        readonly detail: Record<string, string> = {},
    ) {
        super(problem);
    }
}

const algorithms: Record<string, number> = { sha256: 64, sha384: 96, sha512: 128 };

export function isDigest(text: string): boolean {
    const [algorithm = "", hexadecimal = "", ...rest] = text.split(":");
    const length = Object.hasOwn(algorithms, algorithm) ? algorithms[algorithm] : undefined;
    return rest.length === 0 && hexadecimal.length === length && /^[a-f0-9]+$/.test(hexadecimal);
}

/** Like a digest, but none: `sha256:abc`. */
export function looksLikeDigest(text: string): boolean {
    const colon = text.indexOf(":");
    return !isDigest(text) && colon > 0 && colon < text.length - 1 && Object.hasOwn(algorithms, text.slice(0, colon));
}

export function digestOf(content: Uint8Array, algorithm = "sha256"): string {
    return `${algorithm}:${createHash(algorithm).update(content).digest("hex")}`;
}

export const algorithmOf = (digest: string) => digest.split(":")[0] ?? "";

/** The content of a manifest that may be stored: well formed, and all of it there. @throws StorageError */
export function checkedManifest(
    mediaType: string,
    content: Buffer,
    isThere: (digest: string) => boolean,
): ManifestContent {
    if (content.length === 0) throw new StorageError("bad manifest");
    const isOci = mediaType === mediaTypes.manifest || mediaType === mediaTypes.index;
    let manifest: ManifestContent;
    try {
        manifest = JSON.parse(content.toString()) as ManifestContent;
    } catch (error) {
        throw new StorageError(
            "bad manifest",
            isOci ? { jsonSchemaValidation: `manifest format mismatch: ${(error as Error).message}` } : {},
        );
    }
    const problem = isOci ? problemOf(mediaType === mediaTypes.manifest ? "manifest" : "index", manifest) : undefined;
    if (problem) throw new StorageError("bad manifest", { jsonSchemaValidation: problem });
    for (const part of partsThatMustBeThere(mediaType, manifest ?? {})) {
        if (!isDigest(part.digest) || !isThere(part.digest)) throw new StorageError("bad manifest");
    }
    return manifest;
}

function partsThatMustBeThere(mediaType: string, { config, layers, manifests }: ManifestContent): Descriptor[] {
    const given = (parts: (Descriptor | undefined)[]) => parts.filter((part) => part !== undefined && part !== null);
    switch (mediaType) {
        case mediaTypes.manifest: {
            // Only images proper: an artifact with a config of its own may name what is not there.
            const isImage = config?.mediaType === mediaTypes.config || config?.mediaType === mediaTypes.emptyJson;
            return isImage
                ? given([config, ...(layers ?? [])]).filter(
                      (part) => part === config || !part.mediaType.includes("nondistributable"),
                  )
                : [];
        }
        case mediaTypes.dockerManifest:
            return given([config, ...(layers ?? [])]);
        default:
            return given(manifests ?? []);
    }
}
