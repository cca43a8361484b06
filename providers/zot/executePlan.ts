/** Executes a plan, in an order that allows an interruption at any point. */
import type { ApiKeys } from "../../clients/zot/apiKeys";
import { GENERATION } from "./keyMessages";
import { expiryOf, type KeyPlan, type KeyState, type Predecessor, type Wanted } from "./plan";

export interface PlanExecution {
    plan: KeyPlan;
    /** The declared key, if it stays. */
    state: KeyState | undefined;
    wanted: Wanted;
    keys: ApiKeys;
    /** The label for a new key. */
    label: string;
    /** When a new key expires, by the registry's clock. */
    expires: Date;
    /** Proves that a key may push. @throws Error with the reason if it may not */
    prove(key: string): Promise<void>;
}

export interface PlanOutcome {
    state: KeyState;
    /** The new key, if one was made. */
    key?: string;
}

/** A failure after a new key was made: the key must not be lost. */
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
            `The registry made an API key of ${keys.username} that never expires, although an expiry was requested: ` +
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
            // After a leak the other keys are revoked even if the new one may not push.
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

/** How often to look for keys that somebody made meanwhile, and revoke them. */
const ROUNDS = 5;

/** Until a stolen key is revoked, its holder can use it to make others. */
async function revokeNewcomers(keys: ApiKeys, own: string): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
        const listed = await keys.list();
        if (!listed.some((key) => key.uuid === own))
            throw new Error(
                `Somebody used another key to revoke the new API key of ${keys.username} meanwhile: ` +
                    `raise ${GENERATION} once more.`,
            );
        const others = listed.filter((key) => key.uuid !== own);
        if (others.length === 0) return;
        for (const other of others) await keys.revoke(other.uuid);
    }
    throw new Error(
        `Somebody keeps making API keys of ${keys.username}: ` +
            `make the service account inactive in Authentik, find out who, and raise ${GENERATION} again.`,
    );
}
