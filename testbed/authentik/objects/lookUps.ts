import { json } from "../http";
import { timestamp } from "../identifiers";

import type { ObjectKind } from "./kind";

// What the program only looks up: scope mappings, certificates, blueprints.

export const scopeMappings: ObjectKind = {
    path: "propertymappings/provider/scope",
    model: "authentik_providers_oauth2.scopemapping",
    className: "ScopeMapping",
    verboseName: "Scope Mapping",
    applicationName: "authentik Providers.OAuth2",
    primaryKey: "uuid",
    pathParameter: "pm_uuid",
    readOnly: true,
    defaults: () => ({ managed: null, description: "" }),
    ordering: ["scope_name"],
    search: ["name", "scope_name"],
    // A name that is nowhere in use is 400, not an empty list.
    choices: {
        managed: ({ world }) =>
            world.store
                .all("propertymappings/provider/scope")
                .flatMap((mapping) => (mapping.managed ? [mapping.managed as string] : [])),
    },
    represent: (mapping) => ({
        pk: mapping.pk,
        managed: mapping.managed,
        name: mapping.name,
        expression: mapping.expression,
        component: "ak-property-mapping-provider-scope-form",
        verbose_name: "Scope Mapping",
        verbose_name_plural: "Scope Mappings",
        meta_model_name: "authentik_providers_oauth2.scopemapping",
        scope_name: mapping.scope_name,
        description: mapping.description,
    }),
};

/** Certificates: read and deleted (an administrator may), not made. */
export const certificates: ObjectKind = {
    path: "crypto/certificatekeypairs",
    model: "authentik_crypto.certificatekeypair",
    className: "CertificateKeyPair",
    verboseName: "Certificate-Key Pair",
    applicationName: "authentik Crypto",
    primaryKey: "uuid",
    pathParameter: "kp_uuid",
    readOnly: true,
    extraPermissions: {
        view_certificatekeypair_certificate: "View Certificate-Key pair's certificate",
        view_certificatekeypair_key: "View Certificate-Key pair's private key",
    },
    defaults: () => ({ managed: null }),
    ordering: ["name"],
    search: ["name"],
    represent: (certificate) => {
        const download = (what: string) => `/api/v3/crypto/certificatekeypairs/${certificate.pk}/${what}/?download`;
        return {
            pk: certificate.pk,
            name: certificate.name,
            fingerprint_sha256: certificate.fingerprint_sha256,
            fingerprint_sha1: certificate.fingerprint_sha1,
            cert_expiry: certificate.cert_expiry,
            cert_subject: certificate.cert_subject,
            private_key_available: true,
            key_type: "rsa",
            certificate_download_url: download("view_certificate"),
            private_key_download_url: download("view_private_key"),
            managed: certificate.managed,
        };
    },
    actions: {
        view_certificate: {
            permission: "authentik_crypto.view_certificatekeypair_certificate",
            run: ({ certificate }) => {
                const lines = ((certificate as string).match(/.{1,64}/g) as string[]).join("\n");
                return json(200, { data: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n` });
            },
        },
        view_private_key: {
            permission: "authentik_crypto.view_certificatekeypair_key",
            run: ({ private_key: key }) => json(200, { data: key }),
        },
    },
};

/**
 * Blueprints are made, listed and deleted; the stand-in applies none. One that is kept in the database has its YAML in
 * `content`.
 */
export const blueprints: ObjectKind = {
    path: "managed/blueprints",
    model: "authentik_blueprints.blueprintinstance",
    className: "BlueprintInstance",
    verboseName: "Blueprint Instance",
    applicationName: "authentik Blueprints",
    primaryKey: "uuid",
    pathParameter: "instance_uuid",
    defaults: () => ({
        path: "",
        context: {},
        enabled: true,
        content: "",
        last_applied: timestamp(),
        status: "unknown",
        metadata: {},
    }),
    ordering: ["name"],
    search: ["name", "path"],
    represent: (blueprint) => ({
        pk: blueprint.pk,
        name: blueprint.name,
        path: blueprint.path,
        context: blueprint.context,
        last_applied: blueprint.last_applied,
        last_applied_hash: "",
        status: blueprint.status,
        enabled: blueprint.enabled,
        managed_models: [],
        metadata: blueprint.metadata,
        content: blueprint.content,
    }),
};
