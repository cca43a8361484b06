/** A registry with the three tiers of rights, and somebody of each. */
import { keyFor, person, provider, startWithLogin } from "./logins";
import type { Credentials, Zot } from "./zots";

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

/** CI's group pushes, everybody reads. */
export const ciPushes = {
    repositories: {
        "**": {
            policies: [{ groups: ["artifact-workloads"], actions: ["read", "create"] }],
            anonymousPolicy: ["read"],
            defaultPolicy: ["read"],
        },
    },
};

const extensions = { metrics: { enable: true, prometheus: { path: "/metrics" } } };

export type Who = "anonymous" | "loggedIn" | "ci" | "admin";

export async function startHardened(zot: Zot, accessControl: object | null = tiers) {
    const server = await startWithLogin(zot, provider, { http: { accessControl }, more: { extensions } });
    const credentials: Record<Who, Credentials | undefined> = {
        anonymous: undefined,
        loggedIn: await keyFor(provider, server, person("visitor")),
        ci: await keyFor(provider, server, person("zot-ci", "artifact-workloads")),
        admin: await keyFor(provider, server, person("root", "admins")),
    };
    return { server, credentials };
}
