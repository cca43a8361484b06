/** Ctrl-C and its siblings: what a command made is removed, and the exit code says by what it was ended. */

/** As a shell reports a command that was ended by a signal. */
export const EXIT_BY_SIGNAL = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
export type EndingSignal = keyof typeof EXIT_BY_SIGNAL;
export const ENDING_SIGNALS = Object.keys(EXIT_BY_SIGNAL) as EndingSignal[];

/** Work was ended by a signal that a child process got as well. */
export class Interrupted extends Error {
    constructor(readonly signal: EndingSignal) {
        super(`Ended by ${signal}.`);
    }
}

/**
 * Ctrl-C on a terminal reaches a child process at once, and this process only when it returns to its loop.
 * @throws Interrupted where a child was ended by a signal that ends this process too
 */
export function throwIfInterrupted(ended: unknown): void {
    const signal = (ended as { signal?: unknown } | undefined)?.signal;
    if (typeof signal === "string" && signal in EXIT_BY_SIGNAL) throw new Interrupted(signal as EndingSignal);
}

/**
 * Cleans up at the first signal to end, and ends the process with the exit code of the signal. The listeners stay until
 * `forget`: a library that finds itself the only one to listen would end the process before anything is cleaned up; and
 * one Ctrl-C may come twice, from the terminal and from npm.
 */
export function onInterrupt(cleanUp: (signal: EndingSignal) => Promise<void> | void): { forget(): void } {
    let ending = false;
    const end = (signal: NodeJS.Signals) => {
        if (ending) return;
        ending = true;
        void Promise.resolve(cleanUp(signal as EndingSignal))
            .catch((error: unknown) => process.stderr.write(`${(error as Error).message}\n`))
            .then(() => process.exit(EXIT_BY_SIGNAL[signal as EndingSignal]));
    };
    for (const signal of ENDING_SIGNALS) process.on(signal, end);
    return {
        forget() {
            for (const signal of ENDING_SIGNALS) process.removeListener(signal, end);
        },
    };
}

/**
 * Steps that are waited for before what they work with is taken away; a step that was interrupted is not gone on from.
 */
export class Steps {
    private current: Promise<unknown> | undefined;
    private interrupted = false;

    async run<T>(work: () => Promise<T>): Promise<T> {
        const step = work();
        this.current = step;
        try {
            return await step;
        } finally {
            // Who interrupts ends the process.
            if (this.interrupted) await new Promise(() => undefined);
        }
    }

    /** Resolves once what is under way has come to its end, whichever. */
    async interrupt(): Promise<void> {
        this.interrupted = true;
        await this.current?.catch(() => undefined);
    }
}
