/**
 * The running registry: what is opened at start and in which order, and who is let through.
 *
 * The order is zot's, for it decides what a failed start looks like: configuration, storage, database, identity
 * provider, and only then the port. Whoever can connect therefore finds a registry that is ready.
 */

import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { type AuthenticationContext, authenticate, refuseUnauthenticated, refuseUnauthorized } from "./authentication";
import {
    anonymous,
    type Check,
    type Circumstances,
    checksForManifest,
    mayReadMetrics,
    type Refusal,
    refusalOf,
} from "./authorization";
import { loadConfig } from "./config";
import { type Config, isLoginEnabled } from "./configTypes";
import { type Exchange, header, sendStatus, sendText } from "./http";
import { type Log, openLog } from "./log";
import { callbackPath, IssuerError, Login, loginLifetime, origin } from "./login";
import { isDigest, mediaTypes } from "./manifests";
import { Metrics } from "./metrics";
import { PullThrough } from "./pullThrough";
import { digestTagsOf, Registry } from "./registry";
import { lockRoot } from "./rootLock";
import { type Names, type Route, routesOf } from "./routes";
import { SecureCookies, Sessions } from "./sessions";
import { Storage } from "./storage";
import { Users } from "./users";
import { version } from "./version";

/** A start that failed, with the exit code that zot has for it. */
export class StartError extends Error {
    constructor(
        message: string,
        /** 1: an error; 2: a panic; 0: only logged. */
        readonly exitCode: 0 | 1 | 2,
    ) {
        super(message);
    }
}

export class Server {
    private readonly log: Log;
    private readonly audit: Log | undefined;
    private readonly metrics = new Metrics();
    private storage!: Storage;
    private registry!: Registry;
    private users: Users | undefined;
    private sessions: Sessions | undefined;
    private login: Login | undefined;
    private listener: http.Server | undefined;
    private watcher: fs.FSWatcher | undefined;
    private routes: Route[] = [];
    /** Whether access control was there at start: what comes later is not enforced. */
    private readonly enforces: boolean;

    constructor(
        private readonly configFile: string,
        private readonly config: Config,
    ) {
        this.log = openLog(config.log.level, config.log.output);
        this.audit = config.log.audit === "" ? undefined : openLog("info", config.log.audit);
        this.enforces = config.http.accessControl !== undefined;
    }

    /** Resolves when the registry answers. Throws StartError. */
    async start(): Promise<void> {
        this.announce();
        await this.openStorage();
        await this.openLogin();
        const { sync } = this.config.extensions;
        const pullThrough = sync && new PullThrough(sync.registries, this.storage, this.log);
        const { manifest, index, dockerManifest, dockerList } = mediaTypes;
        const acceptedTypes = [
            manifest,
            index,
            ...(this.config.http.acceptsDocker ? [dockerManifest, dockerList] : []),
        ];
        this.registry = new Registry(
            this.storage,
            pullThrough,
            () => this.config.http.accessControl,
            acceptedTypes,
            this.log,
        );
        this.routes = routesOf({
            config: this.config,
            registry: this.registry,
            users: this.users,
            sessions: this.sessions,
            login: this.login,
            metricsText: () => this.metrics.text(),
        });
        await this.listen();
        this.watchConfig();
    }

    /** Ends at once, as zot does: requests under way are cut off. */
    stop(): void {
        this.watcher?.close();
        this.users?.close();
        this.listener?.close();
        this.listener?.closeAllConnections();
    }

    private announce(): void {
        const { auth } = this.config.http;
        const { refused, ignored } = this.config.notCarriedOut;
        this.log.warn("this is the stand-in for zot, made for tests and demonstrations, not a registry to rely on", {
            commit: version.commit,
            "binary-type": version.binaryType,
        });
        this.log.info("configuration settings", { config: this.configFile, root: this.config.storage.rootDirectory });
        this.log.info("basic authentication (API key)", { enabled: auth.apikey });
        this.log.info("OpenID authentication", { enabled: auth.openid !== undefined });
        if (ignored.length > 0)
            this.log.warn("the stand-in for zot does not carry out some settings", { settings: ignored });
        if (refused.length > 0) {
            throw new StartError(
                `the stand-in for zot cannot serve a config with ${refused.join(", ")}: use a real zot for that`,
                1,
            );
        }
    }

    private async openStorage(): Promise<void> {
        const { rootDirectory, dedupe } = this.config.storage;
        if (rootDirectory === "") {
            this.log.error("no storage config provided", { component: "controller" });
            throw new StartError("image store not found corresponding to given route", 1);
        }
        try {
            fs.mkdirSync(rootDirectory, { recursive: true, mode: 0o700 });
        } catch (error) {
            this.log.error("failed to create root dir", { error: (error as Error).message, rootDir: rootDirectory });
            throw new StartError(`failed to create root dir: ${(error as Error).message}`, 2);
        }
        const hasUsers = this.config.extensions.search || isLoginEnabled(this.config.http.auth);
        if ((dedupe || hasUsers) && !(await lockRoot(rootDirectory))) {
            const database = path.join(rootDirectory, dedupe ? "cache.db" : "meta.db");
            throw new StartError(`operation timeout: boltdb file is already in use, path '${database}'`, 1);
        }
        this.storage = new Storage(rootDirectory, dedupe);
        if (!hasUsers) return;
        try {
            this.users = new Users(path.join(rootDirectory, "meta.db"));
        } catch (error) {
            throw new StartError((error as Error).message, 1);
        }
    }

    private async openLogin(): Promise<void> {
        const { auth, tls } = this.config.http;
        if (!this.users || !isLoginEnabled(auth)) return;
        const { hashKey = randomBytes(64), encryptKey } = auth.sessionKeys;
        if (!auth.sessionKeys.hashKey) this.log.warn("hashKey is not set in config, generating a random one");
        const isSecure = () => tls !== undefined || (auth.secureSession ?? false);
        this.sessions = new Sessions(
            this.config.storage.rootDirectory,
            Sessions.cookies(hashKey, encryptKey),
            isSecure,
        );
        if (!auth.openid) return;
        const stateCookies = new SecureCookies(hashKey, encryptKey, loginLifetime);
        this.login = new Login(this.config, this.users, this.sessions, stateCookies, this.log);
        try {
            await this.login.initialise();
        } catch (error) {
            if (!(error instanceof IssuerError)) throw error;
            const message = "failed to initialize new relying party oidc";
            this.log.error(message, {
                error: error.message,
                issuer: Object.values(auth.openid.providers)[0]?.issuer,
                redirectURI: `${origin(this.config)}${callbackPath}/oidc`,
            });
            throw new StartError(message, 2);
        }
    }

    private async listen(): Promise<void> {
        const { address, port, tls, readTimeout } = this.config.http;
        const options = {
            // A push may take no longer, and its tag is only looked at when it begins.
            requestTimeout: readTimeout,
            headersTimeout: readTimeout === 0 ? 5000 : Math.min(5000, readTimeout),
            keepAliveTimeout: 120_000,
            connectionsCheckingInterval: Math.min(5000, readTimeout === 0 ? 5000 : readTimeout / 2),
        };
        // zot puts the two together as they are.
        if (address.includes(":") && !/^\[.*\]$/.test(address))
            throw new StartError(`listen tcp: address ${address}:${port}: too many colons in address`, 0);
        const handle = (request: http.IncomingMessage, response: http.ServerResponse) =>
            void this.answer(request, response);
        try {
            this.listener = tls
                ? https.createServer(
                      { ...options, cert: fs.readFileSync(tls.cert), key: fs.readFileSync(tls.key) },
                      handle,
                  )
                : http.createServer(options, handle);
        } catch (error) {
            throw new StartError((error as Error).message, 0);
        }
        const listener = this.listener;
        await new Promise<void>((resolve, reject) => {
            listener.once("error", (error: NodeJS.ErrnoException) => {
                const reason = error.code === "EADDRINUSE" ? "bind: address already in use" : error.message;
                reject(new StartError(`listen tcp ${address}:${port}: ${reason}`, 0));
            });
            listener.listen({ host: address.replace(/^\[(.*)\]$/, "$1"), port: Number(port || 0) }, resolve);
        });
        const bound = listener.address() as AddressInfo;
        if (Number(port || 0) === 0) {
            this.log.info("port is unspecified, listening on kernel chosen port", {
                port: bound.port,
                address: bound.address,
            });
        }
    }

    /**
     * Access control follows the file when it is written in place (so do some keys of the login with zot, and not
     * here). A file that is renamed into its place is never noticed, and neither is what is written to it later.
     */
    private watchConfig(): void {
        const watched = fs.statSync(this.configFile).ino;
        let settled: NodeJS.Timeout | undefined;
        this.watcher = fs.watch(this.configFile, () => {
            if (fs.statSync(this.configFile, { throwIfNoEntry: false })?.ino !== watched) {
                this.watcher?.close();
                return;
            }
            clearTimeout(settled);
            settled = setTimeout(() => this.reload(), 50).unref();
        });
        this.watcher.on("error", () => this.watcher?.close());
        this.watcher.unref();
    }

    private reload(): void {
        this.log.info("config file changed, trying to reload config");
        try {
            const { http: changed } = loadConfig(this.configFile);
            if (changed.accessControl) this.config.http.accessControl = changed.accessControl;
            else delete this.config.http.accessControl;
            this.log.info("loaded new configuration settings");
        } catch (error) {
            this.log.error("failed to reload config, retry writing it.", { error: (error as Error).message });
        }
    }

    private context(): AuthenticationContext {
        const { auth, accessControl, realm } = this.config.http;
        const { metricsPath } = this.config.extensions;
        return { auth, accessControl, realm, metricsPath, users: this.users, sessions: this.sessions };
    }

    /** An answer that has not gone out in time does not any more, even if it was the request that took so long. */
    private limitAnswer(request: http.IncomingMessage, response: http.ServerResponse): void {
        const { writeTimeout } = this.config.http;
        if (writeTimeout === 0) return;
        const limit = setTimeout(() => request.socket.destroy(), Math.min(writeTimeout, 0x7fffffff)).unref();
        response.once("close", () => clearTimeout(limit));
    }

    private async answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
        this.limitAnswer(request, response);
        const [requestPath = "", search = ""] = splitOnce(request.url ?? "/", "?");
        const exchange: Exchange = {
            request,
            response,
            method: request.method ?? "GET",
            path: requestPath,
            query: new URLSearchParams(search),
            who: anonymous,
        };
        // The socket may be gone when the answer is.
        const clientIP = `${request.socket.remoteAddress}:${request.socket.remotePort}`;
        response.once("close", () => this.record(exchange, clientIP));
        // The other side may go away at any time.
        request.on("error", () => {});
        response.on("error", () => {});
        try {
            const candidates = this.routes.filter((route) => route.pattern.test(requestPath));
            const route = candidates.find(({ methods }) => !methods || methods.includes(exchange.method));
            if (route) await this.follow(route, exchange);
            else if (candidates.length > 0) sendStatus(exchange, 405);
            else sendText(exchange, 404, "404 page not found");
        } catch (error) {
            this.log.error("unexpected error", { error: (error as Error).message, path: requestPath });
            if (!response.headersSent) sendStatus(exchange, 500);
            else response.destroy();
        }
    }

    private async follow(route: Route, exchange: Exchange): Promise<void> {
        const names = route.pattern.exec(exchange.path)?.groups ?? {};
        if (route.access !== "open") {
            if (!authenticate(exchange, this.context())) return refuseUnauthenticated(exchange, this.context());
            const refusal = this.refusalOf(route, exchange, names);
            if (refusal) return refuseUnauthorized(exchange, this.context(), refusal);
        }
        await route.handle(exchange, names);
    }

    private refusalOf({ access }: Route, exchange: Exchange, { name = "", reference }: Names): Refusal | undefined {
        const { accessControl } = this.config.http;
        const without: Refusal = { reason: "" };
        if (access === "metrics") return mayReadMetrics(accessControl, exchange.who) ? undefined : without;
        if (access !== "repository" || !this.enforces) return undefined;
        // Once enforced, access control that a reload took away leaves nothing that could be granted.
        if (!accessControl) return without;
        const circumstances: Circumstances = {
            method: exchange.method,
            userAgent: header(exchange, "user-agent"),
            address: exchange.request.socket.remoteAddress ?? "",
            forwardedFor: header(exchange, "x-forwarded-for")
                .split(",")
                .map((address) => address.trim())
                .filter((address) => address !== ""),
            isTls: this.config.http.tls !== undefined,
        };
        for (const check of this.checksOf(exchange, name, reference)) {
            const refusal = refusalOf(accessControl, exchange.who, check, name, circumstances);
            if (refusal) return refusal;
        }
        return undefined;
    }

    private checksOf(exchange: Exchange, name: string, reference = ""): Check[] {
        if (exchange.method === "GET" || exchange.method === "HEAD") return [{ action: "read", reference }];
        if (exchange.method === "DELETE") return [{ action: "delete", reference }];
        if (reference === "") return [{ action: "create", reference }];
        const tags = this.storage.tags(name) ?? [];
        return checksForManifest(
            tags,
            isDigest(reference) ? { digest: reference, tags: digestTagsOf(exchange) } : { tag: reference },
        );
    }

    private record({ request, response, method, who }: Exchange, clientIP: string): void {
        const status = response.statusCode;
        this.metrics.count(method, status);
        const user = who.userName === "" ? {} : { username: who.userName };
        // Neither headers nor the query: a code of the identity provider has no place in a log.
        const requestPath = request.url?.startsWith("/zot/auth/") ? splitOnce(request.url, "?")[0] : request.url;
        this.log.info("HTTP API", {
            component: "session",
            ...user,
            clientIP,
            method,
            path: requestPath,
            statusCode: status,
        });
        if (!["GET", "HEAD"].includes(method) && [200, 201, 202].includes(status)) {
            const subject = who.userName || "anonymous";
            this.audit?.info("HTTP API Audit", {
                component: "session",
                clientIP,
                subject,
                action: method,
                object: requestPath,
                status,
            });
        }
    }
}

function splitOnce(text: string, separator: string): [string, string] {
    const at = text.indexOf(separator);
    return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
