/** A steady load of pulls and pushes, as clients make it: every request of it, and how it was answered. */
import { randomBytes } from "node:crypto";
import { urlOf } from "../../clients/http/address";
import { outgoing, type Transport } from "../../clients/http/outgoing";
import { digestOf, RegistryClient, type RegistryCredentials } from "../../clients/zot/registry";

/** A request that was not answered as it should be. */
export interface Failure {
    what: string;
    /** A status, or why there was no answer. */
    answer: string;
    /** When, since the epoch in milliseconds. */
    at: number;
}

export interface Load {
    requests: number;
    pulls: number;
    pushes: number;
    failures: Failure[];
}

export interface LoadOptions {
    url: string;
    credentials: RegistryCredentials;
    repository: string;
    /** An image that is there: its tag. */
    tag: string;
    pullers: number;
    pushers: number;
    /** A pause of each between two images, in milliseconds. */
    pause: number;
    transport?: Transport;
}

/** Begins the load; the returned function ends it. After a failed push, another image is pushed. */
export function startLoad(options: LoadOptions): () => Promise<Load> {
    const clients = new Clients(options);
    let isOver = false;
    const repeat = async (work: () => Promise<void>) => {
        while (!isOver) {
            await work();
            await new Promise((resolve) => setTimeout(resolve, options.pause));
        }
    };
    const working = [
        ...Array.from({ length: options.pullers }, () => repeat(() => clients.pull())),
        ...Array.from({ length: options.pushers }, () => repeat(() => clients.push())),
    ];
    return async () => {
        isOver = true;
        await Promise.all(working);
        return clients.load;
    };
}

const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";

/** Each pushes one image at a time, and gives up an image if one of its requests failed. */
class Clients {
    readonly load: Load = { requests: 0, pulls: 0, pushes: 0, failures: [] };
    private readonly client;

    constructor(private readonly options: LoadOptions) {
        this.client = new RegistryClient(options.url, options.credentials, options.transport ?? outgoing());
    }

    async pull(): Promise<void> {
        const { repository, tag } = this.options;
        const manifest = await this.request("GET manifest", 200, "GET", `/v2/${repository}/manifests/${tag}`, {
            headers: { accept: MANIFEST_TYPE },
        });
        if (!manifest) return;
        const { layers } = JSON.parse(manifest.text) as { layers: { digest: string }[] };
        for (const { digest } of layers)
            if (!(await this.request("GET blob", 200, "GET", `/v2/${repository}/blobs/${digest}`))) return;
        this.load.pulls++;
    }

    async push(): Promise<void> {
        const blobs = ["{}", randomBytes(2000).toString("hex")];
        for (const blob of blobs) if (!(await this.pushBlob(blob))) return;
        const descriptor = (mediaType: string, blob: string) => ({
            mediaType,
            digest: digestOf(blob),
            size: blob.length,
        });
        const body = JSON.stringify({
            schemaVersion: 2,
            mediaType: MANIFEST_TYPE,
            config: descriptor("application/vnd.oci.empty.v1+json", blobs[0]!),
            layers: [descriptor("application/vnd.oci.image.layer.v1.tar", blobs[1]!)],
        });
        const path = `/v2/${this.options.repository}/manifests/${randomBytes(6).toString("hex")}`;
        const headers = { "content-type": MANIFEST_TYPE };
        if (await this.request("PUT manifest", 201, "PUT", path, { headers, body })) this.load.pushes++;
    }

    /** In two parts after the beginning, as clients send a layer. */
    private async pushBlob(blob: string): Promise<boolean> {
        const { url, repository } = this.options;
        const headers = { "content-type": "application/octet-stream" };
        const begun = await this.request("POST upload", 202, "POST", `/v2/${repository}/blobs/uploads/`);
        const upload = urlOf(begun?.headers.get("location") ?? null, url);
        if (!upload) return false;
        const part = await this.request("PATCH upload", 202, "PATCH", upload.pathname + upload.search, {
            headers,
            body: blob,
        });
        const next = urlOf(part?.headers.get("location") ?? null, url);
        if (!next) return false;
        next.searchParams.set("digest", digestOf(blob));
        return (await this.request("PUT upload", 201, "PUT", next.pathname + next.search, { headers })) !== undefined;
    }

    /** One request that must be answered with a given status; undefined if it was not. */
    private async request(what: string, status: number, ...request: Parameters<RegistryClient["request"]>) {
        this.load.requests++;
        const answer = await this.client.request(...request).catch((error: Error) => error);
        if (!(answer instanceof Error) && answer.status === status) return answer;
        const said = answer instanceof Error ? answer.message : `${answer.status} ${answer.text.slice(0, 200)}`;
        this.load.failures.push({ what, answer: said, at: Date.now() });
        return undefined;
    }
}
