/** A reverse proxy on loopback that learns the credentials which pass through it: what a day makes is known by nothing else. */
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import type { Canaries } from "./canaries";

export interface RecordingProxy {
    url: string;
    /** Requests that are not passed on, but answered by 500 and all that they say, as a page for debugging has it. */
    repeats?: RegExp;
    stop(): Promise<void>;
}

/** Members of JSON whose values are secrets, and not their names or hashes. */
const MEMBERS = /^(password|key|apiKey|client_secret|access_token|id_token|refresh_token)$/;
const COOKIES = /^(session|authentik_session)$/;

/** @param name of what is behind it */
export async function startRecordingProxy(name: string, upstream: string, canaries: Canaries): Promise<RecordingProxy> {
    const { hostname, port } = new URL(upstream);
    const server = http.createServer((incoming, outgoing) => {
        if (proxy.repeats?.test(`${incoming.method} ${incoming.url}`)) return void repeat(incoming, outgoing);
        // The host stays as it was asked for: what is behind builds its addresses from it.
        const options = { hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers };
        const forwarded = http.request({ ...options, agent: false }, (response) => {
            const location = response.headers.location ?? "";
            // Where the browser is sent to, which is the registry by another address than the proxy's.
            const code = /[?&]code=([^&]+)/.exec(location)?.[1];
            if (code) canaries.learn(`a login's code from ${name}`, code);
            for (const cookie of response.headers["set-cookie"] ?? []) {
                const [, cookieName = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
                if (COOKIES.test(cookieName)) canaries.learn(`the cookie ${cookieName} of ${name}`, value);
            }
            outgoing.writeHead(response.statusCode!, response.headers);
            pass(response, outgoing, `${name}'s answer to ${what(incoming)}`);
        });
        forwarded.on("error", () => outgoing.destroy());
        pass(incoming, forwarded, `${what(incoming)} of ${name}`);
    });
    const repeat = async (incoming: http.IncomingMessage, outgoing: http.ServerResponse) => {
        let body = "";
        for await (const chunk of incoming) body += String(chunk);
        learn(canaries, body, `${what(incoming)} of ${name}`);
        const said = { detail: `You sent ${body}`, headers: incoming.rawHeaders };
        outgoing.writeHead(500, { "content-type": "application/json" }).end(JSON.stringify(said));
    };
    const pass = (from: http.IncomingMessage, to: NodeJS.WritableStream, where: string) => {
        const chunks: Buffer[] = [];
        from.on("data", (chunk: Buffer) => chunks.push(chunk));
        from.on("end", () => learn(canaries, Buffer.concat(chunks).toString(), where));
        from.on("error", () => to.end());
        from.pipe(to);
    };
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const proxy: RecordingProxy = {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        async stop() {
            server.closeAllConnections();
            await new Promise((resolve) => server.close(resolve));
        },
    };
    return proxy;
}

/** Without numbers, by which every object of a run would be another. */
const what = ({ method, url }: http.IncomingMessage) =>
    `${method} ${url!.split("?")[0]!.replace(/\/[0-9a-f-]*\d[0-9a-f-]*(?=\/)/g, "/…")}`;

function learn(canaries: Canaries, body: string, where: string): void {
    if (isJson(body)) {
        JSON.parse(body, (member, value: unknown) => {
            if (MEMBERS.test(member) && typeof value === "string") canaries.learn(`${member} in ${where}`, value);
            return value;
        });
    } else if (/^[\w.~+%-]+=/.test(body)) {
        for (const [member, value] of new URLSearchParams(body))
            if (MEMBERS.test(member)) canaries.learn(`${member} in ${where}`, value);
    }
}

function isJson(text: string): boolean {
    try {
        JSON.parse(text);
        return true;
    } catch {
        return false;
    }
}
