/** Who sends a request: the order in which zot 2.1.20 looks for an answer, and what it says when there is none. */

import { type AccessControl, hasAnonymousPolicy, mixesAnonymousAndLogins, type Refusal } from "./authorization";
import { type AuthConfig, isLoginEnabled } from "./configTypes";

import { errorBody, errorList } from "./errors";
import { type Exchange, header, sendJson } from "./http";
import type { Sessions } from "./sessions";
import type { Users } from "./users";

export const keyPrefix = "zak_";

/** zot's web page sends this; every client that uses the session cookie must. */
export const sessionHeader = "x-zot-api-client";

export interface AuthenticationContext {
    auth: AuthConfig;
    accessControl: AccessControl | undefined;
    realm: string;
    /** Path of the metrics when they are on. */
    metricsPath: string | undefined;
    users: Users | undefined;
    sessions: Sessions | undefined;
}

export const comesFromWebPage = (exchange: Exchange) => header(exchange, sessionHeader) === "zot-ui";

/** Fills in `who`; false when the request is not authenticated, which is not the same as anonymous. */
export function authenticate(exchange: Exchange, context: AuthenticationContext): boolean {
    const { auth, accessControl, metricsPath } = context;
    const authorization = header(exchange, "authorization");
    const anonymousMetrics =
        metricsPath !== undefined &&
        isEmpty(authorization) &&
        (accessControl?.metrics.anonymousPolicy.includes("read") ?? false) &&
        exchange.path.startsWith(metricsPath);
    const letsAnonymousIn =
        hasAnonymousPolicy(accessControl) || exchange.request.url === "/v2/_zot/ext/mgmt" || anonymousMetrics;

    if ((exchange.request.headersDistinct["authorization"]?.length ?? 0) > 1) return false;
    if (!isEmpty(authorization) && isLoginEnabled(auth)) return byApiKey(exchange, authorization, context);
    if (comesFromWebPage(exchange)) {
        // Without a login zot keeps no sessions, and fails where it is asked for one.
        if (!isLoginEnabled(auth)) throw new Error("no sessions");
        return bySession(exchange, context) || letsAnonymousIn;
    }
    if (!isLoginEnabled(auth)) return true;
    return letsAnonymousIn && !mustAskDocker(exchange, context);
}

/**
 * Docker takes a 200 for `GET /v2/` as "no login needed" and then never sends the one it has; so it is asked, when some
 * things need a login and others do not.
 */
function mustAskDocker(exchange: Exchange, { auth, accessControl }: AuthenticationContext): boolean {
    const agent = header(exchange, "user-agent");
    const isDocker = agent.startsWith("docker/") || agent.includes("Docker-Client");
    const isVersionCheck = exchange.path.replace(/\/$/, "") === "/v2";
    return isDocker && isVersionCheck && auth.apikey && mixesAnonymousAndLogins(accessControl);
}

/** No credentials at all, or an empty name with an empty password. */
const isEmpty = (authorization: string) => authorization === "" || authorization.toLowerCase() === "basic og==";

function byApiKey(exchange: Exchange, authorization: string, { users }: AuthenticationContext): boolean {
    const [, encoded] = /^basic (.*)$/i.exec(authorization) ?? [];
    const credentials = Buffer.from(encoded ?? "", "base64").toString();
    const colon = credentials.indexOf(":");
    const userName = credentials.slice(0, Math.max(0, colon));
    const password = credentials.slice(colon + 1);
    if (colon < 0 || !password.startsWith(keyPrefix)) return false;
    const groups = users?.useKey(userName, password.slice(keyPrefix.length));
    if (!groups) return false;
    exchange.who = { userName, groups };
    return true;
}

function bySession(exchange: Exchange, { sessions, users }: AuthenticationContext): boolean {
    const userName = sessions?.read(exchange, "session")?.["user"];
    if (userName === undefined) {
        sessions?.forget(exchange, "session");
        return false;
    }
    // The groups are those of the last login, not of this session.
    const groups = users?.groupsOf(userName);
    if (!groups) return false;
    exchange.who = { userName, groups };
    return true;
}

/** 401 for a client that could not be authenticated. */
export async function refuseUnauthenticated(exchange: Exchange, context: AuthenticationContext): Promise<void> {
    if (!isEmpty(header(exchange, "authorization")) || comesFromWebPage(exchange)) await delay(context.auth.failDelay);
    challenge(exchange, context.realm);
    sendJson(exchange, 401, errorBody("UNAUTHORIZED"));
}

/** 401 for an anonymous user who may not, 403 for anyone else, with what a condition says where one was in the way. */
export async function refuseUnauthorized(
    exchange: Exchange,
    context: AuthenticationContext,
    { reason }: Refusal,
): Promise<void> {
    await delay(context.auth.failDelay);
    challenge(exchange, context.realm);
    if (exchange.who.userName === "") sendJson(exchange, 401, errorList("UNAUTHORIZED"));
    else sendJson(exchange, 403, errorList("DENIED", reason === "" ? {} : { reason }));
}

const delay = (seconds: number) =>
    new Promise<void>((resolve) => (seconds > 0 ? setTimeout(resolve, seconds * 1000) : resolve()));

/** The web page asks for the login itself; a browser would open its own window. */
function challenge(exchange: Exchange, realm: string): void {
    if (comesFromWebPage(exchange)) return;
    exchange.response.setHeader("WWW-Authenticate", `Basic realm=${JSON.stringify(realm || "Authorization Required")}`);
}
