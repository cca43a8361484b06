import type { IncomingMessage, ServerResponse } from "node:http";

import { newHexadecimal } from "./identifiers";

/** A request, read to its end. */
export interface Request {
    readonly method: string;
    /** The path without the query, as it was sent. */
    readonly path: string;
    readonly query: URLSearchParams;
    /** The query as it was sent, with its question mark, or empty. */
    readonly search: string;
    readonly headers: IncomingMessage["headers"];
    readonly cookies: Readonly<Record<string, string>>;
    readonly body: Buffer;
    /** Scheme and host as the client sees them: X-Forwarded-Proto and Host, as Authentik builds its issuer. */
    readonly origin: string;
}

/** An answer. A body that is not a string or a buffer is sent as JSON. */
export interface Answer {
    readonly status: number;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
    readonly cookies?: readonly string[];
}

const maximumBody = 4 * 1024 * 1024;

/** Reads a request. Bodies over 4 MiB are refused: nothing that the program sends comes near. */
export async function readRequest(message: IncomingMessage): Promise<Request> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of message) {
        length += (chunk as Buffer).length;
        if (length > maximumBody) throw new Error(`a request body of more than ${maximumBody} bytes`);
        chunks.push(chunk as Buffer);
    }
    const url = message.url ?? "/";
    const questionMark = url.indexOf("?");
    const search = questionMark < 0 ? "" : url.slice(questionMark);
    const scheme = message.headers["x-forwarded-proto"] === "https" ? "https" : "http";
    return {
        method: message.method ?? "GET",
        path: questionMark < 0 ? url : url.slice(0, questionMark),
        query: new URLSearchParams(search),
        search,
        headers: message.headers,
        cookies: cookiesOf(message.headers.cookie),
        body: Buffer.concat(chunks),
        origin: `${scheme}://${message.headers.host ?? "localhost"}`,
    };
}

function cookiesOf(header: string | undefined): Record<string, string> {
    const cookies: Record<string, string> = {};
    for (const part of (header ?? "").split(";")) {
        const equals = part.indexOf("=");
        if (equals > 0) cookies[part.slice(0, equals).trim()] = part.slice(equals + 1).trim();
    }
    return cookies;
}

/** Sends an answer, with the headers that Authentik sets and one that says what this is. */
export function send(response: ServerResponse, answer: Answer): void {
    response.statusCode = answer.status;
    response.setHeader("X-Powered-By", "authentik");
    response.setHeader("X-Stand-In", "authentik");
    response.setHeader("X-Authentik-Id", newHexadecimal(32));
    let body: string | Buffer | undefined;
    if (typeof answer.body === "string" || Buffer.isBuffer(answer.body)) {
        body = answer.body;
    } else if (answer.body !== undefined) {
        response.setHeader("Content-Type", "application/json");
        body = JSON.stringify(answer.body);
    }
    for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
    if (answer.cookies?.length) response.setHeader("Set-Cookie", [...answer.cookies]);
    if (answer.status !== 204) response.setHeader("Content-Length", Buffer.byteLength(body ?? ""));
    response.end(body);
}

export function json(status: number, body: unknown, extra: Partial<Answer> = {}): Answer {
    return { status, body, ...extra };
}

export function redirect(location: string, extra: Partial<Answer> = {}): Answer {
    const headers = { "Content-Type": "text/html; charset=utf-8", Location: location, ...extra.headers };
    return { status: 302, body: "", ...extra, headers };
}

/**
 * A page as Authentik frames it: the title of an error page is "authentik" alone, and its heading says what is wrong.
 */
export function page(
    status: number,
    options: { title?: string; heading?: string; message?: string },
    extra: Partial<Answer> = {},
): Answer {
    const title = options.title ?? "authentik";
    const body = `<!DOCTYPE html>
<html lang="en">
    <head><meta charset="UTF-8"><title>
${escapeHtml(title)}
</title></head>
    <body>
        ${options.heading ? `<h1>${escapeHtml(options.heading)}</h1>` : ""}
        <p>${escapeHtml(options.message ?? "")}</p>
        <p>This is a stand-in for Authentik, for tests and demonstrations.</p>
    </body>
</html>
`;
    return { status, body, ...extra, headers: { "Content-Type": "text/html; charset=utf-8", ...extra.headers } };
}

export const notFoundPage = (): Answer => page(404, { heading: "Not Found" });

/** What an unhandled error of Authentik 2026.5 looks like on a write: 405 and an empty page. */
export const emptyMethodNotAllowed = (allow = "GET, HEAD, OPTIONS"): Answer => ({
    status: 405,
    body: "",
    headers: { "Content-Type": "text/html; charset=utf-8", Allow: allow },
});

export function escapeHtml(text: string): string {
    return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
