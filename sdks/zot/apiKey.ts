import * as pulumi from "@pulumi/pulumi";
import { resourceOptsDefaults } from "./utilities";

/** A key that works beside the declared one until its time is over. */
export interface Predecessor {
    /** By what zot knows the key. */
    uuid: string;
    /** What it is called. */
    label: string;
    /** When it ends by itself, RFC 3339; empty for one that never does. */
    expires: string;
    /** The first update after this moment revokes it, RFC 3339. */
    revokeAfter: string;
}

/** `usable`; `unproven` where it could not yet be shown to be able to push; `unusable` where the registry does not accept it any more. */
export type ApiKeyStatus = "usable" | "unproven" | "unusable";

/**
 * An API key of a service account at a zot registry, minted by a login without a browser and rotated in place by the first
 * update after its time.
 */
export class ApiKey extends pulumi.CustomResource {
    /** @internal */
    public static readonly __pulumiType = "zot:index/apiKey:ApiKey";

    /** Whether an object is an ApiKey, also of another copy of this package. */
    public static override isInstance(obj: unknown): obj is ApiKey {
        return (obj as { __pulumiType?: unknown } | null | undefined)?.__pulumiType === ApiKey.__pulumiType;
    }

    declare public readonly registryUrl: pulumi.Output<string>;
    declare public readonly user: pulumi.Output<string>;
    declare public readonly label: pulumi.Output<string>;
    declare public readonly lifetime: pulumi.Output<string>;
    declare public readonly rotateAfter: pulumi.Output<string | undefined>;
    declare public readonly predecessorLifetime: pulumi.Output<string>;
    declare public readonly generation: pulumi.Output<number>;
    declare public readonly issuer: pulumi.Output<string | undefined>;
    declare public readonly loginFlow: pulumi.Output<string | undefined>;
    declare public readonly repository: pulumi.Output<string | undefined>;
    declare public readonly takeOver: pulumi.Output<boolean>;
    declare public readonly acceptVersion: pulumi.Output<string | undefined>;
    /** The API key: the password that goes with the user's name. Secret. */
    declare public /*out*/ readonly key: pulumi.Output<string>;
    /** By what zot knows the key. */
    declare public /*out*/ readonly uuid: pulumi.Output<string>;
    /** When it was made, RFC 3339. */
    declare public /*out*/ readonly created: pulumi.Output<string>;
    /** When it ends, RFC 3339. */
    declare public /*out*/ readonly expires: pulumi.Output<string>;
    /** From when on an update makes a successor, RFC 3339. */
    declare public /*out*/ readonly rotateAt: pulumi.Output<string>;
    declare public /*out*/ readonly status: pulumi.Output<ApiKeyStatus>;
    /** Keys of the user that work beside it until their time is over. */
    declare public /*out*/ readonly predecessors: pulumi.Output<Predecessor[]>;

    constructor(name: string, args: ApiKeyArgs, opts: pulumi.CustomResourceOptions = {}) {
        const inputs: pulumi.Inputs = {};
        if (!opts.id) {
            for (const required of ["registryUrl", "user"] as const) {
                if (args?.[required] === undefined && !opts.urn) throw new Error(`Missing required property '${required}'`);
            }
            for (const property of INPUTS) inputs[property] = args?.[property];
        }
        for (const property of OUTPUTS) inputs[property] = undefined;
        super(
            ApiKey.__pulumiType,
            name,
            inputs,
            pulumi.mergeOptions(
                // Two keys of one user side by side would be taken for keys that nobody declares.
                { ...resourceOptsDefaults(), deleteBeforeReplace: true, additionalSecretOutputs: ["key"] },
                opts,
            ),
        );
    }
}

const INPUTS = ["registryUrl", "user", "label", "lifetime", "rotateAfter", "predecessorLifetime", "generation", "issuer", "loginFlow", "repository", "takeOver", "acceptVersion"] as const satisfies readonly (keyof ApiKeyArgs)[];
const OUTPUTS = ["key", "uuid", "created", "expires", "rotateAt", "status", "predecessors"] as const satisfies readonly (keyof ApiKey)[];

export interface ApiKeyArgs {
    /** The registry's public URL, which logins are sent back to, without a slash at the end: `https://registry.example.org`. */
    registryUrl: pulumi.Input<string>;
    /** The service account in Authentik that the key belongs to. Another one replaces the key, and every key of the former is revoked. */
    user: pulumi.Input<string>;
    /**
     * What the key is called in zot. Project, stack and resource are added to it, by which a second stack and a run that was cut
     * off are recognised. Default `ci`.
     */
    label?: pulumi.Input<string>;
    /** How long a key lives: `90d`, `12h`, `600s`. A change applies to the next key. Default `90d`. */
    lifetime?: pulumi.Input<string>;
    /** The age at which the next update makes a successor, less than the lifetime. Default: two thirds of it. */
    rotateAfter?: pulumi.Input<string | undefined>;
    /**
     * How long a key goes on working once it has a successor, or was found when the first one was made. The first update after that
     * revokes it. A change applies to the next successor. Default `7d`.
     */
    predecessorLifetime?: pulumi.Input<string>;
    /** Raised after a leak: the key is replaced, and every other key of the user is revoked in the same update. Default 1. */
    generation?: pulumi.Input<number>;
    /**
     * The OpenID Connect issuer: a password of the service account is sent to its origin, and to Authentik's address, and to no other
     * that the registry names. Default: Authentik's address alone.
     */
    issuer?: pulumi.Input<string | undefined>;
    /** Slug of a flow in Authentik by which the service account logs in. Default: the flow that Authentik chooses for the application. */
    loginFlow?: pulumi.Input<string | undefined>;
    /** A repository that the key must be able to push to; nothing is stored in it. Default: it is only seen that the registry accepts the key. */
    repository?: pulumi.Input<string | undefined>;
    /** Whether keys that another stack made become predecessors, for a stack that is gone. Without it they are a reason to refuse. Default false. */
    takeOver?: pulumi.Input<boolean>;
    /**
     * A build of zot that was accepted on its host although its version cannot be read as 2.1.19 or newer: the registry's version is
     * not asked about then.
     */
    acceptVersion?: pulumi.Input<string | undefined>;
}
