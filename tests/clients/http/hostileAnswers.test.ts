/** Servers that answer without an end, too slowly, or with little that becomes much: by every way out. */
import { mkdtempSync, rmSync } from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import * as zlib from "node:zlib";
import type { UnreachableError } from "../../../clients/http/failures";
import { outgoing } from "../../../clients/http/outgoing";
import { sendOne } from "../../../clients/http/request";
import { skippable } from "../../../testbed/bootstrap/toolchain.cjs";
import { noCertificates, selfSigned } from "../../support/certificates";

const folder = mkdtempSync(path.join(os.tmpdir(), "hostile-answers-"));
const servers: (http.Server | net.Server)[] = [];
afterAll(() => {
    for (const server of servers) {
        if (server instanceof http.Server) server.closeAllConnections();
        server.close();
    }
    rmSync(folder, { recursive: true, force: true });
});

async function listening<Server extends net.Server>(server: Server): Promise<number> {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
}

const serve = async (answer: http.RequestListener) => `http://127.0.0.1:${await listening(http.createServer(answer))}`;

const WAYS_OUT: [string, string | undefined, () => ReturnType<typeof outgoing>][] = [
    ["Node's own fetch", undefined, () => outgoing({}, {})],
    // Any certificate does: nothing here is asked by TLS.
    [
        "undici, as with a private authority",
        noCertificates,
        () => outgoing({ caCertificateFile: selfSigned(folder, "authority", "DNS:authority.test").cert }, {}),
    ],
];

/** A gibibyte of zeros, as `encoding` names it from the inside out. */
function bomb(...encodings: ("gzip" | "br" | "deflate")[]): Buffer {
    const pack = { gzip: zlib.gzipSync, br: zlib.brotliCompressSync, deflate: zlib.deflateSync };
    // Many members one after the other are one text to gzip.
    const first = encodings[0] === "gzip" ? 1024 : 1;
    const size = encodings[0] === "gzip" ? 1 << 20 : 1 << 26;
    const part = pack[encodings[0]!](Buffer.alloc(size));
    return encodings
        .slice(1)
        .reduce<Buffer>((inner, encoding) => pack[encoding](inner), Buffer.concat(Array<Buffer>(first).fill(part)));
}

describe.each(WAYS_OUT)("%s", (_name, reason, way) => {
    (reason ? describe.skip : describe)(skippable("an answer", reason), () => hostile(way));
});

function hostile(way: () => ReturnType<typeof outgoing>): void {
    test.each([
        [["gzip"] as const],
        [["br"] as const],
        [["gzip", "gzip"] as const],
        [["gzip", "br", "deflate"] as const],
    ])("an answer that grows when it is unpacked (%s) is left at the bound", async (encodings) => {
        const body = bomb(...encodings);
        const url = await serve((_request, response) =>
            response.writeHead(200, { "content-encoding": encodings.join(", ") }).end(body),
        );
        const before = process.memoryUsage().rss;
        await expect(sendOne(way(), url)).rejects.toThrow("sent an answer of more than 16 MiB");
        expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024);
    });

    test("a server that is silent is told by the time that it had, and by no code", async () => {
        const url = await serve(() => undefined);
        const error = (await sendOne(way(), url, { timeout: 200 }).catch(
            (thrown: unknown) => thrown,
        )) as UnreachableError;
        expect(error.message).toBe(`${url} cannot be reached: no answer within 0.2 seconds`);
        expect(error.noAnswer).toEqual({ kind: "timeout", reason: "no answer within 0.2 seconds" });
    });

    test("an answer that trickles is left when its time is over", async () => {
        const url = await serve((_request, response) => {
            const timer = setInterval(() => response.write("x"), 50);
            response.once("close", () => clearInterval(timer));
        });
        const began = Date.now();
        await expect(sendOne(way(), url, { timeout: 1000 })).rejects.toThrow("no answer within 1 seconds");
        expect(Date.now() - began).toBeLessThan(10_000);
    });

    test("headers that trickle, and headers without an end", async () => {
        for (const line of ["x: y\r\n", `x: ${"y".repeat(8000)}\r\n`]) {
            const port = await listening(
                net.createServer((socket) => {
                    socket.on("error", () => undefined);
                    socket.write("HTTP/1.1 200 OK\r\n");
                    const timer = setInterval(() => socket.write(line), 20);
                    socket.once("close", () => clearInterval(timer));
                }),
            );
            await expect(sendOne(way(), `http://127.0.0.1:${port}`, { timeout: 1500 })).rejects.toThrow(
                /no answer within 1.5 seconds|Headers Overflow|headers/i,
            );
        }
    });
}
