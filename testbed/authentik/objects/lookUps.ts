import { parse } from "yaml";
import type { FieldErrors } from "../apiSchema";
import { parseClaims } from "../expressions";
import { type Answer, json } from "../http";
import { timestamp } from "../identifiers";

import { type Context, type ObjectKind, UnhandledError } from "./kind";

// What the program only looks up: scope mappings, certificates, blueprints.

export const scopeMappings: ObjectKind = {
    path: "propertymappings/provider/scope",
    model: "authentik_providers_oauth2.scopemapping",
    className: "ScopeMapping",
    verboseName: "Scope Mapping",
    applicationName: "authentik Providers.OAuth2",
    primaryKey: "uuid",
    pathParameter: "pm_uuid",
    defaults: () => ({ managed: null, description: "" }),
    unique: {
        name: { message: "Property Mapping with this name already exists." },
        managed: { message: "Property Mapping with this Managed by authentik already exists." },
    },
    checkMembers: ({ attributes }) => {
        const errors: FieldErrors = {};
        const parsed = typeof attributes.expression === "string" ? parseClaims(attributes.expression) : undefined;
        if (typeof parsed === "string") errors.expression = [parsed];
        if (typeof attributes.scope_name === "string" && attributes.scope_name.includes(" ")) {
            errors.scope_name = ["Value must not contain spaces."];
        }
        return errors;
    },
    ordering: ["scope_name"],
    search: ["name", "scope_name"],
    filters: { managed__isnull: (mapping, values) => String(mapping.managed === null) === values[0] },
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
    filters: { has_key: () => true, include_details: () => true },
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
            method: "GET",
            permission: "authentik_crypto.view_certificatekeypair_certificate",
            run: ({ certificate, name }, _body, context) =>
                pem(context, "CERTIFICATE", certificate as string, `${name as string}_certificate`),
        },
        view_private_key: {
            method: "GET",
            permission: "authentik_crypto.view_certificatekeypair_key",
            run: ({ private_key: key, name }, _body, context) =>
                pem(context, undefined, key as string, `${name as string}_private_key`),
        },
    },
};

/** Shown as JSON or, with `?download`, as a file. */
function pem({ request }: Context, label: string | undefined, text: string, file: string): Answer {
    const lines = (text.match(/.{1,64}/g) ?? []).join("\n");
    const data = label === undefined ? text : `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
    if (!request.query.has("download")) return json(200, { data });
    const headers = {
        "Content-Type": "application/x-pem-file",
        "Content-Disposition": `attachment; filename="${file}.pem"`,
    };
    return { status: 200, body: data, headers };
}

/**
 * Blueprints are listed, made and deleted; the stand-in applies none. One that is kept in the database has its YAML in
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
    unique: { name: { message: "Blueprint Instance with this name already exists." } },
    checkMembers: ({ attributes }, { world }) => {
        const path = attributes.path as string | undefined;
        const known = path === undefined || path === "" || world.store.find("managed/blueprints", "path", path);
        return known ? {} : { path: ["Blueprint file does not exist"] };
    },
    validate: ({ attributes }) => {
        try {
            parse((attributes.content as string | undefined) ?? "", { logLevel: "error" });
        } catch {
            throw new UnhandledError("a blueprint that is no YAML");
        }
    },
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
