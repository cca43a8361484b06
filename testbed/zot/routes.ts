/** Which handler answers which path, and who is let through to it. */

import { handleApiKeys } from "./apiKeys";
import { type Config, isLoginEnabled } from "./configTypes";

import { type Exchange, type Handler, header, sendBytes, sendJson, sendText } from "./http";
import { callbackPath, type Login } from "./login";
import type { Registry } from "./registry";
import type { Sessions } from "./sessions";
import type { Users } from "./users";
import { version } from "./version";
import { webPage } from "./webPage";

/** What the handlers work with. */
interface Parts {
    config: Config;
    registry: Registry;
    users: Users | undefined;
    sessions: Sessions | undefined;
    login: Login | undefined;
    metricsText(): string;
}

export type Names = Partial<Record<string, string>>;

export interface Route {
    /** Absent: any. */
    methods?: string[] | undefined;
    pattern: RegExp;
    /**
     * Who gets through: everyone; whoever can be authenticated or is let in as anonymous; and then by access control.
     */
    access: "open" | "authenticated" | "repository" | "metrics";
    handle: (exchange: Exchange, names: Names) => void | Promise<void>;
}

const open = (paths: string[], methods: string[] | undefined, handle: Handler): Route => ({
    methods,
    pattern: new RegExp(`^(?:${paths.join("|")})$`),
    access: "open",
    handle,
});

const authenticated = (exactPath: string, handle: Handler): Route => ({
    methods: ["GET"],
    pattern: new RegExp(`^${exactPath}$`),
    access: "authenticated",
    handle,
});

/** The name of a repository. */
const namePattern = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*";

/** Every path that a registry of this config answers; the first that matches counts. */
export function routesOf(parts: Parts): Route[] {
    const { config, registry, users, sessions, login } = parts;
    const { auth } = config.http;
    const { search, ui, metricsPath } = config.extensions;
    const inRepository = (
        methods: string[],
        rest: string,
        handle: (exchange: Exchange, name: string, last: string) => void | Promise<void>,
    ): Route => ({
        methods,
        pattern: new RegExp(`^/v2/(?<name>${namePattern})/${rest}$`),
        access: "repository",
        handle: (exchange, { name = "", reference = "", digest = "", id = "" }) =>
            handle(exchange, name, reference || digest || id),
    });
    const routes: Route[] = [
        open(["/livez", "/readyz", "/startupz"], undefined, (exchange) =>
            sendBytes(exchange, 200, "text/plain; charset=utf-8", Buffer.from("ok")),
        ),
        inRepository(["GET"], "tags/list", (exchange, name) => registry.tags(exchange, name)),
        inRepository(["HEAD", "GET"], "manifests/(?<reference>[^/]+)", (...request) =>
            registry.getManifest(...request),
        ),
        inRepository(["PUT"], "manifests/(?<reference>[^/]+)", (...request) => registry.putManifest(...request)),
        inRepository(["DELETE"], "manifests/(?<reference>[^/]+)", (...request) => registry.deleteManifest(...request)),
        inRepository(["HEAD"], "blobs/(?<digest>[^/]+)", (...request) => registry.headBlob(...request)),
        inRepository(["GET"], "blobs/(?<digest>[^/]+)", (...request) => registry.getBlob(...request)),
        inRepository(["POST"], "blobs/uploads/", (exchange, name) => registry.startUpload(exchange, name)),
        inRepository(["PATCH"], "blobs/uploads/(?<id>[^/]+)", (...request) => registry.continueUpload(...request)),
        inRepository(["PUT"], "blobs/uploads/(?<id>[^/]+)", (...request) => registry.finishUpload(...request)),
        inRepository(["DELETE"], "blobs/uploads/(?<id>[^/]+)", (...request) => registry.cancelUpload(...request)),
        inRepository(["GET"], "referrers/(?<digest>[^/]+)", (...request) => registry.referrers(...request)),
        authenticated("/v2/_catalog", (exchange) => registry.catalog(exchange)),
        authenticated("/v2/", (exchange) => versionCheck(config, exchange)),
    ];
    if (search) {
        routes.push(
            authenticated("/v2/_zot/ext/mgmt.*", (exchange) =>
                sendText(exchange, 200, JSON.stringify(publicConfig(config)), ""),
            ),
        );
    }
    if (auth.apikey && users) {
        routes.push({
            methods: ["GET", "POST", "DELETE"],
            pattern: /^\/zot\/auth\/apikey/,
            access: "authenticated",
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
            methods: ["POST"],
            pattern: /^\/zot\/auth\/logout$/,
            access: "open",
            handle: (exchange) => {
                if (login) return login.logout(exchange);
                sessions?.end(exchange, "session");
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
                exchange.response.end(parts.metricsText());
            },
        });
    }
    // Last, for it answers every path.
    if (ui)
        routes.push({
            methods: ["GET"],
            pattern: /^\//,
            access: "open",
            handle: (exchange) => webPage(exchange, parts),
        });
    return routes;
}

function versionCheck(config: Config, exchange: Exchange): void {
    exchange.response.setHeader("Docker-Distribution-API-Version", "registry/2.0");
    if (isLoginEnabled(config.http.auth) && header(exchange, "x-zot-api-client") !== "zot-ui") {
        exchange.response.setHeader("WWW-Authenticate", `basic realm=${config.http.realm}`);
    }
    sendBytes(exchange, 200, "application/json", Buffer.alloc(0));
}

/** What anyone may know of the configuration, for the web page to show the right buttons. */
function publicConfig(config: Config): unknown {
    const { auth } = config.http;
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
