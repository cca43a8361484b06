/** The few requests of the OCI distribution API that a check of rights needs. */
import { createHash } from "node:crypto";
import { onServer, urlOf } from "../http/address";
import { outgoing, type Transport } from "../http/outgoing";
import { sendOne } from "../http/request";

/** User name and API key, sent as basic authentication; undefined for anonymous. */
export type RegistryCredentials = { username: string; key: string } | undefined;

const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";

export class RegistryClient {
    constructor(
        private readonly url: string,
        private readonly credentials?: RegistryCredentials,
        /** Default: directly, or through the environment's proxy. */
        private readonly transport: Transport = outgoing(),
    ) {}

    /** Sends one request and reads the whole answer; no status counts as an error. */
    async request(
        method: string,
        path: string,
        options: { headers?: Record<string, string>; body?: string } = {},
    ): Promise<{ status: number; headers: Headers; text: string }> {
        const headers = { ...options.headers };
        if (this.credentials)
            headers.authorization = `Basic ${Buffer.from(`${this.credentials.username}:${this.credentials.key}`).toString("base64")}`;
        return sendOne(this.transport, onServer(this.url, path), { method, headers, body: options.body });
    }

    /**
     * Pushes a tiny image of one layer, and returns the status of the first refused request, or of the manifest's.
     */
    async push(repository: string, tag: string, content: string): Promise<number> {
        const config = "{}";
        for (const blob of [config, content]) {
            const status = await this.pushBlob(repository, blob);
            if (status !== 201) return status;
        }
        const descriptor = (mediaType: string, blob: string) => ({
            mediaType,
            digest: digestOf(blob),
            size: Buffer.byteLength(blob),
        });
        const manifest = {
            schemaVersion: 2,
            mediaType: MANIFEST_TYPE,
            config: descriptor("application/vnd.oci.empty.v1+json", config),
            layers: [descriptor("application/vnd.oci.image.layer.v1.tar", content)],
        };
        const answer = await this.request("PUT", `/v2/${repository}/manifests/${tag}`, {
            headers: { "content-type": MANIFEST_TYPE },
            body: JSON.stringify(manifest),
        });
        return answer.status;
    }

    private async pushBlob(repository: string, blob: string): Promise<number> {
        const begun = await this.request("POST", `/v2/${repository}/blobs/uploads/`);
        const upload = urlOf(begun.headers.get("location"), this.url);
        if (begun.status !== 202 || !upload) return begun.status;
        upload.searchParams.set("digest", digestOf(blob));
        const answer = await this.request("PUT", upload.pathname + upload.search, {
            headers: { "content-type": "application/octet-stream" },
            body: blob,
        });
        return answer.status;
    }

    async pull(repository: string, reference: string): Promise<number> {
        return (
            await this.request("GET", `/v2/${repository}/manifests/${reference}`, {
                headers: { accept: MANIFEST_TYPE },
            })
        ).status;
    }

    async delete(repository: string, reference: string): Promise<number> {
        return (await this.request("DELETE", `/v2/${repository}/manifests/${reference}`)).status;
    }
}

export function digestOf(content: string): string {
    return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}
