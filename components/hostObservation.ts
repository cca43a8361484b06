/** How the registry's host is reached, and what is looked at on it. */
import * as pulumi from "@pulumi/pulumi";
import { HostObservation, type HostObservationArgs, HostWithdrawal } from "pulumi-zot";
import { type HostSettings, hostSettings, type PolicySettings, type SecretText, type Settings } from "./settings";
import {
    configSecrets,
    configText,
    hasConfigSecrets,
    namelessSecretFiles,
    readOnlyConfig,
    renderZotConfig,
    type SecretFiles,
    type ZotConfig,
} from "./zotConfig";

/** A host, and how to log in to it. */
export interface HostAddress {
    host: string;
    port: number;
    user: string;
    hostKey: string;
    privateKey?: pulumi.Output<string>;
    privateKeyPassword?: pulumi.Output<string>;
    password?: pulumi.Output<string>;
}

/** The connection to the host, for the look as for the deployment; `proxy` is the jump host. */
export function hostConnection({ host }: Pick<Settings, "host">): HostAddress & { proxy?: HostAddress } {
    const login = {
        privateKey: revealed(host.privateKey),
        privateKeyPassword: revealed(host.privateKeyPassphrase),
        password: revealed(host.password),
    };
    const jump: HostAddress | undefined =
        host.jumpAddress && host.jumpHostKey
            ? {
                  host: host.jumpAddress,
                  port: host.jumpPort,
                  user: host.jumpUser ?? host.user,
                  hostKey: host.jumpHostKey,
                  ...login,
              }
            : undefined;
    return {
        host: host.address,
        port: host.port,
        user: host.user,
        hostKey: host.hostKey,
        ...login,
        ...(jump ? { proxy: jump } : {}),
    };
}

const revealed = (text: SecretText | undefined) => text && pulumi.secret(text.reveal());

/** The inputs of a look that the settings decide: each that declares a name for it. */
type ObservationSettings = Omit<
    HostObservationArgs,
    "connection" | "config" | "configSecrets" | "secretFiles" | "plannedConfig" | "plannedReadOnlyConfig" | "mistakes"
>;

export interface ObservedState {
    config: pulumi.Input<ZotConfig>;
    files: pulumi.Input<SecretFiles>;
}

/** What a look at the host goes by, beside the connection and what is to be put into force. */
export function observationSettings(settings: HostSettings): ObservationSettings {
    return Object.fromEntries(hostSettings("look", settings)) as unknown as ObservationSettings;
}

/** What stands on the host in the places of names of secrets. None where there are none, so that the state stays. */
const secretsOfConfig = (settings: PolicySettings) =>
    hasConfigSecrets(settings) ? { configSecrets: pulumi.secret(configSecrets(settings)) } : {};

/** What a look asks in the place of a deployment, all of it known before any secret is. */
export function plannedDeployment(settings: PolicySettings) {
    return {
        plannedConfig: configText(renderZotConfig(settings, namelessSecretFiles(settings))),
        plannedReadOnlyConfig: configText(readOnlyConfig(settings)),
    };
}

/**
 * A look at the host, in preview and update: whether it still is as it was deployed, and what a deployment would do and
 * be refused for.
 */
export function observeHost(
    name: string,
    settings: Settings,
    { config, files }: ObservedState,
    opts?: pulumi.CustomResourceOptions,
): HostObservation {
    return new HostObservation(
        name,
        {
            connection: hostConnection(settings),
            config: pulumi.output(config).apply(configText),
            ...secretsOfConfig(settings),
            secretFiles: pulumi
                .all([config, files])
                .apply(([text, { credentials, sessionKeys }]) => namedIn(text, [credentials, sessionKeys])),
            ...observationSettings(settings),
            ...plannedDeployment(settings),
        },
        opts,
    );
}

/** The secret files that a config names: with sessions in redis there are no session keys on the host. */
const namedIn = (config: ZotConfig, files: string[]): string[] => {
    const text = configText(config);
    return files.filter((file) => text.includes(JSON.stringify(file)));
};

/**
 * What a destroy begins with: whether the host runs what it is told. It has to depend on all that is to be left as it
 * is otherwise.
 */
export function askBeforeWithdrawal(
    name: string,
    settings: Settings,
    opts?: pulumi.CustomResourceOptions,
): HostWithdrawal {
    return new HostWithdrawal(name, { connection: hostConnection(settings) }, opts);
}

/**
 * The look where the rest cannot be declared: it fails with those mistakes, and with what a deployment would be refused
 * for.
 */
export function observeForRefusal(
    name: string,
    settings: Settings,
    mistakes: string[],
    opts?: pulumi.CustomResourceOptions,
): HostObservation {
    const planned = plannedDeployment(settings);
    const inputs = {
        connection: hostConnection(settings),
        config: planned.plannedConfig,
        ...secretsOfConfig(settings),
        secretFiles: [],
        ...observationSettings(settings),
        ...planned,
        mistakes,
    };
    return new HostObservation(name, inputs, opts);
}
