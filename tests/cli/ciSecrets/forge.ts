/**
 * Forgejo's, Gitea's and GitHub's APIs for Actions secrets, as far as the command uses them, by their published
 * descriptions. They are strict: what is not asked as it should be is answered with an error and noted. GitHub's opens
 * the sealed boxes it is sent.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import sodium from "libsodium-wrappers";

export interface Kept {
    value: string;
    visibility?: string;
    selected?: number[];
}

interface Request {
    method: string;
    path: string;
    query: URLSearchParams;
    authorization: string;
    headers: IncomingMessage["headers"];
    body: Record<string, unknown>;
}

interface Reply {
    status: number;
    json?: unknown;
    headers?: Record<string, string>;
}

export interface ForgeOptions {
    token: string;
    tls?: { key: string; cert: string };
    /** The most entries on one page, whatever was asked for. */
    pageSize?: number;
    /** What the token may not: of a token that reads. */
    readOnly?: boolean;
    /** Every refusal repeats what it was sent, as a proxy with a debug page may. */
    repeats?: boolean;
}

export abstract class Forge {
    /** By `owner/repository` or `organisation`. */
    readonly secrets = new Map<string, Map<string, Kept>>();
    readonly variables = new Map<string, Map<string, Kept>>();
    /** `PUT /repos/…`, in the order in which they came. */
    readonly seen: string[] = [];
    /** Answers instead of the next requests. */
    readonly instead: Reply[] = [];
    private failure: [end: string, reply: Reply] | undefined;
    private server!: Server;
    url = "";

    constructor(protected readonly options: ForgeOptions) {}

    async listen(): Promise<this> {
        const listener: RequestListener = (request, response) => void this.serve(request, response);
        this.server = this.options.tls ? createTlsServer(this.options.tls, listener) : createServer(listener);
        await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
        this.url = `${this.options.tls ? "https" : "http"}://127.0.0.1:${this.port}`;
        return this;
    }

    get port(): number {
        return (this.server.address() as AddressInfo).port;
    }

    async close(): Promise<void> {
        this.server.closeAllConnections();
        await new Promise((resolve) => this.server.close(resolve));
    }

    /** Answers so to what would write at the end of this path. */
    failAt(end: string, reply: Reply): void {
        this.failure = [end, reply];
    }

    /** Makes a place where secrets may be put. */
    has(place: string, secrets: Record<string, Kept> = {}, variables: Record<string, Kept> = {}): void {
        this.secrets.set(place, new Map(Object.entries(secrets)));
        this.variables.set(place, new Map(Object.entries(variables)));
    }

    private async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
        const chunks: Buffer[] = [];
        for await (const chunk of incoming) chunks.push(chunk as Buffer);
        const url = new URL(incoming.url ?? "/", "http://forge");
        const method = incoming.method ?? "";
        this.seen.push(`${method} ${url.pathname}`);
        const text = Buffer.concat(chunks).toString();
        const reply =
            this.instead.shift() ??
            (/^P/.test(method) && this.failure && `${method} ${url.pathname}`.endsWith(this.failure[0])
                ? { ...this.failure[1] }
                : undefined) ??
            this.answer({
                method,
                path: url.pathname,
                query: url.searchParams,
                authorization: incoming.headers.authorization ?? "",
                headers: incoming.headers,
                body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>),
            });
        if (this.options.repeats && reply.status >= 400)
            reply.json = {
                message:
                    `refused: ${text} ${JSON.stringify(incoming.headers)} ` +
                    `${Buffer.from(`x:${this.options.token}`).toString("base64")}`,
            };
        response.writeHead(reply.status, {
            ...(reply.json === undefined ? {} : { "content-type": "application/json; charset=utf-8" }),
            ...reply.headers,
        });
        response.end(reply.json === undefined ? undefined : JSON.stringify(reply.json));
    }

    private answer(request: Request): Reply {
        if (
            this.options.readOnly &&
            request.method !== "GET" &&
            request.authorization === `token ${this.options.token}`
        )
            return { status: 403, json: { message: "token does not have at least one of required scope(s)" } };
        if (request.authorization !== `token ${this.options.token}`)
            return { status: 401, json: { message: "invalid username, password or token" } };
        if (Object.keys(request.body).length > 0 && !/^application\/json\b/.test(request.headers["content-type"] ?? ""))
            return { status: 415, json: { message: "JSON is wanted" } };
        const found = new RegExp(
            `^${this.prefix()}/(?:repos/([^/]+/[^/]+)|orgs/([^/]+))/actions/(secrets|variables)(?:/(.+))?$`,
        ).exec(request.path);
        if (!found) return { status: 404, json: { message: "Not Found" } };
        const [, repository, organisation, kind, rest] = found;
        const entries = this[kind as "secrets" | "variables"].get((repository ?? organisation)!);
        if (!entries) return { status: 404, json: { message: "GetUserByName" } };
        return this.about(kind as "secrets" | "variables", entries, rest, request, organisation !== undefined);
    }

    protected abstract prefix(): string;
    protected abstract about(
        kind: "secrets" | "variables",
        entries: Map<string, Kept>,
        rest: string | undefined,
        request: Request,
        ofOrganisation: boolean,
    ): Reply;
}

export class ForgejoStandIn extends Forge {
    protected prefix(): string {
        return "/api/v1";
    }

    protected about(
        kind: "secrets" | "variables",
        entries: Map<string, Kept>,
        name: string | undefined,
        { method, query, body }: Request,
    ): Reply {
        if (name === undefined) {
            if (method !== "GET") return { status: 405 };
            const size = Math.min(Number(query.get("limit") ?? 30), this.options.pageSize ?? 50);
            const from = (Number(query.get("page") ?? 1) - 1) * size;
            // A secret is listed without what it holds.
            const list = [...entries]
                .slice(from, from + size)
                .map(([entry, { value }]) =>
                    kind === "secrets"
                        ? { name: entry, created_at: "2026-01-01T00:00:00Z" }
                        : { name: entry, data: value },
                );
            return { status: 200, json: list, headers: { "x-total-count": String(entries.size) } };
        }
        if (!/^[A-Z_][A-Z0-9_]*$/.test(name)) return { status: 400, json: { message: "invalid name" } };
        const known = entries.get(name);
        if (method === "DELETE")
            return entries.delete(name)
                ? { status: 204 }
                : { status: 404, json: { message: "resource does not exist" } };
        if (kind === "secrets") {
            if (method !== "PUT") return { status: 405 };
            if (typeof body.data !== "string" || body.data === "")
                return { status: 422, json: { message: "[Data]: Required" } };
            entries.set(name, { value: body.data });
            return { status: known ? 204 : 201 };
        }
        switch (method) {
            case "GET":
                return known
                    ? { status: 200, json: { owner_id: 0, repo_id: 1, name, data: known.value } }
                    : { status: 404, json: { message: "resource does not exist" } };
            case "POST":
                if (known) return { status: 409, json: { message: "variable name already exists" } };
                break;
            case "PUT":
                if (!known) return { status: 404, json: { message: "resource does not exist" } };
                break;
            default:
                return { status: 405 };
        }
        if (typeof body.value !== "string") return { status: 422, json: { message: "[Value]: Required" } };
        // Forgejo's kind of refusal, measured on 9.1-dev.
        if (name.startsWith("CI")) return { status: 400, json: { message: "env name cannot be ci" } };
        entries.set(name, { value: body.value });
        return { status: 204 };
    }
}

export class GitHubStandIn extends Forge {
    private readonly keys = sodium.crypto_box_keypair();
    static readonly KEY_ID = "568250167242549743";

    /** libsodium must be ready first. */
    static async open(options: ForgeOptions): Promise<GitHubStandIn> {
        await sodium.ready;
        return new GitHubStandIn(options).listen();
    }

    protected prefix(): string {
        return "";
    }

    protected about(
        kind: "secrets" | "variables",
        entries: Map<string, Kept>,
        rest: string | undefined,
        { method, body, headers, query }: Request,
        ofOrganisation: boolean,
    ): Reply {
        if (headers["x-github-api-version"] !== "2022-11-28")
            return { status: 400, json: { message: "which version?" } };
        const { ORIGINAL } = sodium.base64_variants;
        if (kind === "secrets" && rest === "public-key" && method === "GET")
            return {
                status: 200,
                json: { key_id: GitHubStandIn.KEY_ID, key: sodium.to_base64(this.keys.publicKey, ORIGINAL) },
            };
        const [name, below] = (rest ?? "").split("/");
        const known = name ? entries.get(name) : undefined;
        if (below === "repositories" && known && method === "GET") {
            const page = Number(query.get("page"));
            const size = this.options.pageSize ?? 100;
            const ids = known.selected ?? [];
            return {
                status: 200,
                json: {
                    total_count: ids.length,
                    repositories: ids.slice((page - 1) * size, page * size).map((id) => ({ id })),
                },
            };
        }
        const visibility = () => {
            if (!ofOrganisation) return body.visibility === undefined ? {} : undefined;
            const selected = body.selected_repository_ids as number[] | undefined;
            return ["all", "private", "selected"].includes(body.visibility as string) &&
                (body.visibility === "selected") === (selected !== undefined)
                ? { visibility: body.visibility as string, ...(selected ? { selected } : {}) }
                : undefined;
        };
        if (kind === "secrets" && name) {
            if (method === "DELETE")
                return entries.delete(name) ? { status: 204 } : { status: 404, json: { message: "Not Found" } };
            if (method === "GET")
                return known
                    ? {
                          status: 200,
                          json: {
                              name,
                              created_at: "2026-01-01T00:00:00Z",
                              updated_at: "2026-01-01T00:00:00Z",
                              visibility: known.visibility,
                          },
                      }
                    : { status: 404, json: { message: "Not Found" } };
            const seen = visibility();
            if (
                method !== "PUT" ||
                body.key_id !== GitHubStandIn.KEY_ID ||
                typeof body.encrypted_value !== "string" ||
                !seen
            )
                return { status: 422, json: { message: "Validation Failed" } };
            // Throws where it was sealed for another key.
            const opened = sodium.crypto_box_seal_open(
                sodium.from_base64(body.encrypted_value, ORIGINAL),
                this.keys.publicKey,
                this.keys.privateKey,
            );
            entries.set(name, { value: sodium.to_string(opened), ...seen });
            return { status: known ? 204 : 201 };
        }
        if (kind === "variables" && !name && method === "POST") {
            const seen = visibility();
            if (typeof body.name !== "string" || typeof body.value !== "string" || !seen)
                return { status: 422, json: { message: "Validation Failed" } };
            if (entries.has(body.name)) return { status: 409, json: { message: "Already exists" } };
            entries.set(body.name, { value: body.value, ...seen });
            return { status: 201, json: {} };
        }
        if (kind === "variables" && name) {
            if (!known) return { status: 404, json: { message: "Not Found" } };
            if (method === "GET")
                return { status: 200, json: { name, value: known.value, visibility: known.visibility } };
            if (method === "PATCH" && typeof body.value === "string" && body.name === name) {
                entries.set(name, { ...known, value: body.value });
                return { status: 204 };
            }
        }
        return { status: 404, json: { message: "Not Found" } };
    }
}
