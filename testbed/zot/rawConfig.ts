/**
 * What a file of zot's settings may hold, of what the stand-in looks at: after the check, with the names of the schema.
 */
export interface RawExtension {
    enable?: boolean;
}

export interface RawPolicy {
    users?: string[];
    groups?: string[];
    actions?: string[];
    conditions?: { expression?: string; message?: string }[];
}

export interface Raw {
    storage?: {
        rootDirectory?: string;
        dedupe?: boolean;
        remoteCache?: boolean;
        gc?: boolean;
        retention?: object;
        subPaths?: object;
        storageDriver?: object;
        cacheDriver?: object;
    };
    http?: {
        address?: string;
        port?: string;
        externalUrl?: string;
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
                        scopes?: string[];
                        claimMapping?: { username?: string; groups?: string };
                    }
                >;
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
            downloadDir?: string;
            registries?: {
                urls?: string[];
                content?: { prefix?: string; destination?: string; stripPrefix?: boolean }[];
                onDemand?: boolean;
                tlsVerify?: boolean;
            }[];
        };
    };
    cluster?: { members?: string[]; hashKey?: string };
}
