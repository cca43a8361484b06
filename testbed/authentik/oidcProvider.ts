/** What a provider tells of itself, which claims its mappings make, and which requests for authorization it takes. */

import { createHash, createPublicKey } from "node:crypto";
import type { Fields } from "./apiSchema";
import { parseClaims } from "./expressions";
import type { Request } from "./http";
import { type Answer, page } from "./http";
import type { World } from "./objects/kind";
import { knowsGrantTypes } from "./objects/oauth2Providers";
import { errorAtClient, isAllowed, issuerOf, keyIdOf } from "./oidcAnswers";
import type { Stored } from "./stored";

export const acr = "goauthentik.io/providers/oauth2/default";

/** A request that the authorization endpoint turns down: as a page, or at the client's redirect URI. */
export class Refused extends Error {
    constructor(readonly answer: Answer) {
        super("refused");
    }
}

export function discovery(world: World, request: Request, provider: Stored, application: Stored): Fields {
    const { origin } = request;
    const endpoint = (name: string) => `${origin}/application/o/${name}/`;
    const scopes = mappings(world, provider).map((mapping) => mapping.scope_name as string);
    if (!scopes.includes("openid")) scopes.push("openid");
    return {
        issuer: issuerOf(request, provider, application),
        authorization_endpoint: endpoint("authorize"),
        token_endpoint: endpoint("token"),
        userinfo_endpoint: endpoint("userinfo"),
        end_session_endpoint: endpoint(`${application.slug as string}/end-session`),
        response_types_supported: ["code"],
        jwks_uri: endpoint(`${application.slug as string}/jwks`),
        grant_types_supported: ["authorization_code"],
        id_token_signing_alg_values_supported: [provider.signing_key === null ? "HS256" : "RS256"],
        subject_types_supported: ["public"],
        token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
        acr_values_supported: [acr],
        scopes_supported: scopes,
    };
}

/** `{}` without a signing key. */
export function jwks(world: World, provider: Stored): Fields {
    const certificate = signingCertificate(world, provider);
    if (!certificate) return {};
    const der = Buffer.from(certificate.certificate as string, "base64");
    const thumbprint = (algorithm: string) => createHash(algorithm).update(der).digest("base64url");
    return {
        keys: [
            {
                ...createPublicKey(certificate.private_key as string).export({ format: "jwk" }),
                alg: "RS256",
                kid: keyIdOf(certificate),
                use: "sig",
                x5c: [certificate.certificate],
                x5t: thumbprint("sha1"),
                "x5t#S256": thumbprint("sha256"),
            },
        ],
    };
}

/** Authentik's checks of a request in Authentik's order; the page for an unknown client or address never redirects. */
export function checkAuthorization(world: World, parameters: Record<string, string>): Stored {
    const provider = world.store.find("providers/oauth2", "client_id", parameters.client_id ?? "");
    if (!provider) {
        throw new Refused(
            page(400, {
                heading: "Client ID Error",
                message: "The client identifier (client_id) is missing or invalid.",
            }),
        );
    }
    if (!isAllowed(provider, parameters.redirect_uri ?? "")) {
        throw new Refused(
            page(400, {
                heading: "Redirect URI Error",
                message: "The request fails due to a missing, invalid, or mismatching redirection URI (redirect_uri).",
            }),
        );
    }
    // Which error a release of 2026.5 answers to a grant type that it was not given has not been measured.
    const granted = !knowsGrantTypes(world) || (provider.grant_types as string[]).includes("authorization_code");
    if (parameters.response_type !== "code" || !granted)
        throw new Refused(errorAtClient(parameters, "unsupported_response_type"));
    return provider;
}

/** A provider's mappings, in the order in which they were made. */
export function mappings(world: World, provider: Stored): Stored[] {
    const order = world.store.all("propertymappings/provider/scope");
    return (provider.property_mappings as string[])
        .map((pk) => world.store.get("propertymappings/provider/scope", pk) as Stored)
        .sort((a, b) => order.indexOf(a) - order.indexOf(b));
}

/** The scopes that were asked for and that the provider has mappings for. */
export function grantedScopes(world: World, provider: Stored, asked = ""): string[] {
    const wanted = asked.split(" ");
    return mappings(world, provider)
        .map((mapping) => mapping.scope_name as string)
        .filter((scope) => wanted.includes(scope));
}

/** What the scope mappings say of a user; a user's direct groups only. */
export function scopeClaims(world: World, provider: Stored, user: Stored, scopes: readonly string[]): Fields {
    const claims: Fields = {};
    for (const mapping of mappings(world, provider)) {
        if (!scopes.includes(mapping.scope_name as string)) continue;
        const read = parseClaims(mapping.expression as string);
        const { username, name, email } = user as unknown as { username: string; name: string; email: string };
        const groups = (user.groups as string[]).map((pk) => world.store.get("core/groups", pk)?.name as string);
        Object.assign(claims, read({ username, name, email, groups }));
    }
    return claims;
}

export function signingCertificate(world: World, provider: Stored): Stored | undefined {
    return provider.signing_key === null
        ? undefined
        : world.store.get("crypto/certificatekeypairs", provider.signing_key);
}
