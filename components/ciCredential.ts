/**
 * What CI pushes with: an API key of its service account. The provider of the package zot mints, rotates and revokes
 * it.
 */
import * as pulumi from "@pulumi/pulumi";
import * as zot from "pulumi-zot";
import { type AccessPolicy, evaluate, type Who } from "./accessPolicy";
import type { IdentityPreflight } from "./identityPreflight";
import { FIRST_WORKLOAD, type Settings, type Workload } from "./settings";
import { allHooks } from "./shownRights";
import { componentTypes } from "./typeTokens";
import { announceNewKey } from "./whatNext";
import { declaredPolicy } from "./zotConfig";

export interface CiCredentialArgs {
    /** The settings, checked. */
    settings: Settings;
    /** The identity of CI that owns the key. */
    workload: Workload;
    /** The registry's policy, for the proof that the key can push. Default: from the settings. */
    policy?: AccessPolicy;
    /** Slug of the flow in Authentik by which the service account logs in. Default: Authentik's choice. */
    loginFlow?: pulumi.Input<string | undefined>;
    /** Checks whether the service account passes its login flow. Default: the login itself shows it. */
    preflight?: IdentityPreflight;
}

/** How long before its end a key causes a warning, in milliseconds. */
const WARNING_TIME = 14 * 86_400_000;

export class CiCredential extends pulumi.ComponentResource {
    /** Host, and port unless it is the default: the argument of `docker login`. */
    public readonly registry: pulumi.Output<string>;
    public readonly userName: pulumi.Output<string>;
    /** The API key. Secret. */
    public readonly key: pulumi.Output<string>;
    /** When the key expires, RFC 3339. */
    public readonly expires: pulumi.Output<string>;
    /** zot's name for the key; identifies it among the account's keys. */
    public readonly uuid: pulumi.Output<string>;

    constructor(name: string, args: CiCredentialArgs, opts?: pulumi.ComponentResourceOptions) {
        super(componentTypes.ciCredential, name, {}, opts);
        const { settings, workload } = args;
        const { key, user } = workload;
        const policy = args.policy ?? declaredPolicy(settings);
        const apiKey = new zot.ApiKey(
            name,
            {
                registryUrl: settings.registry.url,
                user,
                lifetime: key.keyLifetime,
                rotateAfter: key.keyRotateAfter,
                predecessorLifetime: key.predecessorLifetime,
                generation: key.keyGeneration,
                takeOver: key.takeOverKeys,
                issuer: settings.identity.issuer,
                acceptVersion: settings.zot.acceptVersion,
                loginFlow: args.loginFlow,
                repository: pushableRepository(policy, workload),
            },
            {
                parent: this,
                hooks: allHooks(args.preflight?.beforeCreateFor(workload.name), announceNewKey(name, workload.name)),
            },
        );

        this.registry = pulumi.output(new URL(settings.registry.url).host);
        this.userName = apiKey.user;
        this.key = pulumi.secret(apiKey.key);
        this.uuid = apiKey.uuid;
        // Runs in preview too. If the update would change the key, the new time is not known yet, and nothing is said.
        this.expires = apiKey.expires.apply((expires) => {
            const warning = expiryWarning(expires, workload, new Date());
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

/** A warning about a key that ends soon; undefined if it does not. */
export function expiryWarning(
    expires: string,
    { name, user }: Pick<Workload, "name" | "user">,
    now: Date,
): string | undefined {
    const left = Date.parse(expires) - now.getTime();
    // A test without a provider has no valid time.
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
        "The first pulumi up after its rotation time makes a new one. To get one now, " +
        `set a lower ${name === FIRST_WORKLOAD ? "ci" : `ci.workloads.${name}`}.keyRotateAfter, and run pulumi up.`
    );
}

/** Replacements for a wildcard, to make the name of a repository to ask about. */
const SAMPLES = ["probe", "zot-hardening-probe", "p"];

/**
 * A repository to which CI may push, for the proof that a key can. Nothing is stored in it. Undefined if no name can be
 * derived from the patterns.
 */
export function pushableRepository(
    policy: AccessPolicy,
    { user, group, repositories }: Pick<Workload, "user" | "group" | "repositories">,
): string | undefined {
    const ci: Who = { kind: "user", name: user, groups: [group] };
    const patterns = [...repositories, ...policy.rules.map((rule) => rule.pattern)];
    return patterns
        .flatMap((pattern) => SAMPLES.map((sample) => pattern.replace(/\*\*|\*/g, sample).replaceAll("?", "p")))
        .find((repository) => evaluate(policy, ci, "create", repository));
}
