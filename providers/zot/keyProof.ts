/** Proves that a key works: the registry accepts it, and it may do what CI needs. */
import type { ApiKeyRecord, KeyHolder } from "../../clients/zot/apiKeys";

/**
 * @throws Error if the registry does not accept the key, or if the key may not push to `repository` (undefined: not
 * tried)
 */
export async function prove(holder: KeyHolder, repository: string | undefined, registryUrl: string): Promise<void> {
    if (repository === undefined) {
        if ((await keysSeenBy(holder)) === undefined) throw new Error(refusedText(holder.username, registryUrl));
        return;
    }
    const proof = await holder.mayPush(repository);
    if (proof === "may push") return;
    if (proof === "not the key") throw new Error(refusedText(holder.username, registryUrl));
    if (proof === "not the right") {
        throw new Error(
            `The API key of ${holder.username} may not push to ${repository} at ${registryUrl} (403). ` +
                "Either the account is not in the group that may push (identity.workloadsGroup; " +
                "of a further identity of CI, ci.workloads.NAME.group) in Authentik, " +
                "or the registry's config does not give that group the right to create (access.ciRepositories; " +
                "ci.workloads.NAME.repositories), " +
                "or the config has not been deployed. The key is kept, and the next pulumi up checks again.",
        );
    }
    throw new Error(
        `The registry ${registryUrl} answered ${proof.status} to a test of the API key of ${holder.username} ` +
            `on ${repository}, where zot answers 415: does a proxy in front of it refuse PUT?`,
    );
}

/** The user's keys, listed with one of them; undefined if the registry does not accept it. */
export async function keysSeenBy(holder: KeyHolder): Promise<ApiKeyRecord[] | undefined> {
    try {
        return await holder.keys.list();
    } catch (error) {
        const status = (error as { status?: unknown }).status;
        if (status === 401) return undefined;
        if (status === 404) {
            throw new Error(
                `${(error as Error).message} It has no API keys at present: ` +
                    "it may have started with the read-only config because its identity provider did not " +
                    "answer. Look at its log, and restart it; until then it is not known whether the key still works.",
            );
        }
        throw error;
    }
}

const refusedText = (user: string, registryUrl: string) =>
    `The registry ${registryUrl} does not accept the API key of ${user} that it has just made (401): ` +
    "if several instances answer at that address, they must share their database.";
