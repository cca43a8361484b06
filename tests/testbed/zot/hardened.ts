/** A registry with the three tiers of rights, and somebody of each. */
import { IdentityProvider, keyFor, person } from "./logins";
import { type Credentials, cleanUp, RunningZot, scratch, type Zot } from "./zots";

export const tiers = {
    repositories: {
        "**": {
            policies: [
                { groups: ["artifact-workloads"], actions: ["read", "create"] },
                { groups: ["admins"], actions: ["read", "create", "delete"] },
            ],
            anonymousPolicy: ["read"],
            defaultPolicy: ["read"],
        },
    },
    metrics: { anonymousPolicy: ["read"] },
};

const extensions = { metrics: { enable: true, prometheus: { path: "/metrics" } } };

export type Who = "anonymous" | "loggedIn" | "ci" | "admin";

let provider: IdentityProvider;

/** For the tests of a file: starts the identity provider, and ends it with the registries that it was for. */
export function providerForAll(): void {
    beforeAll(async () => {
        provider = await IdentityProvider.start();
    });
    afterAll(async () => {
        await cleanUp();
        await provider.stop();
    });
}

export const theProvider = () => provider;

export async function startHardened(zot: Zot, accessControl: object = tiers) {
    const folder = scratch();
    const server = await RunningZot.start(
        zot,
        (externalUrl) => ({ http: { externalUrl, auth: provider.auth(folder), accessControl }, extensions }),
        folder,
    );
    await provider.allows(server.url);
    const credentials: Record<Who, Credentials | undefined> = {
        anonymous: undefined,
        loggedIn: await keyFor(provider, server, person("visitor")),
        ci: await keyFor(provider, server, person("zot-ci", "artifact-workloads")),
        admin: await keyFor(provider, server, person("root", "admins")),
    };
    return { server, credentials };
}
