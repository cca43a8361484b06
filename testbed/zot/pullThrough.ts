/**
 * Pull-through: what is asked for and comes from an upstream registry (`extensions.sync`, on demand) is fetched and
 * kept, whatever `accessControl` says of `create`. When upstream fails, what is stored answers; zot takes about three
 * seconds of retries to get there, this does not.
 */

import type { IncomingMessage } from "node:http";
import type { SyncRegistry } from "./configTypes";

import { matches, splitPattern } from "./globs";
import type { Log } from "./log";
import { type Descriptor, digestOf, mediaTypes } from "./manifests";
import { bodyOf, send } from "./outgoing";
import type { Storage } from "./storage";

export class PullThrough {
    private readonly underWay = new Map<string, Promise<void>>();
    /** The upstream digest of what has been fetched, so that it is fetched again only when it changed. */
    private readonly fetched = new Map<string, string>();
    private readonly registries: { settings: SyncRegistry; upstreams: Upstream[] }[];

    constructor(
        registries: readonly SyncRegistry[],
        private readonly storage: Storage,
        private readonly log: Log,
    ) {
        this.registries = registries
            .filter((settings) => settings.onDemand)
            .map((settings) => ({
                settings,
                upstreams: settings.urls.map((url) => new Upstream(url, settings.tlsVerify)),
            }));
    }

    /** Fetches an image if an upstream has it and it changed. Never fails: what could not be had is in the log. */
    async fetch(repository: string, reference: string): Promise<void> {
        const key = `${repository} ${reference}`;
        let running = this.underWay.get(key);
        if (!running) {
            running = this.fetchFromAny(repository, reference).finally(() => this.underWay.delete(key));
            this.underWay.set(key, running);
        }
        await running;
    }

    private async fetchFromAny(repository: string, reference: string): Promise<void> {
        for (const { settings, upstreams } of this.registries) {
            const source = sourceOf(repository, settings.content);
            if (source === undefined) continue;
            for (const upstream of upstreams) {
                try {
                    if (await this.fetchFrom(upstream, source, repository, reference)) return;
                } catch (error) {
                    this.log.error("failed to sync image", {
                        error: (error as Error).message,
                        remote: upstream.url,
                        repository,
                        reference,
                    });
                }
            }
        }
    }

    /** False when this upstream does not have it. */
    private async fetchFrom(
        upstream: Upstream,
        source: string,
        repository: string,
        reference: string,
    ): Promise<boolean> {
        const manifest = await upstream.manifest(source, reference);
        if (!manifest) return false;
        const key = `${repository} ${reference}`;
        const original = digestOf(manifest.content);
        if (this.fetched.get(key) === original && this.isStored(repository, reference)) return true;
        const copy = async (mediaType: string, content: Buffer): Promise<{ mediaType: string; content: Buffer }> => {
            const parsed = JSON.parse(content.toString()) as {
                config?: Descriptor;
                layers?: Descriptor[];
                manifests?: Descriptor[];
            };
            for (const part of [parsed.config, ...(parsed.layers ?? [])]) {
                if (!part || this.storage.blobSizeShared(repository, part.digest) !== undefined) continue;
                const id = this.storage.startUpload(repository);
                await this.storage.appendToUpload(repository, id, await upstream.blob(source, part.digest));
                await this.storage.finishUpload(repository, id, part.digest);
            }
            for (const part of parsed.manifests ?? []) {
                const child = await upstream.manifest(source, part.digest);
                if (!child) continue;
                const stored = await copy(child.mediaType, child.content);
                const { digest } = this.storage.putManifest(
                    repository,
                    digestOf(stored.content),
                    stored.mediaType,
                    stored.content,
                );
                Object.assign(part, { mediaType: stored.mediaType, digest, size: stored.content.length });
            }
            return { mediaType, content };
        };
        const stored = await copy(manifest.mediaType, manifest.content);
        this.storage.putManifest(repository, reference, stored.mediaType, stored.content);
        this.fetched.set(key, original);
        this.log.info("successfully synced image", { repo: repository, reference, remote: upstream.url });
        return true;
    }

    private isStored(repository: string, reference: string): boolean {
        try {
            this.storage.manifest(repository, reference);
            return true;
        } catch {
            return false;
        }
    }
}

/** Where upstream a local repository comes from; undefined when the content rules leave it out. */
export function sourceOf(repository: string, content: SyncRegistry["content"]): string | undefined {
    if (content.length === 0) return repository;
    const rule = content.find(({ prefix, destination, stripPrefix }) => {
        const folder = `${trim(prefix, "/")}/`;
        const pattern = [trim(destination, "/"), stripPrefix ? splitPattern(folder).rest : folder].join("/");
        return matches(trim(pattern, "/"), repository);
    });
    if (!rule) return undefined;
    const destination = trim(rule.destination, "/");
    const local = trim(repository.startsWith(destination) ? repository.slice(destination.length) : repository, "/");
    return trim(rule.stripPrefix ? `${trim(rule.prefix, "/*")}/${local}` : local, "/") || undefined;
}

function trim(text: string, characters: string): string {
    let start = 0;
    let end = text.length;
    while (start < end && characters.includes(text[start] ?? "")) start++;
    while (end > start && characters.includes(text[end - 1] ?? "")) end--;
    return text.slice(start, end);
}

/** A registry that images are fetched from, without a login. */
class Upstream {
    constructor(
        readonly url: string,
        private readonly tlsVerify: boolean,
    ) {}

    /** Undefined when it is not there; 401 counts as that, for some registries answer so. */
    async manifest(repository: string, reference: string): Promise<{ mediaType: string; content: Buffer } | undefined> {
        const { manifest, index } = mediaTypes;
        const answer = await this.get(repository, `manifests/${reference}`, `${manifest}, ${index}`);
        const content = await bodyOf(answer);
        if (answer.statusCode === 404 || answer.statusCode === 401) return undefined;
        if (answer.statusCode !== 200)
            throw new Error(`${this.url} answered ${answer.statusCode} for ${repository}:${reference}`);
        return { mediaType: (answer.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "", content };
    }

    async blob(repository: string, digest: string): Promise<IncomingMessage> {
        const answer = await this.get(repository, `blobs/${digest}`, "*/*");
        if (answer.statusCode !== 200) {
            answer.resume();
            throw new Error(`${this.url} answered ${answer.statusCode} for blob ${digest} of ${repository}`);
        }
        return answer;
    }

    private async get(repository: string, rest: string, accept: string): Promise<IncomingMessage> {
        return send(`${this.url.replace(/\/$/, "")}/v2/${repository}/${rest}`, {
            headers: { Accept: accept },
            tlsVerify: this.tlsVerify,
        });
    }
}
