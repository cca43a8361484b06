/** One request and its answer, read whole. */
import { withoutSent } from "../repeated";
import { urlOf } from "./address";
import { unreachable } from "./failures";
import type { Transport } from "./outgoing";

export interface Answer {
    url: URL;
    status: number;
    headers: Headers;
    text: string;
    /** Where a redirect points, absolute. */
    location: URL | undefined;
}

export interface HttpRequest {
    method?: string;
    headers?: Record<string, string>;
    /** Sent as JSON. */
    json?: unknown;
    /** Sent as it is; not beside `json`. */
    body?: string;
    /**
     * How long the answer may take, in milliseconds. Default: {@link ANSWER_LIMIT}.
     */
    timeout?: number;
    /** Ends the request earlier; what it is aborted with is thrown as it is. */
    cancelled?: AbortSignal;
}

/** How long an answer may take, in milliseconds: an identity provider that answers slower has a problem of its own. */
export const ANSWER_LIMIT = 30_000;

/**
 * Sends one request without cookies and reads the answer whole. No status is an error here, and no redirect is
 * followed.
 *
 * @throws UnreachableError where no answer comes.
 */
export async function sendOne(transport: Transport, target: string | URL, request: HttpRequest = {}): Promise<Answer> {
    const url = new URL(target);
    const { method = "GET", json, timeout = ANSWER_LIMIT, cancelled } = request;
    const headers: Record<string, string> = { accept: "*/*", ...request.headers };
    if (json !== undefined) headers["content-type"] = "application/json";
    try {
        const limit = AbortSignal.timeout(timeout);
        const body = json === undefined ? request.body : JSON.stringify(json);
        const response = await transport(url, {
            method,
            headers,
            body,
            signal: cancelled ? AbortSignal.any([limit, cancelled]) : limit,
        });
        // The whole of it now: a connection that breaks halfway is a failure of this request.
        const text = await response.text();
        return {
            url,
            status: response.status,
            headers: response.headers,
            // Messages quote what a failure says.
            text: response.status >= 400 ? withoutSent(text, { headers, body }) : text,
            location: urlOf(response.headers.get("location"), url),
        };
    } catch (error) {
        cancelled?.throwIfAborted();
        throw unreachable(url.origin, error, timeout);
    }
}

export const isJson = ({ headers }: Pick<Answer, "headers">): boolean =>
    /^application\/([\w.-]+\+)?json\b/i.test(headers.get("content-type") ?? "");

/** The body as JSON; undefined where it is none. */
export function jsonOf({ text }: Pick<Answer, "text">): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

/** Milliseconds after which the server wants to be asked again; undefined where it does not say. */
export function retryAfter({ headers }: Pick<Answer, "headers">): number | undefined {
    const milliseconds = Number(headers.get("retry-after")) * 1000;
    return milliseconds > 0 ? milliseconds : undefined;
}

/**
 * By how many milliseconds the clock of the machine that answered is ahead of this one's, to half a second; undefined
 * where it did not say.
 */
export function clockAhead(answer: Pick<Answer, "headers">, now: number = Date.now()): number | undefined {
    const date = Date.parse(answer.headers.get("date") ?? "");
    // The header has whole seconds, cut off.
    return Number.isNaN(date) ? undefined : date + 500 - now;
}
