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
