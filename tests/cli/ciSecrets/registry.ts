/** A registry of which the command is told: it lets CI's group push, and knows its accounts by an identity provider. */
import type { IdentityProvider } from "../../testbed/zot/logins";
import { RunningZot, type Zot } from "../../testbed/zot/zots";

/** @param folder where its config and its images are; the caller removes it */
export async function startRegistry(zot: Zot, provider: IdentityProvider, folder: string): Promise<RunningZot> {
    const accessControl = {
        repositories: {
            "**": {
                policies: [{ groups: ["artifact-workloads"], actions: ["read", "create"] }],
                anonymousPolicy: ["read"],
                defaultPolicy: ["read"],
            },
        },
    };
    const registry = await RunningZot.start(
        zot,
        (externalUrl) => ({ http: { externalUrl, auth: provider.auth(folder), accessControl } }),
        folder,
    );
    await provider.allows(registry.url);
    return registry;
}
