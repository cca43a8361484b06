/** Settings of the identity provider: the names in Authentik. Pure. */

import { absolutePath, address, boolean, define, folderAddress, name, optional, slug, text } from "../kinds";
import { IN_ZOT_CONFIG, NO_RIGHTS, onOff, ordered, other, unclear } from "../meanings";
import { USER_NAME_ALLOWED, userName } from "../workloadNames";
import { THREE_TIERS } from "../zotPlaces";

export const identity = {
    issuer: define({
        description:
            "OpenID Connect issuer, as in Authentik's discovery document: " +
            "the URL of Authentik, /application/o/, the application's slug, a slash.",
        ...folderAddress("https://authentik.example.org/application/o/zot/", "zot would exit at its start"),
        example: "https://authentik.example.org/application/o/zot/",
        zotConfig: { path: "http.auth.openid.providers.oidc.issuer" },
        review: IN_ZOT_CONFIG,
    }),
    applicationSlug: define({
        description: "Slug of the application in Authentik; part of the issuer.",
        ...slug("the application"),
        default: "zot",
        review: NO_RIGHTS,
    }),
    applicationName: define({
        description: "Name of the application in Authentik.",
        ...name("the application"),
        default: "Zot Registry",
        review: NO_RIGHTS,
    }),
    applicationGroup: optional(
        define({
            description: "Heading under which Authentik shows the application. Without it, Authentik's value stays.",
            ...name("a heading"),
            review: NO_RIGHTS,
        }),
    ),
    applicationIcon: optional(
        define({
            description:
                "Icon of the application: an address, or a file in Authentik (2025.12 or newer). " +
                "Without it, Authentik's value stays.",
            ...name("an icon"),
            review: NO_RIGHTS,
        }),
    ),
    applicationDescription: optional(
        define({
            description: "Description of the application. Without it, Authentik's value stays.",
            ...name("a description"),
            review: NO_RIGHTS,
        }),
    ),
    applicationPublisher: optional(
        define({
            description: "Publisher of the application. Without it, Authentik's value stays.",
            ...name("a publisher"),
            review: NO_RIGHTS,
        }),
    ),
    applicationLaunchUrl: optional(
        define({
            description:
                "Address at which Authentik opens the application. " +
                "Without it, Authentik's value stays; a new application gets registry.url.",
            ...address(),
            review: other("Authentik sends people who open the application to"),
        }),
    ),
    applicationOpenInNewTab: optional(
        define({
            description: "Whether the application opens in a new tab. Without it, Authentik's value stays.",
            ...boolean(),
            review: NO_RIGHTS,
        }),
    ),
    providerName: define({
        description: "Name of the OAuth2 provider in Authentik.",
        ...name("the provider"),
        default: "Zot",
        zotConfig: { path: "http.auth.openid.providers.oidc.name" },
        review: NO_RIGHTS,
    }),
    clientId: define({
        description: "OAuth2 client id of the registry.",
        ...text("letters, digits, '.', '-' and '_'", (value) => /^[A-Za-z0-9._-]+$/.test(value)),
        default: "zot",
        review: other("people log in to the OAuth2 client"),
    }),
    authorizationFlow: define({
        description: "Slug of the flow that authorizes a login. The default asks nobody for consent.",
        ...slug("an authorization flow"),
        default: "default-provider-authorization-implicit-consent",
        review: other("a login is authorized by the flow"),
    }),
    invalidationFlow: define({
        description: "Slug of the flow that ends a login.",
        ...slug("an invalidation flow"),
        default: "default-provider-invalidation-flow",
        review: NO_RIGHTS,
    }),
    signingKey: define({
        description: "Name of the certificate in Authentik that signs tokens.",
        ...name("a certificate"),
        default: "authentik Self-signed Certificate",
        review: other("logins are signed with the certificate"),
    }),
    caFile: optional(
        define({
            description:
                "PEM file of certificate authorities, on the host, " +
                "for checking the issuer's TLS certificate. Without it: the system's.",
            ...absolutePath("certificate authorities on the host"),
            review: other("zot's identity provider is trusted by the certificate authorities in"),
            host: { script: "caFile", look: "caFile" },
        }),
    ),
    workloadsGroup: define({
        description: "Group whose members may add tags.",
        ...name("a group"),
        default: "artifact-workloads",
        zotConfig: THREE_TIERS,
        review: IN_ZOT_CONFIG,
        host: { look: "workloadsGroup" },
    }),
    adminsGroup: define({
        description: "Group whose members may also delete. It must exist: the program never creates or changes it.",
        ...name("a group"),
        default: "admins",
        zotConfig: THREE_TIERS,
        review: IN_ZOT_CONFIG,
        host: { look: "adminsGroup" },
    }),
    ciUser: define({
        description: "Service account that CI pushes as.",
        ...text(USER_NAME_ALLOWED, userName),
        default: "zot-ci",
        review: other("CI pushes as"),
    }),
    ciLoginFlow: define({
        description:
            "How the service account logs in to mint its key: " +
            "default is the site's own login flow, which must not demand a second factor; " +
            "dedicated makes a flow that only the service account passes; " +
            "anything else is the slug of an existing flow.",
        ...slug("an authentication flow, or default or dedicated"),
        default: "default",
        review: other("CI's service account logs in by the flow"),
    }),
    passwordStage: define({
        description: "Name of the stage that checks passwords, for the dedicated login flow.",
        ...name("a password stage"),
        default: "default-authentication-password",
        review: other("CI's service account is asked for its password by the stage"),
    }),
    manageWorkloads: define({
        description:
            "Whether the program makes the group and the service account; false if an administrator keeps them.",
        ...boolean(),
        default: true,
        review: (_before, after) =>
            unclear(
                after === true
                    ? "this program decides who is CI, and no longer Authentik's administrators"
                    : "Authentik's administrators decide who is CI, and no longer this program",
            ),
    }),
    retainOnDestroy: define({
        description: "Whether a destroy leaves what the program made or took over in Authentik.",
        ...boolean(),
        default: false,
        review: (_before, after) =>
            unclear(
                after === true
                    ? "a destroy leaves login, group and service account in Authentik"
                    : "a destroy removes what was taken over in Authentik",
            ),
    }),
    acceptRename: define({
        description:
            "Allows, for one update, a change of slug, client id, " +
            "group or service account that a live registry depends on.",
        ...boolean(),
        default: false,
        review: ordered(
            [false, true],
            onOff(
                "names that a live registry depends on may change",
                "names that a live registry depends on may not change",
            ),
        ),
    }),
};
