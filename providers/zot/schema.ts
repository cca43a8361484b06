/** The package's schema, for `pulumi package get-schema` and code generators. */
import { inputDefinitions, outputDefinitions, predecessorDefinitions } from "./apiKeyProperties";
import { clientSecretInputs } from "./clientSecret";
import { configurationProperties } from "./configuration";
import {
    connectionDescription,
    connectionFields,
    observationInputs,
    observationOutputs,
    type PropertyDefinition,
    reportDefinitions,
    restoredFrom,
} from "./hostObservationProperties";
import {
    apiKeyToken,
    clientSecretToken,
    hostObservationToken,
    hostWithdrawalToken,
    packageName,
    packageVersion,
} from "./package";

export function packageSchema(): string {
    return JSON.stringify({
        name: packageName,
        displayName: "zot",
        version: packageVersion,
        description: "What a zot registry keeps for its users, and what is on its host.",
        license: "Apache-2.0",
        meta: { moduleFormat: "(.*)(?:/[^/]*)" },
        language: { nodejs: { packageName: "pulumi-zot" } },
        config: { variables: configurationProperties, defaults: [] },
        provider: {
            description: "The provider of the package zot.",
            inputProperties: configurationProperties,
            properties: configurationProperties,
        },
        types: {
            "zot:index/predecessor:Predecessor": textsType(
                "A key that works beside the declared one until its time is over.",
                predecessorDefinitions,
            ),
            "zot:index/sshAddress:SshAddress": sshAddressType("A host, and how to log in to it.", {}),
            "zot:index/sshConnection:SshConnection": sshAddressType(connectionDescription, {
                proxy: { $ref: "#/types/zot:index/sshAddress:SshAddress", description: "A jump host." },
            }),
            "zot:index/hostReport:HostReport": textsType("What a look at a host has seen.", reportDefinitions),
        },
        resources: {
            [apiKeyToken]: apiKeyResource(),
            [clientSecretToken]: {
                description:
                    "The secret of an OAuth2 client in Authentik: " +
                    "the existing one, or the given one if there is none yet. " +
                    "After that, a changed input replaces it.",
                properties: clientSecretInputs,
                required: Object.keys(clientSecretInputs),
                inputProperties: clientSecretInputs,
                requiredInputs: Object.keys(clientSecretInputs),
            },
            [hostObservationToken]: hostObservationResource(),
            [hostWithdrawalToken]: {
                description:
                    "A check before a config is withdrawn from the host of a zot registry: " +
                    "whether the login works, whether the host runs the commands that it is sent, and whether it has what it should restore.",
                inputProperties: {
                    connection: connectionProperty,
                    restoredFrom: { type: "string", description: restoredFrom.description },
                },
                requiredInputs: ["connection"],
            },
        },
    });
}

function apiKeyResource() {
    const inputs = Object.fromEntries(
        Object.entries(inputDefinitions).map(([name, { type, description, default: value }]) => [
            name,
            { type, description: value === undefined ? description : `${description} Default \`${value}\`.` },
        ]),
    );
    const outputs = Object.fromEntries(
        Object.entries(outputDefinitions).map(([name, { schema, description, secret }]) => [
            name,
            { ...schema, description, ...(secret ? { secret } : {}) },
        ]),
    );
    const isAlwaysThere = (name: string) =>
        inputDefinitions[name]!.required === true || inputDefinitions[name]!.default !== undefined;
    return {
        description:
            "An API key of a service account at a zot registry. " +
            "A login without a browser mints it, and the first update after its rotation time rotates it in place.",
        properties: { ...inputs, ...outputs },
        required: [...Object.keys(inputs).filter(isAlwaysThere), ...Object.keys(outputs)],
        inputProperties: inputs,
        requiredInputs: Object.entries(inputDefinitions)
            .filter(([, { required }]) => required)
            .map(([name]) => name),
    };
}

function schemaOf(type: PropertyDefinition["type"]) {
    if (type === "secrets") return { type: "object", additionalProperties: { type: "string" }, secret: true };
    return type === "strings" || type === "texts" ? { type: "array", items: { type: "string" } } : { type };
}

/** A type whose properties are texts that are always present. */
const textsType = (description: string, descriptions: Readonly<Record<string, string>>) => ({
    type: "object",
    description,
    properties: Object.fromEntries(
        Object.entries(descriptions).map(([name, ofProperty]) => [name, { type: "string", description: ofProperty }]),
    ),
    required: Object.keys(descriptions),
});

function sshAddressType(description: string, more: Record<string, object>) {
    return {
        type: "object",
        description,
        properties: { ...connectionFields, ...more },
        required: ["host", "user", "hostKey"],
    };
}

const connectionProperty = {
    $ref: "#/types/zot:index/sshConnection:SshConnection",
    secret: true,
    description: connectionDescription,
};

function hostObservationResource() {
    const inputs = Object.fromEntries(
        Object.entries(observationInputs).map(([name, { type, description, default: value }]) => [
            name,
            {
                ...schemaOf(type),
                description: value === undefined ? description : `${description} Default \`${value}\`.`,
            },
        ]),
    );
    return {
        description:
            "A look at the host of a zot registry, in preview and update. " +
            "It finds and reports what was changed there by other means, and has it deployed again.",
        properties: Object.fromEntries(
            Object.entries(observationOutputs).map(([name, { schema, description }]) => [
                name,
                { ...schema, description },
            ]),
        ),
        required: ["pushes"],
        inputProperties: { connection: connectionProperty, ...inputs },
        requiredInputs: [
            "connection",
            ...Object.keys(observationInputs).filter((name) => observationInputs[name]!.required),
        ],
    };
}
