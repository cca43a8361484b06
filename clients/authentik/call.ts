/** Within which call of a program's requests are sent: who is told what is waited for, and what ends the waiting. */
import { AsyncLocalStorage } from "node:async_hooks";
import { UserError } from "../userError";

export interface Call {
    /** Aborted when the call is to end. */
    cancelled: AbortSignal;
    /** Tells the person. */
    log(severity: "info" | "warning", message: string): Promise<void>;
}

const calls = new AsyncLocalStorage<Call>();

/** The call that is under way; undefined outside of {@link during}. */
export const currentCall = (): Call | undefined => calls.getStore();

/**
 * Runs one call of the engine, so that whatever it waits for is told to the person, and ends when the engine is told to
 * stop or the program's time limit for it (`customTimeouts`) is over.
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
            `It did not come to an end within ${timeoutSeconds} s, the customTimeouts of the resource. ` +
                "Whether Authentik did it all the same, pulumi refresh or the next pulumi up will show.",
        );
    }
}
