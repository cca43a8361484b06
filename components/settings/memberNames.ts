/** The names that a registry's machines may have, and what a change of the machines means to a review. Pure. */
import { changedKeys, quoted } from "./meanings";
import { type ChangeMeaning, isMap } from "./setting";

/** Why a machine cannot have this name; undefined if it can. The name becomes part of names in the stack's state. */
export const memberNameMistake = (value: string): string | undefined =>
    /^[A-Za-z0-9_:][A-Za-z0-9_.:-]{0,252}$/.test(value) ? undefined : "a name has letters, digits and ._:- only";

/** A member's address and port. Without a port of its own it has that of `host`, which a review does not know. */
const placeOf = ({ address, port }: Record<string, unknown>): string =>
    `${String(address)}${port === undefined ? "" : ` port ${String(port)}`}`;

/** What a change of `host.members` means: where the config and its secrets go, and which hosts are trusted. */
export function membersChange(before: unknown, after: unknown): ChangeMeaning {
    const [from, to] = [before, after].map(byPlace) as [Machines, Machines];
    const changes = changedKeys(from, to).flatMap((place) => entryChanges(place, from[place], to[place]));
    return { effect: "unclear", words: changes.join("; ") || "the machines of the registry are written otherwise" };
}

type Machines = Record<string, Record<string, unknown>>;

const byPlace = (members: unknown): Machines =>
    Object.fromEntries((Array.isArray(members) ? members : []).filter(isMap).map((entry) => [placeOf(entry), entry]));

function entryChanges(place: string, before: Machines[string] | undefined, after: Machines[string] | undefined) {
    if (before === undefined) return [`the config and its secrets are also sent to ${quoted(place)}`];
    if (after === undefined) return [`${quoted(place)} is no longer a machine of the registry`];
    return changedKeys(before, after).map(
        (key) => `${key} of ${quoted(place)} is ${quoted(after[key])} instead of ${quoted(before[key])}`,
    );
}
