import * as pulumi from "@pulumi/pulumi";
import type { SshConnection } from "./hostObservation";
import { resourceOptsDefaults } from "./utilities";

/**
 * What is asked before a config is withdrawn from the host of a zot registry: whether one gets in, whether the host runs what it is
 * told, and whether it has what it is to bring back. It is asked when the resource is deleted, which fails where it is not so. To be
 * asked first, it depends on everything.
 */
export class HostWithdrawal extends pulumi.CustomResource {
    /** @internal */
    public static readonly __pulumiType = "zot:index/hostWithdrawal:HostWithdrawal";

    /** Whether an object is a HostWithdrawal, also of another copy of this package. */
    public static override isInstance(obj: unknown): obj is HostWithdrawal {
        return (obj as { __pulumiType?: unknown } | null | undefined)?.__pulumiType === HostWithdrawal.__pulumiType;
    }

    constructor(name: string, args: HostWithdrawalArgs, opts: pulumi.CustomResourceOptions = {}) {
        const inputs: pulumi.Inputs = {};
        if (!opts.id) {
            if (args?.connection === undefined && !opts.urn) throw new Error("Missing required property 'connection'");
            // As a whole: nothing of it is to be shown beside an error.
            inputs.connection = args?.connection === undefined ? undefined : pulumi.secret(args.connection);
            if (args?.restoredFrom !== undefined) inputs.restoredFrom = args.restoredFrom;
        }
        super(HostWithdrawal.__pulumiType, name, inputs, pulumi.mergeOptions(resourceOptsDefaults(), opts));
    }
}

export interface HostWithdrawalArgs {
    /** How to reach the host. Secret as a whole. */
    connection: pulumi.Input<SshConnection>;
    /** Folder on the host that the withdrawal brings back what was there from. Without it, nothing is to be brought back. */
    restoredFrom?: pulumi.Input<string>;
}
