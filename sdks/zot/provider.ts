import * as pulumi from "@pulumi/pulumi";
import { resourceOptsDefaults } from "./utilities";

/** The provider of the package zot, for configuration that does not come from `zot:…` settings of the stack. */
export class Provider extends pulumi.ProviderResource {
    /** @internal */
    public static readonly __pulumiType = "zot";

    /** Whether an object is such a provider, also of another copy of this package. */
    public static override isInstance(obj: unknown): obj is Provider {
        return (obj as { __pulumiType?: unknown } | null | undefined)?.__pulumiType === `pulumi:providers:${Provider.__pulumiType}`;
    }

    constructor(name: string, args: ProviderArgs = {}, opts: pulumi.ResourceOptions = {}) {
        super(
            Provider.__pulumiType,
            name,
            {
                authentikUrl: args.authentikUrl,
                authentikToken: args.authentikToken === undefined ? undefined : pulumi.secret(args.authentikToken),
                caCertificateFile: args.caCertificateFile,
                proxy: args.proxy,
            },
            pulumi.mergeOptions({ ...resourceOptsDefaults(), additionalSecretOutputs: ["authentikToken"] }, opts),
        );
    }
}

export interface ProviderArgs {
    /** Authentik's address, for example `https://authentik.example.org`. The environment variable `AUTHENTIK_URL` also sets it. */
    authentikUrl?: pulumi.Input<string | undefined>;
    /**
     * An API token of Authentik that may see the service account and set its password. The environment variable `AUTHENTIK_TOKEN`
     * also sets it, and is never written to the state.
     */
    authentikToken?: pulumi.Input<string | undefined>;
    /** PEM file of certificate authorities to trust beside the usual ones. The environment variable `NODE_EXTRA_CA_CERTS` also works. */
    caCertificateFile?: pulumi.Input<string | undefined>;
    /**
     * URL of an HTTP proxy for requests to hosts that are neither loopback nor in `NO_PROXY`. The environment variables
     * `HTTPS_PROXY` and `HTTP_PROXY` also set it.
     */
    proxy?: pulumi.Input<string | undefined>;
}
