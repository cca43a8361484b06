/** What clients and proxies meet before a handler of zot sees their request, and the little things around an answer. */
import * as net from "node:net";
import { Browser, IdentityProvider, person } from "./logins";
import { cleanUp, RunningZot, scratch, textOf, zots } from "./zots";

jest.setTimeout(60_000);

let provider: IdentityProvider;
beforeAll(async () => {
    provider = await IdentityProvider.start();
});
afterAll(async () => {
    await cleanUp();
    await provider.stop();
});

/** Sends bytes as they are; the status line and the body of what comes back. */
function raw(server: RunningZot, text: string): Promise<{ status: string; body: string }> {
    return new Promise((resolve, reject) => {
        const socket = net.connect(server.port, "127.0.0.1");
        let received = "";
        socket.setTimeout(5000, () => socket.destroy());
        socket.on("data", (chunk) => (received += String(chunk)));
        socket.on("error", reject);
        socket.on("close", () =>
            resolve({
                status: received.split("\r\n")[0]?.replace(/^HTTP\/1\.\d /, "") ?? "",
                body: received.slice(received.indexOf("\r\n\r\n") + 4),
            }),
        );
        socket.write(text);
    });
}

const get = (target: string, headers = "") =>
    `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`;

describe.each(zots)("$name", (zot) => {
    let server: RunningZot;
    beforeAll(async () => {
        const folder = scratch();
        server = await RunningZot.start(
            zot,
            (externalUrl) => ({ http: { externalUrl, auth: provider.auth(folder) } }),
            folder,
        );
        await provider.allows(server.url);
    });

    test.each<[string, string, string, string]>([
        [
            "without a host",
            "GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n",
            "400 Bad Request: missing required Host header",
            "400 Bad Request: missing required Host header",
        ],
        ["of HTTP 1.0 without a host", "GET /livez HTTP/1.0\r\n\r\n", "200 OK", "ok"],
        ["that is none", "nonsense\r\n\r\n", "400 Bad Request", "400 Bad Request"],
        ["with half an escape", get("/v2/%zz"), "400 Bad Request", "400 Bad Request"],
        [
            "with a length that is none",
            "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
            "400 Bad Request",
            "400 Bad Request",
        ],
        ["for a whole address, as to a proxy", get("http://elsewhere.example.org/livez"), "200 OK", "ok"],
        ["for anything at all", "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "200 OK", ""],
        ["with a long header", get("/livez", `X-Long: ${"x".repeat(100_000)}\r\n`), "200 OK", "ok"],
        ["with a path to clean", get("/v2/../livez"), "301 Moved Permanently", ""],
        ["with a zero in its path", get("/v2/a%00b/tags/list"), "404 Not Found", "404 page not found\n"],
    ])("a request %s", async (_, text, status, body) => {
        expect(await raw(server, text)).toEqual({ status, body });
    });

    test("two Authorization headers are no login, whatever they hold", async () => {
        const { status, body } = await raw(
            server,
            get("/v2/", "Authorization: Basic YTpi\r\nAuthorization: Basic YTpi\r\n"),
        );
        expect([status, JSON.parse(body)]).toEqual([
            "401 Unauthorized",
            expect.objectContaining({ code: "UNAUTHORIZED" }),
        ]);
    });

    test("a redirect shows a link to whoever does not follow", async () => {
        const begun = await server.request("GET", "/zot/auth/login?provider=oidc");
        expect([begun.status, begun.headers["content-type"]]).toEqual([302, "text/html; charset=utf-8"]);
        expect(textOf(begun)).toBe(`<a href="${begun.headers.location?.replaceAll("&", "&amp;")}">Found</a>.\n\n`);
        const posted = await server.request("POST", "/zot/auth/login?provider=oidc");
        expect([posted.status, textOf(posted)]).toEqual([302, ""]);
    });

    test("JSON is safe within a page", async () => {
        await provider.becomes(person("someone"));
        const browser = new Browser();
        await browser.login(server);
        const answer = await browser.page(server, "POST", "/zot/auth/logout");
        expect(textOf(answer)).toContain("\\u0026post_logout_redirect_uri=");
        expect(answer.headers["set-cookie"]).toEqual([
            "session=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0",
        ]);
    });

    test("a session that is none is told so", async () => {
        const answer = await server.request("GET", "/zot/auth/apikey", {
            headers: { "X-ZOT-API-CLIENT": "zot-ui", Cookie: "session=forged" },
        });
        expect([answer.status, answer.headers["set-cookie"], answer.headers["www-authenticate"]]).toEqual([
            401,
            ["session=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly"],
            undefined,
        ]);
    });
});
