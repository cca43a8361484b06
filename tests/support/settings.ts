/** Settings for tests: a whole, valid site. */
import { type DeclaredState, declaredState } from "../../components/declaredState";
import { type RawSettings, SecretText } from "../../components/settings";

export const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGVzdHMtb25seS1ub3QtYS1yZWFsLWtleS1hdC1hbGwh";
export const PRIVATE_KEY_CANARY = "canary-private-key";

/** A whole site; `changes` are laid over its groups. */
export function rawSettings(changes: Record<string, Record<string, unknown>> = {}): RawSettings {
    const groups: Record<string, Record<string, unknown>> = {
        registry: { url: "https://registry.example.org" },
        zot: { binary: "/usr/local/bin/zot", configFile: "/etc/zot/config.json", rootDirectory: "/var/lib/zot" },
        access: {},
        identity: { issuer: "https://authentik.example.org/application/o/zot/" },
        host: {
            address: "registry-host.example.org",
            user: "zot",
            hostKey: HOST_KEY,
            privateKey: new SecretText(
                `-----BEGIN PRIVATE KEY-----\n${PRIVATE_KEY_CANARY}\n-----END PRIVATE KEY-----\n`,
            ),
        },
    };
    for (const [group, members] of Object.entries(changes)) groups[group] = { ...groups[group], ...members };
    return { groups, site: { hasAuthentikUrl: true, hasAuthentikToken: true, sshAgentSocket: undefined } };
}

export function siteSettings(changes: Record<string, Record<string, unknown>> = {}): DeclaredState {
    return declaredState(rawSettings(changes));
}
