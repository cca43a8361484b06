/** The interface of every store of secrets. */
import { outsideText } from "../../clients/outsideText";
import { UserError } from "../../clients/userError";
import { masked } from "../shared/masked";
import type { Item } from "./outputs";

/**
 * What happened to one item. An existing secret is `written`: a forge does not show its content, so it is not known
 * whether it differed, and it is written again, which does no harm. Everything else is compared.
 */
export type Change = "created" | "changed" | "written" | "unchanged";

export interface Store {
    /** Where it is, for people: `the repository ops/images at https://forge.example.org`. */
    readonly place: string;
    /** The kind of an item in this store: `secret`, `variable` or `line`. */
    kindOf(item: Item): string;
    /**
     * Checks everything that can be known before the first item is written: whether the place exists, what is in it,
     * and whether writing is allowed.
     * @throws StoreError if something is in the way; then nothing was written
     */
    prepare(items: readonly Item[]): Promise<void>;
    /** Stores one item, after {@link prepare}; with `dryRun` it only finds out what would happen. */
    put(item: Item, dryRun: boolean): Promise<Change>;
    /** Called after the last item; a store that writes everything at once does it now. */
    finish?(dryRun: boolean): Promise<void>;
    /** What else the person should know, after {@link finish}. */
    remarks?(): string[];
}

/** What a forge said, for a sentence: on one line, limited, and without secrets that it repeats. */
export const saidByForge = (message: string): string => outsideText(masked(message.slice(0, 4000)), 200);

/** A store's refusal; the message names the remedy, and contains no secret. */
export class StoreError extends UserError {}
