/**
 * Checks what exists in a repository. A manifest is requested with HEAD and read as a blob: zot counts a GET of a
 * manifest as a pull, which retention may depend on (`pulledWithin`).
 */
import { UnreachableError } from "../../../clients/http/failures";
import { everyPage } from "../../../clients/http/paging";
import { retryAfter } from "../../../clients/http/request";
import { retrying } from "../../../clients/http/retry";
import { digestOf } from "../../../clients/zot/registry";
import { ACCEPTED, parsed, type Registry, type RegistryAnswer } from "../registry";

/** What is wrong with a part. */
export type Fault =
    /** Nothing of it exists. */
    | "gone"
    /** Its bytes exist until garbage collection, but zot no longer knows them as a manifest. */
    | "forgotten"
    | "of another size"
    | "of other content"
    /** The registry answers with an internal error. */
    | "unreadable";

/** An OCI descriptor, reduced to what is used. */
export interface Descriptor {
    mediaType?: string;
    digest: string;
    size?: number;
    artifactType?: string;
    /** Where else it can be fetched; such a layer need not exist here. */
    urls?: string[];
    /** The content itself; then it need not exist here either. */
    data?: string;
    platform?: { os?: string; architecture?: string; variant?: string };
    annotations?: Record<string, string>;
}

/** An image, an index or an artifact. */
export interface Manifest {
    manifests?: Descriptor[];
    config?: Descriptor;
    layers?: Descriptor[];
    subject?: Descriptor;
}

/** What could not be asked, in words. It says nothing about what exists. */
export class Unread extends Error {}

/** The same, but another attempt may succeed. */
class Passing extends Unread {
    /** Milliseconds until then, if the server says so. */
    readonly pause: number | undefined;

    constructor(message: string, pause?: number) {
        super(message);
        this.pause = pause === undefined ? undefined : Math.min(pause, 30_000);
    }
}

/** Milliseconds before a request is repeated. */
const PAUSE = 500;
const ATTEMPTS = 3;
/** Statuses seen while zot, or something in front of it, is busy. */
const IN_PASSING = [429, 502, 503, 504];

/** One repository; answers are remembered. */
export class Repository {
    private readonly manifests = new Map<string, Promise<FoundManifest>>();
    private readonly blobs = new Map<string, Promise<Fault | undefined>>();
    private readonly lists = new Map<string, Promise<Descriptor[] | undefined>>();

    constructor(
        private readonly registry: Registry,
        readonly name: string,
    ) {}

    /** The tags, page by page. @throws Unread */
    async tags(): Promise<string[]> {
        const page = async (path: string) => {
            const answer = await this.ask("GET", path);
            if (answer.status === 404) return { items: [], next: undefined };
            if (answer.status !== 200) throw this.unread(answer, path);
            return {
                items: parsed<{ tags?: string[] | null }>(answer)?.tags ?? [],
                next: this.registry.nextPage(answer),
            };
        };
        return everyPage(`The tags of ${this.name}`, page, `/v2/${this.name}/tags/list`);
    }

    /** @param reference a tag or a digest. @throws Unread */
    manifest(reference: string): Promise<FoundManifest> {
        return remembered(this.manifests, reference, () => this.readManifest(reference));
    }

    private async readManifest(reference: string): Promise<FoundManifest> {
        const isDigest = reference.includes(":");
        const path = `/v2/${this.name}/manifests/${reference}`;
        const head = await this.ask("HEAD", path, { accept: ACCEPTED });
        const digest = head.headers.get("docker-content-digest") ?? (isDigest ? reference : "");
        if (head.status === 404) {
            const isStored = isDigest && (await this.ask("HEAD", `/v2/${this.name}/blobs/${reference}`)).status === 200;
            return { digest, fault: isStored ? "forgotten" : "gone" };
        }
        if (head.status >= 500) return { digest, fault: "unreadable" };
        if (head.status !== 200 || digest === "") throw this.unread(head, path);
        const blob = await this.ask("GET", `/v2/${this.name}/blobs/${digest}`);
        if (blob.status === 404) return { digest, fault: "gone" };
        if (blob.status !== 200) throw this.unread(blob, `/v2/${this.name}/blobs/${digest}`);
        if (digest.startsWith("sha256:") && digestOf(blob.text) !== digest)
            return { digest, fault: "of other content" };
        const manifest = parsed<Manifest>(blob);
        return manifest === undefined ? { digest, fault: "of other content" } : { digest, manifest };
    }

    /** What is wrong with a blob; undefined if nothing is. @throws Unread */
    blob({ digest, size }: Descriptor): Promise<Fault | undefined> {
        return remembered(this.blobs, `${digest} ${size}`, async () => {
            const path = `/v2/${this.name}/blobs/${digest}`;
            const answer = await this.ask("HEAD", path);
            if (answer.status === 404) return "gone";
            if (answer.status >= 500) return "unreadable";
            if (answer.status !== 200) throw this.unread(answer, path);
            const length = answer.headers.get("content-length");
            return size !== undefined && length !== null && Number(length) !== size ? "of another size" : undefined;
        });
    }

    /**
     * The manifests with this digest as their subject: signatures, attestations and the like. Undefined if zot does not
     * list them: it lists none for any digest of a repository with a manifest whose bytes are gone (zot 2.1.20: 404).
     * @throws Unread
     */
    referrers(digest: string): Promise<Descriptor[] | undefined> {
        return remembered(this.lists, digest, async () => {
            const path = `/v2/${this.name}/referrers/${digest}`;
            const answer = await this.ask("GET", path);
            if (answer.status === 404 || answer.status >= 500) return undefined;
            if (answer.status !== 200) throw this.unread(answer, path);
            return parsed<Manifest>(answer)?.manifests ?? [];
        });
    }

    /** @throws Unread if no answer comes, or a meaningless one */
    private async ask(method: string, path: string, headers: Record<string, string> = {}): Promise<RegistryAnswer> {
        const once = async () => {
            const answer = await this.registry.request(method, path, { headers }).catch((error: unknown) => {
                throw error instanceof UnreachableError ? new Passing(error.message) : error;
            });
            if (!IN_PASSING.includes(answer.status)) return answer;
            throw new Passing(this.unread(answer, path).message, retryAfter(answer));
        };
        return retrying(once, {
            worth: (error) => (error instanceof Passing ? { attempts: ATTEMPTS, pause: error.pause } : undefined),
            firstPause: PAUSE,
        });
    }

    private unread({ status }: RegistryAnswer, path: string): Unread {
        const because = status === 401 || status === 403 ? ", so that not everyone may read it" : "";
        return new Unread(`${path} was answered with ${status}${because}`);
    }
}

/** A manifest, or what is wrong with it; without a digest if only a tag is known. */
export type FoundManifest = { digest: string } & ({ manifest: Manifest; fault?: never } | { fault: Fault });

function remembered<Key, Value>(known: Map<Key, Promise<Value>>, key: Key, ask: () => Promise<Value>): Promise<Value> {
    const found = known.get(key) ?? ask();
    known.set(key, found);
    return found;
}
