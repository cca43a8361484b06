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
    /** The target of a redirect, absolute. */
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
    /** Ends the request early; the abort reason is thrown unchanged. */
    cancelled?: AbortSignal;
}

/** How long an answer may take, in milliseconds: a slower identity provider has a problem. */
export const ANSWER_LIMIT = 30_000;

/**
 * Sends one request without cookies and reads the whole answer. No status counts as an error, and no redirect is
 * followed.
 *
 * @throws UnreachableError if no answer arrives
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
        // Read here, so a connection that breaks halfway is a failure of this request.
        const text = await response.text();
        return {
            url,
            status: response.status,
            headers: response.headers,
            // Messages quote the text of failures.
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

/** The body as JSON; undefined if it is not JSON. */
export function jsonOf({ text }: Pick<Answer, "text">): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

/** The answering machine's clock, in milliseconds since 1970; NaN if the answer does not say. */
const serverDate = ({ headers }: Pick<Answer, "headers">): number => Date.parse(headers.get("date") ?? "");

/** Milliseconds. A server may ask for a day; nobody watches a command that long. */
const LONGEST_RETRY_AFTER = 30_000;

/**
 * How many milliseconds to wait before the next try, if the server says so: `Retry-After` as a number of seconds or as
 * a date (RFC 9110, 10.2.3), at most 30 seconds; undefined if it names no time, or one that has passed.
 *
 * @param now milliseconds since 1970; a date is compared with the server's own clock if the answer has one
 */
export function retryAfter(answer: Pick<Answer, "headers">, now: number = Date.now()): number | undefined {
    const value = answer.headers.get("retry-after")?.trim() ?? "";
    const serverNow = serverDate(answer);
    const milliseconds = /^\d+$/.test(value)
        ? Number(value) * 1000
        : Date.parse(value) - (Number.isNaN(serverNow) ? now : serverNow);
    return milliseconds > 0 ? Math.min(milliseconds, LONGEST_RETRY_AFTER) : undefined;
}

/**
 * How many milliseconds the clock of the answering machine is ahead of ours, to half a second; undefined if the answer
 * does not say.
 */
export function clockAhead(answer: Pick<Answer, "headers">, now: number = Date.now()): number | undefined {
    const date = serverDate(answer);
    // The header is truncated to whole seconds.
    return Number.isNaN(date) ? undefined : date + 500 - now;
}
