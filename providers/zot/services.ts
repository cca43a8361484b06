/**
 * The services that the resource talks to. Everything that speaks HTTP is loaded with the first request, not at the
 * start.
 */
import type { AuthentikUsers } from "../../clients/authentik/users";
import { UnreachableError } from "../../clients/http/failures";
import type { Transport } from "../../clients/http/outgoing";
import type { Answer } from "../../clients/http/request";
import { retrying } from "../../clients/http/retry";
import type { KeyHolder } from "../../clients/zot/apiKeys";
import type { ZotSession } from "../../clients/zot/session";
import { keepsTags } from "../../clients/zot/version";
import type { Configuration } from "./configuration";

export interface Services {
    /** @throws Error with the command that sets what is missing */
    authentik(): AuthentikUsers;
    holder(registryUrl: string, username: string, key: string): KeyHolder;
    /**
     * A session at the registry. The password goes only to Authentik's address and to the issuer's origin.
     */
    login(
        registryUrl: string,
        credentials: { username: string; password: string },
        by: { issuer: string | undefined; loginFlow: string | undefined },
    ): Promise<ZotSession>;
    /** Looks at a registry before anything is changed. */
    registry(registryUrl: string): Promise<RegistryFacts>;
    /**
     * Why CI could not log in at a registry's public URL from this machine; undefined if a registry answers there.
     */
    registryProblem(registryUrl: string): Promise<string | undefined>;
}

export interface RegistryFacts {
    /** How many milliseconds its clock is ahead of ours; undefined if the answer does not say. */
    clockAhead: number | undefined;
    /**
     * As `v2.1.20`; undefined if the registry does not say. It does only with the search extension, in official builds.
     */
    version: string | undefined;
}

/** How long a registry may take to come back from a restart, in milliseconds. */
const RESTART_PATIENCE = 5_000;
const PAUSE = 300;
/** How long a look at the public URL may take, in milliseconds. */
const ANSWER_PATIENCE = 10_000;

const clients = {
    apiKeys: () => require("../../clients/zot/apiKeys") as typeof import("../../clients/zot/apiKeys"),
    authentikUsers: () => require("../../clients/authentik/users") as typeof import("../../clients/authentik/users"),
    request: () => require("../../clients/http/request") as typeof import("../../clients/http/request"),
    outgoing: () => require("../../clients/http/outgoing") as typeof import("../../clients/http/outgoing"),
    zotSession: () => require("../../clients/zot/session") as typeof import("../../clients/zot/session"),
};

export function servicesFrom(configuration: Configuration, environment: NodeJS.ProcessEnv): Services {
    let made: Transport | undefined;
    const transport = () => (made ??= transportThrough(configuration, environment));
    return {
        authentik() {
            const { authentikUrl, authentikToken } = configuration;
            const missing: string[] = [];
            if (!authentikUrl)
                missing.push(
                    "Authentik's address is not set. Set it with: " +
                        "pulumi config set authentik:url https://authentik.example.org (or in the environment: " +
                        "AUTHENTIK_URL).",
                );
            if (!authentikToken)
                missing.push(
                    "No API token for Authentik is set. Set it with: " +
                        "pulumi config set --secret authentik:token (or in the environment: AUTHENTIK_TOKEN).",
                );
            if (!authentikUrl || !authentikToken) throw new Error(missing.join(" "));
            return new (clients.authentikUsers().AuthentikUsers)(transport(), authentikUrl, authentikToken);
        },
        holder: (registryUrl, username, key) =>
            new (clients.apiKeys().KeyHolder)(transport(), registryUrl, username, key),
        login: (registryUrl, credentials, { issuer, loginFlow }) => {
            const identityProvider = [configuration.authentikUrl, issuer].filter((address) => address !== undefined);
            return clients
                .zotSession()
                .ZotSession.login(registryUrl, credentials, { transport: transport(), identityProvider, loginFlow });
        },
        async registry(registryUrl) {
            const { clockAhead } = clients.request();
            const answer = await patiently(transport(), registryUrl);
            return { clockAhead: clockAhead(answer), version: await versionOf(transport(), registryUrl) };
        },
        registryProblem: (registryUrl) => registryProblem(transport(), registryUrl),
    };
}

function transportThrough({ caCertificateFile, proxy }: Configuration, environment: NodeJS.ProcessEnv): Transport {
    try {
        return clients.outgoing().outgoing({ caCertificateFile, proxy }, environment);
    } catch (error) {
        throw new Error(
            `The certificate authorities in ${caCertificateFile ?? "NODE_EXTRA_CA_CERTS"} cannot be read: ` +
                `${(error as Error).message}`,
        );
    }
}

/** The registry's answer to a request that anyone may send. Waits if the registry is just being restarted. */
function patiently(transport: Transport, registryUrl: string): Promise<Answer> {
    const ask = async () => {
        const answer = await clients
            .request()
            .sendOne(transport, `${registryUrl}/v2/`)
            .catch((error: Error) => {
                throw new UnreachableError(
                    `The registry: ${error.message}. Is zot running there? ` +
                        "A zot that cannot reach its identity provider does not start.",
                );
            });
        if (answer.status < 500) return answer;
        throw new UnreachableError(
            `The registry ${registryUrl} answers ${answer.status}; ` +
                "its log, or that of the proxy in front of it, says why.",
        );
    };
    return retrying(ask, { worth: () => ({ within: RESTART_PATIENCE }), firstPause: PAUSE, longestPause: PAUSE });
}

async function registryProblem(transport: Transport, registryUrl: string): Promise<string | undefined> {
    const advice =
        "CI's key is asked for there, from this machine: " +
        "correct registry.url, or check its DNS name and the proxy in front of zot.";
    try {
        const { status, headers } = await clients
            .request()
            .sendOne(transport, `${registryUrl}/v2/`, { timeout: ANSWER_PATIENCE });
        if (headers.has("docker-distribution-api-version") || (status === 401 && headers.has("www-authenticate")))
            return undefined;
        return (
            `At registry.url, ${registryUrl}, something answers that is not a registry ` +
            `(${status} at /v2/). ${advice}`
        );
    } catch (error) {
        return `registry.url, ${registryUrl}, does not answer: ${(error as Error).message}. ${advice}`;
    }
}

/** The release that zot tells its user interface (measured on zot 2.1.20). */
async function versionOf(transport: Transport, registryUrl: string): Promise<string | undefined> {
    try {
        const answer = await clients.request().sendOne(transport, `${registryUrl}/v2/_zot/ext/mgmt`);
        const { releaseTag } = JSON.parse(answer.text) as { releaseTag?: unknown };
        return typeof releaseTag === "string" && keepsTags(releaseTag) !== undefined ? releaseTag : undefined;
    } catch {
        return undefined;
    }
}
