import type { Fields } from "./apiSchema";
import { timestamp } from "./identifiers";
import type { ObjectKind } from "./objects/kind";
import type { ObjectStore } from "./store";
import type { Stored } from "./stored";

// What is there after Authentik's default blueprints and the automated install: names, slugs, orders and expressions as
// they are in 2026.5.

const scopes: readonly { scope: string; managed: string; name: string; description: string; expression: string }[] = [
    {
        scope: "openid",
        managed: "goauthentik.io/providers/oauth2/scope-openid",
        name: "authentik default OAuth Mapping: OpenID 'openid'",
        description: "",
        expression: "return {}",
    },
    {
        scope: "email",
        managed: "goauthentik.io/providers/oauth2/scope-email",
        name: "authentik default OAuth Mapping: OpenID 'email'",
        description: "Email address",
        expression: 'return {\n    "email": request.user.email,\n    "email_verified": False\n}',
    },
    {
        scope: "profile",
        managed: "goauthentik.io/providers/oauth2/scope-profile",
        name: "authentik default OAuth Mapping: OpenID 'profile'",
        description: "General Profile Information",
        expression: [
            "return {",
            '    "name": request.user.name,',
            '    "given_name": request.user.name,',
            '    "preferred_username": request.user.username,',
            '    "nickname": request.user.username,',
            '    "groups": [group.name for group in request.user.groups.all()],',
            "}",
        ].join("\n"),
    },
];

const flowTable: readonly [slug: string, name: string, title: string, designation: string, authentication: string][] = [
    ["default-authentication-flow", "Welcome to authentik!", "Welcome to authentik!", "authentication", "none"],
    ["default-invalidation-flow", "Logout", "Default Invalidation Flow", "invalidation", "none"],
    [
        "default-provider-authorization-explicit-consent",
        "Authorize Application",
        "Redirecting to %(app)s",
        "authorization",
        "require_authenticated",
    ],
    [
        "default-provider-authorization-implicit-consent",
        "Authorize Application",
        "Redirecting to %(app)s",
        "authorization",
        "require_authenticated",
    ],
    [
        "default-provider-invalidation-flow",
        "Logged out of application",
        "You've logged out of %(app)s.",
        "invalidation",
        "none",
    ],
    [
        "default-authenticator-totp-setup",
        "default-authenticator-totp-setup",
        "Set up Two-Factor authentication",
        "stage_configuration",
        "require_authenticated",
    ],
];

const blueprintNames: readonly [name: string, path: string][] = [
    ["Default - Authentication flow", "default/flow-default-authentication-flow.yaml"],
    ["Default - Invalidation flow", "default/flow-default-invalidation-flow.yaml"],
    [
        "Default - Provider authorization flow (explicit consent)",
        "default/flow-default-provider-authorization-explicit-consent.yaml",
    ],
    [
        "Default - Provider authorization flow (implicit consent)",
        "default/flow-default-provider-authorization-implicit-consent.yaml",
    ],
    ["Default - Provider invalidation flow", "default/flow-default-provider-invalidation.yaml"],
    ["Default - TOTP MFA setup flow", "default/flow-default-authenticator-totp-setup.yaml"],
    ["System - OAuth2 Provider - Scopes", "system/providers-oauth2.yaml"],
    ["authentik Bootstrap", "system/bootstrap.yaml"],
];

/**
 * Fills an empty store. The token belongs to `akadmin`, never expires and is a superuser's, as
 * AUTHENTIK_BOOTSTRAP_TOKEN makes it.
 */
export function applyDefaults(store: ObjectStore<ObjectKind>, certificate: Fields, bootstrap: { token: string }): void {
    const make = (path: string, fields: Fields): Stored =>
        store.insert(path, { ...store.kind(path).defaults(), ...fields });

    const admins = make("core/groups", { name: "authentik Admins", is_superuser: true });
    const administrator = make("core/users", {
        username: "akadmin",
        name: "authentik Default Admin",
        email: "root@example.com",
        groups: [admins.pk],
        last_updated: timestamp(),
    });
    make("core/tokens", {
        identifier: "authentik-bootstrap-token",
        intent: "api",
        user: administrator.pk,
        expiring: false,
        key: bootstrap.token,
    });

    for (const { scope, ...mapping } of scopes)
        make("propertymappings/provider/scope", { ...mapping, scope_name: scope });
    make("crypto/certificatekeypairs", certificate);

    const flows = Object.fromEntries(
        flowTable.map(([slug, name, title, designation, authentication]) => [
            slug,
            make("flows/instances", { slug, name, title, designation, authentication }),
        ]),
    ) as Record<string, Stored>;
    const bind = (slug: string, stage: Stored, order: number): Stored =>
        make("flows/bindings", { target: flows[slug]?.pk, stage: stage.pk, order });
    const applyPolicy = (binding: Stored, name: string, expression: string): void => {
        const policy = make("policies/expression", { name, expression });
        make("policies/bindings", {
            target: binding.policybindingmodel_ptr_id,
            policy: policy.pk,
            order: 10,
            failure_result: true,
        });
    };

    const totp = make("stages/authenticator/totp", {
        name: "default-authenticator-totp-setup",
        friendly_name: "TOTP Device",
        configure_flow: flows["default-authenticator-totp-setup"]?.pk,
    });
    bind("default-authenticator-totp-setup", totp, 0);
    bind(
        "default-authentication-flow",
        make("stages/identification", {
            name: "default-authentication-identification",
            user_fields: ["email", "username"],
        }),
        10,
    );
    const passwordBinding = bind(
        "default-authentication-flow",
        make("stages/password", {
            name: "default-authentication-password",
            backends: [
                "authentik.core.auth.InbuiltBackend",
                "authentik.sources.kerberos.auth.KerberosBackend",
                "authentik.sources.ldap.auth.LDAPBackend",
                "authentik.core.auth.TokenBackend",
            ],
        }),
        20,
    );
    const secondFactorBinding = bind(
        "default-authentication-flow",
        make("stages/authenticator/validate", { name: "default-authentication-mfa-validation" }),
        30,
    );
    bind("default-authentication-flow", make("stages/user_login", { name: "default-authentication-login" }), 100);
    applyPolicy(
        passwordBinding,
        "default-authentication-flow-password-stage",
        [
            'flow_plan = request.context.get("flow_plan")',
            "if not flow_plan:",
            "    return True",
            "# If the user does not have a backend attached to it, they haven't",
            "# been authenticated yet and we need the password stage",
            'return not hasattr(flow_plan.context.get("pending_user"), "backend")',
        ].join("\n"),
    );
    applyPolicy(
        secondFactorBinding,
        "default-authentication-flow-authenticator-validate-stage",
        [
            'flow_plan = request.context.get("flow_plan")',
            "if not flow_plan:",
            "    return True",
            "# if the authentication method is webauthn (passwordless), then we skip the authenticator",
            "# validation stage by returning false (true will execute the stage)",
            'return not (flow_plan.context.get("auth_method") == "auth_webauthn_pwl")',
        ].join("\n"),
    );
    bind("default-invalidation-flow", make("stages/user_logout", { name: "default-invalidation-logout" }), 0);
    bind(
        "default-provider-authorization-explicit-consent",
        make("stages/consent", { name: "default-provider-authorization-consent", mode: "expiring" }),
        0,
    );

    for (const [name, path] of blueprintNames) {
        make("managed/blueprints", { name, path, status: "successful", metadata: { name, labels: {} } });
    }
}
