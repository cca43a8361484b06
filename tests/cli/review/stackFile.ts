import { stringify } from "yaml";
import { HOST_KEY } from "../../support/settings";

/**
 * The text of a stack's file.
 * @param changes a group's members by its name, or the value of what stands beside the groups (`authentik:url`)
 */
export function stackFile(changes: Record<string, unknown> = {}): string {
    const groups: Record<string, Record<string, unknown>> = {
        registry: { url: "https://registry.example.org" },
        zot: {
            binary: "/usr/local/bin/zot",
            configFile: "/etc/zot/config.json",
            rootDirectory: "/var/lib/zot",
            mirrors: [{ url: "https://ghcr.io", prefix: "ghcr.io" }],
        },
        access: { ciRepositories: ["team/**"] },
        identity: { issuer: "https://authentik.example.org/application/o/zot/" },
        host: { user: "zot", address: "registry-host.example.org", hostKey: HOST_KEY },
        ciSecrets: { store: "github", owner: "ops" },
    };
    const others: Record<string, unknown> = { "authentik:url": "https://authentik.example.org" };
    for (const [name, value] of Object.entries(changes)) {
        if (name.includes(":")) others[name] = value;
        else groups[name] = { ...groups[name], ...(value as object) };
    }
    const named = Object.entries(groups).map(([name, members]) => [`zot-hardening:${name}`, members]);
    return stringify({ config: { ...others, ...Object.fromEntries(named) } });
}
