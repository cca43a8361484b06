/** The images that registries are measured with: all of the same two blobs. */
import { digestOf, type RegistryClient } from "../../clients/zot/registry";

export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";

/** What is pulled: a repository for which rules of teams hold too, and its first tag. */
export const PULLED = "team-0/app";
export const FIRST_TAG = "v1.0.0";

const LAYER = "layer";

/** Pushes the first image of a repository, whose blobs all others have too. */
export async function pushFirst(client: RegistryClient, repository: string): Promise<void> {
    const status = await client.push(repository, FIRST_TAG, LAYER);
    if (status !== 201) throw new Error(`The push of ${repository}:${FIRST_TAG} was answered with ${status}.`);
}

/** Of another image than all others of its repository. */
export function manifestOf(index: number): string {
    const descriptor = (mediaType: string, blob: string) => ({ mediaType, digest: digestOf(blob), size: blob.length });
    return JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST_TYPE,
        config: descriptor("application/vnd.oci.empty.v1+json", "{}"),
        layers: [descriptor("application/vnd.oci.image.layer.v1.tar", LAYER)],
        annotations: { index: String(index) },
    });
}
