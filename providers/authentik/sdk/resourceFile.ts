/** The source of a resource's class, with its arguments and its state. */
import { type AnyResourceDefinition, isAlwaysPresent, outputsOf, propertiesOf, secretsOf } from "../definition";
import { fullDescription } from "../schema";
import { asInput, asOptionalInput, comment, memberOf, typeOf } from "./source";

/** A property as it is in the state. */
interface Member {
    name: string;
    schema: Parameters<typeof asOptionalInput>[0];
    description: string;
}

export function resourceFile(definition: AnyResourceDefinition): string {
    const { name } = memberOf(definition.token);
    const inputs = propertiesOf(definition);
    const computed = [
        ...outputsOf(definition).map((output) => ({
            name: output.name,
            schema: output.type.schema,
            type: typeOf(output.type.schema),
            description: output.description,
            always: output.field !== undefined,
        })),
        {
            name: definition.idOutput,
            schema: { type: "string" } as const,
            type: "string",
            description: "The resource's id.",
            always: true,
        },
    ];
    const all = [
        ...inputs.map((property) => ({
            name: property.name,
            schema: property.type.schema,
            type: typeOf(property.type.schema),
            description: fullDescription(property),
            always: isAlwaysPresent(property),
        })),
        ...computed,
    ].sort((left, right) => (left.name < right.name ? -1 : 1));
    const secrets = secretsOf(definition);
    const required = inputs.filter((property) => property.required);
    const field = (property: { name: string }) => `resourceInputs["${property.name}"]`;
    const argument = (property: { name: string }) =>
        secrets.includes(property.name)
            ? `args?.${property.name} ? pulumi.secret(args.${property.name}) : undefined`
            : `args?.${property.name}`;

    return `import * as pulumi from "@pulumi/pulumi";
import * as utilities from "./utilities";

${comment(definition.description, "")}
export class ${name} extends pulumi.CustomResource {
    /**
     * Get an existing ${name} resource's state with the given name, ID, and optional extra
     * properties used to qualify the lookup.
     *
     * @param name The _unique_ name of the resulting resource.
     * @param id The _unique_ provider ID of the resource to lookup.
     * @param state Any extra arguments used during the lookup.
     * @param opts Optional settings to control the behavior of the CustomResource.
     */
    public static get(name: string, id: pulumi.Input<pulumi.ID>, state?: ${name}State, opts?: pulumi.CustomResourceOptions): ${name} {
        return new ${name}(name, <any>state, { ...opts, id: id });
    }

    /** @internal */
    public static readonly __pulumiType = '${definition.token}';

    /**
     * Returns true if the given object is an instance of ${name}.  This is designed to work even
     * when multiple copies of the Pulumi SDK have been loaded into the same process.
     */
    public static override isInstance(obj: any): obj is ${name} {
        if (obj === undefined || obj === null) {
            return false;
        }
        return obj['__pulumiType'] === ${name}.__pulumiType;
    }

${all
    .map(
        (property) =>
            `${comment(property.description)}\n    declare public ` +
            `${inputs.some((input) => input.name === property.name) ? "readonly" : "/*out*/ readonly"} ` +
            `${property.name}: pulumi.Output<${property.type}${property.always ? "" : " | undefined"}>;`,
    )
    .join("\n")}

    /**
     * Create a ${name} resource with the given unique name, arguments, and options.
     *
     * @param name The _unique_ name of the resource.
     * @param args The arguments to use to populate this resource's properties.
     * @param opts A bag of options that control this resource's behavior.
     */
    constructor(name: string, args${required.length > 0 ? "" : "?"}: ${name}Args, opts?: pulumi.CustomResourceOptions)
    constructor(name: string, argsOrState?: ${name}Args | ${name}State, opts?: pulumi.CustomResourceOptions) {
        let resourceInputs: pulumi.Inputs = {};
        opts = opts || {};
        if (opts.id) {
            const state = argsOrState as ${name}State | undefined;
${all.map((property) => `            ${field(property)} = state?.${property.name};`).join("\n")}
        } else {
            const args = argsOrState as ${name}Args | undefined;
${required
    .map(
        (property) =>
            `            if (args?.${property.name} === undefined && !opts.urn) {\n            ` +
            `    throw new Error("Missing required property '${property.name}'");\n            }\n`,
    )
    .join("")}${inputs.map((property) => `            ${field(property)} = ` + `${argument(property)};`).join("\n")}
${computed.map((property) => `            ${field(property)} = undefined /*out*/;`).join("\n")}
        }
        opts = pulumi.mergeOptions(utilities.resourceOptsDefaults(), opts);
${
    secrets.length > 0
        ? "        const secretOpts = { additionalSecretOutputs: " +
          `[${secrets.map((secret) => `"${secret}"`).join(", ")}] };\n        opts = ` +
          `pulumi.mergeOptions(opts, secretOpts);\n`
        : ""
}        super(${name}.__pulumiType, name, resourceInputs, opts);
    }
}

${stateInterface(name, all)}

${argumentsInterface(name, inputs)}
`;
}

const stateInterface = (name: string, all: Member[]) => `/**
 * Input properties used for looking up and filtering ${name} resources.
 */
export interface ${name}State {
${all
    .map((property) => `${comment(property.description)}\n    ${property.name}?: ${asOptionalInput(property.schema)};`)
    .join("\n")}
}`;

const argumentsInterface = (name: string, inputs: ReturnType<typeof propertiesOf>) => `/**
 * The set of arguments for constructing a ${name} resource.
 */
export interface ${name}Args {
${inputs
    .map((property) => {
        const { schema } = property.type;
        const type = property.required ? `: ${typeOf(schema, asInput)}` : `?: ${asOptionalInput(schema)}`;
        return `${comment(fullDescription(property))}\n    ${property.name}${type};`;
    })
    .join("\n")}
}`;
