import { type AccessControl, sees } from "./authorization";
import { type ErrorCode, errorList } from "./errors";
import { type Exchange, header, readBody, sendBytes, sendJson, sendStatus } from "./http";
import type { Log } from "./log";
import { type Descriptor, isDigest, mediaTypes, StorageError } from "./manifests";
import type { PullThrough } from "./pullThrough";
import type { Storage } from "./storage";

const longestManifest = 4 * 1024 * 1024;
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** Tags of `?tag=` that count for the authorization: the malformed ones are refused afterwards. */
export const digestTagsOf = ({ query }: Exchange): string[] => [
    ...new Set(
        query
            .getAll("tag")
            .map((tag) => tag.trim())
            .filter((tag) => tagPattern.test(tag)),
    ),
];

export class Registry {
    constructor(
        private readonly storage: Storage,
        private readonly pullThrough: PullThrough | undefined,
        /** As it is now: it may be reloaded. */
        private readonly accessControl: () => AccessControl | undefined,
        /** Media types of manifests: OCI's, and Docker's where `http.compat` says so. */
        private readonly accepted: readonly string[],
        private readonly log: Log,
    ) {}

    catalog(exchange: Exchange): void {
        const all = this.storage.repositories();
        const last = exchange.query.get("last") ?? "";
        const after = last === "" ? all : all.includes(last) ? all.slice(all.indexOf(last) + 1) : [];
        const visible = after.filter((repository) => sees(this.accessControl(), exchange.who, repository));
        const limit = Number(exchange.query.get("n") ?? Infinity);
        const repositories = visible.slice(0, limit);
        if (repositories.length > 0 && repositories.length === limit) {
            exchange.response.setHeader("Link", `</v2/_catalog?n=${limit}&last=${repositories.at(-1)}>; rel="next"`);
        }
        sendJson(exchange, 200, { repositories });
    }

    tags(exchange: Exchange, name: string): void {
        const limit = Number(exchange.query.get("n") ?? Infinity);
        const tags = this.storage.tags(name)?.sort();
        if (!tags) return sendJson(exchange, 404, errorList("NAME_UNKNOWN", { name }));
        const last = exchange.query.get("last") ?? "";
        if (last !== "" && !tags.includes(last)) return sendStatus(exchange, 404);
        const rest = last === "" ? tags : tags.slice(tags.indexOf(last) + 1);
        const page = rest.slice(0, limit);
        if (page.length > 0 && page.length < rest.length) {
            exchange.response.setHeader("Link", `</v2/${name}/tags/list?n=${limit}&last=${page.at(-1)}>; rel="next"`);
        }
        sendJson(exchange, 200, { name, tags: page });
    }

    async getManifest(exchange: Exchange, name: string, reference: string): Promise<void> {
        const isStored = isDigest(reference) && this.has(name, reference);
        if (!isStored) await this.pullThrough?.fetch(name, reference);
        try {
            const { content, descriptor } = this.storage.manifest(name, reference);
            exchange.response.setHeader("Docker-Content-Digest", descriptor.digest);
            sendBytes(exchange, 200, descriptor.mediaType, content);
        } catch (error) {
            this.refuse(exchange, error, {
                "repository not found": [404, "NAME_UNKNOWN", { name }],
                "manifest not found": [404, "MANIFEST_UNKNOWN", { reference }],
            });
        }
    }

    async putManifest(exchange: Exchange, name: string, reference: string): Promise<void> {
        const mediaType = header(exchange, "content-type");
        if (!this.accepted.includes(mediaType))
            return sendJson(exchange, 415, errorList("MANIFEST_INVALID", { mediaType }));
        const digestTags = [...new Set(exchange.query.getAll("tag").map((tag) => tag.trim()))];
        const invalid = (status: number, reason: string) =>
            sendJson(exchange, status, errorList("MANIFEST_INVALID", { reason }));
        if (!digestTags.every((tag) => tagPattern.test(tag))) {
            return invalid(400, "invalid tag query parameter: not a valid OCI/Docker tag");
        }
        if (digestTags.length > 0 && !isDigest(reference)) {
            return invalid(400, "tag query parameters are only valid when pushing a manifest by digest");
        }
        const content = await readBody(exchange, longestManifest);
        if (!content) {
            exchange.response.setHeader("Connection", "close");
            return invalid(413, `manifest body exceeds maximum allowed size of ${longestManifest} bytes`);
        }
        try {
            const { digest, subject } = this.storage.putManifest(name, reference, mediaType, content, digestTags);
            if (subject) exchange.response.setHeader("OCI-Subject", subject);
            exchange.response.setHeader("Location", `/v2/${name}/manifests/${digest}`);
            exchange.response.setHeader("Docker-Content-Digest", digest);
            if (digestTags.length > 0) exchange.response.setHeader("OCI-Tag", digestTags);
            sendStatus(exchange, 201);
        } catch (error) {
            this.refuse(exchange, error, { "bad manifest": [400, "MANIFEST_INVALID", { reference }] });
        }
    }

    deleteManifest(exchange: Exchange, name: string, reference: string): void {
        try {
            this.storage.deleteManifest(name, reference);
            sendStatus(exchange, 202);
        } catch (error) {
            this.refuse(exchange, error, {
                "repository not found": [400, "NAME_UNKNOWN", { name }],
                "manifest not found": [404, "MANIFEST_UNKNOWN", { reference }],
                "manifest referenced": [405, "DENIED", { reference }],
            });
        }
    }

    referrers(exchange: Exchange, name: string, digest: string): void {
        if (!isDigest(digest)) return sendStatus(exchange, 400);
        let manifests: Descriptor[];
        try {
            manifests = this.storage.referrers(name, digest);
        } catch (error) {
            const isMissing = error instanceof StorageError && error.problem === "manifest not found";
            return isMissing ? sendStatus(exchange, 404) : this.refuse(exchange, error, {});
        }
        const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
        sendBytes(exchange, 200, mediaTypes.index, Buffer.from(JSON.stringify(index)));
    }

    headBlob(exchange: Exchange, name: string, digest: string): void {
        if (!isDigest(digest)) return sendStatus(exchange, 500);
        const size = this.mayMount(exchange, digest)
            ? this.storage.blobSizeShared(name, digest)
            : this.storage.blobSize(name, digest);
        if (size === undefined) return sendJson(exchange, 404, errorList("BLOB_UNKNOWN", { digest }));
        const { response } = exchange;
        response.writeHead(200, {
            "Content-Length": size,
            "Content-Type": this.blobType(name, digest),
            "Docker-Content-Digest": digest,
        });
        response.end();
    }

    getBlob(exchange: Exchange, name: string, digest: string): void {
        if (!isDigest(digest)) return sendJson(exchange, 400, errorList("DIGEST_INVALID", { digest }));
        const size = this.storage.blobSize(name, digest);
        if (size === undefined) return sendJson(exchange, 404, errorList("BLOB_UNKNOWN", { digest }));
        const { response } = exchange;
        response.writeHead(200, {
            "Content-Type": this.blobType(name, digest),
            "Content-Length": size,
            "Docker-Content-Digest": digest,
        });
        this.storage
            .readBlob(name, digest)
            .on("error", (error) => response.destroy(error))
            .pipe(response);
    }

    async startUpload(exchange: Exchange, name: string): Promise<void> {
        const { query, response } = exchange;
        const mount = query.get("mount");
        const digest = query.get("digest");
        if (mount === null && digest !== null) return this.uploadWhole(exchange, name, digest);
        if (
            mount !== null &&
            isDigest(mount) &&
            this.mayMount(exchange, mount) &&
            this.storage.blobSizeShared(name, mount) !== undefined
        ) {
            response.setHeader("Location", `/v2/${name}/blobs/${mount}`);
            return sendStatus(exchange, 201);
        }
        response.setHeader("Location", `/v2/${name}/blobs/uploads/${this.storage.startUpload(name)}`);
        response.setHeader("Range", "0-0");
        sendStatus(exchange, 202);
    }

    async continueUpload(exchange: Exchange, name: string, id: string): Promise<void> {
        const range = header(exchange, "content-range");
        const from = /^\d+-\d+$/.test(range) ? Number(range.split("-")[0]) : undefined;
        try {
            const before = this.storage.uploadSize(name, id);
            const size = await this.storage.appendToUpload(name, id, exchange.request, from);
            // The answer to a streamed part tells its own length, not that of the upload so far.
            const end = from === undefined ? size - before : size;
            exchange.response.setHeader("Location", `/v2/${name}/blobs/uploads/${id}`);
            exchange.response.setHeader("Range", `0-${end - 1}`);
            exchange.response.setHeader("Blob-Upload-UUID", id);
            sendStatus(exchange, 202);
        } catch (error) {
            this.refuseUpload(exchange, error, name, id);
        }
    }

    async finishUpload(exchange: Exchange, name: string, id: string): Promise<void> {
        const digest = exchange.query.get("digest") ?? "";
        if (!isDigest(digest)) return sendStatus(exchange, 400);
        const range = header(exchange, "content-range");
        try {
            if (range !== "")
                await this.storage.appendToUpload(name, id, exchange.request, Number(range.split("-")[0]));
            // A body without a range is the whole blob.
            else if (Number(header(exchange, "content-length")) > 0)
                await this.storage.appendToUpload(name, id, exchange.request, 0);
            await this.storage.finishUpload(name, id, digest);
            exchange.response.setHeader("Location", `/v2/${name}/blobs/${digest}`);
            exchange.response.setHeader("Docker-Content-Digest", digest);
            sendStatus(exchange, 201);
        } catch (error) {
            this.refuseUpload(exchange, error, name, id, digest);
        }
    }

    cancelUpload(exchange: Exchange, name: string, id: string): void {
        try {
            this.storage.cancelUpload(name, id);
            exchange.response.writeHead(204);
            exchange.response.end();
        } catch (error) {
            this.refuse(exchange, error, { "upload not found": [404, "BLOB_UPLOAD_UNKNOWN", { session_id: id }] });
        }
    }

    private async uploadWhole(exchange: Exchange, name: string, digest: string): Promise<void> {
        if (header(exchange, "content-type") !== "application/octet-stream") return sendStatus(exchange, 415);
        if (!isDigest(digest)) return sendJson(exchange, 400, errorList("DIGEST_INVALID", { digest }));
        const id = this.storage.startUpload(name);
        try {
            await this.storage.appendToUpload(name, id, exchange.request);
            await this.storage.finishUpload(name, id, digest);
            exchange.response.setHeader("Location", `/v2/${name}/blobs/${digest}`);
            exchange.response.setHeader("Blob-Upload-UUID", id);
            sendStatus(exchange, 201);
        } catch (error) {
            this.refuseUpload(exchange, error, name, id, digest);
        }
    }

    private has(name: string, reference: string): boolean {
        try {
            this.storage.manifest(name, reference);
            return true;
        } catch {
            return false;
        }
    }

    /** Whether a blob of another repository may be linked: only from one that the user sees. */
    private mayMount({ who }: Exchange, digest: string): boolean {
        const accessControl = this.accessControl();
        if (!accessControl) return true;
        return this.storage.repositoriesWith(digest).some((repository) => sees(accessControl, who, repository));
    }

    private blobType(name: string, digest: string): string {
        const type = (this.storage.descriptorOf(name, digest)?.mediaType ?? "").split(";")[0]?.trim() ?? "";
        return /^[\w.+-]+\/[\w.+-]+$/.test(type) ? type : "application/octet-stream";
    }

    private refuseUpload(exchange: Exchange, error: unknown, name: string, id: string, digest = ""): void {
        if (!(error instanceof StorageError)) {
            // Cut off in the middle: what is there cannot be trusted, and zot throws it away.
            try {
                this.storage.cancelUpload(name, id);
            } catch {
                // It had gone before.
            }
        }
        this.refuse(exchange, error, {
            "upload not found": [404, "BLOB_UPLOAD_UNKNOWN", { session_id: id }],
            "bad range": [416, "BLOB_UPLOAD_INVALID", { session_id: id }],
            "bad digest": [400, "DIGEST_INVALID", { digest }],
        });
    }

    /** Answers a problem of the storage; whatever is not in the table is zot's "unexpected error". */
    private refuse(
        exchange: Exchange,
        error: unknown,
        answers: Partial<Record<StorageError["problem"], [number, ErrorCode, Record<string, string>]>>,
    ): void {
        const answer = error instanceof StorageError ? answers[error.problem] : undefined;
        if (answer && error instanceof StorageError) {
            const [status, code, detail] = answer;
            return sendJson(exchange, status, errorList(code, detail));
        }
        this.log.error("unexpected error", { error: (error as Error).message });
        if (!exchange.response.headersSent) sendStatus(exchange, 500);
    }
}
