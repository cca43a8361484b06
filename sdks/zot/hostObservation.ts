import * as pulumi from "@pulumi/pulumi";
import { resourceOptsDefaults } from "./utilities";

/** A host, and how to log in to it over SSH. */
export interface SshAddress {
    /** Name or address. */
    host: pulumi.Input<string>;
    /** TCP port of the SSH server. Default 22. */
    port?: pulumi.Input<number | undefined>;
    /** Who logs in. */
    user: pulumi.Input<string>;
    /** Public key of the host, ed25519 or ecdsa, as a line of known_hosts; a host that shows another is refused. */
    hostKey: pulumi.Input<string>;
    /** Private key, in PEM or OpenSSH form. */
    privateKey?: pulumi.Input<string | undefined>;
    /** Passphrase of the private key. */
    privateKeyPassword?: pulumi.Input<string | undefined>;
    /** Password, where there is no key. */
    password?: pulumi.Input<string | undefined>;
    /** Socket of the SSH agent, which is asked where there is no private key. Default: the environment variable `SSH_AUTH_SOCK`. */
    agentSocketPath?: pulumi.Input<string | undefined>;
}

export interface SshConnection extends SshAddress {
    /** A jump host. */
    proxy?: pulumi.Input<SshAddress | undefined>;
}

/** What was seen on the host when the resource was made, or when a difference was last found: before that was corrected. */
export interface HostReport {
    /** sha256 of the config, in hex; empty where there is none. */
    configSha256: string;
    /** Its mode, such as `0644`; empty where there is none. */
    configMode: string;
    /** The user id that it belongs to; empty where there is none. */
    configOwner: string;
    /** Of the secret files: `as declared`, or what is wrong with them. */
    secretFiles: string;
    /** What the installed zot calls its commit; empty where it says none. */
    zotVersion: string;
    /** Inode, rights, size and time of the installed zot, as ls has them: while they stay, so does its version, and it is not asked again. */
    zotBinary: string;
    /** `running`, `stopped`, `absent`, or `unknown` where the service manager is a command. */
    service: string;
    /** Which config is served: `hardened`, `read-only`, `other`, or `not reachable`. */
    serving: string;
}

/**
 * A look at the host of a zot registry, in preview and update: what was changed there by other means than a deployment is told, and deployed
 * again, once. Each look costs one SSH connection. Deleting the resource looks
 * once more: whether what was declared is no longer in force.
 */
export class HostObservation extends pulumi.CustomResource {
    /** @internal */
    public static readonly __pulumiType = "zot:index/hostObservation:HostObservation";

    /** Whether an object is a HostObservation, also of another copy of this package. */
    public static override isInstance(obj: unknown): obj is HostObservation {
        return (obj as { __pulumiType?: unknown } | null | undefined)?.__pulumiType === HostObservation.__pulumiType;
    }

    /** Raised by one whenever the host was found to differ; as a part of what is sent to the host, it has it sent again. */
    declare public /*out*/ readonly pushes: pulumi.Output<number>;
    /** What was last seen; without a value where the host is not looked at. */
    declare public /*out*/ readonly report: pulumi.Output<HostReport | undefined>;

    constructor(name: string, args: HostObservationArgs, opts: pulumi.CustomResourceOptions = {}) {
        const inputs: pulumi.Inputs = {};
        if (!opts.id) {
            for (const required of REQUIRED) {
                if (args?.[required] === undefined && !opts.urn) throw new Error(`Missing required property '${required}'`);
            }
            for (const property of INPUTS) inputs[property] = args?.[property];
            // As a whole: nothing of it is to be shown beside an error.
            inputs.connection = args?.connection === undefined ? undefined : pulumi.secret(args.connection);
            inputs.configSecrets = args?.configSecrets === undefined ? undefined : pulumi.secret(args.configSecrets);
        }
        inputs.pushes = undefined;
        inputs.report = undefined;
        super(HostObservation.__pulumiType, name, inputs, pulumi.mergeOptions(resourceOptsDefaults(), opts));
    }
}

const REQUIRED = ["connection", "config", "secretFiles", "configFile", "binary", "rootDirectory", "serviceManager"] as const satisfies readonly (keyof HostObservationArgs)[];
const INPUTS = [
    "config",
    "secretFiles",
    "configFile",
    "binary",
    "rootDirectory",
    "serviceManager",
    "serviceName",
    "manageService",
    "startWithoutIssuer",
    "sudo",
    "zotUser",
    "acceptVersion",
    "caFile",
    "zotCaFile",
    "logFile",
    "plannedConfig",
    "plannedReadOnlyConfig",
    "restartCommand",
    "dropSettings",
    "registryUrl",
    "workloadsGroup",
    "adminsGroup",
    "mistakes",
    "look",
] as const satisfies readonly (keyof HostObservationArgs)[];

export interface HostObservationArgs {
    /** How to reach the host. Secret as a whole. */
    connection: pulumi.Input<SshConnection>;
    /** zot's config, as the text of the file, to the last byte. */
    config: pulumi.Input<string>;
    /** Paths of the secret files that the config names, each with the sha256 of its content in its name. */
    secretFiles: pulumi.Input<pulumi.Input<string>[]>;
    /**
     * Secrets that the config has in the places of their names, by path: `storage.storageDriver.secretkey`. With them the config belongs to
     * zot's user and nobody else reads it.
     */
    configSecrets?: pulumi.Input<Record<string, pulumi.Input<string>> | undefined>;
    /** Path of zot's config on the host. */
    configFile: pulumi.Input<string>;
    /** Path of the zot binary on the host. */
    binary: pulumi.Input<string>;
    /** Where zot keeps images, on the host. */
    rootDirectory: pulumi.Input<string>;
    /** What starts zot on the host: `systemd`, `systemd-user`, `launchd-agent`, `launchd-daemon` or `command`. */
    serviceManager: pulumi.Input<string>;
    /** Name of zot's systemd unit, or label of its launchd job. Default `zot`. */
    serviceName?: pulumi.Input<string | undefined>;
    /** Whether the service file is written by the deployment. Default false. */
    manageService?: pulumi.Input<boolean | undefined>;
    /** Whether the deployment puts a start on the host that serves read-only while the issuer does not answer. Default false. */
    startWithoutIssuer?: pulumi.Input<boolean | undefined>;
    /** What sudo is used for: nothing (`off`), the service manager's commands (`service`), or `all`. Default `off`. */
    sudo?: pulumi.Input<string | undefined>;
    /** User that zot runs as. Default: the owner of its storage where root deploys, else the user who deploys. */
    zotUser?: pulumi.Input<string | undefined>;
    /** A zot that is accepted although it cannot be read as 2.1.19 or newer: its commit, or `sha256:` and the hash of the binary. */
    acceptVersion?: pulumi.Input<string | undefined>;
    /** CA certificates, on the host, that the TLS certificates of zot and its issuer are checked against. Default: the system's. */
    caFile?: pulumi.Input<string | undefined>;
    /** CA certificates, on the host, that zot's own TLS certificate is checked against. Default: as `caFile`. */
    zotCaFile?: pulumi.Input<string | undefined>;
    /** zot's log on the host, as the service file of ours names it. Default: what the service manager keeps. */
    logFile?: pulumi.Input<string | undefined>;
    /**
     * zot's config as it is to be, with `<sha256>` for the hashes in the secret files' names, so that it is known before the secrets are.
     * With it a look asks what a deployment would ask, and what a deployment would be refused for is an error before anything is changed.
     */
    plannedConfig?: pulumi.Input<string | undefined>;
    /** The config that is to serve where the issuer is away. */
    plannedReadOnlyConfig?: pulumi.Input<string | undefined>;
    /** What restarts zot, where `serviceManager` is `command`. */
    restartCommand?: pulumi.Input<string | undefined>;
    /** Settings of the host's config that the first deployment may remove. */
    dropSettings?: pulumi.Input<pulumi.Input<string>[] | undefined>;
    /** The registry's public URL. Asked before the first deployment, and before a deployment that changes it. */
    registryUrl?: pulumi.Input<string | undefined>;
    /** What CI's group is called, for words about rights. */
    workloadsGroup?: pulumi.Input<string | undefined>;
    /** What the group of admins is called, for words about rights. */
    adminsGroup?: pulumi.Input<string | undefined>;
    /** What was found to be wrong elsewhere, one sentence each: told together with what the host would refuse. */
    mistakes?: pulumi.Input<pulumi.Input<string>[] | undefined>;
    /** Whether the host is looked at. Without it no difference is ever found, and a change of it is none. Default true. */
    look?: pulumi.Input<boolean | undefined>;
}
