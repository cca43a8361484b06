/** An Authentik that gave no answer once is asked no more: each further request would be waited for as long. */
import { failureIn } from "../../clients/authentik/failures";
import { notPossible } from "./outcome";

export class Silence {
    private because: string | undefined;

    /**
     * Work that asks Authentik for something.
     *
     * @throws Skipped in place of the work, where Authentik did not answer before
     */
    async heeding<T>(work: () => Promise<T>): Promise<T> {
        if (this.because !== undefined) throw notPossible(`Not carried out: ${this.because}`);
        try {
            return await work();
        } catch (error) {
            const failure = failureIn(error);
            if (failure?.kind === "unreachable" || failure?.kind === "starting") this.because ??= failure.message;
            throw error;
        }
    }
}
