/** Ends the keys that CI had before its present one. */
import { UserError } from "../../clients/userError";
import { ApiKeyError, type ApiKeyRecord, type ApiKeys } from "../../clients/zot/apiKeys";
import { ownerIn, sameOwner } from "../../clients/zot/keyOwner";
import type { Credential } from "./outputs";

/** Keys that could not be ended, worded for the person who can correct it. */
export class PreviousKeysError extends UserError {}

export interface PreviousKeys {
    /** Keys of the same user, except the one in the outputs. */
    previous: ApiKeyRecord[];
    /** Keys that another stack made for the same user; only that stack should end them. */
    ofOthers: ApiKeyRecord[];
}

/**
 * Which of a user's keys came before the present one. Pure. zot never says which key a request used, so the present one
 * is identified by the uuid in the outputs, or else by its expiry.
 *
 * @throws PreviousKeysError if the present key cannot be identified: then none may be revoked
 */
export function previousKeys(
    all: readonly ApiKeyRecord[],
    present: Pick<Credential, "uuid" | "expires">,
): PreviousKeys {
    const same = all.filter((key) =>
        present.uuid !== undefined
            ? key.uuid === present.uuid
            : present.expires !== undefined && Date.parse(key.expirationDate) === Date.parse(present.expires),
    );
    if (same.length !== 1) {
        throw new PreviousKeysError(
            `${same.length === 0 ? "None" : `${same.length}`} of the user's ${all.length} keys at the registry ` +
                `${same.length === 0 ? "is" : "are"} the one in the stack's outputs, ` +
                `by ${present.uuid !== undefined ? "its uuid" : "its expiry"}. ` +
                "Nothing was revoked: run pulumi up --refresh, and then this again.",
        );
    }
    const [live] = same as [ApiKeyRecord];
    const owner = ownerIn(live.label);
    const others = all.filter((key) => key.uuid !== live.uuid);
    const isOfAnother = (key: ApiKeyRecord) => {
        const theirs = ownerIn(key.label);
        return theirs !== undefined && owner !== undefined && !sameOwner(theirs, owner);
    };
    return { previous: others.filter((key) => !isOfAnother(key)), ofOthers: others.filter(isOfAnother) };
}

/**
 * Revokes the keys, and checks that they are gone.
 *
 * @param keys the holder of the present key, who may list and revoke the owner's keys (zot 2.1.20)
 */
export async function revokePrevious(
    keys: ApiKeys,
    present: Pick<Credential, "uuid" | "expires">,
    dryRun: boolean,
): Promise<PreviousKeys> {
    const found = previousKeys(await listed(keys), present);
    if (dryRun || found.previous.length === 0) return found;
    for (const key of found.previous) await keys.revoke(key.uuid);
    // zot answers 200 to a revocation whatever it did.
    const left = new Set((await listed(keys)).map((key) => key.uuid));
    const stayed = found.previous.filter((key) => left.has(key.uuid));
    if (stayed.length > 0)
        throw new PreviousKeysError(
            `The registry still has ${stayed.map(described).join(", ")}, although it was asked to revoke them; ` +
                "look at its log.",
        );
    return found;
}

async function listed(keys: ApiKeys): Promise<ApiKeyRecord[]> {
    try {
        return await keys.list();
    } catch (error) {
        if (error instanceof ApiKeyError && error.status === 401) {
            throw new PreviousKeysError(
                "The registry does not accept the key in the stack's outputs (401), so nothing was revoked: " +
                    "run pulumi up --refresh, which makes a new one, and then this again.",
            );
        }
        throw error;
    }
}

/** A key in words. */
export function described({ label, uuid, expirationDate }: ApiKeyRecord): string {
    return `"${label}" (${uuid}${expirationDate.startsWith("0001-") ? ", never expires" : `, expires ${expirationDate}`})`;
}
