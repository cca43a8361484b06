/**
 * What CI pushes with: an API key of its service account, minted, rotated and revoked by the provider of the package
 * zot.
 */
import * as pulumi from "@pulumi/pulumi";
import * as zot from "pulumi-zot";
import { type AccessPolicy, evaluate, type Who } from "./accessPolicy";
import type { IdentityPreflight } from "./identityPreflight";
import type { Settings } from "./settings";
import { allHooks } from "./shownRights";
import { componentTypes } from "./typeTokens";
import { tellOfNewKey } from "./whatNext";
import { namelessSecretFiles, policyOf, renderZotConfig } from "./zotConfig";

/** Durations are texts such as `90d`, `12h` or `600s`. */
export interface CiKeySettings {
    /** How long a key lives. */
    keyLifetime: string;
    /** The age at which the next update makes a successor. Default: two thirds of the lifetime. */
    keyRotateAfter?: string;
    /** How long a key goes on working once it has a successor. */
    predecessorLifetime: string;
    /** Raised after a leak: the key is replaced and every other one revoked. */
    keyGeneration: number;
    /** Whether keys of a stack that is gone become predecessors. Default: they are a reason to refuse. */
    takeOverKeys?: boolean;
}

export interface CiCredentialArgs {
    /** The settings, checked. */
    settings: Settings;
    key: CiKeySettings;
    /** Slug of the flow in Authentik by which the service account logs in. Default: the one that Authentik chooses. */
    loginFlow?: pulumi.Input<string | undefined>;
    /** Asks whether the service account passes its login flow. Default: the login itself. */
    preflight?: IdentityPreflight;
}

/** How long before its end a key is warned about. In milliseconds. */
const WARNING_TIME = 14 * 86_400_000;

export class CiCredential extends pulumi.ComponentResource {
    /** Host, and port where it is not the usual one: what `docker login` is given. */
    public readonly registry: pulumi.Output<string>;
    public readonly userName: pulumi.Output<string>;
    /** The API key. Secret. */
    public readonly key: pulumi.Output<string>;
    /** When the key ends, RFC 3339. */
    public readonly expires: pulumi.Output<string>;
    /** zot's name for the key, by which it is found among others. */
    public readonly uuid: pulumi.Output<string>;

    constructor(name: string, args: CiCredentialArgs, opts?: pulumi.ComponentResourceOptions) {
        super(componentTypes.ciCredential, name, {}, opts);
        const { settings, key } = args;
        const apiKey = new zot.ApiKey(
            name,
            {
                registryUrl: settings.registry.url,
                user: settings.identity.ciUser,
                lifetime: key.keyLifetime,
                rotateAfter: key.keyRotateAfter,
                predecessorLifetime: key.predecessorLifetime,
                generation: key.keyGeneration,
                takeOver: key.takeOverKeys,
                issuer: settings.identity.issuer,
                acceptVersion: settings.zot.acceptVersion,
                loginFlow: args.loginFlow,
                repository: pushableRepository(
                    policyOf(renderZotConfig(settings, namelessSecretFiles(settings))),
                    settings,
                ),
            },
            { parent: this, hooks: allHooks(args.preflight?.beforeCreate(), tellOfNewKey(name)) },
        );

        this.registry = pulumi.output(new URL(settings.registry.url).host);
        this.userName = apiKey.user;
        this.key = pulumi.secret(apiKey.key);
        this.uuid = apiKey.uuid;
        // Also in preview, where what an update would change is unknown and says nothing.
        this.expires = apiKey.expires.apply((expires) => {
            const warning = expiryWarning(expires, settings.identity.ciUser, new Date());
            if (warning) void pulumi.log.warn(warning, this);
            return expires;
        });
        this.registerOutputs({
            registry: this.registry,
            userName: this.userName,
            key: this.key,
            expires: this.expires,
            uuid: this.uuid,
        });
    }
}

/** What to say of a key that ends soon, or undefined where it does not. */
export function expiryWarning(expires: string, user: string, now: Date): string | undefined {
    const left = Date.parse(expires) - now.getTime();
    // Not a moment that anyone can name, as in a test without a provider.
    if (Number.isNaN(left) || left > WARNING_TIME) return undefined;
    const moment = new Date(expires)
        .toISOString()
        .replace("T", " ")
        .replace(/\.\d+Z$/, " UTC");
    if (left <= 0)
        return (
            `The API key that CI pushes with (${user}) ended on ${moment}: ` +
            "run pulumi up, and hand the new one to CI."
        );
    return (
        `The API key that CI pushes with (${user}) ends on ${moment}, within two weeks. ` +
        "The first pulumi up after its time to rotate makes a successor; to have one now: " +
        "set ci.keyRotateAfter lower, and run pulumi up."
    );
}

/** What stands for a wildcard in the name of a repository that is asked about. */
const SAMPLES = ["probe", "zot-hardening-probe", "p"];

/**
 * A repository to which CI may push, for the proof that a key can; undefined where no name can be told from the
 * patterns.
 * Nothing is stored in it.
 */
export function pushableRepository(
    policy: AccessPolicy,
    { access, identity }: Pick<Settings, "access" | "identity">,
): string | undefined {
    const ci: Who = { kind: "user", name: identity.ciUser, groups: [identity.workloadsGroup] };
    const patterns = [...access.ciRepositories, ...policy.rules.map((rule) => rule.pattern)];
    return patterns
        .flatMap((pattern) => SAMPLES.map((sample) => pattern.replace(/\*\*|\*/g, sample).replaceAll("?", "p")))
        .find((repository) => evaluate(policy, ci, "create", repository));
}
