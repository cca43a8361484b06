/** An HTTP client with cookies that follows no redirect by itself: the caller inspects each step of a login. */
import { CookieJar } from "tough-cookie";
import { outgoing, type Transport } from "./outgoing";
import { type Answer, type HttpRequest, sendOne } from "./request";

export class Browser {
    // zot's state cookie is always Secure; browsers, and this jar, treat loopback as secure.
    private readonly jar = new CookieJar(undefined, { allowSecureOnLocal: true });

    /** @param transport how requests leave this machine. Default: directly, or through the environment's proxy. */
    constructor(private readonly transport: Transport = outgoing()) {}

    /** Sends one request and reads the whole answer; sends and stores cookies. */
    async send(target: string | URL, request: HttpRequest = {}): Promise<Answer> {
        const url = new URL(target);
        const cookies = await this.jar.getCookieString(url.href);
        const headers = { ...request.headers, ...(cookies ? { cookie: cookies } : {}) };
        const answer = await sendOne(this.transport, url, { ...request, headers });
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
