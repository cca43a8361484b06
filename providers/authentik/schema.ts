/** The package's schema, for `pulumi package get-schema` and code generators. */
import { configurationProperties } from "./configuration";
import { isAlwaysPresent, type NamedProperty, outputsOf, propertiesOf } from "./definition";
import type { FunctionDefinition, Result } from "./function";
import { functions, packageName, packageVersion, resources } from "./package";

/** A description, extended by the property's type and default. */
export function fullDescription(property: Pick<NamedProperty, "description" | "type" | "default">): string {
    const sentences = [property.description];
    if (property.type.note) sentences.push(property.type.note);
    if (property.default !== undefined && property.default !== "{}") sentences.push(`Default \`${property.default}\`.`);
    return sentences.join(" ");
}

export function packageSchema(): string {
    return JSON.stringify({
        name: packageName,
        displayName: "Authentik",
        version: packageVersion,
        description: "Authentik resources, compatible with the package that is bridged from the Terraform provider.",
        license: "Apache-2.0",
        attribution: "",
        // A token authentik:index/group:Group belongs to the module index, whatever its file is.
        meta: { moduleFormat: "(.*)(?:/[^/]*)" },
        language: { nodejs: { packageName: "@pulumi/authentik" } },
        config: { variables: configVariables(), defaults: [] },
        provider: {
            description: "The provider of the package authentik.",
            inputProperties: configVariables(),
            properties: withoutObjects(configVariables()),
        },
        types: Object.assign({}, ...functions.map(typesOf)),
        resources: Object.fromEntries(resources.map((definition) => [definition.token, resourceSchema(definition)])),
        functions: Object.fromEntries(functions.map((definition) => [definition.token, functionSchema(definition)])),
    });
}

function configVariables(): Record<string, object> {
    return Object.fromEntries(
        Object.entries(configurationProperties).map(([name, property]) => [
            name,
            { ...property, ...(property.type === "object" ? { additionalProperties: { type: "string" } } : {}) },
        ]),
    );
}

/** The outputs of a provider are texts. */
const withoutObjects = (properties: Record<string, object>) =>
    Object.fromEntries(
        Object.entries(properties).filter(([, property]) => (property as { type: string }).type === "string"),
    );

function resourceSchema(definition: (typeof resources)[number]) {
    const inputs = propertiesOf(definition);
    const properties: Record<string, object> = {};
    const inputProperties: Record<string, object> = {};
    for (const property of inputs) {
        const schema = {
            ...property.type.schema,
            description: fullDescription(property),
            ...(property.secret ? { secret: true } : {}),
        };
        inputProperties[property.name] = {
            ...schema,
            ...(property.refused ? { deprecationMessage: property.description } : {}),
        };
        properties[property.name] = schema;
    }
    for (const output of outputsOf(definition)) {
        properties[output.name] = {
            ...output.type.schema,
            description: output.description,
            ...(output.secret ? { secret: true } : {}),
        };
    }
    properties[definition.idOutput] = { type: "string", description: "The resource's id." };
    const required = [
        ...inputs.filter(isAlwaysPresent).map((property) => property.name),
        ...outputsOf(definition)
            .filter((output) => output.field !== undefined)
            .map((output) => output.name),
        definition.idOutput,
    ];
    return {
        description: definition.description,
        properties: sorted(properties),
        required: required.sort(),
        inputProperties: sorted(inputProperties),
        requiredInputs: inputs.filter((property) => property.required).map((property) => property.name),
        stateInputs: {
            description: "Input properties used for looking up and filtering the resource.",
            properties: sorted(properties),
            type: "object",
        },
    };
}

function functionSchema(definition: FunctionDefinition) {
    const args = Object.fromEntries(
        Object.entries(definition.arguments).map(([name, argument]) => [
            name,
            { ...argument.type.schema, description: fullDescription(argument) },
        ]),
    );
    const required = Object.entries(definition.arguments)
        .filter(([, argument]) => argument.required)
        .map(([name]) => name);
    const results = Object.fromEntries(
        Object.entries(definition.results).map(([name, result]) => [name, resultSchema(definition, result)]),
    );
    return {
        description: definition.description,
        inputs: { type: "object", properties: args, ...(required.length > 0 ? { required } : {}) },
        outputs: {
            description: "What was found.",
            type: "object",
            properties: sorted({ ...args, ...results }),
            required: [...Object.keys(results)].sort(),
        },
    };
}

function resultSchema(definition: FunctionDefinition, result: Result): object {
    const schema =
        "listOf" in result.schema
            ? { type: "array", items: { $ref: `#/types/${typeToken(definition, result.schema.listOf)}` } }
            : { ...result.schema };
    return { ...schema, description: result.description, ...(result.secret ? { secret: true } : {}) };
}

/**
 * `GetGroupUsersObj` of getGroup: `authentik:index/getGroupUsersObj:getGroupUsersObj`, as the bridge names nested
 * types.
 */
function typeToken(_definition: FunctionDefinition, name: string): string {
    const camelCase = name.charAt(0).toLowerCase() + name.slice(1);
    return `${packageName}:index/${camelCase}:${camelCase}`;
}

function typesOf(definition: FunctionDefinition): Record<string, object> {
    return Object.fromEntries(
        Object.entries(definition.types ?? {}).map(([name, properties]) => [
            typeToken(definition, name),
            {
                type: "object",
                properties: Object.fromEntries(
                    Object.entries(properties).map(([key, property]) => [key, resultSchema(definition, property)]),
                ),
                required: Object.keys(properties).sort(),
            },
        ]),
    );
}

const sorted = (properties: Record<string, object>) =>
    Object.fromEntries(Object.entries(properties).sort(([left], [right]) => (left < right ? -1 : 1)));
