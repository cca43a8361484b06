/** The interface of a check. To add a check, add an object to a list in checks/. */
import type { Context, Need } from "./context";
import type { Outcome } from "./outcome";

export interface Check {
    /** Small letters and dashes; selects the check on the command line, and identifies it in the JSON. */
    id: string;
    /** What must be true, as a statement. */
    title: string;
    needs: readonly Need[];
    /**
     * Sends requests, which are recorded, and judges the answers.
     *
     * @throws Skipped if it does not apply or cannot run; a lost connection counts as the latter
     */
    run(context: Context): Promise<Outcome>;
}
