/** A registry with versions of every kind, of which a test takes parts away. */
import * as fs from "node:fs";
import * as path from "node:path";
import { Control } from "../../../../cli/verify/control";
import { Recorder } from "../../../../cli/verify/exchanges";
import { type WalkOptions, walk } from "../../../../cli/verify/integrity/walk";
import { brokenInWords } from "../../../../cli/verify/integrity/words";
import { Registry } from "../../../../cli/verify/registry";
import { outgoing, type Transport } from "../../../../clients/http/outgoing";
import { digestOf, image, manifestType, push, pushBlob, RunningZot, type Zot } from "../../../testbed/zot/zots";

const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
export const SIGNATURE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** A zot that anyone may push to and delete from: what moves a tag is no matter here. */
export const startOpen = (zot: Zot): Promise<RunningZot> =>
    RunningZot.start(zot, () => ({ storage: { gc: false, dedupe: false } }));

const put = async (server: RunningZot, repository: string, reference: string, type: string, text: string) => {
    const { status } = await server.request("PUT", `/v2/${repository}/manifests/${reference}`, {
        headers: { "Content-Type": type },
        body: text,
    });
    if (status !== 201) throw new Error(`${repository} ${reference} was answered with ${status}`);
};

/** What of a version a test may take away: digests. */
export interface Pushed {
    index: string;
    amd64: string;
    arm64: string;
    layer: string;
    config: string;
    signature: string;
    /** Of the old kind, at a tag. */
    oldSignature: string;
    attachment: string;
}

/** Pushes an index of two platforms with a signature, an old one for a platform, and an SBOM. */
export async function pushVersion(server: RunningZot, repository: string, tag: string, name = tag): Promise<Pushed> {
    const [amd64, arm64] = [image(`${name} amd64`), image(`${name} arm64`)];
    for (const one of [amd64, arm64])
        await push(server, repository, one.digest, `${name} ${one === amd64 ? "amd64" : "arm64"}`);
    const index = JSON.stringify({
        schemaVersion: 2,
        mediaType: INDEX_TYPE,
        manifests: [amd64, arm64].map((one) => ({
            mediaType: manifestType,
            digest: one.digest,
            size: one.manifest.length,
            platform: { os: "linux", architecture: one === amd64 ? "amd64" : "arm64" },
        })),
    });
    await put(server, repository, tag, INDEX_TYPE, index);
    const empty = "{}";
    await pushBlob(server, repository, empty);
    const artifact = async (subject: string, subjectType: string, artifactType: string, content: string) => {
        await pushBlob(server, repository, content);
        return JSON.stringify({
            schemaVersion: 2,
            mediaType: manifestType,
            artifactType,
            config: { mediaType: "application/vnd.oci.empty.v1+json", digest: digestOf(empty), size: 2 },
            layers: [{ mediaType: artifactType, digest: digestOf(content), size: content.length }],
            subject: { mediaType: subjectType, digest: subject, size: 1 },
        });
    };
    const byDigest = async (text: string) => {
        await put(server, repository, digestOf(text), manifestType, text);
        return digestOf(text);
    };
    const signature = await byDigest(await artifact(digestOf(index), INDEX_TYPE, SIGNATURE_TYPE, `signature ${name}`));
    const attachment = await byDigest(
        await artifact(digestOf(index), INDEX_TYPE, "application/spdx+json", `sbom ${name}`),
    );
    const old = image(`${name} old signature`);
    await push(server, repository, `${amd64.digest.replace(":", "-")}.sig`, `${name} old signature`);
    return {
        ...{ index: digestOf(index), amd64: amd64.digest, arm64: arm64.digest },
        ...{ layer: digestOf(arm64.layer), config: digestOf(arm64.config) },
        ...{ signature, attachment, oldSignature: old.digest },
    };
}

/** Removes a blob from disk, as damage does. */
export const damage = (server: RunningZot, repository: string, digest: string): void =>
    fs.rmSync(blobFile(server, repository, digest));

export const blobFile = (server: RunningZot, repository: string, digest: string): string =>
    path.join(server.root, repository, "blobs", ...digest.split(":"));

/** Lets a tag take a manifest and leave it again: zot forgets it. */
export async function forget(server: RunningZot, repository: string, digest: string): Promise<void> {
    const text = fs.readFileSync(blobFile(server, repository, digest), "utf8");
    await put(server, repository, `${digest}?tag=latest`, manifestType, text);
    if ((await push(server, repository, "latest", "something else")) !== 201) throw new Error("latest did not move");
}

/** Walks through the versions of a registry; what is found, in words, and what was asked. */
export async function looked(server: RunningZot, options: Partial<WalkOptions> = {}) {
    const asked: string[] = [];
    const send = outgoing();
    const transport: Transport = (url, request) => {
        asked.push(`${request.method} ${url.pathname}`);
        return send(url, request);
    };
    const registry = new Registry(server.url, "anyone", transport, new Recorder(), new Control());
    const walked = await walk(registry.unrecorded(), {
        seed: "seed",
        signed: false,
        isCache: () => false,
        movesTag: () => false,
        ...options,
    });
    return { ...walked, asked, said: walked.broken.map(brokenInWords).sort() };
}
