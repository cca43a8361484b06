/** Ctrl-C and similar signals: the command cleans up, and its exit code names the signal. */

/** As a shell reports a command that a signal has ended. */
export const EXIT_BY_SIGNAL = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
export type EndingSignal = keyof typeof EXIT_BY_SIGNAL;
export const ENDING_SIGNALS = Object.keys(EXIT_BY_SIGNAL) as EndingSignal[];

/** A signal, which a child process also received, has ended the work. */
export class Interrupted extends Error {
    constructor(readonly signal: EndingSignal) {
        super(`Ended by ${signal}.`);
    }
}

/**
 * Ctrl-C on a terminal reaches a child process at once, but this process only when it returns to its event loop.
 * @throws Interrupted if a child was ended by a signal that ends this process too
 */
export function throwIfInterrupted(ended: unknown): void {
    const signal = (ended as { signal?: unknown } | undefined)?.signal;
    if (typeof signal === "string" && signal in EXIT_BY_SIGNAL) throw new Interrupted(signal as EndingSignal);
}

/**
 * Cleans up at the first signal, and ends the process with the signal's exit code. The listeners stay until `forget`: a
 * library that is the only listener would end the process before anything is cleaned up; and one Ctrl-C may arrive
 * twice, from the terminal and from npm.
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
 * Steps that must finish before their resources are removed. After an interruption no further step starts.
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
            // The interruption ends the process.
            if (this.interrupted) await new Promise(() => undefined);
        }
    }

    /** Resolves once the current step has ended, in whatever way. */
    async interrupt(): Promise<void> {
        this.interrupted = true;
        await this.current?.catch(() => undefined);
    }
}
