/**
 * A proxy on loopback in front of a server, which keeps the host name that was asked for, notes every request, and acts
 * where a test says so.
 */
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";

export interface SeenRequest {
    method: string;
    /** Without the query. */
    path: string;
    query: URLSearchParams;
    headers: http.IncomingHttpHeaders;
    body: string;
}

/** What a test does about a request: answer it in the server's place, or let it through and then cut the connection. */
export type Deed = { status: number; body?: string; headers?: Record<string, string> } | "cut before" | "cut after";

export interface Gate {
    url: string;
    requests: SeenRequest[];
    /** Called before a request is forwarded. */
    before: ((request: SeenRequest) => Deed | undefined | Promise<Deed | undefined>) | ((request: SeenRequest) => void);
    /** Called once the server has answered, before the answer is passed on; may change its headers. */
    after: (
        request: SeenRequest,
        answer: { status: number; headers: http.OutgoingHttpHeaders },
    ) => void | Promise<void>;
    reset(): void;
    stop(): Promise<void>;
}

/**
 * @param upstream asked at each request, so that the server may be put in place later
 * @param tls the certificate of a gate that speaks TLS, as a proxy in front of a registry does
 */
export async function startGate(upstream: () => string, tls?: { cert: Buffer; key: Buffer }): Promise<Gate> {
    const gate: Gate = {
        url: "",
        requests: [],
        before: () => undefined,
        after: () => undefined,
        reset() {
            gate.requests.length = 0;
            gate.before = () => undefined;
            gate.after = () => undefined;
        },
        stop: async () => {
            server.closeAllConnections();
            await new Promise((resolve) => server.close(resolve));
        },
    };
    const handle = async (incoming: http.IncomingMessage, outgoing: http.ServerResponse) => {
        const chunks: Buffer[] = [];
        for await (const chunk of incoming) chunks.push(chunk as Buffer);
        const body = Buffer.concat(chunks);
        const url = new URL(incoming.url ?? "/", "http://gate");
        const request: SeenRequest = {
            method: incoming.method ?? "",
            path: url.pathname,
            query: url.searchParams,
            headers: incoming.headers,
            body: body.toString(),
        };
        gate.requests.push(request);
        const deed = await gate.before(request);
        if (deed === "cut before") return void incoming.socket.destroy();
        if (deed && deed !== "cut after") {
            outgoing.writeHead(deed.status, deed.headers);
            return void outgoing.end(deed.body ?? "");
        }
        const target = new URL(upstream());
        const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
            const forwarded = http.request(
                {
                    host: target.hostname,
                    port: target.port,
                    method: incoming.method,
                    path: incoming.url,
                    headers: incoming.headers,
                    agent: false,
                },
                resolve,
            );
            forwarded.once("error", reject);
            forwarded.end(body);
        });
        const answered: Buffer[] = [];
        for await (const chunk of answer) answered.push(chunk as Buffer);
        const headers: http.OutgoingHttpHeaders = { ...answer.headers };
        delete headers["transfer-encoding"];
        delete headers.connection;
        await gate.after(request, { status: answer.statusCode ?? 0, headers });
        if (deed === "cut after") return void incoming.socket.destroy();
        outgoing.writeHead(answer.statusCode ?? 502, headers);
        outgoing.end(Buffer.concat(answered));
    };
    const listener: http.RequestListener = (incoming, outgoing) => {
        handle(incoming, outgoing).catch((error: unknown) => {
            // The server behind is not there: neither is the gate.
            void error;
            incoming.socket.destroy();
        });
    };
    const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
    // A connection that is closed just when zot sends a request on it is an error of its own, and not what a test asked
    // for.
    server.keepAliveTimeout = 600_000;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    gate.url = `${tls ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return gate;
}
