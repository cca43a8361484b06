/** What zot looks at in a file of settings once its types are right. Each throws ConfigError. */
import { badConfig } from "./configFile";
import type { AuthConfig } from "./configTypes";
import type { Raw } from "./rawConfig";

export function checkPort(port: string | undefined): void {
    if (port === undefined || port === "") return;
    if (!/^\d+$/.test(port) || Number(port) > 65535) throw badConfig(`invalid port ${port}`);
}

export function checkProviders({ http }: Raw, { openid }: AuthConfig): void {
    for (const name of Object.keys(http?.auth?.openid?.providers ?? {})) {
        if (!["google", "gitlab", "oidc", "github"].includes(name))
            throw badConfig("unsupported openid/oauth2 provider");
        const { clientId, issuer, scopes } = openid?.providers[name] ?? { scopes: [] };
        if (!clientId || scopes.length === 0 || (!issuer && name !== "github"))
            throw badConfig("OpenID provider config requires clientid, issuer and scopes parameters");
    }
}

/** What concerns several instances, which this stand-in does not run but lets `verify` check. */
export function checkInstances({ storage, http, extensions, cluster }: Raw): void {
    const { sessionDriver, sessionKeysFile } = http?.auth ?? {};
    if (sessionDriver?.name === "redis" && sessionKeysFile)
        throw badConfig("session keys not supported when redis session driver is used!");
    if (storage?.storageDriver && extensions?.sync && !extensions.sync.downloadDir)
        throw badConfig("using both sync and remote storage features needs config.Extensions.Sync.DownloadDir");
    if (storage?.storageDriver && extensions?.search?.cve)
        throw badConfig("failed to enable cve scanning due to incompatibility with remote storage, please disable cve");
    if (cluster && cluster.hashKey?.length !== 16)
        throw badConfig("hashKey for scale out cluster must have 16 characters");
}
