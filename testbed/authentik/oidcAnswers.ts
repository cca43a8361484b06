/**
 * OpenID Connect as Authentik says it: issuers, subjects, redirect URIs, clients, and the pages and bodies of its
 * refusals.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import type { Fields } from "./apiSchema";
import type { Request } from "./http";
import { type Answer, json, page, redirect } from "./http";
import { newHexadecimal } from "./identifiers";
import { uidOf } from "./objects/summaries";
import type { Stored } from "./stored";

const descriptions: Record<string, string> = {
    invalid_client:
        "Client authentication failed (e.g., unknown client, no client authentication included, " +
        "or unsupported authentication method)",
    invalid_grant:
        "The provided authorization grant or refresh token is invalid, expired, revoked, " +
        "does not match the redirection URI used in the " +
        "authorization request, or was issued to another client",
    invalid_request: "The request is otherwise malformed",
    invalid_token: "The access token provided is expired, revoked, malformed, or invalid for other reasons",
    insufficient_scope: "The request requires higher privileges than provided by the access token",
    unsupported_grant_type: "The authorization grant type is not supported by the authorization server",
    unsupported_response_type:
        "The authorization server does not support obtaining an authorization code using this method",
};

/** The issuer follows the Host and X-Forwarded-Proto headers of each request. */
export function issuerOf(request: Request, provider: Stored, application: Stored): string {
    return provider.issuer_mode === "global"
        ? `${request.origin}/`
        : `${request.origin}/application/o/${application.slug as string}/`;
}

export function subjectOf(provider: Stored, user: Stored): string {
    switch (provider.sub_mode) {
        case "user_id":
            return String(user.pk);
        case "user_uuid":
            return user.uuid as string;
        case "user_username":
            return user.username as string;
        case "user_email":
            return user.email as string;
        case "user_upn":
            return ((user.attributes as Fields).upn as string | undefined) ?? uidOf(user);
        default:
            return uidOf(user);
    }
}

export function keyIdOf(certificate: Stored): string {
    return createHash("sha512")
        .update(certificate.private_key as string)
        .digest("base64url");
}

export function authorizationUris(provider: Stored): Fields[] {
    return (provider.redirect_uris as Fields[]).filter((uri) => uri.redirect_uri_type !== "logout");
}

export function isAllowed(provider: Stored, redirectUri: string): boolean {
    return authorizationUris(provider).some((uri) =>
        uri.matching_mode === "regex"
            ? new RegExp(`^(?:${uri.url as string})$`).test(redirectUri)
            : uri.url === redirectUri,
    );
}

export function clientOf(request: Request, form: Record<string, string>): { id: string; secret: string } {
    const basic = /^Basic (.+)$/.exec(request.headers.authorization ?? "");
    if (!basic) return { id: form.client_id ?? "", secret: form.client_secret ?? "" };
    const [id, ...secret] = Buffer.from(basic[1] as string, "base64")
        .toString("utf8")
        .split(":") as [string, ...string[]];
    try {
        return { id: decodeURIComponent(id), secret: decodeURIComponent(secret.join(":")) };
    } catch {
        return { id: "", secret: "" };
    }
}

export function equal(a: string, b: string): boolean {
    const [first, second] = [Buffer.from(a), Buffer.from(b)];
    return first.length === second.length && timingSafeEqual(first, second);
}

export function errorAtClient(
    parameters: Record<string, string>,
    error: string,
    description = descriptions[error] ?? error,
): Answer {
    const query = `error=${error}&error_description=${encodeURIComponent(description)}`;
    const separator = (parameters.redirect_uri as string).includes("?") ? "&" : "?";
    return redirect(
        `${parameters.redirect_uri}${separator}${query}&state=${encodeURIComponent(parameters.state ?? "")}`,
    );
}

export function tokenError(error: string): Answer {
    return json(400, { error, error_description: descriptions[error], request_id: newHexadecimal(32) });
}

export function bearerError(status: number, error: string): Answer {
    const challenge = `error="${error}", error_description="${descriptions[error]}"`;
    return { status, body: "", headers: { "Content-Type": "text/html; charset=utf-8", "WWW-Authenticate": challenge } };
}

/** What a page that changes something answers to a form without Django's token. */
export const forbidden = (): Answer =>
    page(403, { title: "403 Forbidden", heading: "403 Forbidden", message: "CSRF verification failed." });

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
