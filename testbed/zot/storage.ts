/**
 * The images on disk, as zot lays them out: every repository is an OCI image layout (`blobs/`, `index.json`,
 * `oci-layout`) in a folder of its name below the root directory, with unfinished uploads in `.uploads/`.
 *
 * Everything that reads and writes an index does so in one go, without awaiting, so that no lock is needed.
 */

import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import * as fs from "node:fs";
import * as path from "node:path";
import type { Readable } from "node:stream";
import {
    checkedManifest,
    type Descriptor,
    digestOf,
    isDigest,
    type ManifestContent,
    mediaTypes,
    StorageError,
} from "./manifests";

const tagAnnotation = "org.opencontainers.image.ref.name";

interface Index {
    schemaVersion: number;
    manifests: Descriptor[];
}

export class Storage {
    /** Where else a digest may lie, the first place first; undefined if nothing is shared. */
    private readonly repositoriesByDigest: Map<string, Set<string>> | undefined;

    /** @param shares whether a blob that another repository has is linked when it is asked for (`storage.dedupe`) */
    constructor(
        readonly root: string,
        shares: boolean,
    ) {
        if (!shares) return;
        this.repositoriesByDigest = new Map();
        for (const repository of this.repositories()) {
            // Manifests are not shared.
            const manifests = this.named(repository).map(({ digest }) => digest);
            for (const known of this.blobs(repository))
                if (!manifests.includes(known)) this.remember(repository, known);
        }
    }

    /** In the order of a walk through the folders. */
    repositories(): string[] {
        const found: string[] = [];
        const walk = (name: string) => {
            if (name !== "" && this.exists(name)) found.push(name);
            for (const entry of fs
                .readdirSync(path.join(this.root, name), { withFileTypes: true })
                .sort((a, b) => (a.name < b.name ? -1 : 1))) {
                if (
                    !entry.isDirectory() ||
                    entry.name === "blobs" ||
                    entry.name.startsWith(".") ||
                    entry.name.startsWith("_")
                )
                    continue;
                walk(name === "" ? entry.name : `${name}/${entry.name}`);
            }
        };
        walk("");
        return found;
    }

    /** Undefined when there is no such repository. */
    tags(repository: string): string[] | undefined {
        if (!this.exists(repository)) return undefined;
        return this.readIndex(repository).manifests.flatMap((manifest) => manifest.annotations?.[tagAnnotation] ?? []);
    }

    manifest(repository: string, reference: string): { content: Buffer; descriptor: Descriptor } {
        const descriptor = this.readIndex(repository).manifests.find((manifest) => isReferredTo(manifest, reference));
        if (!descriptor) throw new StorageError("manifest not found");
        try {
            return { content: fs.readFileSync(this.blobFile(repository, descriptor.digest)), descriptor };
        } catch {
            throw new StorageError("manifest not found");
        }
    }

    /**
     * Stores a manifest under a tag, or under its digest and perhaps tags.
     * Whether someone may do so has been decided before the body was read: another push may have come in between.
     */
    putManifest(
        repository: string,
        reference: string,
        mediaType: string,
        content: Buffer,
        digestTags: readonly string[] = [],
    ): { digest: string; subject?: string } {
        this.initialise(repository);
        const byDigest = isDigest(reference);
        const digest = digestOf(content);
        if (byDigest && digest !== reference) throw new StorageError("bad manifest");
        const parsed = checkedManifest(mediaType, content, (part) => this.blobSize(repository, part) !== undefined);

        const index = this.readIndex(repository);
        fs.mkdirSync(path.dirname(this.blobFile(repository, digest)), { recursive: true });
        writeByRename(this.blobFile(repository, digest), content);

        const tags = byDigest ? digestTags : [reference];
        const isKnown = index.manifests.some((manifest) => manifest.digest === digest);
        if (tags.length > 0 || !isKnown) {
            // The digest without a tag gives way to the digest with one, and a tag moves away from where it was.
            index.manifests = index.manifests.filter((manifest) => {
                const tag = manifest.annotations?.[tagAnnotation];
                return tag === undefined ? manifest.digest !== digest : !tags.includes(tag);
            });
            const descriptor = { mediaType, digest, size: content.length };
            if (tags.length === 0) index.manifests.push(descriptor);
            for (const tag of tags) index.manifests.push({ ...descriptor, annotations: { [tagAnnotation]: tag } });
            this.writeIndex(repository, index);
        }
        return { digest, ...(parsed.subject?.digest && { subject: parsed.subject.digest }) };
    }

    /** For a tag: only the tag is removed, the digest stays. For a digest: every tag on it is removed, too. */
    deleteManifest(repository: string, reference: string): void {
        const index = this.readIndex(repository);
        const removed = index.manifests.filter((manifest) => isReferredTo(manifest, reference));
        const descriptor = removed[0];
        if (!descriptor) throw new StorageError("manifest not found");
        const remaining = index.manifests.filter((manifest) => !removed.includes(manifest));
        if (isDigest(reference)) {
            const isPartOfAnother = remaining.some(
                (other) =>
                    other.mediaType === mediaTypes.index &&
                    this.parse(repository, other.digest)?.manifests?.some(({ digest }) => digest === descriptor.digest),
            );
            if (isPartOfAnother) throw new StorageError("manifest referenced");
        } else if (!remaining.some((manifest) => manifest.digest === descriptor.digest)) {
            const { annotations: _, ...untagged } = descriptor;
            remaining.push(untagged);
        }
        this.writeIndex(repository, { ...index, manifests: remaining });
        if (!remaining.some((manifest) => manifest.digest === descriptor.digest)) {
            fs.rmSync(this.blobFile(repository, descriptor.digest), { force: true });
            this.repositoriesByDigest?.get(descriptor.digest)?.delete(repository);
        }
    }

    /** Manifests that name a digest as their subject, as descriptors. */
    referrers(repository: string, digest: string): Descriptor[] {
        if (!this.exists(repository)) return [];
        const seen = new Set([digest]);
        const found: Descriptor[] = [];
        for (const { mediaType, digest: candidate, size } of this.readIndex(repository).manifests) {
            if (seen.has(candidate)) continue;
            seen.add(candidate);
            if (this.blobSize(repository, candidate) === undefined) throw new StorageError("manifest not found");
            const content = this.parse(repository, candidate);
            if (content?.subject?.digest !== digest) continue;
            const artifactType =
                content.artifactType || (mediaType === mediaTypes.manifest ? content.config?.mediaType : "") || "";
            found.push({
                mediaType,
                digest: candidate,
                size,
                ...(content.annotations && { annotations: content.annotations }),
                ...(artifactType && { artifactType }),
            });
        }
        return found;
    }

    /** The size of a blob that the repository itself holds. */
    blobSize(repository: string, digest: string): number | undefined {
        return fs.statSync(this.blobFile(repository, digest), { throwIfNoEntry: false })?.size;
    }

    /**
     * The same, after a blob that another repository holds has been linked here.
     */
    blobSizeShared(repository: string, digest: string): number | undefined {
        const size = this.blobSize(repository, digest);
        if (size !== undefined) return size;
        const [source] = this.repositoriesWith(digest);
        if (source === undefined) return undefined;
        this.initialise(repository);
        const file = this.blobFile(repository, digest);
        fs.mkdirSync(path.dirname(file), { recursive: true });
        fs.linkSync(this.blobFile(source, digest), file);
        this.remember(repository, digest);
        return this.blobSize(repository, digest);
    }

    /** Repositories from which a digest could be had; none when nothing is shared. */
    repositoriesWith(digest: string): string[] {
        return [...(this.repositoriesByDigest?.get(digest) ?? [])].filter(
            (repository) => this.blobSize(repository, digest) !== undefined,
        );
    }

    readBlob(repository: string, digest: string): fs.ReadStream {
        return fs.createReadStream(this.blobFile(repository, digest));
    }

    /** What the manifests say a blob is. */
    descriptorOf(repository: string, digest: string): Descriptor | undefined {
        const search = (descriptors: Descriptor[]): Descriptor | undefined => {
            for (const descriptor of descriptors) {
                if (descriptor.digest === digest) return descriptor;
                const content = this.parse(repository, descriptor.digest);
                const found =
                    descriptor.mediaType === mediaTypes.index
                        ? search(content?.manifests ?? [])
                        : [content?.config, ...(content?.layers ?? [])].find((part) => part?.digest === digest);
                if (found) return found;
            }
            return undefined;
        };
        return search(this.named(repository));
    }

    startUpload(repository: string): string {
        this.initialise(repository);
        const id = randomUUID();
        fs.writeFileSync(this.uploadFile(repository, id), "");
        return id;
    }

    uploadSize(repository: string, id: string): number {
        const status = fs.statSync(this.uploadFile(repository, id), { throwIfNoEntry: false });
        if (!status?.isFile()) throw new StorageError("upload not found");
        return status.size;
    }

    /**
     * Appends to an upload and returns its size.
     * @param from the sender's idea of the upload's position; any other value is a bad range
     */
    async appendToUpload(repository: string, id: string, content: Readable, from?: number): Promise<number> {
        const size = this.uploadSize(repository, id);
        if (from !== undefined && from !== size) throw new StorageError("bad range");
        const file = fs.createWriteStream(this.uploadFile(repository, id), { flags: "a" });
        try {
            for await (const chunk of content as AsyncIterable<Buffer>) {
                if (!file.write(chunk)) await once(file, "drain");
            }
        } finally {
            await new Promise<void>((resolve) => file.end(resolve));
        }
        return this.uploadSize(repository, id);
    }

    async finishUpload(repository: string, id: string, digest: string): Promise<void> {
        this.uploadSize(repository, id);
        const source = this.uploadFile(repository, id);
        const hash = createHash("sha256");
        for await (const chunk of fs.createReadStream(source) as AsyncIterable<Buffer>) hash.update(chunk);
        if (`sha256:${hash.digest("hex")}` !== digest) throw new StorageError("bad digest");
        const file = this.blobFile(repository, digest);
        fs.mkdirSync(path.dirname(file), { recursive: true });
        fs.renameSync(source, file);
        this.remember(repository, digest);
    }

    cancelUpload(repository: string, id: string): void {
        this.uploadSize(repository, id);
        fs.rmSync(this.uploadFile(repository, id));
    }

    private exists(repository: string): boolean {
        return fs.existsSync(path.join(this.root, repository, "index.json"));
    }

    private initialise(repository: string): void {
        const folder = path.join(this.root, repository);
        fs.mkdirSync(path.join(folder, "blobs"), { recursive: true });
        fs.mkdirSync(path.join(folder, ".uploads"), { recursive: true });
        if (this.exists(repository)) return;
        fs.writeFileSync(path.join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
        this.writeIndex(repository, { schemaVersion: 2, manifests: [] });
    }

    private readIndex(repository: string): Index {
        if (!this.exists(repository)) throw new StorageError("repository not found");
        const index = JSON.parse(
            fs.readFileSync(path.join(this.root, repository, "index.json"), "utf8"),
        ) as Partial<Index>;
        return { schemaVersion: 2, ...index, manifests: index.manifests ?? [] };
    }

    private named(repository: string): Descriptor[] {
        return this.exists(repository) ? this.readIndex(repository).manifests : [];
    }

    private writeIndex(repository: string, index: Index): void {
        writeByRename(path.join(this.root, repository, "index.json"), JSON.stringify(index));
    }

    private blobs(repository: string): string[] {
        const folder = path.join(this.root, repository, "blobs");
        if (!fs.existsSync(folder)) return [];
        return fs
            .readdirSync(folder)
            .flatMap((algorithm) => fs.readdirSync(path.join(folder, algorithm)).map((name) => `${algorithm}:${name}`));
    }

    private blobFile(repository: string, digest: string): string {
        const [algorithm = "", hexadecimal = ""] = digest.split(":");
        return path.join(this.root, repository, "blobs", algorithm, hexadecimal);
    }

    private uploadFile(repository: string, id: string): string {
        return path.join(this.root, repository, ".uploads", path.basename(id));
    }

    private remember(repository: string, digest: string): void {
        if (!this.repositoriesByDigest) return;
        const known = this.repositoriesByDigest.get(digest);
        if (known) known.add(repository);
        else this.repositoriesByDigest.set(digest, new Set([repository]));
    }

    private parse(repository: string, digest: string): ManifestContent | undefined {
        try {
            return JSON.parse(fs.readFileSync(this.blobFile(repository, digest), "utf8")) as ManifestContent;
        } catch {
            return undefined;
        }
    }
}

const isReferredTo = (manifest: Descriptor, reference: string) =>
    manifest.digest === reference || manifest.annotations?.[tagAnnotation] === reference;

/** Whoever reads meanwhile sees the old content or the new. */
function writeByRename(file: string, content: string | Uint8Array): void {
    const temporary = `${file}.${randomUUID()}`;
    fs.writeFileSync(temporary, content);
    fs.renameSync(temporary, file);
}
