/** What a check is. The next one is one more object in a list of checks/. */
import type { Context, Need } from "./context";
import type { Outcome } from "./outcome";

export interface Check {
    /** Small letters and dashes; by it a check is chosen on the command line, and found in the JSON. */
    id: string;
    /** What has to hold, as a statement. */
    title: string;
    needs: readonly Need[];
    /**
     * Sends what has to be sent, which is recorded, and judges what came back.
     *
     * @throws Skipped where it does not apply or cannot be run; a lost connection counts as the latter.
     */
    run(context: Context): Promise<Outcome>;
}
