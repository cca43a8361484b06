/** Requests that the stand-in sends itself: to the identity provider's discovery and to upstream registries. */
import * as http from "node:http";
import * as https from "node:https";

export interface OutgoingOptions {
    method?: "GET" | "HEAD" | "POST";
    headers?: Record<string, string>;
    body?: string;
    /** Whether a certificate must be one we trust; default true. */
    tlsVerify?: boolean;
    /** Milliseconds without any answer; default 30 s. */
    timeout?: number;
}

/** Sends a request and follows redirects, without taking credentials to another host. The body is left to be read. */
export async function send(url: string, options: OutgoingOptions = {}): Promise<http.IncomingMessage> {
    let target = new URL(url);
    let headers = options.headers ?? {};
    for (let redirects = 0; ; redirects++) {
        const answer = await sendOnce(target, { ...options, headers });
        const location = answer.headers.location;
        if (![301, 302, 303, 307, 308].includes(answer.statusCode ?? 0) || !location) return answer;
        answer.resume();
        if (redirects === 5) throw new Error(`${url}: too many redirects`);
        const next = new URL(location, target);
        if (next.host !== target.host) {
            headers = Object.fromEntries(
                Object.entries(headers).filter(([name]) => name.toLowerCase() !== "authorization"),
            );
        }
        target = next;
    }
}

function sendOnce(
    url: URL,
    { method = "GET", headers, body, tlsVerify = true, timeout = 30_000 }: OutgoingOptions,
): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
        const request =
            url.protocol === "https:"
                ? https.request(url, { method, headers, rejectUnauthorized: tlsVerify })
                : http.request(url, { method, headers });
        request.setTimeout(timeout, () =>
            request.destroy(new Error(`${url.origin} did not answer within ${timeout / 1000} s`)),
        );
        request.on("response", resolve);
        request.on("error", reject);
        request.end(body);
    });
}

/** Reads an answer whole; throws when it is longer than 16 MiB. */
export async function bodyOf(answer: http.IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
        length += chunk.length;
        if (length > 16 * 1024 * 1024) throw new Error("the answer is longer than 16 MiB");
        chunks.push(chunk);
    }
    return Buffer.concat(chunks);
}
