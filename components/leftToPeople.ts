/** Properties of objects in Authentik that are people's. Pure. */

/**
 * What people set on these objects and the program does not say. It stays as they set it, whatever a provider makes of
 * a property that is left out: ours and the bridged one give it a default, or empty it.
 */
const LEFT_TO_PEOPLE = {
    provider: [
        ...[
            "accessCodeValidity",
            "accessTokenValidity",
            "refreshTokenValidity",
            "refreshTokenThreshold",
            "authenticationFlow",
            "encryptionKey",
        ],
        ...["logoutUri", "logoutMethod", "jwtFederationProviders", "jwtFederationSources"],
    ],
    application: [
        ...[
            "backchannelProviders",
            "group",
            "metaDescription",
            "metaHide",
            "metaIcon",
            "metaLaunchUrl",
            "metaPublisher",
            "openInNewTab",
        ],
    ],
    group: ["attributes", "parents", "roles", "users"],
    user: ["attributes", "email", "name", "path", "roles"],
} as const;

/** Properties of an object that are left to people: all of the list but those that the settings say. */
export function leftToPeople(
    kind: keyof typeof LEFT_TO_PEOPLE,
    said: Readonly<Record<string, unknown>> = {},
): { ignoreChanges: string[] } {
    return { ignoreChanges: LEFT_TO_PEOPLE[kind].filter((name) => said[name] === undefined) };
}
