import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answerApi } from "./api";
import { ApiSchema } from "./apiSchema";
import { applyDefaults } from "./defaults";
import { type Fault, Faults, internalServerError } from "./faults";
import { answerFlowPages, executeFlow } from "./flowExecutor";
import { type Answer, emptyMethodNotAllowed, notFoundPage, page, type Request, readRequest, send } from "./http";
import { objectKinds } from "./objects";
import type { World } from "./objects/kind";
import { OpenIdConnect } from "./openidConnect";
import { Permissions } from "./permissions";

import { newSelfSignedCertificate } from "./selfSignedCertificate";
import { Sessions } from "./sessions";
import { ObjectStore } from "./store";
import { answerUserPage } from "./userPage";

export interface AuthentikStandInOptions {
    /** The API token of the superuser `akadmin`. */
    readonly token: string;
    /** Where to listen; 127.0.0.1 and a free port unless given. Only loopback addresses are taken. */
    readonly host?: string;
    readonly port?: number;
    /** A file to keep the objects in (mode 0600), so that a restart finds them again; in memory only without it. */
    readonly stateFile?: string;
    /** The version to be, such as "2026.5.0-rc1"; that of schema.yml unless given. */
    readonly version?: string;
    /** Told what happens, one line at a time, without secrets; nobody unless given. */
    readonly log?: (message: string) => void;
}

/** A request as tests look at it: never its body, which may hold secrets. */
export interface SeenRequest {
    readonly method: string;
    readonly path: string;
    readonly status: number;
}

export interface AuthentikStandIn {
    /** "http://127.0.0.1:PORT" */
    readonly url: string;
    /** The version of Authentik that it is. */
    readonly version: string;
    readonly faults: Faults;
    /** What was asked for since the start, oldest first. */
    readonly requests: readonly SeenRequest[];
    /** How many sessions are logged in. */
    loggedInSessions(): number;
    close(): Promise<void>;
}

/** Starts a stand-in for Authentik. @throws Error when the address is not a loopback one or is taken. */
export async function startAuthentikStandIn(options: AuthentikStandInOptions): Promise<AuthentikStandIn> {
    const host = options.host ?? "127.0.0.1";
    if (!/^(127\.\d+\.\d+\.\d+|::1|localhost)$/.test(host)) {
        throw new Error(
            `the stand-in for Authentik listens on loopback only, not on ${host}: its accounts are for tests`,
        );
    }
    const log = options.log ?? (() => undefined);
    const store = new ObjectStore(objectKinds, options.stateFile);
    const certificate = store.isEmpty ? newSelfSignedCertificate("authentik Self-signed Certificate") : undefined;
    const schema = new ApiSchema();
    const faults = new Faults();
    const world: World = {
        store,
        permissions: new Permissions(store),
        schema,
        sessions: new Sessions(),
        faults,
        version: options.version ?? schema.version,
        log,
    };
    if (certificate) applyDefaults(store, await certificate, options);
    const openIdConnect = new OpenIdConnect(world);
    const requests: SeenRequest[] = [];

    const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
        const request = await readRequest(message);
        const strikes = faults.take(request);
        const answer = strikes.has("reset") ? undefined : await answered(world, openIdConnect, request, strikes);
        const sent = strikes.has("resetAfterWrite") ? undefined : answer;
        const status = sent?.status ?? 0;
        requests.push({ method: request.method, path: request.path, status });
        log(`${request.method} ${request.path} ${status}`);
        if (sent) send(response, sent);
        else message.socket.destroy();
    };

    const server = createServer((message, response) => {
        handle(message, response).catch((error: unknown) => {
            log(`a request could not be read: ${error instanceof Error ? error.message : String(error)}`);
            message.socket.destroy();
        });
    });
    await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(options.port ?? 0, host, resolve);
    });
    const { address, port } = server.address() as AddressInfo;
    const url = `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
    log(`this is a stand-in for Authentik ${world.version}, at ${url}; it is for tests and demonstrations only`);
    return {
        url,
        version: world.version,
        faults,
        requests,
        loggedInSessions: () => world.sessions.loggedIn(),
        close: () =>
            new Promise<void>((resolve, reject) => {
                server.close((error) => (error ? reject(error) : resolve()));
                server.closeAllConnections();
            }),
    };
}

/** What a request is answered, as far as no fault answers it. */
async function answered(
    world: World,
    openIdConnect: OpenIdConnect,
    request: Request,
    strikes: ReadonlySet<Fault["kind"]>,
): Promise<Answer> {
    if (strikes.has("emptyMethodNotAllowed")) return emptyMethodNotAllowed();
    if (strikes.has("serverError")) return page(500, { heading: "Server Error" });
    try {
        const answer = await route(world, openIdConnect, request);
        return strikes.has("errorAfterWrite") ? internalServerError() : answer;
    } catch (error) {
        const { message, stack } = error instanceof Error ? error : new Error(String(error));
        world.log(`${request.method} ${request.path} failed: ${stack ?? message}`);
        return page(500, { heading: "Server Error", message });
    }
}

async function route(world: World, openIdConnect: OpenIdConnect, request: Request): Promise<Answer> {
    const { path } = request;
    if (path.startsWith("/api/v3/flows/executor/")) return executeFlow(world, openIdConnect, request);
    if (path.startsWith("/api/v3/")) return answerApi(world, request);
    if (path.startsWith("/application/o/")) return openIdConnect.answer(request);
    if (path === "/-/health/live/" || path === "/-/health/ready/") return { status: 200, body: "" };
    return answerUserPage(world, request) ?? answerFlowPages(world, request) ?? notFoundPage();
}
