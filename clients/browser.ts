/** An HTTP client with cookies that follows no redirect by itself: the steps of a login are looked at one by one. */
import { CookieJar } from "tough-cookie";

export interface Answer {
    url: URL;
    status: number;
    headers: Headers;
    text: string;
    /** Where a redirect points, absolute. */
    location: URL | undefined;
}

export interface BrowserRequest {
    method?: "GET" | "POST" | "DELETE";
    headers?: Record<string, string>;
    /** Sent as JSON. */
    json?: unknown;
}

/** A connection that failed, in the words of the person who must act. */
export class UnreachableError extends Error {}

/** How long one request may take, in milliseconds: an identity provider that answers slower has a problem of its own. */
const REQUEST_TIMEOUT = 30_000;

export class Browser {
    // zot's state cookie is always Secure; browsers, and this jar, count loopback as secure.
    private readonly jar = new CookieJar(undefined, { allowSecureOnLocal: true });

    /** Sends one request and reads the answer whole; cookies are sent and kept. */
    async send(target: string | URL, request: BrowserRequest = {}): Promise<Answer> {
        const url = new URL(target);
        const cookies = await this.jar.getCookieString(url.href);
        const headers: Record<string, string> = { accept: "*/*", ...request.headers };
        if (cookies) headers.cookie = cookies;
        if (request.json !== undefined) headers["content-type"] = "application/json";
        let response: Response;
        try {
            response = await fetch(url, {
                method: request.method ?? "GET",
                headers,
                body: request.json === undefined ? undefined : JSON.stringify(request.json),
                redirect: "manual",
                signal: AbortSignal.timeout(REQUEST_TIMEOUT),
            });
        } catch (error) {
            throw new UnreachableError(`${url.origin} cannot be reached: ${reasonOf(error)}`);
        }
        for (const cookie of response.headers.getSetCookie()) await this.jar.setCookie(cookie, url.href, { ignoreError: true });
        const location = response.headers.get("location");
        return {
            url,
            status: response.status,
            headers: response.headers,
            text: await response.text(),
            location: location === null ? undefined : new URL(location, url),
        };
    }

    /** The value of a cookie that would be sent to a URL. */
    async cookie(url: string | URL, name: string): Promise<string | undefined> {
        const cookies = await this.jar.getCookies(new URL(url).href);
        return cookies.find((cookie) => cookie.key === name)?.value;
    }
}

function reasonOf(error: unknown): string {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    if (cause instanceof Error && cause.name === "TimeoutError") return `no answer within ${REQUEST_TIMEOUT / 1000} seconds`;
    return cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : String(cause);
}
