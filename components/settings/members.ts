/** The machines of a registry: the one of `host.address`, or those of `host.members`. Pure. */
import type { Settings } from "./declarations";
import { hostKeyOfScan } from "./hostKeys";

/** A machine of the registry. */
export interface Member {
    /**
     * The machine's name in messages and in the stack's state. Default: its address, with its SSH port unless that is
     * 22.
     */
    name: string;
    /** The site's settings, in which `host` and `zot` are those of this machine. */
    settings: Settings;
    /** Whether updates skip it. */
    isAway: boolean;
}

/**
 * Every machine, in the order of deployment. If `host.members` is empty, the only machine is that of `host.address`.
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

/** Drops members that are undefined, because they would replace the shared values. */
const given = <T extends object>(own: T): T =>
    Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)) as T;

/** Whether the registry is declared by a list of machines. */
export const hasMembers = ({ host }: Pick<Settings, "host">): boolean => host.members.length > 0;
