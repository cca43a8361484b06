/**
 * Decides what to do about a user's API keys, from the state, zot's list of keys, and the time. Pure.
 *
 * The rules: a key that CI may hold works until its time is over; no key of ours is without an expiry; and after an
 * update only the declared key and its predecessors are left.
 */

import { durationText, momentText } from "../../clients/durations";
import type { ApiKeyRecord } from "../../clients/zot/apiKeys";
import { type Owner, ownerIn, sameOwner } from "../../clients/zot/keyOwner";

/** A key that works beside the declared one until its time is over. */
export interface Predecessor {
    uuid: string;
    label: string;
    /** RFC 3339; empty for a key that never expires. */
    expires: string;
    /** RFC 3339: the first update after it revokes the key. */
    revokeAfter: string;
}

export type KeyStatus =
    /** It was proven that it may push. */
    | "usable"
    /** It exists, but it could not be proven that it may push. */
    | "unproven"
    /** zot answered 401 to it. */
    | "unusable";

/** The declared key, as the state has it. */
export interface KeyState {
    uuid: string;
    /** RFC 3339. */
    created: string;
    /** RFC 3339. */
    expires: string;
    status: KeyStatus;
    generation: number;
    predecessors: Predecessor[];
}

/** What the program asks for; durations are in milliseconds. */
export interface Wanted {
    lifetime: number;
    rotateAfter: number;
    predecessorLifetime: number;
    generation: number;
}

export interface Mint {
    /** The reason, as the end of the sentence "a key is minted: …". */
    why: string;
}

/** The work that the state and the time alone ask for. */
export interface Due {
    mint?: Mint;
    /** Whether every other key is to be revoked in the same update. */
    revokeOthers: boolean;
    /** Predecessors whose time is over. */
    over: Predecessor[];
    /** Whether it still has to be proven that the key may push. */
    prove: boolean;
}

/** When to replace the key, RFC 3339: after its share of the lifetime, but no later than its expiry. */
export function rotateAt(key: Pick<KeyState, "created" | "expires">, wanted: Pick<Wanted, "rotateAfter">): string {
    return new Date(Math.min(Date.parse(key.created) + wanted.rotateAfter, Date.parse(key.expires))).toISOString();
}

export function due(state: KeyState, wanted: Wanted, now: Date): Due {
    const over = state.predecessors.filter((predecessor) => Date.parse(predecessor.revokeAfter) <= now.getTime());
    const revokeOthers = wanted.generation > state.generation;
    const why = revokeOthers
        ? `the generation was raised from ${state.generation} to ${wanted.generation}, ` +
          "so every other key is revoked too"
        : reasonToRotate(state, wanted, now);
    return {
        ...(why === undefined ? {} : { mint: { why } }),
        revokeOthers,
        over,
        prove: why === undefined && state.status === "unproven",
    };
}

function reasonToRotate(state: KeyState, wanted: Wanted, now: Date): string | undefined {
    if (Date.parse(state.expires) <= now.getTime()) return `the present one expired on ${momentText(state.expires)}`;
    if (state.status === "unusable") return "the registry no longer accepts the present one";
    const moment = rotateAt(state, wanted);
    if (Date.parse(moment) <= now.getTime())
        return (
            `the present one is ${durationText(now.getTime() - Date.parse(state.created))} old, ` +
            `and its rotation time was ${momentText(moment)}`
        );
    return undefined;
}

export interface PlanRequest {
    /** Undefined if there is no declared key yet. */
    state: KeyState | undefined;
    wanted: Wanted;
    now: Date;
    /** The user's keys, as zot lists them. */
    keys: readonly ApiKeyRecord[];
    owner: Owner;
    /** Whether keys that another stack made become predecessors; otherwise they are a reason to refuse. */
    takeOver: boolean;
}

export interface KeyPlan {
    /** The owners of keys that stand in the way; if there are any, nothing is done. */
    refusedFor: Owner[];
    mint: Mint | undefined;
    /** Keys that nobody holds: expired ones, and those of a run that was cut off. Revoked first. */
    orphans: ApiKeyRecord[];
    /**
     * Predecessors whose time is over, or every other key if the generation was raised. Revoked once a working key
     * exists.
     */
    over: Predecessor[];
    /** Whether `over` is revoked even if it could not be proven that the new key may push. */
    revokeOthers: boolean;
    /** The keys that stay beside the declared one. */
    predecessors: Predecessor[];
    /** Predecessors that the state did not name. */
    found: Predecessor[];
    /** Keys of other stacks, which are not touched. */
    foreign: ApiKeyRecord[];
}

/**
 * If a key was used later than this after it was made, somebody holds it: our own proof of a key takes seconds. In
 * milliseconds.
 */
const PROOF_TIME = 120_000;

export function plan(request: PlanRequest): KeyPlan {
    const { state, wanted, now } = request;
    const mint = mintOf(request);
    const revokeOthers = state !== undefined && wanted.generation > state.generation;
    const { orphans, foreign, others, found } = sorted(request, mint !== undefined, revokeOthers);
    if (!state && foreign.length > 0) return refusal(foreign);
    const isOver = ({ revokeAfter }: Predecessor) => revokeOthers || Date.parse(revokeAfter) <= now.getTime();
    const over = others.filter(isOver);
    return {
        refusedFor: [],
        mint,
        orphans,
        over: revokeOthers ? over.map((other) => ({ ...other, revokeAfter: now.toISOString() })) : over,
        revokeOthers,
        predecessors: others.filter((other) => !isOver(other)),
        found: revokeOthers ? [] : found,
        foreign,
    };
}

/** Why to mint a key; undefined if the present one stays. */
function mintOf({ state, wanted, now, keys }: PlanRequest): Mint | undefined {
    if (!state) return { why: "there is none yet" };
    const isListed = keys.some((key) => key.uuid === state.uuid);
    return (
        due(state, wanted, now).mint ?? (isListed ? undefined : { why: "the present one is gone from the registry" })
    );
}

/** A user's keys, sorted by what will happen to them. */
interface Sorted {
    orphans: ApiKeyRecord[];
    foreign: ApiKeyRecord[];
    others: Predecessor[];
    /** Those of {@link others} that the state did not name. */
    found: Predecessor[];
}

function sorted(request: PlanRequest, isReplaced: boolean, revokeOthers: boolean): Sorted {
    const { state, wanted, now, keys } = request;
    const afterwards = new Date(now.getTime() + wanted.predecessorLifetime);
    const known = new Map((state?.predecessors ?? []).map((predecessor) => [predecessor.uuid, predecessor]));
    const result: Sorted = { orphans: [], foreign: [], others: [], found: [] };
    for (const key of keys) {
        const isPresent = key.uuid === state?.uuid;
        if (isPresent && !isReplaced) continue;
        const before = known.get(key.uuid);
        const isKnown = isPresent || before !== undefined;
        const maker = isKnown ? "this state" : makerOf(key, request);
        const fate = fateOf(key, maker === "another stack" && revokeOthers ? "somebody" : maker, now);
        if (fate === "orphans" || fate === "foreign") result[fate].push(key);
        if (fate !== "others") continue;
        const predecessor = before ?? predecessorOf(key, afterwards);
        result.others.push(predecessor);
        if (!isKnown) result.found.push(predecessor);
    }
    return result;
}

/** The group into which a key is sorted; undefined for an expired key of another stack, which concerns nobody. */
function fateOf(
    key: ApiKeyRecord,
    maker: Maker | "this state",
    now: Date,
): "orphans" | "foreign" | "others" | undefined {
    if (maker === "another stack") return isExpired(key, now) ? undefined : "foreign";
    if (isExpired(key, now)) return "orphans";
    return maker === "this stack" && !isInUse(key) ? "orphans" : "others";
}

type Maker = "this stack" | "another stack" | "somebody";

/** Who made a key that the state does not name. */
function makerOf({ label }: ApiKeyRecord, { owner, takeOver }: PlanRequest): Maker {
    const maker = ownerIn(label);
    if (maker === undefined) return "somebody";
    if (sameOwner(maker, owner)) return "this stack";
    return takeOver ? "somebody" : "another stack";
}

/** The plan if the first key would be made beside those of other stacks: do nothing. */
function refusal(foreign: ApiKeyRecord[]): KeyPlan {
    const makers = foreign.map((key) => ownerIn(key.label)!);
    return {
        refusedFor: makers.filter((maker, index) => makers.findIndex((other) => sameOwner(other, maker)) === index),
        mint: undefined,
        orphans: [],
        over: [],
        revokeOthers: false,
        predecessors: [],
        found: [],
        foreign,
    };
}

const NEVER = Date.parse("0001-01-02T00:00:00Z");

/** The expiry, RFC 3339; empty for a key that never expires, for which zot writes the year 1. */
export const expiryOf = (key: Pick<ApiKeyRecord, "expirationDate">) =>
    Date.parse(key.expirationDate) < NEVER ? "" : new Date(key.expirationDate).toISOString();

export function isExpired(key: ApiKeyRecord, now: Date): boolean {
    const expires = expiryOf(key);
    return expires !== "" && (key.isExpired || Date.parse(expires) <= now.getTime());
}

/** Whether somebody besides us has used the key: then CI has it, and the state that knew it was lost. */
const isInUse = (key: ApiKeyRecord) => Date.parse(key.lastUsed) - Date.parse(key.createdAt) > PROOF_TIME;

export function predecessorOf(key: ApiKeyRecord, revokeAfter: Date): Predecessor {
    const expires = expiryOf(key);
    const end = expires === "" ? revokeAfter.getTime() : Math.min(revokeAfter.getTime(), Date.parse(expires));
    return { uuid: key.uuid, label: key.label, expires, revokeAfter: new Date(end).toISOString() };
}
