/**
 * A zot registry that anyone may pull from, CI may add tags to, and admins may delete from: identity, host and CI's key
 * together.
 */
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { ChangedBefore } from "./changedBefore";
import { accountResourceName } from "./ciAccount";
import { CiCredential } from "./ciCredential";
import type { IdentityPreflight } from "./identityPreflight";
import { LiveNames, namesOfRegistry } from "./liveNames";
import { Machines } from "./machines";
import type { RegistryHost } from "./registryHost";
import { type AuthentikLookUps, RegistryIdentity } from "./registryIdentity";
import { type Settings, workloadsOf } from "./settings";
import { allHooks } from "./shownRights";
import { componentTypes } from "./typeTokens";
import { AfterDestroy } from "./whatNext";
import { declaredPolicy, type ZotConfig } from "./zotConfig";

export interface HardenedRegistryArgs {
    /** The settings, checked: `declaredState(…).settings`. */
    settings: Settings;
    /** What already exists in Authentik: `await lookUpAuthentik(settings)`. */
    found: AuthentikLookUps;
    /** Checks Authentik for what would stop an update half-way: `new IdentityPreflight(…)`. Default: no check. */
    preflight?: IdentityPreflight;
    /**
     * Reports what an update changed in Authentik before its deployment to the host: `new ChangedBefore(name)`.
     * Default: no report.
     */
    changed?: ChangedBefore;
}

export class HardenedRegistry extends pulumi.ComponentResource {
    /** What CI pushes with. */
    public readonly ciCredential: CiCredential;
    /** What CI's further identities push with, by their names. */
    public readonly workloadCredentials: Readonly<Record<string, CiCredential>>;
    /** The hosts that serve the registry: one, or those of `host.members` in their order. */
    public readonly hosts: readonly [RegistryHost, ...RegistryHost[]];
    /** zot's config as it is on the (first) host. */
    public readonly zotConfig: pulumi.Output<ZotConfig>;
    /** sha256 of the config file on the (first) host, in hex. */
    public readonly zotConfigSha256: pulumi.Output<string>;

    constructor(name: string, args: HardenedRegistryArgs, opts?: pulumi.ComponentResourceOptions) {
        const names = namesOfRegistry(args.settings);
        const liveNames = new LiveNames(name, args.settings.identity.acceptRename);
        const machines = new Machines(name, args.settings);
        const { inputs, hooks } = machines.record();
        super(
            componentTypes.hardenedRegistry,
            name,
            { names, ...inputs },
            pulumi.mergeOptions(opts, { hooks: allHooks(liveNames.record(), hooks) }),
        );
        const parent = { parent: this };

        const identity = new RegistryIdentity(
            name,
            // Nothing in Authentik changes before every host is known to accept its deployment.
            { ...args, liveNames, after: machines.observations },
            { ...parent, hooks: args.preflight?.beforeCreateAll() },
        );
        const hashKey = new random.RandomPassword(`${name}-session-hash`, { length: 64, special: false }, parent);
        const encryptKey = new random.RandomPassword(
            `${name}-session-encryption`,
            { length: 32, special: false },
            parent,
        );
        const hosts = machines.deploy(
            {
                clientSecret: identity.clientSecret,
                sessionKeys: pulumi
                    .all([hashKey.result, encryptKey.result])
                    .apply(([hash, encrypt]) => ({ hashKey: hash, encryptKey: encrypt })),
                // zot cannot start before its issuer answers. A destroy first makes the host independent of the issuer.
                deployAfter: identity,
                liveNames,
                changed: args.changed,
            },
            parent,
        );

        // Deleted before the registry: revoking a key needs a login of the service account at the hardened zot.
        const { settings, preflight } = args;
        const policy = declaredPolicy(settings);
        const [ci, ...others] = workloadsOf(settings).map(
            (workload) =>
                new CiCredential(
                    accountResourceName(name, workload.name),
                    { settings, workload, policy, loginFlow: identity.ciLoginFlows[workload.name], preflight },
                    { ...parent, dependsOn: [identity, ...hosts] },
                ),
        ) as [CiCredential, ...CiCredential[]];
        this.ciCredential = ci;
        this.workloadCredentials = Object.fromEntries(
            Object.keys(settings.ci.workloads).map((workload, index) => [workload, others[index]!]),
        );

        machines.askBeforeWithdrawal({ ...parent, dependsOn: [identity, ...hosts, ci, ...others] });

        // Depends on the hosts, because a destroy follows what is in force on them.
        new AfterDestroy(args.settings.host.onDestroy, { ...parent, dependsOn: hosts });

        this.hosts = hosts;
        this.zotConfig = hosts[0].zotConfig;
        this.zotConfigSha256 = hosts[0].zotConfigSha256;
        this.registerOutputs({
            zotConfigSha256: this.zotConfigSha256,
            givenNames: pulumi.all(hosts.map(({ deployed }) => deployed)).apply(() => names),
        });
    }
}
