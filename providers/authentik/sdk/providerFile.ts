/** The source of the provider's class, with its configuration. */
import { configurationProperties } from "../configuration";
import { packageName } from "../package";
import { asInput, comment, typeOf } from "./source";

export function providerFile(): string {
    const properties = Object.entries(configurationProperties).map(([name, property]) => ({
        name,
        description: property.description,
        secret: "secret" in property,
        isText: property.type === "string",
        type: typeOf(property.type === "object" ? { type: "object" } : { type: property.type }, asInput),
    }));
    const secrets = properties.filter((property) => property.secret);
    const texts = properties.filter((property) => property.isText);
    const value = (property: (typeof properties)[number]) => {
        const plain = property.secret
            ? `args?.${property.name} ? pulumi.secret(args.${property.name}) : undefined`
            : `args?.${property.name}`;
        return property.isText ? plain : `pulumi.output(${plain}).apply(JSON.stringify)`;
    };
    return `import * as pulumi from "@pulumi/pulumi";
import * as utilities from "./utilities";

/**
 * The provider type for the ${packageName} package. By default, resources use package-wide configuration
 * settings, however an explicit \`Provider\` instance may be created and passed during resource
 * construction to achieve fine-grained programmatic control over provider settings. See the
 * [documentation](https://www.pulumi.com/docs/reference/programming-model/#providers) for more information.
 */
export class Provider extends pulumi.ProviderResource {
    /** @internal */
    public static readonly __pulumiType = '${packageName}';

    /**
     * Returns true if the given object is an instance of Provider.  This is designed to work even
     * when multiple copies of the Pulumi SDK have been loaded into the same process.
     */
    public static override isInstance(obj: any): obj is Provider {
        if (obj === undefined || obj === null) {
            return false;
        }
        return obj['__pulumiType'] === "pulumi:providers:" + Provider.__pulumiType;
    }

${texts
    .map(
        (property) =>
            `${comment(property.description)}\n    declare public readonly ${property.name}: ` +
            "pulumi.Output<string | undefined>;",
    )
    .join("\n")}

    /**
     * Create a Provider resource with the given unique name, arguments, and options.
     *
     * @param name The _unique_ name of the resource.
     * @param args The arguments to use to populate this resource's properties.
     * @param opts A bag of options that control this resource's behavior.
     */
    constructor(name: string, args?: ProviderArgs, opts?: pulumi.ResourceOptions) {
        let resourceInputs: pulumi.Inputs = {};
        opts = opts || {};
        {
${properties.map((property) => `            resourceInputs["${property.name}"] = ${value(property)};`).join("\n")}
        }
        opts = pulumi.mergeOptions(utilities.resourceOptsDefaults(), opts);
        const secretOpts = { additionalSecretOutputs: [${secrets.map((property) => `"${property.name}"`).join(", ")}] };
        opts = pulumi.mergeOptions(opts, secretOpts);
        super(Provider.__pulumiType, name, resourceInputs, opts);
    }
}

/**
 * The set of arguments for constructing a Provider resource.
 */
export interface ProviderArgs {
${properties.map((property) => `${comment(property.description)}\n    ${property.name}?: ${property.type};`).join("\n")}
}
`;
}
