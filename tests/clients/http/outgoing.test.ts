/** Requests through a proxy, and to a server whose certificate is of a private authority. */
import * as fs from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { Browser } from "../../../clients/http/browser";
import { UnreachableError } from "../../../clients/http/failures";
import { LARGEST_ANSWER, outgoing } from "../../../clients/http/outgoing";
import { clockAhead, sendOne } from "../../../clients/http/request";
import { contentOf, selfSigned, signed } from "../../support/certificates";

let folder: string;
let ca: string;
let secure: https.Server;
let secureUrl: string;
let proxy: http.Server;
let proxyUrl: string;
const tunnels: string[] = [];

beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "outgoing-"));
    const authority = selfSigned(folder, "authority", "DNS:authority.test");
    ca = authority.cert;
    secure = https.createServer(
        contentOf(signed(folder, authority, "registry.test", "DNS:registry.test,IP:127.0.0.1")),
        (request, response) => {
            response.writeHead(302, { location: "/next", "set-cookie": "session=1; Secure; HttpOnly" });
            response.end(`${request.method} ${request.headers.host} ${request.headers.cookie ?? "no cookie"}`);
        },
    );
    await new Promise<void>((resolve) => secure.listen(0, "127.0.0.1", resolve));
    secureUrl = `https://127.0.0.1:${(secure.address() as AddressInfo).port}`;

    // Whatever host is asked for, it is the server above: names need not resolve here.
    proxy = http.createServer((_request, response) => response.writeHead(405).end());
    proxy.on("connect", (request, socket: net.Socket) => {
        tunnels.push(request.url!);
        const upstream = net.connect((secure.address() as AddressInfo).port, "127.0.0.1", () => {
            socket.write("HTTP/1.1 200 OK\r\n\r\n");
            upstream.pipe(socket).pipe(upstream);
        });
        upstream.on("error", () => socket.destroy());
        socket.on("error", () => upstream.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
});
afterAll(async () => {
    secure?.closeAllConnections();
    proxy?.closeAllConnections();
    await Promise.all([secure, proxy].map((server) => new Promise((resolve) => server?.close(resolve))));
    fs.rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => void tunnels.splice(0));

test("a server with a private authority is refused, with what to do", async () => {
    await expect(sendOne(outgoing({}, {}), secureUrl)).rejects.toThrow(
        /authority that is not trusted here .*NODE_EXTRA_CA_CERTS/,
    );
    await expect(sendOne(outgoing({}, {}), secureUrl)).rejects.toBeInstanceOf(UnreachableError);
});

test("with the authority's file it is trusted; redirects are not followed, and cookies are kept", async () => {
    const browser = new Browser(outgoing({ caCertificateFile: ca }, {}));
    const first = await browser.send(`${secureUrl}/login`);
    expect([first.status, first.location?.href]).toEqual([302, `${secureUrl}/next`]);
    expect((await browser.send(`${secureUrl}/login`, { method: "POST", json: {} })).text).toMatch(
        /^POST 127\.0\.0\.1:\d+ session=1$/,
    );
    expect(Math.abs(clockAhead(first)!)).toBeLessThan(2_000);
});

test("a file of authorities that is not there is an error at once", () => {
    expect(() => outgoing({ caCertificateFile: path.join(folder, "missing.pem") }, {})).toThrow(/ENOENT/);
});

test.each([
    ["a setting", () => outgoing({ caCertificateFile: ca, proxy: proxyUrl }, {})],
    ["the environment", () => outgoing({ caCertificateFile: ca }, { HTTPS_PROXY: proxyUrl })],
    ["the environment in small letters", () => outgoing({ caCertificateFile: ca }, { https_proxy: proxyUrl })],
])("a proxy of %s is gone through, and what is beyond it is checked", async (_from, transport) => {
    const answer = await sendOne(transport(), "https://registry.test/v2/");
    expect(answer.text).toBe("GET registry.test no cookie");
    expect(tunnels).toEqual(["registry.test:443"]);
    await expect(sendOne(transport(), "https://other.test/")).rejects.toThrow(UnreachableError);
});

test("loopback, and what NO_PROXY names, are reached directly", async () => {
    const transport = outgoing({ caCertificateFile: ca, proxy: proxyUrl }, { NO_PROXY: "direct.test" });
    expect((await sendOne(transport, secureUrl)).status).toBe(302);
    await expect(sendOne(transport, "https://direct.test/")).rejects.toThrow(UnreachableError);
    expect(tunnels).toEqual([]);
});

test("nothing is written to standard error for it", () => {
    const warnings = jest.spyOn(process, "emitWarning");
    outgoing({ proxy: proxyUrl }, {});
    expect(warnings).not.toHaveBeenCalled();
    warnings.mockRestore();
});

jest.setTimeout(60_000);

describe("what is sent and what is read has bounds", () => {
    const signal = () => AbortSignal.timeout(30_000);

    test.each(["authorization", "Cookie", "PRIVATE-TOKEN"])(
        "%s is not sent over plain http to another machine",
        async (name) => {
            const sent = outgoing({}, {})(new URL("http://registry.test/v2/"), {
                method: "GET",
                headers: { [name]: "canary-4711" },
                signal: signal(),
            });
            await expect(sent).rejects.toThrow(
                /nothing was sent to http:\/\/registry\.test: over plain http, the credential/,
            );
            await expect(sent).rejects.toBeInstanceOf(UnreachableError);
            await expect(sent).rejects.not.toThrow(/canary-4711/);
        },
    );

    test("nor through a proxy, which would read it", async () => {
        const send = outgoing({ proxy: proxyUrl }, {});
        await expect(
            send(new URL("http://registry.test/v2/"), {
                method: "GET",
                headers: { authorization: "x" },
                signal: signal(),
            }),
        ).rejects.toThrow(/nothing was sent/);
        expect(tunnels).toEqual([]);
    });

    describe("with a server that never stops", () => {
        let endless: http.Server;
        let url: string;
        let written = 0;
        let closed: Promise<void>;
        beforeAll(async () => {
            const chunk = Buffer.alloc(1024 * 1024, "x");
            endless = http.createServer((_request, response) => {
                written = 0;
                closed = new Promise((resolve) => response.once("close", resolve));
                const more = () => {
                    while (!response.destroyed && response.write(chunk)) written += chunk.length;
                    written += chunk.length;
                };
                response.on("drain", more);
                more();
            });
            await new Promise<void>((resolve) => endless.listen(0, "127.0.0.1", resolve));
            url = `http://127.0.0.1:${(endless.address() as AddressInfo).port}`;
        });
        afterAll(() => {
            endless.closeAllConnections();
            endless.close();
        });

        test("no more than the bound is read, and the connection is ended", async () => {
            await expect(sendOne(outgoing({}, {}), url)).rejects.toThrow(
                /sent an answer of more than 16 MiB, and the rest was not read/,
            );
            await closed;
            expect(written).toBeLessThan(LARGEST_ANSWER + 32 * 1024 * 1024);
        });
    });
});
