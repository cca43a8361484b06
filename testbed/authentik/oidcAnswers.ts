/**
 * OpenID Connect as Authentik says it: issuers, subjects, redirect URIs, clients, and the pages and bodies of its
 * refusals.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import type { Fields } from "./apiSchema";
import type { Request } from "./http";
import { type Answer, json, page, redirect } from "./http";
import { newHexadecimal } from "./identifiers";
import type { Stored } from "./stored";

const descriptions = {
    invalid_client:
        "Client authentication failed (e.g., unknown client, no client authentication included, " +
        "or unsupported authentication method)",
    invalid_grant:
        "The provided authorization grant or refresh token is invalid, expired, revoked, " +
        "does not match the redirection URI used in the " +
        "authorization request, or was issued to another client",
    invalid_token: "The access token provided is expired, revoked, malformed, or invalid for other reasons",
    insufficient_scope: "The request requires higher privileges than provided by the access token",
    unsupported_grant_type: "The authorization grant type is not supported by the authorization server",
    unsupported_response_type:
        "The authorization server does not support obtaining an authorization code using this method",
} as const;

/** The issuer follows the Host and X-Forwarded-Proto headers of each request. */
export function issuerOf(request: Request, provider: Stored, application: Stored): string {
    return provider.issuer_mode === "global"
        ? `${request.origin}/`
        : `${request.origin}/application/o/${application.slug as string}/`;
}

export function keyIdOf(certificate: Stored): string {
    return createHash("sha512")
        .update(certificate.private_key as string)
        .digest("base64url");
}

export function isAllowed(provider: Stored, redirectUri: string): boolean {
    return (provider.redirect_uris as Fields[]).some(({ url }) => url === redirectUri);
}

/** By HTTP basic authentication, as zot sends it. */
export function clientOf(request: Request): { id: string; secret: string } {
    const [, encoded = ""] = /^Basic (.+)$/.exec(request.headers.authorization ?? "") ?? [];
    const [id = "", ...secret] = Buffer.from(encoded, "base64").toString("utf8").split(":");
    return { id: decodeURIComponent(id), secret: decodeURIComponent(secret.join(":")) };
}

export function equal(a: string, b: string): boolean {
    const [first, second] = [Buffer.from(a), Buffer.from(b)];
    return first.length === second.length && timingSafeEqual(first, second);
}

export function errorAtClient(parameters: Record<string, string>, error: keyof typeof descriptions): Answer {
    const query = { error, error_description: descriptions[error], state: parameters.state ?? "" };
    return redirect(`${parameters.redirect_uri}?${new URLSearchParams(query).toString()}`);
}

export function tokenError(error: keyof typeof descriptions): Answer {
    return json(400, { error, error_description: descriptions[error], request_id: newHexadecimal(32) });
}

export function bearerError(status: number, error: keyof typeof descriptions): Answer {
    const challenge = `error="${error}", error_description="${descriptions[error]}"`;
    return { status, body: "", headers: { "Content-Type": "text/html; charset=utf-8", "WWW-Authenticate": challenge } };
}

export function uncached(answer: Answer): Answer {
    if (typeof answer.body === "string") return answer;
    return { ...answer, headers: { ...answer.headers, "Cache-Control": "no-store", Pragma: "no-cache" } };
}

export function permissionDenied(): Answer {
    return page(200, {
        title: "Permission denied - authentik",
        heading: "Permission denied",
        message: "Request has been denied.",
    });
}
