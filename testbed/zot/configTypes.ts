/** A configuration of zot, as the stand-in runs with it. */
import type { AccessControl } from "./authorization";

export interface StorageConfig {
    /** Empty when the file has none: `verify` lets that through, `serve` does not. */
    rootDirectory: string;
    dedupe: boolean;
}

export interface Config {
    storage: StorageConfig;
    http: {
        address: string;
        port: string;
        externalUrl: string;
        realm: string;
        /** Milliseconds in which a request has to arrive, and its answer to go out; 0 is no limit. */
        readTimeout: number;
        writeTimeout: number;
        tls?: { cert: string; key: string };
        /** Whether manifests of Docker's own type may be pushed (`compat`). */
        acceptsDocker: boolean;
        auth: AuthConfig;
        /** Absent: whoever is logged in may do everything. */
        accessControl?: AccessControl;
    };
    log: { level: string; output: string; audit: string };
    extensions: ExtensionsConfig;
    /** Parts of the file that the stand-in does not carry out, by their place in the file. */
    notCarriedOut: { refused: string[]; ignored: string[] };
}

export interface AuthConfig {
    /** Seconds to wait before a failed login is answered. */
    failDelay: number;
    openid?: { providers: Record<string, OpenIdProvider> };
    /** Always on with `openid`, whatever the file says. */
    apikey: boolean;
    sessionKeys: { hashKey?: Buffer; encryptKey?: Buffer };
    secureSession?: boolean;
}

export interface OpenIdProvider {
    name: string;
    issuer: string;
    clientId: string;
    clientSecret: string;
    scopes: string[];
    /** Claims; without them the user name is the e-mail address and the groups come from `groups`. */
    claimMapping: { username?: string; groups?: string };
}

export interface SyncRegistry {
    urls: string[];
    onDemand: boolean;
    tlsVerify: boolean;
    content: { prefix: string; destination: string }[];
}

export interface ExtensionsConfig {
    search: boolean;
    ui: boolean;
    /** Path of the metrics; absent when they are off. */
    metricsPath?: string;
    sync?: { registries: SyncRegistry[] };
}

/** Whether anyone can log in at all; when not, zot takes every request for an anonymous one. */
export const isLoginEnabled = (auth: AuthConfig): boolean => auth.openid !== undefined || auth.apikey;
