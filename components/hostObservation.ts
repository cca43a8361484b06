/** How to connect to the registry's host, and what to look at there. */

import * as pulumi from "@pulumi/pulumi";
import { HostObservation, type HostObservationArgs, HostWithdrawal } from "pulumi-zot";
import { stateFolder } from "../host/stateFolder";
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

/** The connection to the host, the same for the look and the deployment; `proxy` is the jump host. */
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

/** Inputs of a look that come from settings: each setting that declares a name for one. */
type ObservationSettings = Omit<
    HostObservationArgs,
    "connection" | "config" | "configSecrets" | "secretFiles" | "plannedConfig" | "plannedReadOnlyConfig" | "mistakes"
>;

export interface ObservedState {
    config: pulumi.Input<ZotConfig>;
    files: pulumi.Input<SecretFiles>;
}

/** The settings that a look compares with, besides the connection and the config that is to be deployed. */
export function observationSettings(settings: HostSettings): ObservationSettings {
    return Object.fromEntries(hostSettings("look", settings)) as unknown as ObservationSettings;
}

/**
 * Placeholders that stand in the config on the host for secrets. Undefined if there are none: the state stays the same.
 */
const secretsOfConfig = (settings: PolicySettings) =>
    hasConfigSecrets(settings) ? { configSecrets: pulumi.secret(configSecrets(settings)) } : {};

/** What a look asks on behalf of a deployment. All of it is known before any secret is. */
export function plannedDeployment(settings: PolicySettings) {
    return {
        plannedConfig: configText(renderZotConfig(settings, namelessSecretFiles(settings))),
        plannedReadOnlyConfig: configText(readOnlyConfig(settings)),
    };
}

/**
 * A look at the host, in preview and update: whether it still is as it was deployed, what a deployment would do, and
 * why the host would refuse one.
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

/** The secret files that a config names: with sessions in redis the host has no session keys. */
const namedIn = (config: ZotConfig, files: string[]): string[] => {
    const text = configText(config);
    return files.filter((file) => text.includes(JSON.stringify(file)));
};

/**
 * The first step of a destroy: checks that the host runs commands, and has what it is to restore. It must depend on
 * everything that has to stay as it is if the host does not.
 */
export function askBeforeWithdrawal(
    name: string,
    settings: Settings,
    opts?: pulumi.CustomResourceOptions,
): HostWithdrawal {
    const { host, zot } = settings;
    const inputs = {
        connection: hostConnection(settings),
        ...(host.onDestroy === "restore" ? { restoredFrom: `${stateFolder(zot.configFile)}/original` } : {}),
    };
    return new HostWithdrawal(name, inputs, opts);
}

/**
 * The look when the rest cannot be declared. It fails with those mistakes, and with the reasons why the host would
 * refuse a deployment.
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
