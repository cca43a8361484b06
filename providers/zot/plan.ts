/**
 * What is to be done about a user's API keys, given what the state says, what zot lists, and the time. Pure.
 *
 * The rules: a key that CI may hold goes on working until its time is over; no key of ours is without an expiry; and at
 * the end of an update there are the declared key, its predecessors, and no other.
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
    /** It may push: seen. */
    | "usable"
    /** It exists, and could not be shown to be able to push. */
    | "unproven"
    /** zot answered 401 to it. */
    | "unusable";

/** What the state says of the declared key. */
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

/** What the program asks for; durations in milliseconds. */
export interface Wanted {
    lifetime: number;
    rotateAfter: number;
    predecessorLifetime: number;
    generation: number;
}

export interface Mint {
    /** Why, as the end of the sentence "a key is minted: …". */
    why: string;
}

/** What the state and the time alone ask for. */
export interface Due {
    mint?: Mint;
    /** Whether every other key is to be revoked in the same update. */
    revokeOthers: boolean;
    /** Predecessors whose time is over. */
    over: Predecessor[];
    /** Whether the key has yet to be shown to be able to push. */
    prove: boolean;
}

/** When the key is to be replaced, RFC 3339: after its share of the lifetime, and never after it has expired. */
export function rotateAt(key: Pick<KeyState, "created" | "expires">, wanted: Pick<Wanted, "rotateAfter">): string {
    return new Date(Math.min(Date.parse(key.created) + wanted.rotateAfter, Date.parse(key.expires))).toISOString();
}

export function due(state: KeyState, wanted: Wanted, now: Date): Due {
    const over = state.predecessors.filter((predecessor) => Date.parse(predecessor.revokeAfter) <= now.getTime());
    const revokeOthers = wanted.generation > state.generation;
    const why = revokeOthers
        ? `the generation was raised from ${state.generation} to ${wanted.generation}, ` +
          "so that every other key is revoked too"
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
    if (state.status === "unusable") return "the registry does not accept the present one any more";
    const moment = rotateAt(state, wanted);
    if (Date.parse(moment) <= now.getTime())
        return (
            `the present one is ${durationText(now.getTime() - Date.parse(state.created))} old, ` +
            `and its time to rotate was ${momentText(moment)}`
        );
    return undefined;
}

export interface PlanRequest {
    /** Undefined where there is no declared key yet. */
    state: KeyState | undefined;
    wanted: Wanted;
    now: Date;
    /** The user's keys, as zot lists them. */
    keys: readonly ApiKeyRecord[];
    owner: Owner;
    /** Whether keys that another stack made become predecessors, instead of being a reason to refuse. */
    takeOver: boolean;
}

export interface KeyPlan {
    /** Whose keys stand in the way: nothing is to be done then. */
    refusedFor: Owner[];
    mint: Mint | undefined;
    /** Keys that nobody holds: of a run that was cut off, and expired ones. Revoked first. */
    orphans: ApiKeyRecord[];
    /**
     * Predecessors whose time is over, or every other key where the generation was raised. Revoked once there is a key
     * that works.
     */
    over: Predecessor[];
    /** Whether `over` is revoked even if the new key could not be shown to be able to push. */
    revokeOthers: boolean;
    /** What lives on beside the declared key. */
    predecessors: Predecessor[];
    /** Keys among the predecessors that the state did not name. */
    found: Predecessor[];
    /** Keys of other stacks that are left alone. */
    foreign: ApiKeyRecord[];
}

/**
 * A key that was used later than this after it was made is in somebody's hands; our own proof of a key is done within
 * seconds. In milliseconds.
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

/** Why a key is to be minted; undefined where the present one stays. */
function mintOf({ state, wanted, now, keys }: PlanRequest): Mint | undefined {
    if (!state) return { why: "there is none yet" };
    const isListed = keys.some((key) => key.uuid === state.uuid);
    return (
        due(state, wanted, now).mint ?? (isListed ? undefined : { why: "the present one is gone from the registry" })
    );
}

/** The keys of a user, by what is to become of them. */
interface Sorted {
    orphans: ApiKeyRecord[];
    foreign: ApiKeyRecord[];
    others: Predecessor[];
    /** Of {@link others}, those that the state did not name. */
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

/** Where a key is sorted; undefined where it is nobody's concern: one of another stack that has expired. */
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

/** Where the first key would be made beside those of other stacks: nothing is done. */
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

/** RFC 3339; empty for a key that never expires, to which zot gives the year 1. */
export const expiryOf = (key: Pick<ApiKeyRecord, "expirationDate">) =>
    Date.parse(key.expirationDate) < NEVER ? "" : new Date(key.expirationDate).toISOString();

export function isExpired(key: ApiKeyRecord, now: Date): boolean {
    const expires = expiryOf(key);
    return expires !== "" && (key.isExpired || Date.parse(expires) <= now.getTime());
}

/** Whether somebody besides us has used the key: then it is in a CI's hands, and the state that knew it was lost. */
const isInUse = (key: ApiKeyRecord) => Date.parse(key.lastUsed) - Date.parse(key.createdAt) > PROOF_TIME;

export function predecessorOf(key: ApiKeyRecord, revokeAfter: Date): Predecessor {
    const expires = expiryOf(key);
    const end = expires === "" ? revokeAfter.getTime() : Math.min(revokeAfter.getTime(), Date.parse(expires));
    return { uuid: key.uuid, label: key.label, expires, revokeAfter: new Date(end).toISOString() };
}
