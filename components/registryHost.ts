/** Puts zot's config and its secret files into force on a host, by one remote command. */

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
     * Reports, before the deployment, what the same update has changed in the identity provider. Default: no report.
     */
    changed?: ChangedBefore;
    /** The settings, checked. */
    settings: Settings;
    /** Secret of the OAuth2 client, which zot needs to complete a login. */
    clientSecret: pulumi.Input<string>;
    /** 64 characters that sign sessions, and 32 that encrypt them: with the same keys a restart logs nobody out. */
    sessionKeys: pulumi.Input<{ hashKey: string; encryptKey: string }>;
    /** What the deployment depends on; the look at the host depends on nothing. Default: nothing. */
    deployAfter?: readonly pulumi.Resource[];
    /** Hooks that say of a deployment which of several hosts it is for. Default: none. */
    rollout?: pulumi.ResourceHookBinding;
    /**
     * What was already reported about rights for other hosts of the registry, and is not repeated. Default: nothing.
     */
    told?: Set<string>;
    /**
     * Whether the host is skipped: it is neither looked at nor deployed to. Its resources in the state stay as they
     * are, or are removed without a connection to the host. Default: false.
     */
    isAway?: boolean;
    /** Guards the names that the live registry uses. Default: one that goes by the last deployment. */
    liveNames?: LiveNames;
}

/**
 * Retries of the plugin itself: three attempts, since sshd now and then drops a connection at its start limit. A
 * refused login is found earlier, by one login of the look or of a destroy's first step: sshd 9.8 and newer blocks an
 * address after a few failed logins.
 */
const DIAL = { dialErrorLimit: 2, perDialTimeout: 10 };

export class RegistryHost extends pulumi.ComponentResource {
    /** zot's config as it is on the host, with names in place of its secrets. */
    public readonly zotConfig: pulumi.Output<ZotConfig>;
    /**
     * sha256 of the config file, in hex: what `sha256sum config.json` prints on the host. Secret if the config holds a
     * secret.
     */
    public readonly zotConfigSha256: pulumi.Output<string>;
    /** What the deployment reported; known only after it has ended. */
    public readonly deployed: pulumi.Output<string>;
    /**
     * The look at the host. It depends on nothing in the identity provider, and fails if the host would refuse a
     * deployment.
     */
    public readonly observation: HostObservation;

    constructor(name: string, args: RegistryHostArgs, opts?: pulumi.ComponentResourceOptions) {
        super(componentTypes.registryHost, name, {}, opts);
        const { settings } = args;
        // Children need the aliases too. The engine derives them from the parent, but no longer after an update that
        // fails half-way: then the host already has its new name, and its children do not.
        const aliases = opts?.aliases;
        const passedOver = args.isAway ? passOver(name, settings.host.address) : undefined;

        const files = secretFilesOf(args);
        // The names hold a hash of long random secrets, which reveals nothing. If they were secret, nobody could
        // review the config.
        const names = pulumi.unsecret(files.apply((file) => file.names));
        this.zotConfig = names.apply((file) => renderZotConfig(settings, file));
        const secrets = secretsForHost(settings);
        this.zotConfigSha256 = hashOnHost(this.zotConfig, secrets.configSecrets);

        // Comes before the deployment: it may ask for one, and shows first what would stop it.
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
        // A provider's URL is no input of any resource. So only this guard notices a changed issuer.
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
                // Both would travel as environment requests, which sshd refuses. A long line must not make the log
                // hang.
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

        // The hash instead of the config: hundreds of lines would appear in every preview that changes a right.
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

/** Secret if the config holds a secret: a short password could be guessed from the hash. */
function hashOnHost(config: pulumi.Output<ZotConfig>, secrets: ConfigSecrets): pulumi.Output<string> {
    const hash = config.apply((shown) => sha256(configText(withConfigSecrets(shown, secrets))));
    return Object.keys(secrets).length > 0 ? pulumi.secret(hash) : hash;
}

/** Everything that makes up a deployment: for a host that is away it stays as it was last deployed. */
const DEPLOYED = ["connection", "create", "update", "delete", "stdin", "addPreviousOutputInEnv", "logging"];

function passOver(name: string, host: string) {
    const refuse = resourceHook(`${name}-is-away`, () => {
        throw new pulumi.RunError(
            `The registry's host ${host} is away by host.members, and nothing was ever deployed to it. ` +
                "Take it out of host.members until it is reachable, or remove its away: true.",
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
