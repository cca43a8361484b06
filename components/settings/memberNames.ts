/** What the machines of a registry may be called, and what a change of them means to a review. Pure. */
import { changedKeys, quoted } from "./meanings";
import { type ChangeMeaning, isMap } from "./setting";

/** Why a machine cannot be called so; its name becomes part of names in the stack's state. */
export const memberNameMistake = (value: string): string | undefined =>
    /^[A-Za-z0-9_:][A-Za-z0-9_.:-]{0,252}$/.test(value) ? undefined : "it is no name of letters, digits and ._:-";

/** The port that a member has where its entry says none, as far as a review knows: that of `host`. */
const placeOf = ({ address, port }: Record<string, unknown>): string =>
    `${String(address)}${port === undefined ? "" : ` port ${String(port)}`}`;

/** What a change of `host.members` means: where the config and its secrets are sent, and who is trusted there. */
export function membersChange(before: unknown, after: unknown): ChangeMeaning {
    const [from, to] = [before, after].map(byPlace) as [Machines, Machines];
    const changes = changedKeys(from, to).flatMap((place) => entryChanges(place, from[place], to[place]));
    return { effect: "unclear", words: changes.join("; ") || "the machines of the registry are written otherwise" };
}

type Machines = Record<string, Record<string, unknown>>;

const byPlace = (members: unknown): Machines =>
    Object.fromEntries((Array.isArray(members) ? members : []).filter(isMap).map((entry) => [placeOf(entry), entry]));

function entryChanges(place: string, before: Machines[string] | undefined, after: Machines[string] | undefined) {
    if (before === undefined) return [`the config and its secrets are sent to ${quoted(place)}, too`];
    if (after === undefined) return [`${quoted(place)} is no machine of the registry any longer`];
    return changedKeys(before, after).map(
        (key) => `${key} of ${quoted(place)} is ${quoted(after[key])} instead of ${quoted(before[key])}`,
    );
}
