/** Stops requests to Authentik once it has not answered: otherwise every check would wait for the whole time limit. */
import { failureIn } from "../../clients/authentik/failures";
import { notPossible } from "./outcome";

export class CircuitBreaker {
    /** The message of the first request that Authentik did not answer. */
    private because: string | undefined;

    /**
     * Runs work that sends requests to Authentik.
     *
     * @throws Skipped without running it if Authentik did not answer earlier
     */
    async run<T>(work: () => Promise<T>): Promise<T> {
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
