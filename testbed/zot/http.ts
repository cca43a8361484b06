/** What every handler works with: one request, its answer, and the few things one does with them. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Identity } from "./authorization";

export interface Exchange {
    request: IncomingMessage;
    response: ServerResponse;
    method: string;
    /** The path as it was sent, still encoded. */
    path: string;
    query: URLSearchParams;
    /** Who asks: anonymous until the request has been authenticated. */
    who: Identity;
}

export type Handler = (exchange: Exchange) => void | Promise<void>;

export function sendStatus({ response, method }: Exchange, status: number): void {
    response.writeHead(status, method === "HEAD" ? {} : { "Content-Length": 0 });
    response.end();
}

export function sendBytes({ response, method }: Exchange, status: number, mediaType: string, body: Uint8Array): void {
    response.writeHead(status, { "Content-Type": mediaType, "Content-Length": body.length });
    response.end(method === "HEAD" ? undefined : body);
}

export function sendJson(exchange: Exchange, status: number, value: unknown): void {
    sendBytes(exchange, status, "application/json", Buffer.from(JSON.stringify(value)));
}

/** As Go's http.Error: one line of text. */
export function sendText(exchange: Exchange, status: number, text: string, end = "\n"): void {
    exchange.response.setHeader("X-Content-Type-Options", "nosniff");
    sendBytes(exchange, status, "text/plain; charset=utf-8", Buffer.from(`${text}${end}`));
}

export function redirect(exchange: Exchange, location: string): void {
    exchange.response.setHeader("Location", location);
    sendStatus(exchange, 302);
}

export function header({ request }: Exchange, name: string): string {
    const value = request.headers[name.toLowerCase()];
    return (Array.isArray(value) ? value[0] : value) ?? "";
}

export function cookie(exchange: Exchange, name: string): string | undefined {
    for (const part of header(exchange, "cookie").split(";")) {
        const [key = "", ...value] = part.trim().split("=");
        if (key === name) return value.join("=").replace(/^"(.*)"$/, "$1");
    }
    return undefined;
}

export interface CookieOptions {
    path?: string;
    /** Seconds; 0 and less tell the client to forget the cookie. */
    maxAge: number;
    httpOnly?: boolean;
    secure?: boolean;
    sameSite?: "Lax";
    /** Whether the attribute Expires goes with Max-Age. */
    expires?: boolean;
}

export function setCookie({ response }: Exchange, name: string, value: string, options: CookieOptions): void {
    const parts = [`${name}=${value}`, `Path=${options.path ?? "/"}`];
    if (options.expires) {
        const at = options.maxAge > 0 ? Date.now() + options.maxAge * 1000 : 0;
        parts.push(`Expires=${new Date(at).toUTCString()}`);
    }
    parts.push(`Max-Age=${Math.max(0, options.maxAge)}`);
    if (options.httpOnly) parts.push("HttpOnly");
    if (options.secure) parts.push("Secure");
    if (options.sameSite) parts.push(`SameSite=${options.sameSite}`);
    response.appendHeader("Set-Cookie", parts.join("; "));
}

/** The request's body, or undefined when it is longer than `limit` bytes; the rest then runs by unread. */
export function readBody({ request }: Exchange, limit: number): Promise<Buffer | undefined> {
    const chunks: Buffer[] = [];
    let length = 0;
    return new Promise((resolve, reject) => {
        request.on("data", (chunk: Buffer) => {
            length += chunk.length;
            if (length > limit) resolve(undefined);
            else chunks.push(chunk);
        });
        request.on("end", () => resolve(Buffer.concat(chunks)));
        request.on("error", reject);
        request.on("close", () => reject(new Error("the client went away before its request was complete")));
    });
}
