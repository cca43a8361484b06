/** Requests that the stand-in sends itself: to the identity provider and to upstream registries. */
import * as http from "node:http";
import * as https from "node:https";

export interface OutgoingOptions {
    method?: "GET" | "POST";
    headers?: Record<string, string>;
    body?: string;
    /** Whether a certificate must be one we trust; default true. */
    tlsVerify?: boolean;
    /** Milliseconds without any answer; default 30 s. */
    timeout?: number;
}

/** Sends a request, without following redirects. The body is left to be read. */
export function send(
    url: string,
    { method = "GET", headers, body, tlsVerify = true, timeout = 30_000 }: OutgoingOptions = {},
): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
        const request = url.startsWith("https:")
            ? https.request(url, { method, headers, rejectUnauthorized: tlsVerify })
            : http.request(url, { method, headers });
        request.setTimeout(timeout, () => request.destroy(new Error(`${url} did not answer in ${timeout / 1000} s`)));
        request.on("response", resolve);
        request.on("error", reject);
        request.end(body);
    });
}

/** Reads an answer whole. */
export async function bodyOf(answer: http.IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
}
