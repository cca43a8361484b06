/** The machines of a registry: the one of `host.address`, or those of `host.members`. Pure. */
import type { Settings } from "./declarations";
import { hostKeyOfScan } from "./hostKeys";

/** A machine of the registry. */
export interface Member {
    /**
     * What it is called in messages and in the stack's state. Default: its address, with its SSH port where that is not
     * 22.
     */
    name: string;
    /** The site's settings with what is this machine's own: `host` and `zot` are those of this one. */
    settings: Settings;
    /** Whether an update passes it over. */
    isAway: boolean;
}

/**
 * Every machine, in the order in which they are deployed to. Where `host.members` names none, it is the one of
 * `host.address`.
 */
export function membersOf(settings: Settings): [Member, ...Member[]] {
    const { members, ...shared } = settings.host;
    if (members.length === 0) return [{ name: nameOf(shared), settings, isAway: false }];
    return members.map(({ name, zot, away, ...own }): Member => {
        const host = { ...shared, ...given(own), hostKey: hostKeyOfScan(own.hostKey), members: [] };
        return {
            name: name ?? nameOf(host),
            settings: { ...settings, host, zot: { ...settings.zot, ...given(zot ?? {}) } },
            isAway: away === true,
        };
    }) as [Member, ...Member[]];
}

const nameOf = ({ address, port }: Pick<Settings["host"], "address" | "port">): string =>
    port === 22 ? address : `${address} port ${port}`;

/** Without members that are there and undefined, which would take the place of what is shared. */
const given = <T extends object>(own: T): T =>
    Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)) as T;

/** Whether the registry runs on several machines, or is declared as one that does. */
export const hasMembers = ({ host }: Pick<Settings, "host">): boolean => host.members.length > 0;
