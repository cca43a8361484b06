/** Executes a plan, in an order in which it may be interrupted anywhere. */
import type { ApiKeys } from "../../clients/zot/apiKeys";
import { GENERATION } from "./keyMessages";
import { expiryOf, type KeyPlan, type KeyState, type Predecessor, type Wanted } from "./plan";

export interface PlanExecution {
    plan: KeyPlan;
    /** The declared key, where it stays. */
    state: KeyState | undefined;
    wanted: Wanted;
    keys: ApiKeys;
    /** The label for a new key. */
    label: string;
    /** When a new key is to expire, by the registry's clock. */
    expires: Date;
    /** Shows that a key may push; throws with the reason where it may not. */
    prove(key: string): Promise<void>;
}

export interface PlanOutcome {
    state: KeyState;
    /** The new key, where one was made. */
    key?: string;
}

/** What went wrong after a new key existed: the key must not be lost. */
export class AfterMinting extends Error {
    constructor(
        override readonly cause: unknown,
        readonly reached: PlanOutcome,
    ) {
        super(cause instanceof Error ? cause.message : String(cause));
    }
}

export async function executePlan({
    plan,
    state,
    wanted,
    keys,
    label,
    expires,
    prove,
}: PlanExecution): Promise<PlanOutcome> {
    for (const orphan of plan.orphans) await keys.revoke(orphan.uuid);
    if (!plan.mint) {
        if (!state) throw new Error("There is no key, and none is planned.");
        for (const predecessor of plan.over) await keys.revoke(predecessor.uuid);
        return { state: { ...state, predecessors: plan.predecessors } };
    }

    const minted = await keys.create(label, expires);
    const reached = (status: KeyState["status"], left: readonly Predecessor[]): PlanOutcome => ({
        key: minted.key,
        state: {
            uuid: minted.record.uuid,
            created: new Date(minted.record.createdAt).toISOString(),
            expires: expiryOf(minted.record) || expires.toISOString(),
            status,
            generation: wanted.generation,
            predecessors: [...plan.predecessors, ...left],
        },
    });
    if (expiryOf(minted.record) === "") {
        await keys.revoke(minted.record.uuid);
        throw new Error(
            `The registry made an API key of ${keys.username} that never expires, although it was told when: ` +
                "it was revoked. Is this zot 2.1.20 or newer?",
        );
    }

    let left = [...plan.over];
    let status: KeyState["status"] = "unproven";
    let unproven: unknown;
    try {
        try {
            await prove(minted.key);
            status = "usable";
        } catch (error) {
            // After a leak the other keys go whatever the new one may do.
            if (!plan.revokeOthers) throw error;
            unproven = error;
        }
        for (const predecessor of plan.over) {
            await keys.revoke(predecessor.uuid);
            left = left.filter((other) => other !== predecessor);
        }
        if (plan.revokeOthers) await revokeNewcomers(keys, minted.record.uuid);
    } catch (error) {
        throw new AfterMinting(error, reached(status, left));
    }
    if (unproven !== undefined) throw new AfterMinting(unproven, reached(status, left));
    return reached(status, left);
}

/** Rounds in which keys that somebody made meanwhile are revoked. */
const ROUNDS = 5;

/** Whoever holds a stolen key may make others with it until it is revoked. */
async function revokeNewcomers(keys: ApiKeys, own: string): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
        const listed = await keys.list();
        if (!listed.some((key) => key.uuid === own))
            throw new Error(
                `Somebody revoked the new API key of ${keys.username} with another one while this was going on: ` +
                    `raise ${GENERATION} once more.`,
            );
        const others = listed.filter((key) => key.uuid !== own);
        if (others.length === 0) return;
        for (const other of others) await keys.revoke(other.uuid);
    }
    throw new Error(
        `Somebody goes on making API keys of ${keys.username}: ` +
            `make the service account inactive in Authentik, find out who, and raise ${GENERATION} again.`,
    );
}
