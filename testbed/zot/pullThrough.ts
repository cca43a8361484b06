/**
 * Pull-through: what is asked for and comes from an upstream registry (`extensions.sync`, on demand) is fetched and
 * kept, whatever `accessControl` says of `create`; of an image for several platforms nothing is. When upstream fails,
 * what is stored answers; zot takes about three seconds of retries to get there, this does not.
 */

import type { IncomingMessage } from "node:http";
import type { SyncRegistry } from "./configTypes";

import { matches } from "./globs";
import type { Log } from "./log";
import { digestOf, type ManifestContent, mediaTypes } from "./manifests";
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
        const { config, layers = [] } = JSON.parse(manifest.content.toString()) as ManifestContent;
        for (const part of [config, ...layers]) {
            if (!part || this.storage.blobSizeShared(repository, part.digest) !== undefined) continue;
            const id = this.storage.startUpload(repository);
            await this.storage.appendToUpload(repository, id, await upstream.blob(source, part.digest));
            await this.storage.finishUpload(repository, id, part.digest);
        }
        this.storage.putManifest(repository, reference, manifest.mediaType, manifest.content);
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
    const rule = content.find(({ prefix, destination }) =>
        matches([trim(destination, "/"), trim(prefix, "/")].filter(Boolean).join("/"), repository),
    );
    return rule && trim(repository.slice(trim(rule.destination, "/").length), "/");
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
