/** An HTTP client with cookies that follows no redirect by itself: the steps of a login are looked at one by one. */
import { CookieJar } from "tough-cookie";
import { outsideText } from "../outsideText";
import { outgoing, type Send, UnreachableError } from "./outgoing";

export interface Answer {
    url: URL;
    status: number;
    headers: Headers;
    text: string;
    /** Where a redirect points, absolute. */
    location: URL | undefined;
}

export interface BrowserRequest {
    method?: "GET" | "POST" | "PUT" | "DELETE";
    headers?: Record<string, string>;
    /** Sent as JSON. */
    json?: unknown;
}

export { UnreachableError };

/** How long one request may take, in milliseconds: an identity provider that answers slower has a problem of its own. */
const REQUEST_TIMEOUT = 30_000;

export class Browser {
    // zot's state cookie is always Secure; browsers, and this jar, count loopback as secure.
    private readonly jar = new CookieJar(undefined, { allowSecureOnLocal: true });

    /** @param way how requests leave this machine. Default: directly, or through the environment's proxy. */
    constructor(private readonly way: Send = outgoing()) {}

    /** Sends one request and reads the answer whole; cookies are sent and kept. */
    async send(target: string | URL, request: BrowserRequest = {}): Promise<Answer> {
        const url = new URL(target);
        const cookies = await this.jar.getCookieString(url.href);
        const headers = { ...request.headers, ...(cookies ? { cookie: cookies } : {}) };
        const answer = await sendOne(this.way, url, { ...request, headers });
        for (const cookie of answer.headers.getSetCookie())
            await this.jar.setCookie(cookie, url.href, { ignoreError: true });
        return answer;
    }

    /** The value of a cookie that would be sent to a URL. */
    async cookie(url: string | URL, name: string): Promise<string | undefined> {
        const cookies = await this.jar.getCookies(new URL(url).href);
        return cookies.find((cookie) => cookie.key === name)?.value;
    }
}

/**
 * Sends one request without cookies and reads the answer whole.
 *
 * @throws UnreachableError where no answer comes.
 */
export async function sendOne(way: Send, target: string | URL, request: BrowserRequest = {}): Promise<Answer> {
    const url = new URL(target);
    const headers: Record<string, string> = { accept: "*/*", ...request.headers };
    if (request.json !== undefined) headers["content-type"] = "application/json";
    try {
        const response = await way(url, {
            method: request.method ?? "GET",
            headers,
            body: request.json === undefined ? undefined : JSON.stringify(request.json),
            signal: AbortSignal.timeout(REQUEST_TIMEOUT),
        });
        const location = response.headers.get("location");
        return {
            url,
            status: response.status,
            headers: response.headers,
            text: await response.text(),
            location: location !== null && URL.canParse(location, url.href) ? new URL(location, url) : undefined,
        };
    } catch (error) {
        if (error instanceof UnreachableError) throw error;
        throw new UnreachableError(`${url.origin} cannot be reached: ${reasonOf(error)}`);
    }
}

/**
 * By how many milliseconds the clock of the machine that answered is ahead of this one's, to half a second; undefined where it did not say.
 */
export function clockAhead(answer: Pick<Answer, "headers">, now: number = Date.now()): number | undefined {
    const date = Date.parse(answer.headers.get("date") ?? "");
    // The header has whole seconds, cut off.
    return Number.isNaN(date) ? undefined : date + 500 - now;
}

const UNTRUSTED =
    /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?)$/;

function reasonOf(error: unknown): string {
    const cause = causeOf(error);
    if (cause.name === "TimeoutError") return `no answer within ${REQUEST_TIMEOUT / 1000} seconds`;
    const code = cause.code ?? "";
    if (UNTRUSTED.test(code))
        return `its certificate is of an authority that is not trusted here (${code}); for a private one set NODE_EXTRA_CA_CERTS in the environment to its PEM file`;
    if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID")
        return `its certificate is not valid now (${code}); renew it, or set the clock here`;
    return outsideText(cause.message || code || error);
}

/** The error below a fetch's; a host with several addresses fails with one error for each. */
function causeOf(error: unknown): Partial<NodeJS.ErrnoException> {
    let cause = (error ?? {}) as Partial<NodeJS.ErrnoException> & { errors?: unknown[] };
    for (;;) {
        const inner = cause.cause ?? cause.errors?.[0];
        if (typeof inner !== "object" || inner === null) return cause;
        cause = inner;
    }
}
