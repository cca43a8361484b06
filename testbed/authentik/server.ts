import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answerApi } from "./api";
import { ApiSchema } from "./apiSchema";
import { applyDefaults } from "./defaults";
import { type Fault, Faults, internalServerError, startingAnswer } from "./faults";
import { answerFlowPages, executeFlow } from "./flowExecutor";
import { type Answer, emptyMethodNotAllowed, json, notFoundPage, page, type Request, readRequest, send } from "./http";
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
    /** The password of `akadmin`; without one nobody can log in as `akadmin`. */
    readonly password?: string;
    /** Where to listen; 127.0.0.1 and a free port unless given. Only loopback addresses are taken. */
    readonly host?: string;
    readonly port?: number;
    /** A file to keep the objects in (mode 0600), so that a restart finds them again; in memory only without it. */
    readonly stateFile?: string;
    /** The version to be, such as "2026.5.0-rc1"; that of schema.yml unless given. */
    readonly version?: string;
    /** Serves /stand-in/, where tests order faults and read what was asked for; off unless given. */
    readonly control?: boolean;
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
        permissions: new Permissions(store, schema.enumeration("ModelEnum")),
        schema,
        sessions: new Sessions(),
        faults,
        version: options.version ?? schema.version,
        log,
        applicationLists: new Map(),
    };
    if (certificate) applyDefaults(store, await certificate, options);
    const openIdConnect = new OpenIdConnect(world);
    const requests: SeenRequest[] = [];

    const answer = async (request: Request): Promise<Answer> => {
        try {
            return await route(world, openIdConnect, request);
        } catch (error) {
            const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
            log(`${request.method} ${request.path} failed: ${message}`);
            return page(500, {
                heading: "Server Error",
                message: error instanceof Error ? error.message : String(error),
            });
        }
    };

    const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
        const request = await readRequest(message);
        if (options.control && request.path.startsWith("/stand-in/")) {
            send(response, answerControl(request, faults, requests));
            return;
        }
        const record = (status: number) => {
            requests.push({ method: request.method, path: request.path, status });
            log(`${request.method} ${request.path} ${status}`);
        };
        const striking = faults.take(request);
        const strikes = (kind: Fault["kind"]) => striking.find((fault) => fault.kind === kind);
        const wait = strikes("delay")?.milliseconds ?? 0;
        if (wait) await new Promise((resolve) => setTimeout(resolve, wait));
        if (strikes("reset")) {
            record(0);
            message.socket.destroy();
            return;
        }
        const instead = strikes("starting")
            ? startingAnswer()
            : strikes("emptyMethodNotAllowed")
              ? emptyMethodNotAllowed()
              : strikes("serverError")
                ? page(500, { heading: "Server Error" })
                : undefined;
        const given = instead ?? (await answer(request));
        if (strikes("resetAfterWrite")) {
            record(0);
            message.socket.destroy();
            return;
        }
        const sent = strikes("errorAfterWrite") ? internalServerError() : given;
        record(sent.status);
        send(response, sent, request.method === "HEAD");
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

async function route(world: World, openIdConnect: OpenIdConnect, request: Request): Promise<Answer> {
    const { path } = request;
    // Authentik's router tidies a path up before it looks at it.
    if (path.includes("//"))
        return { status: 301, headers: { Location: `${path.replace(/\/{2,}/g, "/")}${request.search}` } };
    if (path.startsWith("/api/v3/flows/executor/")) return executeFlow(world, openIdConnect, request);
    if (path.startsWith("/api/v3/")) return answerApi(world, request);
    if (path.startsWith("/application/o/")) return openIdConnect.answer(request);
    if (path === "/-/health/live/" || path === "/-/health/ready/") return { status: 200, body: "" };
    const isRead = request.method === "GET" || request.method === "HEAD";
    return (
        answerUserPage(world, request) ??
        answerFlowPages(world, request) ??
        (isRead ? notFoundPage() : emptyMethodNotAllowed())
    );
}

/**
 * GET /stand-in/requests, DELETE /stand-in/requests; POST /stand-in/faults with a fault, DELETE /stand-in/faults;
 * PUT /stand-in/version with {"version": "…"}.
 */
function answerControl(request: Request, faults: Faults, requests: SeenRequest[]): Answer {
    const body = (): Record<string, unknown> => JSON.parse(request.body.toString("utf8")) as Record<string, unknown>;
    try {
        switch (`${request.method} ${request.path}`) {
            case "GET /stand-in/requests":
                return json(200, requests);
            case "DELETE /stand-in/requests":
                requests.length = 0;
                return json(204, undefined);
            case "POST /stand-in/faults":
                faults.add(body() as unknown as Fault);
                return json(204, undefined);
            case "DELETE /stand-in/faults":
                faults.clear();
                return json(204, undefined);
            case "PUT /stand-in/version":
                faults.version = String(body().version);
                return json(204, undefined);
            default:
                return json(404, { detail: "there are /stand-in/requests, /stand-in/faults and /stand-in/version" });
        }
    } catch (error) {
        return json(400, { detail: (error as Error).message });
    }
}
