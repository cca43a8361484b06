import * as pulumi from "@pulumi/pulumi";
import { resourceOptsDefaults } from "./utilities";

/**
 * The secret of an OAuth2 client in Authentik: the one that it has, or the given one where there is none yet; from then on, whatever is
 * given anew. It only reads.
 */
export class ClientSecret extends pulumi.CustomResource {
    /** @internal */
    public static readonly __pulumiType = "zot:index/clientSecret:ClientSecret";

    /** Whether an object is a ClientSecret, also of another copy of this package. */
    public static override isInstance(obj: unknown): obj is ClientSecret {
        return (obj as { __pulumiType?: unknown } | null | undefined)?.__pulumiType === ClientSecret.__pulumiType;
    }

    /** The client's id in Authentik. */
    declare public readonly clientId: pulumi.Output<string>;
    /** The secret in use. */
    declare public readonly value: pulumi.Output<string>;

    constructor(name: string, args: ClientSecretArgs, opts: pulumi.CustomResourceOptions = {}) {
        const inputs: pulumi.Inputs = {};
        if (!opts.id) {
            for (const required of ["clientId", "value"] as const) {
                if (args?.[required] === undefined && !opts.urn) throw new Error(`Missing required property '${required}'`);
            }
            inputs.clientId = args?.clientId;
            inputs.value = args?.value === undefined ? undefined : pulumi.secret(args.value);
        }
        super(ClientSecret.__pulumiType, name, inputs, pulumi.mergeOptions({ ...resourceOptsDefaults(), additionalSecretOutputs: ["value"] }, opts));
    }
}

export interface ClientSecretArgs {
    /** The client's id in Authentik. */
    clientId: pulumi.Input<string>;
    /** The secret of a new client, and the next one of any. Secret. */
    value: pulumi.Input<string>;
}
