/** Properties of objects in Authentik that people decide. Pure. */

/**
 * Properties that people set on these objects and the program does not declare. They stay as people set them. Without
 * this list a provider would change an omitted property: ours and the bridged one reset or empty it.
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

/** The properties of an object that are left to people: all of the list except those that the settings declare. */
export function leftToPeople(
    kind: keyof typeof LEFT_TO_PEOPLE,
    said: Readonly<Record<string, unknown>> = {},
): { ignoreChanges: string[] } {
    return { ignoreChanges: LEFT_TO_PEOPLE[kind].filter((name) => said[name] === undefined) };
}
