/** An OpenID Connect issuer as zot sees it at its start, and what can be wrong with one. */
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** `different`: another issuer answers there. `hangs`: it accepts connections, and never answers. */
export type IssuerState = "ours" | "down" | "different" | "hangs";

export class Issuer {
    readonly url: string;
    private state: IssuerState = "ours";
    private readonly sockets = new Set<Socket>();
    private readonly held: ServerResponse[] = [];

    private constructor(
        private readonly server: Server,
        private readonly port: number,
    ) {
        this.url = `http://127.0.0.1:${port}/application/o/zot/`;
    }

    static async start(): Promise<Issuer> {
        const server = createServer();
        await listen(server, 0);
        const issuer = new Issuer(server, (server.address() as AddressInfo).port);
        server.on("connection", (socket) => {
            issuer.sockets.add(socket);
            socket.once("close", () => issuer.sockets.delete(socket));
        });
        server.on("request", (request, response) => {
            if (issuer.state === "hangs") {
                issuer.held.push(response);
                return;
            }
            const path = new URL(request.url ?? "/", issuer.url).pathname;
            if (path !== "/application/o/zot/.well-known/openid-configuration") {
                response.writeHead(404).end();
                return;
            }
            response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(issuer.discovery()));
        });
        return issuer;
    }

    async become(state: IssuerState): Promise<void> {
        const wasDown = this.state === "down";
        this.state = state;
        if (state === "down" && !wasDown) await this.close();
        if (state !== "down" && wasDown) await listen(this.server, this.port);
        for (const response of this.held.splice(0)) response.destroy();
    }

    async stop(): Promise<void> {
        if (this.state !== "down") await this.close();
    }

    private close(): Promise<void> {
        const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
        for (const socket of this.sockets) socket.destroy();
        return closed;
    }

    private discovery() {
        const { url } = this;
        return {
            issuer: this.state === "different" ? url.replace("/zot/", "/other/") : url,
            authorization_endpoint: `${url}authorize/`,
            token_endpoint: `${url}token/`,
            userinfo_endpoint: `${url}userinfo/`,
            jwks_uri: `${url}jwks/`,
            id_token_signing_alg_values_supported: ["RS256"],
            response_types_supported: ["code"],
            subject_types_supported: ["public"],
        };
    }
}

function listen(server: Server, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, "127.0.0.1", () => {
            server.removeListener("error", reject);
            resolve();
        });
    });
}
