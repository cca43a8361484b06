/**
 * The running registry: what is opened at start and in which order, which handler answers which path, and who is let through.
 *
 * The order is zot's, for it decides what a failed start looks like: configuration, storage, database, identity provider, and only
 * then the port. Whoever can connect therefore finds a registry that is ready.
 */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { handleApiKeys } from "./apiKeys";
import { type AuthenticationContext, authenticate, refuseUnauthenticated, refuseUnauthorized } from "./authentication";
import {
    type AccessControl,
    type Action,
    actionsForManifest,
    anonymous,
    decidingPatterns,
    may,
    mayReadMetrics,
} from "./authorization";
import { type AuthConfig, type Config, isLoginEnabled, loadConfig } from "./config";
import { type Exchange, type Handler, header, sendBytes, sendJson, sendStatus, sendText } from "./http";
import { type Log, openLog } from "./log";
import { callbackPath, IssuerError, Login, loginLifetime, origin } from "./login";
import { Metrics } from "./metrics";
import { PullThrough } from "./pullThrough";
import { digestTagsOf, Registry } from "./registry";
import { lockRoot } from "./rootLock";
import { SecureCookies, Sessions } from "./sessions";
import { isDigest, Storage } from "./storage";
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

/** The name of a repository. */
const namePattern = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*";

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
    /** Sets of patterns that have been warned of. */
    private readonly knownTies = new Set<string>();
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
        const pullThrough = sync && new PullThrough(sync.registries, sync.credentialsFile, this.storage, this.log);
        const acceptsDocker = this.config.http.compat.includes("docker2s2");
        this.registry = new Registry(
            this.storage,
            pullThrough,
            () => this.config.http.accessControl,
            acceptsDocker,
            this.log,
        );
        this.routes = this.allRoutes();
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
            maxHeaderSize: longestHeader,
            // Refused below, with zot's words.
            requireHostHeader: false,
        };
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
        listener.on("clientError", (error: NodeJS.ErrnoException, socket) => {
            if (error.code === "ECONNRESET" || !socket.writable) return;
            const reason =
                error.code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : "400 Bad Request";
            socket.end(refusalBeforeHandling(reason));
        });
        await new Promise<void>((resolve, reject) => {
            listener.once("error", (error: NodeJS.ErrnoException) => {
                const reason = error.code === "EADDRINUSE" ? "bind: address already in use" : error.message;
                reject(new StartError(`listen tcp ${address}:${port}: ${reason}`, 0));
            });
            listener.listen({ host: address, port: Number(port || 0) }, resolve);
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
     * Access control and the keys of the identity provider follow the file when it is written in place. A file that is renamed
     * into its place is never noticed, and neither is what is written to it later.
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
            this.reloadAuth(changed.auth);
            this.log.info("loaded new configuration settings");
        } catch (error) {
            this.log.error("failed to reload config, retry writing it.", { error: (error as Error).message });
        }
    }

    /** Of the login only what is looked at anew each time: whether cookies are Secure, and which claims name the user and the groups. */
    private reloadAuth(changed: AuthConfig): void {
        const { auth } = this.config.http;
        if (changed.secureSession === undefined) delete auth.secureSession;
        else auth.secureSession = changed.secureSession;
        for (const [name, provider] of Object.entries(auth.openid?.providers ?? {})) {
            provider.claimMapping = changed.openid?.providers[name]?.claimMapping ?? {};
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
        const refusal = refusalOf(request);
        if (refusal) return void request.socket.end(refusalBeforeHandling(refusal));
        // Go answers this one by itself, and takes a whole address for its path.
        if (request.method === "OPTIONS" && request.url === "*")
            return void response.writeHead(200, { "Content-Length": 0 }).end();
        const [requestPath = "", search = ""] = splitOnce((request.url ?? "/").replace(/^https?:\/\/[^/?]*/i, ""), "?");
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
            const clean = cleaned(requestPath);
            if (clean !== requestPath) {
                response.setHeader("Location", search ? `${clean}?${search}` : clean);
                sendStatus(exchange, 301);
                return;
            }
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
            if (exchange.method === "OPTIONS") {
                this.allowOtherOrigins(exchange, route);
                exchange.response.writeHead(204);
                exchange.response.end();
                return;
            }
            if (!authenticate(exchange, this.context())) return refuseUnauthenticated(exchange, this.context());
            if (!this.isAllowed(route, exchange, names)) return refuseUnauthorized(exchange, this.context());
        }
        if (route.forWebPage || route.allowedOrigin) this.allowOtherOrigins(exchange, route);
        await route.handle(exchange, names);
    }

    private allowOtherOrigins(
        { response }: Exchange,
        { methods = [], forWebPage, isExtension, allowedMethods, allowedOrigin }: Route,
    ): void {
        if (isExtension) response.setHeader("X-Content-Type-Options", "nosniff");
        const allowOrigin = this.config.http.allowOrigin.trim();
        response.setHeader("Access-Control-Allow-Origin", this.config.http.allowOrigin || "*");
        if (forWebPage) {
            response.setHeader("Access-Control-Allow-Methods", allowedMethods ?? methods.join(","));
            response.setHeader("Access-Control-Allow-Headers", "Authorization,content-type,X-ZOT-API-CLIENT");
        }
        const isNamed = allowOrigin !== "" && allowOrigin !== "*" && isLoginEnabled(this.config.http.auth);
        if (isNamed && allowedOrigin !== "alone") response.setHeader("Access-Control-Allow-Credentials", "true");
    }

    private isAllowed({ access }: Route, exchange: Exchange, { name = "", reference }: Names): boolean {
        const { accessControl } = this.config.http;
        if (access === "metrics") return mayReadMetrics(accessControl, exchange.who);
        if (access !== "repository" || !this.enforces) return true;
        // Once enforced, access control that a reload took away leaves nothing that could be granted.
        if (!accessControl) return false;
        this.warnOfTies(accessControl, name);
        return this.actionsOf(exchange, name, reference).every((action) =>
            may(accessControl, exchange.who, action, name),
        );
    }

    private actionsOf(exchange: Exchange, name: string, reference: string | undefined): Action[] {
        if (exchange.method === "GET" || exchange.method === "HEAD") return ["read"];
        if (exchange.method === "DELETE") return ["delete"];
        if (reference === undefined) return ["create"];
        const tags = this.storage.tags(name) ?? [];
        return actionsForManifest(
            tags,
            isDigest(reference) ? { digestTags: digestTagsOf(exchange) } : { tag: reference },
        );
    }

    private warnOfTies(accessControl: AccessControl, repository: string): void {
        const patterns = decidingPatterns(accessControl, repository);
        const key = patterns.join(" ");
        if (patterns.length < 2 || this.knownTies.has(key)) return;
        this.knownTies.add(key);
        this.log.warn(
            "several patterns of access control are equally long and match: a real zot takes one at random for each request",
            {
                repository,
                patterns,
            },
        );
    }

    private allRoutes(): Route[] {
        const { auth } = this.config.http;
        const { search, ui, metricsPath } = this.config.extensions;
        const registry = this.registry;
        const inRepository = (
            methods: string[],
            rest: string,
            handle: (exchange: Exchange, name: string, last: string) => void | Promise<void>,
            forWebPage = false,
        ): Route => ({
            methods: forWebPage ? [...methods, "OPTIONS"] : methods,
            pattern: new RegExp(`^/v2/(?<name>${namePattern})/${rest}$`),
            access: "repository",
            forWebPage,
            handle: (exchange, { name = "", reference = "", digest = "", id = "" }) =>
                handle(exchange, name, reference || digest || id),
        });
        const routes: Route[] = [
            open(["/livez", "/readyz", "/startupz"], undefined, (exchange) =>
                sendBytes(exchange, 200, "text/plain; charset=utf-8", Buffer.from("ok")),
            ),
            inRepository(["GET"], "tags/list", (exchange, name) => registry.tags(exchange, name), true),
            {
                ...inRepository(
                    ["HEAD"],
                    "manifests/(?<reference>[^/]+)",
                    (...request) => registry.getManifest(...request),
                    true,
                ),
                allowedMethods: "HEAD,GET,DELETE,OPTIONS",
            },
            {
                ...inRepository(["GET"], "manifests/(?<reference>[^/]+)", (...request) =>
                    registry.getManifest(...request),
                ),
                allowedOrigin: "with credentials",
            },
            inRepository(["PUT"], "manifests/(?<reference>[^/]+)", (...request) => registry.putManifest(...request)),
            {
                ...inRepository(["DELETE"], "manifests/(?<reference>[^/]+)", (...request) =>
                    registry.deleteManifest(...request),
                ),
                allowedOrigin: "alone",
            },
            inRepository(["HEAD"], "blobs/(?<digest>[^/]+)", (...request) => registry.headBlob(...request)),
            inRepository(["GET"], "blobs/(?<digest>[^/]+)", (...request) => registry.getBlob(...request)),
            inRepository(["DELETE"], "blobs/(?<digest>[^/]+)", (...request) => registry.deleteBlob(...request)),
            inRepository(["POST"], "blobs/uploads/", (exchange, name) => registry.startUpload(exchange, name)),
            inRepository(["GET"], "blobs/uploads/(?<id>[^/]+)", (...request) => registry.uploadStatus(...request)),
            inRepository(["PATCH"], "blobs/uploads/(?<id>[^/]+)", (...request) => registry.continueUpload(...request)),
            inRepository(["PUT"], "blobs/uploads/(?<id>[^/]+)", (...request) => registry.finishUpload(...request)),
            inRepository(["DELETE"], "blobs/uploads/(?<id>[^/]+)", (...request) => registry.cancelUpload(...request)),
            inRepository(["GET"], "referrers/(?<digest>[^/]+)", (...request) => registry.referrers(...request), true),
            authenticated("/v2/_catalog", (exchange) => registry.catalog(exchange)),
            authenticated("/v2/_oci/ext/discover", (exchange) => sendJson(exchange, 200, this.extensionList())),
            authenticated("/v2/", (exchange) => this.versionCheck(exchange)),
        ];
        if (search) {
            routes.push({
                ...authenticated("/v2/_zot/ext/mgmt.*", (exchange) =>
                    sendText(exchange, 200, JSON.stringify(this.publicConfig()), ""),
                ),
                isExtension: true,
            });
            routes.push({
                ...authenticated("/v2/_zot/ext/search", (exchange) =>
                    sendJson(exchange, 501, { errors: [{ message: "the stand-in for zot has no search" }] }),
                ),
                methods: ["GET", "POST", "OPTIONS"],
            });
        }
        const { users, login } = this;
        if (auth.apikey && users) {
            routes.push({
                methods: ["GET", "POST", "DELETE", "OPTIONS"],
                pattern: /^\/zot\/auth\/apikey/,
                access: "authenticated",
                forWebPage: true,
                handle: (exchange) => handleApiKeys(exchange, users),
            });
        }
        if (login) {
            routes.push(open(["/zot/auth/login"], undefined, (exchange) => login.start(exchange)));
            for (const name of Object.keys(auth.openid?.providers ?? {})) {
                routes.push(open([`${callbackPath}/${name}`], undefined, (exchange) => login.finish(exchange, name)));
            }
        }
        if (isLoginEnabled(auth)) {
            routes.push({
                methods: ["POST", "OPTIONS"],
                pattern: /^\/zot\/auth\/logout$/,
                access: "open",
                forWebPage: true,
                handle: (exchange) => {
                    if (exchange.method === "OPTIONS") return sendStatus(exchange, 200);
                    if (login) return login.logout(exchange);
                    this.sessions?.end(exchange, "session");
                    return sendJson(exchange, 200, {});
                },
            });
        }
        if (metricsPath !== undefined) {
            routes.push({
                methods: ["GET"],
                pattern: new RegExp(`^${metricsPath.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`),
                access: "metrics",
                handle: (exchange) => {
                    exchange.response.writeHead(200, {
                        "Content-Type": "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
                    });
                    exchange.response.end(this.metrics.text(this.storage));
                },
            });
        }
        // Last, for it answers every path.
        if (ui) routes.push({ methods: ["GET", "OPTIONS"], pattern: /^\//, access: "open", handle: webPage });
        return routes;
    }

    private versionCheck(exchange: Exchange): void {
        exchange.response.setHeader("Docker-Distribution-API-Version", "registry/2.0");
        if (isLoginEnabled(this.config.http.auth) && header(exchange, "x-zot-api-client") !== "zot-ui") {
            exchange.response.setHeader("WWW-Authenticate", `basic realm=${this.config.http.realm}`);
        }
        sendBytes(exchange, 200, "application/json", Buffer.alloc(0));
    }

    private extensionList(): unknown {
        const { search, ui } = this.config.extensions;
        if (!search) return { extensions: [] };
        return {
            extensions: [
                {
                    name: "_zot",
                    url: `https://github.com/project-zot/zot/blob/${version.releaseTag}/pkg/extensions/_zot.md`,
                    description: "zot registry extensions",
                    endpoints: ["/v2/_zot/ext/search", ...(ui ? ["/v2/_zot/ext/userprefs"] : []), "/v2/_zot/ext/mgmt"],
                },
            ],
        };
    }

    /** What anyone may know of the configuration, for the web page to show the right buttons. */
    private publicConfig(): unknown {
        const { auth } = this.config.http;
        const providers = Object.fromEntries(
            Object.entries(auth.openid?.providers ?? {}).map(([name, provider]) => [
                name,
                provider.name ? { name: provider.name } : {},
            ]),
        );
        return {
            distSpecVersion: version.distributionSpecification,
            commit: version.commit,
            releaseTag: version.releaseTag,
            binaryType: version.binaryType,
            http: { auth: { ...(auth.openid && { openid: { providers } }), ...(auth.apikey && { apikey: true }) } },
        };
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
        if (!["GET", "HEAD", "OPTIONS"].includes(method) && [200, 201, 202].includes(status)) {
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

/** Bytes, and as many more as Go leaves for the rest. */
const longestHeader = 1024 * 1024 + 4096;

/** Why Go refuses a request before any handler sees it, or undefined. */
function refusalOf({ url = "", headers, httpVersion }: http.IncomingMessage): string | undefined {
    if (httpVersion === "1.1" && headers.host === undefined) return "400 Bad Request: missing required Host header";
    const [requestPath] = splitOnce(url, "?");
    return /%(?![0-9a-f]{2})/i.test(requestPath) ? "400 Bad Request" : undefined;
}

const refusalBeforeHandling = (reason: string) =>
    `HTTP/1.1 ${reason}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${reason}`;

type Names = Partial<Record<string, string>>;

interface Route {
    /** Absent: any. */
    methods?: string[] | undefined;
    pattern: RegExp;
    /** Who gets through: everyone; whoever can be authenticated or is let in as anonymous; and then by access control. */
    access: "open" | "authenticated" | "repository" | "metrics";
    /** Whether a web page of another origin may call it, after asking with OPTIONS. */
    forWebPage?: boolean;
    /** Whether it is one of zot's own extensions, whose answers no browser should take for something else. */
    isExtension?: boolean;
    /** What such a page is told it may do here, where that is more than `methods`. */
    allowedMethods?: string;
    /** Whether the answer alone names the origins that may read it, as where OPTIONS is answered by another route. */
    allowedOrigin?: "alone" | "with credentials";
    handle: (exchange: Exchange, names: Names) => void | Promise<void>;
}

const open = (paths: string[], methods: string[] | undefined, handle: Handler): Route => ({
    methods,
    pattern: new RegExp(`^(?:${paths.join("|")})$`),
    access: "open",
    handle,
});

const authenticated = (exactPath: string, handle: Handler): Route => ({
    methods: ["GET", "OPTIONS"],
    pattern: new RegExp(`^${exactPath}$`),
    access: "authenticated",
    forWebPage: true,
    handle,
});

/** The headers are zot's, the page is not. */
function webPage(exchange: Exchange): void {
    const { response } = exchange;
    response.setHeader(
        "Permissions-Policy",
        "microphone=(), geolocation=(), battery=(), camera=(), autoplay=(), gyroscope=(), payment=()",
    );
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("X-Frame-Options", "DENY");
    for (const policy of ["Resource", "Opener"]) response.setHeader(`Cross-Origin-${policy}-Policy`, "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    response.setHeader(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; font-src 'self'; connect-src 'self'; img-src 'self' data:; manifest-src 'self'; base-uri 'self'",
    );
    if (exchange.path === "/index.html") {
        response.setHeader("Location", "./");
        return sendStatus(exchange, 301);
    }
    const isPage = exchange.path === "/" || /^\/(?:login|home|explore|image|user)/.test(exchange.path);
    if (!isPage) return sendText(exchange, 404, "404 page not found");
    if (exchange.path === "/") response.setHeader("Accept-Ranges", "bytes");
    const text =
        "<!doctype html><title>zot</title><p>This is the stand-in for zot, made for tests and demonstrations. It has no web page.</p>\n";
    sendBytes(exchange, 200, "text/html; charset=utf-8", Buffer.from(text));
}

/** A path without `.`, `..` and double slashes: others are sent to it. */
function cleaned(requestPath: string): string {
    return path.posix.normalize(requestPath.startsWith("/") ? requestPath : `/${requestPath}`);
}

function splitOnce(text: string, separator: string): [string, string] {
    const at = text.indexOf(separator);
    return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
