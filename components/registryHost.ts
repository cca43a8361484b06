/** zot's config and its secret files, put into force on a host by one remote command. */

import { createHash } from "node:crypto";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { HostObservation } from "pulumi-zot";
import type { ChangedBefore } from "./changedBefore";
import { refuseUnanswered, requireAnswer } from "./deploymentAnswer";
import { hostConnection, observeHost } from "./hostObservation";
import { hostCommand, hostPayload } from "./hostPayload";
import { LiveNames } from "./liveNames";
import { resourceHook } from "./resourceHook";
import type { Settings } from "./settings";
import { allHooks, showMovedStorage, showRights, tierNames } from "./shownRights";
import { componentTypes } from "./typeTokens";
import {
    type ConfigSecrets,
    configText,
    declaredPolicy,
    namelessSecretFiles,
    readOnlyConfig,
    renderZotConfig,
    secretFiles,
    secretsForHost,
    withConfigSecrets,
    type ZotConfig,
} from "./zotConfig";

export interface RegistryHostArgs {
    /**
     * What the same update has changed in the identity provider, told before the deployment. Default: nothing is told.
     */
    changed?: ChangedBefore;
    /** The settings, checked. */
    settings: Settings;
    /** Secret of the OAuth2 client, which zot needs to complete a login. */
    clientSecret: pulumi.Input<string>;
    /** 64 characters that sign sessions, and 32 that encrypt them: with the same keys a restart logs nobody out. */
    sessionKeys: pulumi.Input<{ hashKey: string; encryptKey: string }>;
    /** What the deployment waits for; the look at the host waits for nothing. Default: nothing. */
    deployAfter?: readonly pulumi.Resource[];
    /** Where the host is one of several: hooks that say so of its deployment. Default: none. */
    rollout?: pulumi.ResourceHookBinding;
    /** What was said of rights for other hosts of the registry, and is not said again. Default: nothing. */
    told?: Set<string>;
    /**
     * Whether the host is passed over: it is neither looked at nor deployed to, and what the state has of it stays, or
     * goes without a word to the host. Default: it is not.
     */
    isAway?: boolean;
    /** Who keeps the names that the registry has. Default: by what was deployed last. */
    liveNames?: LiveNames;
}

/**
 * The plugin's own waiting: three attempts, since sshd drops a connection now and then at its start limit. That a login
 * is refused is found by one before, of the look or of what a destroy begins with: sshd (9.8 and newer) refuses an
 * address after a few failed ones.
 */
const DIAL = { dialErrorLimit: 2, perDialTimeout: 10 };

export class RegistryHost extends pulumi.ComponentResource {
    /** zot's config as it is on the host, with their names in the places of its secrets. */
    public readonly zotConfig: pulumi.Output<ZotConfig>;
    /**
     * sha256 of the config file, in hex: what `sha256sum config.json` prints on the host. Secret where the config holds
     * one.
     */
    public readonly zotConfigSha256: pulumi.Output<string>;
    /** What the deployment said; not before it came to its end. */
    public readonly deployed: pulumi.Output<string>;
    /**
     * The look at the host: it waits for nothing in the identity provider, and fails where a deployment would be
     * refused.
     */
    public readonly observation: HostObservation;

    constructor(name: string, args: RegistryHostArgs, opts?: pulumi.ComponentResourceOptions) {
        super(componentTypes.registryHost, name, {}, opts);
        const { settings } = args;
        // What the engine itself carries over from the host's former name ends with an update that fails half-way: the
        // host has its new name then, and what comes after it has not.
        const aliases = opts?.aliases;
        const passedOver = args.isAway ? passOver(name, settings.host.address) : undefined;

        const files = secretFilesOf(args);
        // The names hold a hash of long random secrets and tell nothing of them; secret, nobody could review the
        // config.
        const names = pulumi.unsecret(files.apply((file) => file.names));
        this.zotConfig = names.apply((file) => renderZotConfig(settings, file));
        const secrets = secretsForHost(settings);
        this.zotConfigSha256 = hashOnHost(this.zotConfig, secrets.configSecrets);

        // Before the deployment, which it may ask for; and what stands in the deployment's way shows here first.
        this.observation = observeHost(
            name,
            passedOver ? { ...settings, host: { ...settings.host, observe: false } } : settings,
            { config: this.zotConfig, files: names },
            { parent: this, aliases, retainOnDelete: args.isAway },
        );
        const payload = pulumi.all([files, this.zotConfig, this.observation.pushes]).apply(([file, config, pushes]) =>
            hostPayload({
                settings,
                files: file.names,
                config,
                readOnlyConfig: readOnlyConfig(settings),
                credentials: file.credentials,
                sessionKeys: file.keys,
                ...secrets,
                pushes,
            }),
        );
        // A provider's URL is no input of any resource, so that a changed issuer shows only here.
        const liveNames = args.liveNames ?? new LiveNames(name, settings.identity.acceptRename);
        const issuerGuard = liveNames.guard("identity.issuer", { input: "stdin", find: issuerIn }, name);
        const rights = showRights(name, declaredPolicy(settings), tierNames(settings), args.told);
        const { proxy, ...connection } = hostConnection(settings);
        const deployment = new command.remote.Command(
            name,
            {
                connection: { ...connection, ...DIAL, ...(proxy ? { proxy: { ...proxy, ...DIAL } } : {}) },
                create: hostCommand("deploy"),
                update: hostCommand("deploy"),
                delete: hostCommand("withdraw"),
                stdin: pulumi.secret(payload),
                // Both would travel as environment requests, which sshd refuses; and the log must not hang on a long
                // line.
                addPreviousOutputInEnv: false,
                logging: command.types.enums.remote.Logging.None,
            },
            {
                parent: this,
                aliases,
                dependsOn: [...(args.deployAfter ?? [])],
                hooks: passedOver
                    ? passedOver.hooks
                    : allHooks(
                          issuerGuard,
                          rights,
                          showMovedStorage(
                              name,
                              () => renderZotConfig(settings, namelessSecretFiles(settings)),
                              args.told,
                          ),
                          args.rollout,
                          requireAnswer(name, settings.host.address),
                          args.changed?.hooks(),
                      ),
                retainOnDelete: args.isAway,
                ignoreChanges: passedOver?.ignoreChanges,
            },
        );
        refuseUnanswered(deployment, settings.host.address);
        this.deployed = deployment.stdout;

        // Not the config itself: its hundreds of lines would stand in every preview that changes a right.
        this.registerOutputs({ zotConfigSha256: this.zotConfigSha256 });
    }
}

/** The secret files, and their names. */
function secretFilesOf({ settings, clientSecret: secret, sessionKeys }: RegistryHostArgs) {
    return pulumi.all([secret, sessionKeys]).apply(([clientSecret, ofSessions]) => {
        const credentials = `${JSON.stringify({ clientid: settings.identity.clientId, clientsecret: clientSecret })}\n`;
        const keys = `${JSON.stringify(ofSessions)}\n`;
        return {
            credentials,
            keys,
            names: secretFiles(settings, { credentials: sha256(credentials), sessionKeys: sha256(keys) }),
        };
    });
}

/** Secret where the config is: a short password could be found out by trying. */
function hashOnHost(config: pulumi.Output<ZotConfig>, secrets: ConfigSecrets): pulumi.Output<string> {
    const hash = config.apply((shown) => sha256(configText(withConfigSecrets(shown, secrets))));
    return Object.keys(secrets).length > 0 ? pulumi.secret(hash) : hash;
}

/** Everything that a deployment is made of: of a host that is away it stays as it was deployed last. */
const DEPLOYED = ["connection", "create", "update", "delete", "stdin", "addPreviousOutputInEnv", "logging"];

function passOver(name: string, host: string) {
    const refuse = resourceHook(`${name}-is-away`, () => {
        throw new pulumi.RunError(
            `The registry's host ${host} is away by host.members, and was never deployed to. ` +
                "Take it out of host.members until it is there, or remove its away: true.",
        );
    });
    return { hooks: { beforeCreate: [refuse] }, ignoreChanges: DEPLOYED };
}

function issuerIn(payload: string): string | undefined {
    return /"issuer": "([^"]*)"/.exec(payload)?.[1];
}

function sha256(text: string): string {
    return createHash("sha256").update(text).digest("hex");
}
