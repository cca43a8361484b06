/** Pushes a layout as it stands, without a client: what is in a registry before one is tried. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { OciLayout } from "../../support/ociLayout";
import { type Credentials, pushBlob, type RunningZot } from "../../testbed/zot/zots";

interface Descriptor {
    mediaType: string;
    digest: string;
}

export async function pushLayout(
    zot: RunningZot,
    repository: string,
    tag: string,
    { folder, digest }: OciLayout,
    as: Credentials,
): Promise<void> {
    const blobs = join(folder, "blobs", "sha256");
    const blob = (name: string) => readFileSync(join(blobs, name.replace("sha256:", "")));
    const put = async (target: string, { mediaType, digest: name }: Descriptor) => {
        const { status, body } = await zot.request("PUT", `/v2/${repository}/manifests/${target}`, {
            headers: { "Content-Type": mediaType },
            body: blob(name),
            as,
        });
        if (status !== 201) throw new Error(`${target} was not pushed to ${repository}: ${status} ${String(body)}`);
    };
    for (const name of readdirSync(blobs)) await pushBlob(zot, repository, blob(name), as);
    const top = JSON.parse(blob(digest).toString()) as { mediaType: string; manifests?: Descriptor[] };
    for (const child of top.manifests ?? []) await put(child.digest, child);
    await put(tag, { mediaType: top.mediaType, digest });
}
