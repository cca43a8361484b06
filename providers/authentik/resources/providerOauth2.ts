import type { OAuth2Provider, OAuth2ProviderRequest } from "@goauthentik/api";
import type { ResourceDefinition } from "../definition";
import {
    boolean,
    duration,
    integerList,
    listOfOneOf,
    oneOf,
    redirectUriList,
    reference,
    text,
    textList,
} from "../propertyTypes";
import { numericId } from "./numericId";

export const providerOauth2: ResourceDefinition<OAuth2Provider, OAuth2ProviderRequest> = {
    token: "authentik:index/providerOauth2:ProviderOauth2",
    noun: "OAuth2 provider",
    description: "An OAuth2 and OpenID Connect provider: what an application logs its users in with.",
    properties: {
        name: { type: text, autonamed: true, description: "The provider's name. No two providers have the same." },
        clientId: { type: text, required: true, description: "The OAuth2 client id. No two providers have the same." },
        clientSecret: {
            type: text,
            secret: true,
            absent: "unmanaged",
            description: "The OAuth2 client secret. Left out, Authentik makes one.",
        },
        clientType: {
            type: oneOf("confidential", "public"),
            default: "confidential",
            description: "Whether the client can keep its secret to itself.",
        },
        authenticationFlow: {
            type: reference,
            description: "Id of the flow that logs in whoever is not logged in. Left out, the brand's.",
        },
        authorizationFlow: {
            type: reference,
            required: true,
            description: "Id of the flow that lets a logged-in user through to the application.",
        },
        invalidationFlow: { type: reference, required: true, description: "Id of the flow that ends a session." },
        propertyMappings: { type: textList, description: "Ids of the scope mappings that the provider offers." },
        redirectUris: {
            type: redirectUriList,
            name: "allowedRedirectUris",
            description: "Where users may be sent back to. A strict one must match to the last character.",
        },
        grantTypes: {
            type: listOfOneOf(
                "authorization_code",
                "implicit",
                "hybrid",
                "refresh_token",
                "client_credentials",
                "password",
                "urn:ietf:params:oauth:grant-type:device_code",
            ),
            absent: "unmanaged",
            since: "2026.5",
            ignoredWhereUnknown: true,
            description:
                "The OAuth2 grants that the client may use. Left out, Authentik chooses. " +
                "Servers before 2026.5.0 do not know and ignore it.",
        },
        accessCodeValidity: { type: duration, default: "minutes=1", description: "How long an access code is valid." },
        accessTokenValidity: {
            type: duration,
            default: "minutes=10",
            description: "How long an access token is valid.",
        },
        refreshTokenValidity: { type: duration, default: "days=30", description: "How long a refresh token is valid." },
        refreshTokenThreshold: {
            type: duration,
            default: "seconds=0",
            description:
                "A refresh token that is valid for less than this is renewed when used; `seconds=0` renews it always.",
        },
        includeClaimsInIdToken: {
            type: boolean,
            default: true,
            description:
                "Whether the id_token carries the scopes' claims, " +
                "for applications that never ask the userinfo endpoint.",
        },
        signingKey: {
            type: reference,
            description:
                "Id of the certificate whose key signs tokens. " +
                "Without one they are signed with the client secret (HS256) and there is no public key.",
        },
        encryptionKey: { type: reference, description: "Id of the certificate whose key encrypts tokens." },
        logoutUri: { type: text, description: "Where the application is told of a logout." },
        logoutMethod: {
            type: oneOf("backchannel", "frontchannel"),
            default: "backchannel",
            description: "How the application is told of a logout.",
        },
        subMode: {
            type: oneOf("hashed_user_id", "user_id", "user_uuid", "user_username", "user_email", "user_upn"),
            default: "hashed_user_id",
            description: "What the `sub` claim says.",
        },
        issuerMode: {
            type: oneOf("global", "per_provider"),
            default: "per_provider",
            description: "Whether the issuer is Authentik's address or one below it for each application.",
        },
        jwtFederationSources: {
            type: textList,
            description: "Ids of the sources whose JWTs stand in for the client's credentials.",
        },
        jwtFederationProviders: {
            type: integerList,
            description: "Ids of the providers whose JWTs stand in for the client's credentials.",
        },
    },
    ownProperties: {
        jwksSources: {
            type: textList,
            absent: "unmanaged",
            description: "Deprecated, and no longer read by Authentik: say `jwtFederationSources`.",
            refused: "is no longer read by Authentik: say jwtFederationSources instead",
        },
    },
    idOutput: "providerOauth2Id",
    idOf: (answer) => String(answer.pk),
    ...numericId("under Applications > Providers"),
    permission: { app: "authentik_providers_oauth2", model: "oauth2provider" },
    keyProperty: "clientId",
    label: (inputs) => String(inputs.name ?? inputs.clientId ?? inputs.providerOauth2Id ?? ""),
    find: async (client, request, by) => {
        const isByName = by === "name";
        const { results } = await client.providers.providersOauth2List(
            isByName ? { name: request.name } : { clientId: request.clientId },
        );
        return results.filter((found) =>
            isByName ? found.name === request.name : found.clientId === request.clientId,
        );
    },
    create: (client, request) =>
        client.providers.providersOauth2Create({
            oAuth2ProviderRequest: { ...request, redirectUris: request.redirectUris ?? [] },
        }),
    read: (client, id) => client.providers.providersOauth2Retrieve({ id: Number(id) }),
    update: (client, id, changes) =>
        client.providers.providersOauth2PartialUpdate({ id: Number(id), patchedOAuth2ProviderRequest: changes }),
    delete: (client, id) => client.providers.providersOauth2Destroy({ id: Number(id) }),
};
