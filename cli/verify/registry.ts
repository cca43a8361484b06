/** The registry as one of its users sees it. Every request is recorded, and no status is an error. */
import { randomBytes } from "node:crypto";
import { onServer, urlOf } from "../../clients/http/address";
import { UnreachableError } from "../../clients/http/failures";
import type { Transport } from "../../clients/http/outgoing";
import { everyPage } from "../../clients/http/paging";
import { sendOne } from "../../clients/http/request";
import { digestOf } from "../../clients/zot/registry";
import type { Control } from "./control";
import { type Recorder, shortened } from "./exchanges";

export interface RegistryAnswer {
    status: number;
    headers: Headers;
    text: string;
}

export interface RegistryRequest {
    headers?: Record<string, string>;
    body?: string;
    /** In milliseconds. */
    timeout?: number;
}

/** A small image: a manifest, and one layer without any use. */
export interface Image {
    blobs: string[];
    manifest: string;
    digest: string;
}

export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
export const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
/** Media types of what a client pulls. */
export const ACCEPTED = [
    MANIFEST_TYPE,
    INDEX_TYPE,
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
].join(", ");

const TIMEOUT = 30_000;

export class Registry {
    private readonly authorization: string | undefined;

    /**
     * @param as the user, for people
     * @param credentials user name and API key; absent for anonymous
     */
    constructor(
        readonly url: string,
        readonly as: string,
        private readonly transport: Transport,
        private readonly recorder: Recorder,
        private readonly control: Control,
        credentials?: { username: string; key: string },
    ) {
        this.authorization =
            credentials && `Basic ${Buffer.from(`${credentials.username}:${credentials.key}`).toString("base64")}`;
    }

    /** The same user, without recording. */
    unrecorded(): Registry {
        const silent: Pick<Recorder, "add"> = { add: () => undefined };
        return Object.assign(Object.create(Registry.prototype) as Registry, this, { recorder: silent });
    }

    /** The user's headers, for requests that are sent in another way. */
    get credentials(): Record<string, string> {
        return this.authorization === undefined ? {} : { authorization: this.authorization };
    }

    /** @throws UnreachableError if no answer comes, RunEnded if nothing more may be sent */
    async request(
        method: string,
        path: string,
        { headers = {}, body, timeout = TIMEOUT }: RegistryRequest = {},
    ): Promise<RegistryAnswer> {
        this.control.check();
        const url = onServer(this.url, path);
        let answer: RegistryAnswer;
        try {
            answer = await sendOne(this.transport, url, {
                method,
                headers: { ...headers, ...this.credentials },
                body,
                timeout,
            });
        } catch (error) {
            const { reason } = (error as UnreachableError).noAnswer;
            this.record(method, path, headers, body, `no answer: ${reason}`);
            throw new UnreachableError(`The registry ${this.url} gave no answer to ${method} ${path}: ${reason}`);
        }
        const isReadable = /json|text/.test(answer.headers.get("content-type") ?? "") && !path.includes("/blobs/");
        this.record(
            method,
            path,
            headers,
            body,
            `${answer.status}${isReadable && answer.text ? ` ${shortened(answer.text)}` : ""}`,
        );
        return answer;
    }

    record(
        method: string,
        path: string,
        headers: Record<string, string>,
        body: string | undefined,
        received: string,
    ): void {
        const described = [
            headers["content-type"],
            headers["user-agent"] && `User-Agent: ${headers["user-agent"]}`,
            body === undefined ? undefined : `${Buffer.byteLength(body)} bytes`,
        ].filter(Boolean);
        this.recorder.add({
            as: this.as,
            sent: `${method} ${path}${described.length > 0 ? ` (${described.join(", ")})` : ""}`,
            received,
        });
    }

    /** Uploads the blobs of a manifest. Returns the first status that is not 201. */
    async pushBlobs(repository: string, image: Image): Promise<RegistryAnswer> {
        let answer: RegistryAnswer | undefined;
        for (const blob of image.blobs) {
            answer = await this.request("POST", `/v2/${repository}/blobs/uploads/?digest=${digestOf(blob)}`, {
                headers: { "content-type": "application/octet-stream" },
                body: blob,
            });
            // A registry, or a proxy, may require the upload in two steps.
            const upload = urlOf(answer.headers.get("location"), this.url);
            if (answer.status === 202 && upload) {
                upload.searchParams.set("digest", digestOf(blob));
                answer = await this.request("PUT", upload.pathname + upload.search, {
                    headers: { "content-type": "application/octet-stream" },
                    body: blob,
                });
            }
            if (answer.status !== 201) return answer;
        }
        return answer!;
    }

    putManifest(repository: string, reference: string, image: Image): Promise<RegistryAnswer> {
        return this.request("PUT", `/v2/${repository}/manifests/${reference}`, {
            headers: { "content-type": MANIFEST_TYPE },
            body: image.manifest,
        });
    }

    /** Pushes as a client does: the blobs, then the manifest. Returns the refusal, or the answer to the manifest. */
    async push(repository: string, reference: string, image: Image): Promise<RegistryAnswer> {
        const blobs = await this.pushBlobs(repository, image);
        return blobs.status === 201 ? this.putManifest(repository, reference, image) : blobs;
    }

    getManifest(repository: string, reference: string, timeout?: number): Promise<RegistryAnswer> {
        return this.request("GET", `/v2/${repository}/manifests/${reference}`, {
            headers: { accept: ACCEPTED },
            ...(timeout ? { timeout } : {}),
        });
    }

    delete(repository: string, reference: string): Promise<RegistryAnswer> {
        return this.request("DELETE", `/v2/${repository}/manifests/${reference}`);
    }

    /**
     * Asks whether a tag may be written, without storing anything: zot checks the rights before it refuses the media
     * type with 415 (measured on zot 2.1.20).
     *
     * @param reference a tag, or a digest with `?tag=`
     */
    async mayPut(repository: string, reference: string): Promise<Right> {
        const answer = await this.request("PUT", `/v2/${repository}/manifests/${reference}`, {
            headers: { "content-type": "text/plain" },
        });
        return {
            answer,
            granted:
                answer.status === 415 || (answer.status >= 200 && answer.status < 300)
                    ? true
                    : isRefusal(answer.status)
                      ? false
                      : undefined,
        };
    }

    /** Asks whether tags may be deleted, with a tag that does not exist. */
    async mayDelete(repository: string): Promise<Right> {
        const answer = await this.request("DELETE", `/v2/${repository}/manifests/${absentTag()}`);
        // zot 2.1.20 answers 400 if the repository does not exist either.
        return {
            answer,
            granted: [202, 400, 404].includes(answer.status) ? true : isRefusal(answer.status) ? false : undefined,
        };
    }

    /** Asks whether a repository may be read, with a tag that does not exist. */
    async mayRead(repository: string): Promise<Right> {
        const answer = await this.getManifest(repository, absentTag());
        return {
            answer,
            granted: [200, 404].includes(answer.status) ? true : isRefusal(answer.status) ? false : undefined,
        };
    }

    /** The stored tags; empty if there is no such repository, undefined if this user may not ask. */
    async tags(repository: string): Promise<string[] | undefined> {
        const answer = await this.request("GET", `/v2/${repository}/tags/list`);
        if (answer.status === 404) return [];
        return answer.status === 200 ? (parsed<{ tags?: string[] | null }>(answer)?.tags ?? []) : undefined;
    }

    /** The path of the next page; undefined after the last one. */
    nextPage({ headers }: RegistryAnswer): string | undefined {
        const next = /<([^>]+)>;\s*rel="?next"?/.exec(headers.get("link") ?? "")?.[1];
        const page = urlOf(next, this.url);
        return page && page.pathname + page.search;
    }

    /** Every repository that this user can see, page by page. */
    async catalog(): Promise<string[]> {
        return everyPage(
            `The repositories of ${this.url}`,
            async (path: string) => {
                const answer = await this.request("GET", path);
                const items =
                    answer.status === 200
                        ? (parsed<{ repositories?: string[] | null }>(answer)?.repositories ?? [])
                        : [];
                return { items, next: this.nextPage(answer) };
            },
            "/v2/_catalog",
        );
    }
}

/** An answer, and whether it grants the request; undefined if it says neither. */
export interface Right {
    answer: RegistryAnswer;
    granted: boolean | undefined;
}

const isRefusal = (status: number) => status === 401 || status === 403;

const absentTag = () => `absent-${randomBytes(6).toString("hex")}`;

/** A unique image. */
export function newImage(): Image {
    const config = "{}";
    const layer = `zot-hardening verify ${randomBytes(16).toString("hex")}`;
    const descriptor = (mediaType: string, blob: string) => ({
        mediaType,
        digest: digestOf(blob),
        size: Buffer.byteLength(blob),
    });
    const manifest = JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST_TYPE,
        config: descriptor("application/vnd.oci.empty.v1+json", config),
        layers: [descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
    });
    return { blobs: [config, layer], manifest, digest: digestOf(manifest) };
}

export function parsed<T>(answer: { text: string }): T | undefined {
    try {
        return JSON.parse(answer.text) as T;
    } catch {
        return undefined;
    }
}
