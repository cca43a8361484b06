/** A proxy on loopback in front of an Authentik, which notes every request and spoils the answers that a test names. */
import * as http from "node:http";
import type { AddressInfo } from "node:net";

export interface SeenRequest {
    method: string;
    /** Without the query. */
    path: string;
    query: URLSearchParams;
    headers: http.IncomingHttpHeaders;
    body: unknown;
}

/** What becomes of a request. `afterwards` forwards it first, so that what it writes is written. */
export type Fault =
    | { afterwards: "cut the connection" | { status: number; body?: string; type?: string } }
    | {
          instead:
              | "cut the connection"
              | { status: number; body?: string; type?: string; headers?: Record<string, string> };
      };

export interface FaultyProxy {
    url: string;
    requests: SeenRequest[];
    /** Decides about each request from now on; undefined lets it through. */
    fault: (request: SeenRequest) => Fault | undefined | Promise<Fault | undefined>;
    stop(): Promise<void>;
}

export async function startFaultyProxy(upstream: string): Promise<FaultyProxy> {
    const proxy: Omit<FaultyProxy, "url" | "stop"> = { requests: [], fault: () => undefined };
    const server = http.createServer(async (incoming, outgoing) => {
        const chunks: Buffer[] = [];
        for await (const chunk of incoming) chunks.push(chunk as Buffer);
        const body = Buffer.concat(chunks);
        const url = new URL(incoming.url ?? "/", "http://proxy");
        const request: SeenRequest = {
            method: incoming.method ?? "",
            path: url.pathname,
            query: url.searchParams,
            headers: incoming.headers,
            body: body.length > 0 ? JSON.parse(body.toString()) : undefined,
        };
        proxy.requests.push(request);
        const fault = await proxy.fault(request);
        const answer = (
            spoilt:
                | "cut the connection"
                | { status: number; body?: string; type?: string; headers?: Record<string, string> },
        ) => {
            if (spoilt === "cut the connection") {
                incoming.socket.destroy();
                return;
            }
            outgoing.writeHead(spoilt.status, { "content-type": spoilt.type ?? "text/plain", ...spoilt.headers });
            outgoing.end(spoilt.body ?? "");
        };
        if (fault && "instead" in fault) return answer(fault.instead);
        const headers = new Headers();
        for (const name of ["authorization", "content-type", "accept"]) {
            const value = incoming.headers[name];
            if (typeof value === "string") headers.set(name, value);
        }
        const upstreamUrl = new URL(`${url.pathname}${url.search}`, upstream);
        const response = await fetch(upstreamUrl, {
            method: request.method,
            headers,
            redirect: "manual",
            ...(body.length > 0 ? { body } : {}),
        });
        const text = await response.text();
        if (fault) return answer(fault.afterwards);
        outgoing.writeHead(response.status, { "content-type": response.headers.get("content-type") ?? "text/plain" });
        outgoing.end(text);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return Object.assign(proxy, {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        stop: async () => {
            server.closeAllConnections();
            await new Promise((resolve) => server.close(resolve));
        },
    });
}
