/** What every store of secrets can do. */
import { outsideText } from "../../clients/outsideText";
import { UserError } from "../../clients/userError";
import { masked } from "../shared/masked";
import type { Item } from "./outputs";

/**
 * What became of one item. `written` is said of a secret that existed: a forge shows nobody what a secret holds, so
 * whether it was another value cannot be told, and it is written again, which does no harm. Everything else is
 * compared.
 */
export type Change = "created" | "changed" | "written" | "unchanged";

export interface Store {
    /** Where it is, for people: `the repository ops/images at https://forge.example.org`. */
    readonly place: string;
    /** What an item is in this store: `secret`, `variable` or `line`. */
    kindOf(item: Item): string;
    /**
     * Asks everything that can be known before the first item is written: whether the place is there, what is in it,
     * and whether this may write there.
     * @throws StoreError where something is in the way; then nothing was written
     */
    prepare(items: readonly Item[]): Promise<void>;
    /** Puts one item there, after {@link prepare}; with `dryRun` only finds out what would become of it. */
    put(item: Item, dryRun: boolean): Promise<Change>;
    /** Called after the last item; a store that writes all at once does it now. */
    finish?(dryRun: boolean): Promise<void>;
    /** What else the person should know, after {@link finish}. */
    remarks?(): string[];
}

/** What a forge said, for a sentence: on one line, bounded, and without the secrets that it repeats. */
export const saidByForge = (message: string): string => outsideText(masked(message.slice(0, 4000)), 200);

/** A store that refused; the message names the remedy, and holds no secret. */
export class StoreError extends UserError {}
