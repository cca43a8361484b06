/** Which of a stack's identities of CI a command is about: read from its file, unchecked, so nothing else is needed. */
import { UserError } from "../../clients/userError";
import { settingsFromStackFile } from "../../components/settings/fromStackFile";
import { isMap } from "../../components/settings/setting";
import { FIRST_WORKLOAD } from "../../components/settings/workloads";

/** A stack's identities, from its file. */
export interface StackWorkloads {
    /** The group `ci`. */
    ci: Record<string, unknown>;
    /** The group `ciSecrets`. */
    ciSecrets: Record<string, unknown>;
    /** Entries of `ci.workloads`, by name. */
    entries: Record<string, Record<string, unknown>>;
}

/** @throws StackFileError if the stack has no readable file */
export function stackWorkloads(folder: string, stack: string): StackWorkloads {
    const { ci, ciSecrets } = settingsFromStackFile(folder, stack).groups;
    const of = (value: unknown) => (isMap(value) ? value : {});
    const entries = Object.entries(of(of(ci).workloads)).filter(([, entry]) => isMap(entry));
    return { ci: of(ci), ciSecrets: of(ciSecrets), entries: Object.fromEntries(entries) as StackWorkloads["entries"] };
}

/**
 * The entry with a name; undefined for the identity that every site has (`ci`, or no name).
 *
 * @throws UserError if there is none with that name
 */
export function entryOf(workloads: StackWorkloads, name: string | undefined): Record<string, unknown> | undefined {
    if (name === undefined || name === FIRST_WORKLOAD) return undefined;
    if (Object.hasOwn(workloads.entries, name)) return workloads.entries[name];
    throw noSuchWorkload(name, [FIRST_WORKLOAD, ...Object.keys(workloads.entries)]);
}

/** The mistake of naming an identity of CI that a stack does not have. */
export const noSuchWorkload = (name: string, there: readonly string[]): UserError =>
    new UserError(
        `There is no identity of CI called ${JSON.stringify(name)}; there are ${there.join(", ")} (ci.workloads).`,
    );

/** Where an identity's key goes according to the settings; without a store if they do not say. */
export function secretsOf(workloads: StackWorkloads, name: string | undefined): Record<string, unknown> {
    const entry = entryOf(workloads, name);
    if (entry === undefined) return workloads.ciSecrets;
    return isMap(entry.secrets) ? { ...workloads.ciSecrets, ...entry.secrets } : {};
}

/** The identities whose key has a place to go. */
export const withSecrets = (workloads: StackWorkloads): string[] =>
    [FIRST_WORKLOAD, ...Object.keys(workloads.entries)].filter((name) => Boolean(secretsOf(workloads, name).store));
