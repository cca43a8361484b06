/**
 * API keys of a zot user: a logged-in user makes, lists and revokes them, and a key itself may do the same (measured on
 * zot 2.1.20).
 */
import { randomBytes } from "node:crypto";
import { UnreachableError } from "../http/failures";
import type { Transport } from "../http/outgoing";
import { type Answer, type HttpRequest, sendOne } from "../http/request";
import { outsideText } from "../outsideText";
import { UserError } from "../userError";

/** An API key as zot lists it: everything except the secret. */
export interface ApiKeyRecord {
    uuid: string;
    label: string;
    /** RFC 3339. */
    createdAt: string;
    /** RFC 3339; the year 1 for a key that never expires. */
    expirationDate: string;
    isExpired: boolean;
    /** RFC 3339; the year 1 for a key that was never used. */
    lastUsed: string;
}

/** The registry refused a request about API keys. */
export class ApiKeyError extends UserError {
    constructor(
        message: string,
        readonly status: number,
    ) {
        super(message);
    }
}

/** Someone who may manage a user's API keys: a session, or the holder of one of the keys. */
export interface ApiKeys {
    readonly username: string;
    list(): Promise<ApiKeyRecord[]>;
    /** Makes a key. `expires` is required: without it a key would never expire. */
    create(label: string, expires: Date): Promise<{ key: string; record: ApiKeyRecord }>;
    /** Revokes a key. If the key is already gone, that is no error. */
    revoke(uuid: string): Promise<void>;
}

const PATH = "/zot/auth/apikey";
/** Without this header zot answers 500. */
const CLIENT = { "X-ZOT-API-CLIENT": "zot-ui" };

/** The requests about keys; `send` adds the authentication. */
export function apiKeysOver(
    registryUrl: string,
    username: string,
    send: (url: string, request: HttpRequest) => Promise<Answer>,
): ApiKeys {
    const request = async (what: string, path: string, options: HttpRequest, expected: number): Promise<Answer> => {
        const answer = await send(`${registryUrl}${path}`, { ...options, headers: CLIENT });
        if (answer.status === expected) return answer;
        const reason = outsideText(answer.text);
        if (answer.status >= 500)
            throw new UnreachableError(
                `The registry ${registryUrl} answered ${answer.status} when ` +
                    `${what}${reason ? `: ${reason}` : ""}; its log says why.`,
            );
        throw new ApiKeyError(
            `The registry ${registryUrl} answered ${answer.status} when ${what}${reason ? `: ${reason}` : ""}.`,
            answer.status,
        );
    };
    return {
        username,
        async list() {
            const answer = await request(`the API keys of ${username} were to be listed`, PATH, {}, 200);
            const { apiKeys } = parsed<{ apiKeys: ApiKeyRecord[] | null }>(answer);
            return apiKeys ?? [];
        },
        async create(label, expires) {
            // zot keeps whole seconds.
            const expirationDate = new Date(Math.ceil(expires.getTime() / 1000) * 1000)
                .toISOString()
                .replace(".000Z", "Z");
            const answer = await request(
                `an API key of ${username} was to be made`,
                PATH,
                { method: "POST", json: { label, scopes: [], expirationDate } },
                201,
            );
            const { apiKey, ...record } = parsed<ApiKeyRecord & { apiKey: string }>(answer);
            return { key: apiKey, record };
        },
        async revoke(uuid) {
            await request(
                `the API key ${uuid} of ${username} was to be revoked`,
                `${PATH}?id=${encodeURIComponent(uuid)}`,
                { method: "DELETE" },
                200,
            );
        },
    };
}

function parsed<T>(answer: Answer): T {
    try {
        return JSON.parse(answer.text) as T;
    } catch {
        throw new ApiKeyError(
            `${answer.url.origin} answered a request about API keys with something other than what zot sends; ` +
                "does a proxy in front of it ask for a login?",
            answer.status,
        );
    }
}

/** The result of asking whether a key may push. */
export type PushProof = "may push" | "not the key" | "not the right" | { status: number };

/** The holder of an API key, who may list, make and revoke its owner's keys with it. */
export class KeyHolder {
    readonly keys: ApiKeys;
    private readonly authorization: string;

    constructor(
        private readonly transport: Transport,
        private readonly registryUrl: string,
        readonly username: string,
        key: string,
    ) {
        this.authorization = `Basic ${Buffer.from(`${username}:${key}`).toString("base64")}`;
        this.keys = apiKeysOver(registryUrl, username, (url, request) => this.send(url, request));
    }

    /**
     * Whether the key may add a tag to a repository. Nothing is stored: zot checks the rights before it refuses the
     * media type with 415.
     */
    async mayPush(repository: string): Promise<PushProof> {
        const tag = `probe-${randomBytes(8).toString("hex")}`;
        const { status } = await this.send(`${this.registryUrl}/v2/${repository}/manifests/${tag}`, {
            method: "PUT",
            headers: { "content-type": "text/plain" },
        });
        if (status >= 500)
            throw new UnreachableError(
                `The registry ${this.registryUrl} answered ${status} when it was asked whether ${this.username} ` +
                    "may push; its log says why.",
            );
        return status === 415
            ? "may push"
            : status === 401
              ? "not the key"
              : status === 403
                ? "not the right"
                : { status };
    }

    private send(url: string, request: HttpRequest): Promise<Answer> {
        return sendOne(this.transport, url, {
            ...request,
            headers: { ...request.headers, authorization: this.authorization },
        });
    }
}
