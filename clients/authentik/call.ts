/** The call of the engine that requests belong to: who is told what is waited for, and what ends the waiting. */
import { AsyncLocalStorage } from "node:async_hooks";
import { UserError } from "../userError";

export interface Call {
    /** Aborted when the call has to end. */
    cancelled: AbortSignal;
    /** Shows a message to the person. */
    log(severity: "info" | "warning", message: string): Promise<void>;
}

const calls = new AsyncLocalStorage<Call>();

/** The current call; undefined outside of {@link during}. */
export const currentCall = (): Call | undefined => calls.getStore();

/**
 * Runs one call of the engine. The person is told what it waits for. The waiting ends if the engine is told to stop, or
 * if the program's time limit for the call (`customTimeouts`) has passed.
 */
export async function during<Result>(
    call: Call,
    work: () => Promise<Result>,
    timeoutSeconds?: number,
): Promise<Result> {
    if (!timeoutSeconds) return calls.run(call, work);
    const limit = AbortSignal.timeout(timeoutSeconds * 1000);
    const limited: Call = {
        log: (severity, message) => call.log(severity, message),
        cancelled: AbortSignal.any([call.cancelled, limit]),
    };
    try {
        return await calls.run(limited, work);
    } catch (error) {
        if (!limit.aborted) throw error;
        throw new UserError(
            `It did not finish within ${timeoutSeconds} s, the customTimeouts of the resource. ` +
                "pulumi refresh or the next pulumi up will show whether Authentik did it all the same.",
        );
    }
}
