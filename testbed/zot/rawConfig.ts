/**
 * What a file of zot's settings may hold, of what the stand-in looks at: after the check, with the names of the schema.
 */
import type { StorageConfig } from "./configTypes";

export interface RawExtension {
    enable?: boolean;
}

export interface RawPolicy {
    users?: string[];
    groups?: string[];
    actions?: string[];
    conditions?: unknown[];
}

export interface RawRetention {
    policies?: { repositories?: string[]; keepTags?: { patterns?: string[] }[] }[];
}

/** The file's content after the check, with the names of the schema. */
export interface Raw {
    storage?: Partial<Omit<StorageConfig, "subPaths">> & {
        gc?: boolean;
        gcDelay?: string;
        gcInterval?: string;
        retention?: RawRetention;
        redirectBlobURL?: boolean;
        subPaths?: Record<
            string,
            {
                rootDirectory?: string;
                gc?: boolean;
                gcDelay?: string;
                retention?: RawRetention;
                storageDriver?: Record<string, unknown>;
                redirectBlobURL?: boolean;
            }
        >;
    };
    http?: {
        address?: string;
        port?: string;
        externalUrl?: string;
        allowOrigin?: string;
        realm?: string;
        tls?: { cert?: string; key?: string; cacert?: string };
        auth?: {
            failDelay?: number;
            htpasswd?: { path?: string };
            ldap?: object;
            bearer?: object;
            mtls?: object;
            openid?: {
                providers?: Record<
                    string,
                    {
                        credentialsFile?: string;
                        name?: string;
                        issuer?: string;
                        clientID?: string;
                        clientSecret?: string;
                        scopes?: string[];
                        claimMapping?: { username?: string; groups?: string };
                    }
                >;
                callbackAllowOrigins?: string[];
            };
            apikey?: boolean;
            sessionKeysFile?: string;
            sessionDriver?: { name?: string };
            secureSession?: boolean;
        };
        accessControl?: {
            repositories?: Record<
                string,
                { policies?: RawPolicy[]; defaultPolicy?: string[]; anonymousPolicy?: string[] }
            >;
            adminPolicy?: RawPolicy;
            groups?: object;
            metrics?: { users?: string[]; anonymousPolicy?: string[] };
        };
        readTimeout?: string;
        writeTimeout?: string;
        ratelimit?: object;
        compat?: string[];
    };
    log?: { level?: string; output?: string; audit?: string };
    extensions?: {
        search?: RawExtension & { cve?: object };
        ui?: RawExtension;
        metrics?: RawExtension & { prometheus?: { path?: string } };
        scrub?: RawExtension;
        lint?: RawExtension;
        trust?: RawExtension;
        events?: RawExtension;
        sync?: RawExtension & {
            credentialsFile?: string;
            downloadDir?: string;
            registries?: {
                urls?: string[];
                pollInterval?: string;
                content?: {
                    prefix?: string;
                    destination?: string;
                    stripPrefix?: boolean;
                    tags?: { regex?: string; excludeRegex?: string };
                }[];
                onDemand?: boolean;
                tlsVerify?: boolean;
                certDir?: string;
                preserveDigest?: boolean;
                syncTimeout?: string;
                maxRetries?: number;
                retryDelay?: string;
                maxRetryDelay?: string;
                credentialHelper?: string;
                onlySigned?: boolean;
            }[];
        };
    };
    cluster?: { members?: string[]; hashKey?: string };
}
